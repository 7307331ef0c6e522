"""A prior learnt of latents that stay: bars that return cost less, and the epoch that is kept is the best one."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

from tiny_models import TINY_LATENT, export_vae

from composer import bundle
from composer.bar_notes import bar_forms
from composer.latent_runtime import Latent, Posterior
from composer.models import prior
from theory.errors import TrainingError
from theory.key import Key
from theory.meter import Meter

BARS = 6
LATENT = replace(TINY_LATENT, prior_units=24)
FORM = bar_forms([Meter.parse("6/8")] * BARS, Key.parse("C major"))


def returning(seed: int, count: int = 800, lag: int = 2) -> prior.Latents:
    """Pieces whose bars are new up to the lag, then those so many before, each said with some noise."""
    dice = np.random.default_rng(seed)
    new = dice.normal(0, 1, (count, lag, LATENT.size))
    means = np.concatenate([new] * (BARS // lag), axis=1).astype(np.float32)
    return prior.Latents(means, np.full_like(means, 0.1), np.tile(FORM, (count, 1, 1)))


@pytest.fixture(scope="module")
def learnt():
    return prior.learn(LATENT, [returning(0)], [returning(1, 40)], 3)


def bits(model: bundle.Bundle, latents: prior.Latents) -> float:
    space, found = Latent(model), []
    for number, (mean, deviation, form) in enumerate(zip(*latents, strict=True)):
        posterior = Posterior(mean, deviation, form)
        found.append(space.nats(posterior, posterior.draw(number)) / np.log(2))
    return float(np.mean(found))


def test_bars_that_return_cost_less(learnt, tmp_path):
    """A new row is known to 0.1 of its deviation: some 4 bits a number. One that returns is known but for noise."""
    model = bundle.load(export_vae(tmp_path, LATENT))
    model = replace(model, weights=model.weights | learnt)
    new = bits(model, prior.Latents(*(part[:, :2] for part in returning(2, 60)))) / 2
    every = bits(model, returning(2, 60)) / BARS
    assert 2.5 * LATENT.size < new < 5 * LATENT.size
    assert every < 0.6 * new


def test_what_is_drawn_returns(learnt, tmp_path):
    model = bundle.load(export_vae(tmp_path, LATENT))
    space = Latent(replace(model, weights=model.weights | learnt))
    drawn = [space.drawn(FORM, seed) for seed in range(40)]
    assert np.mean([(rows[2:] == rows[:-2]).all(axis=1) for rows in drawn]) > 0.8
    assert np.mean([(rows[1:] == rows[:-1]).all(axis=1) for rows in drawn]) < 0.1


def test_the_same_seed_gives_the_same_weights(learnt):
    again, other = (prior.learn(LATENT, [returning(0)], [returning(1, 40)], seed) for seed in (3, 4))
    assert all(np.array_equal(again[name], learnt[name]) for name in learnt)
    assert not np.array_equal(other["prior.kernel"], learnt["prior.kernel"])


def test_pieces_of_several_lengths_are_learnt_together():
    shown = []
    short = prior.Latents(*(part[:, :3] for part in returning(5, 30)))
    found = prior.learn(LATENT, [returning(0, 30), short], [short], 3, shown.append)
    assert shown == sorted(shown)
    assert shown[-1] == 1
    # Nothing is said of forms that never come: of 40 bars that are to come, of four flats.
    assert not found["prior.bars_left"][40].any()
    assert not found["prior.signature"][FORM[0, 4] - 4].any()
    assert found["prior.signature"][FORM[0, 4]].any()


def test_a_loss_that_is_no_number_is_refused():
    latents = returning(0, 10)
    wild = latents._replace(means=np.full_like(latents.means, np.nan))
    with pytest.raises(TrainingError, match="the prior's loss of epoch 1 is nan"):
        prior.learn(LATENT, [wild], [wild], 3)
