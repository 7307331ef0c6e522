"""Rules as masks: which of the tokens that the grammar allows may come next.

A rule is a small frozen value with one method, `forbid(state, mask)`, which clears what it forbids. Rules combine by
being applied one after the other; they never allow what the grammar does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError
from theory.tokens.grammar import grammar_mask
from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, END, LOW_STEPS, VOCABULARY, Kind

Mask = NDArray[np.bool_]

_POSITION_HIGH, _POSITION_LOW = VOCABULARY.span(Kind.POSITION_HIGH), VOCABULARY.span(Kind.POSITION_LOW)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)
_PITCH, _DRUM, _VELOCITY = (VOCABULARY.span(kind) for kind in (Kind.PITCH, Kind.DRUM, Kind.VELOCITY))
_TRACK, _NUMERATOR = VOCABULARY.span(Kind.TRACK), VOCABULARY.span(Kind.NUMERATOR)


class Constraint(Protocol):
    """What every rule can do."""

    def forbid(self, state: State, mask: Mask) -> None:
        """Clear in `mask`, bool (V,), the tokens that may not follow `state`."""


def allowed(state: State, constraints: Sequence[Constraint]) -> Mask:
    """Mask of the tokens that grammar and constraints allow next, bool (V,)."""
    mask = grammar_mask(state)
    for constraint in constraints:
        constraint.forbid(state, mask)
    return mask


@dataclass(frozen=True)
class OnlyKinds:
    """Only tokens of some kinds: what a model never saw it cannot write well."""

    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wanted", np.isin(VOCABULARY.kinds, self.kinds))

    def forbid(self, state: State, mask: Mask) -> None:
        """Clear all other kinds."""
        mask &= self._wanted  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ExactForm:
    """So many bars, each whole and of the first one's meter, and an end at the end of the last one.

    Raises:
        RequestError: no bars.
    """

    bars: int

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise RequestError(f"{self.bars} bars: a piece has at least 1")

    def forbid(self, state: State, mask: Mask) -> None:
        """Clear early ends, late bars, cut bars, changes of meter, and notes that would outlast the piece."""
        last = state.bar + 1 >= self.bars
        if last or state.kind is Kind.POSITION_LOW:
            mask[BAR] = False
        if not last:
            mask[END] = False
        if state.bar > 0:
            mask[_NUMERATOR] = False
        if state.kind in (Kind.PITCH, Kind.DRUM, Kind.DURATION_HIGH):
            left = (self.bars - state.bar) * state.bar_length - max(state.position, 0) - state.partial
            mask[_DURATION_LOW.start + min(left, LOW_STEPS) : _DURATION_LOW.stop] = False
            powers = ((left - 1) // LOW_STEPS).bit_length()  # whole notes that leave a step for the low token
            mask[_DURATION_HIGH.start + powers : _DURATION_HIGH.stop] = False


@dataclass(frozen=True)
class OneNoteAtATime:
    """Every track is a voice: a note starts only when the track's last one has stopped."""

    def forbid(self, state: State, mask: Mask) -> None:
        """Clear busy tracks, second notes of a chord, and positions at which no track is free."""
        if state.bar < 0:
            return
        if state.kind is Kind.DURATION_LOW:
            mask[_PITCH] = mask[_DRUM] = mask[_VELOCITY] = False
        for track, end in enumerate(state.free_at):
            if end > state.step:
                mask[_TRACK.start + track] = False
        self._forbid_idle_positions(state, mask, min(state.free_at, default=0) - state.bar_start)

    def _forbid_idle_positions(self, state: State, mask: Mask, first_free: int) -> None:
        low = max(first_free - state.partial, 0)
        mask[_POSITION_LOW.start : _POSITION_LOW.start + min(low, LOW_STEPS)] = False
        for power in range(_POSITION_HIGH.stop - _POSITION_HIGH.start):
            begun = state.partial + (LOW_STEPS << power)
            if begun >= state.bar_length:  # beyond the bar, where the grammar lets nothing stand
                return
            if min(begun + (LOW_STEPS << power), state.bar_length) <= first_free:
                mask[_POSITION_HIGH.start + power] = False


@dataclass(frozen=True)
class Ranges:
    """Each track stays in its range: lowest and highest MIDI pitch. Drums, and tracks beyond the last range, are free.

    Raises:
        RequestError: a range without pitches.
    """

    by_track: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for track, (lowest, highest) in enumerate(self.by_track):
            if not 0 <= lowest <= highest <= 127:
                raise RequestError(f"range {lowest} to {highest} of track {track}: must rise, within 0 to 127")

    def forbid(self, state: State, mask: Mask) -> None:
        """Clear pitches outside the current track's range."""
        if 0 <= state.track < len(self.by_track):
            lowest, highest = self.by_track[state.track]
            mask[_PITCH.start : _PITCH.start + lowest] = False
            mask[_PITCH.start + highest + 1 : _PITCH.stop] = False
