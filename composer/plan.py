"""The constraints of a piece, settled before its first token."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from composer.steer import Steering
from composer.style import Style
from theory.chord import Chord
from theory.constraint import (
    Automaton,
    Constraint,
    DeadEnd,
    Domain,
    ExactForm,
    Frame,
    OnlyKinds,
    Polyphony,
    Room,
    Script,
    narrowed,
    smallest_clash,
)
from theory.errors import ClashError
from theory.tokens import Kind
from theory.tokens.vocabulary import CHORD_KINDS

_WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK,
    Kind.PITCH,
)  # fmt: skip


class Plan(NamedTuple):
    """The constraints of a piece.

    Attributes:
        frame: the piece before its notes.
        form: masks that every piece is written under.
        rules: the style's and the user's.
        masks: all that masks its tokens.
        chords: that it states, by grid step.
        own_chords: whether the model writes chords of its own between them.
    """

    frame: Frame
    form: tuple[Constraint, ...]
    rules: tuple[Constraint, ...]
    masks: tuple[Constraint, ...]
    chords: dict[int, Chord | None]
    own_chords: bool


def plan_of(frame: Frame, steers: Steering, style: Style) -> Plan:
    """Settle the constraints before the first token.

    Raises:
        ClashError: what is asked for excludes itself; what is only a habit of the style gives way.
    """
    rules, domain, automaton = _feasible(frame, steers)
    kinds = (*_WRITTEN, *((Kind.FERMATA,) if style.fermatas else ()), *(CHORD_KINDS if domain.chords else ()))
    form = (OnlyKinds(kinds), ExactForm(frame.bars), Script(domain, steers.own_chords))
    watching = (rule for rule in rules if type(rule).forbid is not Constraint.forbid)
    room = (Room(domain, rule.most) for rule in rules if isinstance(rule, Polyphony))
    return Plan(frame, form, rules, (*form, automaton, *room, *watching), domain.chords, steers.own_chords)


def _feasible(frame: Frame, steers: Steering) -> tuple[tuple[Constraint, ...], Domain, Automaton]:
    """Rules that can hold together: habits give way to what is asked, first the ending, then the grid, then both."""
    fixed = (*steers.ranges, *steers.asked)
    everything = (*fixed, *steers.grid, *steers.ending)
    domain, automaton = _built(frame, everything)
    if automaton.dead_end is None:
        return everything, domain, automaton
    bare = _built(frame, fixed)
    if bare[1].dead_end:
        raise ClashError(_clash(frame, fixed, bare[1].dead_end))
    for habits in (steers.grid, steers.ending):
        domain, automaton = _built(frame, (*fixed, *habits))
        if automaton.dead_end is None:
            return (*fixed, *habits), domain, automaton
    return fixed, *bare


def _built(frame: Frame, rules: tuple[Constraint, ...]) -> tuple[Domain, Automaton]:
    domain = narrowed(frame, rules)
    return domain, Automaton(domain)


def _clash(frame: Frame, rules: tuple[Constraint, ...], where: DeadEnd) -> str:
    clash = smallest_clash(frame, rules, where)
    bar = int(np.searchsorted(frame.lines, where.step, side="right")) - frame.pickup
    names = "; ".join(rule.label for rule in clash)
    verb = "exclude each other" if len(clash) > 1 else "cannot hold"
    return f"{names}: {verb} in bar {bar}, {frame.parts[where.track].lower()}; change or leave out one of them"
