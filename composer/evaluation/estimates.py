"""Figures of sets that are no means over pieces: ratios of sums, with intervals by the bootstrap over pieces."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike

from composer.metrics.bootstrap import RESAMPLES, Estimate, bootstrap_means, recentred, resampled


def ratio(above: ArrayLike, below: ArrayLike, seed: int = 0) -> Estimate | None:
    """Sum over sum, as of nats over notes, with the interval of resampled pieces; None without pieces.

    Args:
        above: of each piece, (n,).
        below: likewise, their sum above 0.
        seed: of the resamples.
    """
    tops, bottoms = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    if not bottoms.sum():
        return None
    value = float(tops.sum() / bottoms.sum())
    if len(tops) < 2:
        return Estimate(value, nan, nan, len(tops))
    drawn = resampled(len(tops), RESAMPLES, seed)
    sums = drawn @ bottoms
    replicates = (drawn @ tops)[sums > 0] / sums[sums > 0]
    return recentred(value, replicates, len(tops), bounds=(min(0.0, value), np.inf))


def mean(values: ArrayLike, seed: int = 0) -> Estimate:
    """The mean over pieces, at least one, with the interval of resampled pieces."""
    return bootstrap_means(np.asarray(values, dtype=np.float64)[:, None], seed=seed)[0]


__all__ = ["mean", "ratio"]
