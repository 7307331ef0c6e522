"""Confidence intervals by the bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).

Pieces are drawn again, with replacement; a resample is the number of times each piece was drawn. Where a statistic
of a whole set is biased by pieces drawn twice, as overlapped areas and Frechet distances are, what counts of the
replicates is how they spread, not where they lie: see `recentred`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from composer.metrics.quantized import FloatArray, IntArray
from theory.errors import RequestError

LEVEL = 0.95
RESAMPLES = 1000


class Estimate(NamedTuple):
    """A figure and the interval that holds it with 95 % confidence.

    Attributes:
        value: the figure; NaN where nothing has one.
        low, high: the interval; NaN where it cannot be told, as of one piece.
        pieces: how many pieces it is of.
    """

    value: float
    low: float
    high: float
    pieces: int


def resampled(pieces: int, resamples: int, seed: int) -> IntArray:
    """How often each piece is drawn in each resample: int64 (resamples, pieces); rows sum to the number of pieces.

    Raises:
        RequestError: no piece or no resample.
    """
    if pieces < 1 or resamples < 1:
        raise RequestError(f"{resamples} resamples of {pieces} pieces: must be at least 1 of 1")
    generator = np.random.default_rng(seed)
    return generator.multinomial(pieces, np.full(pieces, 1 / pieces), size=resamples)


def bootstrap_means(values: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES) -> list[Estimate]:
    """Means of columns with their percentile intervals; a piece whose value is NaN is left out of its column.

    Args:
        values: (pieces, columns).
        seed: of the resamples.
        resamples: how many.
    """
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    means = filled.sum(axis=0) / np.where(counts, counts, np.nan)
    drawn = resampled(len(values), resamples, seed).astype(np.float64)
    weight = drawn @ known
    replicates = drawn @ filled / np.where(weight > 0, weight, np.nan)
    return [
        Estimate(float(mean), *(_interval(column) if count > 1 else (np.nan, np.nan)), int(count))
        for mean, column, count in zip(means, replicates.T, counts, strict=True)
    ]


def recentred(
    value: float, replicates: FloatArray, pieces: int, *, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """A figure with the interval of its replicates, moved from around their mean to around the figure.

    Args:
        value: the figure.
        replicates: the figure of each resample.
        pieces: how many pieces it is of.
        bounds: what the figure cannot exceed.
    """
    low, high = _interval(replicates - replicates.mean() + value)
    return Estimate(value, max(low, bounds[0]), min(high, bounds[1]), pieces)


def _interval(replicates: FloatArray) -> tuple[float, float]:
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


__all__ = ["LEVEL", "RESAMPLES", "Estimate", "bootstrap_means", "recentred", "resampled"]
