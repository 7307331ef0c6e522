"""The variational autoencoder as a Keras model for training: encoder, latent, conductor, and the shared decoder.

The job of MusicVAE (Roberts et al., "A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music",
ICML 2018), for pieces of any number of bars: the latent has a row a bar. The encoder reads the notes of each bar, then
the bars both ways, and says where each bar's row lies; the conductor reads the rows both ways and gives the decoder one
context vector for every eighth of a bar. What it learnt of one bar it knows of all, and it may say what belongs to the
whole piece in any of them.

The prior is learnt too: where a bar's row lies, by the rows before it, the meter, the mode, and how many bars are to
come (as of VRNN: Chung et al., "A Recurrent Latent Variable Model for Sequential Data", NeurIPS 2015). Under a normal
distribution, the same for every bar, phrases would return only by chance in what is drawn.

The flat decoder (`hierarchical` off), for comparison: one row for the whole piece, the same context in every bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from composer.bar_notes import FORM, PLACES, SIZES
from composer.config import DecoderConfig, LatentConfig
from composer.latent_runtime import LOG_VARIANCE
from composer.models import decoder
from composer.models.lstm import LSTM
from theory.tokens.features import COLUMNS, PITCHES

ops = keras.ops
MOST_BARS = 64  # that have a weight of their own
FIRST_WEIGHT = 0.02


class NoteEncoder(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """The notes of each bar as one vector: what LSTMs have read at its end, forwards, and at its start, backwards.

    With "cnn" as the kind: the greatest of what two convolutions over three notes each find in it.
    """

    def __init__(self, config: LatentConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config, units = config, config.encoder_units
        if config.encoder == "lstm":
            self.readers = [LSTM(units, return_sequences=True, name=name) for name in ("forward", "backward")]
        else:
            self.readers = [
                keras.layers.Conv1D(2 * units, 3, padding="same", activation="relu", name=f"conv{index}")
                for index in (0, 1)
            ]

    def build(self, notes_shape: Any, count_shape: Any) -> None:
        """Create a table for each column of a note."""
        size = self.config.note
        self.tables = [
            self.add_weight(shape=(values, size), initializer=keras.initializers.RandomNormal(stddev=0.1), name=name)
            for name, values in SIZES.items()
        ]
        shape = (None, None, size)
        for reader in self.readers:
            reader.build(shape)
            if self.config.encoder == "cnn":
                shape = (None, None, 2 * self.config.encoder_units)

    def call(self, notes: Any, count: Any) -> Any:
        """Notes int32 (batch, bars, n, columns), count int32 (batch, bars) -> (batch, bars, 2 units)."""
        batch, bars, most = ops.shape(notes)[0], ops.shape(notes)[1], ops.shape(notes)[2]
        read = sum(ops.take(table, notes[..., index], axis=0) for index, table in enumerate(self.tables))
        read = ops.reshape(read, (batch * bars, most, self.config.note))
        count = ops.reshape(count, (batch * bars,))
        found = self._by_lstm(read, count) if self.config.encoder == "lstm" else self._by_cnn(read, count)
        return ops.reshape(found, (batch, bars, 2 * self.config.encoder_units))

    def _by_lstm(self, read: Any, count: Any) -> Any:
        last = ops.maximum(count - 1, 0)
        back = ops.maximum(last[:, None] - ops.arange(ops.shape(read)[1])[None], 0)
        backwards = ops.take_along_axis(read, back[:, :, None], axis=1)
        ends = [
            ops.take_along_axis(reader(each), last[:, None, None], axis=1)[:, 0]
            for reader, each in zip(self.readers, (read, backwards), strict=True)
        ]
        return ops.concatenate(ends, axis=-1) * ops.cast(count > 0, "float32")[:, None]

    def _by_cnn(self, read: Any, count: Any) -> Any:
        there = ops.cast(ops.arange(ops.shape(read)[1])[None] < count[:, None], "float32")[:, :, None]
        for reader in self.readers:
            read = reader(read * there)
        return ops.max(read * there, axis=1)

    def compute_output_shape(self, notes_shape: Any, count_shape: Any) -> tuple[Any, ...]:
        """(batch, bars, 2 units)."""
        return (*notes_shape[:2], 2 * self.config.encoder_units)


class BothWays(keras.layers.Layer):  # type: ignore[misc]
    """Bars read forwards and backwards: (batch, bars, n) -> (batch, bars, 2 units)."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.readers = [LSTM(units, return_sequences=True, name=name) for name in ("forward", "backward")]

    def build(self, shape: Any) -> None:
        """Create both LSTMs."""
        for reader in self.readers:
            reader.build(shape)

    def call(self, rows: Any) -> Any:
        """As said."""
        ahead, back = self.readers
        return ops.concatenate([ahead(rows), ops.flip(back(ops.flip(rows, axis=1)), axis=1)], axis=-1)

    def compute_output_shape(self, shape: Any) -> tuple[Any, ...]:
        """(batch, bars, 2 units)."""
        return (*shape[:2], 2 * self.units)


class Sample(keras.layers.Layer):  # type: ignore[misc]
    """A latent drawn from the posterior.

    It also keeps what the posterior's divergence from the prior weighs in training, by the number of bars:
    `composer.models.latent_step`.
    """

    def __init__(self, seed: int, weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dice, self.weight = keras.random.SeedGenerator(seed), weight

    def build(self, mean_shape: Any, log_variance_shape: Any) -> None:
        """Create the weights of the divergence."""
        weight = keras.initializers.Constant(self.weight)
        self.kl_weights = self.add_weight(
            shape=(MOST_BARS + 1,), initializer=weight, trainable=False, name="kl_weights"
        )

    def call(self, mean: Any, log_variance: Any) -> Any:
        """(batch, rows, size) each -> the same."""
        noise = keras.random.normal(ops.shape(mean), seed=self.dice)
        return mean + ops.exp(0.5 * ops.clip(log_variance, *LOG_VARIANCE)) * noise

    def compute_output_shape(self, mean_shape: Any, log_variance_shape: Any) -> Any:
        """As said."""
        return mean_shape


class Prior(keras.layers.Layer):  # type: ignore[misc]
    """How each row of a latent is distributed, by those before it and the form of the bars.

    At first all are normal, with a mean of 0 and a variance of 1.
    """

    def __init__(self, units: int, size: int, dropout: float, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.readers = [LSTM(units, return_sequences=True, name="reader")]
        self.drops = [keras.layers.Dropout(dropout, seed=seed + number) for number in range(2)]
        self.size = size

    def build(self, rows_shape: Any, form_shape: Any) -> None:
        """Create a table for each column of the form, and both layers."""
        (reader,) = self.readers
        reader.build((None, None, 2 * self.size))
        self.tables = [
            self.add_weight(shape=(values, self.size), initializer=keras.initializers.RandomNormal(0, 0.1), name=name)
            for name, values in FORM.items()
        ]
        self.kernel = self.add_weight(shape=(reader.units, 2 * self.size), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(2 * self.size,), initializer="zeros", name="bias")

    def call(self, rows: Any, form: Any) -> tuple[Any, Any]:
        """(batch, rows, size), int32 (batch, rows, columns) -> mean and logarithm of the variance, as the rows."""
        (reader,) = self.readers
        before = self.drops[0](ops.pad(rows, ((0, 0), (1, 0), (0, 0)))[:, :-1])
        read = self.drops[1](reader(ops.concatenate([before, self._known(form)], axis=-1)))
        return self._normal(read)

    def _known(self, form: Any) -> Any:
        return sum(ops.take(table, form[..., index], axis=0) for index, table in enumerate(self.tables))

    def _normal(self, read: Any) -> tuple[Any, Any]:
        read = ops.matmul(read, self.kernel) + self.bias
        return read[..., : self.size], read[..., self.size :]

    def compute_output_shape(self, rows_shape: Any, form_shape: Any) -> Any:
        """As said."""
        return rows_shape, rows_shape


class FromNoise(Prior):
    """Latents that the prior makes of noise: what is drawn, with a gradient to the prior's weights."""

    def call(self, rows: Any, form: Any) -> Any:
        """Noise (batch, rows, size) of a known number of rows, int32 (batch, rows, columns) -> as the noise."""
        kernel, recurrent, bias = (ops.convert_to_tensor(weight) for weight in self.readers[0].weights)
        known, before = self._known(form), ops.zeros_like(rows[:, 0])
        hidden = cell = ops.zeros((ops.shape(rows)[0], self.readers[0].units))
        made = []
        for row in range(rows.shape[1]):
            read = ops.concatenate([before, known[:, row]], axis=-1)
            gates = ops.matmul(read, kernel) + ops.matmul(hidden, recurrent) + bias
            i, f, candidate, o = ops.split(gates, 4, axis=-1)
            cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(candidate)
            hidden = ops.sigmoid(o) * ops.tanh(cell)
            mean, log_variance = self._normal(hidden)
            before = mean + ops.exp(0.5 * ops.clip(log_variance, *LOG_VARIANCE)) * rows[:, row]
            made.append(before)
        return ops.stack(made, axis=1)

    def compute_output_shape(self, rows_shape: Any, form_shape: Any) -> Any:
        """As the noise."""
        return rows_shape


class Divergence(keras.layers.Layer):  # type: ignore[misc]
    """Of one normal distribution from another, in nats: mean and logarithm of the variance of both -> (batch,)."""

    def call(self, mean: Any, log_variance: Any, other_mean: Any, other_log_variance: Any) -> Any:
        """All of (batch, rows, size)."""
        log_variance, other = (ops.clip(each, *LOG_VARIANCE) for each in (log_variance, other_log_variance))
        apart = (ops.square(mean - other_mean) + ops.exp(log_variance)) * ops.exp(-other)
        return 0.5 * ops.sum(apart - 1.0 + other - log_variance, axis=(1, 2))

    def compute_output_shape(self, mean_shape: Any, *others: Any) -> Any:
        """(batch,)."""
        return mean_shape[:1]


class InPlace(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """To each moment's context that of its place: (batch, time, n), (batch, places, n), int32 (batch, time)."""

    def call(self, context: Any, told: Any, place: Any) -> Any:
        """As said; beyond the last place the same as there."""
        place = ops.minimum(place, ops.shape(told)[1] - 1)
        return context + ops.take_along_axis(told, place[:, :, None], axis=1)

    def compute_output_shape(self, context_shape: Any, told_shape: Any, place_shape: Any) -> Any:
        """(batch, time, n)."""
        return context_shape


def build(
    sizes: DecoderConfig, latent: LatentConfig, seed: int = 0, weight: float = FIRST_WEIGHT, *, mixed: bool = False
) -> keras.Model:
    """Encoder, conductor and decoder over whole sequences.

    Inputs: tokens int32 (batch, time), plan int32 (batch, time, columns), heard float32 (batch, time, 128), place int32
    (batch, time), form int32 (batch, bars, columns), notes int32 (batch, bars, n, columns), count int32 (batch, bars).
    Outputs: logits float32 (batch, time, vocabulary); divergence of the posterior in nats, float32 (batch,).

    Args:
        sizes: of the decoder.
        latent: of the rest.
        seed: of the first weights, of dropout and of latents.
        weight: of the divergence, at first.
        mixed: compute the decoder's large products in bfloat16 (`composer.models.decoder.build`).
    """
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    plan = keras.Input((None, len(COLUMNS)), dtype="int32", name="plan")
    heard = keras.Input((None, PITCHES), dtype="float32", name="heard")
    place = keras.Input((None,), dtype="int32", name="place")
    form = keras.Input((None, len(FORM)), dtype="int32", name="form")
    notes = keras.Input((None, None, len(SIZES)), dtype="int32", name="notes")
    count = keras.Input((None,), dtype="int32", name="count")

    read = NoteEncoder(latent, name="encoder.notes")(notes, count)
    read = keras.layers.Dropout(latent.dropout, seed=seed + 101)(read)
    read = BothWays(latent.encoder_units, name="encoder.bars")(read)
    if not latent.hierarchical:
        read = keras.layers.GlobalAveragePooling1D(keepdims=True)(read)
    mean = keras.layers.Dense(latent.size, name="encoder.mean")(read)
    spread = keras.layers.Dense(latent.size, kernel_initializer="zeros", name="encoder.log_variance")(read)
    rows = Sample(seed + 102, weight, name="sample")(mean, spread)
    prior = Prior(latent.prior_units, latent.size, latent.dropout, seed + 103, name="prior")
    expected = prior(rows, form if latent.hierarchical else form[:, :1])
    divergence = Divergence(name="divergence")(mean, spread, *expected)
    told = conductor(sizes, latent, rows)

    def in_bar(context: Any) -> Any:
        return InPlace()(context, told, place)

    logits = decoder.logits(sizes, tokens, plan, heard, seed=seed, mixed=mixed, more=in_bar)
    return keras.Model([tokens, plan, heard, place, form, notes, count], [logits, divergence], name="vae")


def weights(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """The model's weights under the names that `composer.latent_runtime` and `composer.runtime` read."""
    return {name: np.asarray(weight, dtype=np.float32) for name, weight in _named(model).items()}


def set_weights(model: keras.Model, values: dict[str, NDArray[np.float32]]) -> None:
    """Put weights, by those names, into a model."""
    for name, weight in _named(model).items():
        weight.assign(values[name])


def _named(model: keras.Model) -> dict[str, Any]:
    named = decoder.named(model)
    for layer in model.layers:
        if layer.name.startswith(("encoder.", "conductor.", "prior")):
            for path, weight in _parts(layer):
                named[f"{layer.name}.{path}"] = weight
    return named


_PARTS = {LSTM: ("kernel", "recurrent", "bias"), keras.layers.Conv1D: ("kernel", "bias")}


def _parts(layer: Any) -> Iterator[tuple[str, Any]]:
    """The weights of a layer, those of the layers in it by their names."""
    readers = getattr(layer, "readers", ())
    inside = {id(weight) for reader in readers for weight in reader.weights}
    for weight in layer.weights:
        if id(weight) not in inside:
            yield weight.name, weight
    for reader in readers:
        for part, weight in zip(_PARTS[type(reader)], reader.weights, strict=True):
            yield f"{reader.name}.{part}", weight


def conductor(sizes: DecoderConfig, latent: LatentConfig, rows: Any) -> Any:
    """What the decoder is told at each place: latent (batch, bars, size) -> (batch, bars x `PLACES`, context).

    Of a flat model: (batch, 1, size) -> (batch, 1, context).
    """
    if not latent.hierarchical:
        return keras.layers.Dense(sizes.context, name="conductor.output")(rows)
    read = BothWays(latent.conductor_units, name="conductor.bars")(rows)
    read = keras.layers.Concatenate()([rows, read])
    read = keras.layers.Dense(2 * latent.conductor_units, activation="tanh", name="conductor.bar")(read)
    told = keras.layers.Dense(PLACES * sizes.context, name="conductor.output")(read)
    return keras.layers.Reshape((-1, sizes.context))(told)
