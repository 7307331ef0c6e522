"""Lines to find again."""

from __future__ import annotations

import numpy as np

from theory.score import Score, Track

TUNE = (67, 69, 71, 72, 74, 71, 67, 76, 74, 72, 71, 69, 71, 67, 64)
RHYTHM = (480, 240, 240, 480, 480, 720, 240, 480, 480, 160, 160, 160, 480, 480, 960)


def melody(pitches=TUNE, rhythm=RHYTHM, start=0, **fields):
    onsets = start + np.cumsum([0, *rhythm[:-1]])
    return Track.from_notes(zip(onsets.tolist(), rhythm, pitches, strict=True), **fields)


def noise(seed, notes=60, **fields):
    """A line that shares no long run with any other."""
    dice = np.random.default_rng(seed)
    return melody(dice.integers(50, 80, notes).tolist(), (20 * dice.integers(1, 25, notes)).tolist(), **fields)


def score(*tracks, **fields):
    return Score(tracks, **fields)
