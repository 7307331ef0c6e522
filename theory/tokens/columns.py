"""Token ids as columns: where bars, positions, track entries and notes stand, and what they say.

Made once for a sequence, for checking it (`theory.tokens.validation`) and for decoding it (`theory.tokens.decoding`).
Tokens are sorted by kind once; every kind has one run of ids, so values are read only where they are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.score import IntArray
from theory.tokens.vocabulary import EXPRESSIVE, LOW_STEPS, Kind

Kinds = NDArray[np.uint8]

_EVERY_KIND = np.arange(len(Kind) + 1, dtype=np.uint8)
_VALUES = EXPRESSIVE.values.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Places:
    """Where tokens of each kind stand.

    Attributes:
        order: int64 (n,), places of all tokens, those of the first kind first.
        bounds: where in `order` each kind begins, and the end.
    """

    order: IntArray
    bounds: list[int]

    @classmethod
    def of(cls, kind: Kinds) -> Places:
        """Places of tokens of kinds, uint8 (n,)."""
        order = kind.argsort(kind="stable")
        return cls(order, kind.take(order).searchsorted(_EVERY_KIND).tolist())

    def __getitem__(self, kind: int) -> IntArray:
        """Places of a kind, rising, int64."""
        return self.order[self.bounds[kind] : self.bounds[kind + 1]]

    def count(self, kind: Kind) -> int:
        """How many tokens are of a kind."""
        return self.bounds[kind + 1] - self.bounds[kind]


class Columns(NamedTuple):
    """A sequence of n tokens.

    Attributes:
        ids: intp (n,).
        kind: uint8 (n,), the `Kind` of each token.
        places: where each kind stands.
        declared: where the header declares tracks.
        position: steps from the bar line that each position says, int64 (p,).
        bar_of: number of the bar that each position is in, int32 (p,).
        entries: where tracks begin to play in a bar, int64 (e,).
        position_of: number of the position that each entry is at, int32 (e,).
        notes: where pitches and drums stand, int64 (m,).
        entry_of: number of the entry that each note is in, int32 (m,).
    """

    ids: IntArray
    kind: Kinds
    places: Places
    declared: IntArray
    position: IntArray
    bar_of: NDArray[np.int32]
    entries: IntArray
    position_of: NDArray[np.int32]
    notes: IntArray
    entry_of: NDArray[np.int32]

    @classmethod
    def of(cls, ids: IntArray, kind: Kinds) -> Columns:
        """Columns of ids and their kinds, which follow each other as the grammar wants."""
        places = Places.of(kind)
        bars, positions, tracks, notes = (places[k] for k in (Kind.BAR, Kind.POSITION_LOW, Kind.TRACK, Kind.PITCH))
        if places.count(Kind.DRUM):
            notes = np.sort(np.concatenate([notes, places[Kind.DRUM]]))
        header = int(tracks.searchsorted(bars[0])) if len(bars) else len(tracks)
        entries = tracks[header:]
        return cls(
            ids=ids,
            kind=kind,
            places=places,
            declared=tracks[:header],
            position=numbers(ids, places, Kind.POSITION_HIGH, Kind.POSITION_LOW),
            bar_of=_counts(kind, Kind.BAR).take(positions) - 1,
            entries=entries,
            position_of=_counts(kind, Kind.POSITION_LOW).take(entries) - 1,
            notes=notes,
            entry_of=_counts(kind, Kind.TRACK).take(notes) - (header + 1),
        )

    @property
    def bars(self) -> IntArray:
        """Where bars begin, int64 (b,)."""
        return self.places[Kind.BAR]

    @property
    def positions(self) -> IntArray:
        """Where the last token of each position stands, int64 (p,)."""
        return self.places[Kind.POSITION_LOW]

    def value(self, at: IntArray) -> IntArray:
        """Values of the tokens at places, int64."""
        return _VALUES.take(self.ids.take(at))

    def durations(self) -> IntArray:
        """Steps that each note lasts, int64 (m,)."""
        return numbers(self.ids, self.places, Kind.DURATION_HIGH, Kind.DURATION_LOW)


def _counts(kind: Kinds, wanted: Kind) -> NDArray[np.int32]:
    """How many tokens of a kind there were up to each token, int32 (n,)."""
    result: NDArray[np.int32] = (kind == wanted.value).cumsum(dtype=np.int32)
    return result


def numbers(ids: IntArray, places: Places, high: Kind, low: Kind) -> IntArray:
    """What numbers are, in their order: a low token and the high ones before it."""
    result = _VALUES.take(ids.take(places[low]))
    if places.count(high):
        powers = LOW_STEPS << _VALUES.take(ids.take(places[high]))
        np.add.at(result, places[low].searchsorted(places[high]), powers)
    return result
