"""What tokens change of a score: how far its notes move, and what is merged or left out."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.event import FERMATA, MAX_TEMPO, MIN_TEMPO
from theory.score import TICKS_PER_QUARTER, IntArray, Score, Track
from theory.tokens.quantize import Grid, grid_of, quantize
from theory.tokens.settings import Settings

_EVENTS = {"tempos": "tempo", "meters": "meter", "keys": "key", "chords": "chord"}


class Changes(NamedTuple):
    """What `Tokenizer.quantize` does to a score.

    Attributes:
        notes: in the score.
        moved: milliseconds by which onsets and ends of notes move, on average.
        farthest: milliseconds, the most.
        softer: the most by which a velocity changes.
        merged: how many become one with another: "note with a longer one of its pitch", "note cut by the next of its
            pitch" (which only ends earlier), "tempo with the next on its step", ...
        dropped: how many are left out: "note of drums", "control", "control after the end", "text",
            "tempo outside 4 to 1000" (quarters a minute; the nearer bound stands in its place), ...
    """

    notes: int
    moved: float
    farthest: float
    softer: int
    merged: dict[str, int]
    dropped: dict[str, int]


def changes(score: Score, settings: Settings) -> Changes:
    """Count what tokens change.

    Raises:
        TokenError: more than 128 tracks, or a piece that is too long.
    """
    grid = grid_of(score, settings)
    kept = quantize(score, settings)
    rows = [_moved(track, grid) for track in grid.tracks if len(track)]
    moved = np.concatenate([row.milliseconds for row in rows]) if rows else np.zeros(1)
    merged = Counter(
        {
            "note with a longer one of its pitch": sum(map(len, grid.tracks)) - kept.notes,
            "note cut by the next of its pitch": sum(row.cut for row in rows),
        }
    )
    dropped = _dropped(score, grid, kept)
    for name, word in _EVENTS.items():
        lost, late = _events_lost(grid, getattr(score, name), kept.end)
        merged[f"{word} with the next on its step"] += lost
        dropped[f"{word} after the end"] += late
    return Changes(
        notes=score.notes,
        moved=float(moved.mean()),
        farthest=float(moved.max()),
        softer=max((row.softer for row in rows), default=0),
        merged={word: merged[word] for word in sorted(merged) if merged[word]},
        dropped={word: dropped[word] for word in sorted(dropped) if dropped[word]},
    )


class _Moved(NamedTuple):
    """A track's notes: by how much their ends move, how many are cut, and the most that a velocity changes."""

    milliseconds: NDArray[np.float64]
    cut: int
    softer: int


def _moved(track: Track, grid: Grid) -> _Moved:
    onset = track.onset.astype(np.int64)
    until = onset + track.duration
    first, last = grid.ticks(onset), np.maximum(grid.ticks(until), grid.ticks(onset) + grid.unit)
    change = np.abs(grid.settings.loudness(track.velocity).astype(np.int64) - track.velocity)
    cut = 0 if grid.settings.microtiming else _cut(track, first, last)
    milliseconds = np.concatenate([_milliseconds(grid.score, onset, first), _milliseconds(grid.score, until, last)])
    return _Moved(milliseconds, cut, int(change.max()))


def _milliseconds(score: Score, ticks: IntArray, moved: IntArray) -> NDArray[np.float64]:
    """How long it is from the score's ticks to those that they become, at the tempo in force."""
    starts = np.array([tempo.tick for tempo in score.tempos])
    rates = np.array([tempo.microseconds_per_quarter for tempo in score.tempos])
    quarters = np.abs(moved / TICKS_PER_QUARTER - ticks / score.ticks_per_quarter)
    result: NDArray[np.float64] = quarters * rates[np.searchsorted(starts, ticks, side="right") - 1] / 1000
    return result


def _cut(track: Track, first: IntArray, last: IntArray) -> int:
    order = np.lexsort((last, first, track.pitch))
    first, last, pitch = first[order], last[order], track.pitch[order]
    return int(((pitch[1:] == pitch[:-1]) & (first[1:] > first[:-1]) & (first[1:] < last[:-1])).sum())


def _dropped(score: Score, grid: Grid, kept: Score) -> Counter[str]:
    drums = [track for track in score.tracks if track.is_drum and not grid.settings.drums]
    controls = sum(len(track.controls) for track in score.tracks)
    late = sum(len(track.controls) for track in grid.tracks) - sum(len(track.controls) for track in kept.tracks)
    return Counter(
        {
            "note of drums": sum(map(len, drums)),
            "control": controls - sum(len(track.controls) for track in grid.tracks),
            "control after the end": late,
            "text": sum(marker.text != FERMATA for marker in score.markers),
            f"tempo outside {MIN_TEMPO} to {MAX_TEMPO}": sum(
                not MIN_TEMPO <= round(event.bpm) <= MAX_TEMPO for event in score.tempos
            ),
            "meter finer than the grid": sum(not grid.holds(event.meter) for event in score.meters),
        }
    )


def _events_lost(grid: Grid, events: tuple[Any, ...], end: int) -> tuple[int, int]:
    """How many events share their step with a later one, and how many come after the end."""
    ticks = grid.on_grid(np.array([event.tick for event in events], dtype=np.int64))
    return len(ticks) - len(np.unique(ticks)), int((ticks >= end).sum())
