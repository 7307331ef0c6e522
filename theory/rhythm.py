"""Rhythm: the grid of steps, written note values, and how a musician ties a duration together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import RequestError
from theory.meter import Meter

STEPS_PER_QUARTER = 24  # holds 32nd notes, and triplets down to 16ths

KINDS = {
    "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2), "quarter": Fraction(1), "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4), "32nd": Fraction(1, 8), "64th": Fraction(1, 16), "128th": Fraction(1, 32),
}  # fmt: skip
_DOTS = ("", "dotted ", "double-dotted ")
_TUPLETS = {(1, 1): "", (3, 2): "triplet ", (5, 4): "quintuplet ", (7, 4): "septuplet "}


def rescale(ticks: ArrayLike, old: int, new: int) -> NDArray[np.int64]:
    """Times in units of 1/old of a quarter in units of 1/new, same shape: nearest, halves up, exact integers."""
    result: NDArray[np.int64] = (2 * new * np.asarray(ticks, dtype=np.int64) + old) // (2 * old)
    return result


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of equal steps.

    Attributes:
        steps_per_quarter: 24 holds 32nd notes, and triplets down to 16ths.
    """

    steps_per_quarter: int = STEPS_PER_QUARTER

    def __post_init__(self) -> None:
        if self.steps_per_quarter < 1:
            raise RequestError(f"{self.steps_per_quarter} steps a quarter: at least 1 is needed")

    def quantize(self, ticks: ArrayLike, ticks_per_quarter: int) -> NDArray[np.int64]:
        """Nearest steps to ticks (halves up), same shape."""
        return rescale(ticks, ticks_per_quarter, self.steps_per_quarter)

    def to_ticks(self, steps: ArrayLike, ticks_per_quarter: int) -> NDArray[np.int64]:
        """Nearest ticks to steps (halves up), same shape; exact where `steps_per_quarter` divides the ticks."""
        return rescale(steps, self.steps_per_quarter, ticks_per_quarter)


@dataclass(frozen=True, slots=True)
class NoteValue:
    """A duration as one written note.

    Attributes:
        kind: one of `KINDS` (MusicXML's names).
        dots: 0 to 2.
        tuplet: so many notes in the time of so many: (3, 2) for a triplet, (1, 1) for none.
    """

    kind: str
    dots: int = 0
    tuplet: tuple[int, int] = (1, 1)

    @property
    def quarters(self) -> Fraction:
        """Length in quarters."""
        actual, normal = self.tuplet
        return KINDS[self.kind] * (2 - Fraction(1, 2**self.dots)) * normal / actual

    @property
    def name(self) -> str:
        """In words: "quarter", "dotted eighth", "triplet 16th"."""
        return f"{_DOTS[self.dots]}{_TUPLETS[self.tuplet]}{self.kind}"

    def __str__(self) -> str:
        return self.name


def _table() -> dict[Fraction, NoteValue]:
    """Every length that one note can say, each in its plainest writing (a dotted triplet eighth is an eighth)."""
    values: dict[Fraction, NoteValue] = {}
    for tuplet in _TUPLETS:
        for dots in range(3 if tuplet == (1, 1) else 2):
            for kind in KINDS:
                value = NoteValue(kind, dots, tuplet)
                values.setdefault(value.quarters, value)
    return values


_VALUES = _table()


def note_value(quarters: Fraction) -> NoteValue | None:
    """The one written note that lasts so many quarters, or None: it takes several notes, tied.

    >>> str(note_value(Fraction(3, 4)))
    'dotted eighth'
    """
    return _VALUES.get(quarters)


@lru_cache(maxsize=65536)
def split_duration(onset: Fraction, duration: Fraction, meter: Meter) -> tuple[Fraction, ...]:
    """Lengths in quarters of the tied notes that a musician would write.

    Bar lines, the middle of a bar and the beats stay visible, as in Gould, "Behind Bars" (2011), p. 166 ff.; simple
    syncopations (eighth, quarter, eighth) and tuplets of 3, 5 and 7 are one note. Each length has a `note_value`,
    except a remainder below a 64th that none of these tuplets can say.

    Args:
        onset: quarters from any bar line.
        duration: quarters, more than 0.
        meter: of the bars the note lies in.
    """
    bar = meter.bar_quarters
    shape = (meter.beats, 3) if meter.is_compound else (meter.beats,)
    start, end = onset % bar, onset % bar + duration
    pieces: list[Fraction] = []
    while start < end:
        stop = min(end, bar)
        pieces += _split(start, stop, Fraction(0), bar, shape)
        start, end = Fraction(0), end - bar
    return tuple(pieces)


def _split(start: Fraction, end: Fraction, low: Fraction, length: Fraction, shape: tuple[int, ...]) -> list[Fraction]:
    """Pieces of a note inside the span of time from `low` on.

    The span's shape says into how many atoms (beats, then thirds of a beat) it divides; what is smaller divides by two.
    """
    if length <= KINDS["64th"]:
        return [end - start]
    atoms = shape[0] if shape[0] > 1 else 2
    sizes = _parts(atoms)
    lines = [low]
    for size in sizes:
        lines.append(lines[-1] + length * size / atoms)
    inner = [line for line in lines if start < line < end]
    if inner and _is_one_note(start, end, lines, dotted_beats=len(shape) > 1):
        return [end - start]
    if inner:
        cut = inner[-1] if start in lines else inner[0]
        return _split(start, cut, low, length, shape) + _split(cut, end, low, length, shape)
    part = max(index for index, line in enumerate(lines) if line <= start)
    below = (sizes[part], *shape[1:]) if sizes[part] > 1 else shape[1:] or (2,)
    return _split(start, end, lines[part], lines[part + 1] - lines[part], below)


def _parts(atoms: int) -> tuple[int, ...]:
    """How so many beats group: halves where possible, three as three, 5 as 3 + 2, 7 as 2 + 2 + 3."""
    if atoms % 2 == 0:
        return (atoms // 2, atoms // 2)
    if atoms == 5:
        return (3, 2)
    return (1, 1, 1) if atoms == 3 else (2,) * ((atoms - 3) // 2) + (3,)


def _is_one_note(start: Fraction, end: Fraction, lines: list[Fraction], *, dotted_beats: bool) -> bool:
    """Whether a note that crosses a line inside a span may be written as one."""
    value = note_value(end - start)
    if value is None or value.dots > 1:
        return False
    if start in lines and end in lines:
        return True
    lengths = {after - before for before, after in pairwise(lines)}
    if dotted_beats or len(lengths) > 1:
        return False
    length = lines[-1] - lines[0]
    edges = ((start - lines[0]) / length, (end - lines[0]) / length)
    if len(lines) == 4:  # three parts: from one of them on, or duplets in a dotted beat
        if start in lines and value.tuplet == (1, 1):
            return True
        return length <= Fraction(3, 2) and all((4 * edge).denominator == 1 for edge in edges)
    if value.dots and start != lines[0] and length > 2:  # it would hide the middle of the bar
        return False
    return any(all((parts * edge).denominator == 1 for edge in edges) for parts in (4, 3, 5, 7))
