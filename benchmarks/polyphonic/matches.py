"""Where a frame's past has been heard before: what followed there is the best guess of what comes now.

The pointer of Lempel-Ziv coding and of PPM, given to a network as an input. It reads frames before `t` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LONGEST = 64  # longer matches count as this long
DECAY = 0.9  # a step, of how well a lag has predicted
NEAREST = 3  # the least lag of the second pointer: below it, held notes agree with themselves


class Match(NamedTuple):
    """For each frame t: an earlier frame whose past resembles t's, and how much.

    Attributes:
        frame: int64 (frames,): the index of that earlier frame, -1 for none.
        strength: float64 (frames,): the length of the equal past in frames, or the decayed agreement.
    """

    frame: NDArray[np.int64]
    strength: NDArray[np.float64]


def longest_match(ids: ArrayLike) -> Match:
    """The most recent of the earlier frames with the longest equal past.

    Args:
        ids: int (frames,): equal ids for equal frames.
    """
    names = np.asarray(ids)
    frames = len(names)
    frame = np.full(frames, -1, dtype=np.int64)
    length = np.zeros(frames)
    runs = np.zeros(frames, dtype=np.int64)  # by lag: how many frames up to t - 1 equal those a lag before
    for t in range(1, frames):
        lags = np.arange(1, t)
        same = names[t - 1] == names[t - 1 - lags]
        runs[lags] = np.where(same, np.minimum(runs[lags] + 1, LONGEST), 0)
        if t > 1 and (best := int(runs[1:t].argmax()) + 1) and runs[best]:
            frame[t], length[t] = t - best, runs[best]
    return Match(frame, length)


def likeliest_lag(roll: ArrayLike) -> Match:
    """The earlier frame at the lag that has agreed best of late, though not exactly.

    Args:
        roll: (frames, n) of zeros and ones.
    """
    keys = np.asarray(roll, dtype=np.float32)
    agreement = _agreement(keys)
    frames = len(keys)
    frame = np.full(frames, -1, dtype=np.int64)
    strength = np.zeros(frames)
    score = np.zeros(frames)
    for t in range(NEAREST + 1, frames):
        score *= DECAY
        score[NEAREST:t] += agreement[t - 1, t - 1 - np.arange(NEAREST, t)]
        best = int(score[NEAREST:t].argmax()) + NEAREST
        frame[t], strength[t] = t - best, score[best] * (1 - DECAY)
    return Match(frame, strength)


def echo(roll: ArrayLike, followed: ArrayLike, decay: float, sharpness: float) -> NDArray[np.float32]:
    """What followed pasts like this one, each weighed by how like: float32 (frames, m), shares of one.

    The weight of an earlier frame is exp(sharpness x the decayed sum of how much the frames before it agree with those
    before this one): attention whose kernel is given.

    Args:
        roll: (frames, n) of zeros and ones, in which pasts are compared.
        followed: (frames, m) of zeros and ones, of which the echo is.
        decay: of the sum, a step.
        sharpness: the greater, the more the best alone counts.
    """
    keys = np.asarray(roll, dtype=np.float32)
    values = np.asarray(followed, dtype=np.float32)
    agreement = _agreement(keys)
    out = np.zeros_like(values)
    score = np.zeros(len(keys), dtype=np.float32)  # by earlier frame, the one that follows the past compared
    for t in range(2, len(keys)):
        score[1:t] = decay * score[: t - 1] + agreement[t - 1, : t - 1]
        weight = np.exp(sharpness * (score[1:t] - score[1:t].max()))
        out[t] = weight @ values[1:t] / weight.sum()
    return out


def _agreement(keys: NDArray[np.float32]) -> NDArray[np.float32]:
    """Jaccard's index of each two frames, 1 for two silences: float32 (frames, frames)."""
    both = keys @ keys.T
    count = keys.sum(axis=1)
    found: NDArray[np.float32] = (both + 0.01) / (count[:, None] + count[None, :] - both + 0.01)
    return found
