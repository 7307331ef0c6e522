"""The automaton: only what leads to a piece that keeps all its rules may come next.

Built before the first token from the domain that the rules have narrowed (`theory.constraint.prospects`), so that no
choice about pitches, ranges, leaps, rhythm, locks, counts or bar lines ever leads into a dead end. Tracks are
independent of each other here; rules about several voices at once (voice leading) are not the automaton's.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import PITCHES, Domain
from theory.constraint.prospects import NO_PITCH, Bits, latest_end, prospects
from theory.tokens.state import State
from theory.tokens.vocabulary import BAR, END, LOW_STEPS, VOCABULARY, Kind

_PITCH, _TRACK = VOCABULARY.span(Kind.PITCH), VOCABULARY.span(Kind.TRACK)
_VELOCITY = VOCABULARY.span(Kind.VELOCITY)
_POSITION_HIGH, _POSITION_LOW = VOCABULARY.span(Kind.POSITION_HIGH), VOCABULARY.span(Kind.POSITION_LOW)
_DURATION_HIGH, _DURATION_LOW = VOCABULARY.span(Kind.DURATION_HIGH), VOCABULARY.span(Kind.DURATION_LOW)

_LOW_BITS = (1 << LOW_STEPS) - 1
_MOST_OUTLOOKS = 20_000


class DeadEnd(NamedTuple):
    """Where nothing works out: the track, and the step before which all is lost."""

    track: int
    step: int


class _Outlook(NamedTuple):
    """A track's bar: integers whose bits are the positions in it.

    Attributes:
        waits: up to which it may go without beginning a note.
        begins: at which it may begin one.
        rests: at which it may stay silent, or sings on.
        crosses: whether it may go without beginning a note up to the bar line.
    """

    waits: int
    begins: int
    rests: int
    crosses: bool


class Automaton(Constraint):
    """All that rules asked of a domain, as masks without dead ends.

    Args:
        domain: narrowed by the rules.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._lines = domain.frame.lines
        self._bar_of: list[int] = domain.bar_of().tolist()
        self._ahead = prospects(domain)
        chords = np.isin(np.arange(domain.frame.steps), list(domain.chords))
        self._chord_bits = [_bits(chords[start:end]) for start, end in pairwise(domain.frame.lines)]
        self._outlooks: dict[tuple[int, int, int, int, int], _Outlook] = {}

    @property
    def label(self) -> str:
        """It speaks for all rules."""
        return "all constraints together"

    @property
    def dead_end(self) -> DeadEnd | None:
        """Where the piece cannot be written, or None if it can."""
        start = self._lines[self._domain.frame.first_bar]
        alive = self._ahead.begin | self._ahead.rest
        for track in range(len(self._domain.frame.parts)):
            if not alive[start, track, 0, -1]:
                lost = np.flatnonzero(~alive[start:, track].any(axis=(1, 2)))
                return DeadEnd(track, start + int(lost[-1]) if len(lost) else start)
        return None

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear all that leads nowhere."""
        if states.at_pitch:
            self._forbid_pitches(states, mask)
        if states.at_duration:
            self._forbid_durations(states, mask)
        if states.at_next or states.at_position:
            self._forbid_next(states, mask)
            mask[states.at_next, _PITCH] = mask[states.at_next, _VELOCITY] = False  # one note at a time

    def _forbid_pitches(self, states: States, mask: Mask) -> None:
        rows = states.at_pitch
        here = [states.rows[row] for row in rows]
        tracks = [state.track for state in here]
        good = self._ahead.good[[state.step for state in here], tracks, self._count([s.begun[s.track] for s in here])]
        if self._ahead.by_pitch:
            last = np.array([state.last_pitch[state.track] for state in here])
            leaps = self._domain.leap[tracks]
            near = np.abs(np.arange(PITCHES) - last[:, None]) <= leaps[:, None]
            good = good & (near | (last < 0)[:, None])
        mask[rows, _PITCH] &= good

    def _forbid_durations(self, states: States, mask: Mask) -> None:
        for row in states.at_duration:
            state = states.rows[row]
            ends = self._ends(state.track, state.step, state.begun[state.track], state.pitch)
            lengths = np.zeros(max(len(ends) + 1, state.partial + LOW_STEPS + 1), dtype=np.bool_)
            lengths[1 : len(ends) + 1] = ends
            low = lengths[state.partial + 1 : state.partial + 1 + LOW_STEPS]
            mask[row, _DURATION_LOW] &= low
            if lengths[state.partial + LOW_STEPS :].any():
                _keep_powers(mask[row, _DURATION_HIGH], lengths, state.partial, first=1)
            else:
                mask[row, _DURATION_HIGH] = False

    def _ends(self, track: int, step: int, begun: int, pitch: int) -> Bits:
        """Whether a note may end 1, 2, ... steps after it began; `begun` counts it already."""
        ahead, domain = self._ahead, self._domain
        cap = min(int(ahead.reach[step, track, pitch]), int(self._ahead.next_start[track, step + 1]))
        bar = self._bar_of[step]
        line = self._lines[bar + 1]
        count = min(begun, self._ahead.counts - 1)
        last = pitch if self._ahead.by_pitch else 0
        inside = slice(step + 1, min(cap + 1, line))
        alive = [ahead.begin[inside, track, count, last] | ahead.rest[inside, track, count, last]]
        if cap >= line and begun >= domain.least[track, bar]:
            outside = slice(line, min(cap, latest_end(domain, track, bar)) + 1)
            alive.append(ahead.begin[outside, track, 0, last] | ahead.rest[outside, track, 0, last])
        ends = np.concatenate(alive)
        ends &= domain.may_end[track, step + 1 : step + 1 + len(ends)]
        wanted = domain.durations[track]
        if wanted is not None:
            known = np.zeros(len(ends), dtype=np.bool_)
            known[: len(wanted) - 1] = wanted[1 : len(ends) + 1]
            ends &= known
        if exact := int(domain.lasts[track, step]):
            ends &= np.arange(1, len(ends) + 1) == exact
        return ends

    def _forbid_next(self, states: States, mask: Mask) -> None:
        """Clear tracks, positions, bar line and end that pass by what another track must do."""
        for row in (*states.at_next, *states.at_position):
            state = states.rows[row]
            if state.bar_length == 0:
                continue  # a bar that has yet to say its meter
            looks = [
                self._outlook(track, state.bar, free_at, begun, last)
                for track, (free_at, begun, last) in enumerate(
                    zip(state.free_at, state.begun, state.last_pitch, strict=True)
                )
            ]
            if state.kind is Kind.POSITION_HIGH or self._keep_tracks(state, looks, mask[row]):
                self._keep_positions(state, looks, mask[row])
            else:
                mask[row, _POSITION_LOW] = mask[row, _POSITION_HIGH] = False
                mask[row, BAR] = mask[row, END] = False

    def _keep_tracks(self, state: State, looks: list[_Outlook], mask: Mask) -> bool:
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

    def _keep_positions(self, state: State, looks: list[_Outlook], mask: Mask) -> None:
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
        low = good >> state.partial
        mask[_POSITION_LOW] &= _array(low & _LOW_BITS, LOW_STEPS)
        if low >> LOW_STEPS:
            _keep_powers(mask[_POSITION_HIGH], _array(good, good.bit_length()), state.partial, first=0)
        else:
            mask[_POSITION_HIGH] = False
        if not crosses:
            mask[BAR] = mask[END] = False

    def _outlook(self, track: int, bar: int, free_at: int, begun: int, last: int) -> _Outlook:
        """What a track can do in a bar if it begins no further note before, remembered while the piece is written."""
        key = (track, bar, free_at, begun, last)
        found = self._outlooks.get(key)
        if found is None:
            if len(self._outlooks) > _MOST_OUTLOOKS:
                self._outlooks.clear()
            found = self._outlooks[key] = self._look_out(*key)
        return found

    def _look_out(self, track: int, bar: int, free_at: int, begun: int, last: int) -> _Outlook:
        start, line = self._lines[bar], self._lines[bar + 1]
        count = min(begun, self._ahead.counts - 1)
        last = (NO_PITCH if last < 0 else last) if self._ahead.by_pitch else 0
        begin = self._ahead.begin[start:line, track, count, last]
        rest = self._ahead.rest[start:line, track, count, last]
        patience = int(self._ahead.next_must[track, min(max(free_at, start), self._ahead.next_must.shape[1] - 1)])
        steps = np.arange(start, line)
        crosses = free_at >= line or (
            begun >= self._domain.least[track, bar]
            and line <= patience
            and bool(self._ahead.begin[line, track, 0, last] or self._ahead.rest[line, track, 0, last])
        )
        busy = steps < free_at
        return _Outlook(
            waits=_bits(busy | ((begin | rest) & (steps <= patience))),
            begins=_bits(begin & ~busy),
            rests=_bits(rest | busy),
            crosses=crosses,
        )

    def _count(self, begun: list[int]) -> list[int]:
        return [min(count, self._ahead.counts - 1) for count in begun]


def _bits(flags: Bits) -> int:
    """Flags as the bits of an integer, the first the lowest."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


@lru_cache(maxsize=4096)
def _array(bits: int, size: int) -> Bits:
    """The lowest bits of an integer as flags, bool (size,)."""
    packed = np.frombuffer(bits.to_bytes(-(-size // 8), "little"), dtype=np.uint8)
    flags = np.unpackbits(packed, count=size, bitorder="little").view(np.bool_)
    flags.setflags(write=False)
    return flags


def _keep_powers(high: Mask, wanted: Bits, partial: int, first: int) -> None:
    """Of "high" tokens keep those that lead to a wanted number, which `first` more than the high ones complete."""
    for power in range(len(high)):
        begun = partial + (LOW_STEPS << power) + first
        if begun >= len(wanted):
            high[power:] = False
            return
        high[power] &= bool(wanted[begun : begun + (LOW_STEPS << power)].any())
