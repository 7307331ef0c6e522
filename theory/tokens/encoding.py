"""Scores to token ids, on columns.

Notes, controls, events and bars are rows of one table, sorted at once. The tokens that a row may have stand in columns,
in their order; what a row does not have is 0, and the zeros are taken out in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.key import Key
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, PITCH_BEND, PRESSURE, IntArray, Score, Track
from theory.tokens.quantize import Frame, Grid, grid_of
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import (
    BAR,
    CHORD_DEGREES,
    CHORD_QUALITIES,
    END,
    EXPRESSIVE,
    LOW_STEPS,
    MODE_NAMES,
    START,
    STEPS_PER_QUARTER,
    TICKS_PER_STEP,
    VELOCITY_STEP,
    VOCABULARY,
    Kind,
)

# Order of what happens at one step; what comes before _KEY stands at no position.
_CUT, _BAR, _METER, _KEY, _TEMPO, _CHORD, _FERMATA, _TRACK = range(8)

# A row's sort key, from its highest bits: step, place (3 bits), track (7), whether a note (1), pitch (7), number (18).
_AT_STEP, _AT_PLACE, _AT_TRACK, _AT_NOTE, _AT_PITCH = 36, 33, 26, 25, 18
_MOST_PACKED = 1 << _AT_PITCH
_NO_TRACK = 255

_TRACK_ID = VOCABULARY.id(Kind.TRACK)
_PITCH_ID, _DRUM_ID, _VALUE_ID = (VOCABULARY.id(kind) for kind in (Kind.PITCH, Kind.DRUM, Kind.VALUE))
_CONTROL_ID, _BEND_ID, _PRESSURE_ID = (VOCABULARY.id(kind) for kind in (Kind.CONTROL, Kind.BEND, Kind.PRESSURE))
_HALF = TICKS_PER_STEP // 2
_BINS = (np.arange(128) + VELOCITY_STEP // 2) // VELOCITY_STEP
_VELOCITY_IDS = VOCABULARY.ids(Kind.VELOCITY, _BINS).astype(np.int32)  # of each velocity
_VELOCITY_OFFSETS = np.arange(128) - np.clip(_BINS * VELOCITY_STEP, 1, 127)

Ids = NDArray[np.int32]


class _Notes(NamedTuple):
    """Notes, (n,) each, by track, onset and pitch; without microtiming none of one track and pitch overlap.

    Attributes:
        onset, end: int64, ticks at 480 a quarter.
        track, pitch, velocity: uint8.
    """

    onset: IntArray
    end: IntArray
    track: NDArray[np.uint8]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]


class _Rows(NamedTuple):
    """What has tokens at a step, r rows.

    Attributes:
        key: int64 (r,), what they are sorted by.
        tokens: int32 (r, w), the ids in their order; 0 for none. Of notes the first `loud` say the velocity.
        loud: how many.
        track: uint8 (r,), of notes; 255 of others.
        velocity: uint8 (r,), of notes.
    """

    key: IntArray
    tokens: Ids
    loud: int
    track: NDArray[np.uint8]
    velocity: NDArray[np.uint8]


def encode(score: Score, settings: Settings) -> Ids:
    """Token ids, int32 (n,), START and END included, of what `quantize` keeps of a score.

    Raises:
        TokenError: see `quantize`.
    """
    grid = grid_of(score, settings)
    tracks = grid.tracks
    notes = _notes(grid, tracks)
    frame = grid.frame(int(notes.end.max(initial=0)))
    parts = [np.array(_header(tracks), dtype=np.int32), np.array([END], dtype=np.int32)]
    if frame.end:
        parts.insert(1, _body(_rows(grid, tracks, notes, frame)))
    return np.concatenate(parts)


def _header(tracks: Sequence[Track]) -> list[int]:
    header = [START]
    for index, track in enumerate(tracks):
        drums = [VOCABULARY.id(Kind.DRUMS)] if track.is_drum else []
        header += [_TRACK_ID + index, *drums, VOCABULARY.id(Kind.PROGRAM, track.program)]
    return header


# Rows


def _notes(grid: Grid, tracks: Sequence[Track]) -> _Notes:
    begun = _joined([track.onset for track in tracks]).astype(np.int64)
    onset = grid.ticks(begun)
    end = np.maximum(grid.ticks(begun + _joined([track.duration for track in tracks])), onset + grid.unit)
    number = np.repeat(np.arange(len(tracks), dtype=np.uint8), [len(track) for track in tracks])
    pitch, velocity = _joined([track.pitch for track in tracks]), _joined([track.velocity for track in tracks])
    notes = _Notes(onset, end, number, pitch, velocity)
    if not grid.settings.microtiming:
        notes = _apart(notes)
    return notes._replace(velocity=grid.settings.loudness(notes.velocity))


def _joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.empty(0, dtype=np.uint8)


def _apart(notes: _Notes) -> _Notes:
    """Notes of which none overlaps another of its voice (a pitch of a track)."""
    voice = notes.track.astype(np.uint16) << 7 | notes.pitch
    order = np.argsort(voice, kind="stable")  # 16 bits are sorted in linear time
    voice, onset, end = voice[order], notes.onset[order], notes.end[order]
    follows = _repeats(voice)
    if not (follows & (end[:-1] > onset[1:])).any():
        return notes
    if (follows & _repeats(onset)).any():  # of those that begin together the longest has to come last
        order = np.lexsort((notes.velocity, notes.end, notes.onset, notes.track, notes.pitch))
        onset, end = notes.onset[order], notes.end[order]
        follows = _repeats(notes.pitch[order]) & _repeats(notes.track[order])
    together = follows & _repeats(onset)
    end[:-1] = np.where(follows & ~together, np.minimum(end[:-1], onset[1:]), end[:-1])
    kept = order[np.append(~together, True)]
    ends = np.empty_like(end)
    ends[order] = end
    return _Notes(*(column[kept] for column in notes._replace(end=ends)))


def _repeats(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a value is the next one's too, bool (n - 1,)."""
    result: NDArray[np.bool_] = column[1:] == column[:-1]
    return result


def _rows(grid: Grid, tracks: Sequence[Track], notes: _Notes, frame: Frame) -> _Rows:
    """All rows: notes, controls, events, bars."""
    step, columns, loud = _note_tokens(grid, tracks, notes)
    keys = [
        step << _AT_STEP | _TRACK << _AT_PLACE | 1 << _AT_NOTE,
        frame.lines[:-1] // TICKS_PER_STEP << _AT_STEP | _BAR << _AT_PLACE,
    ]
    keys[0] |= notes.track.astype(np.int64) << _AT_TRACK | notes.pitch.astype(np.int64) << _AT_PITCH
    others = [_events(frame), _controls(grid, tracks, frame.end // TICKS_PER_STEP)]
    size = len(step) + len(keys[1]) + sum(len(key) for key, _ in others)
    tokens = np.zeros((size, len(columns)), dtype=np.int32)
    for index, column in enumerate(columns):
        tokens[: len(step), index] = column
    start = len(step) + len(keys[1])
    tokens[len(step) : start, 0] = BAR
    for key, rows in others:
        keys.append(key)
        tokens[start : start + len(key), : rows.shape[1]] = rows
        start += len(key)
    rest = size - len(step)
    return _Rows(
        key=np.concatenate(keys),
        tokens=tokens,
        loud=loud,
        track=np.concatenate([notes.track, np.full(rest, _NO_TRACK, dtype=np.uint8)]),
        velocity=np.concatenate([notes.velocity, np.zeros(rest, dtype=np.uint8)]),
    )


def _note_tokens(grid: Grid, tracks: Sequence[Track], notes: _Notes) -> tuple[IntArray, list[NDArray[Any]], int]:
    """The step of each note, its tokens by column (0 for none), and how many of these say its velocity."""
    settings = grid.settings
    step, stop = notes.onset // TICKS_PER_STEP, notes.end // TICKS_PER_STEP
    if settings.microtiming:
        step = (notes.onset + _HALF) // TICKS_PER_STEP
        stop = np.maximum((notes.end + _HALF) // TICKS_PER_STEP, step + 1)
    pitch_ids = np.array([_DRUM_ID if track.is_drum else _PITCH_ID for track in tracks], dtype=np.int32)
    velocity: list[NDArray[Any]] = [_VELOCITY_IDS[notes.velocity]]
    if settings.expressive:
        velocity.append(_offset(_VELOCITY_OFFSETS[notes.velocity], Kind.VELOCITY_OFFSET))
    columns = [*velocity, pitch_ids[notes.track] + notes.pitch]
    if settings.microtiming:
        columns.append(_offset(notes.onset - step * TICKS_PER_STEP, Kind.ONSET_OFFSET))
    columns += _numbers(stop - step - 1, Kind.DURATION_HIGH, Kind.DURATION_LOW)
    if settings.microtiming:
        columns.append(_offset(notes.end - stop * TICKS_PER_STEP, Kind.END_OFFSET))
    return step, columns, len(velocity)


def _offset(offset: IntArray, kind: Kind) -> IntArray:
    return np.where(offset == 0, 0, EXPRESSIVE.ids(kind, offset))


def _numbers(number: IntArray, high: Kind, low: Kind) -> list[IntArray]:
    """Ids of numbers by column: high tokens in falling order (0 for none), then the low one."""
    first = VOCABULARY.span(low).start
    if number.max(initial=0) < LOW_STEPS:
        return [number + first]
    whole, rest = np.divmod(number, LOW_STEPS)
    powers = reversed(range(int(whole.max()).bit_length()))
    return [*((whole >> bit & 1) * (VOCABULARY.span(high).start + bit) for bit in powers), rest + first]


def _controls(grid: Grid, tracks: Sequence[Track], end: int) -> tuple[IntArray, IntArray]:
    """Keys and tokens of the controls before a step, in order inside a track."""
    counts = [len(track.controls) for track in tracks]
    if not any(counts):
        return np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.int64)
    rows = np.concatenate([track.controls for track in tracks]).astype(np.int64)
    step, kind, value = grid.steps(rows[:, 0]), rows[:, 1], rows[:, 2]
    bend, pressure = kind == PITCH_BEND, kind == PRESSURE
    raised = value + 8192
    tokens = np.empty_like(rows)
    tokens[:, 0] = np.where(bend, _BEND_ID, np.where(pressure, _PRESSURE_ID, _CONTROL_ID))
    tokens[:, 1] = _VALUE_ID + np.where(bend, raised >> 7, np.where(pressure, value, kind))
    tokens[:, 2] = np.where(pressure, 0, _VALUE_ID + np.where(bend, raised & 127, value))
    key = step << _AT_STEP | _TRACK << _AT_PLACE | np.repeat(np.arange(len(tracks)), counts) << _AT_TRACK
    kept = step < end
    return key[kept], tokens[kept]


# Events: few, and each with its own tokens


def _events(frame: Frame) -> tuple[IntArray, IntArray]:
    """Keys and tokens of events, and of bars that are cut short; long ones take several rows."""
    keys: list[int] = []
    tokens: list[int] = []
    for tick, place, said in _said(frame):
        key = tick // TICKS_PER_STEP << _AT_STEP | place << _AT_PLACE
        keys += [key] * (len(said) // 3)
        tokens += said
    return np.array(keys, dtype=np.int64), np.array(tokens, dtype=np.int64).reshape(-1, 3)


def _said(frame: Frame) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Tick, place and tokens of each event; tokens are filled up with 0 to threes."""
    yield from ((tick, _CUT, _cut(length)) for tick, length in _cuts(frame))
    yield from ((tick, _METER, _meter(meter)) for tick, meter in frame.meters)
    yield from ((tick, _KEY, _key(key)) for tick, key in frame.keys)
    yield from ((tick, _TEMPO, _tempo(bpm)) for tick, bpm in frame.tempos)
    yield from ((tick, _CHORD, _chord(chord)) for tick, chord in frame.chords)
    yield from ((tick, _FERMATA, _FERMATA_TOKENS) for tick in frame.fermatas)


def _cuts(frame: Frame) -> Iterator[tuple[int, int]]:
    """Where bars are cut short, and the steps they have; that is said at their end, before the next BAR."""
    for (_, meter), (change, _) in pairwise(frame.meters):
        bar = int(np.searchsorted(frame.lines, change))
        length = int(frame.lines[bar] - frame.lines[bar - 1]) // TICKS_PER_STEP
        if bar < len(frame.lines) and length < meter.bar_ticks(STEPS_PER_QUARTER):
            yield change, length


def _threes(*tokens: int) -> tuple[int, ...]:
    return (*tokens, *(0,) * (-len(tokens) % 3))


_FERMATA_TOKENS = _threes(VOCABULARY.id(Kind.FERMATA))


def _cut(length: int) -> tuple[int, ...]:
    tokens = np.stack(_numbers(np.array([length]), Kind.POSITION_HIGH, Kind.POSITION_LOW))
    return _threes(*tokens[tokens > 0].tolist())


@lru_cache(maxsize=256)
def _meter(meter: Meter) -> tuple[int, ...]:
    exponent = meter.denominator.bit_length() - 1
    return _threes(VOCABULARY.id(Kind.NUMERATOR, meter.numerator), VOCABULARY.id(Kind.DENOMINATOR, exponent))


@lru_cache(maxsize=256)
def _key(key: Key) -> tuple[int, ...]:
    return _threes(VOCABULARY.id(Kind.SIGNATURE, key.signature), VOCABULARY.id(Kind.MODE, MODE_NAMES.index(key.mode)))


@lru_cache(maxsize=1024)
def _tempo(bpm: int) -> tuple[int, ...]:
    low = VOCABULARY.span(Kind.TEMPO_LOW)
    high, rest = divmod(bpm, low.stop - low.start)
    return _threes(VOCABULARY.id(Kind.TEMPO_HIGH, high * (low.stop - low.start)), VOCABULARY.id(Kind.TEMPO_LOW, rest))


@lru_cache(maxsize=1024)
def _chord(chord: Chord | None) -> tuple[int, ...]:
    if chord is None:
        return _threes(VOCABULARY.id(Kind.NO_CHORD))
    degrees = sorted(CHORD_DEGREES.index(degree) for degree in chord.degrees)
    return _threes(
        VOCABULARY.id(Kind.CHORD_ROOT, chord.root),
        VOCABULARY.id(Kind.CHORD_QUALITY, CHORD_QUALITIES.index(chord.quality)),
        *(VOCABULARY.id(Kind.CHORD_DEGREE, degree) for degree in degrees),
        *((VOCABULARY.id(Kind.CHORD_BASS, chord.bass),) if chord.bass != chord.root else ()),
    )


# Tokens


def _body(rows: _Rows) -> Ids:
    """All tokens between the header and END."""
    key, order = _sorted(rows.key)
    entry = key >> _AT_TRACK
    moment = entry >> _AT_STEP - _AT_TRACK
    place = (entry >> _AT_PLACE - _AT_TRACK) & 7
    begins = place == _BAR
    bar = np.maximum.accumulate(np.where(begins, moment, 0))
    placed = place >= _KEY
    placed[1:] &= ~(_repeats(moment) & placed[:-1])
    plays = place == _TRACK
    plays[1:] &= ~_repeats(entry)

    positions = _numbers((moment - bar) * placed, Kind.POSITION_HIGH, Kind.POSITION_LOW)
    first = len(positions) + 1
    table = np.empty((len(key), first + rows.tokens.shape[1]), dtype=np.int32)
    for index, column in enumerate(positions):
        table[:, index] = column * placed
    table[:, first - 1] = ((entry & 127) + _TRACK_ID) * plays
    table[:, first:] = rows.tokens.take(order, axis=0)
    table[:, first : first + rows.loud] *= _louder(rows.track[order], rows.velocity[order])[:, None]
    ids = table.ravel()
    result: Ids = ids.take((ids != 0).nonzero()[0])  # twice as fast as a mask
    return result


def _sorted(key: IntArray) -> tuple[IntArray, IntArray]:
    """Keys in order, and the places they stood at, int64 (r,)."""
    if len(key) < _MOST_PACKED:  # sorting values is many times quicker than sorting an index
        key = key | np.arange(len(key))
        key.sort()
        return key, key & _MOST_PACKED - 1
    order = np.argsort(key, kind="stable")
    return key[order], order


def _louder(track: NDArray[np.uint8], velocity: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a note has another velocity than its track's before it, bool (r,); True in other rows."""
    order = np.argsort(track, kind="stable")
    velocity, track = velocity[order], track[order]
    before = np.empty_like(velocity)
    before[:1], before[1:] = DEFAULT_VELOCITY, np.where(_repeats(track), velocity[:-1], DEFAULT_VELOCITY)
    result = np.empty(len(velocity), dtype=np.bool_)
    result[order] = (velocity != before) | (track == _NO_TRACK)
    return result
