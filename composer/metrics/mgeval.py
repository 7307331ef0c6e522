"""The nine features of mgeval (Yang and Lerch, "On the evaluation of generative models in music", 2018).

The paper defines nine features of a piece: pitch count, note count, pitch class histogram, pitch class transition
matrix, pitch range, average pitch interval, average inter-onset interval, note length histogram and note length
transition matrix. Three of them it also takes bar by bar; the toolkit leaves those out unless told a number of bars,
and so do we. Matrices are counts, not shares, as the toolkit has them by default: compare pieces of the same number of
bars.

The toolkit reads one track of a file. Here all tracks but drums count, and what is said of consecutive notes is said
inside each track. Times are quarters, not seconds, so that a tempo changes nothing; the toolkit's figures are the
same at 120 quarters a minute, where its tolerance of 50 ms is a tenth of a quarter. Its histogram of pitch classes is
weighted by velocity besides duration, a side effect of its piano roll; ours by duration alone. Its note lengths are
96ths of a bar, which misnames them outside 4/4 (a quarter in 3/4 becomes a half note triplet); ours are 96ths of a
whole note.

A piece without notes has 0 everywhere: it lies far from music instead of being left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from composer.metrics.muspy import n_pitches_used, pitch_range
from composer.metrics.quantized import FloatArray, IntArray, Notes, Quantized, intervals, sums
from theory.rhythm import STEPS_PER_QUARTER

# Whole, half, quarter, 8th, 16th; the first four dotted, and a dotted 16th; half, quarter and 8th triplets: in 96ths.
LENGTHS = (96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8)
_CLASS = np.abs(np.arange(97)[:, None] - np.array(LENGTHS)).argmin(axis=1)  # of 0 to 96 steps; of equals the first
_NEAR = 2  # steps: less than a tenth of a quarter


def pitch_count(piece: Quantized) -> FloatArray:
    """PC: number of different pitches, (1,)."""
    return np.array([n_pitches_used(piece)])


def note_count(piece: Quantized) -> FloatArray:
    """NC: number of notes, (1,)."""
    return np.array([float(len(piece.pitched))])


def pitch_class_histogram(piece: Quantized) -> FloatArray:
    """PCH: share of time that each pitch class sounds, (12,)."""
    notes = piece.pitched
    time = sums(notes.pitch % 12, notes.end - notes.onset, 12)
    return time / max(1.0, float(time.sum()))


def pitch_class_transition_matrix(piece: Quantized) -> FloatArray:
    """PCTM: how often a note of one pitch class starts where one of another ends (within 2 steps), (144,) by rows.

    As pretty_midi counts them, for mgeval calls it: any two notes of a track, so that a chord leads to all of the next.
    """
    notes = piece.pitched
    offset = notes.track * (2 * piece.end + 8)  # tracks stand apart
    starts = notes.onset + offset  # ascending: tracks one after the other, each in order of onsets
    low = np.searchsorted(starts, notes.end + offset - _NEAR, side="left")
    many = np.searchsorted(starts, notes.end + offset + _NEAR, side="right") - low
    source = np.repeat(np.arange(len(notes)), many)
    target = np.arange(len(source)) - np.repeat(np.cumsum(many) - many, many) + low[source]
    classes = notes.pitch % 12
    return _counted(classes[source] * 12 + classes[target], 144)


def range_of_pitch(piece: Quantized) -> FloatArray:
    """PR: highest minus lowest pitch, in semitones, (1,)."""
    return np.array([pitch_range(piece)])


def average_interval(piece: Quantized) -> FloatArray:
    """PI: mean size of the interval from each note to the next in its track, in semitones, (1,)."""
    found = intervals(piece.pitched)
    return np.array([float(np.abs(found).mean()) if len(found) else 0.0])


def average_inter_onset(piece: Quantized) -> FloatArray:
    """IOI: mean time from each onset to the next in the piece, in quarters, (1,); two notes at once are 0 apart."""
    onset = piece.pitched.onset
    return np.array([float(np.ptp(onset)) / (len(onset) - 1) / STEPS_PER_QUARTER if len(onset) > 1 else 0.0])


def note_length_histogram(piece: Quantized) -> FloatArray:
    """NLH: share of notes nearest to each of the twelve `LENGTHS`, (12,)."""
    return _counted(_lengths(piece.pitched), 12) / max(1, len(piece.pitched))


def note_length_transition_matrix(piece: Quantized) -> FloatArray:
    """NLTM: how often a note of one length follows one of another in its track, (144,) by rows."""
    lengths, track = _lengths(piece.pitched), piece.pitched.track
    return _counted((lengths[:-1] * 12 + lengths[1:])[np.diff(track) == 0], 144)


def _lengths(notes: Notes) -> IntArray:
    result: IntArray = _CLASS[np.minimum(notes.end - notes.onset, 96)]
    return result


def _counted(places: IntArray, size: int) -> FloatArray:
    return np.bincount(places, minlength=size).astype(np.float64)


NINE: dict[str, Callable[[Quantized], FloatArray]] = {
    "pitch_count": pitch_count,
    "note_count": note_count,
    "pitch_class_histogram": pitch_class_histogram,
    "pitch_class_transition_matrix": pitch_class_transition_matrix,
    "pitch_range": range_of_pitch,
    "average_interval": average_interval,
    "average_inter_onset": average_inter_onset,
    "note_length_histogram": note_length_histogram,
    "note_length_transition_matrix": note_length_transition_matrix,
}

__all__ = [
    "LENGTHS", "NINE", "average_inter_onset", "average_interval", "note_count", "note_length_histogram",
    "note_length_transition_matrix", "pitch_class_histogram", "pitch_class_transition_matrix", "pitch_count",
    "range_of_pitch",
]  # fmt: skip
