"""The networks of a GAN under TensorFlow: one makes the latent of a piece of noise, the other tells it from real ones.

A row of a latent is a bar as the encoder of a VAE reads it, and the decoder writes from it what it says. Tokens are
drawn, so that a loss on them has no gradient of its own; latents have one.

The generator is the prior of the VAE, an LSTM that goes on from row to row: what it learnt by likelihood is where it
starts. Which of its mixture a row is drawn from is a choice; its gradient is that of the shares, straight through
(Bengio, Leonard & Courville, 2013). The discriminator is a convolutional network over bars under spectral normalisation
(Miyato et al., ICLR 2018). Losses are the relativistic one (Jolicoeur-Martineau, ICLR 2019) with a penalty on the slope
at real music (Mescheder, Geiger & Nowozin, ICML 2018), or Wasserstein's with Gulrajani et al.'s penalty (NeurIPS 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from composer.bar_notes import FORM
from composer.config import LatentConfig
from composer.models.shares import SharedStep
from composer.models.step import Examples
from composer.models.vae import FromNoise

VECTOR = 16  # of a bar's form, as the discriminator reads it
CHANNELS = 192
# How far apart the three bars lie that each of its convolutions reads: the last one sees what 8 bars ago was.
CONVOLUTIONS = (1, 2, 4, 8)
_SCALE = 4.0  # of scores: a network that stretches nothing says little
_SLOPE = 0.2  # of leaky rectifiers
_FIRST_ROUNDS = 30  # of the power iteration, before anything is learnt
_ROUNDS = 3  # after a step
_LEAST = 1e-30


def generator(latent: LatentConfig, bars: int, seed: int = 0) -> keras.Model:
    """A prior that makes latents of noise.

    Inputs: form int32 (batch, bars, columns), noise float32 (batch, rows, 1 + size).
    Output: float32 (batch, rows, size).

    Args:
        latent: sizes.
        bars: of each piece.
        seed: of the first weights.
    """
    rows = bars if latent.hierarchical else 1
    keras.utils.set_random_seed(seed)
    form = keras.Input((bars, len(FORM)), dtype="int32", name="form")
    noise = keras.Input((rows, 1 + latent.size), dtype="float32", name="noise")
    prior = FromNoise(latent.prior_units, latent.size, 0.0, seed, name="prior")
    return keras.Model([form, noise], prior(noise, form[:, :rows]), name="generator")


class SpectralNormalized(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """A convolution over time whose kernel, as a matrix (width x features, channels), stretches nothing.

    It is divided by its largest singular value, which a power iteration follows (`iterate`).

    Args:
        channels: that it gives.
        width: places that it reads at a time; 1 of one place makes a dense layer.
        apart: how far these lie from one another.
    """

    def __init__(self, channels: int, width: int = 1, apart: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self.width, self.apart = channels, width, apart

    def build(self, shape: Any) -> None:
        """Create kernel, bias and the iteration's vector."""
        self.kernel = self.add_weight(
            shape=(self.width, shape[-1], self.channels), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias")
        self.direction = self.add_weight(
            shape=(self.channels,),
            initializer=keras.initializers.RandomNormal(seed=1),
            trainable=False,
            name="direction",
        )
        self.iterate(_FIRST_ROUNDS)

    def iterate(self, rounds: int = _ROUNDS) -> None:
        """Go on with the power iteration; a few rounds after each change of the kernel are enough."""
        matrix, direction = self._matrix(), self.direction.value
        for _ in range(rounds):
            direction = _unit(tf.linalg.matvec(matrix, _unit(tf.linalg.matvec(matrix, direction)), transpose_a=True))
        self.direction.assign(direction)

    def bounded(self) -> Any:
        """The kernel divided by its largest singular value: (width, features, channels)."""
        matrix, direction = self._matrix(), tf.stop_gradient(_unit(self.direction.value))
        stretched = tf.linalg.matvec(matrix, direction)
        return self.kernel.value / tf.maximum(tf.reduce_sum(tf.stop_gradient(_unit(stretched)) * stretched), _LEAST)

    def _matrix(self) -> Any:
        return tf.reshape(self.kernel.value, (-1, self.channels))

    def call(self, rows: Any) -> Any:
        """(batch, time, features) -> (batch, time, channels); what lies before and after is 0.

        One product, as TensorFlow has no gradient of a dilated convolution on processors without oneDNN.
        """
        time, reach = tf.shape(rows)[1], self.width // 2 * self.apart
        padded = tf.pad(rows, ((0, 0), (reach, reach), (0, 0)))
        read = tf.concat([padded[:, place : place + time] for place in range(0, 2 * reach + 1, self.apart)], axis=-1)
        kernel = tf.reshape(self.bounded(), (-1, self.channels))
        return tf.einsum("btf,fc->btc", read, kernel) + self.bias.value


def _unit(vector: Any) -> Any:
    return vector / tf.maximum(tf.norm(vector), _LEAST)


class Discriminator(keras.Model):  # type: ignore[misc]
    """Says of latents how real they look: a number each, that of real ones higher.

    Args:
        size: of a row.
        seed: of the first weights.
        channels: of its convolutions.
    """

    def __init__(self, size: int, seed: int = 0, channels: int = CHANNELS) -> None:
        super().__init__(name="discriminator")
        keras.utils.set_random_seed(seed)
        first = keras.initializers.RandomNormal(stddev=VECTOR**-0.5)
        self.tables = [
            self.add_weight(shape=(values, VECTOR), initializer=first, name=name) for name, values in FORM.items()
        ]
        self.layers_up = [
            SpectralNormalized(channels, 3, apart, name=f"convolution{index}")
            for index, apart in enumerate(CONVOLUTIONS)
        ]
        self.verdict = SpectralNormalized(1, name="verdict")
        features = [size + VECTOR, *[channels] * (len(CONVOLUTIONS) - 1), 2 * channels]
        for layer, count in zip((*self.layers_up, self.verdict), features, strict=True):
            layer.build((None, None, count))
        self.built = True

    def call(self, rows: Any, form: Any) -> Any:
        """Rows (batch, rows, size), int32 (batch, bars, columns) -> scores (batch,)."""
        form = form[:, : rows.shape[1]]
        known = sum(tf.gather(table.value, form[..., index]) for index, table in enumerate(self.tables))
        read = tf.concat([rows, known], axis=-1)
        for index, layer in enumerate(self.layers_up):
            found = tf.nn.leaky_relu(layer(read), _SLOPE)
            read = read + found if index else found
        found = tf.concat([tf.reduce_mean(read, axis=1), tf.reduce_max(read, axis=1)], axis=1)
        return _SCALE * self.verdict(found[:, None])[:, 0, 0]

    def iterate(self) -> None:
        """See `SpectralNormalized.iterate`: after each change of the weights."""
        for layer in (*self.layers_up, self.verdict):
            layer.iterate()


class Sides(NamedTuple):
    """What the two losses say, each of scores of as many real and generated pieces, (n,): a loss each, (n,).

    Attributes:
        discriminator: of (real, generated).
        generator: likewise.
        penalty: on slopes of the discriminator: of (it, real rows, generated ones, form, points 0 to 1 between them),
            (n,).
    """

    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any, Any], Any]
    penalty: Callable[..., Any]


def _slopes(discriminator: Any, rows: Any, form: Any) -> Any:
    """Squared length of the slope of each score, (n,)."""
    with tf.GradientTape() as tape:
        tape.watch(rows)
        scores = tf.reduce_sum(discriminator(rows, form))
    return tf.reduce_sum(tf.square(tape.gradient(scores, rows)), axis=(1, 2))


def _at_real(discriminator: Any, real: Any, made: Any, form: Any, point: Any) -> Any:
    return 0.5 * _slopes(discriminator, real, form)


def _between(discriminator: Any, real: Any, made: Any, form: Any, point: Any) -> Any:
    point = point[:, None, None]
    return tf.square(tf.sqrt(_slopes(discriminator, point * real + (1 - point) * made, form) + 1e-12) - 1)


LOSSES = {
    "relativistic": Sides(
        lambda real, made: tf.nn.softplus(made - real), lambda real, made: tf.nn.softplus(real - made), _at_real
    ),
    "wasserstein": Sides(lambda real, made: made - real, lambda real, made: -made, _between),
}


class Pairs(NamedTuple):
    """Real latents, each beside noise for one of the same form.

    Attributes:
        form: int32 (batch, bars, columns).
        noise: float32 (batch, rows, 1 + size).
        real: float32 (batch, rows, size).
        points: chance, float32 (batch,).
    """

    form: NDArray[np.int32]
    noise: NDArray[np.float32]
    real: NDArray[np.float32]
    points: NDArray[np.float32]


class DiscriminatorStep(SharedStep):
    """How a compiled discriminator learns.

    Args:
        model: a `Discriminator`.
        generator: as from `generator`; stays as it is.
        loss: one of `LOSSES`.
        penalty: weight of the penalty on its slope.
    """

    FIGURES = 2  # loss, real ones scored above the generated ones they stand beside
    ANY_SIZE = False  # the generator goes on from row to row of a known number

    def __init__(self, model: Discriminator, generator: keras.Model, loss: str, penalty: float) -> None:
        super().__init__(model)
        self._generator, self._loss, self._penalty = generator, LOSSES[loss], penalty

    def take(self, pairs: Pairs) -> tuple[float, float]:
        """Take one step; return the mean loss, and the share of pairs that were told right."""
        rows, loss, right = self._taught([_examples(pairs)])
        self._model.iterate()
        return loss / rows, right / rows

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        pairs = share.inputs
        made = tf.stop_gradient(self._generator([pairs.form, pairs.noise], training=False))
        real_scores, made_scores = self._model(pairs.real, pairs.form), self._model(made, pairs.form)
        total = loss = tf.reduce_sum(self._loss.discriminator(real_scores, made_scores))
        if self._penalty:
            slopes = self._loss.penalty(self._model, pairs.real, made, pairs.form, pairs.points)
            total += self._penalty * tf.reduce_sum(slopes)
        return total, [loss, tf.reduce_sum(tf.cast(real_scores > made_scores, tf.float32))]


class GeneratorStep(SharedStep):
    """How a compiled generator learns.

    Args:
        model: as from `generator`.
        discriminator: whom it is to mislead; stays as it is.
        loss: one of `LOSSES`.
    """

    ANY_SIZE = False

    def __init__(self, model: keras.Model, discriminator: Discriminator, loss: str) -> None:
        super().__init__(model)
        self._discriminator, self._loss = discriminator, LOSSES[loss]

    def take(self, pairs: Pairs) -> float:
        """Take one step; return the mean loss."""
        rows, loss = self._taught([_examples(pairs)])
        return loss / rows

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        pairs = share.inputs
        made = self._discriminator(self._model([pairs.form, pairs.noise], training=False), pairs.form)
        real = tf.stop_gradient(self._discriminator(pairs.real, pairs.form))
        loss = tf.reduce_sum(self._loss.generator(real, made))
        return loss, [loss]


def _examples(pairs: Pairs) -> Examples:
    return Examples(pairs, pairs.points, np.ones_like(pairs.points))


__all__ = ["LOSSES", "SpectralNormalized", "Discriminator", "DiscriminatorStep", "GeneratorStep", "Pairs", "generator"]
