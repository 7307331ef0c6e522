"""Features of a piano roll: notes of a frame from the lowest up, then the frame's end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.polyphonic.data import Piece
from benchmarks.polyphonic.features import (
    MIDDLE,
    UNIT,
    Bytes,
    Examples,
    Ints,
    ages,
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
from theory.tokens.frames import KEYS, encode

SLOTS = 8  # tokens of a frame told apart by their number, the rest together
LAGS = (1, 2, 3, 4, 6, 8, 12, 16)
CLASSES = (4, 16, 1e9)  # half-lives, in frames, of how much a pitch class has sounded
USED = (3, 12, 48)  # half-lives, in frames, of how much a key has sounded
PERIODS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
ECHOES = ((0.6, 6.0), (0.9, 2.0))  # decay and sharpness
_MEMORY = 96  # frames after which a habit counts half
_WIDE, _NARROW = 36, 24  # keys to each side


@dataclass(frozen=True, eq=False)
class _Past:
    """What is known before each frame; planes are uint8 (frames, 88), the rest has a row a frame.

    Attributes:
        lag: the frames so many before.
        guesses: what followed the longest equal past, what the lag says that has agreed best, and what followed the
            longest equal past on any degree.
        echoes: what followed all that is like the past (`matches.echo`).
        used: how much each key has sounded of late.
        age: for how long each key has sounded on.
        classes: how much each pitch class has sounded, float64 (frames, 12).
        scalars: numbers that do not move with a transposition.
    """

    lag: dict[int, Bytes]
    guesses: list[Bytes]
    echoes: list[Bytes]
    used: list[Bytes]
    age: Bytes
    classes: list[NDArray[np.float64]]
    scalars: Bytes


def of_roll(roll: Piece) -> Examples:
    """Features of one roll, (frames, 88) of zeros and ones."""
    frames = len(roll)
    keys = roll.astype(np.uint8) * UNIT
    past = _past(roll, keys)
    target = encode(roll).astype(np.int64)
    ends = target == KEYS
    frame = np.cumsum(ends) - ends
    token_start = np.concatenate([[0], np.flatnonzero(ends) + 1])
    place = np.arange(len(target)) - token_start[frame]
    before = lagged(target, 1)
    pivot = np.where(place == 0, _lowest_heard(roll)[frame], before)
    floor = np.where(place == 0, 0, before + 1)
    slot = np.minimum(place, SLOTS - 1)
    named = around(keys, frame, pivot, _WIDE, 0)
    named[place == 0] = 0
    seen = (past.lag[1], past.guesses[0])
    windows = [
        named,
        *_windows(past, frame, pivot),
        one_hot(slot, SLOTS),
        *(_left(plane, frame, floor) for plane in seen),
        *(_unlike(keys, plane, frame, floor) for plane in seen),
        past.scalars[frame],
    ]
    return Examples(
        start=np.array([0, frames]),
        range_=_range(roll)[None, :],
        planes=np.stack(
            [past.lag[1], *past.guesses, past.lag[2], past.lag[4], past.age, *past.used, *past.echoes], axis=1
        ),
        scalars=past.scalars,
        token_start=token_start,
        windows=np.concatenate(windows, axis=1),
        pivot=pivot,
        target=target,
        floor=floor,
        slot=slot,
    )


def _past(roll: Piece, keys: Bytes) -> _Past:
    names = np.unique(roll, axis=0, return_inverse=True)[1].reshape(-1)
    exact, loose = longest_match(names), likeliest_lag(roll)
    moved, by = _moved_match(roll)
    scalars = [
        one_hot(np.arange(len(roll)) == 0, 2),
        one_hot(log_bucket(exact.strength), 8),
        as_bytes(np.stack([loose.strength, loose.strength > 0.9, exact.frame < 0], axis=1)),
        one_hot(log_bucket(moved.strength), 8),
        one_hot(log_bucket(lagged(_still(names), 1)), 6),
        one_hot(lagged(roll.sum(axis=1), 1), 8),
        *(as_bytes(habit(part, period, _MEMORY))[:, None] for part in _moves(roll) for period in PERIODS),
    ]
    return _Past(
        lag={lag: lagged(keys, lag) for lag in LAGS},
        guesses=[at(keys, exact.frame), at(keys, loose.frame), _moved(at(keys, moved.frame), by)],
        echoes=[as_bytes(echo(roll, roll, *kernel)) for kernel in ECHOES],
        used=[lagged(as_bytes(log_scale(decayed(roll, half_life)) / 2), 1) for half_life in USED],
        age=lagged(as_bytes(log_scale(ages(roll)) / 2), 1),
        classes=[lagged(decayed(chroma(roll), half_life), 1) for half_life in CLASSES],
        scalars=np.concatenate(scalars, axis=1),
    )


def _windows(past: _Past, frame: Ints, pivot: Ints) -> list[Bytes]:
    """The past around each token's pivot."""
    wide = partial(around, frame=frame, pivot=pivot, below=_NARROW, above=_WIDE)
    narrow = partial(around, frame=frame, pivot=pivot, below=_NARROW, above=_NARROW)
    return [
        wide(past.lag[1]),
        *(narrow(past.lag[lag]) for lag in LAGS[1:]),
        narrow(past.age),
        *(wide(plane) for plane in (*past.guesses, *past.echoes)),
        *(narrow(plane) for plane in past.used),
        *(around_class(part, frame, pivot) for part in past.classes),
    ]


def _moves(roll: Piece) -> tuple[NDArray[np.float64], ...]:
    """In each frame: 2 where anything changes, 2 where the lowest note does, and half the number of keys struck."""
    before = lagged(roll, 1)
    lowest = np.where(roll.any(axis=1), roll.argmax(axis=1), -1)
    changes = (roll != before).any(axis=1) * 2.0
    bass = (lowest != lagged(lowest, 1)) * 2.0
    return changes, bass, ((roll > before).sum(axis=1)) / 2


def _moved_match(roll: Piece) -> tuple[Match, Ints]:
    """The longest equal past on any degree, and by how many keys it stands higher now: a sequence."""
    lowest = np.where(roll.any(axis=1), roll.argmax(axis=1), 0)
    shapes = np.take_along_axis(roll, (np.arange(KEYS) + lowest[:, None]) % KEYS, axis=1)
    steps = lowest - lagged(lowest, 1)
    names = np.unique(np.column_stack([shapes, steps]), axis=0, return_inverse=True)[1].reshape(-1)
    match = longest_match(names)
    before = np.maximum(match.frame - 1, 0)
    by = np.where(match.frame > 0, lagged(lowest, 1) - lowest[before], 0)
    return match, by


def _moved(plane: Bytes, by: Ints) -> Bytes:
    """Each row by some keys higher; what leaves the keyboard is lost."""
    source = np.arange(KEYS) - by[:, None]
    found = np.take_along_axis(plane, source % KEYS, axis=1)
    return np.where((source >= 0) & (source < KEYS), found, 0).astype(np.uint8)


def _still(names: Ints) -> Ints:
    """For how many frames, this one included, nothing has changed."""
    changed = np.concatenate([[True], names[1:] != names[:-1]])
    since = np.flatnonzero(changed)[np.cumsum(changed) - 1]
    found: Ints = np.arange(len(names)) - since + 1
    return found


def _lowest_heard(roll: Piece) -> Ints:
    """The lowest key of the last frame before each that was not silent."""
    lowest = np.full(len(roll), MIDDLE)
    for t in range(1, len(roll)):
        sounding = np.flatnonzero(roll[t - 1])
        lowest[t] = sounding[0] if len(sounding) else lowest[t - 1]
    return lowest


def _left(plane: Bytes, frame: Ints, floor: Ints) -> Bytes:
    """How many keys of a plane are at the floor or above it: one-hot (tokens, 5)."""
    above = np.zeros((len(plane), KEYS + 1), dtype=np.int64)
    above[:, :KEYS] = np.cumsum((plane > 0)[:, ::-1], axis=1)[:, ::-1]
    return one_hot(above[frame, floor], 5)


def _unlike(keys: Bytes, plane: Bytes, frame: Ints, floor: Ints) -> Bytes:
    """How many keys below the floor differ from a plane's: one-hot (tokens, 4)."""
    differs = np.zeros((len(plane), KEYS + 1), dtype=np.int64)
    differs[:, 1:] = np.cumsum(keys != plane, axis=1)
    return one_hot(differs[frame, floor], 4)


def _range(roll: Piece) -> Ints:
    used = np.flatnonzero(roll.any(axis=0))
    return np.array([used[0], used[-1]] if len(used) else [MIDDLE, MIDDLE])
