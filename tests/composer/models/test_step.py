"""One step of training: however a batch is cut and in how many parts it comes, the same weights."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

import keras  # noqa: E402

from composer.models import loss, shares  # noqa: E402
from composer.models.device import cores  # noqa: E402
from composer.models.lstm import LSTM  # noqa: E402
from composer.models.shares import SharedStep  # noqa: E402
from composer.models.step import Examples, KerasStep, step_for  # noqa: E402

WORDS, ROWS, TIME = 7, 24, 6


def network(dropout=0.0):
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    hidden = LSTM(5, return_sequences=True, dropout=dropout)(keras.layers.Embedding(WORDS, 4)(tokens))
    model = keras.Model(tokens, keras.layers.Dense(WORDS)(keras.layers.Dropout(dropout, seed=1)(hidden)))
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=keras.losses.SparseCategoricalCrossentropy(True))
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture(scope="module")
def examples():
    dice = np.random.default_rng(0)
    tokens = dice.integers(0, WORDS, (ROWS, TIME + 1), np.int32)
    weights = (np.arange(TIME) < dice.integers(1, TIME + 1, (ROWS, 1))).astype(np.float32)
    return Examples(tokens[:, :-1], tokens[:, 1:], weights)


def after(batches, make=SharedStep, dropout=0.0, **settings):
    """The losses of two steps and all weights after them."""
    model = network(dropout)
    step = make(model, **settings)
    losses = [step.train(batches) for _ in range(2)]
    return [np.array(losses), *model.get_weights()]


def same(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def parts(examples):
    """The examples in three batches, the second shorter where nobody reads on."""
    cut = [Examples(*(values[rows] for values in examples)) for rows in (slice(0, 4), slice(4, 5), slice(5, 24))]
    length = int(np.flatnonzero(cut[1].weights.any(axis=0))[-1]) + 1
    return [cut[0], Examples(*(values[:, :length] for values in cut[1])), cut[2]]


def test_a_step_is_keras_own(examples):
    same(after([examples], shares=1), after([examples], KerasStep))
    assert isinstance(step_for(network()), SharedStep)


@pytest.mark.parametrize("way", [SharedStep, KerasStep])
def test_several_batches_are_one(examples, way):
    assert {batch.targets.shape[1] for batch in parts(examples)} != {TIME}
    same(after(parts(examples), way), after([examples], KerasStep))


@pytest.mark.parametrize("shares", [2, 3, 100])
def test_shares_change_nothing(examples, shares):
    same(after([examples], shares=shares), after([examples], shares=1))


def test_the_same_seed_gives_the_same_bytes(examples):
    one, other = (after([examples], dropout=0.4, shares=2) for _ in range(2))
    assert all(np.array_equal(*values) for values in zip(one, other, strict=True))
    assert not np.array_equal(one[0], after([examples], shares=2)[0])


def test_several_who_train_together_are_one(examples):
    """Two who have rows, and a third who has none and whose model is looked at."""
    nothing, *rows = [
        Examples(*(values[part] for values in examples)) for part in (slice(0), slice(0, 9), slice(9, 24))
    ]
    mine = []

    def tell(sums):
        mine.append(sums)
        raise StopIteration

    for part in rows:
        with pytest.raises(StopIteration):
            SharedStep(network(), total=tell).train([part])
    model = network()
    step = SharedStep(model, total=lambda sums: [tf.add_n(parts) for parts in zip(sums, *mine, strict=True)])
    loss = step.train([nothing])
    alone = network()
    assert loss == pytest.approx(SharedStep(alone).train([examples]), rel=1e-5)
    same(model.get_weights(), alone.get_weights())


@pytest.mark.parametrize("way", [SharedStep, KerasStep])
def test_nats_are_summed_and_nothing_is_dropped(examples, way):
    model = network(dropout=0.5)
    likelihoods = keras.ops.log_softmax(model(examples.inputs)).numpy()
    rows, times = np.nonzero(examples.weights)
    nats = -likelihoods[rows, times, examples.targets[rows, times]].sum()
    assert way(model).score(examples) == [pytest.approx(nats, rel=1e-5)]


@pytest.mark.parametrize("processor", [True, False])
def test_the_loss_and_its_gradient(monkeypatch, processor):
    monkeypatch.setattr(loss, "on_processor", lambda: processor)
    dice = np.random.default_rng(1)
    logits = tf.constant(dice.normal(0, 30, (2, 3, WORDS)).astype(np.float32))
    targets, weights = dice.integers(0, WORDS, (2, 3)), dice.integers(0, 2, (2, 3)).astype(np.float32)
    found = []
    for way in (
        lambda: 3 * loss.nats(logits, targets, weights),
        lambda: 3 * tf.reduce_sum(weights * tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)),
    ):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            nats = way()
        found.append([nats, tape.gradient(nats, logits)])
    same(*found)


def test_mixed_precision_learns_the_same_roughly(examples):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = after([examples])
    finally:
        keras.config.set_dtype_policy("float32")
    for one, other in zip(mixed, after([examples]), strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_there_is_a_core():
    assert cores() >= 1
    shares.divide_threads(ROWS)  # too late here, and said nowhere
