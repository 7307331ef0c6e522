"""The constraints of a piece, settled before its first token."""

from __future__ import annotations

from typing import NamedTuple

from composer.steer import Steering
from composer.style import Style
from theory.chord import Chord
from theory.constraint import (
    Automaton,
    Constraint,
    Domain,
    ExactForm,
    Fermatas,
    Foresight,
    Frame,
    Locked,
    OnlyKinds,
    Played,
    Polyphony,
    Prospects,
    Room,
    Script,
    narrowed,
    smallest_clash,
)
from theory.errors import ClashError
from theory.tokens import SHIPPED, Kind, Settings
from theory.tokens.expression import left_out
from theory.tokens.vocabulary import CHORD_KINDS

_WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK,
    Kind.PITCH,
)  # fmt: skip
_PLAYED = (Kind.VELOCITY, Kind.VELOCITY_OFFSET, Kind.ONSET_OFFSET, Kind.END_OFFSET)


class Plan(NamedTuple):
    """The constraints of a piece.

    Attributes:
        frame: the piece before its notes.
        form: masks that every piece is written under.
        rules: the style's and the user's.
        masks: all that masks its tokens.
        chords: that it states, by grid step.
        own_chords: whether the model writes chords of its own between them.
        notices: lines for the user: what a lock's notes lose, which habits gave way.
        known: what was found out about lanes, by their digests: for the reports on all pieces of the plan.
        settings: of the tokens.
    """

    frame: Frame
    form: tuple[Constraint, ...]
    rules: tuple[Constraint, ...]
    masks: tuple[Constraint, ...]
    chords: dict[int, Chord | None]
    own_chords: bool
    notices: tuple[str, ...]
    known: dict[bytes, Prospects]
    settings: Settings = SHIPPED


def kinds_written(style: Style, settings: Settings) -> tuple[Kind, ...]:
    """Kinds of tokens that a piece is written in after its opening, without given chords.

    Args:
        style: of the model.
        settings: of the tokens that it reads (`Settings.learnt`).
    """
    played = tuple(kind for kind in _PLAYED if settings.expressive and kind not in left_out(settings))
    return (*_WRITTEN, *((Kind.FERMATA,) if style.fermatas else ()), *played)


def plan_of(frame: Frame, steers: Steering, style: Style, settings: Settings = SHIPPED) -> Plan:
    """Settle the constraints before the first token.

    Args:
        frame: the piece before its notes.
        steers: the rules that are asked for.
        style: of the model.
        settings: of the tokens that it reads (`Settings.learnt`).

    Raises:
        ClashError: what is asked for excludes itself; what is only a habit of the style gives way.
    """
    rules, domain, automaton = _feasible(frame, steers)
    kinds = (*kinds_written(style, settings), *(CHORD_KINDS if domain.chords else ()))
    after_upbeat = frame.meters[1] if frame.pickup and not frame.first_bar else None
    meters = (Kind.NUMERATOR, Kind.DENOMINATOR) if after_upbeat else ()
    script = (Script(domain, steers.own_chords), *((Fermatas(domain),) if style.fermatas else ()))
    form = (OnlyKinds((*kinds, *meters)), ExactForm(frame.bars, after_upbeat), *script)
    watching = (rule for rule in rules if type(rule).forbid is not Constraint.forbid)
    room = (Room(domain, rule.most, automaton) for rule in rules if isinstance(rule, Polyphony))
    foresight = Foresight(domain, automaton, rules)
    exact = tuple(rule.part for rule in rules if isinstance(rule, Locked))
    last = (Played(frame.steps, exact),) if set(_PLAYED) & set(kinds) else ()
    masks = (*form, automaton, *room, *watching, foresight, *last)
    gave_way = tuple(_gave_way(habit) for habit in (*steers.ending, *steers.grid) if habit not in rules)
    notices = (*steers.notices, *gave_way)
    return Plan(frame, form, rules, masks, domain.chords, steers.own_chords, notices, {}, settings)


def _gave_way(habit: Constraint) -> str:
    what = habit.label.removeprefix("notes on ").replace("ends on", "the ending on", 1)
    return f"{what} gave way to what is asked"


def _feasible(frame: Frame, steers: Steering) -> tuple[tuple[Constraint, ...], Domain, Automaton]:
    """Rules that can hold together: habits give way to what is asked, first the ending, then the grid, then both."""
    fixed = (*steers.ranges, *steers.asked)
    known: dict[bytes, Prospects] = {}
    everything = _built(frame, (*fixed, *steers.grid, *steers.ending), known)
    if everything[2].dead_end is None:
        return everything
    bare = _built(frame, fixed, known)
    if dead_end := bare[2].dead_end:
        raise ClashError(_clash(frame, fixed, dead_end.track))
    some = (_built(frame, (*fixed, *habits), known) for habits in (steers.grid, steers.ending))
    return next((built for built in some if built[2].dead_end is None), bare)


def _built(
    frame: Frame, rules: tuple[Constraint, ...], known: dict[bytes, Prospects]
) -> tuple[tuple[Constraint, ...], Domain, Automaton]:
    domain = narrowed(frame, rules)
    return rules, domain, Automaton(domain, known)


def _clash(frame: Frame, rules: tuple[Constraint, ...], track: int) -> str:
    clash = smallest_clash(frame, rules, track)
    names = "; ".join(rule.label for rule in clash.rules)
    verb = "exclude each other" if len(clash.rules) > 1 else "cannot hold"
    bar, part = clash.bar + 1 - frame.pickup, frame.parts[clash.track].lower()
    return f"{names}: {verb} in bar {bar}, {part}; change or leave out one of them"
