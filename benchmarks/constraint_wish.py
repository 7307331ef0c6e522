"""What a piece is asked to keep, in words of this file alone: nothing of Cadenza is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from benchmarks.hearing import Note

# Length of a bar and of a beat, and where the strong beats are, in quarters.
BARS = {"2/4": Fraction(2), "3/4": Fraction(3), "4/4": Fraction(4), "6/8": Fraction(3), "5/4": Fraction(5)}
BEATS = {meter: Fraction(3, 2) if meter == "6/8" else Fraction(1) for meter in BARS}
STRONG = {"2/4": (Fraction(0),), "3/4": (Fraction(0),), "4/4": (Fraction(0), Fraction(2))}
STRONG |= {"6/8": (Fraction(0), Fraction(3, 2)), "5/4": (Fraction(0), Fraction(3))}
# Sharps of a key (flats negative): its names in a MIDI file, as major and as minor.
SIGNATURES = {
    -7: ("Cb", "Abm"), -6: ("Gb", "Ebm"), -5: ("Db", "Bbm"), -4: ("Ab", "Fm"), -3: ("Eb", "Cm"), -2: ("Bb", "Gm"),
    -1: ("F", "Dm"), 0: ("C", "Am"), 1: ("G", "Em"), 2: ("D", "Bm"), 3: ("A", "F#m"), 4: ("E", "C#m"), 5: ("B", "G#m"),
    6: ("F#", "D#m"), 7: ("C#", "A#m"),
}  # fmt: skip
# Chords of cadences in semitones above the tonic, the bass first, and which of these is the third.
TRIADS: dict[str, tuple[tuple[int, ...], int]] = {
    "I": ((0, 4, 7), 4), "i": ((0, 3, 7), 3), "IV": ((5, 9, 0), 9), "iv": ((5, 8, 0), 8), "V": ((7, 11, 2), 11),
    "vi": ((9, 0, 4), 0), "VI": ((8, 0, 3), 0), "iv6": ((8, 5, 0), 8), "IV6": ((9, 5, 0), 9), "vii6": ((1, 10, 5), 1),
}  # fmt: skip
_MAJOR: dict[str, tuple[str | None, str]] = {
    "perfect": ("V", "I"), "imperfect": ("V", "I"), "half": (None, "V"), "plagal": ("IV", "I"),
    "deceptive": ("V", "vi"), "phrygian": ("iv6", "V"),
}  # fmt: skip
_MINOR: dict[str, tuple[str | None, str]] = {
    "perfect": ("V", "i"), "imperfect": ("V", "i"), "half": (None, "V"), "plagal": ("iv", "i"),
    "deceptive": ("V", "VI"), "phrygian": ("iv6", "V"),
}  # fmt: skip
# Approach and arrival of the cadences of each mode.
CADENCES: dict[str, dict[str, tuple[str | None, str]]] = {
    "major": _MAJOR, "mixolydian": _MAJOR, "minor": _MINOR,
    "dorian": {**_MINOR, "plagal": ("IV", "i"), "deceptive": ("V", "IV6")},
    "phrygian": {
        "perfect": ("vii6", "I"), "imperfect": ("vii6", "I"), "plagal": ("iv", "I"), "phrygian": ("vii6", "I")
    },
}  # fmt: skip
MINOR_THIRD = ("minor", "dorian", "phrygian")


class Harmony(NamedTuple):
    """A chord from a place on: pitch classes (none: no chord), its root, bass and third (None where it has none)."""

    start: Fraction
    classes: frozenset[int] = frozenset()
    root: int = -1
    bass: int = -1
    third: int | None = None


class Lock(NamedTuple):
    """Notes that a part has to sing, and no others, from one place to another."""

    part: int
    start: Fraction
    stop: Fraction
    notes: tuple[Note, ...]


@dataclass
class Wish:
    """What a piece was asked to keep; parts are indices from the top, bars count from 1.

    Attributes:
        tonic, mode, signature: of the key; a pitch class, its mode's name, its sharps.
        scale: pitch classes that notes keep to, or None.
        key_scale: pitch classes of the key.
        is_key_scale: whether `scale` is the key's, so that minor may raise its sixth and seventh.
        harmonies: the given chords in order of time.
        between: what may begin off the strong beats: "chord", "scale", "any".
        ends: whether the piece has to end on the tonic.
        ends_on_chord: whether it has to end on the last given chord.
    """

    meter: str
    bars: int
    tonic: int
    mode: str
    signature: int
    key_scale: frozenset[int]
    ranges: dict[int, tuple[int, int]]
    leaps: dict[int, int] = field(default_factory=dict)
    density: dict[int, tuple[int, int]] = field(default_factory=dict)
    onsets: dict[int, tuple[Fraction, ...]] = field(default_factory=dict)
    durations: dict[int, tuple[Fraction, ...]] = field(default_factory=dict)
    polyphony: int | None = None
    scale: frozenset[int] | None = None
    is_key_scale: bool = False
    harmonies: tuple[Harmony, ...] = ()
    between: str = "scale"
    cadences: list[tuple[int, str]] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    no_parallels: bool = False
    four_part: bool = False
    ends: bool = False
    ends_on_chord: bool = False

    @property
    def needs_thirds(self) -> bool:
        """Whether given chords sound complete; not where hardly more than the bass may sound."""
        return self.four_part and bool(self.harmonies) and (self.polyphony is None or self.polyphony > 2)

    @property
    def spans(self) -> list[tuple[Harmony, Fraction]]:
        """The given chords, each with its end."""
        ends = [chord.start for chord in self.harmonies[1:]] + [self.bars * self.bar]
        return list(zip(self.harmonies, ends, strict=False))

    @property
    def bar(self) -> Fraction:
        """Length of a bar in quarters."""
        return BARS[self.meter]


class Sung(NamedTuple):
    """A chord of a cadence: pitch classes, the bass first, from one place to another; its third."""

    start: Fraction
    stop: Fraction
    classes: tuple[int, ...]
    third: int


def cadence_chords(wish: Wish, bar: int, kind: str) -> list[Sung]:
    """The chords of a cadence in order of time: the approach, where the kind has one, and the arrival."""
    start = (bar - 1) * wish.bar
    spans = [(start - BEATS[wish.meter], start), (start, _held_until(wish, bar))]
    chords = zip(spans, CADENCES[wish.mode][kind], strict=True)
    return [Sung(*span, *_in_key(wish, *TRIADS[name])) for span, name in chords if name]


def _in_key(wish: Wish, notes: tuple[int, ...], third: int) -> tuple[tuple[int, ...], int]:
    return tuple((wish.tonic + note) % 12 for note in notes), (wish.tonic + third) % 12


def _held_until(wish: Wish, bar: int) -> Fraction:
    """Up to where the arrival of a cadence is held: two beats, or the next strong beat, or the end of the piece."""
    if bar == wish.bars:
        return wish.bars * wish.bar
    start = (bar - 1) * wish.bar
    strong = [start + beat for beat in STRONG[wish.meter] if beat > 0] + [start + wish.bar]
    return min(start + 2 * BEATS[wish.meter], *strong)
