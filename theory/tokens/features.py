"""What a player knows at a token besides the tokens: the plan of the piece and what sounds now.

One row for every token, describing the moment after it. A model reads these beside the token, so that it need not
keep count of bars or remember the harmony. `moment` makes one row while sampling, `features` all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.score import IntArray
from theory.tokens.state import State
from theory.tokens.vocabulary import EXPRESSIVE, LOW_STEPS, Kind

PITCHES = 128

# Columns of the plan and how many values each has; 0 means "not known yet" or "none" but for bars left.
COLUMNS: dict[str, int] = {
    "bars_left": 64,  # this bar counted; the last bar has 1
    "position": LOW_STEPS + 1,  # in the bar
    "signature": 16,
    "mode": 8,
    "numerator": 65,
    "exponent": 8,  # of the meter's denominator
    "last_pitch": PITCHES + 1,  # of the current track's last note
    "next_end": LOW_STEPS + 1,  # steps until the first of the sounding notes stops
}


_IS_NOTE = np.isin(np.arange(len(Kind)), (Kind.PITCH, Kind.DRUM))
_IS_TURN = np.isin(np.arange(len(Kind)), (Kind.BAR, Kind.POSITION_LOW, Kind.TRACK))  # who plays is said anew


class Features(NamedTuple):
    """Rows for a token sequence.

    Attributes:
        plan: int32 (n, len(COLUMNS)).
        heard: uint8 (n, 128), 1 where a pitch sounds (drums apart).
    """

    plan: NDArray[np.int32]
    heard: NDArray[np.uint8]


def moment(state: State, bars: int) -> tuple[list[int], list[int]]:
    """Describe the moment a state stands at.

    Args:
        state: after the last token.
        bars: of the whole piece.

    Returns:
        One row of the plan, and the pitches that sound, in order of tracks.
    """
    step, first_end = state.step, LOW_STEPS
    heard = []
    for is_drum, free_at, notes in zip(state.drums, state.free_at, state.sounding, strict=True):
        if is_drum or free_at <= step:
            continue
        for pitch, end in notes.items():
            if end > step:
                heard.append(pitch)
                first_end = min(first_end, end - step)
    signature, mode = (state.key[0] + 8, state.key[1] + 1) if state.key else (0, 0)
    numerator, exponent = (state.meter[0], state.meter[1] + 1) if state.meter else (0, 0)
    has_melody = state.track >= 0 and not state.drums[state.track]
    plan = [
        max(0, min(bars - max(state.bar, 0), 63)),
        min(state.position, LOW_STEPS - 1) + 1,
        signature,
        mode,
        numerator,
        exponent,
        state.last_pitch[state.track] + 1 if has_melody else 0,
        first_end if heard else 0,
    ]
    return plan, heard


def features(ids: ArrayLike) -> Features:
    """Rows for a whole sequence of valid ids, (n,): the same as of all moments, on columns."""
    said = _Said.of(np.asarray(ids, dtype=np.int64))
    bar = np.cumsum(said.kind == Kind.BAR.value) - 1
    position, step = _places(said, bar)
    track = _tracks(said)
    notes = np.flatnonzero(_IS_NOTE[said.kind])
    melodic = notes[said.kind[notes] == Kind.PITCH.value]
    heard, first_end = _sounding(said, melodic, said.kind[notes] == Kind.PITCH.value, step)
    plan = np.zeros((len(bar), len(COLUMNS)), dtype=np.int32)
    plan[:, 0] = np.minimum(bar.max(initial=-1) + 1 - np.maximum(bar, 0), 63)
    plan[:, 1] = np.minimum(position, LOW_STEPS - 1) + 1
    for pair, kind, added in (2, Kind.MODE, (8, 1)), (4, Kind.DENOMINATOR, (0, 1)):
        at = said.where(kind)
        count = np.searchsorted(at, np.arange(len(bar)), side="right")
        for column, place, more in zip((pair, pair + 1), (at - 1, at), added, strict=True):
            plan[:, column] = np.append(0, said.value[place] + more)[count]
    for number in np.unique(track[melodic]).tolist():
        mine, its = track == number, melodic[track[melodic] == number]
        pitches = np.append(0, said.value[its] + 1)
        plan[mine, 6] = pitches[np.searchsorted(its, np.flatnonzero(mine), side="right")]
    plan[:, 7] = np.where(first_end > step, np.minimum(first_end - step, LOW_STEPS), 0)
    return Features(plan, heard)


class _Said(NamedTuple):
    """What each of n tokens says: kind uint8 (n,), value int64 (n,)."""

    kind: NDArray[np.uint8]
    value: IntArray

    @classmethod
    def of(cls, ids: IntArray) -> _Said:
        return cls(EXPRESSIVE.kinds[ids], EXPRESSIVE.values[ids].astype(np.int64))

    def where(self, kind: Kind) -> IntArray:
        """Where tokens of a kind stand."""
        return np.flatnonzero(self.kind == kind.value)

    def numbers(self, high: Kind, low: Kind) -> tuple[IntArray, IntArray]:
        """Where numbers end, and what they are."""
        ends, highs = self.where(low), self.where(high)
        result = self.value[ends]
        np.add.at(result, np.searchsorted(ends, highs), LOW_STEPS << self.value[highs])
        return ends, result


def _places(said: _Said, bar: IntArray) -> tuple[IntArray, IntArray]:
    """Position in the bar (-1 before the first) and absolute step at each token."""
    at = np.arange(len(bar))
    bars, meters = said.where(Kind.BAR), said.where(Kind.DENOMINATOR)
    ends, positions = said.numbers(Kind.POSITION_HIGH, Kind.POSITION_LOW)
    full = said.value[meters - 1] * LOW_STEPS >> said.value[meters]
    length = full[np.searchsorted(meters, bars + 2, side="right") - 1]
    cut = said.kind[ends + 1] == Kind.BAR.value  # a bare position before a bar line
    length[bar[ends[cut]]] = positions[cut]
    last = np.searchsorted(ends, at, side="right")
    position = np.where(np.append(-1, bar[ends])[last] == bar, np.append(-1, positions)[last], -1)
    lines = np.append(0, np.cumsum(length))
    return position, lines[np.maximum(bar, 0)] + np.maximum(position, 0)


def _tracks(said: _Said) -> IntArray:
    """The track that plays at each token, -1 for none."""
    turns = np.flatnonzero(_IS_TURN[said.kind])
    plays = np.where(said.kind[turns] == Kind.TRACK.value, said.value[turns], -1)
    return np.append(-1, plays)[np.searchsorted(turns, np.arange(len(said.kind)), side="right")]


def _sounding(
    said: _Said, notes: IntArray, is_heard: NDArray[np.bool_], step: IntArray
) -> tuple[NDArray[np.uint8], IntArray]:
    """Which pitches sound at each token, uint8 (n, 128), and the step at which the first of them stops, 0: none does.

    A note sounds from the token that says its duration up to the first one at a step at which it has stopped.
    """
    ends, durations = said.numbers(Kind.DURATION_HIGH, Kind.DURATION_LOW)
    first, pitch = ends[is_heard], said.value[notes]
    end = step[first] + durations[is_heard]
    stop = np.searchsorted(step, end)
    heard = np.zeros((len(step), PITCHES), dtype=np.uint8)
    first_end = np.zeros(len(step), dtype=np.int64)
    latest_first = np.argsort(-end, kind="stable")
    rows = (column[latest_first].tolist() for column in (first, stop, pitch, end))
    for start, until, key, last in zip(*rows, strict=True):
        heard[start:until, key] = 1
        first_end[start:until] = last
    return heard, first_end


__all__ = ["COLUMNS", "PITCHES", "Features", "features", "moment"]
