"""Drawing a token: temperature, top-k, top-p, and bits of our own.

Draws use raw 64-bit words of PCG64, whose stream is fixed for ever, and float64 sums in the order of ids, so that the
same logits and seed give the same token, but for the last bit of an exponential on the edge between two tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError


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
        if not 0 <= self.temperature <= 10:
            raise RequestError(f"temperature {self.temperature:g}: must be 0 to 10")
        if self.top_k < 0:
            raise RequestError(f"top-k {self.top_k}: must be 0 (all) or more")
        if not 0 < self.top_p <= 1:
            raise RequestError(f"top-p {self.top_p:g}: must be above 0, at most 1")


class Dice:
    """A stream of uniform numbers from a seed: PCG64's words, the upper 53 bits each."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def roll(self) -> float:
        """Next number in [0, 1)."""
        return float(int(self._bits.random_raw()) >> 11) * 2.0**-53


def draw(logits: NDArray[np.float32], allowed: NDArray[np.int64], sampling: Sampling, dice: Dice) -> int:
    """Draw one of the allowed tokens.

    Args:
        logits: float32 (V,).
        allowed: int64 (n,), ids in rising order, at least one.
        sampling: how.
        dice: where chance comes from; one roll is used, also when only one token is allowed.

    Returns:
        The token's id.
    """
    point = dice.roll()
    scores = logits[allowed].astype(np.float64)
    if sampling.temperature == 0:
        return int(allowed[np.argmax(scores)])
    with np.errstate(over="ignore"):  # a tiny temperature makes all but the likeliest -inf, as it should
        weights = np.exp((scores - scores.max()) / sampling.temperature)
    if sampling.top_k or sampling.top_p < 1:
        weights = _likeliest(weights, sampling)
    sums = np.cumsum(weights)
    return int(allowed[min(int(np.searchsorted(sums, point * sums[-1], side="right")), len(allowed) - 1)])


def _likeliest(weights: NDArray[np.float64], sampling: Sampling) -> NDArray[np.float64]:
    """Weights with the unlikely ones set to 0; ties go to the lower id."""
    order = np.argsort(-weights, kind="stable")
    keep = len(weights) if sampling.top_k == 0 else min(sampling.top_k, len(weights))
    if sampling.top_p < 1:
        share = np.cumsum(weights[order]) / weights.sum()
        keep = min(keep, int(np.searchsorted(share, sampling.top_p)) + 1)
    kept = np.zeros_like(weights)
    kept[order[:keep]] = weights[order[:keep]]
    return kept
