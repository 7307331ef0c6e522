"""Chords beat by beat, each heard for itself: rougher than `chord_events`, and many times faster.

What a corpus of a hundred thousand files can afford. Every beat takes the chord that its notes and its lowest note
speak for most, by the tables of the full analysis; keys and what came before are not asked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.analysis import chord
from theory.chord import Chord
from theory.event import ChordEvent
from theory.pitch import spell
from theory.score import IntArray, Score

_NOTHING = 128  # above every pitch
# What each chord makes of a beat's pitch classes, and below of its lowest one: float32 (24, chords). A beat says as
# much as two slices of half a quarter.
_WEIGHTS = np.concatenate([2 * chord.PITCH_WEIGHT * chord.PITCHES, chord.BASS_WEIGHT * chord.BASSES]).astype(np.float32)
_NO_TICKS, _NO_PITCHES = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint8)


class _Sounding(NamedTuple):
    """Parts of notes that lie within one beat each, (n,): which beat, for how many ticks, and the pitch."""

    beat: IntArray
    ticks: IntArray
    pitch: NDArray[np.uint8]


def chords_by_beat(score: Score) -> tuple[ChordEvent, ...]:
    """The chord of each beat, spelled by the key signature at the start; equal neighbours are one, None is silence.

    Args:
        score: any; drums are left out.
    """
    lines = _beats(score)
    if len(lines) < 2:
        return ()
    states = _states(_sounding(score, lines), lines)
    changes = np.ones(len(states), dtype=np.bool_)
    changes[1:] = states[1:] != states[:-1]
    if states[0] == chord.SILENCE:
        changes[0] = False
    first = changes.nonzero()[0]
    key = score.keys[0].key if score.keys else None
    names = _names(key.signature, key.is_minor) if key else _names(0, False)
    return tuple(map(ChordEvent, lines.take(first).tolist(), [names[state] for state in states.take(first).tolist()]))


def _beats(score: Score) -> IntArray:
    """Ticks at which beats begin, and the end of the last one, int64."""
    parts = []
    for index, (tick, meter) in enumerate(score.meters):
        stop = score.meters[index + 1].tick if index + 1 < len(score.meters) else score.end
        beat = max(meter.beat_ticks(score.ticks_per_quarter), 1)
        parts.append(np.arange(tick, min(stop, score.end), beat))
    return np.concatenate([*parts, [score.end]])


def _sounding(score: Score, lines: IntArray) -> _Sounding:
    pitched = [track for track in score.tracks if not track.is_drum]
    onset = np.concatenate([_NO_TICKS, *(track.onset for track in pitched)])
    end = onset + np.concatenate([_NO_TICKS, *(track.duration for track in pitched)])
    pitch = np.concatenate([_NO_PITCHES, *(track.pitch for track in pitched)])
    first = lines.searchsorted(onset, side="right") - 1
    count = lines.searchsorted(end) - first
    if (count > 1).any():
        row = np.arange(len(onset)).repeat(count)
        begins = first - count.cumsum() + count  # the beat less the number of parts before
        beat = begins.take(row) + np.arange(len(row))
        onset, end, pitch = onset.take(row), end.take(row), pitch.take(row)
    else:
        beat = first
    return _Sounding(beat, np.minimum(end, lines.take(beat + 1)) - np.maximum(onset, lines.take(beat)), pitch)


def _states(sounding: _Sounding, lines: IntArray) -> IntArray:
    """The most likely chord of each beat, as `theory.analysis.chord` numbers them."""
    beats = len(lines) - 1
    lowest = np.full(beats, _NOTHING, dtype=np.uint8)
    np.minimum.at(lowest, sounding.beat, sounding.pitch)
    heard = np.empty((beats, 24), dtype=np.float32)
    time = np.bincount(sounding.beat * 12 + sounding.pitch % 12, sounding.ticks, minlength=12 * beats)
    np.divide(time.reshape(-1, 12), (lines[1:] - lines[:-1])[:, None], out=heard[:, :12], casting="unsafe")
    heard[:, 12:] = (lowest % 12)[:, None] == np.arange(12)
    states: IntArray = (heard @ _WEIGHTS).argmax(axis=1)
    states[lowest == _NOTHING] = chord.SILENCE
    return states


@lru_cache(maxsize=64)
def _names(signature: int, minor: bool) -> tuple[Chord | None, ...]:
    """The chords that states stand for, spelled as in a key."""
    roots = spell(np.arange(12), signature, minor=minor).tolist()
    return *(Chord(root, quality, (), root) for root in roots for quality in chord.VOCABULARY), None
