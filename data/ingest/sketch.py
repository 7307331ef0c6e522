"""What a piece is known again by: hashes of its turns of phrase, and of all its notes.

A turn is some notes in a row of the highest or the lowest line: the intervals between them and the proportions of the
times between their onsets. Neither changes when a piece is transposed, played at another tempo or written in other note
values, and most of them survive when notes here and there are changed, parts dropped or bars cut off.

Of the hashes of a piece the smallest are kept (Broder, "On the resemblance and containment of documents", 1997): an
eighth, but at least 32 and at most 256. Two such sketches tell which share of the shorter piece the longer one has.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.score import IntArray, Score

Hashes = NDArray[np.uint32]

_TURN = 6  # notes and the steps to them: each turn has one note more
_SHARE, _LEAST, _MOST = 8, 32, 256
_WIDEST = 24  # semitones; wider intervals count as this wide
_FURTHEST = 6  # half octaves of proportion
_CELLS, _MOST_CELLS = 12, 1_000_000  # of time: in a note of middling length, and in a piece
_TOGETHER = 1.5  # cells within which the same pitch twice is one note, doubled


def sketch(score: Score) -> Hashes:
    """The smallest hashes of a piece's turns: uint32 (n,), strictly rising; empty for fewer than seven notes in a row.

    A piece of drums alone is known by its drums, with the same care.
    """
    notes = _notes(score, drums=False)
    if not len(notes.onset):
        notes = _notes(score, drums=True)
    if not len(notes.onset):
        return np.empty(0, np.uint32)
    hashes = np.unique(np.concatenate([_turns(_outer_line(notes, sign), tag) for tag, sign in enumerate((1, -1))]))
    size = min(max(_LEAST, len(hashes) // _SHARE), _MOST)
    return hashes[:size]


def content_hash(score: Score) -> str:
    """32 hex digits, equal for pieces with the same notes (in quarters), whatever their tempo, tracks and names."""
    tracks = [track for track in score.tracks if len(track)]
    if not tracks:
        return blake2b(digest_size=16).hexdigest()
    drums = np.repeat([track.is_drum for track in tracks], [len(track) for track in tracks])
    columns = [np.concatenate([getattr(track, name) for track in tracks]) for name in ("onset", "duration", "pitch")]
    onset, duration, pitch = (column.astype(np.int64) for column in columns)
    unit = score.ticks_per_quarter
    start = onset.min()
    steps = [(24 * time + unit // 2) // unit for time in (onset - start, onset - start + duration)]
    rows = np.unique(np.column_stack([*steps, pitch, drums]), axis=0)
    return blake2b(rows.astype("<i8").tobytes(), digest_size=16).hexdigest()


class _Notes(NamedTuple):
    """Notes in order of onset: onsets and durations in cells (not whole), pitches."""

    onset: NDArray[np.float64]
    duration: NDArray[np.float64]
    pitch: IntArray


def _notes(score: Score, *, drums: bool) -> _Notes:
    tracks = [track for track in score.tracks if track.is_drum == drums]
    columns = [
        np.concatenate([np.empty(0, np.int64), *(getattr(track, name) for track in tracks)])
        for name in ("onset", "duration", "pitch")
    ]
    onset, duration, pitch = (column[np.lexsort((columns[2], columns[0]))] for column in columns)
    if not len(onset):
        return _Notes(onset.astype(float), duration.astype(float), pitch)
    cell = max(float(np.median(duration)) / _CELLS, float((onset + duration).max()) / _MOST_CELLS)
    return _Notes(onset / cell, duration / cell, pitch)


def _outer_line(notes: _Notes, sign: int) -> _Notes:
    """The highest notes (sign 1) or the lowest (-1): those above which nothing sounds a quarter of their length on.

    Not at their onset, because the notes of a played chord do not begin together.
    """
    height = sign * notes.pitch + 128
    start = np.rint(notes.onset).astype(np.int64)
    length = np.maximum(np.rint(notes.duration), 1).astype(np.int64)
    outermost = np.zeros(int((start + length).max()), dtype=np.int64)
    nth = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    np.maximum.at(outermost, np.repeat(start, length) + nth, np.repeat(height, length))
    heard = np.minimum(start + length // 4, len(outermost) - 1)
    line = _Notes(*(column[outermost[heard] == height] for column in notes))
    is_double = (np.diff(line.onset, prepend=-np.inf) < _TOGETHER) & (np.diff(line.pitch, prepend=-1) == 0)
    return _Notes(*(column[~is_double] for column in line))


def _turns(line: _Notes, tag: int) -> Hashes:
    """Hashes of all turns of a line."""
    count = len(line.onset) - _TURN
    if count < 1:
        return np.empty(0, np.uint32)
    intervals = np.clip(np.diff(line.pitch), -_WIDEST, _WIDEST) + _WIDEST
    times = np.maximum(np.diff(line.onset), 1e-3)  # two at once: drums, or unisons of different lengths
    proportions = np.rint(2 * np.log2(times[1:] / times[:-1]))  # halves lie between the proportions of music
    rhythm = np.clip(proportions, -_FURTHEST, _FURTHEST).astype(np.int64) + _FURTHEST
    hashes = np.full(count, tag + 1, dtype=np.uint64)
    for step in range(_TURN):
        hashes = _mixed(hashes ^ intervals[step : step + count].astype(np.uint64))
        if step:
            hashes = _mixed(hashes ^ (rhythm[step - 1 : step - 1 + count].astype(np.uint64) + np.uint64(64)))
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood, 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


__all__ = ["Hashes", "content_hash", "sketch"]
