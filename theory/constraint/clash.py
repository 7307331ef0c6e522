"""Which rules exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from theory.constraint.automaton import Automaton, DeadEnd
from theory.constraint.base import Constraint, narrowed
from theory.constraint.domain import Domain, Frame

View = Callable[[Domain], Domain]
_BEFORE, _AFTER = 1, 3  # bars around a dead end in which its cause is looked for first


def smallest_clash(frame: Frame, rules: Sequence[Constraint], found: DeadEnd) -> tuple[Constraint, ...]:
    """A set of rules that cannot hold together, none of which can be left out of it.

    Tracks do not depend on each other in the automaton, so the one with the dead end is enough. Rules are left out one
    by one, and stay out when the rest still clashes: first on the few bars around the dead end, which is quick and
    mostly finds them; then on the whole track.

    Args:
        frame: the empty piece.
        rules: that clash, in the order in which they narrow a domain.
        found: where they do.
    """
    bar = max(sum(line <= found.step for line in frame.lines) - 1, frame.first_bar)

    def around(domain: Domain) -> Domain:
        near = max(bar - _BEFORE, frame.first_bar), min(bar + _AFTER, frame.bars - 1)
        return domain.excerpt(found.track, *near)

    def track(domain: Domain) -> Domain:
        return domain.excerpt(found.track, frame.first_bar, frame.bars - 1)

    left = list(rules)
    if not any(rule.turn == 2 for rule in rules):  # such a rule may carry what another asks of another track
        left = [rule for rule in rules if not track(narrowed(frame, [rule])).is_blank()]
    here = _shrunk(frame, left, around) if _clashes(frame, left, around) else left
    return tuple(_shrunk(frame, here if _clashes(frame, here, track) else left, track))


def _shrunk(frame: Frame, rules: Sequence[Constraint], view: View) -> list[Constraint]:
    kept = list(rules)
    for rule in rules:
        fewer = [other for other in kept if other is not rule]
        if _clashes(frame, fewer, view):
            kept = fewer
    return kept


def _clashes(frame: Frame, rules: Sequence[Constraint], view: View) -> bool:
    return Automaton(view(narrowed(frame, rules))).dead_end is not None
