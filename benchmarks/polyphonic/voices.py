"""Features of four voices: in each step the soprano's key, then alto, tenor and bass, each one a token; 88 for a rest.

A token's pivot is its voice's own key before, so that holding it is the interval 0. Besides windows of the keyboard it
is told the voice's last notes and how long they were, how long each voice has stood still, what the voices named before
it in this step do, and in what share of the steps at whole multiples of 4, 8, 12 and 16 before it voices moved: a meter
heard, not given. The position is counted from the start of the piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.polyphonic.data import REST, VOICES, Piece
from benchmarks.polyphonic.features import (
    UNIT,
    Bytes,
    Examples,
    Ints,
    around,
    around_class,
    as_bytes,
    at,
    chroma,
    decayed,
    habit,
    lagged,
    log_bucket,
    log_scale,
    one_hot,
)
from benchmarks.polyphonic.matches import Match, echo, likeliest_lag, longest_match
from theory.tokens.frames import KEYS

MIDDLES = (46, 41, 36, 29)  # keys of the voices before they have sounded
LAGS = (2, 3, 4, 6, 8, 12, 16, 32)
PERIODS = (4, 8, 12, 16)
ECHOES = ((0.8, 3.0), (0.95, 1.0))  # decay and sharpness
CHORD_LAGS = (2, 4, 8, 12, 16, 32)
CLASSES = (8, 32, 1e9)  # half-lives, in steps, of how much a pitch class has sounded
USED = (6, 24, 96)  # half-lives, in steps, of how much a key has sounded
_MEMORY = 256  # steps after which a habit counts half
_NOTES = 6  # of its own past that a voice is told
_LINE = 48  # the half-life, in steps, of how much a voice's own keys have
_REACH, _NARROW, _WIDE = 12, 24, 30  # keys to each side


@dataclass(frozen=True, eq=False)
class _Past:
    """What is known before each step; planes are uint8 (steps, 88), the rest has a row a step.

    Attributes:
        single: the key of each voice in this very step, uint8 (4, steps, 88): only what is named already may be read.
        lag: what sounded so many steps before.
        exact, loose: where the past was like this one.
        guesses: what followed there.
        echoes: of each kernel what followed all that is like the past, uint8 (steps, 4, 88).
        used: how much each key has sounded of late.
        classes: how much each pitch class has sounded, float64 (steps, 12).
        moved: whether each voice moves in this very step, int64 (steps, 4).
        stood: for how long it had stood still, int64 (steps, 4).
        scalars: numbers that do not move with a transposition.
    """

    single: Bytes
    lag: dict[int, Bytes]
    exact: Match
    loose: Match
    guesses: list[Bytes]
    echoes: list[Bytes]
    used: list[Bytes]
    classes: list[NDArray[np.float64]]
    moved: Ints
    stood: Ints
    scalars: Bytes


def of_voices(piece: Piece) -> Examples:
    """Features of one piece, int (steps, 4) of keys from 0, 88 for a rest."""
    steps = len(piece)
    past = _past(piece)
    pivots = [_last_key(piece[:, voice], MIDDLES[voice]) for voice in range(VOICES)]
    windows = [np.concatenate(_windows(piece, past, voice, pivots[voice]), axis=1) for voice in range(VOICES)]
    before = [lagged(plane, 1) for plane in past.single]
    echoed = [found.max(axis=1) for found in past.echoes]
    keys = piece[piece != REST]
    return Examples(
        start=np.array([0, steps]),
        range_=np.array([[keys.min(), keys.max()]] if len(keys) else [MIDDLES[-1:] * 2]),
        planes=np.stack([*before, *past.guesses, past.lag[4], past.lag[16], *past.used, *echoed], axis=1),
        scalars=past.scalars,
        token_start=np.arange(steps + 1) * VOICES,
        windows=np.stack(windows, axis=1).reshape(steps * VOICES, -1),
        pivot=np.stack(pivots, axis=1).reshape(-1),
        target=piece.reshape(-1),
        floor=np.zeros(steps * VOICES, dtype=np.int64),
        slot=np.tile(np.arange(VOICES), steps),
    )


def _past(piece: Piece) -> _Past:
    steps = len(piece)
    single = np.stack([_one_key(piece[:, voice]) for voice in range(VOICES)])
    roll = single.max(axis=0)
    sounds = (roll > 0).astype(np.int64)
    lines = single.transpose(1, 0, 2).reshape(steps, -1) > 0
    names = np.unique(piece, axis=0, return_inverse=True)[1].reshape(-1)
    exact, loose = longest_match(names), likeliest_lag(sounds)
    moved = np.ones((steps, VOICES), dtype=np.int64)
    moved[1:] = piece[1:] != piece[:-1]
    stood = lagged(np.stack([_since(moved[:, voice]) for voice in range(VOICES)], axis=1), 1)
    scalars = [
        one_hot(np.arange(steps) == 0, 2),
        *(one_hot(np.arange(steps) % period, period) for period in PERIODS),
        one_hot(log_bucket(exact.strength), 8),
        as_bytes(np.stack([loose.strength, loose.strength > 0.9, exact.frame < 0], axis=1)),
        *(one_hot(log_bucket(stood[:, voice]), 6) for voice in range(VOICES)),
        *(one_hot(stood[:, voice] % 4, 4) for voice in range(VOICES)),
        _habits(moved.max(axis=1)),
    ]
    return _Past(
        single=single,
        lag={lag: lagged(roll, lag) for lag in LAGS},
        exact=exact,
        loose=loose,
        guesses=[at(roll, match.frame) for match in (exact, loose)],
        echoes=[as_bytes(echo(sounds, lines, *kernel)).reshape(steps, VOICES, KEYS) for kernel in ECHOES],
        used=[_used(sounds, half_life) for half_life in USED],
        classes=[lagged(decayed(chroma(roll), half_life), 1) for half_life in CLASSES],
        moved=moved,
        stood=stood,
        scalars=np.concatenate(scalars, axis=1),
    )


def _windows(piece: Piece, past: _Past, voice: int, pivot: Ints) -> list[Bytes]:
    """What a voice's token is told."""
    frame = np.arange(len(piece))
    wide = partial(around, frame=frame, pivot=pivot, below=_WIDE, above=_WIDE)
    narrow = partial(around, frame=frame, pivot=pivot, below=_NARROW, above=_NARROW)
    own = partial(around, frame=frame, pivot=pivot, below=_REACH, above=_REACH)
    single, line = past.single[voice], piece[:, voice]
    alone = longest_match(line)
    return [
        *(_named(past, piece, other, frame, pivot, other < voice) for other in range(VOICES - 1)),
        *(wide(lagged(past.single[other], 1)) for other in range(VOICES) if other != voice),
        *(own(lagged(single, lag)) for lag in LAGS),
        *(own(at(single, match.frame)) for match in (past.exact, past.loose, alone)),
        *(own(found[:, voice]) for found in past.echoes),
        *(narrow(plane) for plane in past.used),
        own(_used(single > 0, _LINE)),
        one_hot(log_bucket(alone.strength), 8),
        *(_rests(at(line, match.frame)) for match in (past.exact, past.loose)),
        *(narrow(past.lag[lag]) for lag in CHORD_LAGS),
        *(narrow(plane) for plane in past.guesses),
        _last_notes(line, pivot),
        one_hot(past.stood[:, voice], 18),
        _habits(past.moved[:, voice]),
        _rests(lagged(line, 1)),
        *(around_class(part, frame, pivot) for part in past.classes),
        past.scalars,
    ]


def _habits(moved: Ints) -> Bytes:
    return as_bytes(4 * np.stack([habit(moved, period, _MEMORY) for period in PERIODS], axis=1))


def _used(sounds: NDArray[Any], half_life: float) -> Bytes:
    return lagged(as_bytes(log_scale(decayed(sounds, half_life)) / 2), 1)


def _rests(line: Ints) -> Bytes:
    return one_hot(line == REST, 2)


def _one_key(line: Ints) -> Bytes:
    out = np.zeros((len(line), KEYS + 1), dtype=np.uint8)
    out[np.arange(len(line)), line] = UNIT
    return out[:, :KEYS]


def _since(moved: Ints) -> Ints:
    """Steps since a voice last moved, the step of the move counted as 1."""
    place = np.arange(len(moved))
    return place - np.maximum.accumulate(np.where(moved > 0, place, 0)) + 1


def _last_key(line: Ints, middle: int) -> Ints:
    """The key that last sounded before each step."""
    sounding = np.where(lagged(line + 1, 1) % (REST + 1) > 0, np.arange(len(line)), 0)
    index = np.maximum.accumulate(sounding)
    return np.where(index > 0, line[np.maximum(index - 1, 0)], middle)


def _named(past: _Past, piece: Piece, voice: int, frame: Ints, pivot: Ints, known: bool) -> Bytes:
    """What a voice does in this very step, zeros while it is not known: its key, and whether it moves or rests."""
    key = around(past.single[voice], frame, pivot, _WIDE, _WIDE)
    found = np.concatenate([key, one_hot(past.moved[:, voice], 2), _rests(piece[:, voice])], axis=1)
    return found if known else np.zeros_like(found)


def _last_notes(line: Ints, pivot: Ints) -> Bytes:
    """The notes before the last one, relative to the pivot, and for how long each was held."""
    starts = np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1]]))
    keys = line[starts]
    lengths = np.diff(np.concatenate([starts, [len(line)]]))
    current = lagged(np.searchsorted(starts, np.arange(len(line)), side="right"), 1) - 1  # the note of the step before
    parts = []
    for back in range(1, _NOTES + 1):
        index = current - back
        there = index >= 0
        key, length = keys[np.maximum(index, 0)], lengths[np.maximum(index, 0)]
        interval = np.where(key == REST, 2 * _REACH + 1, np.clip(key - pivot, -_REACH, _REACH) + _REACH)
        for values, size in ((interval, 2 * _REACH + 2), (log_bucket(length - 1), 6)):
            part = one_hot(values, size)
            part[~there] = 0
            parts.append(part)
    return np.concatenate(parts, axis=1)
