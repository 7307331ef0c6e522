"""What is measured of each piece of a set, once, and what is measured of whole sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from composer.metrics import ngrams
from composer.metrics.features import FEATURE_NAMES, feature_vector
from composer.metrics.frechet import frechet_distance
from composer.metrics.mgeval import NINE
from composer.metrics.overlap import overlap
from composer.metrics.quantized import FloatArray, IntArray, quantized
from composer.metrics.table import METRICS, Better
from theory.errors import RequestError
from theory.score import Score


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is measured of each piece of a set; all that comparing sets takes.

    Attributes:
        metrics: (pieces, metrics), in order of `METRICS`; NaN where not defined.
        nine: mgeval's features by name, (pieces, d) each.
        vectors: (pieces, features), in order of `FEATURE_NAMES`.
        words: of each piece, for n-grams: int64 (m,).
    """

    metrics: FloatArray
    nine: dict[str, FloatArray]
    vectors: FloatArray
    words: tuple[IntArray, ...]

    def __len__(self) -> int:
        return len(self.words)

    def only(self, rows: ArrayLike) -> Measured:
        """Some of the pieces, by their places."""
        places = np.asarray(rows, dtype=np.int64)
        nine = {name: values[places] for name, values in self.nine.items()}
        return Measured(self.metrics[places], nine, self.vectors[places], tuple(self.words[row] for row in places))


def measure(scores: Sequence[Score]) -> Measured:
    """Measure each piece: some milliseconds a piece, and the rest never looks at a score again.

    Raises:
        RequestError: no piece.
        MeterError: a bar is no whole number of ticks.
    """
    if not scores:
        raise RequestError("a set without pieces cannot be measured: at least 1 is needed")
    pieces = [quantized(score) for score in scores]
    return Measured(
        np.array([[metric.function(piece) for metric in METRICS.values()] for piece in pieces]),
        {name: np.array([feature(piece) for piece in pieces]) for name, feature in NINE.items()},
        np.array([feature_vector(piece) for piece in pieces]),
        tuple(ngrams.words(piece) for piece in pieces),
    )


@dataclass(frozen=True, slots=True)
class SetMetric:
    """One number of a set of pieces, beside a real set.

    Attributes:
        function: of the generated and the real set.
        unit: in words.
        low, high: the least and the most it can be.
        better: which way is better.
        source: who published it.
    """

    function: Callable[[Measured, Measured], float]
    unit: str
    low: float
    high: float
    better: Better
    source: str


def mean_overlapped_area(generated: Measured, reference: Measured) -> float:
    """Mean over mgeval's nine features of the overlapped area of intra-set and inter-set distances."""
    return float(np.mean([overlap(reference.nine[name], generated.nine[name]).area for name in NINE]))


def mean_divergence(generated: Measured, reference: Measured) -> float:
    """Mean over mgeval's nine features of the Kullback-Leibler divergence, in nats."""
    return float(np.mean([overlap(reference.nine[name], generated.nine[name]).divergence for name in NINE]))


def set_frechet_distance(generated: Measured, reference: Measured) -> float:
    """Squared Frechet distance over `FEATURE_NAMES`."""
    return frechet_distance(generated.vectors, reference.vectors)


def _distinct(order: int, generated: Measured, _: Measured) -> float:
    return ngrams.distinct(generated.words, order)


def _self_bleu(generated: Measured, _: Measured) -> float:
    return float(ngrams.self_bleu(generated.words).mean())


_MGEVAL = "mgeval (Yang and Lerch 2018), both densities on one grid"
_FRECHET = f"Frechet distance of Gaussians (Dowson and Landau 1982) over {len(FEATURE_NAMES)} musical features"

SET_METRICS: dict[str, SetMetric] = {
    "overlapped_area": SetMetric(mean_overlapped_area, "share", 0, 1, "higher", _MGEVAL),
    "divergence": SetMetric(mean_divergence, "nats", 0, inf, "lower", _MGEVAL),
    "frechet_distance": SetMetric(set_frechet_distance, "variances", 0, inf, "lower", _FRECHET),
    **{
        f"distinct_{order}": SetMetric(
            partial(_distinct, order), "share", 0, 1, "as the data", "distinct-n (Li et al. 2016)"
        )
        for order in (1, 2, 3, 4)
    },
    "self_bleu": SetMetric(_self_bleu, "BLEU", 0, 1, "as the data", "self-BLEU (Zhu et al. 2018)"),
}

__all__ = [
    "SET_METRICS", "Measured", "SetMetric", "mean_divergence", "mean_overlapped_area", "measure",
    "set_frechet_distance",
]  # fmt: skip
