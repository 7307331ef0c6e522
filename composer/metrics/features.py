"""A piece as one vector of named musical features, for distances between sets.

None depends on the key. What a piece has none of is 0: a piece without notes is 0 everywhere. In a piece too short for
a lag, the longest shorter lag it has stands in. Each feature has a
`least`, the smallest spread in its own unit that is taken seriously: it stands in where real pieces all agree, so that
a monophonic set does not make a single chord infinitely far.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

import numpy as np

from composer.metrics import mgeval, muspy, ngrams, similarity
from composer.metrics.quantized import FloatArray, Quantized, beat_lines, entropy, intervals, levels, shares
from theory.rhythm import STEPS_PER_QUARTER


class Feature(NamedTuple):
    """One number of a piece.

    Attributes:
        function: that says it; NaN counts as 0.
        unit: of the number.
        least: smallest standard deviation among real pieces to divide by.
    """

    function: Callable[[Quantized], float]
    unit: str
    least: float


def _notes_a_bar(piece: Quantized) -> FloatArray:
    lines = piece.played
    bar = np.searchsorted(lines, piece.pitched.onset, side="right") - 1
    if not len(bar):
        return np.zeros(1)
    return np.bincount(np.minimum(bar, len(lines) - 2), minlength=len(lines) - 1).astype(np.float64)


def _notes_mean(piece: Quantized) -> float:
    return float(_notes_a_bar(piece).mean())


def _notes_deviation(piece: Quantized) -> float:
    return float(_notes_a_bar(piece).std())


def _pitch_mean(piece: Quantized) -> float:
    return float(piece.pitched.pitch.mean()) if len(piece.pitched) else 0.0


def _pitch_deviation(piece: Quantized) -> float:
    return float(piece.pitched.pitch.std()) if len(piece.pitched) else 0.0


def _interval_mean(piece: Quantized) -> float:
    return float(mgeval.average_interval(piece)[0])


def _of_intervals(low: int, high: int) -> Callable[[Quantized], float]:
    def share(piece: Quantized) -> float:
        sizes = np.abs(intervals(piece.pitched))
        return float(((sizes >= low) & (sizes <= high)).mean()) if len(sizes) else 0.0

    return share


def _rising(piece: Quantized) -> float:
    moves = intervals(piece.pitched)
    moves = moves[moves != 0]
    return float((moves > 0).mean()) if len(moves) else 0.0


def _log_lengths(piece: Quantized) -> FloatArray:
    lengths: FloatArray = np.log2((piece.pitched.end - piece.pitched.onset) / STEPS_PER_QUARTER)
    return lengths if len(lengths) else np.zeros(1)


def _length_mean(piece: Quantized) -> float:
    return float(_log_lengths(piece).mean())


def _length_deviation(piece: Quantized) -> float:
    return float(_log_lengths(piece).std())


def _length_entropy(piece: Quantized) -> float:
    return entropy(np.bincount(np.minimum(piece.pitched.end - piece.pitched.onset, 4 * STEPS_PER_QUARTER)))


def _onset_off(steps: int) -> Callable[[Quantized], float]:
    def share(piece: Quantized) -> float:
        onset = piece.pitched.onset
        lines = piece.lines
        place = onset - lines[np.searchsorted(lines, onset, side="right") - 1]
        return float((place % steps != 0).mean()) if len(onset) else 0.0

    return share


def _silence(piece: Quantized) -> float:
    level, steps = levels(piece.pitched)
    return float(1 - steps[level > 0].sum() / piece.end) if piece.end else 0.0


def _held_over(piece: Quantized) -> float:
    """Beginnings of quarters inside a note, a note: what is heard as syncopation and as long notes."""
    notes = piece.pitched
    rows = shares(notes, beat_lines(piece.end))
    return float(len(rows.note) / len(notes) - 1) if len(notes) else 0.0


def _similarity(lag: int) -> Callable[[Quantized], float]:
    def similar(piece: Quantized) -> float:
        known = [
            value for at, value in zip(similarity.LAGS, similarity.similarity_by_lag(piece), strict=True) if at <= lag
        ]
        return next((value for value in reversed(known) if not isnan(value)), 0.0)

    return similar


def _trigrams(piece: Quantized) -> float:
    return ngrams.distinct_in_piece(3, piece)


FEATURES: dict[str, Feature] = {
    "notes_per_bar": Feature(_notes_mean, "notes", 0.5),
    "notes_per_bar_deviation": Feature(_notes_deviation, "notes", 0.5),
    "pitch_mean": Feature(_pitch_mean, "semitones", 0.5),
    "pitch_deviation": Feature(_pitch_deviation, "semitones", 0.25),
    "pitch_range": Feature(muspy.pitch_range, "semitones", 1.0),
    "pitches_used": Feature(muspy.n_pitches_used, "pitches", 1.0),
    "pitch_class_entropy": Feature(muspy.pitch_class_entropy, "bits", 0.1),
    "scale_consistency": Feature(muspy.scale_consistency, "share", 0.02),
    "interval_mean": Feature(_interval_mean, "semitones", 0.25),
    "repeated_notes": Feature(_of_intervals(0, 0), "share", 0.02),
    "steps": Feature(_of_intervals(1, 2), "share", 0.02),
    "leaps": Feature(_of_intervals(8, 127), "share", 0.02),
    "rising": Feature(_rising, "share", 0.02),
    "length_mean": Feature(_length_mean, "octaves of a quarter", 0.1),
    "length_deviation": Feature(_length_deviation, "octaves", 0.1),
    "length_entropy": Feature(_length_entropy, "bits", 0.1),
    "inter_onset_mean": Feature(lambda piece: float(mgeval.average_inter_onset(piece)[0]), "quarters", 0.05),
    "onsets_off_quarters": Feature(_onset_off(STEPS_PER_QUARTER), "share", 0.02),
    "onsets_off_eighths": Feature(_onset_off(STEPS_PER_QUARTER // 2), "share", 0.02),
    "held_over": Feature(_held_over, "quarters a note", 0.05),
    "silence": Feature(_silence, "share", 0.02),
    "polyphony": Feature(muspy.polyphony, "pitches", 0.05),
    "groove_consistency": Feature(muspy.groove_consistency, "share", 0.01),
    "similarity_lag_1": Feature(_similarity(1), "share", 0.02),
    "similarity_lag_2": Feature(_similarity(2), "share", 0.02),
    "similarity_lag_4": Feature(_similarity(4), "share", 0.02),
    "similarity_lag_8": Feature(_similarity(8), "share", 0.02),
    "distinct_trigrams": Feature(_trigrams, "share", 0.02),
}

FEATURE_NAMES = tuple(FEATURES)


def feature_vector(piece: Quantized) -> FloatArray:
    """The features of a piece in order of `FEATURE_NAMES`: (features,), none of them NaN."""
    vector: FloatArray = np.nan_to_num(np.array([feature.function(piece) for feature in FEATURES.values()]))
    return vector


__all__ = ["FEATURES", "FEATURE_NAMES", "Feature", "feature_vector"]
