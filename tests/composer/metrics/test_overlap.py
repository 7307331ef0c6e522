import warnings

import numpy as np
import pytest
from scipy import integrate, stats

from composer.metrics import intra_set, overlap
from composer.metrics.bootstrap import resampled
from composer.metrics.overlap import Comparison, distances
from theory.errors import RequestError


def normal(rows: int, columns: int, seed: int, *, centre: float = 0.0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, spread, (rows, columns))


def by_scipy(reference: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """The toolkit's calls, but on the whole line and one grid."""
    intra, inter = intra_set(reference), distances(reference, generated).ravel()
    densities = stats.gaussian_kde(intra), stats.gaussian_kde(inter)
    width = max(np.ptp(intra), np.ptp(inter))
    grid = np.linspace(min(intra.min(), inter.min()) - width / 2, max(intra.max(), inter.max()) + width / 2, 6001)
    one, other = (density(grid) for density in densities)
    uniform = 1e-6 / np.ptp(grid)
    one_mixed, other_mixed = one + uniform, other + uniform
    area = integrate.trapezoid(np.minimum(one, other), grid)
    return area, integrate.trapezoid(one_mixed * np.log(one_mixed / other_mixed), grid)


@pytest.mark.parametrize(
    ("columns", "centre", "spread"), [(1, 0, 1), (1, 1, 1), (12, 0.3, 1), (144, 0, 1.1), (3, 2, 0.3)]
)
def test_areas_and_divergences_are_those_of_scipy_on_one_grid(columns: int, centre: float, spread: float) -> None:
    reference, generated = normal(60, columns, 1), normal(40, columns, 2, centre=centre, spread=spread)
    area, divergence = by_scipy(reference, generated)
    found = overlap(reference, generated)
    assert found.area == pytest.approx(area, abs=2e-3)
    assert found.divergence == pytest.approx(divergence, rel=0.03, abs=2e-3)


def test_distances_are_euclidean() -> None:
    rows, others = normal(7, 5, 1), normal(4, 5, 2)
    plain = [[np.linalg.norm(row - other) for other in others] for row in rows]
    np.testing.assert_allclose(distances(rows, others), plain)
    np.testing.assert_allclose(distances(rows[:, :1], others[:, :1]), abs(rows[:, :1] - others[:, :1].T))
    assert len(intra_set(rows)) == 21


def test_sets_of_one_kind_overlap_nearly_wholly_and_distant_ones_not_at_all() -> None:
    assert overlap(normal(300, 4, 1), normal(300, 4, 2)).area > 0.97
    far = overlap(normal(300, 4, 1), normal(300, 4, 2, centre=50))
    assert far.area < 0.01
    assert 5 < far.divergence < 30


def test_a_generator_that_always_says_the_same_overlaps_less() -> None:
    reference = normal(200, 4, 1)
    assert overlap(reference, np.tile(reference[:1], (200, 1))).area < 0.9 < overlap(reference, normal(200, 4, 2)).area


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_sets_without_any_spread_are_compared_all_the_same(value: float) -> None:
    same = np.full((10, 2), value)
    assert overlap(same, same) == (1.0, 0.0)
    assert overlap(same, normal(10, 2, 1)).area < 0.2
    assert overlap(normal(10, 2, 1), same).area <= 1


def test_one_far_piece_does_not_drown_the_others() -> None:
    reference, generated = normal(100, 1, 1), normal(100, 1, 2)
    generated[0] = 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = overlap(reference, generated)
    assert np.isfinite(found).all()


def test_resamples_of_every_piece_once_are_the_plain_figure() -> None:
    reference, generated = normal(30, 3, 1), normal(20, 3, 2)
    areas, divergences = Comparison(reference, generated).of(np.ones((2, 30), int), np.ones((2, 20), int))
    plain = overlap(reference, generated)
    assert areas.tolist() == [plain.area] * 2
    assert divergences.tolist() == [plain.divergence] * 2


def test_a_resample_is_the_figure_of_the_pieces_it_draws() -> None:
    reference, generated = normal(30, 3, 1), normal(25, 3, 2)
    real = np.ones((1, 30), int)
    made = resampled(25, 1, 5)
    drawn = overlap(reference, np.repeat(generated, made[0], axis=0))
    assert Comparison(reference, generated).of(real, made)[0][0] == pytest.approx(drawn.area, abs=2e-3)


def test_a_resample_of_one_piece_over_and_over_has_a_figure() -> None:
    reference, generated = normal(3, 1, 1), normal(4, 1, 2)
    areas, divergences = Comparison(reference, generated).of(np.array([[3, 0, 0]]), np.ones((1, 4), int))
    assert np.isfinite([*areas, *divergences]).all()


@pytest.mark.parametrize(("reference", "generated"), [(1, 5), (0, 5), (5, 0)])
def test_too_few_pieces_are_refused(reference: int, generated: int) -> None:
    with pytest.raises(RequestError, match="at least 1 against 2"):
        overlap(normal(reference, 2, 1), normal(generated, 2, 2))
