"""Chords beat by beat, each heard for itself: rougher than `chord_events`, and many times faster.

What a corpus of a hundred thousand files can afford. Every beat takes the chord that its notes and its lowest note
speak for most, by the tables of the full analysis; keys and what came before are not asked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from theory.analysis import chord
from theory.analysis.grid import FloatArray
from theory.chord import Chord
from theory.event import ChordEvent
from theory.pitch import spell
from theory.score import IntArray, Score

_NOTHING = 128  # above every pitch
_PITCHES = 2 * chord.PITCH_WEIGHT * chord.PITCHES  # a beat says as much as two slices of half a quarter
_BASSES = chord.BASS_WEIGHT * chord.BASSES


class _Sounding(NamedTuple):
    """Parts of notes that lie within one beat each, (n,): which beat, for how many ticks, and the pitch."""

    beat: IntArray
    ticks: IntArray
    pitch: IntArray


def chords_by_beat(score: Score) -> tuple[ChordEvent, ...]:
    """The chord of each beat, spelled by the key signature at the start; equal neighbours are one, None is silence.

    Args:
        score: any; drums are left out.
    """
    lines = _beats(score)
    if len(lines) < 2:
        return ()
    sounding = _sounding(score, lines)
    beats = len(lines) - 1
    time = np.bincount(sounding.beat * 12 + sounding.pitch % 12, sounding.ticks, minlength=12 * beats).reshape(-1, 12)
    states = _states(time / np.diff(lines)[:, None], _lowest(sounding, beats))
    first = np.flatnonzero(np.diff(states, prepend=-1))
    key = score.keys[0].key if score.keys else None
    names = _names(key.signature, key.is_minor) if key else _names(0, False)
    return tuple(
        ChordEvent(tick, names[state])
        for tick, state in zip(lines[first].tolist(), states[first].tolist(), strict=True)
        if tick or state != chord.SILENCE
    )


def _beats(score: Score) -> IntArray:
    """Ticks at which beats begin, and the end of the last one, int64."""
    parts = []
    for index, (tick, meter) in enumerate(score.meters):
        stop = score.meters[index + 1].tick if index + 1 < len(score.meters) else score.end
        beat = max(int(meter.beat_quarters * score.ticks_per_quarter), 1)
        parts.append(np.arange(tick, min(stop, score.end), beat))
    return np.append(np.concatenate(parts), score.end)


def _sounding(score: Score, lines: IntArray) -> _Sounding:
    pitched = [track for track in score.tracks if not track.is_drum]
    empty = np.empty(0, dtype=np.int64)
    onset = np.concatenate([empty, *(track.onset for track in pitched)])
    end = onset + np.concatenate([empty, *(track.duration for track in pitched)])
    pitch = np.concatenate([empty, *(track.pitch for track in pitched)])
    first = np.searchsorted(lines, onset, side="right") - 1
    count = np.searchsorted(lines, end) - first
    beat = first
    if (count > 1).any():
        row = np.repeat(np.arange(len(onset)), count)
        beat = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        onset, end, pitch = onset[row], end[row], pitch[row]
    return _Sounding(beat, np.minimum(end, lines[beat + 1]) - np.maximum(onset, lines[beat]), pitch)


def _lowest(sounding: _Sounding, beats: int) -> IntArray:
    """Lowest pitch in each beat, int64 (beats,); 128 where nothing sounds."""
    result = np.full(beats, _NOTHING)
    np.minimum.at(result, sounding.beat, sounding.pitch)
    return result


def _states(time: FloatArray, lowest: IntArray) -> IntArray:
    """The most likely chord of each beat, as `theory.analysis.chord` numbers them."""
    likelihood = time @ _PITCHES
    likelihood += _BASSES[lowest % 12]
    states: IntArray = likelihood.argmax(axis=1)
    states[lowest == _NOTHING] = chord.SILENCE
    return states


@lru_cache(maxsize=64)
def _names(signature: int, minor: bool) -> tuple[Chord | None, ...]:
    """The chords that states stand for, spelled as in a key."""
    roots = spell(np.arange(12), signature, minor=minor).tolist()
    return *(Chord(root, quality, (), root) for root in roots for quality in chord.VOCABULARY), None
