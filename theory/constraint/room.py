"""Room for what is still to come: places under a limit of polyphony, and a voice for the third of every chord."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.constraint.automaton import Automaton
from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import PITCHES, Domain
from theory.constraint.places import Bits, Counts, Places
from theory.constraint.texture import CompleteChords, NoCrossing, NoParallels, Polyphony
from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, END, LOW_STEPS, VOCABULARY, Kind

_PITCH, _TRACK = VOCABULARY.span(Kind.PITCH), VOCABULARY.span(Kind.TRACK)
_POSITION_HIGH, _POSITION_LOW = VOCABULARY.span(Kind.POSITION_HIGH), VOCABULARY.span(Kind.POSITION_LOW)
_SINGING = (Kind.PITCH, Kind.ONSET_OFFSET, Kind.DURATION_HIGH)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)
_ALL = np.arange(PITCHES)
_CHORDS = 8  # that are looked ahead at


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


class Foresight(Constraint):
    """Sees dead ends coming that rules about several voices lead into: it forbids only what leads nowhere.

    Most pieces meet none, so it forbids nothing by itself: a search asks it, by `foresee`, once it has met one.

    A voice is a hope for the third of a chord where a note that begins at a step at which it is able to can last up to
    the chord, where leaps can take it there, and where a place is left for it. The last hope is kept.

    Args:
        domain: narrowed by the rules.
        automaton: of the domain.
        rules: of the piece.
    """

    def __init__(self, domain: Domain, automaton: Automaton, rules: Sequence[Constraint]) -> None:
        self._domain, self._automaton = domain, automaton
        self._parts = len(domain.frame.parts)
        self._wanted: dict[int, int] = {}
        for rule in rules:
            self._wanted |= rule.wanted if isinstance(rule, CompleteChords) else {}
        self._chords = sorted(self._wanted)
        self._most = min((rule.most for rule in rules if isinstance(rule, Polyphony)), default=self._parts)
        self._widest = min((rule.widest for rule in rules if isinstance(rule, NoCrossing)), default=None)
        self._moves = [automaton, *(rule for rule in rules if isinstance(rule, NoCrossing | NoParallels))]

    @property
    def label(self) -> str:
        """Of what it mostly looks for."""
        return "chords with their thirds" if self._wanted else "no crossing"

    def foresee(self, state: State, mask: Mask) -> None:
        """Clear in `mask`, bool (V,), what leads nowhere after a state."""
        view = States([state])
        if view.at_pitch:
            self._forbid_pitches(state, mask)
            self._keep_order(state, mask)
        elif view.at_duration:
            self._forbid_durations(state, mask)
        else:
            if view.at_next and state.position >= 0:
                self._forbid_tracks(state, mask)
            if view.at_next or view.at_position:
                self._forbid_positions(state, mask)

    @cached_property
    def _must(self) -> Bits:
        return self._domain.must_sound | self._domain.must_start

    @cached_property
    def _begun(self) -> Counts:
        """For each part, at how many steps before each one a note may begin: int64 (T, S + 1)."""
        return np.pad(self._automaton.able.cumsum(axis=1), ((0, 0), (1, 0)))

    @cached_property
    def _latest(self) -> dict[int, list[int]]:
        """For each chord the last step at which each voice may begin its third and hold it there, -1: none."""
        able = self._automaton.able
        return {
            chord: [self._last_start(voice, chord, able) for voice in range(self._parts - 1)] for chord in self._chords
        }

    def _last_start(self, voice: int, chord: int, able: Bits) -> int:
        sound, start = self._domain.sound[voice], self._domain.start[voice]
        held = self._third(voice, chord)
        for step in range(chord, -1, -1):
            held = held & sound[step]
            if able[voice, step] and (held & start[step]).any():
                return step
            if not held.any() or self._domain.must_start[voice, step]:
                break
        return -1

    def _third(self, voice: int, chord: int) -> Bits:
        """The thirds that a voice may sound where a chord begins: bool (128,)."""
        third: Bits = self._domain.sound[voice, chord] & (self._wanted[chord] == _ALL % 12)
        return third

    def _open(self, state: State, but: int = -1) -> Iterator[int]:
        """The next chords that no part, but perhaps one, sings the third of."""
        first = bisect_left(self._chords, state.step)
        for chord in self._chords[first : first + _CHORDS]:
            third = self._wanted[chord]
            notes = enumerate(zip(state.free_at, state.last_pitch, strict=True))
            if not any(end > chord and pitch % 12 == third and voice != but for voice, (end, pitch) in notes):
                yield chord

    def _hopes(self, state: State, chord: int, first: int, but: int = -1) -> list[int]:
        """The voices that may still sing the third of a chord; at this step only those from one on may begin."""
        hopes = []
        for voice, latest in enumerate(self._latest[chord]):
            earliest = max(state.free_at[voice], state.step + (voice < first))
            if voice == but or latest < earliest:
                continue
            if latest == state.step:
                hope = bool((self._now(state, voice) & self._third(voice, chord)).any())
            else:
                hope = bool(self._near(voice, chord, earliest, latest)[state.last_pitch[voice]])
            if hope:
                hopes.append(voice)
        return hopes

    def _near(self, voice: int, chord: int, earliest: int, latest: int) -> Bits:
        """Whether leaps by notes that begin in a stretch reach the third from each last pitch, or none: bool (129,)."""
        farthest = int(self._domain.leap[voice]) * int(self._begun[voice, latest + 1] - self._begun[voice, earliest])
        distances = np.abs(_ALL[:, None] - np.flatnonzero(self._third(voice, chord)))
        return np.append(distances.min(axis=1, initial=PITCHES) <= farthest, True)

    def _now(self, state: State, voice: int) -> Bits:
        """The pitches that a voice may begin at this step, beside what others sing: bool (128,)."""
        twin = state.copy()
        twin.partial = 0
        twin.advance(_TRACK.start + voice)
        mask = np.ones((1, VOCABULARY.size), dtype=np.bool_)
        view = States([twin])
        for rule in self._moves:
            rule.forbid(view, mask)
        pitches: Bits = mask[0, _PITCH]
        return pitches

    def _fits(self, state: State, chord: int, hopes: list[int], but: int, sings: bool) -> bool:
        """Whether there is a place for one of the hopes, while another part sings at the chord or does not."""
        busy = (np.array(state.free_at) > chord) | self._must[:, chord]
        busy[but] |= sings
        count = int(busy.sum())
        return any(count + (not busy[voice]) <= self._most for voice in hopes)

    def _forbid_pitches(self, state: State, mask: Mask) -> None:
        """The last hope sings the third, or stays near it."""
        own, step = state.track, state.step
        for chord in self._open(state, own):
            hopes = self._hopes(state, chord, own + 1, own)
            if self._fits(state, chord, hopes, own, chord == step):
                continue
            third: Bits = np.equal(_ALL % 12, self._wanted[chord])
            if own < self._parts - 1 and self._latest[chord][own] > step:
                third |= self._near(own, chord, step + 1, self._latest[chord][own])[:-1]
            mask[_PITCH] &= third

    def _keep_order(self, state: State, mask: Mask) -> None:
        """Leave lower voices that must begin too what they can sing without crossing."""
        own, here = state.track, 1 << state.step - state.bar_start
        if self._widest is None:
            return
        looks = self._automaton.outlooks(state)
        for voice in range(own + 1, self._parts):
            if not looks[voice].rests & here and len(pitches := np.flatnonzero(self._now(state, voice))):
                mask[_PITCH.start : _PITCH.start + int(pitches[0])] = False
                if voice == own + 1 < self._parts - 1:
                    mask[_PITCH.start + int(pitches[-1]) + self._widest + 1 : _PITCH.stop] = False

    def _forbid_durations(self, state: State, mask: Mask) -> None:
        """A note stops in time for a third that it takes the voice or the place of; the last hope holds it."""
        own, step = state.track, state.step
        longest, lengths = 2 * self._domain.frame.steps, np.ones(LOW_STEPS, dtype=np.bool_)
        for chord in self._open(state, own):
            if chord == step:
                continue
            hopes, third = self._hopes(state, chord, own + 1, own), state.pitch % 12 == self._wanted[chord]
            latest = self._again(state, chord)
            if not third and not self._fits(state, chord, hopes, own, True):
                longest = min(longest, chord - step)
            if not self._fits(state, chord, hopes, own, False):
                gap = max(latest - step - state.partial, 0)  # it may end up to there, or go on beyond the chord
                lengths[gap : max(chord - step - state.partial, 0)] = False
            if longest <= chord - step:
                break
        lengths[max(longest - state.partial, 0) :] = False
        mask[_DURATION_LOW] &= lengths
        if longest <= state.partial + LOW_STEPS:
            mask[_DURATION_HIGH] = False

    def _again(self, state: State, chord: int) -> int:
        """Up to when a part must have ended its note so as to begin the third of a chord, -1: it cannot."""
        own, step = state.track, state.step
        latest = self._latest[chord][own] if own < self._parts - 1 else -1
        return latest if latest > step and self._near(own, chord, step + 1, latest)[state.pitch] else -1

    def _forbid_tracks(self, state: State, mask: Mask) -> None:
        """Clear parts that pass the last hope by, or take its place."""
        chords = list(self._open(state))
        for track in np.flatnonzero(mask[_TRACK][: self._parts]).tolist():
            for chord in chords:
                hopes = self._hopes(state, chord, track)
                if chord == state.step and track not in hopes:
                    good = self._fits(state, chord, hopes, track, True)
                else:
                    good = bool(hopes)
                if not good:
                    mask[_TRACK.start + track] = False
                    break

    def _forbid_positions(self, state: State, mask: Mask) -> None:
        """Clear positions, and the bar line, that come after the last step at which a hope may begin."""
        first = self._parts if state.position >= 0 else 0
        stop = self._domain.frame.steps
        for chord in self._open(state):
            hopes = self._hopes(state, chord, first)
            stop = min(stop, max((self._latest[chord][voice] for voice in hopes), default=-1))
        if stop == self._domain.frame.steps:
            return
        left = stop - state.bar_start - state.partial  # positions that may still be said
        mask[_POSITION_LOW.start + max(left + 1, 0) : _POSITION_LOW.stop] = False
        if left < LOW_STEPS:
            mask[_POSITION_HIGH] = False
        if state.bar_start + state.bar_length > stop:
            mask[BAR] = mask[END] = False
