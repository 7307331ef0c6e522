import math

import numpy as np
import pytest

from composer.metrics import bootstrap_means
from composer.metrics.bootstrap import recentred, resampled
from theory.errors import RequestError


def test_a_resample_draws_as_many_pieces_as_there_are_and_the_seed_decides() -> None:
    drawn = resampled(30, 50, seed=4)
    assert drawn.shape == (50, 30)
    assert (drawn.sum(axis=1) == 30).all()
    np.testing.assert_array_equal(drawn, resampled(30, 50, seed=4))
    assert (drawn != resampled(30, 50, seed=5)).any()


def test_an_interval_is_about_two_standard_errors_to_each_side() -> None:
    values = np.random.default_rng(1).normal(5, 2, (400, 1))
    (found,) = bootstrap_means(values)
    error = values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2)
    found = bootstrap_means(generator.exponential(1, (100, 300)), resamples=400)  # 300 sets side by side
    assert 0.88 < np.mean([one.low <= 1 <= one.high for one in found]) < 0.98


def test_what_is_not_defined_is_left_out() -> None:
    values = np.array([[1.0, np.nan, np.nan], [2.0, 4.0, np.nan], [3.0, np.nan, np.nan]])
    whole, single, none = bootstrap_means(values)
    assert (whole.value, whole.pieces) == (2, 3)
    assert (single.value, single.pieces) == (4, 1)
    assert math.isnan(single.low)
    assert none.pieces == 0
    assert math.isnan(none.value)


def test_replicates_off_the_figure_are_moved_to_it() -> None:
    found = recentred(0.9, np.linspace(0.7, 0.8, 101), 10, bounds=(0, 0.92))
    assert found.low == pytest.approx(0.8525)
    assert found.high == 0.92


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(RequestError, match="at least 1"):
        bootstrap_means(np.empty((0, 3)))
