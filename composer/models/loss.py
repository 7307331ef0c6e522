"""Cross entropy of token ids; on a processor, its value and its gradient in one compiled pass over the logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from composer.models.device import on_processor


def nats(logits: Any, targets: Any, weights: Any) -> Any:
    """Weighted sum of the negative log-likelihoods in nats, differentiable in the logits.

    Args:
        logits: float32 or bfloat16 (batch, time, vocabulary).
        targets: int32 (batch, time).
        weights: float32 (batch, time).
    """
    if on_processor():
        return _compiled(logits, targets, weights)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
    return tf.reduce_sum(weights * losses)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _compiled(logits: Any, targets: Any, weights: Any) -> Any:
    loss, slopes = _nats_and_slopes(*map(tf.stop_gradient, (logits, targets, weights)))
    return loss, lambda d_loss: (slopes * tf.cast(d_loss, slopes.dtype), None, None)


@partial(tf.function, jit_compile=True, autograph=False)
def _nats_and_slopes(logits: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
    kind, logits = logits.dtype, tf.cast(logits, tf.float32)
    highest = tf.reduce_max(logits, axis=-1, keepdims=True)
    shares = tf.exp(logits - highest)
    whole = tf.reduce_sum(shares, axis=-1, keepdims=True)
    likelihoods = tf.gather(logits, targets, batch_dims=2) - (highest + tf.math.log(whole))[..., 0]
    hits = tf.one_hot(targets, logits.shape[-1])
    return -tf.reduce_sum(weights * likelihoods), tf.cast((shares / whole - hits) * weights[..., None], kind)
