"""Small decoders and small pieces: what the tests of models share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from composer import bundle
from composer.checkpoint import Arrays
from composer.config import DecoderConfig
from composer.style import CHORALE
from theory.event import KeyEvent
from theory.key import Key
from theory.score import Score, Track
from theory.tokens import Tokenizer

TINY = DecoderConfig(embedding=6, context=5, units=8, layers=2)
LOWEST = (65, 60, 53, 43)  # a fifth inside every voice's range


def random_weights(config: DecoderConfig = TINY, seed: int = 0) -> Arrays:
    dice = np.random.default_rng(seed)
    return {name: dice.normal(0, 0.4, shape).astype(np.float32) for name, shape in config.shapes().items()}


def export(folder: Path, config: DecoderConfig = TINY, seed: int = 0, tokenizer: Tokenizer | None = None) -> Path:
    tokenizer = tokenizer or Tokenizer()
    config = replace(config, vocabulary=tokenizer.vocabulary.size)
    bundle.export(folder, random_weights(config, seed), config, CHORALE, tokenizer)
    return folder


def scales(seed: int, bars: int = 2, key: str = "C major") -> Score:
    """Four voices in quarters, each a walk up and down five white notes."""
    dice = np.random.default_rng(seed)
    tracks = []
    for lowest in LOWEST:
        steps = np.abs((dice.integers(8) + np.arange(4 * bars)) % 8 - 4)
        tracks.append(Track.from_notes([(480 * n, 480, lowest + int((0, 2, 4, 5, 7)[s])) for n, s in enumerate(steps)]))
    return Score(tuple(tracks), keys=(KeyEvent(0, Key.parse(key)),))
