"""A folder of tunes with all three sides, and small models that write such tunes: what these tests share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import data
from composer import bundle
from composer.config import DecoderConfig, LatentConfig
from composer.originality import INDEX, index_of, save
from composer.style import FOLK
from data.split import split_of
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

BARS = 4
SIDES = {"train": 8, "valid": 16, "test": 17}
DECODER = DecoderConfig(embedding=6, context=5, units=8, layers=1)
LATENTS = {
    "lstm": None,
    "vae": LatentConfig(size=3, conductor_units=4, prior_units=4, encoder_units=4, note=4),
    "gan": LatentConfig(size=3, conductor_units=4, prior_units=4, encoder=""),
}


def tune(seed: int, key: str = "G major", bars: int = BARS) -> Score:
    """A walk in eighths and quarters."""
    dice = np.random.default_rng(seed)
    onset, rows = 0, []
    while onset < 4 * 480 * bars:
        length = int(dice.choice([240, 240, 480]))
        rows.append((onset, length, 67 + int(dice.choice([0, 2, 4, 5, 7, 9, 11]))))
        onset += length
    track = Track.from_notes(rows)
    return Score((track,), keys=(KeyEvent(0, Key.parse(key)),), meters=(MeterEvent(0, Meter.parse("4/4")),), end=onset)


@dataclass(frozen=True)
class Music:
    folder: Path
    names: dict[str, list[str]]  # of the tunes, by side


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Music:
    folder = tmp_path_factory.mktemp("tunes")
    names: dict[str, list[str]] = {side: [] for side in SIDES}
    number = 0
    while any(len(names[side]) < most for side, most in SIDES.items()):
        number += 1
        side = split_of(f"tune{number}")
        if len(names[side]) < SIDES[side]:
            names[side].append(f"tune{number}.mid")
            data.write(tune(number, ("G major", "D major")[number % 2]), folder / names[side][-1])
    return Music(folder, names)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, music: Music) -> dict[str, str]:
    """Folders of models of random weights, by architecture; that of the GAN does not say what it learnt from,
    and is experimental."""
    folder = tmp_path_factory.mktemp("tunesmiths")
    for seed, (name, latent) in enumerate(LATENTS.items()):
        shapes = DECODER.shapes() | (latent.shapes(DECODER.context) if latent else {})
        dice = np.random.default_rng(seed)
        weights = {name: dice.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
        bundle.export(folder / name, weights, DECODER, FOLK, None, latent, is_experimental=name == "gan")
        if name != "gan":
            save(
                index_of((each, data.read(music.folder / each)) for each in music.names["train"]), folder / name / INDEX
            )
    return {name: str(folder / name) for name in LATENTS}
