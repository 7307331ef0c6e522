"""The automaton: only what leads to a piece that keeps all its rules may come next.

Built before the first token from the domain that the rules have narrowed (`theory.constraint.prospects`), so that no
choice about pitches, ranges, leaps, rhythm, locks, counts or bar lines ever leads into a dead end. Tracks are
independent of each other here; rules about several voices at once (voice leading) are not the automaton's.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.constraint.backward import Bits
from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import Domain
from theory.constraint.prospects import Outlook, Prospects, bits
from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, END, LOW_STEPS, VOCABULARY, Kind

_PITCH, _TRACK = VOCABULARY.span(Kind.PITCH), VOCABULARY.span(Kind.TRACK)
_VELOCITY = VOCABULARY.span(Kind.VELOCITY)
_POSITION_HIGH, _POSITION_LOW = VOCABULARY.span(Kind.POSITION_HIGH), VOCABULARY.span(Kind.POSITION_LOW)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)

_LOW_BITS = (1 << LOW_STEPS) - 1


class DeadEnd(NamedTuple):
    """Where nothing works out: the track, and the step before which all is lost."""

    track: int
    step: int


class Automaton(Constraint):
    """All that rules asked of a domain, as masks without dead ends.

    Args:
        domain: narrowed by the rules.
        known: prospects of lanes that other automata have looked into, by their digests; what this one finds is added.
    """

    def __init__(self, domain: Domain, known: dict[bytes, Prospects] | None = None) -> None:
        self._start = domain.frame.lines[domain.frame.first_bar]
        self._bar_of: list[int] = domain.bar_of().tolist()
        self._known = {} if known is None else known
        self._domain, self._tracks = domain, range(len(domain.frame.parts))
        self._found: dict[int, Prospects] = {}
        chords = np.isin(np.arange(domain.frame.steps), list(domain.chords))
        self._chord_bits = [bits(chords[start:end]) for start, end in pairwise(domain.frame.lines)]

    @property
    def label(self) -> str:
        """It speaks for all rules."""
        return "all constraints together"

    @property
    def dead_end(self) -> DeadEnd | None:
        """Where the piece cannot be written, or None if it can."""
        for track in self._tracks:
            if not self._prospects(track).begins_well(self._start):
                return DeadEnd(track, self._prospects(track).last_lost(self._start))
        return None

    @property
    def able(self) -> Bits:
        """Whether a note of a track may begin at a step and all of the track's can work out: bool (T, S)."""
        return np.stack([ahead.able for ahead in self._ahead])

    @cached_property
    def _ahead(self) -> list[Prospects]:
        return [self._prospects(track) for track in self._tracks]

    def _prospects(self, track: int) -> Prospects:
        found = self._found.get(track)
        if found is None:
            lane = self._domain.lane(track)
            digest = lane.digest()
            found = self._known[digest] = self._found[track] = self._known.get(digest) or Prospects(lane)
        return found

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear all that leads nowhere."""
        for row in states.at_pitch:
            self._forbid_pitches(states.rows[row], mask[row])
        for row in states.at_duration:
            self._forbid_durations(states.rows[row], mask[row])
        for row in (*states.at_next, *states.at_position):
            self._forbid_next(states.rows[row], mask[row])
        mask[states.at_next, _PITCH] = mask[states.at_next, _VELOCITY] = False  # one note at a time

    def forbid_more(self, states: States, mask: Mask, done: Automaton) -> None:
        """Clear what is left to clear where another automaton of the same chords has cleared all that it can."""
        pairs = list(zip(self._ahead, done._ahead, strict=True))
        same = [ahead is other for ahead, other in pairs]
        alike = [ahead is other or ahead.flows_like(other) for ahead, other in pairs]
        for row in states.at_pitch:
            if not same[(state := states.rows[row]).track]:
                self._forbid_pitches(state, mask[row])
        for row in states.at_duration:
            ahead, other = pairs[(state := states.rows[row]).track]
            where = state.step, state.pitch
            if not alike[state.track] or (ahead is not other and ahead.reach(*where) != other.reach(*where)):
                self._forbid_durations(state, mask[row])
        if unlike := [track for track, is_alike in enumerate(alike) if not is_alike]:
            for row in (*states.at_next, *states.at_position):
                state = states.rows[row]
                if len(unlike) > 1 or self._look(unlike[0], state) != done._look(unlike[0], state):
                    self._forbid_next(state, mask[row])

    def _forbid_pitches(self, state: State, mask: Mask) -> None:
        track = state.track
        mask[_PITCH] &= self._ahead[track].pitches(state.step, state.begun[track], state.last_pitch[track])

    def _forbid_durations(self, state: State, mask: Mask) -> None:
        track = state.track
        ends = self._ahead[track].ends(self._bar_of[state.step], state.step, state.begun[track], state.pitch)
        left = ends >> state.partial + 1
        mask[_DURATION_LOW] &= _array(left & _LOW_BITS, LOW_STEPS)
        _keep_powers(mask[_DURATION_HIGH], left)

    def _forbid_next(self, state: State, mask: Mask) -> None:
        """Clear tracks, positions, bar line and end that pass by what another track must do."""
        if state.bar_length == 0:
            return  # a bar that has yet to say its meter
        looks = self.outlooks(state)
        if state.kind is Kind.POSITION_HIGH or self._keep_tracks(state, looks, mask):
            self._keep_positions(state, looks, mask)
        else:
            mask[_POSITION_LOW] = mask[_POSITION_HIGH] = False
            mask[BAR] = mask[END] = False

    def outlooks(self, state: State) -> list[Outlook]:
        """What each track can do in the bar."""
        return [self._look(track, state) for track in self._tracks]

    def _look(self, track: int, state: State) -> Outlook:
        return self._ahead[track].outlook(state.bar, state.free_at[track], state.begun[track], state.last_pitch[track])

    def _keep_tracks(self, state: State, looks: list[Outlook], mask: Mask) -> bool:
        """Clear tracks that cannot begin, or that pass by one that must; whether all of them may be passed by."""
        if state.position < 0:
            return True
        here = 1 << state.step - state.bar_start
        kept, first = 0, state.track + 1
        for track in range(first, len(looks)):
            if looks[track].begins & here:
                kept |= 1 << track
            if not looks[track].rests & here:
                mask[_TRACK.start : _TRACK.start + len(looks)] &= _array(kept, len(looks))
                return False
        mask[_TRACK.start : _TRACK.start + len(looks)] &= _array(kept, len(looks))
        return True

    def _keep_positions(self, state: State, looks: list[Outlook], mask: Mask) -> None:
        """Clear positions, and the bar line, that come too late for a track or at which none can begin."""
        first = 0 if state.position < 0 else state.position + 1
        good, begins, crosses = ~((1 << first) - 1), self._chord_bits[state.bar], True
        coming = begins >> first
        if coming:  # not beyond the next chord
            good &= (1 << first + (coming & -coming).bit_length()) - 1
            crosses = False
        for look in looks:
            good &= look.waits
            begins |= look.begins
            crosses = crosses and look.crosses
        good &= begins
        left = good >> state.partial
        mask[_POSITION_LOW] &= _array(left & _LOW_BITS, LOW_STEPS)
        _keep_powers(mask[_POSITION_HIGH], left)
        if not crosses:
            mask[BAR] = mask[END] = False


@lru_cache(maxsize=4096)
def _array(bits: int, size: int) -> Bits:
    """The lowest bits of an integer as flags, bool (size,)."""
    packed = np.frombuffer(bits.to_bytes(-(-size // 8), "little"), dtype=np.uint8)
    flags = np.unpackbits(packed, count=size, bitorder="little").view(np.bool_)
    flags.setflags(write=False)
    return flags


def _keep_powers(high: Mask, wanted: int) -> None:
    """Of "high" tokens, 96 steps times a power of two each, keep those after which a wanted number can still be said.

    `wanted` has a bit for each number of steps that is left to say, the lowest for what the first "low" token says.
    """
    kept = 0
    for power in range(len(high)):
        steps = LOW_STEPS << power
        if not wanted >> steps:
            break
        if wanted >> steps & (1 << steps) - 1:
            kept |= 1 << power
    high &= _array(kept, len(high))
