"""Room, under a limit of polyphony, for the notes that are still to come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import Domain
from theory.constraint.texture import Polyphony
from theory.tokens.state import State
from theory.tokens.vocabulary import LOW_STEPS, VOCABULARY, Kind

_TRACK = VOCABULARY.span(Kind.TRACK)
_POSITION_LOW = VOCABULARY.span(Kind.POSITION_LOW)
_SINGING = (Kind.PITCH, Kind.DURATION_HIGH)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)


class Room(Constraint):
    """Keeps a place free for parts that will have to sound, and for notes that a bar still needs.

    Args:
        domain: narrowed by the rules.
        most: parts that may sound at once.
    """

    def __init__(self, domain: Domain, most: int) -> None:
        self._most, self._label = most, Polyphony(most).label
        self._must = domain.must_sound | domain.must_start
        self._starts = domain.must_start
        self._least, self._lines = domain.least, domain.frame.lines
        self._needs = (
            [  # notes that each bar needs, none after the last
                int(np.maximum(domain.least[:, bar], self._starts[:, first:line].sum(axis=1)).sum())
                for bar, (first, line) in enumerate(pairwise(self._lines))
            ]
            + [0]
        )
        self._open: NDArray[np.bool_] = np.any(domain.start, axis=(0, 2))
        self._chords = np.isin(np.arange(domain.frame.steps), list(domain.chords))

    @property
    def label(self) -> str:
        """The limit's."""
        return self._label

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear tracks, positions and durations that take the room of others."""
        for row in states.at_next:
            self._forbid_tracks(states.rows[row], mask[row])
        for row in (*states.at_next, *states.at_position):
            self._forbid_positions(states.rows[row], mask[row])
        for row in states.at_duration:
            self._forbid_durations(states.rows[row], mask[row])

    def _forbid_tracks(self, state: State, mask: Mask) -> None:
        """Clear parts that would begin where all places are taken or promised, or needed for others' notes."""
        if state.position < 0:
            return
        needed = self._needed(state)
        scarce = self._places(state, state.step, state.bar_start + state.bar_length).sum() <= needed.sum() > 0
        for track in range(state.track + 1, len(self._must)):
            taken = self._taken(state, state.step, state.step + 1, track)[0]
            if taken >= self._most or (scarce and not needed[track]):
                mask[_TRACK.start + track] = False

    def _forbid_durations(self, state: State, mask: Mask) -> None:
        """A note must stop where another part needs its place, and before a bar runs out of places for its notes."""
        line = state.bar_start + state.bar_length
        next_line = self._lines[min(state.bar + 2, len(self._lines) - 1)]
        stop = min(max(next_line, state.step + state.partial + LOW_STEPS), self._must.shape[1])
        full = np.flatnonzero(self._taken(state, state.step, stop, state.track) >= self._most)
        longest = int(full[0]) if len(full) else 2 * stop
        coming = self._needs[state.bar + 1]
        for start, end, needed in ((state.step, line, self._needed(state).sum()), (line, next_line, coming)):
            if needed:
                places = self._places(state, start, end, but=state.track)
                kept = places.sum() - np.cumsum(places > 0) >= needed
                if not kept.all():
                    longest = min(longest, max(start - state.step + int(np.argmin(kept)), 1))
        mask[_DURATION_LOW.start + max(longest - state.partial, 0) : _DURATION_LOW.stop] = False
        if longest <= state.partial + LOW_STEPS:
            mask[_DURATION_HIGH] = False

    def _places(self, state: State, start: int, stop: int, but: int = -1) -> NDArray[np.int64]:
        """How many parts more may begin at each step, int64 (stop - start,); what one part sings need not count."""
        ends = np.array([0 if track == but else end for track, end in enumerate(state.free_at)])
        sounding = (ends[:, None] > np.arange(start, stop)).sum(axis=0)
        return np.where(self._open[start:stop], np.maximum(self._most - sounding, 0), 0)

    def _forbid_positions(self, state: State, mask: Mask) -> None:
        """Clear positions at which all places are taken, or too few are left for the notes that the bar needs."""
        start, line = state.bar_start + state.partial, state.bar_start + state.bar_length
        if not start < line <= self._must.shape[1]:
            return
        sounding = (np.array(state.free_at)[:, None] > np.arange(start, line)).sum(axis=0)
        good = (sounding < self._most) | self._chords[start:line]
        if needed := self._needed(state).sum():
            good &= np.cumsum(self._places(state, start, line)[::-1])[::-1] >= needed
        size = min(len(good), LOW_STEPS)
        mask[_POSITION_LOW.start : _POSITION_LOW.start + size] &= good[:size]

    def _needed(self, state: State) -> NDArray[np.int64]:
        """Notes of each part that the bar still needs, for its density or because they must begin: int64 (T,)."""
        start, line = state.step, state.bar_start + state.bar_length
        free_at = np.array(state.free_at)[:, None]
        if singing := state.kind in _SINGING:  # its note has begun, its end is open
            free_at[state.track] = start + 1
        coming = np.arange(start, line) >= free_at
        begins = (self._starts[:, start:line] & coming).sum(axis=1)
        sounds: NDArray[np.bool_] = np.any(self._must[:, start:line] & coming, axis=1)
        if singing:
            sounds[state.track] = False
        lacking = self._least[:, state.bar] - state.begun
        needed: NDArray[np.int64] = np.maximum(np.maximum(lacking, begins), sounds).astype(np.int64)
        return needed

    def _taken(self, state: State, start: int, stop: int, but: int) -> NDArray[np.int64]:
        """How many parts but one sound, or must, at each step: int64 (stop - start,)."""
        busy = (np.array(state.free_at)[:, None] > np.arange(start, stop)) | self._must[:, start:stop]
        busy[but] = False
        taken: NDArray[np.int64] = busy.sum(axis=0)
        return taken
