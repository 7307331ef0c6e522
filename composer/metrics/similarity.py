"""Self-similarity, bar by bar: where a piece repeats itself.

Foote's self-similarity matrix ("Visualizing music and audio using self-similarity", 1999) on a bar's notes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import nan

import numpy as np

from composer.metrics.quantized import FloatArray, Quantized, onset_patterns, sums

LAGS = (1, 2, 4, 8)  # bars


def self_similarity(piece: Quantized) -> FloatArray:
    """How alike any two bars are: (bars, bars), 0 to 1, symmetric; bars up to that of the last note.

    Mean of two cosines: of the bars' pitch classes (12, weighted by duration, drums left out) and of their onsets (one
    number a step, drums counted in). Two bars that both have none are alike (1); one that has some and one that has
    none are not (0). A note belongs to the bar in which it starts.
    """
    lines = piece.played
    bars = len(lines) - 1
    notes = piece.pitched
    bar = np.minimum(np.searchsorted(lines, notes.onset, side="right") - 1, bars - 1)
    time = sums(bar * 12 + notes.pitch % 12, notes.end - notes.onset, bars * 12)
    return (_cosines(time.reshape(bars, 12)) + _cosines(onset_patterns(piece.notes, lines).astype(np.float64))) / 2


def _cosines(rows: FloatArray) -> FloatArray:
    norm = np.linalg.norm(rows, axis=1)
    unit = rows / np.where(norm > 0, norm, 1)[:, None]
    none = norm == 0
    result: FloatArray = np.minimum(unit @ unit.T, 1) + (none[:, None] & none)
    return result


@lru_cache(maxsize=1)  # metrics and features ask one by one for the lags of the same piece
def similarity_by_lag(piece: Quantized) -> tuple[float, ...]:
    """Mean similarity of bars that lie 1, 2, 4 and 8 bars (`LAGS`) apart; NaN where the piece has no two such bars.

    A piece in phrases of four bars that come back stands out at lags 4 and 8; one without a plan is the same at all.
    """
    similar = self_similarity(piece)
    return tuple(float(np.diagonal(similar, lag).mean()) if len(similar) > lag else nan for lag in LAGS)


def at_lag(lag: int) -> Callable[[Quantized], float]:
    """The function that says a piece's mean similarity of bars so many bars apart, one of `LAGS`."""
    place = LAGS.index(lag)

    def similarity(piece: Quantized) -> float:
        return similarity_by_lag(piece)[place]

    return similarity


__all__ = ["LAGS", "at_lag", "self_similarity", "similarity_by_lag"]
