"""Progressions: chords as a musician types them, by symbol, Roman numeral or function.

"Dm | Gm . A7 . | % | i" gives each bar its chords. Words are read by this table:

    I ii V7/V bVI #iv° N6 It6 Fr43 Ger65 Cad64   Roman numerals (`theory.roman_numeral`): what begins with I, V, i or v
                                                 after its accidentals, and the names
    C Dm F#7/A# b d                              chord symbols (`theory.chord`): all other words; a lone small letter is
                                                 minor, so "b" is B minor
    N.C. NC                                      no chord
    . /                                          the chord before goes on for a beat
    %                                            alone in a bar: the bar before once more
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from theory.chord import QUALITIES, Chord
from theory.errors import ChordNameError, RequestError
from theory.key import Key
from theory.meter import Meter
from theory.roman_numeral import TARGETS, RomanNumeral, key_of

# What the numerals do, by mode (False: major, True: minor), the commonest first (Aldwell, Schachter and Cadwallader,
# "Harmony and Voice Leading"; Kostka and Payne, "Tonal Harmony").
FUNCTIONS: dict[bool, dict[str, tuple[str, ...]]] = {
    False: {
        "tonic": ("I", "vi", "I6", "iii"),
        "predominant": ("IV", "ii6", "ii", "ii65", "ii7", "IV6", "iv", "iiø65", "N6", "V7/V", "vii°7/V", "It6",
                        "Fr43", "Ger65"),
        "dominant": ("V", "V7", "vii°6", "V65", "V42", "V43", "vii°7", "Cad64"),
    },
    True: {
        "tonic": ("i", "VI", "i6", "III"),
        "predominant": ("iv", "ii°6", "iiø65", "iv6", "IV", "ii", "N6", "V7/V", "vii°7/V", "It6", "Fr43", "Ger65"),
        "dominant": ("V", "V7", "vii°6", "vii°7", "V65", "V42", "V43", "v", "VII", "Cad64"),
    },
}  # fmt: skip

_NUMERAL = re.compile(r"[b#♭♯]{0,2}[IViv].*|N\d*(/.*)?|(It|Fr|Ger|Cad)[+\d].*|It|Fr|Ger")
_QUALITY_OF = {intervals: quality for quality, intervals in QUALITIES.items()}
_NO_CHORD = ("N.C.", "NC", "n.c.", "nc")
_GOES_ON = (".", "/")
_AGAIN = "%"
_MAJOR, _MINOR = (0, 2, 4, -1, 1, 3, 5), (0, 2, -3, -1, 1, -4, -2)  # degrees on the line of fifths


class PlacedChord(NamedTuple):
    """A chord (or None: no chord) in a bar.

    Attributes:
        bar: number of the bar, 0 for the first.
        quarters: from the bar line.
        chord: what sounds until the next one.
    """

    bar: int
    quarters: Fraction
    chord: Chord | None


class Pivot(NamedTuple):
    """A chord that belongs to two keys, through which one leads to the other.

    Attributes:
        chord: spelled as in the first key.
        first, second: its numeral in each key.
    """

    chord: Chord
    first: RomanNumeral
    second: RomanNumeral


def parse_chord(word: str, key: Key | str) -> Chord:
    """Read a chord symbol, or a Roman numeral in the key.

    Here and below a key may be given by its name, as in "Bb" or "D minor".

    Raises:
        ChordNameError: neither.
        KeyNameError: no key.
    """
    key = key_of(key)
    return RomanNumeral.parse(word).chord(key) if _NUMERAL.fullmatch(word) else Chord.parse(word)


def has_numerals(text: str) -> bool:
    """Whether a progression, as `parse_progression` reads it, names a degree of its key.

    Raises:
        RequestError: there are no chords.
    """
    return any(_NUMERAL.fullmatch(word) for bar in _bars(text) for word in bar)


def parse_progression(text: str, key: Key | str, meter: Meter) -> tuple[PlacedChord, ...]:
    """Read chords bar by bar: "Dm | Gm | A7 | Dm", "i | iv V7 | i", "C . F . | N.C. | %".

    Bars end at bar lines and at line breaks; a bar line may also stand at either end of a line. Chords of one bar share
    its beats: one a group of beats (`Meter.grouping`) if there are as many, else equal shares where they are whole
    beats (or parts of a beat), else the earlier ones last longer (three chords in 4/4: 2 + 1 + 1 beats). Where dots are
    used, chords and dots together are the beats.

    Returns:
        Chords in order of time, at least one a bar and one at each bar line.

    Raises:
        ChordNameError: a word that is no chord; the message names bar and word.
        KeyNameError: no key.
        RequestError: an empty bar, or chords that do not fit into it; the message names the bar.
    """
    key, placed = key_of(key), list[PlacedChord]()
    for number, words in enumerate(_bars(text)):
        placed += _again(placed, number) if words == [_AGAIN] else _read_bar(number, words, placed, key, meter)
    return tuple(placed)


def progression(numerals: str | Sequence[str], key: Key | str) -> tuple[Chord, ...]:
    """Chords of numerals, symbols or functions in a row: "ii V7 I", "tonic predominant dominant tonic".

    A function stands for its commonest chord, the first of `FUNCTIONS`.

    Raises:
        ChordNameError: a word that is none of these.
        KeyNameError: no key.
        RequestError: no text and no row of texts.
    """
    key = key_of(key)
    words = re.split(r"[\s,|]+", numerals.strip()) if isinstance(numerals, str) else numerals
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise RequestError(f"a progression of {numerals!r}: write numerals or chord symbols, as in 'ii V7 I'")
    table = FUNCTIONS[key.is_minor]
    return tuple(parse_chord(table[word][0] if word in table else word, key) for word in words)


def function_of(chord: Chord, key: Key | str) -> str | None:
    """What a chord does in a key: "tonic", "predominant", "dominant", or None for a chord outside `FUNCTIONS`.

    The inversion counts for nothing, but the tonic's six-four is a dominant.
    """
    key = key_of(key)
    if chord == RomanNumeral.parse("Cad64").chord(key):
        return "dominant"
    for name, numerals in FUNCTIONS[key.is_minor].items():
        members = (RomanNumeral.parse(numeral).chord(key) for numeral in numerals if numeral != "Cad64")
        if any(_without_bass(chord) == _without_bass(member) for member in members):
            return name
    return None


def diatonic_chords(key: Key | str, *, sevenths: bool = False) -> tuple[tuple[RomanNumeral, Chord], ...]:
    """The chords on the key's degrees with their numerals; in minor also those with the leading tone, V and vii°.

    Args:
        key: any mode.
        sevenths: seventh chords in place of triads.
    """
    key = key_of(key)
    chords = _stacked_thirds(key.scale, range(7), 4 if sevenths else 3)
    if key.mode == "minor":
        harmonic = (*key.scale[:6], key.scale[6] + 7)
        chords += _stacked_thirds(harmonic, (4, 6), 4 if sevenths else 3)
    return tuple((RomanNumeral.of(chord, key), chord) for chord in chords)


def secondary_dominants(key: Key | str) -> tuple[tuple[RomanNumeral, Chord], ...]:
    """V7 of each degree that has a major or minor triad, the tonic apart."""
    key = key_of(key)
    numerals = [RomanNumeral.parse(f"V7/{target}") for target in TARGETS[key.is_minor]]
    return tuple((numeral, numeral.chord(key)) for numeral in numerals)


def borrowed_chords(key: Key | str, *, sevenths: bool = False) -> tuple[tuple[RomanNumeral, Chord], ...]:
    """Chords of the parallel key (minor for major, major for minor) that are not the key's own, with their numerals."""
    key = key_of(key)
    own = {chord for _, chord in diatonic_chords(key, sevenths=sevenths)}
    scale = _parallel_scale(key)
    chords = _stacked_thirds(scale, range(7), 4 if sevenths else 3)
    return tuple((RomanNumeral.of(chord, key), chord) for chord in chords if chord not in own)


def pivot_chords(first: Key | str, second: Key | str, *, sevenths: bool = False) -> tuple[Pivot, ...]:
    """Chords that both keys own (as they sound), in order of the first key's degrees.

    >>> [f"{first} = {second}" for _, first, second in pivot_chords("C", "G")]
    ['I = IV', 'iii = vi', 'V = I', 'vi = ii']
    """
    theirs = {_sound(chord): numeral for numeral, chord in diatonic_chords(second, sevenths=sevenths)}
    ours = diatonic_chords(first, sevenths=sevenths)
    return tuple(Pivot(chord, numeral, theirs[_sound(chord)]) for numeral, chord in ours if _sound(chord) in theirs)


def _bars(text: str) -> list[list[str]]:
    """Words of each bar."""
    lines = (re.sub(r"\|\|+|\|\]", "|", line).strip() for line in text.splitlines())
    bars = [bar.split() for line in lines if line for bar in line.removeprefix("|").removesuffix("|").split("|")]
    if not any(bars):
        raise RequestError("a progression without chords: write bars as in 'Dm | Gm | A7 | Dm'")
    return bars


def _again(placed: list[PlacedChord], number: int) -> list[PlacedChord]:
    """The bar before once more."""
    if not number:
        raise RequestError(f"bar 1: no bar stands before {_AGAIN!r} that it could repeat")
    return [before._replace(bar=number) for before in placed if before.bar == number - 1]


def _read_bar(number: int, words: list[str], before: list[PlacedChord], key: Key, meter: Meter) -> list[PlacedChord]:
    where = f"bar {number + 1}"
    if not words:
        raise RequestError(f"{where} is empty: write a chord, N.C. or {_AGAIN}")
    if words[0] in _GOES_ON and not before:
        raise RequestError(f"{where}: no chord stands before the dot")
    is_counted = any(word in _GOES_ON for word in words)
    if is_counted and len(words) != meter.beats:
        raise RequestError(f"{where}: chords and dots make {len(words)} beats, {meter} has {meter.beats}")
    shares = (meter.beat_quarters,) * meter.beats if is_counted else _shares(len(words), meter, where)
    placed = []
    for index, word in enumerate(words):
        start = sum(shares[:index], Fraction(0))
        if word not in _GOES_ON:
            placed.append(PlacedChord(number, start, _read_chord(word, key, where)))
        elif index == 0:
            placed.append(PlacedChord(number, start, before[-1].chord))
    return placed


def _read_chord(word: str, key: Key, where: str) -> Chord | None:
    if word in _NO_CHORD:
        return None
    try:
        return parse_chord(word, key)
    except ChordNameError as error:
        raise type(error)(f"{where}: {error}") from None


def _shares(count: int, meter: Meter, where: str) -> tuple[Fraction, ...]:
    """Quarters that each of so many chords lasts."""
    groups, beats = meter.grouping(), meter.beats
    if count == len(groups):
        return tuple(group * meter.beat_quarters for group in groups)
    if count <= beats:
        return _earlier_longer(count, beats, meter.beat_quarters)
    if count % beats == 0:
        return _in_parts(count // beats, 1, meter, where) * beats
    return _in_parts(count, beats, meter, where)


def _in_parts(count: int, beats: int, meter: Meter, where: str) -> tuple[Fraction, ...]:
    """Shares of some beats in halves (thirds of a compound beat) or, if those are too few, in halves of these."""
    for parts in (3, 6) if meter.is_compound else (2, 4):
        if count <= parts * beats:
            return _earlier_longer(count, parts * beats, meter.beat_quarters / parts)
    raise RequestError(f"{where}: too many chords for a bar of {meter}")


def _earlier_longer(count: int, parts: int, part: Fraction) -> tuple[Fraction, ...]:
    """So many shares of all parts, as equal as can be, the longer ones first."""
    whole, longer = divmod(parts, count)
    return tuple((whole + (index < longer)) * part for index in range(count))


def _stacked_thirds(scale: Sequence[int], degrees: Sequence[int], notes: int) -> tuple[Chord, ...]:
    """Chords of so many notes on the degrees (0 for the first) of a scale of seven."""
    chords = []
    for degree in degrees:
        root = scale[degree]
        intervals = tuple(scale[(degree + 2 * index) % 7] - root for index in range(notes))
        chords.append(Chord(root, _QUALITY_OF[intervals], (), root))
    return tuple(chords)


def _without_bass(chord: Chord) -> Chord:
    return Chord(chord.root, chord.quality, chord.degrees, chord.root)


def _sound(chord: Chord) -> tuple[int, str]:
    """What two chords that sound alike share."""
    return chord.root_pitch_class, chord.quality


def _parallel_scale(key: Key) -> tuple[int, ...]:
    """Scale of the major key on a minor tonic, of the minor key on a major one, as places on the line of fifths."""
    return tuple(key.tonic + place for place in (_MAJOR if key.is_minor else _MINOR))
