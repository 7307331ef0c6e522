"""A score as the metrics read it: notes and bar lines on the grid of 24 steps a quarter.

Every published metric here was defined on such a grid (24 is the default of MusPy and the resolution of MuseGAN), so
that a score of any resolution, and a played one, is measured as they would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.rhythm import STEPS_PER_QUARTER, Grid
from theory.score import Score

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

_FAR = 1 << 40  # steps; farther apart than any two notes of a piece


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """Notes in order of tracks, in a track in order of onsets, then of pitches.

    Attributes:
        onset, end: int64 (n,), steps; a note lasts one step at least.
        pitch: int64 (n,), MIDI numbers.
        track: int64 (n,), places of the tracks in the score.
    """

    onset: IntArray
    end: IntArray
    pitch: IntArray
    track: IntArray

    @property
    def columns(self) -> tuple[IntArray, ...]:
        """Onsets, ends, pitches and tracks."""
        return self.onset, self.end, self.pitch, self.track

    def __len__(self) -> int:
        return len(self.onset)


class Shares(NamedTuple):
    """What of each note sounds in which cell: one row a note and cell it sounds in.

    Attributes:
        note: int64 (m,), rows of the notes.
        cell: int64 (m,), cell c lies between lines c and c + 1.
        steps: int64 (m,), how long the note sounds in the cell, 1 or more.
    """

    note: IntArray
    cell: IntArray
    steps: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A score on the grid.

    Attributes:
        pitched: notes of the tracks that are not drums.
        drums: notes of drum tracks.
        lines: int64 (bars + 1,), steps at which bars start, and the end of the last.
        in_scale: bool (n,), whether each pitched note lies in the scale of the key that holds at its onset; None where
            the score names no key.
    """

    pitched: Notes
    drums: Notes
    lines: IntArray
    in_scale: BoolArray | None

    @property
    def bars(self) -> int:
        """Number of bars up to the end of the score, the last one counted whole."""
        return len(self.lines) - 1

    @property
    def end(self) -> int:
        """Step at which the last note stops; 0 without notes."""
        return int(max(np.max(notes.end, initial=0) for notes in (self.pitched, self.drums)))

    @property
    def played(self) -> IntArray:
        """Bar lines up to the end of the bar in which the last note sounds: int64 (bars + 1,), [0] without notes."""
        return self.lines[: int(np.searchsorted(self.lines, self.end)) + 1]

    @property
    def notes(self) -> Notes:
        """Pitched notes, then drums."""
        return Notes(
            *(np.concatenate(columns) for columns in zip(self.pitched.columns, self.drums.columns, strict=True))
        )


def quantized(score: Score) -> Quantized:
    """A score on the grid of 24 steps a quarter; times go to the nearest step.

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    grid, resolution = Grid(STEPS_PER_QUARTER), score.ticks_per_quarter
    lines = np.unique(grid.quantize(score.bar_lines(), resolution))  # a bar of less than half a step is none
    pitched = _notes(score, grid, drums=False)
    in_scale = _in_scale(score, pitched.pitch)
    return Quantized(pitched, _notes(score, grid, drums=True), lines, in_scale)


def _notes(score: Score, grid: Grid, *, drums: bool) -> Notes:
    rows = [(index, track) for index, track in enumerate(score.tracks) if track.is_drum == drums and len(track)]
    if not rows:
        return Notes(*(np.empty(0, dtype=np.int64) for _ in range(4)))
    onset = np.concatenate([track.onset for _, track in rows]).astype(np.int64)
    duration = np.concatenate([track.duration for _, track in rows])
    first = grid.quantize(onset, score.ticks_per_quarter)
    last = np.maximum(grid.quantize(onset + duration, score.ticks_per_quarter), first + 1)
    pitch = np.concatenate([track.pitch for _, track in rows]).astype(np.int64)
    return Notes(first, last, pitch, np.repeat([index for index, _ in rows], [len(track) for _, track in rows]))


def _in_scale(score: Score, pitch: IntArray) -> BoolArray | None:
    if not score.keys:
        return None
    onset = [track.onset for track in score.tracks if not track.is_drum and len(track)]
    ticks = np.array([event.tick for event in score.keys])
    scales = np.zeros((len(ticks), 12), dtype=np.bool_)
    for row, event in zip(scales, score.keys, strict=True):
        row[list(event.key.pitch_classes)] = True
    if not onset:
        return np.empty(0, dtype=np.bool_)
    holds = np.searchsorted(ticks, np.concatenate(onset), side="right") - 1
    result: BoolArray = scales[np.maximum(holds, 0), pitch % 12]  # before the first key, the first
    return result


def shares(notes: Notes, lines: IntArray) -> Shares:
    """How long each note sounds in each cell between lines; what lies outside the lines is left out.

    Args:
        notes: any.
        lines: int64 (cells + 1,), steps, strictly ascending.
    """
    if len(lines) < 2:
        return Shares(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    first = np.maximum(np.searchsorted(lines, notes.onset, side="right") - 1, 0)
    stop = np.minimum(np.searchsorted(lines, notes.end, side="left"), len(lines) - 1)
    many = np.maximum(stop - first, 0)
    note = np.repeat(np.arange(len(notes)), many)
    cell = np.arange(len(note)) - np.repeat(np.cumsum(many) - many, many) + first[note]
    steps = np.minimum(notes.end[note], lines[cell + 1]) - np.maximum(notes.onset[note], lines[cell])
    return Shares(note, cell, steps)


def beat_lines(end: int) -> IntArray:
    """Lines of the quarters in which something up to an end falls: int64 (quarters + 1,), steps."""
    return np.arange(-(-end // STEPS_PER_QUARTER) + 1) * STEPS_PER_QUARTER


def levels(notes: Notes) -> tuple[IntArray, IntArray]:
    """How many pitches sound at once, and for how many steps: int64 (m,) each, spans in order of time.

    A pitch that two notes hold at once counts once, as in a piano roll.
    """
    order = np.lexsort((notes.onset, notes.pitch))
    offset = notes.pitch[order] * _FAR
    starts, ends = offset + notes.onset[order], np.maximum.accumulate(offset + notes.end[order])
    fresh = np.concatenate([[True], starts[1:] > ends[:-1]]) if len(order) else np.empty(0, dtype=np.bool_)
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(order))[: len(first)] - 1
    times = np.concatenate([(starts - offset)[first], (ends - offset)[last]])
    change = np.repeat([1, -1], len(first))
    order = np.argsort(times, kind="stable")
    return np.cumsum(change[order])[:-1], np.diff(times[order])


def onset_patterns(notes: Notes, lines: IntArray) -> BoolArray:
    """Where in each bar a note starts: bool (bars, steps of the longest bar)."""
    patterns = np.zeros((len(lines) - 1, int(np.max(np.diff(lines), initial=0))), dtype=np.bool_)
    bar = np.searchsorted(lines, notes.onset, side="right") - 1
    inside = (bar >= 0) & (bar < len(patterns))
    patterns[bar[inside], notes.onset[inside] - lines[bar[inside]]] = True
    return patterns


def intervals(notes: Notes) -> IntArray:
    """Semitones from each note to the next in its track, tracks one after the other: int64."""
    steps: IntArray = np.diff(notes.pitch)[np.diff(notes.track) == 0]
    return steps


def sums(places: IntArray, weights: NDArray[Any], size: int) -> FloatArray:
    """Sum of the weights at each place: (size,)."""
    result: FloatArray = np.bincount(places, weights=weights, minlength=size).astype(np.float64, copy=False)
    return result


def pitch_classes(notes: Notes) -> IntArray:
    """How many notes have each pitch class: int64 (12,)."""
    return np.bincount(notes.pitch % 12, minlength=12)


def entropy(counts: NDArray[np.int64]) -> float:
    """Shannon entropy of counts, in bits; NaN of nothing."""
    total = counts.sum()
    if not total:
        return float("nan")
    shares = counts[counts > 0] / total
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # no -0.0


__all__ = [
    "BoolArray", "FloatArray", "IntArray", "Notes", "Quantized", "Shares", "beat_lines", "entropy", "intervals",
    "levels", "onset_patterns", "pitch_classes", "quantized", "shares", "sums",
]  # fmt: skip
