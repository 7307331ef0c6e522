"""Figures that need no network: what anyone can recompute, to show that data, split and average are the field's."""

from __future__ import annotations

import numpy as np

from benchmarks.polyphonic.data import Piece
from theory.tokens.frames import KEYS


def uniform() -> float:
    """Each key sounds with probability one half: nats a frame."""
    return float(KEYS * np.log(2))


def per_key(train: list[Piece], test: list[Piece]) -> float:
    """A Bernoulli a key ("note 1-gram"), its share of the training frames, half a frame added: nats a test frame."""
    rolls = np.concatenate(train)
    share = np.clip(rolls.mean(axis=0), 0.5 / len(rolls), 1 - 0.5 / len(rolls))
    counts = np.concatenate(test).mean(axis=0)
    return float(-(counts * np.log(share) + (1 - counts) * np.log1p(-share)).sum())
