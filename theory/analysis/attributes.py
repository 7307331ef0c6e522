"""Attributes of a piece that can be heard, each as one number: what a latent space is asked to change.

Drums are left out. A piece without notes has 0 of everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np

from theory.meter import Meter
from theory.score import IntArray, Score, Track

_PITCH_CLASSES = 12


def density(score: Score) -> float:
    """Notes a bar, of all parts together."""
    return sum(map(len, _melodic(score))) / max(1, score.bars)


def register(score: Score) -> float:
    """Mean pitch by duration, MIDI number."""
    pitch, duration = _column(score, "pitch"), _column(score, "duration")
    return float(pitch @ duration / duration.sum()) if len(pitch) else 0.0


def pitch_range(score: Score) -> float:
    """Semitones from the lowest note to the highest."""
    pitch = _column(score, "pitch")
    return float(np.ptp(pitch)) if len(pitch) else 0.0


def leaps(score: Score) -> float:
    """Mean distance from a note to the next of its part, semitones."""
    steps = [np.abs(np.diff(track.pitch.astype(np.int64))) for track in _melodic(score)]
    every = np.concatenate([np.empty(0, np.int64), *steps])
    return float(every.mean()) if len(every) else 0.0


def syncopation(score: Score) -> float:
    """Share of the notes that begin on a weaker place than one that they are held over.

    After Longuet-Higgins and Lee ("The rhythmic interpretation of monophonic music", Music Perception 1, 1984), counted
    instead of weighted.
    """
    lines = score.bar_lines()
    found = [_syncopated(track, score, lines) for track in _melodic(score)]
    total = sum(map(len, found))
    return sum(int(each.sum()) for each in found) / total if total else 0.0


def pitch_class_entropy(score: Score) -> float:
    """Entropy of the pitch classes by notes, bits: 0 for one, log2(12) = 3.58 for all alike."""
    return _entropy(np.bincount(_column(score, "pitch") % _PITCH_CLASSES, minlength=_PITCH_CLASSES))


def rhythm_entropy(score: Score) -> float:
    """Entropy of the notes' durations, bits."""
    return _entropy(np.unique(_column(score, "duration"), return_counts=True)[1])


def _melodic(score: Score) -> list[Track]:
    return [track for track in score.tracks if not track.is_drum and len(track)]


def _column(score: Score, name: str) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *(getattr(track, name) for track in _melodic(score))]).astype(
        np.int64
    )


def _entropy(counts: IntArray) -> float:
    shares = counts[counts > 0] / max(1, counts.sum())
    return abs(float((shares * np.log2(shares)).sum()))  # of one kind 0, not -0


def _syncopated(track: Track, score: Score, lines: IntArray) -> IntArray:
    """Which notes are held over a stronger place than that they begin on: bool (n,)."""
    grid = score.ticks_per_quarter // 4
    if not grid:
        return np.zeros(len(track), np.int64)
    strengths = _strengths(score, lines, grid)
    first = np.minimum(track.onset // grid, len(strengths) - 1)
    last = np.minimum(-(-(track.onset + track.duration) // grid), len(strengths))  # the first place after it
    over = [int(strengths[a + 1 : b].max(initial=-99) > strengths[a]) for a, b in zip(first, last, strict=True)]
    return np.array(over, dtype=np.int64)


def _strengths(score: Score, lines: IntArray, grid: int) -> IntArray:
    """How strong each 16th of the piece is: 6 a bar line, 4 another strong beat, 2 a beat, 1 an eighth between, 0."""
    changes = [event.tick for event in score.meters]
    found = np.zeros(-(-int(lines[-1]) // grid), dtype=np.int64)
    for start, end in pairwise(lines.tolist()):
        meter = score.meters[int(np.searchsorted(changes, start, side="right")) - 1].meter
        count = -(-(end - start) // grid)
        # An upbeat has the last places of a whole bar.
        places = _bar(score.meters[1].meter)[-count:] if score.pickup and not start else _bar(meter)[:count]
        for place, strength in enumerate(places):
            found[min(start // grid + place, len(found) - 1)] = strength
    return found


@cache
def _bar(meter: Meter) -> tuple[int, ...]:
    places = [Fraction(place, 4) for place in range(math.ceil(4 * meter.bar_quarters))]
    return tuple(2 * meter.strength(place) or int(place.denominator <= 2) for place in places)


ATTRIBUTES: dict[str, Callable[[Score], float]] = {
    "density": density,
    "register": register,
    "range": pitch_range,
    "leaps": leaps,
    "syncopation": syncopation,
    "pitch-classes": pitch_class_entropy,
    "rhythm": rhythm_entropy,
}
