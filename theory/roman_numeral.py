"""Roman numerals: a chord by its degree in a key.

The writing is that of RomanText (Tymoczko, Gotham, Cuthbert, Ariza, "The RomanText Format", ISMIR 2019), which music21
reads too:

- Capitals are major triads (I, V+ augmented), small letters minor ones (ii, vii° or viio diminished, viiø7, vii/o7 or
  vii%7 half-diminished). "IIm7" and "II-7" mean ii7.
- Figures: 6 64, 7 65 43 42 (or 2), 9 11 13, also as 6/4 and 6/5. A seventh (ninth, ...) over a capital is the key's own
  note: I7 and IV7 in major are major sevenths, V7 a dominant one. "maj7" or "M7" says major, "d7" dominant (IVd7 of a
  blues), a small letter takes a minor, ° a diminished seventh.
- Without an accidental a degree is the key's own note; on the 6th and 7th of minor the case decides: VI and VII stand
  on the natural, vi and vii° on the raised degree. A flat counts from the major scale (in minor bVI and VI are the
  same), a sharp raises the key's note (in minor #vi and vi are the same). Lydian counts as major, and the 6th of dorian
  as minor's.
- V7/V is the V7 of the key in which V is the tonic; a small letter after the stroke means a minor key.
- N (or N6) is bII6; Cad64 the tonic's six-four; It6, Fr43 and Ger65 the augmented sixths. As `Chord` has no augmented
  sixth, Ger65 and It6 are spelled as dominant sevenths there (Ab C Eb Gb in C); `RomanNumeral.spelled` has the F#.
- What is added follows as in a chord symbol: Vsus4, V7sus4, V7b9, Iadd9, I[no3].
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from theory import pitch
from theory.chord import DEGREES, PLACES, QUALITIES, Chord
from theory.errors import ChordNameError, KeyNameError, RomanNumeralError
from theory.key import Key

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_MAJOR = (0, 2, 4, -1, 1, 3, 5)  # degrees of a major scale on the line of fifths
# Degrees that a mode has a semitone lower than major.
_LOWERED: dict[str, tuple[int, ...]] = {
    "major": (), "lydian": (), "mixolydian": (7,), "dorian": (3, 6, 7), "minor": (3, 6, 7), "phrygian": (2, 3, 6, 7),
    "locrian": (2, 3, 5, 6, 7),
}  # fmt: skip

# Figure: inversion and extension. Of several with the same meaning the first is the one we write.
_FIGURES: dict[str, tuple[int, int]] = {
    "": (0, 0), "6": (1, 0), "64": (2, 0), "7": (0, 7), "65": (1, 7), "43": (2, 7), "42": (3, 7), "9": (0, 9),
    "11": (0, 11), "13": (0, 13), "5": (0, 0), "53": (0, 0), "63": (1, 0), "2": (3, 7),
}  # fmt: skip
_FIGURE_OF = {meaning: figure for figure, meaning in reversed(_FIGURES.items())}
# Degrees over the seventh that an extension stacks, and how each is called by its place from the root.
_STACKS: dict[int, tuple[int, ...]] = {13: (9, 13), 11: (9, 11), 9: (9,), 7: (), 0: ()}
_STACKED = {9: {2: "9", -5: "b9", 9: "#9"}, 11: {-1: "11", 6: "#11", -8: "11"}, 13: {3: "13", -4: "b13", 10: "13"}}

# Triad and seventh (its place from the root; None: no seventh): chord quality and degrees.
_CHORDS: dict[tuple[str, int | None], tuple[str, tuple[str, ...]]] = {
    ("maj", None): ("maj", ()), ("maj", -2): ("7", ()), ("maj", 5): ("maj7", ()),
    ("min", None): ("min", ()), ("min", -2): ("m7", ()), ("min", 5): ("mmaj7", ()),
    ("dim", None): ("dim", ()), ("dim", -9): ("dim7", ()), ("dim", 5): ("mmaj7", ("b5",)), ("hdim", -2): ("m7b5", ()),
    ("aug", None): ("aug", ()), ("aug", -2): ("7", ("#5",)), ("aug", 5): ("maj7", ("#5",)),
    ("sus4", None): ("sus4", ()), ("sus4", -2): ("7sus4", ()), ("sus4", 5): ("maj7sus4", ()),
    ("sus2", None): ("sus2", ()), ("sus2", -2): ("7sus2", ()), ("sus2", 5): ("maj7sus2", ()),
}  # fmt: skip
# Chord quality: triad, seventh and degrees.
_READ: dict[str, tuple[str, int | None, tuple[str, ...]]] = {
    **{quality: (*pair, ()) for pair, (quality, degrees) in _CHORDS.items() if not degrees},
    "6": ("maj", None, ("13",)), "m6": ("min", None, ("13",)),
}  # fmt: skip
_SIXTH_CHORDS = {"6": "m7", "m6": "m7b5"}  # over their sixth they are seventh chords
_FIXED_SEVENTHS = {"min": -2, "dim": -9, "hdim": -2}  # of triads whose seventh does not look at the key
_SAID_SEVENTHS = {"maj": 5, "d": -2}
_MARKS = {"dim": "°", "hdim": "ø", "aug": "+"}
_SMALL = ("min", "dim", "hdim")
# A chord whose fifth is that of the triad, to read alterations against.
_ALTERED_FIFTHS = {"dim": "Cdim7", "hdim": "Cm7b5", "aug": "Caug"}
_READ_MARKS = {
    "°": "dim", "o": "dim", "dim": "dim", "ø": "hdim", "%": "hdim", "/o": "hdim", "+": "aug", "aug": "aug", "m": "min",
    "-": "min", "min": "min",
}  # fmt: skip
_READ_SEVENTHS = {None: "", "maj": "maj", "M": "maj", "Δ": "maj", "d": "d"}

# Augmented sixths: the root from the tonic, quality, degrees and bass of the chord that stands for each.
_SIXTHS: dict[str, tuple[int, str, tuple[str, ...], int]] = {
    "It6": (-4, "7", ("no5",), -4), "Ger65": (-4, "7", (), -4), "Fr43": (2, "7", ("b5",), -4),
}  # fmt: skip
_NAMES = {
    **dict.fromkeys(("It6", "It", "It+6"), "It6"), **dict.fromkeys(("Ger65", "Ger", "Ger6", "Ger+6"), "Ger65"),
    **dict.fromkeys(("Fr43", "Fr", "Fr6", "Fr+6"), "Fr43"), "Cad64": "Cad64",
}  # fmt: skip
_NEAPOLITANS = {"N": "bII6", "N6": "bII6", "N53": "bII", "N64": "bII64"}

# Degrees of a key (False: major, True: minor) with a major or minor triad, the tonic apart: chords may be applied to
# them.
TARGETS = {False: ("ii", "iii", "IV", "V", "vi"), True: ("III", "iv", "V", "VI", "VII")}
_RARE_TARGETS: dict[bool, tuple[str, ...]] = {False: (), True: ("ii",)}
# Chords that lead to a degree: how far their root lies from it.
_LEADING = {"maj": 1, "7": 1, "dim": 5, "dim7": 5, "m7b5": 5}
# Root from the tonic and quality of chords with raised degrees that belong to minor.
_OWN_IN_MINOR = {(0, "maj"), (-1, "maj"), (3, "dim"), (3, "m7b5")}

_NUMERAL = re.compile(
    r"(?P<accidental>b{0,2}|#{0,2})(?P<numeral>VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)"
    r"(?P<mark>dim|aug|min|m(?!aj)|/o|[°oø%+-])?(?P<seventh>maj|[MΔ]|d(?=\d))?"
    r"(?P<figure>64|65|43|42|53|63|13|11|[25679])?(?P<tail>[^/]*)"
)
_ASCII = str.maketrans("♯♭−–ºØ△∆", "#b--°øΔΔ")
_LONGEST = 64  # characters
_HELP = "write a degree and figures, as in I, ii65, V7, vii°7, bVI, V7/V, N6 or Ger65"


def key_of(key: Key | str) -> Key:
    """The key that is given, or named, as in "Bb" or "D minor".

    Raises:
        KeyNameError: neither.
    """
    if isinstance(key, str):
        return Key.parse(key)
    if not isinstance(key, Key):
        raise KeyNameError(f"{key!r} is no key: give one by name, as in 'Bb' or 'D minor'")
    return key


@dataclass(frozen=True, slots=True)
class RomanNumeral:
    """A chord by its degree; it sounds once `chord` gives it a key.

    Attributes:
        degree: 1 to 7.
        accidental: sharps (positive) or flats (negative) before it, -2 to 2.
        triad: "maj", "min", "dim", "hdim", "aug", "sus2" or "sus4".
        extension: 0 for a triad, 7, 9, 11 or 13.
        seventh: "" (the key's), "maj" or "d" (dominant).
        inversion: 0 to 3.
        degrees: what is added, altered or left out, keys of `theory.chord.DEGREES`.
        target: the numeral to which it is applied, or None.
        name: "It6", "Ger65", "Fr43" or "Cad64", which say it all; "" for other chords.

    Raises:
        RomanNumeralError: a field that is not in its table, or fields that do not go together.
    """

    degree: int
    accidental: int = 0
    triad: str = "maj"
    extension: int = 0
    seventh: str = ""
    inversion: int = 0
    degrees: tuple[str, ...] = ()
    target: RomanNumeral | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not (1 <= self.degree <= 7 and -2 <= self.accidental <= 2 and self.name in ("", *_NAMES.values())):
            raise RomanNumeralError(f"no numeral has degree {self.degree} and {self.accidental} sharps: {_HELP}")
        if (self.inversion, self.extension) not in _FIGURE_OF:
            raise RomanNumeralError(f"no figure says inversion {self.inversion} with extension {self.extension}")
        if self.target and self.target.name:
            raise RomanNumeralError(f"a numeral is applied to a degree, not to {self.target}")
        if self.seventh not in ("", *_SAID_SEVENTHS) or (self.seventh and not self.extension):
            raise RomanNumeralError(f"no seventh is called {self.seventh!r}: {_HELP}")
        if (self.triad, _seventh(self, "major")) not in _CHORDS or not DEGREES.keys() >= set(self.degrees):
            raise RomanNumeralError(f"no numeral is a {self.triad} triad with that seventh and degrees: {_HELP}")
        object.__setattr__(self, "degrees", tuple(degree for degree in DEGREES if degree in self.degrees))

    @classmethod
    def parse(cls, text: str) -> RomanNumeral:
        """Read a numeral: "ii65", "vii°7/V", "bVI", "Imaj7", "V7sus4", "N6", "Cad64".

        Raises:
            RomanNumeralError: no Roman numeral.
        """
        plain = unicodedata.normalize("NFKC", re.sub(r"\s+", "", text.translate(_ASCII)))
        plain = re.sub(r"(?<=\d)/(?=\d)", "", plain)
        try:
            if len(plain) > _LONGEST:
                raise LookupError(plain)
            return _read(plain)
        except (LookupError, ChordNameError):
            shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
            raise RomanNumeralError(f"{shown!r} is no Roman numeral: {_HELP}") from None

    @classmethod
    def of(cls, chord: Chord | str, key: Key | str) -> RomanNumeral:
        """The numeral of a chord in a key; both may be given by name, as in `RomanNumeral.of("F#m7b5", "A minor")`.

        A dominant or leading-tone chord with a note outside the key is written as applied (V7/V) where it leads to one
        of the key's triads; a dominant seventh on the flat sixth is Ger65. A bass that is no note of the stacked thirds
        is left out.
        """
        return _numeral_of(Chord.parse(chord) if isinstance(chord, str) else chord, key_of(key))

    def chord(self, key: Key | str) -> Chord:
        """The chord in a key, spelled (within Fbb to B##), with the bass that the figures say."""
        key = key_of(key)
        tonic, mode = _local(self.target, key.tonic, key.mode)
        if self.name in _SIXTHS:
            root, quality, degrees, bass = _SIXTHS[self.name]
            return Chord(_folded(tonic + root), quality, degrees, _folded(tonic + bass))
        if self.name == "Cad64":
            return Chord(_folded(tonic), "min" if 3 in _LOWERED[mode] else "maj", (), _folded(tonic + 1))
        root = _root(self, mode)
        quality, altered = _CHORDS[self.triad, _seventh(self, mode)]
        stacked = (_stacked(degree, root, mode) for degree in _STACKS[self.extension])
        said = {_number(degree) for degree in self.degrees}
        degrees = (*altered, *(degree for degree in stacked if _number(degree) not in said), *self.degrees)
        bass = root + _skeleton(quality, degrees)[self.inversion]
        return Chord(_folded(tonic + root), quality, degrees, _folded(tonic + bass))

    def spelled(self, key: Key | str) -> tuple[int, ...]:
        """The chord's notes from the root up on the line of fifths, augmented sixths as such (F# over Ab in C)."""
        chord = self.chord(key)
        sixth = chord.root - 2 if self.name in ("It6", "Ger65") else None
        return tuple(place + 12 if place == sixth else place for place in chord.spelled)

    def __str__(self) -> str:
        return f"{_written(self)}/{self.target}" if self.target else _written(self)


def _read(text: str) -> RomanNumeral:
    """A numeral from text without white space or odd signs; a LookupError or ChordNameError means that it is none."""
    head, _, target = text.partition("/")
    if head in _NAMES and not target.startswith("o"):
        degree = 1 if head == "Cad64" else 6
        return RomanNumeral(degree, name=_NAMES[head], target=_read(target) if "/" in text else None)
    if head in _NEAPOLITANS:
        text = _NEAPOLITANS[head] + text[len(head) :]
    match = _NUMERAL.match(text)
    if match is None:
        raise LookupError(text)
    rest = text[match.end() :]
    numeral = match["numeral"]
    triad = _READ_MARKS[match["mark"]] if match["mark"] else ("min" if numeral.islower() else "maj")
    inversion, extension = _FIGURES[match["figure"] or ""]
    if triad == "hdim" and not extension:  # "viiø" is a seventh chord, "viiø6" a triad
        triad, extension = ("dim", 0) if inversion else (triad, 7)
    if (triad in ("dim", "hdim") and numeral.isupper()) or (triad == "aug" and numeral.islower()):
        raise LookupError(numeral)
    seventh = _READ_SEVENTHS[match["seventh"]]
    if seventh and not extension:
        extension = 7 if not inversion else 0
    suspended, degrees = _read_tail(match["tail"], triad)
    if suspended and triad != "maj":
        raise LookupError(suspended)
    signs = match["accidental"]
    return RomanNumeral(
        _NUMERALS.index(numeral.upper()) + 1,
        signs.count("#") - signs.count("b"),
        suspended or triad,
        extension,
        seventh,
        inversion,
        degrees,
        _read(rest[1:]) if rest else None,
    )


def _read_tail(tail: str, triad: str) -> tuple[str, tuple[str, ...]]:
    """Suspension ("", "sus2" or "sus4") and degrees of what follows the figures, read as a chord symbol's end."""
    if triad in _ALTERED_FIFTHS:
        own = Chord.parse(_ALTERED_FIFTHS[triad])
        chord = Chord.parse(f"{own}{tail}")
        return {own.quality: ""}[chord.quality], chord.degrees
    chord = Chord.parse(f"C7{tail}")
    return {"7": "", "7sus2": "sus2", "7sus4": "sus4"}[chord.quality], chord.degrees


def _written(numeral: RomanNumeral) -> str:
    """The numeral without what it is applied to."""
    if numeral.name:
        return numeral.name
    sign = "#" * numeral.accidental + "b" * -numeral.accidental
    roman = _NUMERALS[numeral.degree - 1]
    roman = roman.lower() if numeral.triad in _SMALL else roman
    figure = _FIGURE_OF[numeral.inversion, numeral.extension]
    suspended = numeral.triad if numeral.triad.startswith("sus") else ""
    degrees = "".join(f"add{degree}" if degree[0].isdigit() else degree for degree in numeral.degrees)
    if degrees and not suspended and degrees[0] in "b#" and not figure:
        degrees = f"({degrees})"
    text = f"{sign}{roman}{_MARKS.get(numeral.triad, '')}{numeral.seventh}{figure}{suspended}{degrees}"
    return "N6" if text == "bII6" else text


def _alteration(degree: int, accidental: int, small: bool, mode: str) -> int:
    """Sharps of a degree's root against the major scale."""
    lowered = -1 if degree in _LOWERED[mode] else 0
    if accidental == 0:
        return 0 if small and degree in (6, 7) else lowered
    return accidental if accidental < 0 else lowered + accidental


def _root(numeral: RomanNumeral, mode: str) -> int:
    """Place of the root on the line of fifths from the tonic."""
    small = numeral.triad in _SMALL
    return _MAJOR[numeral.degree - 1] + 7 * _alteration(numeral.degree, numeral.accidental, small, mode)


def _diatonic(root: int, letter: int, mode: str) -> int:
    """The key's own note so many letters (0 to 6) above a root: its place from the root, which is from the tonic."""
    scale = (place - 7 * (degree in _LOWERED[mode]) for degree, place in enumerate(_MAJOR, start=1))
    return next(place - root for place in scale if (place - root - 2 * letter) % 7 == 0)


def _seventh(numeral: RomanNumeral, mode: str) -> int | None:
    """Place of the seventh from the root; None for a triad."""
    if not numeral.extension:
        return None
    if numeral.seventh:
        return _SAID_SEVENTHS[numeral.seventh]
    if numeral.triad in _FIXED_SEVENTHS:
        return _FIXED_SEVENTHS[numeral.triad]
    return 5 if _diatonic(_root(numeral, mode), 6, mode) >= 5 else -2


def _stacked(degree: int, root: int, mode: str) -> str:
    """Name of the key's own ninth, eleventh or thirteenth over a root."""
    kinds = _STACKED[degree]
    return kinds.get(_diatonic(root, degree - 8, mode), str(degree))


def _number(degree: str) -> str:
    """A degree without its accidental: "9" of "b9"."""
    return degree.lstrip("b#")


def _skeleton(quality: str, degrees: tuple[str, ...]) -> tuple[int, ...]:
    """Root, third, fifth and seventh, places from the root, the fifth altered as the degrees say."""
    fifths = [DEGREES[degree] for degree in degrees if degree in ("b5", "#5")]
    return tuple(fifths[0] if note == 1 and fifths and fifths[0] else note for note in QUALITIES[quality])


def _local(target: RomanNumeral | None, tonic: int, mode: str) -> tuple[int, str]:
    """Tonic and mode of the key in which a numeral stands that is applied to another."""
    if target is None:
        return tonic, mode
    tonic, mode = _local(target.target, tonic, mode)
    return tonic + _root(target, mode), "minor" if target.triad in _SMALL else "major"


def _folded(place: int) -> int:
    """Place within a chord's bounds with the same pitch class, moved as little as possible."""
    while place not in PLACES:
        place += 12 if place < 0 else -12
    return place


@lru_cache(maxsize=1 << 16)
def _numeral_of(chord: Chord, key: Key) -> RomanNumeral:
    placed = (chord.root - key.tonic, chord.quality, chord.degrees, chord.bass - key.tonic)
    for name, sixth in _SIXTHS.items():
        if placed == sixth:
            return RomanNumeral(6, name=name)
    return _applied(chord, key) or _plain(chord, key.tonic, key.mode)


def _applied(chord: Chord, key: Key) -> RomanNumeral | None:
    """The numeral of a chord that leads to a degree and has a note outside the key."""
    minor = key.is_minor
    own = {*key.scale, *((key.tonic + 5,) if minor else ())}
    if chord.quality not in _LEADING or own.issuperset(chord.spelled):
        return None
    if minor and (chord.root - key.tonic, chord.quality) in _OWN_IN_MINOR:
        return None
    for text in (*TARGETS[minor], *_RARE_TARGETS[minor]):
        target = RomanNumeral.parse(text)
        tonic, mode = _local(target, key.tonic, key.mode)
        if chord.root - tonic == _LEADING[chord.quality]:
            return replace(_plain(chord, tonic, mode), target=target)
    return None


def _plain(chord: Chord, tonic: int, mode: str) -> RomanNumeral:
    """The numeral of a chord on a degree of the key itself."""
    root, quality, degrees = chord.root, chord.quality, chord.degrees
    if quality == "5":  # its third is the key's
        third = _diatonic(root - tonic, 2, mode)
        quality, degrees = "maj" if third > 0 else "min", ("no3", *degrees)
    notes = _skeleton(quality, degrees)
    classes = [pitch.pitch_class_of(root + note) for note in notes]
    inversion = classes.index(chord.bass_pitch_class) if chord.bass_pitch_class in classes else 0
    if inversion == 3 and quality in _SIXTH_CHORDS:
        root, quality = (root, quality) if degrees else (root + notes[inversion], _SIXTH_CHORDS[quality])
        inversion = 0
    triad, seventh, added = _READ[quality]
    degrees = (*added, *degrees)
    for raised, (base, alterations) in _CHORDS.items():
        if alterations and base == quality and set(alterations) <= set(degrees):
            (triad, seventh), degrees = raised, tuple(degree for degree in degrees if degree not in alterations)
    degree, accidental = _degree(root - tonic, triad in _SMALL, mode)
    extension = 0 if seventh is None else 7
    numeral = RomanNumeral(degree, accidental, triad, extension, "", inversion, degrees)
    if seventh != _seventh(numeral, mode):
        numeral = replace(numeral, seventh="maj" if seventh == 5 else "d")
    return _stacked_up(numeral, mode) if extension and not inversion else numeral


def _stacked_up(numeral: RomanNumeral, mode: str) -> RomanNumeral:
    """The seventh chord with the highest figure whose notes it has."""
    for extension, stack in _STACKS.items():
        implied = {_stacked(degree, _root(numeral, mode), mode) for degree in stack}
        kept = tuple(degree for degree in numeral.degrees if degree not in implied)
        if implied <= set(numeral.degrees) and not {*map(_number, implied)} & {*map(_number, kept)}:
            return replace(numeral, extension=max(extension, 7), degrees=kept)
    return numeral


def _degree(place: int, small: bool, mode: str) -> tuple[int, int]:
    """Degree and accidental of a root so far from the tonic; a far root is written as its enharmonic neighbour."""
    for near in (place, place - 12, place + 12, place - 24, place + 24):
        degree = next(degree for degree, own in enumerate(_MAJOR, start=1) if (near - own) % 7 == 0)
        for accidental in (0, -1, 1, -2, 2):
            if _MAJOR[degree - 1] + 7 * _alteration(degree, accidental, small, mode) == near:
                return degree, accidental
    raise RomanNumeralError(f"no degree lies {place} fifths from the tonic")
