import numpy as np
import pytest
from scipy import linalg

from composer.metrics import FEATURE_NAMES, frechet_distance
from composer.metrics.frechet import Gaussian, distance
from theory.errors import RequestError

SIZE = len(FEATURE_NAMES)


def gaussian(seed: int, size: int = 6) -> Gaussian:
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(size, size))
    return Gaussian(generator.normal(size=size), root @ root.T)


def rows(count: int, seed: int, *, centre: float = 0.0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, spread, (count, SIZE)) * 10


@pytest.mark.parametrize("seed", range(5))
def test_a_distance_is_that_by_scipys_matrix_root(seed: int) -> None:
    one, other = gaussian(seed), gaussian(seed + 100)
    cross = np.real(linalg.sqrtm(one.covariance @ other.covariance))
    plain = ((one.mean - other.mean) ** 2).sum() + np.trace(one.covariance + other.covariance - 2 * cross)
    assert distance(one, other) == pytest.approx(plain)
    assert distance(other, one) == pytest.approx(plain)
    assert distance(one, one) == pytest.approx(0, abs=1e-6)


def test_a_distance_of_one_dimension_is_the_textbooks() -> None:
    one, other = Gaussian(np.array([1.0]), np.array([[4.0]])), Gaussian(np.array([4.0]), np.array([[25.0]]))
    assert distance(one, other) == pytest.approx(3**2 + (2 - 5) ** 2)


def test_sets_farther_apart_are_farther_apart() -> None:
    reference = rows(200, 1)
    same, moved, wider = rows(200, 2), rows(200, 3, centre=1), rows(200, 4, spread=2)
    near = frechet_distance(same, reference)
    assert near < frechet_distance(moved, reference) / 4
    assert near < frechet_distance(wider, reference) / 4


def test_a_constant_feature_does_not_make_a_set_infinitely_far() -> None:
    reference, generated = rows(50, 1), rows(50, 1)
    column = FEATURE_NAMES.index("polyphony")
    reference[:, column] = generated[:, column] = 1.0
    generated[0, column] = 1.1
    assert frechet_distance(generated, reference) < 0.1


@pytest.mark.parametrize("count", [2, 5, SIZE, 2 * SIZE])
def test_few_pieces_still_have_a_distance(count: int) -> None:
    value = frechet_distance(rows(count, 1), rows(count, 2))
    assert 0 < value < np.inf
    assert frechet_distance(rows(count, 1), rows(count, 1)) == pytest.approx(0, abs=1e-3)


def test_shrinking_halves_the_bias_of_few_pieces() -> None:
    """Two sets of one distribution are 0 apart; plain covariances say otherwise at counts near the dimension."""
    few, others = rows(40, 1), rows(40, 2)
    unit = others.std(axis=0)
    plain = [Gaussian((found / unit).mean(axis=0), np.cov((found / unit).T)) for found in (few, others)]
    assert frechet_distance(few, others) < distance(*plain) / 2


@pytest.mark.parametrize("count", [0, 1])
def test_one_piece_is_refused(count: int) -> None:
    with pytest.raises(RequestError, match="at least 2"):
        frechet_distance(rows(count, 1), rows(10, 2))
    with pytest.raises(RequestError, match="at least 2"):
        frechet_distance(rows(10, 2), rows(count, 1))
