"""The metrics of MusPy (Dong et al., "MusPy: a toolkit for symbolic music generation", ISMIR 2020), in NumPy.

Names, formulas and defaults are those of MusPy 0.5.0, at its default of 24 steps a quarter. Each takes a `Quantized`
score and gives a float, NaN where MusPy's is NaN (no notes, no drums, one bar). Drums are left out of the metrics of
pitch. Two things differ, on purpose:

- Where MusPy asks for a bar's length or a key, ours are the score's own bar lines and keys.
- MusPy counts a beat or a bar as played when a note *ends* on its first line, and counts one beat or bar too many when
  the piece ends on a line. Here a note plays where it sounds, and the last bar is the one in which the last note
  sounds. On notes made one step shorter the two agree, which the tests hold.
"""

from __future__ import annotations

from math import nan

import numpy as np

from composer.metrics.quantized import (
    BoolArray,
    IntArray,
    Quantized,
    beat_lines,
    entropy,
    levels,
    onset_patterns,
    pitch_classes,
    shares,
)
from theory.rhythm import STEPS_PER_QUARTER

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))  # major and natural minor, from the root
_IN_SCALE = np.array(
    [[(pitch_class - root) % 12 in scale for scale in _SCALES for root in range(12)] for pitch_class in range(12)]
)  # (12 pitch classes, 24 scales)


def pitch_range(piece: Quantized) -> float:
    """Highest minus lowest pitch, in semitones; 0 without notes."""
    return float(np.ptp(piece.pitched.pitch)) if len(piece.pitched) else 0.0


def n_pitches_used(piece: Quantized) -> float:
    """Number of different pitches."""
    return float(np.count_nonzero(np.bincount(piece.pitched.pitch)))


def n_pitch_classes_used(piece: Quantized) -> float:
    """Number of different pitch classes."""
    return float(np.count_nonzero(pitch_classes(piece.pitched)))


def polyphony(piece: Quantized) -> float:
    """Mean number of pitches that sound at once, over the steps at which one sounds: #pitches on / #steps with any."""
    level, steps = levels(piece.pitched)
    sounding = steps[level > 0].sum()
    return float((level * steps).sum() / sounding) if sounding else nan


def polyphony_rate(piece: Quantized) -> float:
    """Share of all steps, up to the last note's end, at which more than two pitches sound (MusPy's threshold of 2)."""
    level, steps = levels(piece.pitched)
    return float(steps[level > 2].sum() / piece.end) if piece.end else nan


def pitch_in_scale_rate(piece: Quantized) -> float:
    """#notes in the scale / #notes; the scale is that of the key that holds at the note's onset.

    NaN where the score names no key. Used as "in scale" for MuseGAN (Dong et al., AAAI 2018).
    """
    return float(piece.in_scale.mean()) if piece.in_scale is not None and len(piece.in_scale) else nan


def scale_consistency(piece: Quantized) -> float:
    """The largest share of notes in any major or natural minor scale (Mogren, C-RNN-GAN, 2016)."""
    return float((pitch_classes(piece.pitched) @ _IN_SCALE).max() / len(piece.pitched)) if len(piece.pitched) else nan


def pitch_entropy(piece: Quantized) -> float:
    """-sum p log2 p of the notes' pitches, in bits."""
    return entropy(np.bincount(piece.pitched.pitch))


def pitch_class_entropy(piece: Quantized) -> float:
    """-sum p log2 p of the notes' pitch classes, in bits (Wu and Yang, The Jazz Transformer, ISMIR 2020)."""
    return entropy(pitch_classes(piece.pitched))


def empty_beat_rate(piece: Quantized) -> float:
    """#quarters in which nothing sounds, drums counted in / #quarters up to the last note's end."""
    return _empty_rate(piece, beat_lines(piece.end))


def empty_measure_rate(piece: Quantized) -> float:
    """#bars in which nothing sounds, drums counted in / #bars up to the last note's."""
    return _empty_rate(piece, piece.played)


def _empty_rate(piece: Quantized, lines: IntArray) -> float:
    cells = len(lines) - 1
    return 1 - len(np.unique(shares(piece.notes, lines).cell)) / cells if cells else nan


def drum_in_pattern_rate(piece: Quantized) -> float:
    """#drum notes on a 16th of the quarter / #drum notes: MusPy's pattern for duple meters."""
    return _in_pattern(piece, _pattern(4))


def drum_pattern_consistency(piece: Quantized) -> float:
    """The larger of the shares of drum notes on 16ths, and on thirds of the quarter."""
    return max(_in_pattern(piece, _pattern(4)), _in_pattern(piece, _pattern(3)))


def _pattern(parts: int) -> BoolArray:
    pattern: BoolArray = np.arange(STEPS_PER_QUARTER) % (STEPS_PER_QUARTER // parts) == 0
    return pattern


def _in_pattern(piece: Quantized, pattern: BoolArray) -> float:
    return float(pattern[piece.drums.onset % STEPS_PER_QUARTER].mean()) if len(piece.drums) else nan


def groove_consistency(piece: Quantized) -> float:
    """1 - mean Hamming distance of neighbouring bars' onsets, as a share of the bar's steps.

    1 - 1/(T - 1) sum over i of d(G_i, G_i+1), where G_i says of each step of bar i whether a note starts there, drums
    counted in (Wu and Yang, ISMIR 2020). Neighbours of unequal length, as after an upbeat, are left out.
    """
    lines = piece.played
    lengths = np.diff(lines)
    alike = lengths[:-1] == lengths[1:]
    if not alike.any():
        return nan
    patterns = onset_patterns(piece.notes, lines)
    unlike = np.count_nonzero(patterns[:-1] != patterns[1:], axis=1)
    return float(1 - (unlike[alike] / lengths[:-1][alike]).mean())


__all__ = [
    "drum_in_pattern_rate", "drum_pattern_consistency", "empty_beat_rate", "empty_measure_rate", "groove_consistency",
    "n_pitch_classes_used", "n_pitches_used", "pitch_class_entropy", "pitch_entropy", "pitch_in_scale_rate",
    "pitch_range", "polyphony", "polyphony_rate", "scale_consistency",
]  # fmt: skip
