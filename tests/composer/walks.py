"""Walks in quarters, and models of random weights that like them: what the tests of GANs share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composer import batches, bundle
from composer.config import DecoderConfig, LatentConfig
from composer.style import FOLK, Style
from data.dataset import Entry
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind

TINY = DecoderConfig(embedding=6, context=5, units=8, layers=2)
LATENT = LatentConfig(size=3, conductor_units=4, prior_units=4, encoder_units=4, note=4)


def walk(seed: int, bars: int = 6) -> Score:
    """A walk in quarters up and down the white notes, in 2/4 or 3/4."""
    dice = np.random.default_rng(seed)
    meter = Meter(2 + seed % 2, 4)
    steps = np.abs((dice.integers(8) + np.cumsum(dice.integers(1, 3, meter.numerator * bars))) % 14 - 7)
    white = (60, 62, 64, 65, 67, 69, 71, 72)
    track = Track.from_notes([(480 * n, 480, white[step]) for n, step in enumerate(steps)], program=40)
    return Score((track,), keys=(KeyEvent(0, Key.parse("C major")),), meters=(MeterEvent(0, meter),))


def pieces(first: int, count: int) -> list[batches.Piece]:
    entries = [Entry(f"{n:03d}", "train", walk(n)) for n in range(first, first + count)]
    found = batches.prepare(entries, FOLK)
    assert len(found) == count
    return found


BIASES = {
    Kind.TRACK: (-6, ()), Kind.POSITION_HIGH: (-6, ()), Kind.DURATION_HIGH: (-6, ()),
    Kind.POSITION_LOW: (-6, (24, 48)), Kind.DURATION_LOW: (-6, (24,)), Kind.PITCH: (-6, (60, 62, 64, 65, 67, 69)),
}  # fmt: skip


def vae_model(
    folder: Path,
    latent: LatentConfig | None = LATENT,
    seed: int = 0,
    style: Style = FOLK,
    trained_on: tuple[str, ...] = (),
) -> bundle.Bundle:
    """Random weights, with a liking for white notes in quarters."""
    dice = np.random.default_rng(seed)
    shapes = TINY.shapes() | (latent.shapes(TINY.context) if latent else {})
    weights = {name: dice.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for kind, (bias, liked) in BIASES.items():
        weights["output.bias"][VOCABULARY.span(kind)] += bias
        weights["output.bias"][[VOCABULARY.id(kind, value) for value in liked]] += 10
    bundle.export(folder, weights, TINY, style, latent=latent, trained_on=trained_on)
    return bundle.load(folder)
