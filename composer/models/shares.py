"""Training under TensorFlow: shares of a batch side by side, one a core, then one step of the optimizer.

A recurrent loop is a chain of small products, which two cores finish little sooner than one. So a batch is cut into
shares, and every core takes a share through the whole network by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import tensorflow as tf

from composer.models.device import cores, on_processor
from composer.models.loss import nats
from composer.models.step import Examples

_ROWS = 8  # a share has at least as many: with fewer, products read more weights than they use


class SharedStep:
    """What `composer.models.step.Step` does, faster.

    Args:
        model: gives logits, (batch, time, vocabulary); compiled with an optimizer.
        shares: into how many a batch is cut, as its rows allow; None for one a core, or one on a GPU. Results are the
            same but for the order of sums, and dropout draws other masks.
        total: sums tensors over all who train together (`composer.models.workers`), each of whom calls `train` with
            rows of their own, possibly none; what is given where nobody else does.
    """

    FIGURES = 1
    ANY_SIZE = True  # batches may be of any size; otherwise of one

    def __init__(
        self, model: Any, shares: int | None = None, total: Callable[[Sequence[Any]], Sequence[Any]] = list
    ) -> None:
        self._model, self._total = model, total
        self._shares = shares or (cores() if on_processor() else 1)
        self._learnt = tf.function(self._trace_learnt, autograph=False)
        self._scored = tf.function(self._trace_scored, autograph=False)
        self._apply = tf.function(self._trace_apply, autograph=False)

    def train(self, batches: Sequence[Examples]) -> float:
        """Take one step of the optimizer; return the weighted mean loss in nats.

        Batches come one after the other, so that only one has to find room in memory.
        """
        weight, nats, *_ = self._taught(batches)
        return nats / weight

    def score(self, batch: Examples) -> list[float]:
        """See `composer.models.step.Step`."""
        return [float(figure) for figure in self._run(self._scored, batch)]

    def _taught(self, batches: Sequence[Examples]) -> list[float]:
        """Take one step; return the sum of the weights and the figures, as `_figures` gives them."""
        parts = (self._run(self._learnt, batch) for batch in batches if len(batch.targets))
        nothing = [tf.zeros(())] * (1 + self.FIGURES)
        sums = next(parts, None) or [*nothing, *map(tf.zeros_like, self._variables)]
        for part in parts:
            sums = [one + other for one, other in zip(sums, part, strict=True)]
        sums = list(self._total(sums))
        weight, *figures = sums[: len(nothing)]
        self._apply(sums[len(nothing) :], weight)
        return [float(weight), *map(float, figures)]

    def _figures(self, share: Examples, training: bool) -> tuple[Any, list[Any]]:
        """What is to become less, and figures to be told, the sum of the losses first; all summed over a share."""
        loss = nats(self._model(share.inputs, training=training), share.targets, share.weights)
        return loss, [loss]

    @property
    def _variables(self) -> list[Any]:
        return [variable.value for variable in self._model.trainable_variables]

    def _run(self, function: Any, batch: Examples) -> Any:
        """Call a function, as it is traced for batches of any size.

        A graph for the one size that came first would round otherwise, and a run that goes on end with other weights.
        """
        shares = max(1, min(self._shares, len(batch.targets) // _ROWS))
        spec = partial(_spec, any_size=self.ANY_SIZE)
        graph = function.get_concrete_function(tf.nest.map_structure(spec, batch), shares)
        return graph(Examples(*map(_tensors, batch)), shares)

    def _trace_learnt(self, batch: Examples, shares: int) -> list[Any]:
        """Sums of the weights, of the figures, and the gradients."""
        sums, variables = [], self._variables
        for share in _cut(batch, shares):
            with tf.GradientTape() as tape:
                loss, figures = self._figures(share, training=True)
            gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
            sums.append([*figures, *gradients])
        return [tf.reduce_sum(batch.weights), *map(tf.add_n, zip(*sums, strict=True))]

    def _trace_scored(self, batch: Examples, shares: int) -> list[Any]:
        parts = [self._figures(part, training=False)[1] for part in _cut(batch, shares)]
        return [tf.add_n(figures) for figures in zip(*parts, strict=True)]

    def _trace_apply(self, gradients: list[Any], weight: Any) -> None:
        self._model.optimizer.apply([gradient / weight for gradient in gradients], self._model.trainable_variables)


def _spec(values: Any, any_size: bool) -> Any:
    """What a graph is traced for; of any size are all axes but the last one of three or more: the features."""
    shape = tuple(values.shape)
    if any_size:
        shape = (None,) * len(shape) if len(shape) < 3 else (*[None] * (len(shape) - 1), shape[-1])
    return tf.TensorSpec(shape, tf.as_dtype(values.dtype))


def _tensors(values: Any) -> Any:
    return tf.nest.map_structure(tf.convert_to_tensor, values)


def _cut(batch: Examples, shares: int) -> list[Examples]:
    """Rows of a batch in shares of equal size, or nearly."""
    rows = tf.shape(batch.targets)[0]
    ends = [rows * share // shares for share in range(shares + 1)]
    return [tf.nest.map_structure(partial(_rows, start, end), batch) for start, end in pairwise(ends)]


def _rows(start: Any, end: Any, values: Any) -> Any:
    return values[start:end]


def divide_threads(rows: int) -> None:
    """Divide this process' cores among the shares of a batch, so that each computes by itself.

    Does nothing where TensorFlow runs already: its threads are set for good then.

    Args:
        rows: of a batch.
    """
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // max(1, rows // _ROWS)))
        tf.config.threading.set_inter_op_parallelism_threads(cores())


__all__ = ["SharedStep", "divide_threads"]
