"""Training of a VAE: it uses its latent, a resumed run ends as an unbroken one, and a collapse is noted."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tiny_models import TINY_LATENT

import composer
from composer import batches, bundle, checkpoint, excerpts
from composer.config import DecoderConfig, LatentConfig
from composer.latent import vary
from composer.latent_runtime import Latent
from composer.networks import Lstm, Vae, network_for
from composer.runtime import Reader, Runtime
from composer.style import FOLK
from composer.train import TrainConfig
from data.dataset import Entry
from data.split import split_of
from theory.errors import RequestError, TrainingError, UnknownNameError
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import Tokenizer

BARS, EPOCHS = 2, 16
DECODER = DecoderConfig(embedding=24, context=32, units=48, layers=1, dropout=0.0)
LATENT = LatentConfig(size=6, conductor_units=32, prior_units=16, encoder_units=32, note=24, dropout=0.0)
SETTINGS = {
    "learning_rate": 0.004,
    "batch_size": 1,
    "patience": 100,
    "seed": 5,
    "excerpts": (BARS,),
    "bits": (48.0, 48.0),
}


class Watch:
    """A reporter that notes what it is told, and may stop the run after some epochs, or later."""

    def __init__(self, until=None):
        self.records, self.until, self.second = [], until, []

    def start(self, at):
        pass

    def step(self, at, loss, tokens, seconds):
        pass

    def epoch(self, record):
        self.records.append(record)
        if len(self.records) == self.until:
            raise KeyboardInterrupt

    def second_stage(self, at):
        self.second.append(at)
        if self.until == "second stage" and at > 0.6:
            raise KeyboardInterrupt

    def stop(self):
        pass


class Run(NamedTuple):
    """A finished run."""

    folder: Path
    best: dict[str, float]
    watch: Watch


def scale(seed, bars=BARS):
    """Bars of scales: nothing but the latent can tell from where, which way and in which note values."""
    dice, notes = np.random.default_rng(seed), []
    for start in range(0, bars * 1440, 1440):
        first, way, length = (int(dice.choice(among)) for among in ((66, 70, 74, 78), (-1, 1), (240, 480)))
        notes += [(start + place * length, length, first + way * place) for place in range(1440 // length)]
    return Score((Track.from_notes(notes),), meters=(MeterEvent(0, Meter(6, 8)),), keys=(KeyEvent(0, Key.parse("C")),))


@pytest.fixture(scope="module")
def training():
    """The module that trains, with a second stage that is short."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer import second_stage, train
    from composer.models import prior

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_stage, "_MOST_ROUNDS", 2)
        patch.setattr(prior, "_EPOCHS", 10)
        yield train


def pieces_of(side, number):
    stems = islice((f"{n}" for n in count() if split_of(f"{n}") == side), number)
    return batches.prepare((Entry(stem, side, scale(int(stem))) for stem in stems), FOLK)


@pytest.fixture(scope="module")
def sides():
    return pieces_of("train", 160), pieces_of("valid", 12)


def trained(training, sides, folder, watch=None, resume=False, **settings):
    watch = watch or Watch()
    config = TrainConfig(DECODER, LATENT, **{**SETTINGS, **settings})
    best = training.train(*sides, FOLK, folder, config, watch, resume=resume, trained_on=["folk"])
    return Run(folder, best, watch)


@pytest.fixture(scope="module")
def run(training, sides, tmp_path_factory):
    return trained(training, sides, tmp_path_factory.mktemp("runs") / "whole", epochs=EPOCHS)


# What a run learns


def nats(model, score, latent):
    """What a piece costs the decoder that is told a latent."""
    space, runtime = Latent(model), Runtime(model)
    ids = Tokenizer().encode(score).tolist()
    reader = Reader(runtime, score.bars, runtime.told(space.contexts(latent)))
    rows = [reader.read(token).astype(np.float64) for token in ids[:-1]]
    losses = [np.log(np.exp(row).sum()) - row[target] for row, target in zip(rows, ids[1:], strict=True)]
    return float(np.array(losses)[batches.sequence(score).scored].sum())


def test_a_piece_is_told_better_by_its_own_latent_than_by_anothers(run, sides):
    model = bundle.load(run.folder)
    scores = [FOLK.undress(piece.score) for piece in sides[1]]
    means = [Latent(model).posterior(score).mean for score in scores]
    own = sum(nats(model, score, mean) for score, mean in zip(scores, means, strict=True))
    others = sum(nats(model, score, mean) for score, mean in zip(scores, means[1:] + means[:1], strict=True))
    assert own < 0.8 * others
    assert run.watch.records[-1]["loss"] < 0.5 * run.watch.records[0]["loss"]
    assert run.best["collapsed"] == 0


def test_what_a_record_says(run, sides):
    names = [
        "epoch", "loss", "valid_nats_per_token", "valid_nats_per_note", "valid_reconstruction_nats_per_note",
        "valid_latent_bits", "collapsed", "seconds",
    ]  # fmt: skip
    assert [list(record) for record in run.watch.records] == [names] * EPOCHS
    model = bundle.load(run.folder)
    scores = [FOLK.undress(piece.score) for piece in sides[1]]
    posteriors = [Latent(model).posterior(score) for score in scores]
    drawn = [Latent(model).nats(at, at.draw(seed)) for at in posteriors for seed in range(8)]
    bits = np.mean(drawn) / np.log(2)  # of the rows of latents that are drawn otherwise in training
    assert run.best["valid_latent_bits"] == pytest.approx(bits, rel=0.1)
    notes = sum(score.notes for score in scores)
    drawn = [
        sum(nats(model, score, at.draw(seed)) for score, at in zip(scores, posteriors, strict=True)) / notes
        for seed in range(4)
    ]
    assert run.best["valid_reconstruction_nats_per_note"] == pytest.approx(np.mean(drawn), rel=0.25)
    said = run.best["valid_reconstruction_nats_per_note"] + bits * np.log(2) * len(scores) / notes
    assert run.best["valid_nats_per_note"] == pytest.approx(said, rel=0.05)


def test_the_exported_model_says_what_it_is_and_composes(run):
    model = bundle.load(run.folder)
    assert (model.architecture, model.latent) == ("vae", LATENT)
    assert json.loads((run.folder / bundle.CONFIG).read_text())[bundle.TRAINED_ON] == ["folk"]
    assert "density" in model.heard.names
    assert model.heard.directions.shape == (len(model.heard.names), LATENT.size)
    asked = {"style": "folk", "model": str(run.folder)}
    assert composer.compose(bars=2, **asked).score.bars == 2
    assert vary(scale(5), toward="+density", **asked).score.bars == scale(5).bars


@pytest.fixture(scope="module")
def collapsed(training, sides, tmp_path_factory):
    """A run of few epochs under a great weight."""
    few = (sides[0][:60], sides[1])
    return trained(training, few, tmp_path_factory.mktemp("runs") / "collapsed", epochs=3, kl_weight=50.0)


def test_a_collapse_is_noted(collapsed):
    """The latent says nothing, and nothing can be moved along it."""
    last = collapsed.watch.records[-1]
    assert last["collapsed"] == 1
    assert last["valid_latent_bits"] < 1
    assert bundle.load(collapsed.folder).heard.names == ()
    with pytest.raises(UnknownNameError, match="this model knows none"):
        vary(scale(5), toward="+density", model=str(collapsed.folder))


def test_a_broken_run_ends_with_the_same_bytes(collapsed, training, sides, tmp_path):
    few, settings = (sides[0][:60], sides[1]), {"epochs": 3, "kl_weight": 50.0}
    with pytest.raises(KeyboardInterrupt):
        trained(training, few, tmp_path, Watch(until=2), **settings)
    with pytest.raises(KeyboardInterrupt):
        trained(training, few, tmp_path, last := Watch(until="second stage"), resume=True, **settings)
    assert [record["epoch"] for record in last.records] == [3]
    again = trained(training, few, tmp_path, resume=True, **settings)
    assert again.watch.records == []
    assert again.watch.second == sorted(again.watch.second)
    assert again.watch.second[-1] == 1
    for name in (bundle.WEIGHTS, bundle.CONFIG):
        assert (tmp_path / name).read_bytes() == (collapsed.folder / name).read_bytes(), name
    assert {**again.best, "seconds": 0} == {**collapsed.best, "seconds": 0}
    arrays, others = (checkpoint.load(item / "checkpoint.safetensors")[0] for item in (tmp_path, collapsed.folder))
    assert all(np.array_equal(arrays[name], others[name]) for name in others)


def test_a_run_that_is_done_stays_as_it_is(run, training, sides, tmp_path):
    """Resumed, the second stage says the same again, from the weights as they are stored."""
    shutil.copytree(run.folder, tmp_path / "run")
    (tmp_path / "run" / bundle.HEARD).unlink()
    again = trained(training, sides, tmp_path / "run", resume=True, epochs=EPOCHS)
    assert again.best == run.best
    for name in (bundle.WEIGHTS, bundle.CONFIG, bundle.HEARD):
        assert (tmp_path / "run" / name).read_bytes() == (run.folder / name).read_bytes()


def test_pieces_that_are_too_short_are_refused_before_anything_is_learnt(training, sides, tmp_path):
    watch = Watch()
    with pytest.raises(TrainingError, match="no piece to validate on has 16 whole bars: choose shorter excerpts"):
        trained(training, sides, tmp_path, watch, epochs=1, excerpts=(2, 16))
    assert watch.records == []


# Without TensorFlow


def test_what_counts_is_the_bound_and_of_a_plain_autoencoder_what_its_pieces_cost():
    """Of two pieces, with 100 tokens and 20 notes: 40 nats, and 12 of divergence."""
    for weight, bound in ((None, 52), (1.0, 52), (0.01, 52), (0.0, 40)):
        record = Vae(TrainConfig(latent=TINY_LATENT, kl_weight=weight)).record([40.0, 12.0, 2.0], 100, 20)
        assert record["valid_nats_per_token"] == bound / 100
        assert record["valid_nats_per_note"] == bound / 20
        assert record["valid_reconstruction_nats_per_note"] == 2
        assert record["valid_latent_bits"] == pytest.approx(6 / np.log(2))


@pytest.mark.parametrize(
    ("bits", "weight", "collapsed"), [(12.7, None, 1), (12.9, None, 0), (0.1, 1.0, 1), (0, 0.0, 0)]
)
def test_a_latent_that_says_next_to_nothing_has_collapsed(bits, weight, collapsed):
    """A twentieth of what 16 bars may say; a plain autoencoder says what it likes."""
    network = Vae(TrainConfig(latent=TINY_LATENT, kl_weight=weight, bits=(48.0, 256.0)))
    assert network.record([40.0, bits * np.log(2), 1.0], 100, 20)["collapsed"] == collapsed


def test_each_configuration_has_its_network():
    assert isinstance(network_for(TrainConfig()), Lstm)
    assert isinstance(network_for(TrainConfig(latent=TINY_LATENT)), Vae)


def test_bits_of_any_number_of_bars():
    """In proportion between those of 2 and of 16 bars, and beyond."""
    network = Vae(TrainConfig(latent=TINY_LATENT, bits=(48.0, 256.0)))
    assert [round(network.bits(bars)) for bars in (1, 2, 4, 8, 9, 16, 32)] == [33, 48, 78, 137, 152, 256, 494]
    assert Vae(TrainConfig(latent=TINY_LATENT, bits=(1.0, 200.0))).bits(1) == 1


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"bits": (0.0, 10.0)}, "bits 0 and 10: must rise, above 0"),
        ({"bits": (20.0, 10.0)}, "bits 20 and 10: must rise"),
        ({"bits": (float("nan"), 10.0)}, "bits nan and 10"),
        ({"bits": (1.0, float("inf"))}, "bits 1 and inf"),
        ({"kl_weight": -0.1}, "KL weight -0.1: must be 0 to 100"),
        ({"kl_weight": float("nan")}, "KL weight nan"),
        ({"excerpts": ()}, "excerpts of () bars: must be 1 to 64"),
        ({"excerpts": (2, 0)}, r"excerpts of (2, 0) bars"),
        ({"excerpts": (65,)}, r"excerpts of (65,) bars"),
        ({"accumulate": 2}, "accumulate 2: a VAE steps after every batch"),
    ],
)
def test_settings_that_make_no_sense(setting, line):
    with pytest.raises(RequestError) as caught:
        TrainConfig(latent=TINY_LATENT, **setting)
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"size": 0}, "size 0: must be a whole number above 0"),
        ({"note": 2.5}, "note 2.5"),
        ({"encoder": "gru"}, "encoder 'gru': choose one of lstm, cnn"),
        ({"dropout": 1.0}, "dropout 1.0: must be 0 to below 1"),
        ({"hierarchical": 1}, "hierarchical 1: must be true or false"),
    ],
)
def test_sizes_that_are_none(setting, line):
    with pytest.raises(RequestError) as caught:
        replace(TINY_LATENT, **setting)
    assert str(caught.value).startswith(line)


def test_evaluation_is_of_the_longest_excerpts(sides):
    network = Vae(TrainConfig(DECODER, LATENT, excerpts=(1, 2)))
    assert {batch.inputs[-1].shape[1] for batch in network.evaluation(sides[1])} == {2}
    assert {batch.inputs[-1].shape[1] for batch in network.epoch(sides[0], 0)} == {1, 2}
    assert isinstance(network.epoch(sides[0], 0), excerpts.Excerpts)
