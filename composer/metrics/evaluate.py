"""A set of pieces, alone and beside real ones, in one table with confidence intervals.

Beside real ones, every figure of the set stands next to the same figure of real pieces against real pieces: the
reference set is split into two random halves, one is what the other half and as many generated pieces are compared
with, and the mean over several splits counts. So both figures are of equal numbers of pieces, against the same pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any, NamedTuple

import numpy as np

from composer.metrics import ngrams
from composer.metrics.bootstrap import Estimate, bootstrap_means, recentred, resampled
from composer.metrics.frechet import frechet_distance
from composer.metrics.measured import Measured, measure
from composer.metrics.mgeval import NINE
from composer.metrics.overlap import Comparison
from composer.metrics.quantized import BoolArray, FloatArray
from composer.metrics.table import METRICS
from composer.one_thread import one_thread
from theory.errors import RequestError
from theory.score import Score

_DIVERSITY = (*(f"distinct_{order + 1}" for order in range(ngrams.ORDER)), "self_bleu")
_FEWEST = 4  # pieces of which half still compare
_HALVES = 50  # random halves whose spread tells the interval of a diversity
_SPLITS = 10
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure of generated pieces against real ones, beside that of real pieces against the same real ones.

    Attributes:
        generated: the figure.
        real: the ceiling (or, where lower is better, the floor): what real pieces reach at the same numbers.
    """

    generated: Estimate
    real: float


@dataclass(frozen=True, slots=True)
class Against:
    """A set beside a real one.

    Attributes:
        pieces: of either set in each comparison.
        areas, divergences: of each of mgeval's nine features, by name.
        overlapped_area, divergence: means over the nine.
        share: mean overlapped area as a share of real against real; 1 is as good as real music.
        frechet_distance: over `FEATURE_NAMES`.
        metrics: means of the real set, by name, all its pieces.
        diversity: of as many real pieces as are generated (of all, where there are fewer), by name.
    """

    pieces: int
    areas: dict[str, Beside]
    divergences: dict[str, Beside]
    overlapped_area: Beside
    divergence: Beside
    share: Estimate
    frechet_distance: Beside
    metrics: dict[str, Estimate]
    diversity: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is said of a set.

    Attributes:
        pieces: how many.
        metrics: means over pieces of each of `METRICS`.
        diversity: distinct n-grams and self-BLEU, by name; of as many pieces as there are real ones, where those are
            fewer.
        against: the set beside a real one, or None.
    """

    pieces: int
    metrics: dict[str, Estimate]
    diversity: dict[str, Estimate]
    against: Against | None

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; what is not defined is None."""
        plain: dict[str, Any] = asdict(self)
        result: dict[str, Any] = _plain(plain)
        return result


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value if not isinstance(value, float) or isfinite(value) else None


def evaluate_set(
    scores: Sequence[Score] | Measured,
    reference: Sequence[Score] | Measured | None = None,
    *,
    seed: int = 0,
    splits: int = _SPLITS,
    resamples: int = _RESAMPLES,
) -> Evaluation:
    """Evaluate a set of pieces, beside real ones if there are any.

    Means have percentile intervals of 1,000 resamples of pieces. Overlapped areas, divergences and Frechet distances
    have intervals of resamples of both sets, moved to lie around the figure; they are those of one split and so, if
    anything, too wide. Diversities, which pieces drawn twice would falsify, have those of random halves of the set:
    the spread of a statistic over halves is its standard error on the whole (Shao and Wu 1989).

    Args:
        scores: the set, or what `measure` says of it (measure once what is used twice).
        reference: real pieces, of as many bars; twice as many as the set, best.
        seed: of resamples and splits; the same seed gives the same figures.
        splits: of the reference set.
        resamples: of pieces, for figures of sets.

    Raises:
        RequestError: no pieces, or fewer than 2 beside fewer than 4 real ones.
        MeterError: a bar is no whole number of ticks.
    """
    generated = _measured(scores)
    real = None if reference is None else _measured(reference)
    shown = generated if real is None else _first(generated, len(real), seed)
    with one_thread():
        against = None if real is None else _against(generated, real, seed, splits, resamples)
        return Evaluation(len(generated), _means(generated, seed), _diversity(shown, seed), against)


def _measured(pieces: Sequence[Score] | Measured) -> Measured:
    return pieces if isinstance(pieces, Measured) else measure(pieces)


def _means(pieces: Measured, seed: int) -> dict[str, Estimate]:
    return dict(zip(METRICS, bootstrap_means(pieces.metrics, seed=seed), strict=True))


def _first(pieces: Measured, count: int, seed: int) -> Measured:
    """So many pieces by chance, or all."""
    if len(pieces) <= count:
        return pieces
    return pieces.only(np.random.default_rng(seed).permutation(len(pieces))[:count])


def _diversity(pieces: Measured, seed: int) -> dict[str, Estimate]:
    count, found = len(pieces), ngrams.counts(pieces.words)
    whole = _diversities(found, np.ones(count, dtype=np.bool_))
    if count < _FEWEST:
        return {name: Estimate(value, nan, nan, count) for name, value in zip(_DIVERSITY, whole, strict=True)}
    generator = np.random.default_rng(seed)
    halves = np.array([_diversities(found, generator.permutation(count) < count // 2) for _ in range(_HALVES)])
    return {
        name: recentred(value, column, count, bounds=(0, 1))
        for name, value, column in zip(_DIVERSITY, whole, halves.T, strict=True)
    }


def _diversities(found: list[ngrams.Counts], pieces: BoolArray) -> list[float]:
    """The figures named by `_DIVERSITY` of some pieces."""
    some = [counted.of(pieces) for counted in found]
    return [*map(ngrams.distinct_share, some), float(ngrams.bleu_of_each(some, pieces).mean())]


class _Split(NamedTuple):
    """One half of the real pieces, what is compared with it, and what that gave.

    Attributes:
        anchor: real pieces; other: as many others; generated: as many generated ones.
    """

    anchor: Measured
    other: Measured
    generated: Measured


def _against(generated: Measured, real: Measured, seed: int, splits: int, resamples: int) -> Against:
    count = min(len(generated), len(real) // 2)
    if count < 2 or splits < 1:
        raise RequestError(
            f"{len(generated)} pieces beside {len(real)} real ones in {splits} splits: "
            "at least 2 beside 4 in 1 are needed"
        )
    drawn = [_split(generated, real, count, np.random.default_rng([seed, index])) for index in range(splits)]
    figures = np.mean([_figures(split.anchor, split.generated) for split in drawn], axis=0)
    ceiling = np.mean([_figures(split.anchor, split.other) for split in drawn], axis=0)
    replicates = _replicates(drawn[0], resamples, seed)
    limits = [(0.0, 1.0)] * (len(NINE) + 1) + [(0.0, np.inf)] * (len(NINE) + 2)
    estimates = [
        recentred(float(value), column, count, bounds=limit)
        for value, column, limit in zip(figures, replicates.T, limits, strict=True)
    ]
    beside = [Beside(one, float(other)) for one, other in zip(estimates, ceiling, strict=True)]
    areas, mean_area, divergences, mean_divergence, frechet = _parted(beside)
    area = mean_area.generated
    return Against(
        pieces=count,
        areas=dict(zip(NINE, areas, strict=True)),
        divergences=dict(zip(NINE, divergences, strict=True)),
        overlapped_area=mean_area,
        divergence=mean_divergence,
        share=Estimate(area.value / mean_area.real, area.low / mean_area.real, area.high / mean_area.real, count),
        frechet_distance=frechet,
        metrics=_means(real, seed),
        diversity=_diversity(_first(real, len(generated), seed), seed),
    )


def _split(generated: Measured, real: Measured, count: int, generator: np.random.Generator) -> _Split:
    places = generator.permutation(len(real))
    some = generator.permutation(len(generated))[:count]
    return _Split(real.only(places[:count]), real.only(places[count : 2 * count]), generated.only(some))


def _figures(anchor: Measured, other: Measured) -> FloatArray:
    """Areas of the nine, their mean, divergences of the nine, their mean, Frechet distance: (21,)."""
    found = np.array([Comparison(anchor.nine[name], other.nine[name]).of() for name in NINE])[..., 0]
    return _row(found, frechet_distance(other.vectors, anchor.vectors))


def _row(found: FloatArray, frechet: float) -> FloatArray:
    areas, divergences = found.T
    return np.concatenate([areas, [areas.mean()], divergences, [divergences.mean(), frechet]])


def _parted(
    values: list[Beside],
) -> tuple[list[Beside], Beside, list[Beside], Beside, Beside]:
    nine = len(NINE)
    return values[:nine], values[nine], values[nine + 1 : 2 * nine + 1], values[2 * nine + 1], values[2 * nine + 2]


def _replicates(split: _Split, resamples: int, seed: int) -> FloatArray:
    """The figures of each resample of both sets: (resamples, 21)."""
    count = len(split.anchor)
    real, made = resampled(count, resamples, seed), resampled(count, resamples, seed + 1)
    found = np.array(
        [Comparison(split.anchor.nine[name], split.generated.nine[name]).of(real, made) for name in NINE]
    )  # (nine, 2, resamples)
    places = np.arange(count)
    rows = []
    for index in range(resamples):
        vectors = split.generated.vectors[np.repeat(places, made[index])]
        frechet = frechet_distance(vectors, split.anchor.vectors[np.repeat(places, real[index])])
        rows.append(_row(found[..., index], frechet))
    return np.array(rows)


__all__ = ["Against", "Beside", "Evaluation", "evaluate_set"]
