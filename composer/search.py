"""Going back where voices have led into a dead end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from composer.runtime import Walk
from composer.sampler import Dice
from theory.constraint import Constraint, Mask, allowed
from theory.constraint.room import Foresight
from theory.errors import SearchError
from theory.tokens import EXPRESSIVE, Kind
from theory.tokens.grammar import Grammar

BUDGET = 2_000  # times that a piece may go back
_PATIENCE = 4  # dead ends at one place before going back further
_FAR = 16  # notes; where going back by so many did not help, it takes turns with tries near the dead end
_LOUDNESS = (Kind.VELOCITY, Kind.VELOCITY_OFFSET)
_BEFORE_PITCH = (Kind.TRACK, *_LOUDNESS)
_PITCH = EXPRESSIVE.span(Kind.PITCH)


class Search:
    """A sequence that grows, and shrinks where it must.

    Args:
        walk: where it stands; the tokens that it has now stay.
        rewind: takes the walk, and what reads it, back to so many tokens.
        rules: masks on every draw.
        grammar: of the tokens.
        seed: of the draws.

    Attributes:
        walk: the same.
        dice: of the draws.
        redraws: how often it went back.
    """

    def __init__(
        self, walk: Walk, rewind: Callable[[int], None], rules: Sequence[Constraint], grammar: Grammar, seed: int
    ) -> None:
        self.walk, self.dice, self.redraws = walk, Dice(seed), 0
        self._rewind, self._rules, self._grammar, self._opening = rewind, rules, grammar, len(walk.tokens)
        self._banned: dict[int, set[int]] = {}  # tokens that led nowhere, by place
        self._frontier, self._stuck = -1, 0  # the last step at which there was a dead end, and how often up to it
        self._blame: Counter[tuple[int, str]] = Counter()  # by bar and rule

    def settle(self, mask: Mask) -> None:
        """Go back until something is left to draw; there is nothing to do while it never went back and some is left.

        Args:
            mask: what rules allow next, bool (V,); comes back as what is left.

        Raises:
            SearchError: `BUDGET` is spent.
        """
        self._look_ahead(mask, self._rules)
        self._ban(mask)
        while not mask.any():
            self._go_back()
            mask[:] = self._allowed(self._rules)
            self._ban(mask)

    def _allowed(self, rules: Sequence[Constraint]) -> Mask:
        """What rules allow next: bool (V,)."""
        mask: Mask = allowed([self.walk.state], rules, self._grammar)[0]
        self._look_ahead(mask, rules)
        return mask

    def _look_ahead(self, mask: Mask, rules: Sequence[Constraint]) -> None:
        """Clear what leads into dead ends further on; only a piece that has met one looks for more of them."""
        if self.redraws and self.walk.state.bar >= 0:
            for rule in rules:
                if isinstance(rule, Foresight) and mask.any():
                    rule.foresee(self.walk.state, mask)

    def _ban(self, mask: Mask) -> None:
        """Clear what was tried at this place."""
        if self._banned and (banned := self._banned.get(self._note_at(len(self.walk.tokens)))):
            mask[list(banned)] = False
            if self.walk.state.kind in _BEFORE_PITCH and not mask[_PITCH].any():
                mask[:] = False  # another loudness helps nobody

    def _go_back(self) -> None:
        self.redraws += 1
        self._note_blame()
        if self.redraws > BUDGET:
            bar, label = self._blame.most_common(1)[0][0] if self._blame else (1, "all constraints together")
            raise SearchError(
                f"no piece was found in {BUDGET} tries that keeps all constraints; bar {bar} is "
                f"hard for: {label}; loosen it, or try another --seed"
            )
        if len(self.walk.tokens) > self._opening and self.walk.state.kind in _BEFORE_PITCH:
            back = self._note_at(len(self.walk.tokens)) - 1  # this part has no pitch here: another one may
        else:
            if self.walk.state.step > self._frontier:
                self._frontier, self._stuck = self.walk.state.step, 0
            self._stuck += 1
            back = self._target()
        wrong = self.walk.tokens[back] if back < len(self.walk.tokens) else None
        back = self._note_at(back)
        self._banned = {place: tokens for place, tokens in self._banned.items() if place <= back}
        if wrong is not None:
            self._banned.setdefault(back, set()).add(wrong)
        else:  # nothing is left to draw first: begin again
            self._banned = {}
        self._rewind(back)

    def _note_at(self, place: int) -> int:
        """The place itself, or where the loudness begins that is said before it."""
        while place > self._opening and EXPRESSIVE.kinds[self.walk.tokens[place - 1]] in _LOUDNESS:
            place -= 1
        return place

    def _target(self) -> int:
        """Place of the token that is to be drawn anew: that of a note, further and further back."""
        depth = self._depth()
        # By turns another pitch for a note, and something else than that note.
        kinds = EXPRESSIVE.kinds[self.walk.tokens[self._opening :]]
        notes = self._opening + np.flatnonzero(kinds == (Kind.PITCH if self._stuck % 2 else Kind.TRACK))
        return int(notes[-min(depth, len(notes))]) if len(notes) else self._opening

    def _depth(self) -> int:
        """How many notes to go back: step by step further; then mostly one, and the further the seldomer.

        What is written anew from far back deserves tries of its own, as in the sequence of Luby, Sinclair and
        Zuckerman ("Optimal Speedup of Las Vegas Algorithms", 1993): 1 1 1 4 1 1 1 8 1 1 1 4 1 1 1 16 ...
        """
        rounds, tries = divmod(self._stuck - 1, _PATIENCE)
        if rounds < _FAR:
            return 1 + rounds
        turn = rounds - _FAR + 1
        return 1 if tries + 1 < _PATIENCE else _PATIENCE * (turn & -turn)

    def _note_blame(self) -> None:
        """Count the rule that took the last choices, unless it was the search itself by what it has tried."""
        bar = self.walk.state.bar + 1
        for count in range(1, len(self._rules) + 1):
            if not self._allowed(self._rules[:count]).any():
                self._blame[bar, self._rules[count - 1].label] += 1
                return
