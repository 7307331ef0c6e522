"""Exact scores: nats of every frame of every piece, the first included; no padding is ever counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.polyphonic.features import Examples, Ints
from benchmarks.polyphonic.lanes import chunks, room
from benchmarks.polyphonic.network import Network

_LANES, _STEPS = 32, 128

Scores = NDArray[np.float64]


def frame_scores(
    network: Network, data: Examples, shift: Ints | int = 0, lanes: int = _LANES, steps: int = _STEPS
) -> Scores:
    """-ln p of each frame given those before it in its piece, float64 (frames,), in the order of the examples.

    Args:
        network: with its weights.
        data: the examples.
        shift: by how many keys the pieces are transposed.
        lanes: of a batch; scores do not depend on it.
        steps: likewise.
    """
    pieces = len(data.start) - 1
    order = np.argsort(-np.diff(data.start), kind="stable")
    moved = np.broadcast_to(np.asarray(shift), (pieces,))
    out = np.zeros(data.frames)
    state = network.initial(lanes)
    for chunk in chunks(data, order, moved, lanes, steps):
        found, state = network.score(chunk, state)
        np.add.at(out, chunk.frame, -found.numpy().astype(np.float64))
    return out


def mixture(scores: Sequence[Scores]) -> Scores:
    """-ln of the mean probability of each frame: a mixture, at each frame anew, of models given the same past."""
    stacked = -np.stack(list(scores))
    top = stacked.max(axis=0)
    result: Scores = -(top + np.log(np.exp(stacked - top).mean(axis=0)))
    return result


def shifts(data: Examples, reach: int) -> list[Ints]:
    """Transpositions by -reach ... reach keys, each piece only as far as it stays on the keyboard.

    Transposed, a network also gives probability to frames beyond the keyboard's end, which the written piece cannot have:
    a mixture over transpositions sums to one at most, so its figure is never too good.
    """
    limits = room(data, reach)
    return [np.clip(by, limits[:, 0], limits[:, 1]) for by in range(-reach, reach + 1)]
