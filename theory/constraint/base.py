"""What every rule has in common, and how rules combine.

A rule is a small frozen value with three sides. Before the first token it narrows a `Domain`: which notes may begin and
sound where, so that an automaton can tell what cannot work out. At a token it clears what it forbids in a mask. After
the last one it says how far it holds. Rules combine by being applied one after the other; they never allow what the
grammar does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.constraint.domain import Domain, Frame
from theory.score import Score
from theory.tokens.grammar import PLAIN, Grammar
from theory.tokens.state import State
from theory.tokens.vocabulary import Kind

Mask = NDArray[np.bool_]

# What is being decided after a token of a kind; after any other kind: what comes next (track, position, bar, end).
_PITCH, _DURATION, _POSITION, _NEXT = range(4)
_DECIDED = {
    Kind.TRACK: _PITCH, Kind.VELOCITY: _PITCH, Kind.VELOCITY_OFFSET: _PITCH, Kind.PITCH: _DURATION,
    Kind.ONSET_OFFSET: _DURATION, Kind.DURATION_HIGH: _DURATION, Kind.POSITION_HIGH: _POSITION,
}  # fmt: skip


class Held(NamedTuple):
    """How far a rule holds in a finished piece.

    Attributes:
        kept: how often it holds.
        asked: of how many times it applies.
    """

    kept: int
    asked: int


class Around(NamedTuple):
    """What the voices do around the step at which one of them is about to begin a note; -1: it is silent.

    Attributes:
        own: the voice that begins.
        before: pitch of each voice just before the step.
        now: pitch of each voice at the step, as far as it is decided.
    """

    own: int
    before: list[int]
    now: list[int]


class States:
    """Sequences that are decoded side by side, with the rows at which the same thing is being decided.

    Args:
        rows: one state a sequence.
    """

    def __init__(self, rows: Sequence[State]) -> None:
        self.rows = rows
        self._rows_at: tuple[list[int], ...] = ([], [], [], [])
        for row, state in enumerate(rows):
            if state.bar >= 0:
                self._rows_at[_DECIDED.get(state.kind, _NEXT)].append(row)

    @property
    def at_pitch(self) -> list[int]:
        """Rows at which a pitch comes next."""
        return self._rows_at[_PITCH]

    @cached_property
    def around(self) -> list[Around]:
        """The voices around the pitches that come next, one for each of `at_pitch`."""
        found = []
        for row in self.at_pitch:
            state = self.rows[row]
            step, before, now = state.step, [], []
            for onset, end, pitch, (previous_end, previous) in zip(
                state.onset, state.free_at, state.last_pitch, state.previous, strict=True
            ):
                if onset == step:
                    before.append(previous if previous_end == step else -1)
                    now.append(pitch)
                else:
                    before.append(pitch if end >= step else -1)
                    now.append(pitch if end > step else -1)
            found.append(Around(state.track, before, now))
        return found

    @property
    def at_duration(self) -> list[int]:
        """Rows at which a duration, or the rest of one, comes next."""
        return self._rows_at[_DURATION]

    @property
    def at_position(self) -> list[int]:
        """Rows at which the rest of a position comes next."""
        return self._rows_at[_POSITION]

    @property
    def at_next(self) -> list[int]:
        """All other rows inside a bar: a track, a position, a bar or the end may come."""
        return self._rows_at[_NEXT]


class Constraint:
    """A rule that forbids nothing: what the others are made from.

    Attributes:
        turn: rules narrow a domain in order of their turns: 0 those that look at nothing else, 1 those that look at
            what is asked of single parts, 2 those that look at what all parts must do.
    """

    turn = 0

    @property
    def label(self) -> str:
        """What a musician would call it, for messages and reports."""
        return type(self).__name__

    def narrow(self, domain: Domain) -> None:
        """Take from the domain what the rule excludes, before the first token."""

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear in `mask`, bool (n, V), the tokens that may not follow each of n states."""

    def held(self, score: Score) -> Held | None:
        """How far it holds in a finished piece; None for rules of form, which hold by the way a piece is written."""
        return None


def narrowed(frame: Frame, rules: Iterable[Constraint]) -> Domain:
    """The domain of an empty piece after all rules have narrowed it."""
    domain = Domain(frame)
    for rule in sorted(rules, key=lambda rule: rule.turn):
        rule.narrow(domain)
    return domain


def allowed(states: Sequence[State], constraints: Sequence[Constraint], grammar: Grammar = PLAIN) -> Mask:
    """Masks of the tokens that grammar and rules allow next, bool (n, V), one row a state."""
    mask = np.empty((len(states), grammar.settings.vocabulary.size), dtype=np.bool_)
    for row, state in enumerate(states):
        mask[row] = grammar.mask(state)
    view = States(states)
    for constraint in constraints:
        constraint.forbid(view, mask)
    return mask
