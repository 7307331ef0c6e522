"""An LSTM layer over lanes whose products with the input, and with the weights' gradient, are outside the loop.

Only h U, and on the way back dgates U^T, are left for each step. In plain TensorFlow; the cell is that of F. Gers,
J. Schmidhuber and F. Cummins (2000), gates in the order input, forget, candidate, output.
"""

from __future__ import annotations

from typing import Any

Tensor = Any  # a tf.Tensor: TensorFlow is untyped


def lstm(projected: Tensor, recurrent: Tensor, reset: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Run an LSTM over steps.

    Args:
        projected: W x + b of each step, float32 (steps, lanes, 4 units).
        recurrent: U, float32 (units, 4 units).
        reset: 0 where the state before the step is forgotten, else 1, float32 (steps, lanes, 1).
        h0: the state before the first step, float32 (lanes, units); no gradient goes there.
        c0: likewise.

    Returns:
        h of each step, float32 (steps, lanes, units), and the last h and c, which carry no gradient.
    """
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(projected: Tensor, recurrent: Tensor) -> Any:
        outputs, cells, gates = _forward(projected, recurrent, reset, h0, c0)

        def gradient(d_outputs: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            d_gates = _backward(d_outputs, recurrent, reset, cells, gates, c0)
            before = tf.concat([h0[None], outputs[:-1]], axis=0) * reset
            units = recurrent.shape[0]
            rows = tf.reshape(before, [-1, units])
            return d_gates, tf.matmul(rows, tf.reshape(d_gates, [-1, 4 * units]), transpose_a=True)

        return (outputs, cells[-1]), gradient

    outputs, cell = run(projected, recurrent)
    return outputs, tf.stop_gradient(outputs[-1]), tf.stop_gradient(cell)


def _forward(projected: Tensor, recurrent: Tensor, reset: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, ...]:
    import tensorflow as tf

    steps = tf.shape(projected)[0]
    saved = [tf.TensorArray(tf.float32, size=steps) for _ in range(3)]

    def step(t: Tensor, h: Tensor, c: Tensor, hs: Any, cs: Any, gs: Any) -> tuple[Any, ...]:
        keep = reset[t]
        total = projected[t] + tf.matmul(h * keep, recurrent)
        i, f, g, o = tf.split(total, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * (c * keep) + i * g
        h = o * tf.tanh(c)
        return t + 1, h, c, hs.write(t, h), cs.write(t, c), gs.write(t, tf.concat([i, f, g, o], axis=1))

    *_, hs, cs, gs = tf.while_loop(
        lambda t, *_: t < steps, step, (tf.constant(0), h0, c0, *saved), parallel_iterations=1
    )
    return hs.stack(), cs.stack(), gs.stack()


def _backward(d_outputs: Tensor, recurrent: Tensor, reset: Tensor, cells: Tensor, gates: Tensor, c0: Tensor) -> Tensor:
    import tensorflow as tf

    steps = tf.shape(d_outputs)[0]
    before = tf.concat([c0[None], cells[:-1]], axis=0) * reset
    back = tf.transpose(recurrent)

    def step(t: Tensor, dh: Tensor, dc: Tensor, ds: Any) -> tuple[Any, ...]:
        i, f, g, o = tf.split(gates[t], 4, axis=1)
        squashed = tf.tanh(cells[t])
        dh = d_outputs[t] + dh
        dc = dc + dh * o * (1 - squashed * squashed)
        d = tf.concat(
            [dc * g * i * (1 - i), dc * before[t] * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o)],
            axis=1,
        )
        keep = reset[t]
        return t - 1, tf.matmul(d, back) * keep, dc * f * keep, ds.write(t, d)

    zero = tf.zeros_like(c0)
    empty = tf.TensorArray(tf.float32, size=steps)
    *_, ds = tf.while_loop(lambda t, *_: t >= 0, step, (steps - 1, zero, zero, empty), parallel_iterations=1)
    return ds.stack()
