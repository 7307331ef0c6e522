"""Every key looks like C: the model reads and writes pitches as if the key signature were empty.

A network that sees absolute pitches must learn twelve times what a musician knows once. So pitches (and chord roots)
are moved by the piece's first key signature before the network sees them, and its logits are moved back: what it
learnt in one key it knows in all. The plan still tells the true signature, and with it the register of the voices.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory.score import Score
from theory.tokens import VOCABULARY, Kind
from theory.tokens.features import COLUMNS, PITCHES

_LAST_PITCH = list(COLUMNS).index("last_pitch")


@lru_cache(maxsize=32)
def token_map(signature: int, size: int = VOCABULARY.size) -> NDArray[np.int64]:
    """For each token id the id under which the network knows it, int64 (V,): a permutation.

    Args:
        signature: of the piece's first key; 0 where it has none.
        size: V, of the vocabulary.
    """
    result = np.arange(size)
    steps = {Kind.PITCH: shift_of(signature), Kind.CHORD_ROOT: -signature, Kind.CHORD_BASS: -signature}
    for kind, step in steps.items():
        span = VOCABULARY.span(kind)
        # Values that would leave the table come in again at its other end, so that no two tokens share an id.
        result[span] = np.roll(result[span], -step)
    result.setflags(write=False)
    return result


def first_signature(score: Score) -> int:
    """Signature of the key that a score starts in; 0 where it states none."""
    return score.keys[0].key.signature if score.keys and score.keys[0].tick == 0 else 0


def shift_of(signature: int) -> int:
    """Semitones, -6 to 5, that take a key of this signature to the empty one."""
    return (-7 * signature + 6) % 12 - 6


def plan_seen(plan: NDArray[np.int32], signature: int) -> NDArray[np.int32]:
    """Rows of the plan, (n, columns), as the network sees them."""
    seen = plan.copy()
    last = seen[:, _LAST_PITCH]
    seen[:, _LAST_PITCH] = np.where(last > 0, (last - 1 + shift_of(signature)) % PITCHES + 1, 0)
    return seen


def heard_seen(heard: NDArray[np.uint8], signature: int) -> NDArray[np.uint8]:
    """Sounding pitches, (n, 128), as the network sees them."""
    return np.roll(heard, shift_of(signature), axis=1)


def moment_seen(plan: list[int], heard: list[int], signature: int) -> tuple[list[int], list[int]]:
    """One moment, as `theory.tokens.features.moment` gives it, as the network sees it."""
    shift = shift_of(signature)
    if not shift:
        return plan, heard
    last = plan[_LAST_PITCH]
    seen = plan.copy()
    seen[_LAST_PITCH] = (last - 1 + shift) % PITCHES + 1 if last else 0
    return seen, [(pitch + shift) % PITCHES for pitch in heard]
