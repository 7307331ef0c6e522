"""The sequence GAN under TensorFlow: the shared decoder told by drawn latents, and a network that tells its
music from real.

The generator draws tokens (`composer.adversarial`), so its output has no gradient of its own. It gets one by the
straight-through Gumbel-softmax estimator (Jang, Gu & Poole, and Maddison, Mnih & Teh, both ICLR 2017): the
discriminator reads the tokens drawn, and what it would like instead goes back as if it had read softmax((logits +
Gumbel noise) / temperature). As the tokens are known, the noise is drawn under the condition that they win, several
times, and the mean is taken (Paulus, Maddison & Krause, "Rao-Blackwellizing the Straight-Through Gumbel-Softmax
Gradient Estimator", ICLR 2021). Tokens that masks forbade have no part in it.

The discriminator is a convolutional network under spectral normalisation (Miyato et al., ICLR 2018). Losses are the
relativistic one (Jolicoeur-Martineau, ICLR 2019) with a penalty on the slope at real music (Mescheder, Geiger &
Nowozin, ICML 2018), or Wasserstein's with Gulrajani et al.'s penalty (NeurIPS 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from composer.bar_notes import FORM
from composer.batches import PAD_TO
from composer.config import DecoderConfig, LatentConfig
from composer.models import decoder
from composer.models.loss import nats
from composer.models.shares import SharedStep
from composer.models.step import Examples
from composer.models.vae import FromNoise, InPlace, conductor
from theory.tokens.features import COLUMNS, PITCHES

VECTOR = 64  # of a token, as the discriminator reads it
# Channels, width and stride of its convolutions: the first one reads some three notes, the last one some four bars.
CONVOLUTIONS = ((256, 13, 2), (256, 5, 2), (256, 5, 4))
_SCALE = 20.0  # of scores: a network that stretches nothing says little
_SLOPE = 0.2  # of leaky rectifiers
_FIRST_ROUNDS = 30  # of the power iteration, before anything is learnt
_ROUNDS = 3  # after a step
_LEAST = 1e-30


def generator(sizes: DecoderConfig, latent: LatentConfig, bars: int, seed: int = 0) -> keras.Model:
    """Prior, conductor and decoder over whole sequences.

    The decoder stays as it is: what is learnt is to make latents of noise, and to tell the decoder of them.

    Inputs: tokens int32 (batch, time), plan int32 (batch, time, columns), heard float32 (batch, time, 128), place int32
    (batch, time), form int32 (batch, bars, columns), noise float32 (batch, rows, 1 + size).
    Output: logits float32 (batch, time, vocabulary).

    Args:
        sizes: of the decoder.
        latent: of prior and conductor.
        bars: of each piece.
        seed: of the first weights.
    """
    rows = bars if latent.hierarchical else 1
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    plan = keras.Input((None, len(COLUMNS)), dtype="int32", name="plan")
    heard = keras.Input((None, PITCHES), dtype="float32", name="heard")
    place = keras.Input((None,), dtype="int32", name="place")
    form = keras.Input((bars, len(FORM)), dtype="int32", name="form")
    noise = keras.Input((rows, 1 + latent.size), dtype="float32", name="noise")
    prior = FromNoise(latent.prior_units, latent.size, 0.0, seed, name="prior")
    told = conductor(sizes, latent, prior(noise, form[:, :rows]))
    logits = decoder.logits(sizes, tokens, plan, heard, seed=seed, more=lambda context: InPlace()(context, told, place))
    model = keras.Model([tokens, plan, heard, place, form, noise], logits, name="generator")
    for layer in model.layers:
        layer.trainable = layer.name.startswith(("prior", "conductor."))
    return model


class Bounded(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """A convolution over time whose kernel, as a matrix (width x features, channels), stretches nothing.

    It is divided by its largest singular value, which a power iteration follows (`tighten`).

    Args:
        channels: that it gives.
        width: places that it reads at a time; 1 of one place makes a dense layer.
        stride: places between two readings.
    """

    def __init__(self, channels: int, width: int = 1, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self.width, self.stride = channels, width, stride

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
        self.tighten(_FIRST_ROUNDS)

    def tighten(self, rounds: int = _ROUNDS) -> None:
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
        """(batch, time, features) -> (batch, time / stride, channels)."""
        return tf.nn.conv1d(rows, self.bounded(), self.stride, "SAME") + self.bias.value


def _unit(vector: Any) -> Any:
    return vector / tf.maximum(tf.norm(vector), _LEAST)


class Discriminator(keras.Model):  # type: ignore[misc]
    """Says of token sequences how real they look: a number each, that of real ones higher.

    Args:
        vocabulary: number of tokens.
        seed: of the first weights.
        convolutions: channels, width and stride of each.
    """

    def __init__(
        self, vocabulary: int, seed: int = 0, convolutions: tuple[tuple[int, int, int], ...] = CONVOLUTIONS
    ) -> None:
        super().__init__(name="discriminator")
        keras.utils.set_random_seed(seed)
        first = keras.initializers.RandomNormal(stddev=VECTOR**-0.5)
        self.table = self.add_weight(shape=(vocabulary, VECTOR), initializer=first, name="table")
        self.layers_up = [Bounded(*sizes, name=f"convolution{index}") for index, sizes in enumerate(convolutions)]
        self.verdict = Bounded(1, name="verdict")
        features = [VECTOR, *(layer.channels for layer in self.layers_up)]
        features[-1] *= 2
        for layer, count in zip((*self.layers_up, self.verdict), features, strict=True):
            layer.build((None, None, count))
        self.built = True

    def vectors(self) -> Any:
        """The vector of every token, none longer than 1: (vocabulary, n)."""
        table = self.table.value
        return table / tf.maximum(tf.norm(table, axis=1, keepdims=True), 1.0)

    def call(self, rows: Any, there: Any) -> Any:
        """Vectors (batch, time, n), and float32 (batch, time), 1 where there is a token to read -> scores (batch,)."""
        rows = rows * there[:, :, None]
        for layer in self.layers_up:
            there = there[:, :: layer.stride]
            rows = tf.nn.leaky_relu(layer(rows), _SLOPE) * there[:, :, None]
        count = tf.maximum(tf.reduce_sum(there, axis=1, keepdims=True), 1.0)
        found = tf.concat([tf.reduce_sum(rows, axis=1) / count, tf.reduce_max(rows, axis=1)], axis=1)
        return _SCALE * self.verdict(found[:, None])[:, 0, 0]

    def read(self, tokens: Any, there: Any) -> Any:
        """Scores of tokens, int32 (batch, time)."""
        return self(tf.gather(self.vectors(), tokens), there)

    def tighten(self) -> None:
        """See `Bounded.tighten`: after each change of the weights."""
        for layer in (*self.layers_up, self.verdict):
            layer.tighten()


class Sides(NamedTuple):
    """What the two losses say, each of scores of as many real and generated pieces, (n,): a loss each, (n,).

    Attributes:
        discriminator: of (real, generated).
        generator: likewise.
        penalty: on slopes of the discriminator: of (it, vectors of real tokens, there, of generated ones, there, points
            0 to 1 between them), (n,).
    """

    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any, Any], Any]
    penalty: Callable[..., Any]


def _slopes(discriminator: Any, rows: Any, there: Any) -> Any:
    """Squared length of the slope of each score, (n,)."""
    with tf.GradientTape() as tape:
        tape.watch(rows)
        scores = tf.reduce_sum(discriminator(rows, there))
    return tf.reduce_sum(tf.square(tape.gradient(scores, rows)), axis=(1, 2))


def _at_real(discriminator: Any, real: Any, there: Any, *_: Any) -> Any:
    return 0.5 * _slopes(discriminator, real, there)


def _between(discriminator: Any, real: Any, there: Any, other: Any, other_there: Any, point: Any) -> Any:
    point = point[:, None]
    rows = point[:, :, None] * real * there[:, :, None] + (1 - point)[:, :, None] * other * other_there[:, :, None]
    return tf.square(tf.sqrt(_slopes(discriminator, rows, tf.maximum(there, other_there)) + 1e-12) - 1)


LOSSES = {
    "relativistic": Sides(
        lambda real, made: tf.nn.softplus(made - real), lambda real, made: tf.nn.softplus(real - made), _at_real
    ),
    "wasserstein": Sides(lambda real, made: made - real, lambda real, made: -made, _between),
}


class _FixedStep(SharedStep):
    """A step that is traced once, for sequences of any length: what it rounds to does not depend on the steps before.

    All batches have equally many rows, and lengths are multiples of `PAD_TO`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._once: Any = None
        self._learnt = self._traced

    def _traced(self, batch: Examples, shares: int) -> Any:
        if self._once is None:
            trace = partial(self._trace_learnt, shares=shares)
            self._once = tf.function(trace, [tf.nest.map_structure(_of_any_length, batch)], autograph=False)
        return self._once(batch)


def _of_any_length(values: Any) -> Any:
    shape = list(values.shape)
    shape[1:2] = [None for size in shape[1:2] if size % PAD_TO == 0] or shape[1:2]
    return tf.TensorSpec(shape, values.dtype)


class DiscriminatorStep(_FixedStep):
    """How a compiled discriminator learns.

    Args:
        model: a `Discriminator`.
        loss: one of `LOSSES`.
        penalty: weight of the penalty on its slope.
    """

    FIGURES = 2  # loss, real ones scored above the generated ones they stand beside

    def __init__(self, model: Discriminator, loss: str, penalty: float) -> None:
        super().__init__(model)
        self._loss, self._penalty = LOSSES[loss], penalty

    def take(self, real: Any, made: Any, points: Any) -> tuple[float, float]:
        """Take one step.

        Args:
            real: tokens, int32 (batch, time), and float32 (batch, time), 1 where one is read.
            made: generated ones, likewise; as many and as long.
            points: chance, float32 (batch,).

        Returns:
            Mean loss, and the share of pairs that were told right.
        """
        (tokens, there), others = real, made
        rows, loss, right = self._taught([Examples((there, *others, points), tokens, np.ones_like(points))])
        self._model.tighten()
        return loss / rows, right / rows

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        there, made, made_there, points = share.inputs
        real, made = tf.gather(self._model.vectors(), share.targets), tf.gather(self._model.vectors(), made)
        real_scores, made_scores = self._model(real, there), self._model(made, made_there)
        loss = tf.reduce_sum(self._loss.discriminator(real_scores, made_scores))
        total = loss
        if self._penalty:
            slopes = self._loss.penalty(self._model, real, there, made, made_there, points)
            total += self._penalty * tf.reduce_sum(slopes)
        return total, [loss, tf.reduce_sum(tf.cast(real_scores > made_scores, tf.float32))]


class Rollout(NamedTuple):
    """Pieces that the generator drew, and how.

    Attributes:
        inputs: what the generator reads, see `generator`.
        tokens: what it drew, int32 (batch, time).
        there: float32 (batch, time), 1 where it drew.
        allowed: bool (batch, time, vocabulary), the tokens it could draw.
    """

    inputs: tuple[NDArray[Any], ...]
    tokens: NDArray[np.int32]
    there: NDArray[np.float32]
    allowed: NDArray[np.bool_]


class Real(NamedTuple):
    """Real pieces.

    Attributes:
        tokens: int32 (batch, time).
        there: float32 (batch, time), 1 where a token is read.
    """

    tokens: NDArray[np.int32]
    there: NDArray[np.float32]


class GeneratorStep(_FixedStep):
    """How a compiled generator learns.

    Args:
        model: as from `generator`.
        discriminator: whom it is to mislead; stays as it is.
        loss: one of `LOSSES`.
        temperature: of the Gumbel-softmax.
        draws: of noise, that are averaged.
    """

    FIGURES = 2  # loss, surprise

    def __init__(
        self,
        model: keras.Model,
        discriminator: Discriminator,
        loss: str,
        temperature: float,
        draws: int,
    ) -> None:
        super().__init__(model)
        self._discriminator, self._loss = discriminator, LOSSES[loss]
        self._temperature, self._draws = temperature, draws

    def take(self, made: Rollout, real: Real, seeds: NDArray[np.int32]) -> tuple[float, float]:
        """Take one step.

        Args:
            made: pieces that the generator has just drawn.
            real: as many real ones.
            seeds: of the noise, int32 (batch, 2), no two rows alike.

        Returns:
            Mean loss, and what the tokens drawn surprise the generator: mean -ln p(token) in nats.
        """
        given = (made.inputs, made.there, made.allowed, real, seeds)
        rows, loss, surprise = self._taught([Examples(given, made.tokens, np.ones(len(seeds), np.float32))])
        return loss / rows, surprise / float(made.there.sum())

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        inputs, there, allowed, real, seeds = share.inputs
        logits = self._model(inputs, training=False)
        table = tf.stop_gradient(self._discriminator.vectors())
        read = straight_through(
            logits, allowed, share.targets, table, seeds[0], temperature=self._temperature, draws=self._draws
        )
        scores = self._discriminator(read, there)
        real_scores = tf.stop_gradient(self._discriminator.read(real.tokens, real.there))
        loss = tf.reduce_sum(self._loss.generator(real_scores, scores))
        masked = tf.where(allowed, logits, logits.dtype.min)
        surprise = nats(tf.stop_gradient(masked), share.targets, there)
        return loss, [loss, surprise]


def straight_through(
    logits: Any, allowed: Any, tokens: Any, table: Any, seed: Any, *, temperature: float, draws: int
) -> Any:
    """Vectors of tokens that were drawn, with a gradient to the logits that they were drawn from.

    Args:
        logits: float32 (batch, time, vocabulary).
        allowed: bool, likewise: all others had probability 0.
        tokens: drawn from softmax(logits) of those allowed, int32 (batch, time).
        table: vectors of all tokens, (vocabulary, n).
        seed: of the noise, int32 (2,).
        temperature: of the softmax in the gradient.
        draws: of noise.

    Returns:
        float32 (batch, time, n).
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def drawn(logits: Any) -> Any:
        def back(d_vectors: Any) -> Any:
            return _d_logits(logits, allowed, tokens, table, seed, d_vectors, 1.0 / temperature, draws)

        return tf.gather(table, tokens), back

    return drawn(logits)


@partial(tf.function, jit_compile=True, autograph=False)
def _d_logits(
    logits: Any, allowed: Any, tokens: Any, table: Any, seed: Any, d_vectors: Any, sharpness: float, draws: int
) -> Any:
    wanted = tf.einsum("bte,ve->btv", d_vectors, table)
    total = tf.zeros_like(logits)
    for soft in _soft(logits, allowed, tokens, seed, sharpness, draws):
        total += soft * (wanted - tf.reduce_sum(soft * wanted, axis=-1, keepdims=True))
    return total * (sharpness / draws)


def _soft(logits: Any, allowed: Any, tokens: Any, seed: Any, sharpness: float, draws: int) -> list[Any]:
    """Gumbel-softmaxes whose largest entries are the tokens: (batch, time, vocabulary) each.

    With E exponential and p = softmax(logits), the noisy logit of the token that won is -ln E_won, of any other -ln(E /
    p + E_won); their softmax is a share of powers of these.
    """
    p = tf.nn.softmax(tf.where(allowed, logits, logits.dtype.min))
    won = tf.one_hot(tokens, logits.shape[-1], on_value=True, off_value=False, dtype=tf.bool)
    result = []
    for number in range(draws):
        chance = tf.random.stateless_uniform(tf.shape(logits), seed + tf.constant([0, number]), minval=_LEAST)
        each = -tf.math.log(chance)
        best = tf.reduce_sum(tf.where(won, each, 0.0), axis=-1, keepdims=True)
        powers = tf.where(won, 1.0, tf.pow(best / (each / p + best), sharpness))
        powers = tf.where(allowed | won, powers, 0.0)
        result.append(powers / tf.reduce_sum(powers, axis=-1, keepdims=True))
    return result


__all__ = [
    "LOSSES", "Bounded", "Discriminator", "DiscriminatorStep", "GeneratorStep", "Real", "Rollout", "generator",
    "straight_through",
]  # fmt: skip
