"""Every metric of a piece by name: what computes it, its unit and range, which way is better, and who published it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Literal

from composer.metrics import mgeval, musegan, muspy, ngrams, similarity
from composer.metrics.quantized import Quantized, quantized
from theory.score import Score

Better = Literal["as the data", "higher", "lower"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a piece.

    Attributes:
        function: that says it of a score on the grid; NaN where it is not defined.
        unit: in words.
        low, high: the least and the most it can be.
        better: which way is better. Of nearly all: what the real music has, neither more nor less.
        source: who published it.
    """

    function: Callable[[Quantized], float]
    unit: str
    low: float
    high: float
    better: Better
    source: str

    def of(self, score: Score) -> float:
        """The metric of one score; for many metrics of it, make it `quantized` once.

        Raises:
            MeterError: a bar is no whole number of ticks.
        """
        return self.function(quantized(score))


_MUSPY = "MusPy (Dong et al. 2020)"
_MUSEGAN = "MuseGAN (Dong et al. 2018)"
_MGEVAL = "mgeval (Yang and Lerch 2018)"
_FOOTE = "self-similarity (Foote 1999)"


def _share(function: Callable[[Quantized], float], source: str, better: Better = "as the data") -> Metric:
    return Metric(function, "share", 0, 1, better, source)


def _interval(piece: Quantized) -> float:
    return float(mgeval.average_interval(piece)[0])


def _inter_onset(piece: Quantized) -> float:
    return float(mgeval.average_inter_onset(piece)[0])


def _notes(piece: Quantized) -> float:
    return float(len(piece.pitched))


METRICS: dict[str, Metric] = {
    "note_count": Metric(_notes, "notes", 0, inf, "as the data", _MGEVAL),
    "average_interval": Metric(_interval, "semitones", 0, 127, "as the data", _MGEVAL),
    "average_inter_onset": Metric(_inter_onset, "quarters", 0, inf, "as the data", _MGEVAL),
    "pitch_range": Metric(muspy.pitch_range, "semitones", 0, 127, "as the data", _MUSPY),
    "n_pitches_used": Metric(muspy.n_pitches_used, "pitches", 0, 128, "as the data", _MUSPY),
    "n_pitch_classes_used": Metric(muspy.n_pitch_classes_used, "pitch classes", 0, 12, "as the data", _MUSPY),
    "polyphony": Metric(muspy.polyphony, "pitches", 1, 128, "as the data", _MUSPY),
    "polyphony_rate": _share(muspy.polyphony_rate, _MUSPY),
    "pitch_in_scale_rate": _share(muspy.pitch_in_scale_rate, _MUSPY),
    "scale_consistency": _share(muspy.scale_consistency, _MUSPY),
    "pitch_entropy": Metric(muspy.pitch_entropy, "bits", 0, 7, "as the data", _MUSPY),
    "pitch_class_entropy": Metric(muspy.pitch_class_entropy, "bits", 0, 3.585, "as the data", _MUSPY),
    "empty_beat_rate": _share(muspy.empty_beat_rate, _MUSPY),
    "empty_measure_rate": _share(muspy.empty_measure_rate, _MUSPY),
    "groove_consistency": _share(muspy.groove_consistency, _MUSPY),
    "drum_in_pattern_rate": _share(muspy.drum_in_pattern_rate, _MUSPY),
    "drum_pattern_consistency": _share(muspy.drum_pattern_consistency, _MUSPY),
    "empty_bars": _share(musegan.empty_bars, _MUSEGAN),
    "used_pitch_classes": Metric(musegan.used_pitch_classes, "pitch classes", 1, 12, "as the data", _MUSEGAN),
    "qualified_notes": _share(musegan.qualified_notes, _MUSEGAN),
    "drum_pattern": _share(musegan.drum_pattern, _MUSEGAN),
    "tonal_distance": Metric(musegan.tonal_distance, "tonal space", 0, 3, "as the data", _MUSEGAN),
    **{f"similarity_lag_{lag}": _share(similarity.at_lag(lag), _FOOTE) for lag in similarity.LAGS},
    "distinct_trigrams": _share(partial(ngrams.distinct_in_piece, 3), "distinct-n (Li et al. 2016)"),
}

__all__ = ["METRICS", "Better", "Metric"]
