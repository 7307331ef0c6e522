"""The fast LSTM layer: the values, gradients and weights of Keras' own."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")

import keras  # noqa: E402

from composer.models import recurrence  # noqa: E402
from composer.models.device import on_processor  # noqa: E402
from composer.models.lstm import LSTM, Table, TokenLSTM  # noqa: E402

BATCH, TIME, FEATURES = 3, 9, 6


def given(*shape, seed=0):
    return tf.constant(np.random.default_rng([seed, *shape]).normal(0, 1, shape).astype(np.float32))


def pair(units, **settings):
    """Keras' layer and ours with the same weights, the biases no zeros."""
    layers = []
    for layer in (keras.layers.LSTM(units, **settings), LSTM(units, **settings)):
        layer.build((None, None, FEATURES))
        layer.set_weights([units**-0.5 * given(*weight.shape) for weight in layer.weights])
        layers.append(layer)
    return layers


def results(layer, sequences, state):
    """All outputs, and the gradients of one number made of them all by everything that went in."""
    everything = [sequences, *state, *(weight.value for weight in layer.weights)]
    with tf.GradientTape() as tape:
        tape.watch(everything)
        made = tf.nest.flatten(layer(sequences, initial_state=state or None))
        loss = tf.add_n([tf.reduce_sum(tf.cast(one, tf.float32) * given(*one.shape, seed=1)) for one in made])
    return [*made, *tape.gradient(loss, everything)]


def same(ones, others, tolerance=1e-5):
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("units", [5, 256])  # 256: kernels whose rows are whole pages
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("states", [True, False])
def test_values_and_all_gradients_are_those_of_the_stock_layer(units, sequences, states):
    state = [given(BATCH, units, seed=2), given(BATCH, units, seed=3)] if states else []
    stock, ours = pair(units, return_sequences=sequences, return_state=states)
    read = given(BATCH, TIME, FEATURES)
    same(results(ours, read, state), results(stock, read, state))


def test_any_length_and_number_of_sequences():
    stock, ours = pair(5, return_sequences=True)
    graph = tf.function(ours, input_signature=[tf.TensorSpec((None, None, FEATURES))])
    for shape in ((1, 1), (2, 1), (1, 4), (4, 12)):
        read = given(*shape, FEATURES)
        np.testing.assert_allclose(graph(read), stock(read), atol=1e-6)


def test_it_takes_the_fast_way(monkeypatch):
    taken = []
    monkeypatch.setattr(recurrence, "run", lambda *given: taken.append(given) or (given[0], given[2]))
    LSTM(5)(given(BATCH, TIME, FEATURES))
    assert len(taken) == on_processor()


@pytest.mark.parametrize(
    "settings",
    [{"activation": "relu"}, {"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}, {"go_backwards": True}],
)
def test_what_the_loops_do_not_know_is_the_stock_layers_affair(settings):
    stock, ours = pair(5, return_sequences=True, **settings)
    read = given(BATCH, TIME, FEATURES)
    same(results(ours, read, []), results(stock, read, []), 1e-6)


def test_elsewhere_it_is_the_stock_layer(monkeypatch):
    monkeypatch.setattr("composer.models.lstm.on_processor", lambda: False)
    monkeypatch.delattr(recurrence, "run")
    stock, ours = pair(5, return_sequences=True, return_state=True)
    read = given(BATCH, TIME, FEATURES)
    same(results(ours, read, []), results(stock, read, []), 1e-6)


def test_masked_steps_are_skipped():
    stock, ours = pair(5)
    read, mask = given(BATCH, TIME, FEATURES), np.arange(TIME) < np.array([[9], [4], [1]])
    np.testing.assert_allclose(ours(read, mask=mask), stock(read, mask=mask), atol=1e-6)


def by_the_book(sequences, hidden, cell, kernel, recurrent, bias, kept):
    """Step by step, for TensorFlow to differentiate (Hochreiter & Schmidhuber, 1997; Gers et al., 2000)."""
    outputs = []
    for now in tf.unstack(sequences, axis=1):
        i, f, candidate, o = tf.split(now @ kernel + (hidden * kept) @ recurrent + bias, 4, axis=1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(candidate)
        hidden = tf.sigmoid(o) * tf.tanh(cell)
        outputs.append(hidden)
    return tf.stack(outputs, axis=1), cell


def test_gradients_under_recurrent_dropout():
    units = 5
    kept = tf.constant(np.random.default_rng(0).choice([0, 2], (BATCH, units)).astype(np.float32))
    everything = [given(BATCH, TIME, FEATURES), given(BATCH, units), given(BATCH, units, seed=1)]
    everything += [0.3 * given(FEATURES, 4 * units), 0.3 * given(units, 4 * units), given(4 * units)]
    found = []
    for way in (recurrence.run, by_the_book):
        with tf.GradientTape() as tape:
            tape.watch(everything)
            outputs, cell = way(*everything, kept)
            loss = tf.reduce_sum(outputs * given(*outputs.shape)) + tf.reduce_sum(cell * given(*cell.shape, seed=1))
        found.append([outputs, cell, *tape.gradient(loss, everything)])
    same(*found)


def test_mixed_precision_keeps_two_digits():
    exact, mixed = pair(64, return_sequences=True)[1], LSTM(64, return_sequences=True, dtype="mixed_bfloat16")
    mixed.build((None, None, FEATURES))
    mixed.set_weights(exact.get_weights())
    read = given(BATCH, TIME, FEATURES)
    assert mixed(read).dtype == tf.bfloat16
    for one, other in zip(results(mixed, read, []), results(exact, read, []), strict=True):
        one, other = np.asarray(tf.cast(one, tf.float32)), np.asarray(other)
        assert np.abs(one - other).max() < 0.03 * np.abs(other).max()


@pytest.mark.parametrize("setting", ["dropout", "recurrent_dropout"])
def test_dropout_drops_the_same_at_all_steps_and_only_in_training(setting):
    layer = LSTM(5, return_sequences=True, seed=0, **{setting: 0.5})
    read = tf.ones((500, TIME, FEATURES))
    layer.build(read.shape)
    weights = [0.02 * np.abs(given(*weight.shape)) for weight in layer.get_weights()[:2]]
    layer.set_weights([*weights, *layer.get_weights()[2:]])
    plain, first, second = layer(read), layer(read, training=True), layer(read, training=True)
    np.testing.assert_array_equal(plain, layer(read))
    assert not np.array_equal(first, second)
    # A constant input and one mask: states rise without a jump, as they do without dropout.
    assert (np.diff(first, axis=1) >= -1e-6).all()
    assert np.abs(np.mean(first - plain, axis=0)).max() < 0.01


def test_it_is_a_keras_layer_like_any_other():
    tokens = keras.Input((None, FEATURES))
    model = keras.Model(tokens, LSTM(5, return_sequences=True, recurrent_dropout=0.2, name="lstm0")(tokens))
    assert [weight.name for weight in model.get_layer("lstm0").weights] == ["kernel", "recurrent_kernel", "bias"]
    stock = keras.Model(tokens, keras.layers.LSTM(5, return_sequences=True, name="lstm0")(tokens))
    stock.set_weights(model.get_weights()[:3])
    read = given(BATCH, TIME, FEATURES)
    np.testing.assert_allclose(stock(read), model(read), atol=1e-6)
    again = LSTM.from_config(model.get_layer("lstm0").get_config())
    assert (again.units, again.recurrent_dropout, again.return_sequences) == (5, 0.2, True)


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("settings", [{}, {"use_bias": False}])  # the second is not for the loops
def test_tokens_are_looked_up(more, settings):
    """Beside an embedding and a stock layer."""
    units, words, size = 5, 7, 4
    tokens = tf.constant(np.random.default_rng(0).integers(0, words, (BATCH, TIME), np.int32))
    beside = given(BATCH, TIME, more)
    layer, stock = TokenLSTM(units, **settings), keras.layers.LSTM(units, return_sequences=True, **settings)
    layer.build((None, None), (words, size), (None, None, more) if more else None)
    stock.build((None, None, size + more))
    layer.set_weights([0.3 * given(*weight.shape) for weight in layer.weights])
    stock.set_weights(layer.get_weights())
    table, found = given(words, size), []
    for one, way in (
        (layer, lambda: layer(tokens, table, beside if more else None)),
        (stock, lambda: stock(tf.concat([tf.gather(table, tokens), beside], axis=2))),
    ):
        weights = [weight.value for weight in one.weights]
        with tf.GradientTape() as tape:
            tape.watch([table, beside])
            outputs = way()
            loss = tf.reduce_sum(outputs * given(*outputs.shape))
        slopes = tape.gradient(loss, [table, *weights, *([beside] if more else [])])
        found.append([outputs, *map(tf.convert_to_tensor, slopes)])
    same(*found)


def test_tokens_in_a_model():
    tokens, more = keras.Input((None,), dtype="int32"), keras.Input((None, 3))
    outputs = TokenLSTM(5, recurrent_dropout=0.5, dropout=0.5, seed=1)(tokens, Table(7, 4)(tokens), more)
    assert outputs.shape == (None, None, 5)
    model = keras.Model([tokens, more], outputs)
    read = [tf.ones((BATCH, TIME), tf.int32), given(BATCH, TIME, 3)]
    assert model(read).shape == (BATCH, TIME, 5)
    assert not np.array_equal(model(read), model(read, training=True))
