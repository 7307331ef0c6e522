"""Training: Adam with decoupled weight decay, one cycle of the learning rate, averaged weights, the best kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.polyphonic.features import Examples, Ints
from benchmarks.polyphonic.lanes import Chunk, chunks, room
from benchmarks.polyphonic.network import Dropout, Network
from benchmarks.polyphonic.scoring import frame_scores

Tensor = Any
_MOMENTS = (0.9, 0.99)
_DECAY = 0.02  # of weights, a unit of the learning rate
_AVERAGE = 0.99  # the share of the averaged weights that an update keeps
_CLIP = 1.0  # the gradient's norm
_DRAWN_IN = 0.05  # the share of the updates in which the learning rate rises


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        epochs: passes over the training pieces.
        lanes, steps: of a batch.
        rate: the learning rate at its height.
        reach: pieces are transposed by up to so many keys, each anew in every epoch.
        every: epochs from one look at valid to the next.
        dropout: shares dropped.
        seed: of the order, the transpositions and the first weights.
    """

    epochs: int
    lanes: int = 16
    steps: int = 64
    rate: float = 2e-3
    reach: int = 6
    every: int = 5
    dropout: Dropout = field(default_factory=Dropout)
    seed: int = 0


class Adam:
    """AdamW (I. Loshchilov, F. Hutter, 2019) with an average of the weights over updates."""

    def __init__(self, network: Network, plan: Plan) -> None:
        import tensorflow as tf

        self.plan = plan
        self.network = network
        self.variables = list(network.weights.values())
        self.first = [tf.Variable(tf.zeros_like(v)) for v in self.variables]
        self.second = [tf.Variable(tf.zeros_like(v)) for v in self.variables]
        self.mean = [tf.Variable(v) for v in self.variables]
        self.apply = tf.function(self._apply, autograph=False, jit_compile=True)  # fused: each array is read once
        self.update = tf.function(self._update, autograph=False, reduce_retracing=True)

    def _update(self, chunk: Chunk, state: list[Tensor], rate: Tensor, count: Tensor) -> tuple[Tensor, list[Tensor]]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logs, after = self.network.log_probabilities(chunk, state, self.plan.dropout)
            nats = -tf.reduce_sum(tf.gather(logs, chunk.target, batch_dims=1))
            loss = nats / tf.cast(tf.shape(chunk.target)[0], tf.float32)
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, self.variables)]
        gradients, _ = tf.clip_by_global_norm(gradients, _CLIP)
        self.apply(gradients, rate, count)
        return nats, after

    def _apply(self, gradients: list[Tensor], rate: Tensor, count: Tensor) -> None:
        import tensorflow as tf

        one, two = _MOMENTS
        kept = tf.minimum(_AVERAGE, (1 + count) / (10 + count))
        for v, g, m, s, mean in zip(self.variables, gradients, self.first, self.second, self.mean, strict=True):
            m.assign(one * m + (1 - one) * g)
            s.assign(two * s + (1 - two) * g * g)
            ahead = (m / (1 - one**count)) / (tf.sqrt(s / (1 - two**count)) + 1e-8)
            shrink = _DECAY if len(v.shape) > 1 else 0.0
            v.assign(v - rate * (ahead + shrink * v))
            mean.assign(kept * mean + (1 - kept) * v)

    def swap(self) -> None:
        """Exchange the weights and their average."""
        for v, mean in zip(self.variables, self.mean, strict=True):
            held = v.numpy()
            v.assign(mean)
            mean.assign(held)


def train(
    network: Network,
    plan: Plan,
    data: Examples,
    valid: Examples,
    say: Callable[[str], None],
    keep: Callable[[Network], None],
) -> float:
    """Train a network in place; leaves the averaged weights that are best on valid with `keep`.

    Returns:
        Their nats a frame on valid.
    """
    import tensorflow as tf

    adam = Adam(network, plan)
    rng = np.random.default_rng(plan.seed)
    limits = room(data, plan.reach)
    pieces = len(data.start) - 1
    per_epoch = -(-data.frames // (plan.lanes * plan.steps)) + 1
    total = plan.epochs * per_epoch
    best, done = np.inf, 0
    started, looked = time.perf_counter(), 0.0
    tf.random.set_seed(plan.seed)
    for epoch in range(1, plan.epochs + 1):
        nats = 0.0
        shift: Ints = rng.integers(limits[:, 0], limits[:, 1] + 1)
        state = network.initial(plan.lanes)
        for chunk in chunks(data, rng.permutation(pieces), shift, plan.lanes, plan.steps):
            done += 1
            rate = tf.constant(_rate(plan.rate, min(done / total, 1.0)), tf.float32)
            part, state = adam.update(chunk, state, rate, tf.constant(float(done)))
            nats += float(part)
        if epoch % plan.every and epoch != plan.epochs:
            continue
        look = time.perf_counter()
        adam.swap()
        score = float(frame_scores(network, valid).mean())
        if score < best:
            best = score
            keep(network)
        adam.swap()
        looked += time.perf_counter() - look
        spent = time.perf_counter() - started
        say(
            f"epoch {epoch}: train {nats / data.frames:.3f}, valid {score:.4f}, best {best:.4f};"
            f" {spent:.0f} s, {looked:.0f} of them on valid"
        )
    return best


def _rate(height: float, done: float) -> float:
    if done < _DRAWN_IN:
        return height * done / _DRAWN_IN
    part = (done - _DRAWN_IN) / (1 - _DRAWN_IN)
    return float(height * (0.5 + 0.5 * np.cos(np.pi * part)) + 1e-6)
