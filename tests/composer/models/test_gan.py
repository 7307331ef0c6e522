"""The GAN's two networks: gradients through drawn tokens, a bounded discriminator, and steps that do their work."""

from __future__ import annotations

import os

import numpy as np
import pytest

from composer.bar_notes import PLACES, bar_forms
from composer.config import DecoderConfig, LatentConfig
from theory.key import Key
from theory.meter import Meter
from theory.tokens.features import COLUMNS, PITCHES

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

SIZES = DecoderConfig(vocabulary=7, embedding=6, context=5, units=8, layers=2)
LATENT = LatentConfig(size=3, conductor_units=4, encoder="")
ROWS, TIME, BARS = 16, 64, 2
LIKED = 3


@pytest.fixture(scope="module")
def gan():
    from composer.models import gan

    return gan


def inputs(dice):
    tokens = dice.integers(7, size=(ROWS, TIME)).astype(np.int32)
    plan = np.zeros((ROWS, TIME, len(COLUMNS)), np.int32)
    heard = np.zeros((ROWS, TIME, PITCHES), np.float32)
    place = np.tile(np.repeat(np.arange(BARS) * PLACES, TIME // BARS), (ROWS, 1)).astype(np.int32)
    form = np.tile(bar_forms([Meter(4, 4)] * BARS, Key.parse("C major")), (ROWS, 1, 1))
    return tokens, plan, heard, place, form, dice.normal(size=(ROWS, BARS, 4)).astype(np.float32)


def drawn(gan, model, dice, forbidden=6):
    """Tokens drawn from what the generator says after given ones."""
    read = inputs(dice)
    logits = np.array(model(read, training=False))
    logits[..., forbidden] = -np.inf
    noise = dice.gumbel(size=logits.shape)
    there = np.ones((ROWS, TIME), np.float32)
    there[:, 50:] = 0
    allowed = np.ones(logits.shape, np.bool_)
    allowed[..., forbidden] = False
    return gan.Rollout(read, (logits + noise).argmax(-1).astype(np.int32), there, allowed)


def test_a_generator_learns_what_misleads_a_discriminator_that_stays_as_it_is(gan):
    import keras

    from composer.models import vae

    dice = np.random.default_rng(1)
    model, judge = gan.generator(SIZES, LATENT, BARS, 1), gan.Discriminator(7, 1, convolutions=((8, 5, 2), (8, 5, 2)))
    table = np.tile(-np.eye(1, gan.VECTOR, dtype=np.float32), (7, 1))
    table[LIKED] *= -1
    judge.table.assign(table)
    whole = np.ones((1, TIME), np.float32)
    likes = float(judge.read(np.full((1, TIME), LIKED), whole)[0] - judge.read(np.full((1, TIME), 1), whole)[0])
    assert abs(likes) > 1e-3
    before_judge = [np.asarray(weight) for weight in judge.weights]
    before = vae.weights(model)
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    step = gan.GeneratorStep(model, judge, "relativistic", 1.0, 2)
    real = gan.Real(np.zeros((ROWS, TIME), np.int32), np.ones((ROWS, TIME), np.float32))
    shares = []
    for number in range(25):
        made = drawn(gan, model, dice)
        shares.append(float((made.tokens[made.there > 0] == LIKED).mean()))
        loss, surprise = step.take(made, real, dice.integers(2**31, size=(ROWS, 2)).astype(np.int32))
        assert np.isfinite(loss), number
        assert 0 < surprise < np.log(6) + 0.5
    moved = np.mean(shares[-5:]) - np.mean(shares[:5])
    assert moved * np.sign(likes) > 0.05
    assert all(np.array_equal(old, new) for old, new in zip(before_judge, judge.weights, strict=True))
    after = vae.weights(model)
    still = {name for name in before if np.array_equal(before[name], after[name])}
    unread = {"prior.numerator", "prior.exponent", "prior.mode", "prior.signature", "prior.bars_left"} & still
    assert not {name for name in still - unread if name.startswith(("conductor.", "prior."))}
    assert {name for name in before if not name.startswith(("conductor.", "prior."))} <= still


def simulated(p, temperature, dice, count):
    """Gumbel-softmaxes as they are defined: (count, n)."""
    noisy = (np.log(p) + dice.gumbel(size=(count, len(p)))) / temperature
    shares = np.exp(noisy - noisy.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_noise_drawn_given_the_winners_is_gumbels(gan, temperature):
    import tensorflow as tf

    dice, count = np.random.default_rng(5), 20_000
    p = np.array([0.5, 0.3, 0.15, 0.05, 0.0])
    tokens = dice.choice(5, p=p, size=(1, count)).astype(np.int32)
    logits = np.tile(np.log(np.maximum(p, 1e-9)).astype(np.float32) + 2.0, (1, count, 1))
    logits[..., 4] = 9.0  # forbidden, whatever the network says of it
    allowed = np.tile(p > 0, (1, count, 1))
    (soft,) = gan._soft(tf.constant(logits), allowed, tokens, tf.constant([3, 4]), 1 / temperature, 1)
    soft = np.asarray(soft)[0]
    assert (soft.argmax(axis=1) == tokens[0]).all()
    assert (soft[:, 4] == 0).all()
    plain = simulated(p[:4], temperature, dice, count)
    np.testing.assert_allclose(soft[:, :4].mean(axis=0), plain.mean(axis=0), atol=0.01)
    np.testing.assert_allclose((soft[:, :4] ** 2).mean(axis=0), (plain**2).mean(axis=0), atol=0.01)
    np.testing.assert_allclose((soft[:, 0] * soft[:, 1]).mean(), (plain[:, 0] * plain[:, 1]).mean(), atol=0.01)


def test_the_gradient_points_where_the_expectation_rises(gan):
    import tensorflow as tf

    dice, count = np.random.default_rng(2), 20_000
    p, worth = np.array([0.4, 0.3, 0.2, 0.1]), np.array([1.0, -1.0, 2.0, 0.5])
    tokens = dice.choice(4, p=p, size=(1, count)).astype(np.int32)
    logits = tf.constant(np.tile(np.log(p).astype(np.float32), (1, count, 1)))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        read = gan.straight_through(
            logits,
            np.ones(logits.shape, np.bool_),
            tokens,
            tf.constant(worth[:, None].astype(np.float32)),
            tf.constant([1, 2]),
            temperature=0.1,
            draws=4,
        )
        total = tf.reduce_sum(read)
    np.testing.assert_array_equal(np.asarray(read)[0, :, 0], worth[tokens[0]].astype(np.float32))
    found = np.asarray(tape.gradient(total, logits)).mean(axis=(0, 1))
    np.testing.assert_allclose(found, p * (worth - p @ worth), atol=0.03)


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_a_discriminator_tells_tokens_apart_and_stays_bounded(gan, loss):
    import keras

    dice = np.random.default_rng(0)
    judge = gan.Discriminator(7, 3, convolutions=((16, 5, 2), (16, 5, 2)))
    judge.compile(optimizer=keras.optimizers.Adam(0.003))
    step = gan.DiscriminatorStep(judge, loss, 1.0)
    there = np.ones((ROWS, TIME), np.float32)
    rights = []
    for _ in range(16):
        real = np.sort(dice.integers(7, size=(ROWS, TIME))).astype(np.int32)
        made = dice.permuted(real, axis=1)
        rights.append(step.take((real, there), (made, there), dice.random(ROWS, np.float32))[1])
    assert np.mean(rights[-4:]) > 0.9
    for layer in (*judge.layers_up, judge.verdict):
        kernel = np.asarray(layer.bounded()).reshape(-1, layer.channels)
        assert 0.95 < np.linalg.svd(kernel, compute_uv=False)[0] < 1.1
        assert np.abs(np.linalg.svd(np.asarray(layer.kernel).reshape(-1, layer.channels))[1][0] - 1) > 1e-3
    assert np.linalg.norm(np.asarray(judge.vectors()), axis=1).max() <= 1 + 1e-5


def test_padding_is_not_read(gan):
    judge, dice = gan.Discriminator(7, 3), np.random.default_rng(0)
    for layer in (*judge.layers_up, judge.verdict):
        layer.bias.assign(dice.normal(size=layer.channels))
    tokens = dice.integers(7, size=(2, TIME)).astype(np.int32)
    there = np.ones((2, TIME), np.float32)
    there[:, 40:] = 0
    other = np.pad(tokens, ((0, 0), (0, 64)), constant_values=5)
    other[:, 40:] = 2
    scores = judge.read(tokens, there), judge.read(other, np.pad(there, ((0, 0), (0, 64))))
    np.testing.assert_allclose(*map(np.asarray, scores), rtol=1e-4, atol=1e-6)
