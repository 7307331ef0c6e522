"""The Frechet distance between two sets of pieces, over the named features of `FEATURE_NAMES`.

The 2-Wasserstein distance of two Gaussians (Dowson and Landau 1982; used for images by Heusel et al. 2017), squared:

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

It is taken over hand-made features, not over a network's embedding: it is no "FMD" and no figure of one may be set
beside it. Features are in units of the reference set's standard deviation, so none weighs more for its unit.

With few pieces a sample covariance is singular and the distance too large. Covariances are therefore shrunk towards a
multiple of the identity by Ledoit and Wolf's amount ("A well-conditioned estimator for large-dimensional covariance
matrices", 2004), which is full of rank from two pieces on. What bias is left depends on the number of pieces: set a
distance beside that of real pieces from real ones at the same numbers, never beside one at others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from composer.metrics.features import FEATURES
from composer.metrics.quantized import FloatArray
from theory.errors import RequestError

_LEAST = np.array([feature.least for feature in FEATURES.values()])


class Gaussian(NamedTuple):
    """A normal distribution.

    Attributes:
        mean: (d,).
        covariance: (d, d), symmetric.
    """

    mean: FloatArray
    covariance: FloatArray


def ledoit_wolf(rows: FloatArray) -> Gaussian:
    """Mean, and covariance shrunk by Ledoit and Wolf's amount towards its mean variance times the identity.

    Args:
        rows: (n, d), n of 2 or more.

    Raises:
        RequestError: fewer than 2 rows.
    """
    count, size = rows.shape
    if count < 2:
        raise RequestError(f"{count} pieces have no covariance: at least 2 are needed")
    mean = rows.mean(axis=0)
    centred = rows - mean
    sample = centred.T @ centred / count
    variance = np.trace(sample) / size
    apart = ((sample - variance * np.eye(size)) ** 2).sum()  # of the sample from the target
    noise = ((centred**2).sum(axis=1) ** 2).sum() / count**2 - (sample**2).sum() / count  # of the sample itself
    share = min(max(noise, 0.0) / apart, 1.0) if apart > 0 else 0.0
    return Gaussian(mean, (1 - share) * sample + share * variance * np.eye(size))


def distance(one: Gaussian, other: Gaussian) -> float:
    """Squared Frechet distance of two Gaussians, 0 or more."""
    root = _root(one.covariance)
    inner = np.linalg.eigvalsh(root @ other.covariance @ root)
    cross = np.sqrt(np.maximum(inner, 0)).sum()
    apart = ((one.mean - other.mean) ** 2).sum()
    return float(max(apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * cross, 0.0))


def _root(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return root


def frechet_distance(generated: FloatArray, reference: FloatArray) -> float:
    """Squared Frechet distance of two sets of pieces, in the reference's standard deviations; 0 is alike.

    Args:
        generated: feature vectors of pieces, (m, features), m of 2 or more.
        reference: of real ones, (n, features), n of 2 or more.

    Raises:
        RequestError: fewer than 2 pieces.
    """
    unit = np.maximum(reference.std(axis=0), _LEAST) if len(reference) else _LEAST
    return distance(ledoit_wolf(generated / unit), ledoit_wolf(reference / unit))


__all__ = ["Gaussian", "distance", "frechet_distance", "ledoit_wolf"]
