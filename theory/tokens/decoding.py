"""Checked token ids to a score, on columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.errors import TokenError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, MAX_TICK, PITCH_BEND, PRESSURE, IntArray, Score, Track, rows_in_order
from theory.tokens.columns import Columns
from theory.tokens.settings import Settings
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
_BAR, _DRUMS, _VELOCITY, _VELOCITY_OFFSET = (  # numbers: see `theory.tokens.validation`
    kind.value for kind in (Kind.BAR, Kind.DRUMS, Kind.VELOCITY, Kind.VELOCITY_OFFSET)
)
_VELOCITIES = np.clip(np.arange(128 // VELOCITY_STEP + 1) * VELOCITY_STEP, 1, 127)


def decode(columns: Columns, settings: Settings) -> Score:
    """Decode ids that were checked.

    Raises:
        TokenError: the piece is too long, or notes sound on after its end.
    """
    places = columns.places
    meters = _meters(columns)
    lines = _bar_lines(columns, meters)
    end = int(lines[-1]) * TICKS_PER_STEP
    if end > MAX_TICK:
        raise TokenError(
            f"token {len(columns.ids) - 1}: END comes after tick {MAX_TICK}, the last that a score can count"
        )
    when = (lines.take(columns.bar_of) + columns.position) * TICKS_PER_STEP
    return Score(
        tracks=_tracks(columns, settings, when, end),
        tempos=_tempos(columns, when),
        meters=tuple(MeterEvent(int(lines[bar]) * TICKS_PER_STEP, meter) for bar, meter in meters),
        keys=_keys(columns, when),
        chords=_chords(columns, when),
        markers=tuple(Marker(tick, FERMATA) for tick in _ticks(columns, when, places[Kind.FERMATA])),
        end=end,
    )


def _ticks(columns: Columns, when: IntArray, at: IntArray) -> list[int]:
    """Ticks of the positions that tokens stand at; `when` has each position's."""
    return when.take(columns.positions.searchsorted(at) - 1).tolist() if len(at) else []


def _meters(columns: Columns) -> list[tuple[int, Meter]]:
    """Meters in order, each with the number of the bar that it begins with."""
    at = columns.places[Kind.NUMERATOR]
    rows = (columns.bars.searchsorted(at) - 1, columns.value(at), columns.value(at + 1))
    return [
        (bar, Meter(numerator, 1 << exponent))
        for bar, numerator, exponent in zip(*(row.tolist() for row in rows), strict=True)
    ]


def _bar_lines(columns: Columns, meters: list[tuple[int, Meter]]) -> IntArray:
    """Steps at which bars begin, and the last one ends, int64 (bars + 1,)."""
    bars = len(columns.bars)
    lines = np.zeros(bars + 1, dtype=np.int64)
    for bar, meter in meters:
        lines[bar + 1 :] = meter.bar_ticks(STEPS_PER_QUARTER)
    cut = (columns.kind.take(columns.positions + 1) == _BAR).nonzero()[0]
    lines[columns.bar_of.take(cut) + 1] = columns.position.take(cut)
    return lines.cumsum()


def _tempos(columns: Columns, when: IntArray) -> tuple[TempoEvent, ...]:
    at = columns.places[Kind.TEMPO_HIGH]
    bpm = (columns.value(at) + columns.value(at + 1)).tolist()
    return tuple(TempoEvent.from_bpm(tick, tempo) for tick, tempo in zip(_ticks(columns, when, at), bpm, strict=True))


def _keys(columns: Columns, when: IntArray) -> tuple[KeyEvent, ...]:
    at = columns.places[Kind.SIGNATURE]
    if not len(at):
        return ()
    rows = zip(_ticks(columns, when, at), columns.value(at).tolist(), columns.value(at + 1).tolist(), strict=True)
    return tuple(KeyEvent(tick, Key.from_signature(signature, MODE_NAMES[mode])) for tick, signature, mode in rows)


def _chords(columns: Columns, when: IntArray) -> tuple[ChordEvent, ...]:
    at = np.sort(np.concatenate([columns.places[Kind.NO_CHORD], columns.places[Kind.CHORD_ROOT]]))
    if not len(at):
        return ()
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


def _tracks(columns: Columns, settings: Settings, when: IntArray, end: int) -> tuple[Track, ...]:
    places, entry = columns.places, columns.entry_of
    track_of_entry = columns.value(columns.entries)
    track = track_of_entry.astype(np.uint8).take(entry)
    onset, duration = _times(columns, when.take(columns.position_of).take(entry))
    if len(onset) and (onset + duration).max() > end:
        raise TokenError(f"token {len(columns.ids) - 1}: END comes while notes still sound")
    order = track.argsort(kind="stable")
    notes, track = columns.notes.take(order), track.take(order)
    rows = (
        onset.astype(np.int32).take(order),
        duration.astype(np.int32).take(order),
        columns.value(notes).astype(np.uint8),
        _velocities(columns, notes, track),
    )
    if settings.microtiming:  # notes are in order of steps, and a pitch may stand twice at one
        order = rows_in_order(track, rows[0], rows[2], rows[1], rows[3])
        rows = rows[0].take(order), rows[1].take(order), rows[2].take(order), rows[3].take(order)
    program_at = places[Kind.PROGRAM]
    programs = columns.value(program_at).tolist()
    drums = (columns.kind.take(program_at - 1) == _DRUMS).tolist()
    control_track, controls = _controls(columns, when, track_of_entry)
    bounds = track.searchsorted(np.arange(len(programs) + 1)).tolist()
    return tuple(
        Track.unchecked(
            [column[bounds[index] : bounds[index + 1]] for column in rows],
            controls[control_track == index] if len(controls) else controls,
            program=program,
            is_drum=is_drum,
        )
        for index, (program, is_drum) in enumerate(zip(programs, drums, strict=True))
    )


def _times(columns: Columns, onset: IntArray) -> tuple[IntArray, IntArray]:
    """Ticks at which each note begins, and ticks that it lasts; `onset` on the grid."""
    duration = columns.durations() * TICKS_PER_STEP
    places = columns.places
    if not (places.count(Kind.ONSET_OFFSET) or places.count(Kind.END_OFFSET)):
        return onset, duration
    lows = places[Kind.DURATION_LOW]
    early = _offsets(columns, columns.notes + 1, Kind.ONSET_OFFSET)
    late = _offsets(columns, lows + 1, Kind.END_OFFSET)
    onset, duration = onset + early, duration + late - early
    wrong = np.flatnonzero((onset < 0) | (duration < 1))
    if len(wrong):
        raise TokenError(f"token {lows[wrong[0]]}: the note ends before it begins, or begins before the piece")
    return onset, duration


def _offsets(columns: Columns, at: IntArray, kind: Kind) -> IntArray:
    """Values of the tokens at places that are of a kind, 0 for others."""
    return np.where(columns.kind.take(at) == kind.value, columns.value(at), 0)


def _velocities(columns: Columns, notes: IntArray, track: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Velocities of notes in order of their tracks, uint8 (n,): what was last said in the track."""
    before, offset = notes - 1, None
    if columns.places.count(Kind.VELOCITY_OFFSET):
        offset = _offsets(columns, before, Kind.VELOCITY_OFFSET)
        before -= columns.kind.take(before) == _VELOCITY_OFFSET
    said = columns.kind.take(before) == _VELOCITY
    starts = said.copy()  # of runs with one velocity
    starts[:1] = True
    starts[1:] |= track[1:] != track[:-1]
    heads = starts.nonzero()[0]
    value = _VELOCITIES.take(columns.value(before.take(heads)), mode="clip")
    if offset is not None:
        value = np.clip(value + offset.take(heads), 1, 127)
    value[~said.take(heads)] = DEFAULT_VELOCITY
    lengths = np.empty_like(heads)
    lengths[:-1] = heads[1:] - heads[:-1]
    lengths[-1:] = len(notes) - heads[-1:]
    return value.astype(np.uint8).repeat(lengths)


def _controls(columns: Columns, when: IntArray, track_of_entry: IntArray) -> tuple[IntArray, NDArray[np.int32]]:
    """The track of each control, and its row (tick, kind, value)."""
    places = columns.places
    at = np.sort(np.concatenate([places[kind] for kind in (Kind.CONTROL, Kind.BEND, Kind.PRESSURE)]))
    rows = np.empty((len(at), 3), dtype=np.int32)
    if not len(at):
        return at, rows
    values = columns.value(at[:, None] + np.arange(3))
    rows[:, 0] = when.take(columns.positions.searchsorted(at) - 1)
    rows[:, 1:] = values[:, 1:]
    if places.count(Kind.BEND) or places.count(Kind.PRESSURE):
        kind, (first, second) = columns.kind.take(at), values.T[1:]
        bend, pressure = kind == Kind.BEND.value, kind == Kind.PRESSURE.value
        rows[:, 1] = np.where(bend, PITCH_BEND, np.where(pressure, PRESSURE, first))
        rows[:, 2] = np.where(bend, (first << 7) + second - 8192, np.where(pressure, first, second))
    return track_of_entry.take(columns.entries.searchsorted(at) - 1), rows
