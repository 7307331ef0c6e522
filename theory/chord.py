"""Chord symbols: a root, a quality, degrees and a bass.

A chord is a stacked-third skeleton (its quality) and a few degrees that alter it, add to it or take from it. Both come
from small closed tables, so every chord is a short combination of words: "C13b9/E" is the quality "7" with the degrees
"b9" and "13" over an E. Notes are places on the line of fifths from the root, so chords are spelled.

The names follow common practice (Brandt and Roemer, "Standardized Chord Symbol Notation", 1976). A 13th implies the 9th
but not the 11th, which players leave out; an altered degree replaces the natural one that the number implies.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from theory import pitch
from theory.errors import ChordNameError

# Both tables are append-only: a place in them is a token id. Values: places on the line of fifths from the root.
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 1), "min": (0, -3, 1), "dim": (0, -3, -6), "aug": (0, 4, 8), "sus2": (0, 2, 1), "sus4": (0, -1, 1),
    "5": (0, 1), "6": (0, 4, 1, 3), "m6": (0, -3, 1, 3), "7": (0, 4, 1, -2), "maj7": (0, 4, 1, 5),
    "m7": (0, -3, 1, -2), "mmaj7": (0, -3, 1, 5), "m7b5": (0, -3, -6, -2), "dim7": (0, -3, -6, -9),
    "7sus4": (0, -1, 1, -2), "maj7sus4": (0, -1, 1, 5), "7sus2": (0, 2, 1, -2), "maj7sus2": (0, 2, 1, 5),
}  # fmt: skip
DEGREES: dict[str, int | None] = {
    "b5": -6, "#5": 8, "b9": -5, "9": 2, "#9": 9, "11": -1, "#11": 6, "b13": -4, "13": 3, "no3": None, "no5": None,
}  # fmt: skip
PLACES = range(-15, 20)  # of roots and basses: Fbb to B##

_THIRDS, _FIFTHS, _SEVENTHS = (4, -3), (1, -6, 8), (-2, 5, -9)
_SUSPENSIONS = (2, -1)  # what stands for a third
# A quality with a degree that is another quality.
_RENAMED = {
    ("maj", "#5"): "aug", ("min", "b5"): "dim", ("m7", "b5"): "m7b5", ("maj", "no3"): "5", ("min", "no3"): "5",
    ("maj", "13"): "6", ("min", "13"): "m6",
}  # fmt: skip

# How a symbol begins: each family's qualities without a number, with a sixth, with a seventh and with "5".
_FAMILIES = {
    "": ("maj", "6", "7", "5"), "maj": ("maj", "6", "maj7"), "min": ("min", "m6", "m7"), "dom": ("", "", "7"),
    "minmaj": ("", "", "mmaj7"), "dim": ("dim", "", "dim7"), "dimmaj": ("", "", "mmaj7"), "aug": ("aug", "", "7"),
    "augmaj": ("", "", "maj7"), "hdim": ("m7b5", "", "m7b5"),
}  # fmt: skip
_FAMILY_DEGREES: dict[str, tuple[str, ...]] = {"aug": ("#5",), "augmaj": ("#5",), "dimmaj": ("b5",)}
# For each number its column in _FAMILIES and the degrees it implies, the highest first.
_NUMBERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "": (0, ()), "6/9": (1, ("9",)), "69": (1, ("9",)), "6": (1, ()), "13": (2, ("13", "9")),
    "11": (2, ("11", "9")), "9": (2, ("9",)), "7": (2, ()), "5": (3, ()),
}  # fmt: skip
_SUSPENDED = {
    "sus4": {"maj": "sus4", "min": "sus4", "7": "7sus4", "m7": "7sus4", "maj7": "maj7sus4"},
    "sus2": {"maj": "sus2", "min": "sus2", "7": "7sus2", "m7": "7sus2", "maj7": "maj7sus2"},
}
_MAJOR_SEVENTH = {"maj": "maj7", "min": "mmaj7", "m7": "mmaj7", "sus4": "maj7sus4", "sus2": "maj7sus2"}

# How a symbol is written: the braces take the number. A quality that is not here is written as it is called.
_SYMBOLS = {
    "maj": "", "min": "m", "6": "{}", "m6": "m{}", "7": "{}", "maj7": "maj{}", "m7": "m{}", "mmaj7": "m(maj{})",
    "m7b5": "m{}b5", "dim7": "dim{}", "7sus4": "{}sus4", "maj7sus4": "maj{}sus4", "7sus2": "{}sus2",
    "maj7sus2": "maj{}sus2",
}  # fmt: skip

_NOTE = r"[A-Ga-g](?:##|bb|[#bx])?"
_WORDS = {
    "hdim": "half-?dim|hdim|ø", "maj": "(?i:major|maj|ma(?!dd))|M(?![Ii])", "min": "(?i:minor|min|mi)|m|-",
    "dim": "(?i:dim)|o|°", "aug": r"(?i:aug)|\+", "dom": "dom",
}  # fmt: skip
_FAMILY = "|".join(_WORDS.values())
_SYMBOL = re.compile(
    rf"(?P<root>{_NOTE})(?P<family>(?:{_FAMILY})?(?:,?(?:{_WORDS['maj']}))?)(?P<number>6/9|69|13|11|[5679])?"
    rf"(?P<tail>[^/]*)(?:/(?P<bass>{_NOTE}))?"
)
_TAIL = re.compile(
    r"(?P<sus>sus[24]?)|,?(?P<seventh>(?:maj|M)7)|(?P<alt>alt)|(?P<fifth>(?:aug|\+)(?!\d))|(?:no|omit)(?P<no>[35])(?:rd|th)?"
    r"|,?(?:add,?)?(?P<sign>[b#+-])(?P<altered>13|11|[24569])|(?:,?add|,)(?P<natural>13|11|[2469])|,"
)
_ASCII = str.maketrans("♯♭−–ºØ()[]", "#b--°ø,,,,") | {ord("𝄪"): "x", ord("𝄫"): "bb"}
_SIGNS = {"#": "#", "+": "#", "b": "b", "-": "b"}
_AN_OCTAVE_UP = {"2": "9", "4": "11", "6": "13"}
_HELP = "write a root and a quality, as in C, Dm7, F#m7b5, Bbmaj9 or C7(b9)/E"


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root, quality, degrees, bass.

    A combination that has a shorter name takes it: the quality "m7" with the degree "b5" becomes "m7b5".

    Attributes:
        root: place of the root on the line of fifths, one of `PLACES`.
        quality: a key of `QUALITIES`, the stacked-third skeleton.
        degrees: alterations and additions in canonical order, each a key of `DEGREES`.
        bass: place of the bass on the line of fifths (equal to `root` in root position).

    Raises:
        ChordNameError: a field that is not in its table.
    """

    root: int
    quality: str
    degrees: tuple[str, ...]
    bass: int

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ChordNameError(f"{self.quality!r} is no chord quality: choose one of {', '.join(QUALITIES)}")
        for degree in self.degrees:
            if degree not in DEGREES:
                raise ChordNameError(f"{degree!r} is no chord degree: choose among {', '.join(DEGREES)}")
        if self.root not in PLACES or self.bass not in PLACES:
            raise ChordNameError("a chord's root and bass must lie between Fbb and B##")
        quality, degrees = _canonical(self.quality, tuple(self.degrees))
        object.__setattr__(self, "quality", quality)
        object.__setattr__(self, "degrees", degrees)

    @classmethod
    def parse(cls, text: str) -> Chord:
        """Read a chord symbol in any common spelling: "Cmaj7", "C-7", "CΔ7", "F#m7b5", "Bb7(b9,#11)/D".

        A lone small letter means minor, as for keys. "Cb9" is a ninth chord on Cb: write "C(b9)" or "Cadd(b9)".

        Raises:
            ChordNameError: no chord symbol.
        """
        match = _SYMBOL.fullmatch(_plain(text))
        if match is None:
            raise ChordNameError(f"{text!r} is no chord symbol: {_HELP}")
        name, family, number, tail, bass = match.group("root", "family", "number", "tail", "bass")
        if name.islower() and not (family or number or tail):
            family = "min"
        try:
            quality, degrees = _read_suffix(family, number or "", tail)
        except LookupError:
            raise ChordNameError(f"{text!r} is no chord symbol: {_HELP}") from None
        return cls(pitch.fifths_of(name), quality, degrees, pitch.fifths_of(bass or name))

    @property
    def spelled(self) -> tuple[int, ...]:
        """The notes from the root up (third, fifth, seventh, ...) on the line of fifths, without a foreign bass."""
        return tuple(self.root + interval for interval in _intervals(self.quality, self.degrees))

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The notes from the root up as pitch classes, each once, without a foreign bass."""
        return tuple(dict.fromkeys(pitch.pitch_class_of(place) for place in self.spelled))

    @property
    def root_pitch_class(self) -> int:
        """0 to 11, C = 0."""
        return pitch.pitch_class_of(self.root)

    @property
    def bass_pitch_class(self) -> int:
        """0 to 11, C = 0."""
        return pitch.pitch_class_of(self.bass)

    @property
    def third(self) -> int | None:
        """Pitch class of the third, of a suspended chord of the note that stands for it; None where it is left out."""
        note = QUALITIES[self.quality][1]
        has_one = note in (*_THIRDS, *_SUSPENSIONS) and not (note in _THIRDS and "no3" in self.degrees)
        return pitch.pitch_class_of(self.root + note) if has_one else None

    @property
    def seventh(self) -> int | None:
        """Pitch class of the seventh; None for a chord without."""
        sevenths = [note for note in QUALITIES[self.quality][3:] if note in _SEVENTHS]
        return pitch.pitch_class_of(self.root + sevenths[0]) if sevenths else None

    @property
    def is_inverted(self) -> bool:
        """Whether another note than the root is in the bass."""
        return self.bass_pitch_class != self.root_pitch_class

    @property
    def inversion(self) -> int | None:
        """Which chord note is in the bass (0 root, 1 third, 2 fifth, 3 seventh, ...); None when the bass is foreign."""
        notes = self.pitch_classes
        return notes.index(self.bass_pitch_class) if self.bass_pitch_class in notes else None

    def transpose_fifths(self, fifths: int) -> Chord:
        """Transpose along the line of fifths; notes beyond Fbb or B## change to their enharmonic neighbours."""
        return Chord(_folded(self.root + fifths), self.quality, self.degrees, _folded(self.bass + fifths))

    def transpose(self, semitones: int, signature: int = 0) -> Chord:
        """Transpose by semitones; the root is spelled as in a key of so many sharps (flats: negative)."""
        root = _nearest(self.root + 7 * semitones, signature)
        return self.transpose_fifths(root - self.root)

    def __str__(self) -> str:
        head, rest = _head(self.quality, self.degrees)
        tail = [f"add{degree}" if degree[0].isdigit() else degree for degree in rest]
        if tail and tail[0][0] in "b#" and not head.endswith(tuple("0123456789)")):
            suffix = f"({','.join(tail)})"  # "C(b9)", because "Cb9" has the root Cb
        else:
            suffix = "".join(tail)
        bass = "" if self.bass == self.root else f"/{pitch.name_of(self.bass)}"
        return f"{pitch.name_of(self.root)}{head}{suffix}{bass}"


@lru_cache(maxsize=4096)
def _canonical(quality: str, degrees: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Shortest name of a chord: degrees in order, none twice, none that says nothing new."""
    ordered = tuple(degree for degree in DEGREES if degree in degrees)
    for degree in ordered:
        if renamed := _RENAMED.get((quality, degree)):
            return _canonical(renamed, tuple(other for other in ordered if other != degree))
    notes = set(QUALITIES[quality])
    idle = {degree for degree in ordered if DEGREES[degree] in notes}
    if notes.isdisjoint(_THIRDS):
        idle.add("no3")
    if notes.isdisjoint(_FIFTHS) or (1 in notes and {"b5", "#5"} & set(ordered)):
        idle.add("no5")
    return quality, tuple(degree for degree in ordered if degree not in idle)


@lru_cache(maxsize=4096)
def _intervals(quality: str, degrees: tuple[str, ...]) -> tuple[int, ...]:
    """Places on the line of fifths from the root: b5 and #5 replace the perfect fifth, no3 and no5 take away."""
    fifths = [DEGREES[degree] for degree in degrees if degree in ("b5", "#5")]
    dropped = (_THIRDS if "no3" in degrees else ()) + (_FIFTHS if "no5" in degrees else ())
    notes: list[int | None] = []
    for note in QUALITIES[quality]:
        if note not in dropped:
            notes += fifths if note == 1 and fifths else [note]
    notes += [DEGREES[degree] for degree in degrees]
    return tuple(dict.fromkeys(note for note in notes if note is not None))


def _implied(number: str, degrees: tuple[str, ...]) -> tuple[str, ...]:
    """Natural degrees that a number implies beside these degrees: C13b9 has no natural ninth."""
    altered = {degree[1:] for degree in degrees if degree[0] in "b#"}
    return tuple(degree for degree in _NUMBERS[number][1] if degree not in altered)


def _head(quality: str, degrees: tuple[str, ...]) -> tuple[str, list[str]]:
    """Symbol of the quality with the highest number that fits, and the degrees which that number does not imply."""
    symbol = _SYMBOLS.get(quality, quality)
    if "{}" not in symbol:
        return symbol, list(degrees)
    numbers = ("6/9", "6") if quality in ("6", "m6") else ("13", "11", "9", "7")
    for number in numbers:
        implied, stack = _implied(number, degrees), _NUMBERS[number][1]
        if set(stack[:1]) <= set(implied) <= set(degrees):
            break
    return symbol.format(number), [degree for degree in degrees if degree not in implied]


def _plain(text: str) -> str:
    """Rewrite a symbol with ASCII signs (but for ø and °), and commas in place of brackets."""
    text = unicodedata.normalize("NFKC", re.sub(r"\s+", "", text.translate(_ASCII)))
    return re.sub("[Δ△∆^]", "maj", re.sub(r"[Δ△∆^]7?(?!\d)", "maj7", text))


def _read_suffix(family: str, number: str, tail: str) -> tuple[str, tuple[str, ...]]:
    """Quality and degrees of what follows the root; a LookupError means that it is no chord."""
    found = re.findall(_FAMILY, family)
    words = "".join(word for text in found for word, pattern in _WORDS.items() if re.fullmatch(pattern, text))
    quality, degrees = _FAMILIES[words][_NUMBERS[number][0]], _FAMILY_DEGREES.get(words, ())
    end = 0
    while end < len(tail):
        match = _TAIL.match(tail, end)
        if match is None:
            raise LookupError(tail[end:])
        quality, more = _read_word(quality, match)
        degrees, end = degrees + more, match.end()
    if quality not in QUALITIES:
        raise LookupError(family)
    return quality, degrees + _implied(number, degrees)


def _read_word(quality: str, match: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    """Quality after one more word of the tail, and the degrees that the word adds."""
    match match.lastgroup, match.group(match.lastgroup or 0):
        case "sus", text:
            return _SUSPENDED["sus2" if text == "sus2" else "sus4"][quality], ()
        case "seventh", _:
            return _MAJOR_SEVENTH[quality], ()
        case "alt", _:
            return {"maj": "7", "7": "7"}[quality], ("b5", "#5", "b9", "#9")
        case "fifth", _:
            return quality, ("#5",)
        case "no", text:
            return quality, (f"no{text}",)
        case "altered", text:
            degree = _SIGNS[match["sign"]] + _AN_OCTAVE_UP.get(text, text)
        case "natural", text:
            degree = _AN_OCTAVE_UP.get(text, text)
        case _:
            return quality, ()
    return quality, (degree,)


def _folded(place: int) -> int:
    """Place among `PLACES` with the same pitch class, moved as little as possible."""
    while place not in PLACES:
        place += 12 if place < 0 else -12
    return place


def _nearest(place: int, signature: int) -> int:
    """Root with this pitch class as a key's chords spell it: from the Neapolitan (Db in C major) to F#."""
    return (place - signature + 5) % 12 - 5 + signature
