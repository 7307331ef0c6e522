"""Room, under a limit of polyphony, for the notes that are still to come."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.constraint.automaton import Automaton
from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import Domain
from theory.constraint.places import Bits, Counts, Places
from theory.constraint.texture import Polyphony
from theory.tokens.state import State
from theory.tokens.vocabulary import LOW_STEPS, VOCABULARY, Kind

_TRACK = VOCABULARY.span(Kind.TRACK)
_POSITION_LOW = VOCABULARY.span(Kind.POSITION_LOW)
_SINGING = (Kind.PITCH, Kind.DURATION_HIGH)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)


class _Due(NamedTuple):
    """What parts still have to do in a bar, in places (see `Places`).

    Attributes:
        needed: int64 (2 * sets,), for all notes before the bar line.
        last: the steps up to which some part waits for its next note, rising.
        waiting: for each of these, int64 (2 * sets,), for the next notes of the parts that wait no longer.
    """

    needed: Counts
    last: list[int]
    waiting: list[Counts]


class Room(Constraint):
    """Keeps places free for parts that will have to sound, and for notes that a bar still needs.

    Args:
        domain: narrowed by the rules.
        most: parts that may sound at once.
        automaton: of the domain.
    """

    def __init__(self, domain: Domain, most: int, automaton: Automaton) -> None:
        self._most, self._label, self._automaton = most, Polyphony(most).label, automaton
        self._must = domain.must_sound | domain.must_start
        self._starts = domain.must_start
        self._least, self._lines = domain.least, domain.frame.lines
        self._places = Places(domain, most, automaton.able)
        self._needs = []  # of each bar before it begins
        for bar, (first, line) in enumerate(pairwise(self._lines)):
            notes = np.maximum(domain.least[:, bar], self._starts[:, first:line].sum(axis=1)).astype(np.int64)
            self._needs.append(_Due(self._places.needed(notes, first, line), [], []))
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
        step, line = state.step, state.bar_start + state.bar_length
        for track in range(state.track + 1, len(self._must)):
            if not mask[_TRACK.start + track]:
                continue
            mask[_TRACK.start + track] = self._taken(state, step, step + 1, track)[0] < self._most
            if mask[_TRACK.start + track] and (due := self._due(state, but=track)):
                free_at = np.array(state.free_at)
                free_at[track] = step + self._places.shortest[track]
                offered = self._places.offered(step, line, free_at, first=track + 1)
                mask[_TRACK.start + track] = _suffice(offered, np.zeros_like(offered), due, step)[0]

    def _forbid_positions(self, state: State, mask: Mask) -> None:
        """Clear positions at which all places are taken, or too few are left for the notes that the bar needs."""
        start, line = state.bar_start + state.partial, state.bar_start + state.bar_length
        if not start < line <= self._must.shape[1]:
            return
        sounding = (np.array(state.free_at)[:, None] > np.arange(start, line)).sum(axis=0)
        good = (sounding < self._most) | self._chords[start:line]
        if due := self._due(state):
            offered = self._places.offered(start, line, np.array(state.free_at))
            good[1:] &= _suffice(offered, offered, due, start)[:-1]
        size = min(len(good), LOW_STEPS)
        mask[_POSITION_LOW.start : _POSITION_LOW.start + size] &= good[:size]

    def _forbid_durations(self, state: State, mask: Mask) -> None:
        """A note must stop where another part needs its place, and before a bar runs out of places for its notes."""
        line = state.bar_start + state.bar_length
        next_line = self._lines[min(state.bar + 2, len(self._lines) - 1)]
        stop = min(max(next_line, state.step + state.partial + LOW_STEPS), self._must.shape[1])
        full = np.flatnonzero(self._taken(state, state.step, stop, state.track) >= self._most)
        longest = int(full[0]) if len(full) else 2 * stop
        for start, end, due in ((state.step, line, self._due(state)), (line, next_line, self._needs_of(state.bar + 1))):
            if start < end and due:
                kept = self._kept(state, start, end, due)
                if not kept.all():
                    longest = min(longest, start - state.step + int(np.argmin(kept)))
        mask[_DURATION_LOW.start + max(longest - state.partial, 0) : _DURATION_LOW.stop] = False
        if longest <= state.partial + LOW_STEPS:
            mask[_DURATION_HIGH] = False

    def _kept(self, state: State, start: int, end: int, due: _Due) -> Bits:
        """For each step from `start` on whether the note may sound during it: bool (end - start,)."""
        free_at = np.array(state.free_at)
        first = state.track + 1 if start == state.step else 0
        free_at[state.track] = max(start, state.step + 1)
        without = self._places.offered(start, end, free_at, first)
        free_at[state.track] = end
        held = self._places.offered(start, end, free_at, first)
        return _suffice(without, without - held, due, start)

    def _needs_of(self, bar: int) -> _Due | None:
        """What a bar has to hold that has not begun; None: nothing."""
        return self._needs[bar] if bar < len(self._needs) and self._needs[bar].needed.any() else None

    def _due(self, state: State, but: int = -1) -> _Due | None:
        """What the bar still has to hold, None if nothing; one part may be about to begin a note."""
        step, line = state.step, state.bar_start + state.bar_length
        if state.kind in _SINGING:
            but = state.track
        free_at = np.array(state.free_at)
        if but >= 0:
            free_at[but] = step + 1
        begins = (self._starts[:, step:line] & (np.arange(step, line) >= free_at[:, None])).sum(axis=1)
        lacking = self._least[:, state.bar] - state.begun
        if but >= 0 and state.kind not in _SINGING:
            lacking[but] -= 1
        needed = np.maximum(np.maximum(lacking, begins), 0).astype(np.int64)
        waits = np.full(len(free_at), line)
        for track, look in enumerate(self._automaton.outlooks(state)):
            if track != but and not look.crosses:
                waits[track] = state.bar_start + look.waits.bit_length() - 1
                needed[track] = max(needed[track], 1)
        if not needed.any():
            return None
        last = sorted({wait for wait in waits.tolist() if step <= wait < line})
        waiting = [self._places.needed((waits <= wait).astype(np.int64), step, wait + 1) for wait in last]
        return _Due(self._places.needed(needed, step, line), last, waiting)

    def _taken(self, state: State, start: int, stop: int, but: int) -> Counts:
        """How many parts but one sound, or must, at each step: int64 (stop - start,)."""
        busy = (np.array(state.free_at)[:, None] > np.arange(start, stop)) | self._must[:, start:stop]
        busy[but] = False
        taken: Counts = busy.sum(axis=0)
        return taken


def _suffice(offered: Counts, lost: Counts, due: _Due, start: int) -> Bits:
    """Whether places still suffice when those at the first 1, 2, ... steps are lost: bool (steps,).

    Args:
        offered: places at each step from `start` on, int64 (2 * sets, steps).
        lost: those of them that may be lost, of the same shape.
        due: what they are for.
        start: grid step.
    """
    sums, gone = offered.cumsum(axis=1), lost.cumsum(axis=1)
    right: Bits = np.all(sums[:, -1:] - gone >= due.needed[:, None], axis=0)
    for step, waiting in zip(due.last, due.waiting, strict=True):
        place = max(step - start, 0)
        right &= np.all(sums[:, place, None] - np.minimum(gone, gone[:, place, None]) >= waiting[:, None], axis=0)
    return right
