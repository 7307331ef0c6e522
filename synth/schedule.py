"""When a synthesizer must do what: one track of a score as events on audio frames.

Cadenza does not use FluidSynth's MIDI player, whose timing hangs on the buffer size and on its own reading of tempo
changes. The times here are `Score.frames`, exact for any tempo map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import ScoreError
from theory.score import BANK, PITCH_BEND, PRESSURE, SUSTAIN, IntArray, Score, Track

# Kinds of events, in the order in which those of one frame happen.
NOTE_OFF, CONTROL, NOTE_ON = 0, 1, 2

DRUM_CHANNEL = 9
DRUM_BANK = 128  # where soundfonts keep General MIDI's drum kits

SOSTENUTO, REVERB_SEND = 66, 91
_REVERB_SEND_AT_START = 40  # General MIDI 2 (RP-024), section 3.3.5: the value after a reset


@dataclass(frozen=True, eq=False, slots=True)
class Schedule:
    """Everything one track's synthesizer is told, in order.

    Attributes:
        frames: int64 (n,), audio frames from the start, never falling.
        kinds: int64 (n,): `NOTE_OFF`, `CONTROL` or `NOTE_ON`.
        numbers: int64 (n,): the pitch of a note, the kind of a control.
        values: int64 (n,): the velocity of a note on, the value of a control.
        channel: MIDI channel: 9 for drums, else 0.
        bank, program: the preset in the soundfont.
        notes: how many notes sound.
    """

    frames: IntArray
    kinds: IntArray
    numbers: IntArray
    values: IntArray
    channel: int
    bank: int
    program: int
    notes: int

    @property
    def end(self) -> int:
        """Frame of the last event; 0 without events."""
        return int(self.frames[-1]) if len(self.frames) else 0


def schedule(score: Score, track: Track, sample_rate: int) -> Schedule:
    """Events of a track of a score.

    At one frame, offs come before controls and controls before ons, so that a note ends before the same key is struck
    again and a pedal or a bank change holds for the notes that start with it. A key struck while it still sounds is
    released first and then held until the last of the overlapping notes ends; notes of one pitch and onset are one
    stroke, with the strongest velocity. Pedals still down when the piece ends are lifted there.

    Args:
        score: gives the tempo map and the end.
        track: one of its tracks.
        sample_rate: frames a second.

    Raises:
        ScoreError: a control whose kind or value MIDI does not know.
    """
    onsets, ends, pitches, velocities = _strokes(score, track, sample_rate)
    controls = _controls(score, track, sample_rate)
    zeros = np.zeros(len(onsets), dtype=np.int64)
    rows = np.concatenate([
        np.column_stack([ends, zeros + NOTE_OFF, pitches, zeros]),
        controls,
        np.column_stack([onsets, zeros + NOTE_ON, pitches, velocities]),
    ])  # fmt: skip
    rows = rows[np.lexsort([rows[:, 1], rows[:, 0]])]  # stable: controls keep their order
    frames, kinds, numbers, values = rows.T
    channel, bank = (DRUM_CHANNEL, DRUM_BANK) if track.is_drum else (0, 0)
    return Schedule(frames, kinds, numbers, values, channel, bank, track.program, len(onsets))


def _strokes(score: Score, track: Track, sample_rate: int) -> tuple[IntArray, IntArray, IntArray, NDArray[Any]]:
    """Onset and end frames, pitches and velocities of what fingers do: at most one stroke a pitch and frame."""
    onset = score.frames(track.onset, sample_rate)
    end = np.maximum(score.frames(track.onset.astype(np.int64) + track.duration, sample_rate), onset + 1)
    order = np.lexsort((onset, track.pitch))
    onset, end, pitch, velocity = onset[order], end[order], track.pitch[order].astype(np.int64), track.velocity[order]
    if not len(onset):
        return onset, end, pitch, velocity
    first = np.flatnonzero(np.diff(onset, prepend=-1) | np.diff(pitch, prepend=-1))
    velocity, end = np.maximum.reduceat(velocity, first), np.maximum.reduceat(end, first)
    onset, pitch = onset[first], pitch[first]
    # The latest end so far of the same pitch: pitches rise, so adding pitch * span keeps the maxima apart.
    span = int(end.max()) + 1
    held = np.maximum.accumulate(end + pitch * span) - pitch * span
    again = np.where(np.diff(pitch, append=-1) == 0, np.append(onset[1:], 0), span)
    return onset, np.minimum(held, again), pitch, velocity


def _controls(score: Score, track: Track, sample_rate: int) -> IntArray:
    """Control events: int64 (n, 4), rows of a schedule."""
    given = track.controls.astype(np.int64)
    _check_controls(track, given)
    if track.is_drum:
        given = given[given[:, 1] != BANK]  # drums stay on their bank, as in General MIDI
    close = max(score.end, int(given[-1, 0]) if len(given) else 0)
    lifts = [[close, pedal, 0] for pedal in (SUSTAIN, SOSTENUTO) if _is_down(pedal, given)]
    first = [[0, REVERB_SEND, _REVERB_SEND_AT_START]]
    ticks, kinds, values = np.concatenate([np.array(first), given, np.array(lifts, dtype=np.int64).reshape(-1, 3)]).T
    return np.column_stack([score.frames(ticks, sample_rate), np.full(len(ticks), CONTROL), kinds, values])


def _is_down(pedal: int, rows: IntArray) -> bool:
    values = rows[rows[:, 1] == pedal, 2]
    return bool(len(values)) and bool(values[-1] >= 64)


def _check_controls(track: Track, rows: IntArray) -> None:
    ticks, kinds, values = rows.T
    low = np.where(kinds == PITCH_BEND, -8192, 0)
    high = np.where(kinds == PITCH_BEND, 8191, 127)
    wrong = (ticks < 0) | (kinds < 0) | (kinds > PRESSURE) | (values < low) | (values > high)
    if wrong.any():
        tick, kind, value = rows[np.argmax(wrong)]
        raise ScoreError(f"track {track.name!r}: control {kind} with value {value} at tick {tick} is no MIDI control")


__all__ = ["CONTROL", "DRUM_BANK", "DRUM_CHANNEL", "NOTE_OFF", "NOTE_ON", "Schedule", "schedule"]
