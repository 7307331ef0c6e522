"""Pieces side by side in lanes, cut into chunks: recurrent state flows on, and nothing is padded within a lane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.polyphonic.features import Bytes, Examples, Ints
from theory.tokens.frames import KEYS


class Chunk(NamedTuple):
    """A batch: `steps` frames of each of some lanes; tokens in the order of frames, step by step, lane by lane.

    Frames beyond the end of a lane have features of zero and no tokens, so they are never scored.

    Attributes:
        planes: uint8 (steps, lanes, planes, 88), transposed.
        scalars: uint8 (steps, lanes, scalars).
        reset: float32 (steps, lanes, 1): 0 where a piece begins, else 1.
        row: int32 (tokens,): step x lanes + lane.
        place: int32 (tokens,): which token of its frame, from 0.
        windows: uint8 (tokens, numbers).
        pivot, target, floor: int32 (tokens,), transposed.
        slot: int32 (tokens,).
        frame: int64 (tokens,): the frame in the examples, for the score.
    """

    planes: Bytes
    scalars: Bytes
    reset: NDArray[np.float32]
    row: NDArray[np.int32]
    place: NDArray[np.int32]
    windows: Bytes
    pivot: NDArray[np.int32]
    target: NDArray[np.int32]
    floor: NDArray[np.int32]
    slot: NDArray[np.int32]
    frame: Ints


def chunks(data: Examples, order: Ints, shift: Ints, lanes: int, steps: int) -> Iterator[Chunk]:
    """All frames of some pieces in batches; each lane's state belongs to the next chunk's same lane.

    Args:
        data: the examples.
        order: the pieces, int64 (n,): each goes, in turn, to the lane that is shortest then.
        shift: by how many keys each piece of `data` is transposed, int64 (pieces,): from the first frame on that leaves
            the keyboard by it, a piece is not to be used (see `room`).
        lanes: how many.
        steps: the frames of a lane in one chunk.
    """
    lane_of: list[list[int]] = [[] for _ in range(lanes)]
    length = np.zeros(lanes, dtype=np.int64)
    for piece in order:
        lane = int(length.argmin())
        lane_of[lane].append(int(piece))
        length[lane] += data.start[piece + 1] - data.start[piece]
    total = -(-int(length.max()) // steps) * steps
    frame = np.full((total, lanes), -1, dtype=np.int64)
    moved = np.zeros((total, lanes), dtype=np.int64)
    reset = np.ones((total, lanes, 1), dtype=np.float32)
    for lane, pieces in enumerate(lane_of):
        at = 0
        for piece in pieces:
            first, last = data.start[piece], data.start[piece + 1]
            frame[at : at + last - first, lane] = np.arange(first, last)
            moved[at : at + last - first, lane] = shift[piece]
            reset[at, lane] = 0
            at += int(last - first)
    for begin in range(0, total, steps):
        rows = slice(begin, begin + steps)
        yield _chunk(data, frame[rows], moved[rows], reset[rows])


def _chunk(data: Examples, frame: Ints, moved: Ints, reset: NDArray[np.float32]) -> Chunk:
    steps, lanes = frame.shape
    flat, shift = frame.reshape(-1), moved.reshape(-1)
    real = np.flatnonzero(flat >= 0)
    columns = (np.arange(KEYS) - shift[real, None]) % KEYS  # what leaves is silent, but see `chunks`
    planes = np.zeros((steps * lanes, data.planes.shape[1], KEYS), dtype=np.uint8)
    planes[real] = np.take_along_axis(data.planes[flat[real]], columns[:, None, :], axis=2)
    scalars = np.zeros((steps * lanes, data.scalars.shape[1]), dtype=np.uint8)
    scalars[real] = data.scalars[flat[real]]
    first = data.token_start[flat[real]]
    count = data.token_start[flat[real] + 1] - first
    row = np.repeat(real, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    token = np.repeat(first, count) + place
    up = shift[row]
    target = data.target[token]
    floor = data.floor[token]
    return Chunk(
        planes=planes.reshape(steps, lanes, -1, KEYS),
        scalars=scalars.reshape(steps, lanes, -1),
        reset=reset,
        row=row.astype(np.int32),
        place=place.astype(np.int32),
        windows=data.windows[token],
        pivot=np.clip(data.pivot[token] + up, 0, KEYS - 1).astype(np.int32),
        target=np.where(target < KEYS, np.clip(target + up, 0, KEYS - 1), target).astype(np.int32),
        floor=np.where(floor > 0, np.clip(floor + up, 0, KEYS), 0).astype(np.int32),
        slot=data.slot[token].astype(np.int32),
        frame=flat[row],
    )


def room(data: Examples, reach: int) -> Ints:
    """The least and the greatest transposition within `reach` that keeps each piece on the keyboard: (pieces, 2)."""
    down = np.maximum(-data.range_[:, 0], -reach)
    up = np.minimum(KEYS - 1 - data.range_[:, 1], reach)
    return np.stack([down, up], axis=1)
