"""A step of training a VAE: what is made small, and how the divergence's weights follow the bits allowed."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

import keras
from tiny_models import TINY, TINY_LATENT, tune

from composer import excerpts
from composer.config import MOST_BARS
from composer.models import vae
from composer.models.latent_step import _GAIN, LatentStep
from composer.models.step import Examples
from composer.style import FOLK
from theory.tokens import Tokenizer

BARS, ROWS, FIRST = 2, 6, 0.5
PLAIN = replace(TINY, dropout=0.0)


def examples(bars=BARS, rows=ROWS):
    batch = excerpts.padded([excerpts.example(FOLK.undress(tune(n, bars=bars)), Tokenizer()) for n in range(rows)])
    return Examples(list(batch.inputs), batch.targets, batch.weights)


@pytest.fixture(scope="module")
def taught():
    """A model and its step: compiled once, for all tests."""
    model = vae.build(PLAIN, replace(TINY_LATENT, dropout=0.0))
    model.compile(optimizer=keras.optimizers.Adam(0.0))
    model.optimizer.build(model.trainable_variables)
    model.get_layer("encoder.mean").bias.assign([2.0] * TINY_LATENT.size)  # posteriors lie off the prior
    return model, LatentStep(model)


@pytest.fixture
def stepping(taught):
    """A step that allows so many bits, with all weights as given; it learns at a rate, 0 if nobody says otherwise."""
    model, step = taught

    def make(bits=None, weight=FIRST, rate=0.0):
        step._bits = bits
        model.optimizer.learning_rate = rate
        kept = model.get_layer("sample").kl_weights
        kept.assign(np.full(kept.shape, weight, np.float32))
        make.again()
        return step

    def again():
        """Latents are drawn as they were at first."""
        dice = model.get_layer("sample").dice.state
        dice.assign(np.ones(dice.shape, np.uint32))

    make.again = again

    make.weights = lambda: np.asarray(model.get_layer("sample").kl_weights)
    make.model = model
    return make


def test_figures_are_nats_divergence_and_rows(stepping):
    step, given = stepping(), examples()
    nats, divergence, rows = step.score(given)
    assert rows == ROWS
    stepping.again()
    logits, divergences = (np.asarray(values) for values in stepping.model(given.inputs))
    assert divergence == pytest.approx(float(divergences.sum()), rel=1e-4)
    assert nats == pytest.approx(given.weights.sum() * math.log(logits.shape[-1]), rel=0.05)  # it knows nothing yet
    assert step.train([given]) == pytest.approx(nats / given.weights.sum(), rel=0.01)


@pytest.mark.parametrize(("allowed", "way"), [(1e6, -1.0), (1e-3, 1.0)])
def test_a_weight_follows_what_the_latent_may_say(stepping, allowed, way):
    """It falls by as much a step while the latent says next to nothing as it rises while it says far too much."""
    step = stepping(lambda bars: allowed if bars == BARS else 0)
    for number in range(1, 4):
        step.train([examples()])
        assert stepping.weights()[BARS] == pytest.approx(FIRST * math.exp(_GAIN * way * number), rel=1e-3)
    assert (np.delete(stepping.weights(), BARS) == FIRST).all()


def test_near_what_is_allowed_it_hardly_moves(stepping):
    _, divergence, rows = stepping().score(examples())
    bits = divergence / rows / math.log(2)
    stepping(lambda bars: 1.05 * bits).train([examples()])
    assert FIRST * math.exp(-0.1 * _GAIN) < stepping.weights()[BARS] < FIRST


@pytest.mark.parametrize(("weight", "allowed", "bound"), [(1.999, 1e-3, 2.0), (1.001e-4, 1e6, 1e-4)])
def test_a_weight_has_bounds(stepping, weight, allowed, bound):
    stepping(lambda bars: allowed, weight).train([examples()])
    assert stepping.weights()[BARS] == pytest.approx(bound, rel=1e-6)


def test_a_weight_that_is_given_stays(stepping):
    for weight in (0.0, 0.3, 1.0):
        stepping(weight=weight).train([examples()])
        assert set(stepping.weights().tolist()) == {np.float32(weight)}


def test_every_number_of_bars_has_its_weight_and_the_most_share_one(stepping):
    step = stepping(lambda bars: 1e6)
    for bars in (3, 3, 1, MOST_BARS + 3):
        step.train([examples(bars, rows=1)])
    assert np.flatnonzero(stepping.weights() != np.float32(FIRST)).tolist() == [1, 3, MOST_BARS]
    assert stepping.weights()[3] < stepping.weights()[1]


def test_what_is_made_small(stepping):
    """Without any weight of the divergence the posterior may leave the prior; under a great one it falls back."""
    given, figures = examples(), []
    step = stepping(weight=0.0, rate=0.02)
    stepping.model.get_layer("encoder.mean").bias.assign([0.0] * TINY_LATENT.size)
    figures.append(step.score(given))
    for weight in (0.0, 30.0):
        step = stepping(weight=weight, rate=0.02)
        for _ in range(40):
            step.train([given])
        figures.append(step.score(given))
    nats, divergence, _ = zip(*figures, strict=True)
    assert nats[1] < 0.9 * nats[0]
    assert divergence[1] > divergence[0]
    assert divergence[2] < 0.2 * divergence[1]
