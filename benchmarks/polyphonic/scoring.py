"""Exact scores: nats of every frame of every piece, the first included; no padding is ever counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.polyphonic.features import Examples, Ints
from benchmarks.polyphonic.lanes import chunks
from benchmarks.polyphonic.network import Network
from theory.tokens.frames import KEYS

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


def transposed_scores(network: Network, data: Examples, reach: int) -> tuple[Scores, Scores]:
    """Scores as written, and those of a mixture over transpositions by -reach ... reach keys.

    A transposition takes part in a frame's mixture as long as all frames before have stayed on the keyboard, whatever
    comes later; a frame that leaves the keyboard has no probability in it. A network also gives some to frames beyond
    the keyboard's end, which the written piece cannot have: the mixture sums to one at most, so it is never too good.
    """
    likely = np.full(data.frames, -np.inf)
    parts, written = np.zeros(data.frames), np.zeros(data.frames)
    for shift in range(-reach, reach + 1):
        found = frame_scores(network, data, shift)
        if shift == 0:
            written = found
        before, now = _on_keyboard(data, shift)
        likely = np.logaddexp(likely, np.where(before & now, -found, -np.inf))
        parts += before
    mixed: Scores = np.log(parts) - likely
    return written, mixed


def _on_keyboard(data: Examples, shift: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether all frames before in its piece, and whether it itself, stay on the keyboard: bool (frames,) each."""
    inside = (data.target == KEYS) | ((data.target + shift >= 0) & (data.target + shift < KEYS))
    now = np.logical_and.reduceat(inside, data.token_start[:-1])
    before = np.ones(data.frames, dtype=np.bool_)
    for first, last in pairwise(data.start):
        before[first + 1 : last] = np.logical_and.accumulate(now[first : last - 1])
    return before, now
