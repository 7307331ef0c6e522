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
from theory.score import DEFAULT_VELOCITY, PITCH_BEND, PRESSURE, IntArray, Score, Track, rows_in_order
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

# A row's sort key, from its highest bits: step, place (3 bits), track (7), pitch + 1 of a note (8), number (18).
_AT_STEP, _AT_PLACE, _AT_TRACK, _AT_PITCH = 36, 33, 26, 18
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
    """Notes, (n,) each; without microtiming none of one voice overlap.

    Attributes:
        onset, end: int64, ticks at 480 a quarter.
        voice: uint16, track << 8 | pitch.
        velocity: uint8.
    """

    onset: IntArray
    end: IntArray
    voice: NDArray[np.uint16]
    velocity: NDArray[np.uint8]


class _Rows(NamedTuple):
    """What has tokens at a step, r rows.

    Attributes:
        key: int64 (r,), what they are sorted by.
        tokens: int32 (r, w), the ids in their order, 0 for none: first what says where a row stands, still 0; then, of
            notes, the velocity; then the rest.
        lead, loud: how many of these say where and how loud.
        track: uint8 (r,), of notes; 255 of others.
        velocity: uint8 (r,), of notes.
    """

    key: IntArray
    tokens: Ids
    lead: int
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
    voice = np.arange(0, len(tracks) << 8, 1 << 8, dtype=np.uint16).repeat([len(track) for track in tracks])
    voice |= _joined([track.pitch for track in tracks])
    notes = _Notes(onset, end, voice, _joined([track.velocity for track in tracks]))
    if not grid.settings.microtiming:
        notes = _apart(notes)
    return notes._replace(velocity=grid.settings.loudness(notes.velocity))


def _joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.empty(0, dtype=np.uint8)


def _apart(notes: _Notes) -> _Notes:
    """Notes of which none overlaps another of its voice."""
    order = notes.voice.argsort(kind="stable")  # 16 bits are sorted in linear time
    onset, end, follows = notes.onset.take(order), notes.end.take(order), _repeats(notes.voice.take(order))
    if not (follows & (end[:-1] > onset[1:])).any():
        return notes
    together = follows & _repeats(onset)
    if together.any():  # of those that begin together the longest has to come last
        order = rows_in_order(notes.voice, notes.onset, notes.end, notes.velocity)
        onset, end = notes.onset.take(order), notes.end.take(order)
    np.minimum(end[:-1], onset[1:], out=end[:-1], where=follows & ~together)
    ends = np.empty_like(end)
    ends[order] = end
    notes = notes._replace(end=ends)
    if not together.any():
        return notes
    kept = order.take((~together).nonzero()[0])
    return _Notes._make(np.append(column.take(kept), column[order[-1]]) for column in notes)


def _repeats(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a value is the next one's too, bool (n - 1,)."""
    result: NDArray[np.bool_] = column[1:] == column[:-1]
    return result


def _rows(grid: Grid, tracks: Sequence[Track], notes: _Notes, frame: Frame) -> _Rows:
    """All rows: notes, bars, events, controls."""
    step, columns, loud = _note_tokens(grid, tracks, notes)
    notes_key = step << _AT_STEP
    notes_key += (notes.voice.astype(np.int64) << _AT_PITCH) + (_TRACK << _AT_PLACE | 1 << _AT_PITCH)
    keys = [notes_key, (frame.lines[:-1] // TICKS_PER_STEP << _AT_STEP) + (_BAR << _AT_PLACE)]
    others = [_events(frame), _controls(grid, tracks, frame.end // TICKS_PER_STEP)]
    count, start = len(step), len(step) + len(keys[1])
    size = start + sum(len(key) for key, _ in others)
    longest = int((frame.lines[1:] - frame.lines[:-1]).max()) // TICKS_PER_STEP
    lead = 2 + ((longest - 1) // LOW_STEPS).bit_length()  # a position's tokens and a track's
    tokens = np.zeros((size, lead + len(columns)), dtype=np.int32)
    for index, column in enumerate(columns, start=lead):
        tokens[:count, index] = column
    tokens[count:start, lead] = BAR
    for key, rows in others:
        keys.append(key)
        tokens[start : start + len(key), lead : lead + rows.shape[1]] = rows
        start += len(key)
    track, velocity = np.full(size, _NO_TRACK, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    track[:count], velocity[:count] = notes.voice >> 8, notes.velocity
    return _Rows(np.concatenate(keys), tokens, lead, loud, track, velocity)


def _note_tokens(grid: Grid, tracks: Sequence[Track], notes: _Notes) -> tuple[IntArray, list[NDArray[Any]], int]:
    """The step of each note, its tokens by column (0 for none), and how many of these say its velocity."""
    settings = grid.settings
    step, stop = notes.onset // TICKS_PER_STEP, notes.end // TICKS_PER_STEP
    if settings.microtiming:
        step = (notes.onset + _HALF) // TICKS_PER_STEP
        stop = np.maximum((notes.end + _HALF) // TICKS_PER_STEP, step + 1)
    velocity: list[NDArray[Any]] = [_VELOCITY_IDS.take(notes.velocity)]
    if settings.expressive:
        velocity.append(_offset(_VELOCITY_OFFSETS[notes.velocity], Kind.VELOCITY_OFFSET))
    pitch_ids = np.array([_DRUM_ID if track.is_drum else _PITCH_ID for track in tracks], dtype=np.int32)
    columns = [*velocity, pitch_ids.take(notes.voice >> 8) + (notes.voice & 255)]
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
    whole = number // LOW_STEPS
    rest = number - whole * LOW_STEPS  # quicker than divmod
    powers = reversed(range(int(whole.max()).bit_length()))
    return [*((whole >> bit & 1) * (VOCABULARY.span(high).start + bit) for bit in powers), rest + first]


def _controls(grid: Grid, tracks: Sequence[Track], end: int) -> tuple[IntArray, IntArray]:
    """Keys and tokens of the controls before a step, in order inside a track."""
    counts = [len(track.controls) for track in tracks]
    if not any(counts):
        return np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.int64)
    rows = np.concatenate([track.controls for track in tracks]).astype(np.int64)
    step, kind, value = grid.steps(rows[:, 0]), rows[:, 1], rows[:, 2]
    tokens = rows + _VALUE_ID
    tokens[:, 0] = _CONTROL_ID
    if kind.max() >= PITCH_BEND:
        bend, pressure, raised = kind == PITCH_BEND, kind == PRESSURE, value + 8192
        tokens[bend] = _threefold(_BEND_ID, _VALUE_ID + (raised >> 7), _VALUE_ID + (raised & 127))[bend]
        tokens[pressure] = _threefold(_PRESSURE_ID, _VALUE_ID + value, np.zeros_like(value))[pressure]
    key = step << _AT_STEP
    key += np.arange(len(tracks)).repeat(counts) << _AT_TRACK
    key += _TRACK << _AT_PLACE
    if step.max() < end:
        return key, tokens
    kept = step < end
    return key[kept], tokens[kept]


def _threefold(head: int, first: IntArray, second: IntArray) -> IntArray:
    return np.stack([np.full(len(first), head), first, second], axis=1)


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
    chords = {id(chord): chord for _, chord in frame.chords}  # few, and slow to hash
    tokens = {number: _chord(chord) for number, chord in chords.items()}
    yield from ((tick, _CHORD, tokens[id(chord)]) for tick, chord in frame.chords)
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
    place = entry >> _AT_PLACE - _AT_TRACK
    place &= 7
    placed, plays = place >= _KEY, place == _TRACK
    bar = np.maximum.accumulate(moment * (place == _BAR))
    placed[1:] &= ~(_repeats(moment) & placed[:-1])
    plays[1:] &= ~_repeats(entry)

    table, lead = rows.tokens.take(order, axis=0), rows.lead
    positions = _numbers((moment - bar) * placed, Kind.POSITION_HIGH, Kind.POSITION_LOW)
    for index, column in enumerate(positions, start=lead - 1 - len(positions)):
        np.multiply(column, placed, out=table[:, index], casting="unsafe")
    entry &= 127
    entry += _TRACK_ID
    np.multiply(entry, plays, out=table[:, lead - 1], casting="unsafe")
    louder = _louder(rows.track.take(order), rows.velocity.take(order))
    for index in range(lead, lead + rows.loud):
        table[:, index] *= louder
    ids = table.ravel()
    result: Ids = ids.take((ids != 0).nonzero()[0])  # twice as fast as a mask
    return result


def _sorted(key: IntArray) -> tuple[IntArray, IntArray]:
    """Keys in order, and the places they stood at, int64 (r,)."""
    if len(key) < _MOST_PACKED:  # sorting values is many times quicker than sorting an index
        key = key | np.arange(len(key))
        key.sort()
        return key, key & _MOST_PACKED - 1
    order = key.argsort(kind="stable")
    return key.take(order), order


def _louder(track: NDArray[np.uint8], velocity: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a note has another velocity than its track's before it, bool (r,); True in other rows."""
    order = track.argsort(kind="stable")
    velocity, track = velocity.take(order), track.take(order)
    starts = np.ones(len(track), dtype=np.bool_)
    starts[1:] = track[1:] != track[:-1]
    differs = np.ones(len(track), dtype=np.bool_)
    differs[1:] = velocity[1:] != velocity[:-1]
    heads = starts.nonzero()[0]
    differs[heads] = velocity.take(heads) != DEFAULT_VELOCITY
    differs |= track == _NO_TRACK
    result = np.empty_like(differs)
    result[order] = differs
    return result
