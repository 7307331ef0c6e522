"""The lines of a score: what is compared when two pieces are held against each other.

A line is what one part sings: the notes of a track, drums left out, in order of their onsets. Where several begin
together (a piano), the highest is the line's. Times are whole 24ths of a quarter note from onset to onset, so that
neither tempo nor articulation matters: what is heard as the same tune is the same line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.score import Score, Track
from theory.tokens.vocabulary import STEPS_PER_QUARTER

_MOST = 2**16 - 1


class Line(NamedTuple):
    """The notes of one part.

    Attributes:
        part: what the track is called, or its number, as in "part 2".
        pitch: uint8 (n,), MIDI numbers.
        wait: uint16 (n,), 24ths of a quarter from each onset to the next, at most 65,535; 0 for the last.
        bar: uint16 (n,), in which bar each begins, as musicians count: an upbeat is bar 0.
    """

    part: str
    pitch: NDArray[np.uint8]
    wait: NDArray[np.uint16]
    bar: NDArray[np.uint16]


def lines_of(score: Score) -> list[Line]:
    """The lines of a score that have two notes at least, in the order of its tracks.

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    bar_lines = score.bar_lines()
    first = 0 if score.pickup else 1
    lines = []
    for number, track in enumerate(score.tracks, 1):
        rows = _line(track, score.ticks_per_quarter)
        if len(rows) > 1:
            onset = track.onset[rows]
            wait = np.append(np.diff(_steps(onset, score.ticks_per_quarter)), 0)
            bar = np.searchsorted(bar_lines, onset, side="right") - 1 + first
            columns = (np.minimum(column, _MOST).astype(np.uint16) for column in (wait, bar))
            lines.append(Line(track.name or f"part {number}", track.pitch[rows], *columns))
    return lines


def _line(track: Track, ticks_per_quarter: int) -> NDArray[np.int64]:
    """Rows of the notes of a track's line."""
    if track.is_drum or not len(track):
        return np.empty(0, np.int64)
    steps = _steps(track.onset, ticks_per_quarter)
    order = np.lexsort((track.pitch, steps))
    is_highest = np.diff(steps[order], append=-1) != 0
    rows: NDArray[np.int64] = order[is_highest]
    return rows


def _steps(onset: NDArray[np.int32], ticks_per_quarter: int) -> NDArray[np.int64]:
    """The nearest 24ths of a quarter."""
    return (2 * STEPS_PER_QUARTER * onset.astype(np.int64) + ticks_per_quarter) // (2 * ticks_per_quarter)


__all__ = ["Line", "lines_of"]
