"""What rules cost a model: how much of its probability they forbid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer.decode import Draft
from composer.plan import Plan
from theory.constraint import Automaton, Constraint, Domain, States, allowed
from theory.tokens import EXPRESSIVE, State, grammar_of
from theory.tokens.vocabulary import CHORD_KINDS

_Floats = NDArray[np.float64]


class Prices:
    """Prices of the rules that a draft was drawn under: sums of -ln(probability they allow) over its tokens, in nats.

    Tokens that state chords are left out: given chords are not the model's to guess. What was drawn counts as allowed.

    Args:
        draft: what was drawn.
        plan: the constraints that it was drawn under.
    """

    def __init__(self, draft: Draft, plan: Plan) -> None:
        self._plan = plan
        self._drawn = np.array(draft.ids[draft.opening :])
        self._music = ~np.isin(EXPRESSIVE.kinds[self._drawn], CHORD_KINDS)
        states = _states(draft)
        self._view = States(states)
        # Without rules: grammar, bars, and one note at a time in a part.
        self._free = Automaton(self._domain(), plan.known)
        self._base = allowed(states, (*plan.form, self._free), grammar_of(plan.settings))
        self._base[np.arange(len(states)), self._drawn] = True
        self._mask = self._base.copy()
        self._columns = np.flatnonzero(self._base.any(axis=0))
        highest = draft.logits.max(axis=1)[:, None]
        weights: _Floats = np.subtract(draft.logits[:, self._columns], highest, dtype=np.float64)
        self._weights: _Floats = np.exp(weights, out=weights)
        self._totals = draft.log_totals - highest[:, 0]
        self._base_price = self._price()

    def alone(self, rule: Constraint) -> float:
        """The price of one rule without the others, of what grammar, bars and voices allow."""
        np.copyto(self._mask, self._base)
        if type(rule).narrow is not Constraint.narrow:
            domain = self._domain()
            rule.narrow(domain)
            Automaton(domain, self._plan.known).forbid_more(self._view, self._mask, self._free)
        rule.forbid(self._view, self._mask)
        return max(0.0, self._price() - self._base_price)

    def together(self) -> float:
        """The price of all masks."""
        np.copyto(self._mask, self._base)
        for rule in self._plan.masks:
            rule.forbid(self._view, self._mask)
        return self._price()

    def _price(self) -> float:
        """The price of the mask."""
        self._mask[np.arange(len(self._drawn)), self._drawn] = True
        left = np.einsum("nv,nv->n", self._weights, self._mask[:, self._columns])
        return float(np.maximum(self._totals - np.log(left), 0.0)[self._music].sum())

    def _domain(self) -> Domain:
        """The domain of a piece of which nothing is asked but its chord symbols."""
        domain = Domain(self._plan.frame)
        domain.chords.update(self._plan.chords)
        domain.chord_free[:] = self._plan.own_chords or not self._plan.chords
        return domain


def _states(draft: Draft) -> list[State]:
    """The states before each drawn token."""
    state = State()
    found = []
    for place, token in enumerate(draft.ids):
        if place >= draft.opening:
            found.append(state.copy())
        state.advance(token)
    return found
