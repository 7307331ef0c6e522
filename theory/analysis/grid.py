"""The grid that harmony is heard on: slices of time between beats and half beats, and what sounds in each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError
from theory.meter import Meter
from theory.score import IntArray, Score

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_PHASES = 24  # places in a beat where a performance's own beat is looked for
_LONG = 2.0  # beats; a longer note says no more about where the beat is


@dataclass(frozen=True, eq=False, slots=True)
class Notes:
    """The notes of all tracks but drums, in one row each: int64 (n,)."""

    onset: IntArray
    end: IntArray
    pitch: IntArray

    @classmethod
    def of(cls, score: Score) -> Notes:
        """Gather the notes of a score, track by track.

        Raises:
            RequestError: it is no score.
        """
        if not isinstance(score, Score):
            raise RequestError(f"{type(score).__name__} is no Score: analyse a score, as in analyse(piece.score)")
        tracks = [track for track in score.tracks if not track.is_drum]
        columns = (
            np.concatenate([np.empty(0, dtype=np.int64), *(getattr(track, name) for track in tracks)]).astype(np.int64)
            for name in ("onset", "duration", "pitch")
        )
        onset, duration, pitch = columns
        return cls(onset, onset + duration, pitch)


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Slices of time, and what sounds in each.

    Attributes:
        ticks: int64 (n + 1,), edges of the slices.
        strength: int64 (n,), of the place where a slice starts: 3 a bar line to 0 between beats (`Meter.strength`).
        on_beat: bool (n,), whether a slice starts on a beat (or a quarter, where beats are longer).
        attacked: bool (n,), whether a note begins in a slice, or at most a quarter of it earlier.
        quarters: float64 (n,), length.
        presence: float64 (n, 12), the part of the slice for which each pitch class sounds, 0 to 1.
        lowest: int64 (n,), lowest pitch sounding as the slice starts, or else later in it; -1 in silence.
        voices: float64 (n,), how many pitches sound on average.
    """

    ticks: IntArray
    strength: IntArray
    on_beat: BoolArray
    attacked: BoolArray
    quarters: FloatArray
    presence: FloatArray
    lowest: IntArray
    voices: FloatArray

    def __len__(self) -> int:
        return len(self.strength)

    def at(self, ticks: IntArray) -> IntArray:
        """Slice in which each tick lies; the nearest where none does."""
        result: IntArray = np.clip(np.searchsorted(self.ticks, ticks, side="right") - 1, 0, len(self) - 1)
        return result


def grid_of(score: Score, notes: Notes, grouping: tuple[int, ...] | None = None) -> Grid:
    """Slice a piece at every beat and half beat (a compound beat in thirds).

    An upbeat takes its place at the end of a bar of the meter that follows. A long silence ends in one long slice.
    Where the onsets keep a constant distance from the beats that the file states, as in recorded performances, slices
    start with them.

    Args:
        score: of any meters.
        notes: of the score.
        grouping: beats a group in the bars that have so many beats, as in `Meter.grouping`.

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    ticks, strength, on_beat = _places(score, grouping)
    ticks = np.maximum(ticks + _shift(notes, ticks[on_beat]), 0)
    if len(ticks) and ticks[0] > 0:
        ticks, strength, on_beat = np.append(0, ticks), np.append(1, strength), np.append(True, on_beat)
    keep = (np.diff(ticks, append=score.end + 1) > 0) & (ticks < score.end)
    sounds = _sounds(notes, np.append(ticks, max(score.end, *ticks[-1:], 0)))
    heard = sounds | (ticks == 0)
    for back in range(1, 4):  # a silence is a few short slices, one of them on a beat, and a long one
        heard[back:] |= sounds[:-back]
    keep &= heard
    return _filled(notes, np.append(ticks[keep], score.end), strength[keep], on_beat[keep], score.ticks_per_quarter)


def _places(score: Score, grouping: tuple[int, ...] | None) -> tuple[IntArray, IntArray, BoolArray]:
    """Ticks at which slices start by the meters alone, the strengths of these places, and whether they are beats."""
    parts = []
    for index, (tick, meter) in enumerate(score.meters):
        following = score.meters[index + 1].tick if index + 1 < len(score.meters) else score.end
        stop = min(following, score.end)
        if tick >= stop:
            continue
        if index == 0 and score.pickup:
            full = score.meters[1].meter
            starts, marks, beats = _in_bar(full, score.ticks_per_quarter, grouping)
            starts = starts - full.bar_ticks(score.ticks_per_quarter) + following
            late = (starts >= 0) & (starts < stop)
            parts.append((starts[late], marks[late], beats[late]))
            continue
        starts, marks, beats = _in_bar(meter, score.ticks_per_quarter, grouping)
        bars = np.arange(tick, stop, meter.bar_ticks(score.ticks_per_quarter), dtype=np.int64)
        places = (bars[:, None] + starts).ravel()
        within = places < stop
        parts.append((places[within], np.tile(marks, len(bars))[within], np.tile(beats, len(bars))[within]))
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    ticks, strength, on_beat = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return ticks, strength, on_beat


@lru_cache(maxsize=1024)
def _in_bar(
    meter: Meter, ticks_per_quarter: int, grouping: tuple[int, ...] | None
) -> tuple[IntArray, IntArray, BoolArray]:
    """Ticks from the bar line at which slices of a bar start, their strengths, and whether they are beats."""
    told = grouping if grouping is not None and sum(grouping) == meter.beats else None
    beat = meter.beat_quarters if meter.is_compound else min(meter.beat_quarters, Fraction(1))
    step = beat / (3 if meter.is_compound else 2)
    quarters = [index * step for index in range(int(meter.bar_quarters / step))]
    starts, first = np.unique([int(place * ticks_per_quarter) for place in quarters], return_index=True)
    # Bars of one beat, a way to write that the meter is not known, do not tell strong beats from weak ones.
    most = 1 if meter.beats == 1 else 3
    marks = np.array([min(meter.strength(place, told), most) for place in quarters])
    beats = np.array([place % beat == 0 for place in quarters])
    return starts.astype(np.int64), marks[first].astype(np.int64), beats[first]


def _shift(notes: Notes, beats: IntArray) -> int:
    """Ticks by which the beats that one hears lie after (before: negative) the stated ones; 0 in notated music.

    Long notes begin on beats: the histogram of the onsets' places inside their beat, weighted by their durations, has
    its peak there. Only where it is at least twice as high as at the stated beats are they moved.
    """
    if len(beats) < 2 or not len(notes.onset):
        return 0
    index = np.clip(np.searchsorted(beats, notes.onset, side="right") - 1, 0, len(beats) - 2)
    lengths = np.diff(beats)[index]
    place = np.rint((notes.onset - beats[index]) / lengths * _PHASES).astype(np.int64) % _PHASES
    exact = np.bincount(place, np.minimum((notes.end - notes.onset) / lengths, _LONG), _PHASES)
    counts = exact + (np.roll(exact, 1) + np.roll(exact, -1)) / 2
    peak = int(counts.argmax())
    if counts[0] * 2 >= counts[peak]:
        return 0
    nearest = peak if peak <= _PHASES // 2 else peak - _PHASES
    return round(nearest * float(np.median(np.diff(beats))) / _PHASES)


def _sounds(notes: Notes, ticks: IntArray) -> BoolArray:
    """Whether anything sounds between neighbouring ticks: bool (len(ticks) - 1,)."""
    begun = np.searchsorted(np.sort(notes.onset), ticks[1:])
    over = np.searchsorted(np.sort(notes.end), ticks[:-1], side="right")
    result: BoolArray = begun > over
    return result


def _filled(notes: Notes, ticks: IntArray, strength: IntArray, on_beat: BoolArray, ticks_per_quarter: int) -> Grid:
    """The grid with these edges and what sounds in it.

    The time for which a pitch is heard before an edge is a piecewise linear function of it, a ramp that starts with
    each onset and another, downwards, that starts with each end: two sums for each edge, whatever the number of notes.
    """
    bottom = int(notes.pitch.min(initial=127))
    bottom -= bottom % 12
    pitches = 12 * (1 + (int(notes.pitch.max(initial=0)) - bottom) // 12) if len(notes.pitch) else 12
    events = np.concatenate([notes.onset, notes.end])
    sign = np.repeat([1.0, -1.0], len(notes.onset))
    cells = np.searchsorted(ticks, events) * pitches + np.tile(notes.pitch - bottom, 2)
    size = (len(ticks) + 1) * pitches
    active = np.bincount(cells, sign, size).reshape(-1, pitches)[: len(ticks)].cumsum(axis=0)
    passed = np.bincount(cells, sign * events, size).reshape(-1, pitches)[: len(ticks)].cumsum(axis=0)
    lengths = np.diff(ticks)
    share = np.minimum(np.diff(active * ticks[:, None] - passed, axis=0) / lengths[:, None], 1)
    at_start, later = active[:-1] > 0, share > 0
    lowest = np.where(at_start.any(axis=1), at_start.argmax(axis=1), later.argmax(axis=1)) + bottom
    onset = np.sort(notes.onset)
    attacked = np.searchsorted(onset, ticks[1:]) > np.searchsorted(onset, ticks[:-1] - lengths // 4)
    return Grid(
        ticks,
        strength,
        on_beat,
        attacked,
        lengths / ticks_per_quarter,
        np.minimum(share.reshape(len(lengths), pitches // 12, 12).sum(axis=1), 1),
        np.where(later.any(axis=1), lowest, -1),
        share.sum(axis=1),
    )
