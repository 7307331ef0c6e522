"""The metrics of MuseGAN (Dong et al., AAAI 2018, "Objective metrics for evaluation"): EB, UPC, QN, DP and TD.

Definitions are the paper's, on its grid of 24 steps a quarter (96 a bar of 4/4), each averaged over tracks. The code
published with the paper, and pypianoroll 1.0.4 after it, reshape a piano roll to (steps, 12, rest) for their chroma: a
"pitch class" there is a group of 7 (in pypianoroll 10) neighbouring semitones. Ours are pitch classes, so UPC and TD
must not be set beside the paper's tables; against a real set that is measured here, they may.
"""

from __future__ import annotations

from itertools import combinations
from math import nan

import numpy as np

from composer.metrics.quantized import FloatArray, Notes, Quantized, beat_lines, shares, sums

_QUALIFIED = 3  # steps: a 32nd note
# What a drum hit at a step of a 16th counts: full on the 16th, a tenth beside it (a loose hit), as in MuseGAN's code.
_SIXTEENTH = np.array([1, 0.1, 0, 0, 0, 0.1])


def empty_bars(piece: Quantized) -> float:
    """EB: share of bars in which a track is silent, mean over tracks with notes; bars up to the end of the score."""
    sounding = _cells_of_tracks(piece.notes, piece)
    return float(1 - sounding.mean()) if sounding.size else nan


def _cells_of_tracks(notes: Notes, piece: Quantized) -> FloatArray:
    """Whether each track sounds in each bar: (tracks with notes, bars), 0 or 1."""
    tracks, track = np.unique(notes.track, return_inverse=True)
    rows = shares(notes, piece.lines)
    result = np.zeros((len(tracks), piece.bars))
    result[track[rows.note], rows.cell] = 1
    return result


def used_pitch_classes(piece: Quantized) -> float:
    """UPC: number of different pitch classes a bar and track, over the bars in which the track sounds; no drums."""
    notes = piece.pitched
    rows = shares(notes, piece.lines)
    place = notes.track[rows.note] * piece.bars + rows.cell
    kinds = np.unique(place * 12 + notes.pitch[rows.note] % 12)
    return len(kinds) / len(np.unique(kinds // 12)) if len(kinds) else nan


def qualified_notes(piece: Quantized) -> float:
    """QN: share of notes not shorter than a 32nd (3 of 24 steps a quarter), mean over tracks; no drums.

    Low where music is fragmented. The paper says three steps; its code counts two.
    """
    notes = piece.pitched
    if not len(notes):
        return nan
    _, track = np.unique(notes.track, return_inverse=True)
    long = notes.end - notes.onset >= _QUALIFIED
    return float((np.bincount(track, weights=long) / np.bincount(track)).mean())


def drum_pattern(piece: Quantized) -> float:
    """DP: share of drum hits in patterns of 16ths, mean over bars with hits.

    A hit on a 16th counts 1, one a step beside it 0.1; of the six ways to shift the pattern by steps, the best in the
    bar counts, so that a bar played early or late as a whole is still in pattern. As in MuseGAN's published code.
    """
    onset = piece.drums.onset
    if not len(onset):
        return nan
    bar = np.searchsorted(piece.lines, onset, side="right") - 1
    place = (onset - piece.lines[bar]) % len(_SIXTEENTH)
    _, bar = np.unique(bar, return_inverse=True)
    hits = np.bincount(bar * len(_SIXTEENTH) + place, minlength=(bar.max() + 1) * len(_SIXTEENTH)).reshape(-1, 6)
    shifts = np.stack([np.roll(_SIXTEENTH, shift) for shift in range(len(_SIXTEENTH))], axis=1)
    return float(((hits @ shifts).max(axis=1) / hits.sum(axis=1)).mean())


def _circles() -> FloatArray:
    """Harte, Sandler and Gasser's projection (2006): the circles of fifths, minor thirds and major thirds, (12, 6)."""
    turns, radii = np.array([7 / 6, 3 / 2, 2 / 3]), np.array([1, 1, 0.5])
    angles = np.arange(12)[:, None] * turns * np.pi
    return np.concatenate([radii * np.sin(angles), radii * np.cos(angles)], axis=1)


_CIRCLES = _circles()


def tonal_distance(piece: Quantized) -> float:
    """TD: distance of two tracks' harmony, mean over pairs of tracks and over the quarters in which both sound.

    A quarter's harmony is its chroma (time each pitch class sounds, scaled to sum 1) in Harte, Sandler and Gasser's
    tonal space ("Detecting harmonic change in musical audio", 2006); the distance is Euclidean, larger where harmony
    differs more. NaN for one track. MuseGAN's code drops a whole bar when one of its quarters is silent; ours drops
    the quarter.
    """
    notes = piece.pitched
    tracks, track = np.unique(notes.track, return_inverse=True)
    lines = beat_lines(piece.end)
    beats = len(lines) - 1
    rows = shares(notes, lines)
    place = (track[rows.note] * beats + rows.cell) * 12 + notes.pitch[rows.note] % 12
    chroma = sums(place, rows.steps, len(tracks) * beats * 12).reshape(len(tracks), beats, 12)
    total = chroma.sum(axis=2, keepdims=True)
    tonal = chroma / np.maximum(total, 1) @ _CIRCLES
    sounds = total[..., 0] > 0
    found = [
        np.linalg.norm(tonal[one] - tonal[other], axis=1)[sounds[one] & sounds[other]]
        for one, other in combinations(range(len(tracks)), 2)
    ]
    means = [distances.mean() for distances in found if len(distances)]
    return float(np.mean(means)) if means else nan


__all__ = ["drum_pattern", "empty_bars", "qualified_notes", "tonal_distance", "used_pitch_classes"]
