"""Which rules exclude each other, and where."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from theory.constraint.automaton import Automaton
from theory.constraint.base import Constraint, narrowed
from theory.constraint.domain import Domain, Frame
from theory.constraint.prospects import Prospects


class Clash(NamedTuple):
    """Rules that cannot hold together, of which none can be left out.

    Attributes:
        rules: in the order in which they were given.
        track: in which they clash.
        bar: index of the first bar in which they do: up to the bar before, a piece can begin.
    """

    rules: tuple[Constraint, ...]
    track: int
    bar: int


def smallest_clash(frame: Frame, rules: Sequence[Constraint], track: int) -> Clash:
    """A smallest set of rules that clash.

    Tracks do not depend on each other in the automaton, so one that has a dead end is enough. Rules are left out one by
    one, and stay out when the rest still clashes on the few bars that take part, whatever comes before and after them.
    This is quick and mostly finds the set; the whole piece tells whether it does.

    Args:
        frame: the empty piece.
        rules: that clash.
        track: with a dead end.
    """
    window = _window(narrowed(frame, rules), track)
    moving = _moving(frame, rules, window)
    kept = list(moving if _clashes(frame, moving, window) else rules)
    for rule in kept.copy():
        fewer = _without(kept, rule)
        if _clashes(frame, fewer, window):
            kept = fewer
    known: dict[bytes, Prospects] = {}
    for rule in kept:
        fewer = _without(kept, rule)
        if dead_end := Automaton(narrowed(frame, fewer), known).dead_end:  # they clash elsewhere
            return smallest_clash(frame, fewer, dead_end.track)
    return Clash(tuple(kept), track, _first_bar(narrowed(frame, kept), track, window.last))


class _Window(NamedTuple):
    """Some bars of a track, the last one counted."""

    track: int
    first: int
    last: int

    def is_dead(self, domain: Domain) -> bool:
        """Whether nothing can be written there, whatever comes before and after."""
        lane, frame = domain.lane(*self), domain.frame
        ahead = Prospects(lane, goes_on=self.last + 1 < frame.bars)
        return not ahead.begins_well(0) if self.first == frame.first_bar else ahead.last_lost_bar() == 0


def _window(domain: Domain, track: int) -> _Window:
    """The bars that take part in a clash: the first one up to which no piece can begin, and what it depends on."""
    start, last = domain.frame.first_bar, _first_bar(domain, track)
    ahead = Prospects(domain.lane(track, start, last), goes_on=last + 1 < domain.frame.bars)
    return _Window(track, start + (ahead.last_lost_bar() or 0), last)


def _first_bar(domain: Domain, track: int, guess: int | None = None) -> int:
    """The first bar up to which no piece can begin; a good guess is quickly confirmed."""
    start = domain.frame.first_bar
    bars = range(start, domain.frame.bars)

    def is_bad(bar: int) -> bool:
        return _Window(track, start, bar).is_dead(domain)

    if guess is not None and is_bad(guess) and (guess == start or not is_bad(guess - 1)):
        return guess
    return bars[bisect_left(bars, True, key=is_bad)]


def _moving(frame: Frame, rules: Sequence[Constraint], window: _Window) -> list[Constraint]:
    """The rules that take anything there from what those before them left."""
    domain = Domain(frame)
    found, before = set(), domain.lane(*window).digest()
    for place in sorted(range(len(rules)), key=lambda place: rules[place].turn):
        rules[place].narrow(domain)
        if (now := domain.lane(*window).digest()) != before:
            found.add(place)
        before = now
    return [rule for place, rule in enumerate(rules) if place in found]


def _clashes(frame: Frame, rules: Sequence[Constraint], window: _Window) -> bool:
    return window.is_dead(narrowed(frame, rules))


def _without(rules: Sequence[Constraint], out: Constraint) -> list[Constraint]:
    return [rule for rule in rules if rule is not out]
