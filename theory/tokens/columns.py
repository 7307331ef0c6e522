"""Token ids as columns: where bars, positions, track entries and notes stand, and what they say.

Made once for a sequence, for checking it (`theory.tokens.validation`) and for decoding it (`theory.tokens.decoding`).
Every kind has one run of ids, so values are read only where they are wanted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.score import IntArray
from theory.tokens.vocabulary import EXPRESSIVE, LOW_STEPS, Kind

Kinds = NDArray[np.uint8]

_VALUES = EXPRESSIVE.values.astype(np.int64)
_IS_NOTE = np.zeros(len(Kind), dtype=np.bool_)
_IS_NOTE[[Kind.PITCH.value, Kind.DRUM.value]] = True


class Columns(NamedTuple):
    """A sequence of n tokens.

    Attributes:
        ids: intp (n,).
        kind: uint8 (n,), the `Kind` of each token.
        bars: where bars begin, int64 (b,).
        declared: where the header declares tracks.
        positions: where the last token of each position stands, int64 (p,).
        position: steps from the bar line that they say, int64 (p,).
        bar_of: number of the bar that each position is in, int64 (p,).
        entries: where tracks begin to play in a bar, int64 (e,).
        position_of: number of the position that each entry is at, int64 (e,).
        notes: where pitches and drums stand, int64 (m,).
        entry_of: number of the entry that each note is in, int64 (m,).
    """

    ids: IntArray
    kind: Kinds
    bars: IntArray
    declared: IntArray
    positions: IntArray
    position: IntArray
    bar_of: IntArray
    entries: IntArray
    position_of: IntArray
    notes: IntArray
    entry_of: IntArray

    @classmethod
    def of(cls, ids: IntArray, kind: Kinds) -> Columns:
        """Columns of ids and their kinds, which follow each other as the grammar wants."""
        bars, tracks = where(kind, Kind.BAR), where(kind, Kind.TRACK)
        header = int(np.searchsorted(tracks, bars[0])) if len(bars) else len(tracks)
        entries = tracks[header:]
        positions, position = numbers(ids, kind, Kind.POSITION_HIGH, Kind.POSITION_LOW)
        notes = np.flatnonzero(_IS_NOTE[kind])
        return cls(
            ids=ids,
            kind=kind,
            bars=bars,
            declared=tracks[:header],
            positions=positions,
            position=position,
            bar_of=np.searchsorted(bars, positions) - 1,
            entries=entries,
            position_of=np.searchsorted(positions, entries) - 1,
            notes=notes,
            entry_of=np.cumsum(kind == Kind.TRACK.value)[notes] - (header + 1),
        )

    def where(self, kind: Kind) -> IntArray:
        """Where tokens of a kind stand, int64."""
        return where(self.kind, kind)

    def value(self, at: IntArray) -> IntArray:
        """Values of the tokens at places, int64."""
        result: IntArray = _VALUES[self.ids[at]]
        return result


def where(kind: Kinds, wanted: Kind) -> IntArray:
    """Where tokens of a kind stand, int64."""
    return np.flatnonzero(kind == wanted.value)


def numbers(ids: IntArray, kind: Kinds, high: Kind, low: Kind) -> tuple[IntArray, IntArray]:
    """Where numbers end, and what they are: a low token and the high ones before it."""
    ends = where(kind, low)
    result: IntArray = _VALUES[ids[ends]]
    highs = where(kind, high)
    if len(highs):
        np.add.at(result, np.searchsorted(ends, highs), LOW_STEPS << _VALUES[ids[highs]])
    return ends, result
