"""Valid token ids to a score, on columns: each token's absolute step comes from cumulative sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.errors import TokenError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, MAX_TICK, PITCH_BEND, PRESSURE, IntArray, Score, Track
from theory.tokens.vocabulary import (
    CHORD_DEGREES,
    CHORD_QUALITIES,
    LOW_STEPS,
    MODE_NAMES,
    STEPS_PER_QUARTER,
    TICKS_PER_STEP,
    VELOCITY_STEP,
    VOCABULARY,
    Kind,
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Decoded view of a token sequence: for every token its kind, value and the absolute step it stands at."""

    kind: NDArray[np.uint8]
    value: NDArray[np.int64]
    step: IntArray

    def where(self, kind: Kind) -> IntArray:
        return np.flatnonzero(self.kind == kind)


def _numbers(kind: NDArray[np.uint8], value: NDArray[np.int64], high: Kind, low: Kind) -> tuple[IntArray, IntArray]:
    """Indices of the low tokens and the whole numbers that end there."""
    ends = np.flatnonzero(kind == low)
    highs = np.cumsum(np.where(kind == high, LOW_STEPS << value, 0))[ends]
    return ends, value[ends] + np.diff(highs, prepend=0)


def _last(index: IntArray, size: int) -> IntArray:
    """For each of `size` tokens: ordinal in `index` of the last entry at or before it, -1 before the first."""
    marks = np.zeros(size, dtype=np.int64)
    marks[index] = 1
    return np.cumsum(marks) - 1


def decode(ids: IntArray) -> Score:
    """Decode ids that were validated."""
    kind, value = VOCABULARY.kinds[ids], VOCABULARY.values[ids].astype(np.int64)
    bars = np.flatnonzero(kind == Kind.BAR)
    position_at, position = _numbers(kind, value, Kind.POSITION_HIGH, Kind.POSITION_LOW)
    meters, meter_bar = _decode_meters(kind, value, bars)
    full = np.array([meter.bar_ticks(STEPS_PER_QUARTER) for meter in meters], dtype=np.int64)
    length = full[np.searchsorted(meter_bar, np.arange(len(bars)), side="right") - 1] if len(bars) else full[:0]
    cut = np.isin(position_at + 1, bars[1:])
    length[np.searchsorted(bars, position_at[cut]) - 1] = position[cut]
    bar_lines: IntArray = np.concatenate([[0], np.cumsum(length)])

    in_bar = np.maximum(_last(bars, len(ids)), 0)
    said = _last(position_at, len(ids))
    step = bar_lines[in_bar] + (position[np.maximum(said, 0)] if len(position) else 0)
    columns = _Columns(kind, value, step)
    header = np.flatnonzero(kind == Kind.PROGRAM)
    end = int(bar_lines[-1]) * TICKS_PER_STEP
    if end > MAX_TICK:
        raise TokenError(f"token {len(ids) - 1}: END comes after tick {MAX_TICK}, the last that a score can count")
    return Score(
        tracks=_decode_tracks(columns, header, end),
        tempos=_decode_tempos(columns),
        meters=tuple(
            MeterEvent(int(bar_lines[bar]) * TICKS_PER_STEP, meter)
            for bar, meter in zip(meter_bar, meters, strict=True)
        ),
        keys=_decode_keys(columns),
        chords=_decode_chords(columns),
        markers=tuple(Marker(int(step[at]) * TICKS_PER_STEP, FERMATA) for at in columns.where(Kind.FERMATA)),
        end=end,
    )


def _decode_meters(kind: NDArray[np.uint8], value: NDArray[np.int64], bars: IntArray) -> tuple[list[Meter], IntArray]:
    """Meters in order and the ordinal of the bar each begins with."""
    at = np.flatnonzero(kind == Kind.NUMERATOR)
    meters = [Meter(int(value[index]), 1 << int(value[index + 1])) for index in at]
    return meters, np.searchsorted(bars, at, side="right") - 1


def _decode_tempos(columns: _Columns) -> tuple[TempoEvent, ...]:
    return tuple(
        TempoEvent.from_bpm(int(columns.step[at]) * TICKS_PER_STEP, int(columns.value[at] + columns.value[at + 1]))
        for at in columns.where(Kind.TEMPO_HIGH)
    )


def _decode_keys(columns: _Columns) -> tuple[KeyEvent, ...]:
    return tuple(
        KeyEvent(
            int(columns.step[at]) * TICKS_PER_STEP,
            Key.from_signature(int(columns.value[at]), MODE_NAMES[columns.value[at + 1]]),
        )
        for at in columns.where(Kind.SIGNATURE)
    )


def _decode_chords(columns: _Columns) -> tuple[ChordEvent, ...]:
    silences = [(at, None) for at in columns.where(Kind.NO_CHORD)]
    chords = [(at, _chord(columns, at)) for at in columns.where(Kind.CHORD_ROOT)]
    return tuple(
        ChordEvent(int(columns.step[at]) * TICKS_PER_STEP, chord)
        for at, chord in sorted([*silences, *chords], key=lambda pair: pair[0])
    )


def _chord(columns: _Columns, at: int) -> Chord:
    root, quality = int(columns.value[at]), CHORD_QUALITIES[columns.value[at + 1]]
    degrees = []
    at += 2
    while columns.kind[at] == Kind.CHORD_DEGREE:
        degrees.append(CHORD_DEGREES[columns.value[at]])
        at += 1
    bass = int(columns.value[at]) if columns.kind[at] == Kind.CHORD_BASS else root
    return Chord(root, quality, tuple(degrees), bass)


def _decode_tracks(columns: _Columns, header: IntArray, end: int) -> tuple[Track, ...]:
    track_at = columns.where(Kind.TRACK)
    track_of = columns.value[track_at][_last(track_at, len(columns.kind))] if len(track_at) else columns.value
    notes = np.flatnonzero((columns.kind == Kind.PITCH) | (columns.kind == Kind.DRUM))
    ends, numbers = _numbers(columns.kind, columns.value, Kind.DURATION_HIGH, Kind.DURATION_LOW)
    duration = numbers[np.searchsorted(ends, notes)]
    if ((columns.step[notes] + duration) * TICKS_PER_STEP > end).any():
        raise TokenError(f"token {len(columns.kind) - 1}: END comes while notes still sound")
    velocity = _decode_velocities(columns, notes, track_of)
    controls_at, controls = _decode_controls(columns)
    result = []
    for index, program_at in enumerate(header):
        mine = track_of[notes] == index
        rows = notes[mine]
        result.append(
            Track(
                onset=columns.step[rows] * TICKS_PER_STEP,
                duration=duration[mine] * TICKS_PER_STEP,
                pitch=columns.value[rows],
                velocity=velocity[mine],
                controls=controls[track_of[controls_at] == index],
                program=int(columns.value[program_at]),
                is_drum=bool(columns.kind[program_at - 1] == Kind.DRUMS),
            )
        )
    return tuple(result)


def _decode_velocities(columns: _Columns, notes: IntArray, track_of: IntArray) -> IntArray:
    said = columns.where(Kind.VELOCITY)
    result = np.full(len(notes), DEFAULT_VELOCITY, dtype=np.int64)
    for track in np.unique(track_of[said]):
        mine = said[track_of[said] == track]
        here = track_of[notes] == track
        last = np.searchsorted(mine, notes[here]) - 1
        bins = columns.value[mine[np.maximum(last, 0)]]
        result[here] = np.where(last < 0, DEFAULT_VELOCITY, np.clip(bins * VELOCITY_STEP, 1, 127))
    return result


def _decode_controls(columns: _Columns) -> tuple[IntArray, IntArray]:
    """Indices of the control tokens and their rows (tick, kind, value)."""
    at = np.flatnonzero(np.isin(columns.kind, (Kind.CONTROL, Kind.BEND, Kind.PRESSURE)))
    kind = columns.kind[at]
    first, second = columns.value[at + 1], columns.value[np.minimum(at + 2, len(columns.value) - 1)]
    bend, pressure = kind == Kind.BEND, kind == Kind.PRESSURE
    number = np.select([bend, pressure], [PITCH_BEND, PRESSURE], first)
    value = np.select([bend, pressure], [(first << 7) + second - 8192, first], second)
    return at, np.stack([columns.step[at] * TICKS_PER_STEP, number, value], axis=1)
