"""An LSTM's recurrence and its gradient as two compiled loops, for TensorFlow on a processor.

Only what a step needs from the step before it is left inside the loops: the product with the recurrent kernel and the
gates. The input's product for all steps comes before the loop, the kernels' gradients after it, as one large product
each; tokens are not multiplied but looked up in the product of all tokens. XLA compiles the loops, once for every
shape; a loop runs in the thread that called it where TensorFlow has one thread inside operations, so that several can
run side by side (`composer.models.shares`).

In mixed precision (inputs and weights in bfloat16) the large products are in bfloat16 and the loops in float32.

Gates are in Keras' order: input, forget, candidate, output.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla

_PAGE = 4096  # bytes


def run(
    inputs: Any,
    hidden: Any,
    cell: Any,
    kernel: Any,
    recurrent: Any,
    bias: Any,
    kept: Any | None = None,
    tokens: Any | None = None,
    table: Any | None = None,
) -> tuple[Any, Any]:
    """All steps of an LSTM layer, differentiable in all arguments but `kept` and `tokens`.

    Args:
        inputs: float32 or, as all others then, bfloat16 (batch, time, features); None where there are tokens alone.
        hidden: state before the first step, (batch, units).
        cell: likewise.
        kernel: (features, 4 units); None with inputs.
        recurrent: (units, 4 units).
        bias: (4 units,).
        kept: dropout mask on the hidden state for all steps, (batch, units).
        tokens: int32 (batch, time), read beside the inputs.
        table: what each of all tokens adds to the gates before they open, (vocabulary, 4 units).

    Returns:
        Hidden states, (batch, time, units), and the cell state after the last step, (batch, units).
    """
    kind, shape = bias.dtype, (inputs if tokens is None else tokens).shape[:2]
    masks = () if kept is None else (_exact(kept),)
    read = [*([] if inputs is None else [inputs, kernel]), *([] if table is None else [table])]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def steps(*given: Any) -> Any:
        hidden, cell, recurrent, bias, *read = map(tf.stop_gradient, given)  # or TensorFlow would derive the loop
        made = _forward(*_z_parts(read, tokens), hidden, cell, _padded(recurrent), bias, *masks)
        hiddens, cells, _ = made
        return (hiddens, cells[:, -1]), partial(_gradients, (hidden, cell, recurrent), read, tokens, masks, made)

    hiddens, last = steps(*map(_exact, (hidden, cell, recurrent, bias)), *read)
    hiddens.set_shape((*shape, hidden.shape[1]))
    return tf.cast(hiddens, kind), tf.cast(last, kind)


def _z_parts(read: list[Any], tokens: Any) -> list[Any]:
    """Inputs, kernel, tokens and table for `_forward`; in mixed precision their product and no kernel."""
    inputs, kernel = read[:2] if len(read) > 1 else (None, None)
    if inputs is not None and inputs.dtype != tf.float32:  # TensorFlow's product is twice as fast, XLA's is not
        inputs, kernel = _times(inputs, kernel), None
    return [inputs, kernel, tokens, None if tokens is None else read[-1]]


def _times(values: Any, matrix: Any) -> Any:
    """(batch, time, n) x (n, m) as one product."""
    product = tf.matmul(tf.reshape(values, (-1, matrix.shape[0])), matrix)
    return tf.reshape(product, (*tf.unstack(tf.shape(values)[:2]), matrix.shape[1]))


def _padded(recurrent: Any) -> Any:
    """Rows of whole pages fall into the same few lines of the cache: a fifth slower than with some columns more."""
    return recurrent if 16 * recurrent.shape[0] % _PAGE else tf.pad(recurrent, [[0, 0], [0, 16]])


def _exact(values: Any) -> Any:
    return tf.cast(values, tf.float32)


def _gradients(
    state: Any, read: list[Any], tokens: Any, masks: tuple[Any, ...], made: Any, d_hiddens: Any, d_cell: Any
) -> list[Any]:
    hidden, cell, recurrent = state
    hiddens, cells, gates = made
    d_z, d_hidden, d_cell = _backward(d_hiddens, d_cell, cell, recurrent, cells, gates, *masks)
    before = tf.concat([hidden[:, None], hiddens[:, :-1]], axis=1)
    for kept in masks:
        before *= kept[:, None]
    flat, d_read = tf.reshape(d_z, (-1, 4 * recurrent.shape[0])), []
    if tokens is not None:
        d_read = [
            tf.cast(tf.math.unsorted_segment_sum(flat, tf.reshape(tokens, (-1,)), read[-1].shape[0]), read[-1].dtype)
        ]
    kind = read[0].dtype
    flat = tf.cast(flat, kind)
    together = tf.cast(before, kind) if len(read) == 1 else tf.concat([read[0], tf.cast(before, kind)], axis=2)
    d_kernels = tf.matmul(tf.reshape(together, (-1, together.shape[2])), flat, transpose_a=True)
    d_bias = tf.matmul(tf.ones((1, tf.shape(flat)[0]), kind), flat)[0]  # several times as fast as reduce_sum
    if len(read) > 1:
        features = read[1].shape[0]
        d_inputs = tf.reshape(tf.matmul(flat, read[1], transpose_b=True), tf.shape(read[0]))
        d_read, d_kernels = [d_inputs, d_kernels[:features], *d_read], d_kernels[features:]
    return [d_hidden, d_cell, _exact(d_kernels), _exact(d_bias), *d_read]


@partial(tf.function, jit_compile=True, autograph=False)
def _forward(inputs: Any, kernel: Any, tokens: Any, table: Any, *others: Any) -> Any:
    """Hidden states, cell states and opened gates of all steps."""
    parts = [] if inputs is None else [inputs if kernel is None else _times(inputs, kernel)]
    parts += [] if table is None else [tf.gather(table, tokens)]
    return _forward_from_z(_exact(tf.add_n(parts)), *others)


def _forward_from_z(z: Any, hidden: Any, cell: Any, recurrent: Any, bias: Any, *masks: Any) -> Any:
    units = recurrent.shape[0]
    scale, lift = _row([0.5, 0.5, 1.0, 0.5], units), _row([0.5, 0.5, 0.0, 0.5], units)

    def step(at: Any, hidden: Any, cell: Any, hiddens: Any, cells: Any, gates: Any) -> tuple[Any, ...]:
        for kept in masks:
            hidden = hidden * kept
        now = _at(gates, at) + bias + tf.matmul(hidden, recurrent)[:, : 4 * units]
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: one function for all gates, nothing to cut and put together.
        opened = tf.tanh(now * scale) * scale + lift
        i, f, candidate, o = tf.split(opened, 4, axis=1)
        cell = f * cell + i * candidate
        hidden = o * tf.tanh(cell)
        return hidden, cell, _put(hiddens, at, hidden), _put(cells, at, cell), _put(gates, at, opened)

    # To be written over. With zeros for both, one would be a copy of the other, which XLA gives to another thread, and
    # with it, after it, the loop: of that thread there may be one for all who compute side by side.
    hiddens, cells = tf.ones((*tf.unstack(tf.shape(z)[:2]), units)), tf.zeros((*tf.unstack(tf.shape(z)[:2]), units))
    return _loop(step, tf.shape(z)[1], hidden, cell, hiddens, cells, z)[2:]  # gates take the place of z


@partial(tf.function, jit_compile=True, autograph=False)
def _backward(d_hiddens: Any, d_cell: Any, cell: Any, recurrent: Any, cells: Any, gates: Any, *masks: Any) -> Any:
    """Gradients of z for all steps, (batch, time, 4 units), of the first hidden and of the first cell state."""
    batch, steps, units = tf.shape(cells)[0], tf.shape(cells)[1], recurrent.shape[0]
    back = tf.transpose(recurrent)
    before, curved = tf.concat([cell[:, None], cells[:, :-1]], axis=1), tf.tanh(cells)
    sigmoids, tanhs = _row([1.0, 1.0, 0.0, 1.0], units), _row([0.0, 0.0, 1.0, 0.0], units)

    def step(count: Any, d_hidden: Any, d_cell: Any, d_z: Any) -> tuple[Any, ...]:
        at = steps - 1 - count
        opened, bent = _at(gates, at), _at(curved, at)
        i, f, candidate, o = tf.split(opened, 4, axis=1)
        d_hidden = d_hidden + _at(d_hiddens, at)
        d_cell = d_cell + d_hidden * (o * (1 - bent * bent))
        d_opened = tf.concat([d_cell, d_cell, d_cell, d_hidden], axis=1)
        d_opened *= tf.concat([candidate, _at(before, at), i, bent], axis=1)
        new = d_opened * (sigmoids * opened + tanhs - opened * opened)  # times a - a^2, or 1 - a^2
        d_hidden = tf.matmul(new, back)
        for kept in masks:
            d_hidden = d_hidden * kept
        return d_hidden, d_cell * f, _put(d_z, at, new)

    nothing = tf.zeros((batch, units)), d_cell, tf.zeros((batch, steps, 4 * units))
    d_hidden, d_cell, d_z = _loop(step, steps, *nothing)
    return d_z, d_hidden, d_cell


def _row(values: list[float], units: int) -> Any:
    """One value a gate, for all gates' columns: (1, 4 units)."""
    return tf.repeat(tf.constant(values), units)[None]


def _loop(body: Any, steps: Any, *values: Any) -> list[Any]:
    shapes = [tf.TensorShape([*[None] * (value.shape.rank - 1), value.shape[-1]]) for value in values]
    loop: tuple[Any, ...] = tf.while_loop(
        lambda step, *_: step < steps,
        lambda step, *now: (step + 1, *body(step, *now)),
        (0, *values),
        shape_invariants=(tf.TensorShape([]), *shapes),
    )
    return list(loop[1:])


def _at(values: Any, step: Any) -> Any:
    """values[:, step] of (batch, time, n)."""
    batch, last = tf.shape(values)[0], values.shape[2]
    return tf.reshape(xla.dynamic_slice(values, [0, step, 0], [batch, 1, last]), (-1, last))


def _put(values: Any, step: Any, new: Any) -> Any:
    """Values (batch, time, n) with new values (batch, n) at a step, in place."""
    return xla.dynamic_update_slice(values, new[:, None], [0, step, 0])
