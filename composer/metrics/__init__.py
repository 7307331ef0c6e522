"""What is measured of generated music: published metrics of pieces, and distances of sets from real music.

>>> from composer.metrics import METRICS, evaluate_set, measure
>>> real = measure(held_out)                              # doctest: +SKIP
>>> evaluate_set(pieces, real).against.share              # doctest: +SKIP

NumPy alone; pure functions. `METRICS` and `SET_METRICS` name every figure with its unit, range and source.
"""

from composer.metrics.bootstrap import Estimate, bootstrap_means
from composer.metrics.evaluate import Against, Beside, Evaluation, evaluate_set
from composer.metrics.features import FEATURE_NAMES, FEATURES, feature_vector
from composer.metrics.frechet import frechet_distance
from composer.metrics.measured import (
    SET_METRICS,
    Measured,
    SetMetric,
    mean_divergence,
    mean_overlapped_area,
    measure,
    set_frechet_distance,
)
from composer.metrics.mgeval import NINE
from composer.metrics.ngrams import distinct, self_bleu, words
from composer.metrics.overlap import Overlap, intra_set, overlap
from composer.metrics.quantized import Quantized, quantized
from composer.metrics.similarity import self_similarity, similarity_by_lag
from composer.metrics.table import METRICS, Metric

__all__ = [
    "FEATURES", "FEATURE_NAMES", "METRICS", "NINE", "SET_METRICS", "Against", "Beside", "Estimate", "Evaluation",
    "Measured", "Metric", "Overlap", "Quantized", "SetMetric", "bootstrap_means", "distinct", "evaluate_set",
    "feature_vector", "frechet_distance", "intra_set", "mean_divergence", "mean_overlapped_area", "measure", "overlap",
    "quantized", "self_bleu", "self_similarity", "set_frechet_distance", "similarity_by_lag", "words",
]  # fmt: skip
