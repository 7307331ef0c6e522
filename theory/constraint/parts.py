"""Words that rules share: which parts they are about, the notes of a part on the grid, pitches of pitch classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.constraint.domain import PITCHES, Frame
from theory.key import Key
from theory.score import Score, Track
from theory.tokens.vocabulary import STEPS_PER_QUARTER

_CLASSES = np.arange(PITCHES) % 12

Parts = tuple[int, ...]  # indices of tracks; () means all of them


def of_parts(names: str) -> str:
    """What a label adds for some parts: " (Soprano)", and nothing for all of them."""
    return f" ({names})" if names else ""


def chosen(parts: Parts, tracks: int) -> Parts:
    """The tracks a rule is about."""
    return parts or tuple(range(tracks))


class GridNotes(NamedTuple):
    """A track's notes in grid steps, in order: int64 (n,) each."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]


def on_grid(track: Track, score: Score) -> GridNotes:
    """Notes of a track of a score that lies on the grid."""
    scale, ticks = STEPS_PER_QUARTER, score.ticks_per_quarter
    onset = track.onset.astype(np.int64)
    return GridNotes(onset * scale // ticks, (onset + track.duration) * scale // ticks, track.pitch.astype(np.int64))


def bar_lines(score: Score) -> NDArray[np.int64]:
    """Bar lines in grid steps: int64 (bars + 1,)."""
    return score.bar_lines() * STEPS_PER_QUARTER // score.ticks_per_quarter


def frame_of(score: Score, key: Key) -> Frame:
    """The frame of a finished piece."""
    lines = score.bar_lines()
    changes = [event.tick for event in score.meters]
    meters = [score.meters[int(np.searchsorted(changes, line, side="right")) - 1].meter for line in lines[:-1]]
    parts = tuple(track.name for track in score.tracks)
    return Frame(parts, tuple(bar_lines(score).tolist()), tuple(meters), key, pickup=score.pickup)


def pitches_of(classes: tuple[int, ...] | set[int]) -> NDArray[np.bool_]:
    """The MIDI pitches of some pitch classes, bool (128,)."""
    return np.isin(_CLASSES, list(classes))


def sounding(notes: GridNotes, step: int) -> int:
    """Pitch that a voice sounds during a step, -1 for none."""
    index = int(np.searchsorted(notes.start, step, side="right")) - 1
    return int(notes.pitch[index]) if index >= 0 and notes.end[index] > step else -1
