"""Scores to token ids, on columns.

Notes, controls, events and bars are rows of one table, sorted at once. Each row knows how many tokens it has, and a
running sum of these says where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.event import TempoEvent
from theory.key import Key
from theory.score import DEFAULT_VELOCITY, PITCH_BEND, PRESSURE, IntArray, Score, Track
from theory.tokens.quantize import Grid, grid_of
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

_TRACK_ID = VOCABULARY.id(Kind.TRACK)
_PITCH_ID, _DRUM_ID, _VALUE_ID = (VOCABULARY.id(kind) for kind in (Kind.PITCH, Kind.DRUM, Kind.VALUE))
_CONTROL_ID, _BEND_ID, _PRESSURE_ID = (VOCABULARY.id(kind) for kind in (Kind.CONTROL, Kind.BEND, Kind.PRESSURE))
_HALF = TICKS_PER_STEP // 2
_BINS = (np.arange(128) + VELOCITY_STEP // 2) // VELOCITY_STEP
_VELOCITY_IDS = VOCABULARY.ids(Kind.VELOCITY, _BINS)  # of each velocity
_VELOCITY_OFFSETS = np.arange(128) - np.clip(_BINS * VELOCITY_STEP, 1, 127)

Ids = NDArray[np.int32]


class _Notes(NamedTuple):
    """Notes on the grid, (n,) each; without microtiming none of one track and pitch overlap."""

    step: IntArray
    duration: IntArray  # steps
    track: IntArray
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]  # as tokens hold it
    early: IntArray | int = 0  # ticks from the grid at its onset, and at its end
    late: IntArray | int = 0

    def taken(self, rows: Any) -> _Notes:
        early, late = (column if isinstance(column, int) else column[rows] for column in (self.early, self.late))
        columns = self.step[rows], self.duration[rows], self.track[rows], self.pitch[rows], self.velocity[rows]
        return _Notes(*columns, early, late)


class _Controls(NamedTuple):
    """Controls on the grid, (m,) each, in order inside a track."""

    step: IntArray
    track: IntArray
    kind: IntArray
    value: IntArray


class _Written(NamedTuple):
    """The few tokens of an event, or of a bar that is cut short."""

    step: int
    place: int
    tokens: tuple[int, ...]


class _Rows(NamedTuple):
    """All rows in the order of their tokens.

    Attributes:
        key: int64 (r,), what they are sorted by.
        order: int64 (r,), where each stood before: first the notes, then controls, events and bars.
    """

    key: IntArray
    order: IntArray


def encode(score: Score, settings: Settings) -> Ids:
    """Token ids, int32 (n,), START and END included, of what `quantize` keeps of a score.

    Raises:
        TokenError: see `quantize`.
    """
    grid = grid_of(score, settings)
    tracks = grid.tracks
    notes, last = _notes(grid, tracks)
    frame = grid.events(last)
    controls = _controls(grid, tracks, frame.end // TICKS_PER_STEP)
    lines = frame.bar_lines() // TICKS_PER_STEP
    written = [*_cuts(frame, lines), *_events(frame)] if frame.end else []
    header = np.array(_header(tracks), dtype=np.int32)
    body = _body(notes, controls, written, lines, [track.is_drum for track in tracks])
    return np.concatenate([header, body, np.array([END], dtype=np.int32)])


def _header(tracks: Sequence[Track]) -> list[int]:
    header = [START]
    for index, track in enumerate(tracks):
        drums = [VOCABULARY.id(Kind.DRUMS)] if track.is_drum else []
        header += [_TRACK_ID + index, *drums, VOCABULARY.id(Kind.PROGRAM, track.program)]
    return header


def _joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.empty(0, dtype=np.uint8)


def _notes(grid: Grid, tracks: Sequence[Track]) -> tuple[_Notes, int]:
    """All tracks' notes, and the tick at which the last one ends."""
    ticks = _joined([track.onset for track in tracks]).astype(np.int64)
    onset = grid.ticks(ticks)
    end = np.maximum(grid.ticks(ticks + _joined([track.duration for track in tracks])), onset + grid.unit)
    pitch, velocity = _joined([track.pitch for track in tracks]), _joined([track.velocity for track in tracks])
    number = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    if not grid.settings.microtiming:
        rows, end = _apart(number << 7 | pitch, onset, end, velocity)
        onset, number, pitch, velocity = onset[rows], number[rows], pitch[rows], velocity[rows]
    last, loud = int(end.max(initial=0)), grid.settings.loudness(velocity)
    if not grid.settings.microtiming:
        step = onset // TICKS_PER_STEP
        return _Notes(step, end // TICKS_PER_STEP - step, number, pitch, loud), last
    step, early = np.divmod(onset + _HALF, TICKS_PER_STEP)
    stop = np.maximum((end + _HALF) // TICKS_PER_STEP, step + 1)
    return _Notes(step, stop - step, number, pitch, loud, early - _HALF, end - stop * TICKS_PER_STEP), last


def _apart(voice: IntArray, onset: IntArray, end: IntArray, velocity: NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Rows of notes to keep, and where they end, so that none overlaps another of its voice (a pitch of a track)."""
    order = np.argsort(voice.astype(np.uint16), kind="stable")  # 16 bits are sorted in linear time
    follows = _repeats(voice[order])
    if (follows & _repeats(onset[order])).any():  # of those that begin together the longest has to come last
        order = np.lexsort((velocity, end, onset, voice))
    onset, end = onset[order], end[order]
    together = follows & _repeats(onset)
    end[:-1] = np.where(follows & ~together, np.minimum(end[:-1], onset[1:]), end[:-1])
    if not together.any():
        return order, end
    keep = np.append(~together, True)
    return order[keep], end[keep]


def _repeats(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a value is the next one's too, bool (n - 1,)."""
    result: NDArray[np.bool_] = column[1:] == column[:-1]
    return result


def _controls(grid: Grid, tracks: Sequence[Track], end: int) -> _Controls:
    rows = _joined([track.controls for track in tracks]).reshape(-1, 3).astype(np.int64)
    number = np.repeat(np.arange(len(tracks)), [len(track.controls) for track in tracks])
    step = grid.steps(rows[:, 0])
    kept = step < end
    return _Controls(step[kept], number[kept], rows[kept, 1], rows[kept, 2])


def _cuts(frame: Score, lines: IntArray) -> Iterator[_Written]:
    """A bar that is cut short says its length at its end, before the next BAR."""
    changes = [event.tick // TICKS_PER_STEP for event in frame.meters]
    full = [event.meter.bar_ticks(STEPS_PER_QUARTER) for event in frame.meters]
    for length, change in zip(full, changes[1:], strict=False):
        bar = int(np.searchsorted(lines, change))
        if bar < len(lines) and (rest := int(lines[bar] - lines[bar - 1])) < length:
            yield _Written(change, _CUT, _number(rest, Kind.POSITION_HIGH, Kind.POSITION_LOW))


def _events(frame: Score) -> Iterator[_Written]:
    for tick, meter in frame.meters:
        exponent = meter.denominator.bit_length() - 1
        tokens = VOCABULARY.id(Kind.NUMERATOR, meter.numerator), VOCABULARY.id(Kind.DENOMINATOR, exponent)
        yield _Written(tick // TICKS_PER_STEP, _METER, tokens)
    for key in frame.keys:
        yield _Written(key.tick // TICKS_PER_STEP, _KEY, _key_tokens(key.key))
    for tempo in frame.tempos:
        yield _Written(tempo.tick // TICKS_PER_STEP, _TEMPO, _tempo_tokens(tempo))
    for tick, chord in frame.chords:
        yield _Written(tick // TICKS_PER_STEP, _CHORD, _chord_tokens(chord))
    for marker in frame.markers:
        yield _Written(marker.tick // TICKS_PER_STEP, _FERMATA, (VOCABULARY.id(Kind.FERMATA),))


def _key_tokens(key: Key) -> tuple[int, ...]:
    return VOCABULARY.id(Kind.SIGNATURE, key.signature), VOCABULARY.id(Kind.MODE, MODE_NAMES.index(key.mode))


def _tempo_tokens(event: TempoEvent) -> tuple[int, ...]:
    low = VOCABULARY.span(Kind.TEMPO_LOW)
    high, rest = divmod(round(event.bpm), low.stop - low.start)
    return VOCABULARY.id(Kind.TEMPO_HIGH, high * (low.stop - low.start)), VOCABULARY.id(Kind.TEMPO_LOW, rest)


@lru_cache(maxsize=1024)
def _chord_tokens(chord: Chord | None) -> tuple[int, ...]:
    if chord is None:
        return (VOCABULARY.id(Kind.NO_CHORD),)
    degrees = sorted(CHORD_DEGREES.index(degree) for degree in chord.degrees)
    return (
        VOCABULARY.id(Kind.CHORD_ROOT, chord.root),
        VOCABULARY.id(Kind.CHORD_QUALITY, CHORD_QUALITIES.index(chord.quality)),
        *(VOCABULARY.id(Kind.CHORD_DEGREE, degree) for degree in degrees),
        *((VOCABULARY.id(Kind.CHORD_BASS, chord.bass),) if chord.bass != chord.root else ()),
    )


def _number(number: int, high: Kind, low: Kind) -> tuple[int, ...]:
    out = np.empty(1 + (number // LOW_STEPS).bit_count(), dtype=np.int32)
    _put_number(out, np.array([0]), np.array([number]), high, low)
    return tuple(out.tolist())


def _digits(number: IntArray) -> IntArray | int:
    """How many tokens each number takes: one for what lies below a whole note, and one a power of two above."""
    if number.max(initial=0) < LOW_STEPS:
        return 1
    whole = number // LOW_STEPS
    digits = np.ones(len(number), dtype=np.int64)
    for bit in range(int(whole.max()).bit_length()):
        digits += whole >> bit & 1
    return digits


def _put_number(out: Ids, at: IntArray, number: IntArray, high: Kind, low: Kind) -> None:
    """Write numbers, each from its place on: high tokens in falling order, then a low one."""
    rest = number
    if number.max(initial=0) >= LOW_STEPS:
        whole, rest = np.divmod(number, LOW_STEPS)
        first = VOCABULARY.span(high).start
        for bit in reversed(range(int(whole.max()).bit_length())):
            has = (whole >> bit & 1).astype(np.bool_)
            out[at[has]] = first + bit
            at = at + has
    out[at] = VOCABULARY.span(low).start + rest


def _sorted(notes: _Notes, controls: _Controls, written: Sequence[_Written], bars: IntArray) -> _Rows:
    """Put all rows in the order of their tokens."""
    keys = [
        notes.step << _AT_STEP | _TRACK << _AT_PLACE | notes.track << _AT_TRACK | 1 << _AT_NOTE,
        controls.step << _AT_STEP | _TRACK << _AT_PLACE | controls.track << _AT_TRACK,
        np.array([row.step << _AT_STEP | row.place << _AT_PLACE for row in written], dtype=np.int64),
        bars << _AT_STEP | _BAR << _AT_PLACE,
    ]
    keys[0] |= notes.pitch.astype(np.int64) << _AT_PITCH
    key = np.concatenate(keys)
    if len(key) < _MOST_PACKED:  # sorting values is many times quicker than sorting an index
        key |= np.arange(len(key))
        key.sort()
        order = key & _MOST_PACKED - 1
    else:
        order = np.argsort(key, kind="stable")
        key = key[order]
    return _Rows(key, order)


def _body(
    notes: _Notes, controls: _Controls, written: Sequence[_Written], lines: IntArray, drums: Sequence[bool]
) -> Ids:
    """All tokens between the header and END."""
    rows = _sorted(notes, controls, written, lines[:-1])
    first_control, first_written = len(notes.step), len(notes.step) + len(controls.step)
    first_bar = first_written + len(written)
    others = np.flatnonzero(rows.order >= first_control)  # few beside the notes
    number = rows.order[others]
    control_at, bar_at = others[number < first_written], others[number >= first_bar]
    written_at = others[(number >= first_written) & (number < first_bar)]
    note_at = np.flatnonzero(rows.order < first_control)
    notes = notes.taken(rows.order[note_at])
    controls = _Controls(*(column[rows.order[control_at] - first_control] for column in controls))
    written = [written[number] for number in (rows.order[written_at] - first_written).tolist()]
    louder = _louder(notes)
    position_at, track_at = _moments(rows.key)
    step = rows.key[position_at] >> _AT_STEP
    position = step - lines[np.searchsorted(lines, step, side="right") - 1]
    digits = _digits(position)

    length = np.ones(len(rows.key), dtype=np.int64)  # a bar's
    length[note_at] = 1 + louder + _digits(notes.duration - 1) + (notes.early != 0) + (notes.late != 0)
    length[note_at] += louder & (_VELOCITY_OFFSETS[notes.velocity] != 0)
    length[control_at] = np.where(controls.kind == PRESSURE, 2, 3)
    length[written_at] = [len(row.tokens) for row in written]
    length[position_at] += digits
    length[track_at] += 1
    place = np.cumsum(length)
    out = np.empty(int(place[-1]) if len(place) else 0, dtype=np.int32)
    place -= length

    _put_number(out, place[position_at], position, Kind.POSITION_HIGH, Kind.POSITION_LOW)
    place[position_at] += digits
    out[place[track_at]] = _TRACK_ID + (rows.key[track_at] >> _AT_TRACK & 127)
    place[track_at] += 1
    out[place[bar_at]] = BAR
    _put_notes(out, place[note_at], notes, louder, np.where(drums, _DRUM_ID, _PITCH_ID))
    _put_controls(out, place[control_at], controls)
    for start, row in zip(place[written_at].tolist(), written, strict=True):
        out[start : start + len(row.tokens)] = row.tokens
    return out


def _moments(key: IntArray) -> tuple[IntArray, IntArray]:
    """Rows before which a position is said, and rows before which a track is."""
    placed = (key >> _AT_PLACE & 7) >= _KEY
    entry = key >> _AT_TRACK
    same_entry, same_step = np.zeros((2, len(key)), dtype=np.bool_)
    same_entry[1:] = _repeats(entry)
    same_step[1:] = _repeats(entry >> _AT_STEP - _AT_TRACK) & placed[:-1]
    return np.flatnonzero(placed & ~same_step), np.flatnonzero(((key >> _AT_PLACE & 7) == _TRACK) & ~same_entry)


def _louder(notes: _Notes) -> NDArray[np.bool_]:
    """Whether a note has another velocity than its track's before it, bool (n,)."""
    order = np.argsort(notes.track.astype(np.uint8), kind="stable")
    velocity, track = notes.velocity[order], notes.track[order]
    before = np.empty_like(velocity)
    before[:1], before[1:] = DEFAULT_VELOCITY, np.where(_repeats(track), velocity[:-1], DEFAULT_VELOCITY)
    result = np.empty(len(velocity), dtype=np.bool_)
    result[order] = velocity != before
    return result


def _put_notes(
    out: Ids, place: IntArray, notes: _Notes, louder: NDArray[np.bool_], pitch_ids: NDArray[np.int64]
) -> None:
    out[place[louder]] = _VELOCITY_IDS[notes.velocity[louder]]
    place = _put_offset(out, place + louder, _VELOCITY_OFFSETS[notes.velocity] * louder, Kind.VELOCITY_OFFSET)
    out[place] = pitch_ids[notes.track] + notes.pitch
    place = _put_offset(out, place + 1, notes.early, Kind.ONSET_OFFSET)
    _put_number(out, place, notes.duration - 1, Kind.DURATION_HIGH, Kind.DURATION_LOW)
    _put_offset(out, place + _digits(notes.duration - 1), notes.late, Kind.END_OFFSET)


def _put_offset(out: Ids, place: IntArray, offset: IntArray | int, kind: Kind) -> IntArray:
    """Write the offsets that are not 0; return the places after them."""
    if isinstance(offset, int) or not offset.any():
        return place
    has = offset != 0
    out[place[has]] = EXPRESSIVE.ids(kind, offset[has])
    after: IntArray = place + has
    return after


def _put_controls(out: Ids, place: IntArray, controls: _Controls) -> None:
    kind, value = controls.kind, controls.value
    bend, pressure = kind == PITCH_BEND, kind == PRESSURE
    raised = value + 8192
    out[place] = np.select([bend, pressure], [_BEND_ID, _PRESSURE_ID], _CONTROL_ID)
    out[place + 1] = _VALUE_ID + np.select([bend, pressure], [raised >> 7, value], kind)
    out[place[~pressure] + 2] = _VALUE_ID + np.where(bend, raised & 127, value)[~pressure]
