"""The columns of the table: what each says, in one line that a musician can read, and how a row gives it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite, nan
from typing import NamedTuple

from composer.evaluation.rows import Row
from composer.metrics import FEATURE_NAMES, METRICS, NINE, Estimate
from composer.metrics.similarity import LAGS


class Column(NamedTuple):
    """One column.

    Attributes:
        name: for programs.
        heading: for people.
        text: what it says, in one line.
        better: "higher", "lower", or "as the data".
        digits: after the point.
        of: the figure of a row, None where it has none.
    """

    name: str
    heading: str
    text: str
    better: str
    digits: int
    of: Callable[[Row], Estimate | None]


def _metric(name: str, row: Row) -> Estimate | None:
    return row.metrics.get(name)


def _accuracy(row: Row) -> Estimate | None:
    return row.reconstruction[-1].accuracy if row.reconstruction else None


def _bits(row: Row) -> Estimate | None:
    return row.reconstruction[-1].bits if row.reconstruction else None


def _exact(row: Row) -> Estimate | None:
    return row.originality.exact if row.originality else None


def _transposed(row: Row) -> Estimate | None:
    return row.originality.transposed if row.originality else None


def _kept(row: Row) -> Estimate | None:
    asked = sum(one.asked for one in row.steered)
    return Estimate(sum(one.kept for one in row.steered) / asked, nan, nan, len(row.steered)) if asked else None


def _steered_found(row: Row) -> Estimate | None:
    wanted = sum(one.wanted for one in row.steered)
    return Estimate(sum(one.found for one in row.steered) / wanted, nan, nan, wanted) if wanted else None


def _parallels(row: Row) -> Estimate | None:
    return row.faults.get("parallel_fifths")


SUMMARY: tuple[Column, ...] = (
    Column(
        "nats_per_note", "nats a note",
        "How surprised the model is by held-out music, for each note. Of a VAE it is an upper bound (reconstruction + "
        "KL of one sampled latent). A GAN has none.", "lower", 3, lambda row: row.nats_per_note,
    ),
    Column(
        "accuracy", "written again",
        "VAE only: share of 16th steps of a held-out excerpt that come back when it is encoded, drawn from its "
        "posterior, and decoded with the likeliest tokens.", "higher", 3, _accuracy,
    ),
    Column(
        "bits", "KL bits",
        "VAE only: how many bits the latent says of such an excerpt (measured, mean).", "lower", 0, _bits,
    ),
    Column(
        "share", "overlap, share of real",
        "How far nine features of its pieces (pitches, intervals, note lengths, ...) overlap with those of real music, "
        "as a share of how far real music overlaps with real music. 1 is as good as real.", "higher", 3,
        lambda row: row.share,
    ),
    Column(
        "overlapped_area", "overlapped area",
        "The same before it is set beside real music: mean over mgeval's nine features (Yang and Lerch 2018).",
        "higher", 3, lambda row: row.overlapped_area,
    ),
    Column(
        "divergence", "KL divergence",
        "Mean Kullback-Leibler divergence of the same nine features, in nats, both densities on one grid.",
        "lower", 3, lambda row: row.divergence,
    ),
    Column(
        "frechet_distance", "Frechet distance",
        f"Distance of two Gaussians over {len(FEATURE_NAMES)} musical features of whole pieces, squared, in variances "
        "of the real music: sees features together, where overlap sees one at a time.", "lower", 2,
        lambda row: row.frechet_distance,
    ),
    Column(
        "self_bleu", "self-BLEU",
        "How much its pieces repeat each other (Zhu et al. 2018). Far above real: it always writes the same.",
        "as the data", 3, lambda row: row.diversity.get("self_bleu"),
    ),
    *(
        Column(
            f"similarity_lag_{lag}", f"bars {lag} apart",
            f"How alike bars are that lie {lag} apart (Foote 1999): phrases that come back show here.",
            "as the data", 3, partial(_metric, f"similarity_lag_{lag}"),
        )
        for lag in LAGS if lag in (1, 4)
    ),
    Column(
        "parallel_fifths", "parallel fifths",
        "Parallel fifths for 100 changes of harmony; the other four-part rules stand below.", "lower", 2, _parallels,
    ),
    Column(
        "kept", "asked and kept",
        "Share of the places at which a steered request (chords, cadences, range, ...) holds, over all pieces that "
        "were found.", "higher", 4, _kept,
    ),
    Column(
        "steered_found", "steered pieces found",
        "Share of the steered pieces that were found at all, under all that is asked.", "higher", 3, _steered_found,
    ),
    Column(
        "exact", "exact run",
        "Longest row of notes shared with any training piece at the same pitches and in the same rhythm, mean over "
        "pieces.", "lower", 2, _exact,
    ),
    Column(
        "transposed", "transposed run",
        "The same in whatever transposition.", "lower", 2, _transposed,
    ),
)  # fmt: skip

_EXPLAINED = {
    "note_count": "Number of notes.",
    "average_interval": "Mean size of the interval from each note to the next in its track.",
    "average_inter_onset": "Mean time from each onset to the next in the piece.",
    **{f"similarity_lag_{lag}": f"Mean similarity of bars that lie {lag} apart." for lag in LAGS},
    **{f"distinct_{order}": f"Different {order}-grams of notes as a share of all." for order in (1, 2, 3, 4)},
    "self_bleu": "BLEU of each piece against all others of its set: 1 is the same piece again and again.",
}


def explained(name: str) -> str:
    """One line about a metric or a feature: of its docstring, if it has one."""
    if name in _EXPLAINED:
        return _EXPLAINED[name]
    function = METRICS[name].function if name in METRICS else NINE[name]
    text = getattr(function, "func", function).__doc__ or name
    return str(text).split("\n")[0]


def shown(summary: tuple[Column, ...], rows: tuple[Row, ...]) -> list[Column]:
    """The columns in which any row has a figure."""
    return [column for column in summary if any(column.of(row) is not None for row in rows)]


def written(found: Estimate | None, digits: int) -> str:
    """A figure with its interval, as in "0.953 (0.941 to 0.962)"; "-" where there is none."""
    if found is None or not isfinite(found.value):
        return "-"
    if not isfinite(found.low):
        return f"{found.value:.{digits}f}"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


__all__ = ["SUMMARY", "Column", "explained", "shown", "written"]
