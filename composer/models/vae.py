"""The variational autoencoder as a Keras model for training: encoder, latent, conductor, and the shared decoder.

The job of MusicVAE (Roberts et al., "A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music",
ICML 2018), for pieces of any number of bars: the latent has a row a bar. The encoder reads the notes of each bar, then
the bars both ways, and says where each bar's row lies; the conductor reads the rows both ways and gives the decoder one
context vector for every eighth of a bar. What it learnt of one bar it knows of all, and it may say what belongs to the
whole piece in any of them.

The prior is learnt too: where a bar's row lies, by the rows before it, the meter, the signature, the mode, and how many
bars are to come (as of VRNN: Chung et al., "A Recurrent Latent Variable Model for Sequential Data", NeurIPS 2015). It
is a mixture: a new bar, or one of those before again. Under a normal distribution, the same for every bar, phrases
would return only by chance in what is drawn. It learns beside the others, then anew (`composer.second_stage`).

The flat decoder (`hierarchical` off), for comparison: one row for the whole piece, the same context in every bar.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from composer.bar_notes import FORM, PLACES, SIZES
from composer.config import LAGS, MOST_BARS, DecoderConfig, LatentConfig
from composer.latent_runtime import LOG_VARIANCE, NOT_THERE
from composer.models import decoder
from composer.models.lstm import LSTM
from theory.tokens.features import COLUMNS, PITCHES

ops = keras.ops
FIRST_WEIGHT = 0.02
# Of rows that return, a logit that stays. A young encoder would make all rows alike, which then cost nothing and say
# nothing: that they return is learnt once the encoder stays (`composer.second_stage`).
_NO_RETURN = -30.0


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

    A mixture of normal distributions: of one around a mean that the network says, as a new bar is, and of one for each
    of the rows `LAGS` back, as a bar is that returns. A row that was drawn lies off the middle of its bar by chance and
    returns nearer to it, so each number is scaled and shifted.

    Args:
        units: cells of its LSTM.
        size: numbers in a row.
        dropout: share of what it reads and says that is dropped in training.
        seed: of what is dropped.
        logit: of each row that returns, at first, beside 0 of a new one.
    """

    def __init__(self, units: int, size: int, dropout: float, seed: int, logit: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.logit = logit
        self.readers = [LSTM(units, return_sequences=True, name="reader")]
        self.drops = [keras.layers.Dropout(dropout, seed=seed + number) for number in range(2)]
        self.size, self.outputs = size, LatentConfig(size=size, prior_units=units).prior_outputs

    def build(self, rows_shape: Any, form_shape: Any) -> None:
        """Create a table for each column of the form, and both layers."""
        (reader,) = self.readers
        reader.build((None, None, (len(LAGS) + 1) * self.size))
        self.tables = [
            self.add_weight(shape=(values, self.size), initializer="zeros", name=name)  # of what never comes, nothing
            for name, values in FORM.items()
        ]
        said = sum(self.outputs)
        self.kernel = self.add_weight(shape=(reader.units, said), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(said,), initializer="zeros", name="bias")
        self.bias.assign(np.pad(np.full(len(LAGS), self.logit, np.float32), (said - len(LAGS), 0)))
        again = (len(LAGS), self.size)
        self.scale = self.add_weight(shape=again, initializer="ones", name="again.scale")
        self.shift = self.add_weight(shape=again, initializer="zeros", name="again.shift")

    def call(self, rows: Any, form: Any) -> Any:
        """(batch, rows, size), int32 (batch, rows, columns) -> how little the rows are expected, in nats, (batch,)."""
        (reader,) = self.readers
        before = [ops.pad(rows, ((0, 0), (lag, 0), (0, 0)))[:, : ops.shape(rows)[1]] for lag in LAGS]
        read = ops.concatenate([self.drops[0](ops.concatenate(before, axis=-1)), self._known(form)], axis=-1)
        hidden = self.drops[1](reader(read))
        means, log_variances, shares = self._mixture(hidden, before, ops.arange(ops.shape(rows)[1]))
        each = shares + log_density(rows[:, :, None], means, log_variances)
        return -ops.sum(ops.logsumexp(each, axis=-1), axis=-1)

    def _known(self, form: Any) -> Any:
        return sum(ops.take(table, form[..., index], axis=0) for index, table in enumerate(self.tables))

    def _mixture(self, hidden: Any, before: list[Any], row: Any) -> tuple[Any, Any, Any]:
        """Means and logarithms of variances (batch, rows, 1 + lags, size), and of shares (batch, rows, 1 + lags).

        Args:
            hidden: what was read, (batch, rows, units).
            before: the rows that each of the lags leads back to, (batch, rows, size) each.
            row: numbers of the rows, (rows,).
        """
        said = ops.matmul(hidden, self.kernel) + self.bias
        mean, spread, others, logits = ops.split(said, np.cumsum(self.outputs)[:-1].tolist(), axis=-1)
        again = ops.stack(before, axis=2) * self.scale + self.shift
        means = ops.concatenate([mean[:, :, None], again], axis=2)
        spreads = ops.concatenate([spread, others], axis=-1)
        spreads = ops.reshape(spreads, (*ops.shape(spread)[:2], 1 + len(LAGS), self.size))
        there = row[:, None] >= ops.convert_to_tensor((0, *LAGS))
        logits = ops.where(there, logits, NOT_THERE)
        return means, ops.clip(spreads, *LOG_VARIANCE), ops.log_softmax(logits, axis=-1)

    def compute_output_shape(self, rows_shape: Any, form_shape: Any) -> Any:
        """(batch,)."""
        return rows_shape[:1]


class FromNoise(Prior):
    """Latents that the prior makes of noise, with a gradient to the prior's weights.

    A row that returns has noise of its own, as latents of real pieces do, which these are to be like; what is played
    has none (`composer.latent_runtime.Latent.drawn`).

    Which of the mixture a row is drawn from is a matter of the first number of its noise; its gradient is that of the
    shares, straight through.
    """

    def call(self, rows: Any, form: Any) -> Any:
        """Noise (batch, rows, 1 + size) of a known number of rows, int32 (batch, rows, columns) -> latent."""
        kernel, recurrent, bias = (ops.convert_to_tensor(weight) for weight in self.readers[0].weights)
        known, nothing = self._known(form), ops.zeros_like(rows[:, 0, 1:])
        hidden = cell = ops.zeros((ops.shape(rows)[0], self.readers[0].units))
        points = 0.5 * (1 + ops.erf(rows[..., 0] / math.sqrt(2)))
        made: list[Any] = []
        for row in range(rows.shape[1]):
            before = [made[row - lag] if row >= lag else nothing for lag in LAGS]
            gates = ops.matmul(ops.concatenate([*before, known[:, row]], axis=-1), kernel)
            i, f, candidate, o = ops.split(gates + ops.matmul(hidden, recurrent) + bias, 4, axis=-1)
            cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(candidate)
            hidden = ops.sigmoid(o) * ops.tanh(cell)
            mixture = self._mixture(hidden[:, None], [each[:, None] for each in before], ops.convert_to_tensor([row]))
            means, spreads, shares = (each[:, 0] for each in mixture)
            passed = ops.cumsum(ops.exp(shares), axis=-1)[:, :-1] <= points[:, row, None]
            chosen, likely = ops.one_hot(ops.sum(ops.cast(passed, "int32"), axis=-1), 1 + len(LAGS)), ops.exp(shares)
            which = chosen + likely - ops.stop_gradient(likely)
            drawn = means + ops.exp(0.5 * spreads) * rows[:, row, None, 1:]
            made.append(ops.sum(which[:, :, None] * drawn, axis=1))
        return ops.stack(made, axis=1)

    def compute_output_shape(self, rows_shape: Any, form_shape: Any) -> Any:
        """(batch, rows, size)."""
        return (*rows_shape[:2], self.size)


def log_density(rows: Any, mean: Any, log_variance: Any) -> Any:
    """Of a normal distribution, in nats: all of (..., size) -> (...)."""
    apart = ops.square(rows - mean) * ops.exp(-log_variance)
    return -0.5 * ops.sum(apart + log_variance + math.log(2 * math.pi), axis=-1)


class Divergence(keras.layers.Layer):  # type: ignore[misc]
    """How much more a drawn latent is expected by the posterior than by the prior: its mean is their divergence."""

    def call(self, rows: Any, mean: Any, log_variance: Any, surprise: Any) -> Any:
        """What was drawn, of what mean and variance, (batch, rows, size); by the prior, in nats (batch,): the same."""
        return ops.sum(log_density(rows, mean, ops.clip(log_variance, *LOG_VARIANCE)), axis=-1) + surprise

    def compute_output_shape(self, rows_shape: Any, *others: Any) -> Any:
        """(batch,)."""
        return rows_shape[:1]


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
    Outputs: logits float32 (batch, time, vocabulary); divergence of the posterior in nats, as the drawn latent has
    it, float32 (batch,).

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
    prior = Prior(latent.prior_units, latent.size, latent.dropout, seed + 103, _NO_RETURN, name="prior")
    surprise = prior(rows, form if latent.hierarchical else form[:, :1])
    divergence = Divergence(name="divergence")(rows, mean, spread, surprise)
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
    return decoder.named(model) | named_around(model)


def named_around(model: keras.Model) -> dict[str, Any]:
    """The weights of what there is of encoder, prior and conductor in a model, by their names."""
    named: dict[str, Any] = {}
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
