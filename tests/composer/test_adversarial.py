"""Adversarial training: what it draws and keeps, when it stops; a run that was killed ends as one that was not."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from walks import LATENT, pieces, vae_model

from composer import bundle, checkpoint, originality
from composer.run_state import CHECKPOINT
from composer.style import CHORALE, FOLK
from theory.errors import RequestError, SearchError, TokenError, TrainingError
from theory.tokens import Tokenizer


@pytest.fixture(scope="module")
def adversarial():
    """The module that trains."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer import adversarial

    return adversarial


@pytest.fixture(scope="module")
def vae(tmp_path_factory) -> bundle.Bundle:
    return vae_model(tmp_path_factory.mktemp("models") / "vae")


# A run.


class Watch:
    """A reporter that notes what it is told, and may pull the plug after some steps."""

    def __init__(self, last: int | None = None):
        self.begun, self.steps, self.records, self.last, self.stopped = None, [], [], last, 0

    def start(self, at):
        self.begun = at

    def step(self, at, right, loss, seconds):
        assert 0 < at <= 1
        assert 0 <= right <= 1
        assert seconds > 0
        self.steps.append(loss)
        if len(self.steps) == self.last:
            raise KeyboardInterrupt

    def measured(self, record):
        self.records.append(record)

    def stop(self):
        self.stopped += 1


class Run(NamedTuple):
    """A finished run."""

    folder: Path
    verdict: dict
    watch: Watch


@pytest.fixture(scope="module")
def sides():
    return pieces(0, 12), pieces(100, 8)


@pytest.fixture(scope="module")
def config(adversarial):
    return adversarial.AdversarialConfig(
        bars=2,
        batch_size=4,
        steps=4,
        discriminator_warmup=1,
        discriminator_steps=1,
        measure_every=2,
        pieces=8,
        learning_rate=0.01,
        seed=5,
    )


@pytest.fixture(scope="module")
def run(adversarial, sides, config, vae, tmp_path_factory) -> Run:
    """A run that nothing breaks."""
    folder, watch = tmp_path_factory.mktemp("runs") / "whole", Watch()
    verdict = adversarial.train(*sides, FOLK, folder, config, watch, warm_start=vae)
    return Run(folder, verdict, watch)


def test_what_a_run_leaves_behind(run, vae):
    assert run.watch.begun == 0
    assert run.watch.stopped == 1
    assert np.isfinite(run.watch.steps).tolist() == [False, True, True, True, True]  # the head start comes first
    history = json.loads((run.folder / "history.json").read_text())
    assert history == run.watch.records
    assert [record["step"] for record in history] == [0, 2, 4]
    assert [record["loss"] for record in history[1:]] == [
        pytest.approx(np.mean(run.watch.steps[n : n + 2])) for n in (1, 3)
    ]
    assert all(0 <= record["right"] <= 1 for record in history)
    assert {"frechet_distance", "musegan_distance", "distinct_4", "self_bleu", "used_pitch_classes"} <= set(history[0])
    weights = checkpoint.load(run.folder / CHECKPOINT)[0]
    assert not np.array_equal(weights["average.prior.kernel"], vae.weights["prior.kernel"])
    verdict = json.loads((run.folder / "verdict.json").read_text())
    assert verdict == run.verdict
    for side in ("real", "warm_start", "chosen"):
        assert verdict[side]["pieces"] == 8
    (events,) = (run.folder / "tensorboard").glob("events.out.tfevents*")
    assert b"frechet_distance" in events.read_bytes()


def test_what_did_not_earn_its_place_says_so(run, vae):
    exported, said = bundle.load(run.folder), json.loads((run.folder / bundle.CONFIG).read_text())
    assert exported.architecture == "gan"
    assert exported.is_experimental is said.get("experimental", False) is (not run.verdict["earned"])
    assert not [name for name in exported.weights if name.startswith("encoder.")]
    same = {name: np.array_equal(array, vae.weights[name]) for name, array in exported.weights.items()}
    assert not same["prior.kernel"]
    assert all(same[name] for name in same if not name.startswith("prior."))  # the others stay


def test_a_killed_run_ends_as_one_that_was_not(adversarial, sides, config, vae, run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        adversarial.train(*sides, FOLK, tmp_path, config, Watch(last=4), warm_start=vae)
    watch = Watch()
    verdict = adversarial.train(*sides, FOLK, tmp_path, config, watch, warm_start=vae, resume=True)
    assert len(watch.steps) == 2
    assert verdict == run.verdict
    assert (tmp_path / bundle.WEIGHTS).read_bytes() == (run.folder / bundle.WEIGHTS).read_bytes()
    (mine, _), (other, _) = (checkpoint.load(folder / "checkpoint.safetensors") for folder in (tmp_path, run.folder))
    assert mine.keys() == other.keys()
    assert not [name for name in mine if not np.array_equal(mine[name], other[name])]


def test_a_run_goes_on_with_its_own_settings_and_warm_start(adversarial, sides, config, vae, run, tmp_path):
    with pytest.raises(TrainingError, match="other settings"):
        adversarial.train(*sides, FOLK, run.folder, replace(config, seed=6), Watch(), warm_start=vae, resume=True)
    with pytest.raises(TrainingError, match="made of other pieces"):
        adversarial.train(sides[0][1:], sides[1], FOLK, run.folder, config, Watch(), warm_start=vae, resume=True)
    other = vae_model(tmp_path / "other", seed=9)
    with pytest.raises(TrainingError, match="another warm start"):
        adversarial.train(*sides, FOLK, run.folder, config, Watch(), warm_start=other, resume=True)


def test_a_collapse_ends_a_run_with_its_reason(adversarial, sides, config, vae, tmp_path, monkeypatch):
    """It comes from steps that are far too large, after a time that no test can wait."""
    monkeypatch.setattr(adversarial, "collapse", lambda record, *_: "it says one thing" * (record["step"] > 0))
    config = replace(config, discriminator_warmup=0, measure_every=1)
    verdict = adversarial.train(*sides, FOLK, tmp_path, config, watch := Watch(), warm_start=vae)
    assert [record["step"] for record in watch.records] == [0, 1]
    assert verdict["reason"].endswith("it says one thing")
    again = adversarial.train(*sides, FOLK, tmp_path, config, watch := Watch(), warm_start=vae, resume=True)
    assert not watch.steps
    assert again == verdict


def test_what_a_run_wrote_composes(run, cadenza, tmp_path):
    said = cadenza("compose", "--style", "folk", "--model", run.folder, "--bars", 2, "--meter", "2/4", "--seed", 3,
                   "--out", tmp_path / "new", "--formats", "mid")  # fmt: skip
    assert said.code == 0, said.err
    assert (tmp_path / "new.mid").is_file()


def test_a_warm_start_of_other_tokens_is_refused(adversarial, sides, config, vae, tmp_path):
    strange = replace(vae, tokenizer=Tokenizer(resolution=12))
    with pytest.raises(TokenError, match="resolution"):
        adversarial.train(*sides, FOLK, tmp_path, config, Watch(), warm_start=strange)


def test_a_warm_start_without_an_encoder_is_refused(adversarial, sides, config, tmp_path):
    for latent in (None, replace(LATENT, encoder="")):
        plain = vae_model(tmp_path / "plain", latent)
        with pytest.raises(RequestError, match="a GAN starts from a VAE"):
            adversarial.train(*sides, FOLK, tmp_path / "run", config, Watch(), warm_start=plain)


def test_too_few_pieces_to_judge_by_are_refused(adversarial, sides, config, vae, tmp_path):
    with pytest.raises(TrainingError, match=r"3 of 3 to validate on have 2 whole bars: .* at least 4; add pieces"):
        adversarial.train(sides[0], sides[1][:3], FOLK, tmp_path, config, Watch(), warm_start=vae)


def test_a_warm_start_that_comes_to_no_end_is_named(adversarial, sides, config, vae, tmp_path, monkeypatch):
    def lost(self, model, *, confirming=False):
        raise SearchError("no piece was found in 2000 tries")

    monkeypatch.setattr(adversarial.Judge, "figures", lost)
    with pytest.raises(TrainingError, match="do not come to their end in 2 bars: train the VAE longer"):
        adversarial.train(*sides, FOLK, tmp_path, config, Watch(), warm_start=vae)


def test_corpora_of_the_warm_start_count(adversarial, sides, config, tmp_path):
    """Its decoder learnt from them."""
    start = vae_model(tmp_path / "vae", trained_on=("folk",))
    few = replace(config, steps=1, measure_every=1, discriminator_warmup=0)
    adversarial.train(*sides, FOLK, tmp_path / "run", few, Watch(), warm_start=start, trained_on=["chorales"])
    assert originality.trained_on(tmp_path / "run") == ("chorales", "folk")


def test_a_warm_start_of_another_style_is_refused(adversarial, sides, config, tmp_path):
    other = vae_model(tmp_path / "chorales", style=CHORALE)
    with pytest.raises(RequestError, match="writes style chorale, not folk"):
        adversarial.train(*sides, FOLK, tmp_path / "run", config, Watch(), warm_start=other)


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 1}, {"batch_size": 1025}, {"loss": "hinge"}, {"learning_rate": 0.0}, {"ema": 1.0}, {"seed": -1}],
)
def test_settings_that_make_no_sense_are_refused(adversarial, wrong):
    with pytest.raises(RequestError, match=next(iter(wrong)).replace("_", " ")):
        adversarial.AdversarialConfig(**wrong)
