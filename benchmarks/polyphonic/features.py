"""What a network is told before it names a note: numbers of the past, and of the notes already named in this frame.

Frames come one after the other, and in a frame one token after the other: of a roll the sounding keys from the lowest
up and an end (`theory.tokens.frames`); of four voices each one's key or a rest, from the first voice on. Most features
of a token are windows of the keyboard around its pivot, the note before it (in a frame's first token, the lowest note
last heard; for a voice, the voice's own note before), so they are the same in every transposition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.polyphonic.data import Piece
from theory.tokens.frames import KEYS

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Row = TypeVar("Row", bound=np.generic)

UNIT = 32  # a feature of one, as a byte: features are bytes of value x UNIT
MARGIN = KEYS  # keys of silence beyond the keyboard, so that each window is whole
MIDDLE = 40  # the pivot before anything has sounded


@dataclass(frozen=True, eq=False)
class Examples:
    """Features and targets of pieces, one piece after the other.

    Attributes:
        start: the first frame of each piece and, at last, the number of frames, int64 (pieces + 1,).
        range_: the lowest and highest key of each piece, int64 (pieces, 2).
        planes: of each frame, of each of several things, a number a key, uint8 (frames, planes, 88): they move with a
            transposition.
        scalars: of each frame, numbers that do not move, uint8 (frames, scalars).
        token_start: the first token of each frame and, at last, the number of tokens, int64 (frames + 1,).
        windows: of each token, numbers that do not move, uint8 (tokens, numbers).
        pivot: the key that windows are centred at, int64 (tokens,).
        target: the key named, or 88: the end of the frame or a rest, int64 (tokens,).
        floor: the lowest key that may be named, int64 (tokens,).
        slot: which token of its frame, counted up to the last slot, int64 (tokens,).
    """

    start: Ints
    range_: Ints
    planes: Bytes
    scalars: Bytes
    token_start: Ints
    windows: Bytes
    pivot: Ints
    target: Ints
    floor: Ints
    slot: Ints

    @property
    def frames(self) -> int:
        """How many frames all pieces have."""
        return int(self.start[-1])


def examples(pieces: list[Piece], of_piece: Callable[[Piece], Examples]) -> Examples:
    """Features of many pieces in their order."""
    parts = [of_piece(piece) for piece in pieces]
    frames = np.cumsum([0, *(part.frames for part in parts)])
    tokens = np.cumsum([0, *(len(part.target) for part in parts)])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    starts = [part.token_start[:-1] + first for part, first in zip(parts, tokens[:-1], strict=True)]
    names = ("range_", "planes", "scalars", "windows", "pivot", "target", "floor", "slot")
    return Examples(
        start=frames,
        token_start=np.concatenate([*starts, tokens[-1:]]),
        **{name: joined(name) for name in names},
    )


def lagged(rows: NDArray[Row], lag: int) -> NDArray[Row]:
    """The rows `lag` before, zeros before the first."""
    out = np.zeros_like(rows)
    out[lag:] = rows[: max(len(rows) - lag, 0)]
    return out


def at(rows: NDArray[Row], index: Ints) -> NDArray[Row]:
    """The rows at an index, zeros where it is negative."""
    out: NDArray[Row] = rows[np.maximum(index, 0)]
    out[index < 0] = rows.dtype.type(0)
    return out


def ages(roll: NDArray[Any]) -> Ints:
    """For how many frames, this one included, each key has sounded on: 0 for a silent one, int64 like the roll."""
    out = np.zeros(roll.shape, dtype=np.int64)
    before = np.zeros(roll.shape[1], dtype=np.int64)
    for t, row in enumerate(roll):
        before = (before + 1) * (row > 0)
        out[t] = before
    return out


def decayed(roll: NDArray[Any], half_life: float) -> NDArray[np.float64]:
    """Sums of the frames up to and with this one, each halved every `half_life` frames."""
    out = np.zeros(roll.shape)
    total = np.zeros(roll.shape[1])
    factor = 0.5 ** (1 / half_life)
    for t, row in enumerate(roll):
        total = total * factor + row
        out[t] = total
    return out


def habit(values: NDArray[Any], period: int, half_life: float) -> NDArray[np.float64]:
    """The mean of the values at whole multiples of a period before each frame, halved every `half_life` frames.

    A meter heard, not given: where the bar begins is told by what has begun there before.
    """
    rows = -(-len(values) // period)
    table = np.zeros((rows, period))
    table.reshape(-1)[: len(values)] = values
    factor = 0.5 ** (period / half_life)
    total, weight = np.zeros(period), 1e-6
    for row in table:
        mean = total / weight
        total, weight = factor * (total + row), factor * (weight + 1)
        row[:] = mean
    return table.reshape(-1)[: len(values)]


def chroma(roll: NDArray[Any]) -> NDArray[np.float64]:
    """Sums of the keys of each pitch class, class 0 for keys 0, 12, 24 ...: float64 (frames, 12)."""
    padded = np.zeros((len(roll), 96))
    padded[:, :KEYS] = roll
    found: NDArray[np.float64] = padded.reshape(len(roll), 8, 12).sum(axis=1)
    return found


def around(plane: Bytes, frame: Ints, pivot: Ints, below: int, above: int) -> Bytes:
    """Windows of a plane, uint8 (frames, 88), from `below` keys below each pivot to `above` above it."""
    padded = np.zeros((len(plane), KEYS + 2 * MARGIN), dtype=np.uint8)
    padded[:, MARGIN : MARGIN + KEYS] = plane
    view = sliding_window_view(padded, below + above + 1, axis=1)
    found: Bytes = view[frame, pivot + MARGIN - below]
    return found


def around_class(profile: NDArray[np.float64], frame: Ints, pivot: Ints) -> Bytes:
    """Profiles of pitch classes, (frames, 12), from each pivot's own class up, their sum made 4."""
    share = 4 * profile / np.maximum(profile.sum(axis=1, keepdims=True), 1e-6)
    columns = (pivot[:, None] + np.arange(12)) % 12
    return as_bytes(share[frame[:, None], columns])


def as_bytes(values: NDArray[Any]) -> Bytes:
    """Numbers from 0 to just under 8 as bytes."""
    return np.clip(np.rint(np.asarray(values, dtype=np.float64) * UNIT), 0, 255).astype(np.uint8)


def one_hot(values: NDArray[Any], size: int) -> Bytes:
    """Rows with a one at each value, those beyond the size at its end."""
    out = np.zeros((len(values), size), dtype=np.uint8)
    out[np.arange(len(values)), np.clip(values, 0, size - 1)] = UNIT
    return out


def log_scale(values: NDArray[Any]) -> NDArray[np.float64]:
    """log2(1 + value)."""
    return np.log2(1.0 + np.asarray(values, dtype=np.float64))


def log_bucket(values: NDArray[Any]) -> Ints:
    """0, 1, 2 to 3, 4 to 7 ... as 0, 1, 2, 3 ..."""
    return np.ceil(log_scale(np.asarray(values, dtype=np.float64))).astype(np.int64)
