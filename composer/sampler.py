"""Drawing tokens: temperature, top-k, top-p, and bits of our own.

Draws use raw 64-bit words of PCG64, whose stream is fixed for ever, and float64 sums in the order of ids, so that the
same logits and seed give the same token, but for the last bit of an exponential on the edge between two tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError

_LAST_BITS = 1e-12  # of sums of float64
MOST_TEMPERATURE = 10
_COLD = 1.0  # where logits are off by as much as the temperature, nobody can be sure


@dataclass(frozen=True, slots=True)
class Sampling:
    """How bold the draws are.

    Attributes:
        temperature: logits are divided by it; below 1 is safer, above 1 bolder, 0 takes the likeliest token.
        top_k: only the k likeliest tokens; 0 for all.
        top_p: only the likeliest tokens that together have this probability (Holtzman et al., "The Curious Case of
            Neural Text Degeneration", 2020); 1 for all.

    Raises:
        RequestError: out of bounds.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= MOST_TEMPERATURE:
            raise RequestError(f"temperature {self.temperature:g}: must be 0 to {MOST_TEMPERATURE}")
        if self.top_k < 0:
            raise RequestError(f"top-k {self.top_k}: must be 0 (all) or more")
        if not 0 < self.top_p <= 1:
            raise RequestError(f"top-p {self.top_p:g}: must be above 0, at most 1")


class Dice:
    """A stream of uniform numbers from a seed: PCG64's words, the upper 53 bits each.

    Args:
        seed: of the stream.
        stream: further streams of the same seed, which have nothing to do with each other.
    """

    def __init__(self, seed: int, stream: int = 0) -> None:
        self._bits = np.random.PCG64([seed, stream] if stream else seed)

    def roll(self) -> float:
        """Next number in [0, 1)."""
        return float(int(self._bits.random_raw()) >> 11) * 2.0**-53


class Drawn(NamedTuple):
    """What was drawn for n sequences.

    Attributes:
        places: of the tokens among the choices, int64 (n,).
        sure: whether logits with the given error would have given the same, bool (n,).
    """

    places: NDArray[np.int64]
    sure: NDArray[np.bool_]


def draw(logits: NDArray[np.float32], sampling: Sampling, point: float) -> int:
    """Draw one of n choices.

    Args:
        logits: of the choices, in rising order of ids, float32 (n,).
        sampling: how.
        point: chance: a roll of the dice.

    Returns:
        Its place among the choices.
    """
    if sampling.temperature == 0 or sampling.top_k or sampling.top_p < 1:
        return int(draw_each(logits[None], np.ones((1, len(logits)), np.bool_), sampling, np.array([point]))[0][0])
    scores = logits.astype(np.float64)
    scores -= np.maximum.reduce(scores)
    if sampling.temperature != 1:
        with np.errstate(over="ignore"):  # a tiny temperature makes all but the likeliest -inf, as it should
            scores /= sampling.temperature
    sums = np.add.accumulate(np.exp(scores, out=scores))
    return min(int(sums.searchsorted(point * sums[-1], side="right")), len(sums) - 1)


def draw_each(
    logits: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    sampling: Sampling,
    points: NDArray[np.float64],
    error: float = 0.0,
) -> Drawn:
    """As `draw`, for each of n sequences with m choices between them.

    Args:
        logits: of the choices, in rising order of ids, float32 (n, m).
        allowed: which of them each sequence has, at least one, bool (n, m).
        sampling: how.
        points: chance: a roll of each sequence's dice, (n,).
        error: how far each logit may be off.
    """
    scores = logits.astype(np.float64)
    scores[~allowed] = -np.inf
    best = scores.max(axis=1, keepdims=True)
    if sampling.temperature == 0:
        near = (scores >= best - 2 * error).sum(axis=1)
        return Drawn(scores.argmax(axis=1), near == 1)
    scores -= best
    with np.errstate(over="ignore"):
        scores /= sampling.temperature
    weights = np.exp(scores, out=scores)
    slack = 2 * error / sampling.temperature  # how far ln(p / (1 - p)) of any set of choices may be off
    sure = np.full(len(weights), slack < _COLD)
    slack = float(np.expm1(min(slack, _COLD)))
    if sampling.top_k or sampling.top_p < 1:
        weights, clear = _likeliest(weights, sampling, slack)
        sure &= clear
    sums = np.cumsum(weights, axis=1)
    total = sums[:, -1:]
    ends = np.minimum(points[:, None] * total, np.nextafter(total, 0.0))
    places = (sums <= ends).sum(axis=1)
    if error:
        shares = sums / total
        sure &= (np.abs(shares - points[:, None]) > _wavering(shares, slack)).all(axis=1)
    return Drawn(places, sure)


def _wavering(shares: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """How far the probabilities of sets may be off; that of all choices together is 1 whatever their logits."""
    off: NDArray[np.float64] = slack * shares * (1 - shares) + _LAST_BITS
    off[shares == 1] = -1.0
    return off


def _likeliest(
    weights: NDArray[np.float64], sampling: Sampling, slack: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weights, (n, m), with the unlikely ones set to 0; ties go to the lower id. And whether these are so for sure."""
    order = np.argsort(-weights, axis=1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=1)
    size = weights.shape[1]
    keep = np.full(len(weights), size if sampling.top_k == 0 else min(sampling.top_k, size))
    sure: NDArray[np.bool_] = np.ones(len(weights), dtype=np.bool_)
    if sampling.top_p < 1:
        shares = np.cumsum(ordered, axis=1)
        shares /= weights.sum(axis=1, keepdims=True)
        keep = np.minimum(keep, (shares < sampling.top_p).sum(axis=1) + 1)
        sure &= (np.abs(shares - sampling.top_p) > _wavering(shares, slack)).all(axis=1)
    ranks = np.argsort(order, axis=1)
    kept = np.where(ranks < keep[:, None], weights, 0.0)
    rows, out = np.arange(len(weights)), np.minimum(keep, size - 1)
    left_out = ordered[rows, out]
    apart = (ordered[rows, keep - 1] > left_out * (1 + slack)) | (left_out == 0) | (keep == size)
    return kept, sure & apart
