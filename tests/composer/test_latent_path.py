"""Which drafts become the steps of a path: in order, little off, none twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from composer.latent_path import _path, _Tried, _Way

INNER = [step / 7 for step in range(1, 7)]
WAY = _Way(np.array([4.0, 12.0, 2.0]), np.array([8.0, 17.0, 2.5]))


def tried(heard, at=0.5):
    return [_Tried(at, np.zeros((1, 1), np.float32), None, np.array(each, np.float64)) for each in heard]


def in_order(path):
    """Of each attribute, the share of the pairs of steps that go where the ends go, less those that go back."""
    later = np.sign(path[None] - path[:, None])[np.triu_indices(len(path), 1)]
    return (later * np.sign(path[-1] - path[0])).mean(axis=0)


def with_ends(drafts, chosen):
    return np.array([WAY.first, *(drafts[number].heard for number in chosen), WAY.last])


def nearest_each(drafts):
    chosen = []
    for at in INNER:
        order = np.argsort(WAY.off(drafts, at), kind="stable")
        chosen.append(next(int(number) for number in order if number not in chosen))
    return chosen


def test_what_lies_on_the_way_is_taken_in_its_order():
    on_the_way = [(1 - at) * WAY.first + at * WAY.last for at in INNER]
    drafts = tried([*reversed(on_the_way), *(each + np.array([3, 6, 0.3]) for each in on_the_way)])
    assert _path(drafts, INNER, WAY) == [5, 4, 3, 2, 1, 0]


def test_where_none_lies_on_the_way_the_order_counts():
    """Ranges of 13 and 15 do not come; what is nearest by itself goes back and forth in density."""
    dice = np.random.default_rng(3)
    heard = np.column_stack(
        [dice.uniform(4, 8, 40), dice.choice([12, 14, 16, 17], 40), dice.choice([2.0, 2.2, 2.5], 40)]
    )
    drafts = tried(heard)
    one, other = (in_order(with_ends(drafts, chosen)) for chosen in (_path(drafts, INNER, WAY), nearest_each(drafts)))
    assert one.sum() > other.sum()
    assert one.min() > 0.5


@given(st.lists(st.tuples(st.floats(0, 12), st.integers(0, 30), st.floats(0, 3.5)), min_size=6, max_size=30))
def test_a_path_takes_none_twice_and_is_no_worse_than_one_place_by_one(heard):
    drafts = tried(heard)
    chosen, other = _path(drafts, INNER, WAY), nearest_each(drafts)
    assert len({*chosen}) == len(chosen) == len(INNER)
    off = np.array([WAY.off(drafts, at) for at in INNER])

    def good(numbers):
        return in_order(with_ends(drafts, numbers)).sum() - off[np.arange(len(INNER)), numbers].mean()

    assert good(chosen) >= good(other) - 1e-9
