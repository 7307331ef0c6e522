"""What is said of a writer, and of the real music beside it: a row of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from math import isfinite, nan
from typing import Any

import numpy as np

from composer.evaluation.estimates import mean, ratio
from composer.metrics import Beside, Estimate, Evaluation
from composer.originality import Index, Run, Shared
from theory.errors import RequestError
from theory.score import IntArray, Score
from theory.voice_leading import BACH_RATES, Texture, violations

REAL = "real held-out"
_PARTS = 4
_LISTED = 5  # copies that are named
PERCENTILES = (50, 75, 90, 95, 100)


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How a VAE writes pieces again.

    Attributes:
        bars: of each.
        accuracy: share of 16th steps that come out alike.
        bits: that its latent says of a piece: divergence of the posterior from the prior.
    """

    bars: int
    accuracy: Estimate
    bits: Estimate


@dataclass(frozen=True, slots=True)
class Ask:
    """A steered request, all its pieces together.

    Attributes:
        name: what it asks.
        found, wanted: pieces.
        kept, asked: places at which its rules hold, and at which they apply.
        price_per_note: nats that all masks cost.
    """

    name: str
    found: int
    wanted: int
    kept: int
    asked: int
    price_per_note: float


@dataclass(frozen=True, slots=True)
class Copy:
    """A run of notes that a piece shares with a training piece.

    Attributes:
        number: of the piece, from 1 in the order of requests.
        notes: in a row.
        text: where, and with which piece.
    """

    number: int
    notes: int
    text: str


@dataclass(frozen=True, slots=True)
class Originality:
    """The longest runs that pieces share with those that were learnt from.

    Attributes:
        exact, transposed: mean over pieces, in notes.
        real_exact, real_transposed: of the held-out music, against the same pieces.
        percentiles: notes of the transposed runs that so many per cent of the pieces do not exceed.
        real_percentiles: of the held-out music.
        runs: notes of the longest transposed run of each piece.
        longest: the longest of all.
    """

    exact: Estimate
    transposed: Estimate
    real_exact: Estimate
    real_transposed: Estimate
    percentiles: dict[str, int]
    real_percentiles: dict[str, int]
    runs: tuple[int, ...]
    longest: tuple[Copy, ...]

    @property
    def holds(self) -> bool:
        """Whether no more is shared than real music shares, on the mean."""
        return self.exact.value <= self.real_exact.value and self.transposed.value <= self.real_transposed.value


@dataclass(frozen=True, slots=True)
class Row:
    """A writer, or the real music: what does not apply is None, or empty.

    Attributes:
        name: in the table.
        architecture: "lstm", "vae", "gan", "5-gram" or "real".
        sha256: of what writes; "" of real music.
        temperature: that was stated.
        pieces, missing: how many there are, and for how many requests none was found.
        nats_per_note: likelihood of the held-out music; of a VAE the bound.
        latent_nats_per_note: the latent's part of it.
        share: mean overlapped area as a share of real against real.
        overlapped_area, divergence: means of the nine features.
        areas, divergences: by feature.
        frechet_distance: over musical features.
        metrics: means over pieces, by name.
        diversity: of as many pieces as there are real ones.
        faults: violations of four-part rules for 100 changes of sonority, by rule.
        reconstruction, steered, originality: see there.
        is_experimental: whether its training did not earn its place.
    """

    name: str
    architecture: str
    sha256: str
    temperature: float | None
    pieces: int
    missing: int
    nats_per_note: Estimate | None
    latent_nats_per_note: Estimate | None
    share: Estimate
    overlapped_area: Estimate
    divergence: Estimate
    areas: dict[str, Estimate]
    divergences: dict[str, Estimate]
    frechet_distance: Estimate
    metrics: dict[str, Estimate]
    diversity: dict[str, Estimate]
    faults: dict[str, Estimate]
    reconstruction: tuple[Reconstruction, ...] = ()
    steered: tuple[Ask, ...] = ()
    originality: Originality | None = field(default=None)
    is_experimental: bool = False

    @property
    def heading(self) -> str:
        """Of its column."""
        return f"{self.name} (experimental)" if self.is_experimental else self.name


def set_fields(found: Evaluation) -> dict[str, Any]:
    """The fields of a row that compare sets."""
    beside = found.against
    assert beside is not None
    return {
        "share": beside.share,
        "overlapped_area": beside.overlapped_area.generated,
        "divergence": beside.divergence.generated,
        "areas": {name: one.generated for name, one in beside.areas.items()},
        "divergences": {name: one.generated for name, one in beside.divergences.items()},
        "frechet_distance": beside.frechet_distance.generated,
        "metrics": found.metrics,
        "diversity": found.diversity,
    }


def real_fields(found: Evaluation) -> dict[str, Any]:
    """The same fields of the real music that a set was compared with."""
    beside = found.against
    assert beside is not None

    def real(one: Beside) -> Estimate:
        return Estimate(one.real, nan, nan, beside.pieces)

    return {
        "share": Estimate(1.0, nan, nan, beside.pieces),
        "overlapped_area": real(beside.overlapped_area),
        "divergence": real(beside.divergence),
        "areas": {name: real(one) for name, one in beside.areas.items()},
        "divergences": {name: real(one) for name, one in beside.divergences.items()},
        "frechet_distance": real(beside.frechet_distance),
        "metrics": beside.metrics,
        "diversity": beside.diversity,
    }


def faults_of(scores: Sequence[Score], seed: int) -> dict[str, Estimate]:
    """Violations for 100 changes of sonority; {} where pieces are not of four parts of one note at a time."""
    if not scores or any(len(score.tracks) != _PARTS for score in scores):
        return {}
    try:
        rows = [_faults(score.replace(chords=())) for score in scores]
    except RequestError:
        return {}
    moments = [each for each, _ in rows]
    rates = {rule: ratio([100 * found[rule] for _, found in rows], moments, seed) for rule in BACH_RATES}
    return {rule: rate for rule, rate in rates.items() if rate is not None}


def _faults(score: Score) -> tuple[int, dict[str, int]]:
    """Changes of sonority, and how often each rule is broken: what `theory.voice_leading.rates` divides."""
    broken = [violation.rule for violation in violations(score)]
    return Texture.of(score).moments, {rule: broken.count(rule) for rule in BACH_RATES}


def asks_of(names: Sequence[str], results: Sequence[list[Any]]) -> tuple[Ask, ...]:
    """The steered requests from what `steered.Steering` found of each."""
    found = []
    for name, pieces in zip(names, results, strict=True):
        there = [piece for piece in pieces if piece]
        kept, asked, prices = zip(*there, strict=True) if there else ((), (), ())
        price = float(np.mean(prices)) if prices else nan
        found.append(Ask(name, len(there), len(pieces), int(sum(kept)), int(sum(asked)), price))
    return tuple(found)


def originality(index: Index, scores: Sequence[Score], real: Sequence[Score], seed: int) -> Originality:
    """What pieces share with an index, beside what real ones do."""
    shared, other = ([index.shared(score) for score in each] for each in (scores, real))
    exact, transposed = _columns(shared)
    real_exact, real_transposed = _columns(other)
    order = np.argsort(-transposed, kind="stable")[:_LISTED].tolist()
    longest = [_copy(number, shared[number].transposed) for number in order]
    return Originality(
        exact=mean(exact, seed),
        transposed=mean(transposed, seed),
        real_exact=mean(real_exact, seed),
        real_transposed=mean(real_transposed, seed),
        percentiles=_percentiles(transposed),
        real_percentiles=_percentiles(real_transposed),
        runs=tuple(transposed.tolist()),
        longest=tuple(copy for copy in longest if copy),
    )


def _columns(shared: Sequence[Shared]) -> tuple[IntArray, IntArray]:
    """Notes of the exact and of the transposed runs, (n,) each."""
    exact, transposed = np.array([one.notes for one in shared], dtype=np.int64).reshape(-1, 2).T
    return exact, transposed


def _copy(number: int, run: Run | None) -> Copy | None:
    return Copy(number + 1, run.notes, str(run)) if run else None


def _percentiles(notes: IntArray) -> dict[str, int]:
    return {f"{share} %": int(np.percentile(notes, share, method="inverted_cdf")) for share in PERCENTILES}


def plain(value: Any) -> Any:
    """As plain data for JSON, six digits a figure; what is not defined is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Estimate):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if isfinite(value) else None
    return value


__all__ = [
    "PERCENTILES", "REAL", "Ask", "Copy", "Originality", "Reconstruction", "Row", "asks_of", "faults_of", "originality",
    "plain", "real_fields", "set_fields",
]  # fmt: skip
