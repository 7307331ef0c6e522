"""A quantized score to token ids, on columns: every token gets a sort key, and one sort puts them in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.chord import Chord
from theory.event import TempoEvent
from theory.key import Key
from theory.score import DEFAULT_VELOCITY, PITCH_BEND, PRESSURE, IntArray, Score, Track
from theory.tokens.vocabulary import (
    BAR,
    CHORD_DEGREES,
    CHORD_QUALITIES,
    END,
    LOW_STEPS,
    MODE_NAMES,
    START,
    STEPS_PER_QUARTER,
    TICKS_PER_STEP,
    VELOCITY_STEP,
    VOCABULARY,
    Kind,
)

# Order of what happens at one step.
_CUT, _BAR, _METER, _POSITION, _KEY, _TEMPO, _CHORD, _FERMATA, _TRACK = range(9)


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


def encode(score: Score) -> NDArray[np.int32]:
    """Token ids, int32 (n,), of a score as `quantize` gives it."""
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
    return [VOCABULARY.id(Kind.SIGNATURE, key.signature), VOCABULARY.id(Kind.MODE, MODE_NAMES.index(key.mode))]


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
