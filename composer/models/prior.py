"""A VAE's prior learnt anew, once its encoder stays as it is: the second of two stages (Dai & Wipf, ICLR 2019).

While all learn together the prior follows an encoder that moves, counts as little as the latent's bits may weigh, and
soon forgets that bars return. It begins anew, of latents that stay, and saves a tenth of the bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from composer.bar_notes import FORM
from composer.checkpoint import Arrays
from composer.config import LatentConfig
from composer.latent_runtime import Posterior
from composer.models.shares import SharedStep
from composer.models.step import Examples
from composer.models.vae import Prior, named_around
from theory.errors import TrainingError

_EPOCHS, _BATCH, _DROPOUT = 30, 64, 0.2
_RATE, _DECAY, _WARM = 3e-3, 0.02, 50  # steps in which the rate rises


class Latents(NamedTuple):
    """Where excerpts of equally many bars lie.

    Attributes:
        means: float32 (n, rows, size).
        deviations: likewise.
        forms: int32 (n, rows, columns).
    """

    means: NDArray[np.float32]
    deviations: NDArray[np.float32]
    forms: NDArray[np.int32]

    @classmethod
    def of(cls, posteriors: Sequence[Posterior]) -> Latents:
        """Of posteriors of one shape."""
        means, deviations = (np.array([getattr(each, name) for each in posteriors]) for name in ("mean", "deviation"))
        return cls(means, deviations, np.array([each.form[: means.shape[1]] for each in posteriors]))

    def drawn(self, chosen: NDArray[np.int64], dice: np.random.Generator) -> Examples:
        """A latent of each that is chosen."""
        mean = self.means[chosen]
        rows = mean + self.deviations[chosen] * dice.standard_normal(mean.shape, np.float32)
        return Examples((rows, self.forms[chosen]), chosen, np.ones(len(chosen), np.float32))


class _Step(SharedStep):
    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        loss = tf.reduce_sum(self._model(share.inputs, training=training))
        return loss, [loss]


def learn(
    latent: LatentConfig,
    train: Sequence[Latents],
    valid: Sequence[Latents],
    seed: int,
    show: Callable[[float], None] = lambda at: None,
) -> Arrays:
    """Weights of a prior, by their names, of the epoch that expects latents of the validation side best.

    Args:
        latent: sizes.
        train: latents to learn, those of one number of rows each.
        valid: to choose by.
        seed: of everything random.
        show: told how far it is, 0 to 1.

    Raises:
        TrainingError: a loss that is no number.
    """
    keras.utils.set_random_seed(seed)
    rows = keras.Input((None, latent.size), dtype="float32")
    form = keras.Input((None, len(FORM)), dtype="int32")
    prior = Prior(latent.prior_units, latent.size, _DROPOUT, seed, name="prior")
    model = keras.Model([rows, form], prior(rows, form))
    named = named_around(model)
    optimizer = keras.optimizers.AdamW(_RATE, weight_decay=_DECAY, global_clipnorm=1.0)
    model.compile(optimizer=optimizer)
    optimizer.build(model.trainable_variables)
    best: Arrays = {}
    step, least = _Step(model), math.inf
    count = sum(-(-len(each.means) // _BATCH) for each in train) * _EPOCHS
    done = 0
    for epoch in range(_EPOCHS):
        dice = np.random.default_rng([seed, epoch])
        for which, chosen in _batches(train, dice):
            optimizer.learning_rate = (
                _RATE * min(1.0, (done + 1) / _WARM) * 0.5 * (1 + math.cos(math.pi * done / count))
            )
            step.train([train[which].drawn(chosen, dice)])
            done += 1
        show((epoch + 1) / _EPOCHS)
        found = _expected(step, valid, seed)
        if not math.isfinite(found):
            raise TrainingError(f"the prior's loss of epoch {epoch + 1} is {found}: latents are too far apart to learn")
        if found < least:
            least, best = found, {name: np.asarray(weight, np.float32).copy() for name, weight in named.items()}
    return best


def _batches(sides: Sequence[Latents], dice: np.random.Generator) -> list[tuple[int, NDArray[np.int64]]]:
    """All of all, shuffled, in batches of one number of bars."""
    found = []
    for which, latents in enumerate(sides):
        order = dice.permutation(len(latents.means))
        found += [(which, order[start : start + _BATCH]) for start in range(0, len(order), _BATCH)]
    return [found[index] for index in dice.permutation(len(found))]


def _expected(step: _Step, sides: Sequence[Latents], seed: int) -> float:
    """Nats a row; the same latents every time."""
    dice, nats, count = np.random.default_rng([seed, _EPOCHS]), 0.0, 0
    for which, chosen in _batches(sides, dice):
        examples = sides[which].drawn(chosen, dice)
        nats, count = nats + step.score(examples)[0], count + examples.inputs[0].shape[0] * examples.inputs[0].shape[1]
    return nats / count


__all__ = ["Latents", "learn"]
