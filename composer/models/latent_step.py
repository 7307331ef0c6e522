"""Training a model with a latent, under TensorFlow: likelihood, and what the latent may say.

What is made small is -ln p(piece | latent) + weight x divergence of the posterior from the prior. With a weight of 1
that is the evidence bound (Kingma & Welling, 2014), under which a decoder as good as ours learns to do without a
latent. So the latent is allowed a number of bits, and the weight follows: it falls while the latent says less, and
rises while it says more (the controlled rate of ControlVAE: Shao et al., ICML 2020; bits that cost nothing are the free
bits of Kingma et al., 2016). It starts near 0, so that the latent is learnt first (annealing: Bowman et al., 2016).
There is one weight for every number of bars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from composer.models.loss import nats
from composer.models.shares import SharedStep
from composer.models.step import Examples

_GAIN = 0.06  # how fast a weight follows: by so much a step, where the latent says nothing, or twice what it may
_LEAST, _MOST = 1e-4, 2.0


class LatentStep(SharedStep):
    """As `SharedStep`, for models as from `composer.models.vae.build`.

    Args:
        model: gives logits and divergences; compiled with an optimizer.
        bits: that the latent of so many bars may say; None where weights stay as they are.
        others: see `SharedStep`.
    """

    FIGURES = 3  # nats, nats of divergence, rows

    def __init__(self, model: Any, bits: Any = None, **others: Any) -> None:
        super().__init__(model, **others)
        self._bits = bits
        self._weights = model.get_layer("sample").kl_weights

    def train(self, batches: Sequence[Examples]) -> float:
        """See `composer.models.step.Step`; all batches have equally many bars."""
        weight, loss, divergence, rows = self._taught(batches)
        if self._bits is not None:
            bars = batches[0].inputs[-1].shape[1]
            off = divergence / rows / (self._bits(bars) * math.log(2)) - 1
            self._follow(min(bars, self._weights.shape[0] - 1), max(-1.0, min(1.0, off)))
        return loss / weight

    def _follow(self, bars: int, off: float) -> None:
        values = self._weights.numpy()
        values[bars] = min(max(values[bars] * math.exp(_GAIN * off), _LEAST), _MOST)
        self._weights.assign(values)

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        logits, divergence = self._model(share.inputs, training=training)
        loss, divergence = nats(logits, share.targets, share.weights), tf.reduce_sum(divergence)
        bars = tf.minimum(tf.shape(share.inputs[-1])[1], self._weights.shape[0] - 1)
        total = loss + self._weights.value[bars] * divergence
        return total, [loss, divergence, tf.cast(tf.shape(share.targets)[0], tf.float32)]


__all__ = ["LatentStep"]
