"""Checked token ids to a score, on columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.errors import TokenError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, MAX_TICK, PITCH_BEND, PRESSURE, IntArray, Score, Track
from theory.tokens.columns import Columns, numbers
from theory.tokens.vocabulary import (
    CHORD_DEGREES,
    CHORD_QUALITIES,
    MODE_NAMES,
    STEPS_PER_QUARTER,
    TICKS_PER_STEP,
    VELOCITY_STEP,
    Kind,
)

_LONGEST_CHORD = 3 + len(CHORD_DEGREES)
_IS_CONTROL = np.isin(np.arange(len(Kind)), (Kind.CONTROL, Kind.BEND, Kind.PRESSURE))


def decode(columns: Columns) -> Score:
    """Decode ids that were checked.

    Raises:
        TokenError: the piece is too long, or notes sound on after its end.
    """
    meters, meter_bar = _meters(columns)
    full = np.array([meter.bar_ticks(STEPS_PER_QUARTER) for meter in meters], dtype=np.int64)
    length = full[np.searchsorted(meter_bar, np.arange(len(columns.bars)), side="right") - 1] if meters else full
    cut = columns.kind[columns.positions + 1] == Kind.BAR
    length[columns.bar_of[cut]] = columns.position[cut]
    bar_lines: IntArray = np.concatenate([[0], np.cumsum(length)])
    end = int(bar_lines[-1]) * TICKS_PER_STEP
    if end > MAX_TICK:
        raise TokenError(
            f"token {len(columns.ids) - 1}: END comes after tick {MAX_TICK}, the last that a score can count"
        )
    when = (bar_lines[columns.bar_of] + columns.position) * TICKS_PER_STEP
    return Score(
        tracks=_tracks(columns, when, end),
        tempos=_tempos(columns, when),
        meters=tuple(
            MeterEvent(tick, meter)
            for tick, meter in zip((bar_lines[meter_bar] * TICKS_PER_STEP).tolist(), meters, strict=True)
        ),
        keys=_keys(columns, when),
        chords=_chords(columns, when),
        markers=tuple(Marker(tick, FERMATA) for tick in _ticks(columns, when, columns.where(Kind.FERMATA))),
        end=end,
    )


def _ticks(columns: Columns, when: IntArray, at: IntArray) -> list[int]:
    """Ticks of the positions that tokens stand at; `when` has each position's."""
    ticks: list[int] = when[np.searchsorted(columns.positions, at) - 1].tolist() if len(at) else []
    return ticks


def _meters(columns: Columns) -> tuple[list[Meter], IntArray]:
    """Meters in order and the number of the bar each begins with."""
    at = columns.where(Kind.NUMERATOR)
    pairs = zip(columns.value(at).tolist(), columns.value(at + 1).tolist(), strict=True)
    return [Meter(numerator, 1 << exponent) for numerator, exponent in pairs], np.searchsorted(columns.bars, at) - 1


def _tempos(columns: Columns, when: IntArray) -> tuple[TempoEvent, ...]:
    at = columns.where(Kind.TEMPO_HIGH)
    bpm = (columns.value(at) + columns.value(at + 1)).tolist()
    return tuple(TempoEvent.from_bpm(tick, tempo) for tick, tempo in zip(_ticks(columns, when, at), bpm, strict=True))


def _keys(columns: Columns, when: IntArray) -> tuple[KeyEvent, ...]:
    at = columns.where(Kind.SIGNATURE)
    rows = zip(_ticks(columns, when, at), columns.value(at).tolist(), columns.value(at + 1).tolist(), strict=True)
    return tuple(KeyEvent(tick, Key.from_signature(signature, MODE_NAMES[mode])) for tick, signature, mode in rows)


def _chords(columns: Columns, when: IntArray) -> tuple[ChordEvent, ...]:
    at = np.sort(np.concatenate([columns.where(Kind.NO_CHORD), columns.where(Kind.CHORD_ROOT)]))
    ticks = _ticks(columns, when, at)
    return tuple(ChordEvent(tick, _chord(columns, place)) for tick, place in zip(ticks, at.tolist(), strict=True))


def _chord(columns: Columns, at: int) -> Chord | None:
    if columns.kind[at] == Kind.NO_CHORD:
        return None
    values, kind = columns.value(np.arange(at, min(at + _LONGEST_CHORD, len(columns.ids)))).tolist(), columns.kind[at:]
    degrees = 0
    while kind[2 + degrees] == Kind.CHORD_DEGREE:
        degrees += 1
    bass = values[2 + degrees] if kind[2 + degrees] == Kind.CHORD_BASS else values[0]
    return Chord(
        values[0], CHORD_QUALITIES[values[1]], tuple(CHORD_DEGREES[value] for value in values[2 : 2 + degrees]), bass
    )


def _tracks(columns: Columns, when: IntArray, end: int) -> tuple[Track, ...]:
    track_of_entry = columns.value(columns.entries)
    track = track_of_entry[columns.entry_of].astype(np.uint8)
    order = np.argsort(track, kind="stable")
    notes = columns.notes[order]
    onset, duration = (column[order].astype(np.int32) for column in _times(columns, when))
    if (onset.astype(np.int64) + duration > end).any():
        raise TokenError(f"token {len(columns.ids) - 1}: END comes while notes still sound")
    velocity = _velocities(columns, notes, track[order])
    pitch = columns.value(notes).astype(np.uint8)
    control_at, controls = _controls(columns, when)
    control_track = track_of_entry[np.searchsorted(columns.entries, control_at) - 1]
    program_at = columns.where(Kind.PROGRAM)
    programs, drums = columns.value(program_at).tolist(), (columns.kind[program_at - 1] == Kind.DRUMS.value).tolist()
    stops = np.cumsum(np.bincount(track, minlength=len(programs))).tolist()
    tracks = []
    for index, (start, stop) in enumerate(pairwise([0, *stops])):
        mine = slice(start, stop)
        tracks.append(
            Track(
                onset=onset[mine],
                duration=duration[mine],
                pitch=pitch[mine],
                velocity=velocity[mine],
                controls=controls[control_track == index],
                program=programs[index],
                is_drum=drums[index],
            )
        )
    return tuple(tracks)


def _times(columns: Columns, when: IntArray) -> tuple[IntArray, IntArray]:
    """Ticks at which each note begins, and ticks that it lasts."""
    lows, steps = numbers(columns.ids, columns.kind, Kind.DURATION_HIGH, Kind.DURATION_LOW)
    onset = when[columns.position_of][columns.entry_of]
    early = _offsets(columns, columns.notes + 1, Kind.ONSET_OFFSET)
    late = _offsets(columns, lows + 1, Kind.END_OFFSET)
    duration = steps * TICKS_PER_STEP + late - early
    wrong = np.flatnonzero((onset + early < 0) | (duration < 1))
    if len(wrong):
        raise TokenError(f"token {lows[wrong[0]]}: the note ends before it begins, or begins before the piece")
    return onset + early, duration


def _offsets(columns: Columns, at: IntArray, kind: Kind) -> IntArray:
    """Values of the tokens at places that are of a kind, 0 for others."""
    there = columns.kind[at] == kind.value
    return np.where(there, columns.value(at), 0) if there.any() else np.zeros(len(at), dtype=np.int64)


def _velocities(columns: Columns, notes: IntArray, track: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Velocities of notes in order of their tracks, uint8 (n,): what was last said in the track."""
    before = notes - 1
    offset = _offsets(columns, before, Kind.VELOCITY_OFFSET)
    if offset.any():
        before = before - (columns.kind[before] == Kind.VELOCITY_OFFSET.value)
    said = columns.kind[before] == Kind.VELOCITY.value
    first = np.ones(len(notes), dtype=np.bool_)
    first[1:] = track[1:] != track[:-1]
    heads = np.flatnonzero(said | first)  # from each on the velocity stays
    exact = np.clip(np.clip(columns.value(before[heads]) * VELOCITY_STEP, 1, 127) + offset[heads], 1, 127)
    value = np.where(said[heads], exact, DEFAULT_VELOCITY).astype(np.uint8)
    return np.repeat(value, np.diff(np.append(heads, len(notes))))


def _controls(columns: Columns, when: IntArray) -> tuple[IntArray, IntArray]:
    """Where the control tokens stand, and their rows (tick, kind, value)."""
    at = np.flatnonzero(_IS_CONTROL[columns.kind])
    if not len(at):
        return at, np.empty((0, 3), dtype=np.int64)
    kind = columns.kind[at]
    first, second = columns.value(at + 1), columns.value(at + 2)
    bend, pressure = kind == Kind.BEND, kind == Kind.PRESSURE
    number = np.select([bend, pressure], [PITCH_BEND, PRESSURE], first)
    value = np.select([bend, pressure], [(first << 7) + second - 8192, first], second)
    return at, np.stack([when[np.searchsorted(columns.positions, at) - 1], number, value], axis=1)
