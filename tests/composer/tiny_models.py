"""Small decoders and small pieces: what the tests of models share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from composer import bundle
from composer.bar_notes import FORM, SIZES
from composer.checkpoint import Arrays
from composer.config import DecoderConfig, LatentConfig
from composer.style import CHORALE, FOLK, Style
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import Tokenizer

TINY = DecoderConfig(embedding=6, context=5, units=8, layers=2)
TINY_LATENT = LatentConfig(size=3, conductor_units=4, prior_units=4, encoder_units=4, note=5)
ATTRIBUTES = ("density", "register")
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


def export_vae(
    folder: Path,
    latent: LatentConfig = TINY_LATENT,
    config: DecoderConfig = TINY,
    *,
    seed: int = 0,
    style: Style = FOLK,
    attributes: tuple[str, ...] = ATTRIBUTES,
) -> Path:
    """A VAE of random weights, whose latent the decoder hears well, and whose prior hears the form."""
    dice, shapes = np.random.default_rng([seed, 1]), latent.shapes(config.context)
    tables = [f"encoder.notes.{name}" for name in SIZES if latent.encoder] + [f"prior.{name}" for name in FORM]
    read = {name: dice.normal(0, 1, shapes[name]) for name in tables}
    around = {
        name: dice.normal(0, 0.3 if name.endswith(".bias") else 2 / np.sqrt(np.prod(shape[:-1])), shape)
        for name, shape in sorted(shapes.items(), key=lambda item: item[0].startswith("prior."))
    }
    around |= read
    around["conductor.output.kernel"] *= 4  # of numbers between -1 and 1
    weights = random_weights(config, seed) | {name: array.astype(np.float32) for name, array in around.items()}
    bundle.export(folder, weights, config, style, latent=latent)
    if attributes:
        directions = dice.normal(0, 1, (len(attributes), latent.size)).astype(np.float32)
        bundle.add_heard(folder, bundle.Heard(attributes, np.ones(len(attributes), np.float32), directions))
    return folder


def tune(seed: int, bars: int = 4, key: str = "D major", meter: str = "6/8", upbeat: str | None = None) -> Score:
    """One voice in eighths and quarters, up and down the scale of a key."""
    dice, tonality, whole = np.random.default_rng(seed), Key.parse(key), Meter.parse(meter)
    first = Meter.parse(upbeat) if upbeat else None
    start = int(first.bar_quarters * 480) if first else 0
    end = start + int(bars * whole.bar_quarters * 480)
    notes, tick, step = [], 0, int(dice.integers(7))
    scale = sorted(tonality.pitch_classes)
    while tick < end:
        length = min(240 if tick < start else int(dice.choice((240, 240, 480))), end - tick)
        notes.append((tick, length, 60 + scale[step % 7] + 12 * (step // 7)))
        tick, step = tick + length, min(max(step + int(dice.integers(-2, 3)), 0), 13)
    meters = (MeterEvent(0, first), MeterEvent(start, whole)) if first else (MeterEvent(0, whole),)
    return Score((Track.from_notes(notes),), meters=meters, keys=(KeyEvent(0, tonality),), end=end)
