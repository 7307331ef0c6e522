"""What rules cost: the probability that they forbid, worked out anew."""

from __future__ import annotations

import numpy as np
import pytest

from composer import decode, generate
from composer.price import Prices
from composer.request import Request
from theory.constraint import Automaton, Constraint, Domain, allowed
from theory.tokens import VOCABULARY, State
from theory.tokens.vocabulary import CHORD_KINDS

REQUEST = {
    "key": "D minor", "bars": 4, "chords": "Dm | Gm | A7 | Dm", "cadences": ("4=perfect",), "scale": "key",
    "ranges": ("soprano=C4:G5", "bass=E2:D4"), "leaps": ("9",), "density": ("bass=1:4",), "rules": "no-parallels",
    "durations": ("tenor=1 2 4 8",), "polyphony": 4,
}  # fmt: skip


@pytest.fixture(scope="module", params=[REQUEST, {"bars": 3, "onsets": ("soprano=1 3",)}, {"bars": 2}])
def drawn(request, tiny_model):
    """A draft and the plan that it was drawn under."""
    ready = generate.prepared(Request(model=tiny_model, **request.param))
    return decode.write(ready.task, ready.wanted.seed), ready.plan


def states_of(draft):
    state, found = State(), []
    for place, token in enumerate(draft.ids):
        if place >= draft.opening:
            found.append(state.copy())
        state.advance(token)
    return found


def price_of(draft, mask):
    """By the softmax; what was drawn counts as allowed, and tokens of chords are left out."""
    ids = np.array(draft.ids[draft.opening :])
    rows = np.flatnonzero(~np.isin(VOCABULARY.kinds[ids], CHORD_KINDS))
    shares = np.exp(draft.logits.astype(np.float64))
    mask = mask.copy()
    mask[np.arange(len(ids)), ids] = True
    return -np.log((shares * mask).sum(axis=1) / shares.sum(axis=1))[rows].sum()


def blank(plan):
    domain = Domain(plan.frame)
    domain.chords.update(plan.chords)
    domain.chord_free[:] = plan.own_chords or not plan.chords
    return domain


def test_the_price_of_each_rule_alone(drawn):
    draft, plan = drawn
    states, prices = states_of(draft), Prices(draft, plan)
    free = [*plan.form, Automaton(blank(plan))]
    base = price_of(draft, allowed(states, free))
    assert base > 0
    costs = []
    for rule in plan.rules:
        domain = blank(plan)
        rule.narrow(domain)
        mask = allowed(states, [*free, Automaton(domain), rule])
        costs.append(prices.alone(rule))
        assert costs[-1] == pytest.approx(price_of(draft, mask) - base, abs=1e-8), rule.label
    assert max(costs) > 0.1


def test_the_price_of_all_masks_together(drawn):
    draft, plan = drawn
    prices = Prices(draft, plan)
    together = prices.together()
    assert together == pytest.approx(price_of(draft, allowed(states_of(draft), plan.masks)), abs=1e-8)
    assert prices.alone(Constraint()) == 0  # and it stays the same, whatever was priced before
    assert prices.together() == together
