"""What offsets of loudness and time may do to a voice that a model plays as a musician would."""

from __future__ import annotations

import numpy as np

from theory.constraint.base import Constraint, Mask, States
from theory.constraint.parts import Parts
from theory.tokens.state import State
from theory.tokens.vocabulary import EXPRESSIVE, TICKS_PER_STEP, Kind

_ONSET, _END = EXPRESSIVE.span(Kind.ONSET_OFFSET), EXPRESSIVE.span(Kind.END_OFFSET)
_PITCH, _VELOCITY = EXPRESSIVE.span(Kind.PITCH), EXPRESSIVE.span(Kind.VELOCITY)
_LENGTHS = np.flatnonzero(np.isin(EXPRESSIVE.kinds, (Kind.DURATION_HIGH, Kind.DURATION_LOW)))
_EARLY, _LATE = EXPRESSIVE.values[_ONSET], EXPRESSIVE.values[_END]


class Played(Constraint):
    """A voice never sounds twice at once, nothing sounds on after the piece, and no loudness is said in vain.

    For a vocabulary with offsets; it comes after all other rules, as it looks at the pitches that they leave.

    Args:
        steps: grid steps of the piece.
        exact: parts that are played as written, as tunes that are kept.
    """

    def __init__(self, steps: int, exact: Parts = ()) -> None:
        self._steps, self._exact = steps, exact

    @property
    def label(self) -> str:
        """As in a message."""
        return "one note at a time, as played"

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear onsets before the note before ends, ends after the piece, and loudness where no pitch can follow."""
        for row in states.at_pitch:
            if not mask[row, _PITCH].any():
                mask[row, _VELOCITY.start : _VELOCITY.stop] = False
        for row in states.at_duration:
            if states.rows[row].kind is Kind.PITCH:
                self._forbid_onsets(states.rows[row], mask[row])
        for row in states.at_next:
            if states.rows[row].kind is Kind.DURATION_LOW:
                self._forbid_ends(states.rows[row], mask[row])

    def _forbid_onsets(self, state: State, mask: Mask) -> None:
        if state.track in self._exact:
            mask[_ONSET] = False
            return
        free = state.end_tick[state.track] - state.step * TICKS_PER_STEP
        mask[_ONSET] &= free <= _EARLY
        if free > 0:  # it has to wait
            mask[_LENGTHS] = False

    def _forbid_ends(self, state: State, mask: Mask) -> None:
        if state.track in self._exact:
            mask[_END] = False
        elif state.ended >= self._steps:
            mask[_END] &= _LATE <= 0


__all__ = ["Played"]
