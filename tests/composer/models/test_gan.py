"""The GAN's two networks: latents of noise, a bounded discriminator, and steps that do their work."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from composer.bar_notes import bar_forms
from composer.config import LatentConfig
from theory.key import Key
from theory.meter import Meter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

LATENT = LatentConfig(size=3, prior_units=5, encoder="")
ROWS, BARS = 32, 10


@pytest.fixture(scope="module")
def gan():
    from composer.models import gan

    return gan


def pairs(gan, seed, real=None):
    """Noise, beside latents that by themselves are normal."""
    dice = np.random.default_rng(seed)
    form = np.tile(bar_forms([Meter(4, 4)] * BARS, Key.parse("C major")), (ROWS, 1, 1))
    noise = dice.normal(size=(ROWS, BARS, 4)).astype(np.float32)
    rows = dice.normal(size=(ROWS, BARS, 3)).astype(np.float32) if real is None else real
    return gan.Pairs(form, noise, rows, dice.random(ROWS, np.float32))


def compiled(model, rate):
    import keras

    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model


def test_a_generator_learns_what_misleads_a_discriminator_that_stays_as_it_is(gan):
    """Real latents lie around 2; those that are made move there, from around 0."""
    model, judge = compiled(gan.generator(LATENT, BARS, 1), 0.01), compiled(gan.Discriminator(3, 1, channels=8), 0.01)
    real = (2 + 0.1 * np.random.default_rng(0).normal(size=(ROWS, BARS, 3))).astype(np.float32)
    critic = gan.DiscriminatorStep(judge, model, "relativistic", 0.0)
    for number in range(20):
        loss, right = critic.take(pairs(gan, number, real))
        assert np.isfinite(loss)
    assert right > 0.9
    before = [np.asarray(weight) for weight in judge.weights]
    step, losses = gan.GeneratorStep(model, judge, "relativistic"), []
    for number in range(25):
        losses.append(step.take(pairs(gan, 100 + number, real)))
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    made = np.asarray(model(pairs(gan, 3)[:2]))
    assert made.mean() > 0.2
    assert all(np.array_equal(old, new) for old, new in zip(before, judge.weights, strict=True))


def test_what_a_bar_is_drawn_from_has_a_gradient(gan):
    """Though a choice has none of its own: to shares, where it matters what returns."""
    import tensorflow as tf

    model, (form, noise, *_) = gan.generator(LATENT, BARS, 1), pairs(gan, 0)
    bias = next(layer for layer in model.layers if layer.name == "prior").bias
    with tf.GradientTape() as tape:
        made = model([form, noise])
        loss = tf.reduce_mean(tf.square(made[:, 1:] - made[:, :-1]))
    shares = np.asarray(tape.gradient(loss, bias.value))[-5:]
    assert shares[1] < 0  # more of the bar before, and pieces move less
    assert (np.abs(shares) > 1e-6).all()


def test_a_flat_generator(gan):
    model = gan.generator(replace(LATENT, hierarchical=False), BARS, 1)
    form, noise, *_ = pairs(gan, 0)
    assert model([form, noise[:, :1]]).shape == (ROWS, 1, 3)


# The discriminator


@pytest.mark.parametrize(("width", "features", "channels"), [(5, 7, 4), (1, 6, 9), (3, 4, 4)])
def test_a_bounded_layer_stretches_nothing(gan, width, features, channels):
    layer = gan.SpectralNormalized(channels, width)
    layer.build((None, None, features))
    layer.kernel.assign(np.random.default_rng(0).normal(0, 3, layer.kernel.shape))
    layer.iterate(60)
    matrix = np.asarray(layer.bounded()).reshape(-1, channels)
    assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=1e-3)


def test_a_discriminator_hears_what_returns_after_eight_bars(gan):
    """Every bar moves the score of a piece, and so does its form."""
    judge, (form, _, real, _) = gan.Discriminator(3, 1), pairs(gan, 0)
    score = np.asarray(judge(real, form))
    assert score.shape == (ROWS,)
    for bar in range(BARS):
        other = real.copy()
        other[:, bar] += 1
        assert (np.abs(np.asarray(judge(other, form)) - score) > 1e-6).all()
    assert (np.abs(np.asarray(judge(real, form % 2)) - score) > 1e-6).all()


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_a_discriminator_learns_to_tell(gan, loss):
    model, judge = gan.generator(LATENT, BARS, 1), compiled(gan.Discriminator(3, 1, channels=8), 0.01)
    critic = gan.DiscriminatorStep(judge, model, loss, 0.1)
    real = np.ones((ROWS, BARS, 3), np.float32)
    told = [critic.take(pairs(gan, number, real)) for number in range(30)]
    assert told[-1][0] < told[0][0]
    assert told[-1][1] > 0.9


def test_a_penalty_flattens(gan):
    import tensorflow as tf

    slopes = []
    for penalty in (0.0, 30.0):
        model, judge = gan.generator(LATENT, BARS, 1), compiled(gan.Discriminator(3, 1, channels=8), 0.01)
        critic = gan.DiscriminatorStep(judge, model, "relativistic", penalty)
        for number in range(20):
            critic.take(pairs(gan, number))
        given = pairs(gan, 5)
        slopes.append(float(np.mean(gan._slopes(judge, tf.constant(given.real), given.form))))
    assert slopes[1] < 0.5 * slopes[0]


def test_penalties_are_their_formulas(gan):
    """Of a discriminator whose score rises by a known slope, whatever it reads."""
    import tensorflow as tf

    given, slope = pairs(gan, 0), 0.25

    def judge(rows, form):
        return slope * tf.reduce_sum(rows[:, 0], axis=1)

    length = slope * np.sqrt(3)
    real, made = tf.constant(given.real), tf.zeros_like(given.real)
    for name, expected in (("relativistic", length**2 / 2), ("wasserstein", (length - 1) ** 2)):
        found = gan.LOSSES[name].penalty(judge, real, made, given.form, tf.constant(given.points))
        np.testing.assert_allclose(found, expected, rtol=1e-4)
