"""Score -> token ids -> score, on columns in both directions.

A piece is a header and its bars; all tracks stand together in a bar, and notes that start together stand together:

    START (TRACK [DRUMS] PROGRAM)*
    ( BAR [NUMERATOR DENOMINATOR]
        ( POSITION [key] [tempo] [chord] [FERMATA] ( TRACK control* ([VELOCITY] PITCH DURATION)* )* )* )*
    END

Positions count from the bar line, rise strictly, and are not said twice; tracks rise inside a position, pitches inside
a track. A velocity is said where it differs from the track's last one. A bar that a meter change cuts short ends with a
bare POSITION. Every score has one encoding, so encoding what was decoded gives the same ids.

The design descends from REMI (Huang & Yang, "Pop Music Transformer", ACM MM 2020) and MuMIDI (Ren et al., "PopMAG",
2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.chord import Chord
from theory.errors import TokenError
from theory.key import MODES, Key
from theory.meter import Meter
from theory.score import (
    DEFAULT_VELOCITY,
    FERMATA,
    MAX_TICK,
    PITCH_BEND,
    PRESSURE,
    TICKS_PER_QUARTER,
    ChordEvent,
    IntArray,
    KeyEvent,
    Marker,
    MeterEvent,
    Score,
    TempoEvent,
    Track,
)
from theory.tokens.quantize import quantize
from theory.tokens.validation import validate
from theory.tokens.vocabulary import (
    BAR,
    CHORD_DEGREES,
    CHORD_QUALITIES,
    END,
    LOW_STEPS,
    START,
    STEPS_PER_QUARTER,
    VELOCITY_STEP,
    VOCABULARY,
    Kind,
)

TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
_MODE_NAMES = tuple(MODES)
# Order of what happens at one step.
_CUT, _BAR, _METER, _POSITION, _KEY, _TEMPO, _CHORD, _FERMATA, _TRACK = range(9)


class Tokenizer:
    """The codec over the one vocabulary.

    >>> score = Score.from_notes([(0, 480, 60), (480, 960, 64)])
    >>> Tokenizer().decode(Tokenizer().encode(score)) == Tokenizer().quantize(score)
    True
    """

    vocabulary = VOCABULARY

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what ids mean; models carry it."""
        return self.vocabulary.fingerprint

    def quantize(self, score: Score) -> Score:
        """The score as tokens hold it; see `theory.tokens.quantize`."""
        return quantize(score, STEPS_PER_QUARTER)

    def encode(self, score: Score) -> NDArray[np.int32]:
        """Token ids of a score, int32 (n,), START and END included.

        Raises:
            TokenError: more than 128 tracks, or a piece that is too long.
        """
        return _encode(self.quantize(score))

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids spell, at 480 ticks a quarter.

        Args:
            ids: integers (n,), START and END included.

        Raises:
            TokenError: the ids break the grammar; says where.
        """
        tokens = np.asarray(ids)
        validate(tokens)
        return _decode(tokens.astype(np.int64))


class _Rows:
    """Tokens with their sort keys, gathered column by column and put in order once."""

    def __init__(self) -> None:
        self.steps: list[IntArray] = []
        self.ranks: list[IntArray] = []
        self.tokens: list[IntArray] = []

    def add(self, step: ArrayLike, rank: ArrayLike, tokens: ArrayLike) -> None:
        """Tokens (n,) at grid steps (n,); `rank` (n,) orders tokens of one step."""
        column = np.asarray(tokens, dtype=np.int64)
        self.tokens.append(column)
        self.steps.append(np.broadcast_to(np.asarray(step, dtype=np.int64), column.shape))
        self.ranks.append(np.broadcast_to(np.asarray(rank, dtype=np.int64), column.shape))

    def in_order(self) -> IntArray:
        order = np.lexsort((np.concatenate(self.ranks), np.concatenate(self.steps)))
        result: IntArray = np.concatenate(self.tokens)[order]
        return result


def _rank(place: int, track: ArrayLike = 0, row: ArrayLike = 0, slot: int = 0) -> IntArray:
    """One sort key: place in the step (4 bits), track (8), row inside the track (32), slot inside the row (6)."""
    packed: IntArray = (np.int64(place) << 46) | (np.asarray(track, dtype=np.int64) << 38)
    return packed | (np.asarray(row, dtype=np.int64) << 6) | slot


def _add_number(rows: _Rows, step: IntArray, rank: IntArray, number: IntArray, high: Kind, low: Kind) -> None:
    """Write numbers as high tokens in falling order, then a low one. Ranks leave 32 slots free."""
    first = int(VOCABULARY.values[VOCABULARY.span(low)][0])
    whole, rest = np.divmod(number - first, LOW_STEPS)
    rows.add(step, rank + 31, VOCABULARY.ids(low, rest + first))
    if whole.any():
        bits = VOCABULARY.span(high)
        for bit in range(bits.stop - bits.start):
            has = (whole >> bit) & 1 == 1
            rows.add(step[has], rank[has] + 30 - bit, np.full(int(has.sum()), bits.start + bit))


def _encode(score: Score) -> NDArray[np.int32]:
    """Encode a quantized score."""
    rows = _Rows()
    bar_lines = score.bar_lines() // TICKS_PER_STEP
    moments = [_encode_tracks(rows, score), _encode_events(rows, score)]
    _encode_bars(rows, score, bar_lines)
    at = np.unique(np.concatenate(moments))
    bar_of = np.searchsorted(bar_lines, at, side="right") - 1
    rank = np.full(len(at), _rank(_POSITION))
    _add_number(rows, at, rank, at - bar_lines[bar_of], Kind.POSITION_HIGH, Kind.POSITION_LOW)
    body = rows.in_order()
    return np.concatenate([_header(score), body, [END]]).astype(np.int32)


def _header(score: Score) -> list[int]:
    header = [START]
    for index, track in enumerate(score.tracks):
        drums = [VOCABULARY.id(Kind.DRUMS)] if track.is_drum else []
        header += [VOCABULARY.id(Kind.TRACK, index), *drums, VOCABULARY.id(Kind.PROGRAM, track.program)]
    return header


def _encode_bars(rows: _Rows, score: Score, bar_lines: IntArray) -> None:
    rows.add(bar_lines[:-1], _rank(_BAR), np.full(len(bar_lines) - 1, BAR))
    for event in score.meters if len(bar_lines) > 1 else ():
        step = event.tick // TICKS_PER_STEP
        exponent = event.meter.denominator.bit_length() - 1
        rows.add([step], _rank(_METER), [VOCABULARY.id(Kind.NUMERATOR, event.meter.numerator)])
        rows.add([step], _rank(_METER, slot=1), [VOCABULARY.id(Kind.DENOMINATOR, exponent)])
    changes = np.array([event.tick for event in score.meters]) // TICKS_PER_STEP
    meter_of = np.searchsorted(changes, bar_lines[:-1], side="right") - 1
    full = np.array([event.meter.bar_ticks(STEPS_PER_QUARTER) for event in score.meters])[meter_of]
    length = np.diff(bar_lines)
    cut = length < full
    # The bare POSITION of a cut bar sorts at the next bar's line, before its BAR.
    rank = np.full(int(cut.sum()), _rank(_CUT))
    _add_number(rows, bar_lines[1:][cut], rank, length[cut], Kind.POSITION_HIGH, Kind.POSITION_LOW)


def _encode_events(rows: _Rows, score: Score) -> IntArray:
    """Write key, tempo, chord and fermata events; return the steps at which they stand."""
    if not score.end:
        return np.empty(0, dtype=np.int64)
    written = [
        *((event.tick, _KEY, _key_tokens(event.key)) for event in score.keys),
        *((event.tick, _TEMPO, _tempo_tokens(event)) for event in score.tempos),
        *((event.tick, _CHORD, _chord_tokens(event.chord)) for event in score.chords),
        *((marker.tick, _FERMATA, [VOCABULARY.id(Kind.FERMATA)]) for marker in score.markers),
    ]
    for tick, place, tokens in written:
        for slot, token in enumerate(tokens):
            rows.add([tick // TICKS_PER_STEP], _rank(place, slot=slot), [token])
    return np.array([tick for tick, _, _ in written], dtype=np.int64) // TICKS_PER_STEP


def _key_tokens(key: Key) -> list[int]:
    return [VOCABULARY.id(Kind.SIGNATURE, key.signature), VOCABULARY.id(Kind.MODE, _MODE_NAMES.index(key.mode))]


def _tempo_tokens(event: TempoEvent) -> list[int]:
    low = VOCABULARY.span(Kind.TEMPO_LOW)
    size = low.stop - low.start
    bpm = round(event.bpm)
    return [VOCABULARY.id(Kind.TEMPO_HIGH, bpm // size * size), VOCABULARY.id(Kind.TEMPO_LOW, bpm % size)]


def _chord_tokens(chord: Chord | None) -> list[int]:
    if chord is None:
        return [VOCABULARY.id(Kind.NO_CHORD)]
    degrees = sorted(CHORD_DEGREES.index(degree) for degree in chord.degrees)
    return [
        VOCABULARY.id(Kind.CHORD_ROOT, chord.root),
        VOCABULARY.id(Kind.CHORD_QUALITY, CHORD_QUALITIES.index(chord.quality)),
        *(VOCABULARY.id(Kind.CHORD_DEGREE, degree) for degree in degrees),
        *([VOCABULARY.id(Kind.CHORD_BASS, chord.bass)] if chord.bass != chord.root else []),
    ]


def _encode_tracks(rows: _Rows, score: Score) -> IntArray:
    """Write the tracks' notes and controls; return the steps at which they stand."""
    moments = [np.empty(0, dtype=np.int64)]
    for index, track in enumerate(score.tracks):
        onset = track.onset.astype(np.int64) // TICKS_PER_STEP
        ticks, kind, value = track.controls.astype(np.int64).T
        control_step = ticks // TICKS_PER_STEP
        at = np.unique(np.concatenate([onset, control_step]))
        rows.add(at, _rank(_TRACK, index), np.full(len(at), VOCABULARY.id(Kind.TRACK, index)))
        _encode_controls(rows, index, control_step, kind, value)
        _encode_notes(rows, index, track, onset, first_row=1 + len(ticks))
        moments.append(at)
    return np.concatenate(moments)


def _encode_controls(rows: _Rows, index: int, step: IntArray, kind: IntArray, value: IntArray) -> None:
    rank = _rank(_TRACK, index, 1 + np.arange(len(step)))
    bend, pressure = kind == PITCH_BEND, kind == PRESSURE
    head = np.select(
        [bend, pressure], [VOCABULARY.id(Kind.BEND), VOCABULARY.id(Kind.PRESSURE)], VOCABULARY.id(Kind.CONTROL)
    )
    raised = value + 8192
    rows.add(step, rank, head)
    first = np.select([bend, pressure], [raised >> 7, value], kind)
    rows.add(step, rank + 1, VOCABULARY.ids(Kind.VALUE, first))
    two = ~pressure
    second = np.where(bend, raised & 127, value)
    rows.add(step[two], (rank + 2)[two], VOCABULARY.ids(Kind.VALUE, second[two]))


def _encode_notes(rows: _Rows, index: int, track: Track, onset: IntArray, first_row: int) -> None:
    rank = _rank(_TRACK, index, first_row + np.arange(len(onset)))
    bins = (track.velocity.astype(np.int64) + VELOCITY_STEP // 2) // VELOCITY_STEP
    changed = np.diff(bins, prepend=DEFAULT_VELOCITY // VELOCITY_STEP) != 0
    rows.add(onset[changed], rank[changed], VOCABULARY.ids(Kind.VELOCITY, bins[changed]))
    pitch_kind = Kind.DRUM if track.is_drum else Kind.PITCH
    rows.add(onset, rank + 1, VOCABULARY.ids(pitch_kind, track.pitch))
    _add_number(
        rows, onset, rank + 2, track.duration.astype(np.int64) // TICKS_PER_STEP, Kind.DURATION_HIGH, Kind.DURATION_LOW
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


def _decode(ids: IntArray) -> Score:
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
            Key.from_signature(int(columns.value[at]), _MODE_NAMES[columns.value[at + 1]]),
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
