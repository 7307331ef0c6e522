"""One step of training on any of Keras' backends, with gradients of one or several batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np


class Examples(NamedTuple):
    """What a network learns from.

    Attributes:
        inputs: arrays as the network takes them, (batch, time, ...) each.
        targets: int32 (batch, time).
        weights: float32 (batch, time), 0 where nothing is to be learnt.
    """

    inputs: Any
    targets: Any
    weights: Any


class Step(Protocol):
    """How a compiled model learns."""

    def train(self, batches: Sequence[Examples]) -> float:
        """Take one step of the optimizer.

        Args:
            batches: learnt from at once (gradient accumulation).

        Returns:
            Weighted mean loss in nats.
        """

    def score(self, batch: Examples) -> list[float]:
        """Sums over a batch; nothing is dropped, nothing learnt.

        Returns:
            The weighted sum of the losses in nats; of a model with a latent also the divergence of the posteriors from
            the prior in nats, and the rows.
        """


def step_for(model: Any, total: Callable[[Sequence[Any]], Sequence[Any]] = list) -> Step:
    """The fastest step for a model that gives logits, compiled with an optimizer and sparse cross entropy.

    Args:
        model: as said.
        total: see `composer.models.shares.SharedStep`; only TensorFlow trains with others.
    """
    if keras.backend.backend() != "tensorflow":
        return KerasStep(model)
    from composer.models.shares import SharedStep

    return SharedStep(model, total=total)


class KerasStep:
    """Keras' own step; several batches become one.

    Args:
        model: compiled with an optimizer and sparse cross entropy of logits.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def train(self, batches: Sequence[Examples]) -> float:
        """See `Step`."""
        return self._asked(self._model.train_on_batch, _joined(batches))

    def score(self, batch: Examples) -> list[float]:
        """See `Step`."""
        return [self._asked(self._model.test_on_batch, batch) * float(batch.weights.sum())]

    def _asked(self, ask: Any, batch: Examples) -> float:
        # Keras divides by batch x time; scale so that the loss is the weighted mean.
        weights = batch.weights * (batch.weights.size / max(float(batch.weights.sum()), 1.0))
        loss = float(ask(batch.inputs, batch.targets, sample_weight=weights))
        self._model.reset_metrics()
        return loss


def _joined(batches: Sequence[Examples]) -> Examples:
    """Rows of all batches, padded to the longest with what counts for nothing."""
    if len(batches) == 1:
        return batches[0]
    time = max(batch.targets.shape[1] for batch in batches)

    def rows(*parts: Any) -> Any:
        longer = [((0, 0), (0, time - part.shape[1]), *[(0, 0)] * (part.ndim - 2)) for part in parts]
        return np.concatenate([np.pad(part, width) for part, width in zip(parts, longer, strict=True)])

    return Examples(*keras.tree.map_structure(rows, *(tuple(batch) for batch in batches)))


__all__ = ["Examples", "KerasStep", "Step", "step_for"]
