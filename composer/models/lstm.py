"""LSTM layers that train fast on processors: the weights, names and results of `keras.layers.LSTM`.

Under TensorFlow, without a GPU, its steps run in the compiled loops of `composer.models.recurrence`. Anywhere else, and
with settings that those do not know, it is the stock layer (which takes cuDNN's path on a GPU).
"""

from __future__ import annotations

from typing import Any

import keras

from composer.models.device import on_processor


class LSTM(keras.layers.LSTM):  # type: ignore[misc]  # Keras is untyped
    """`keras.layers.LSTM`, faster on processors.

    `dropout` and `recurrent_dropout` draw one mask for all time steps of a sequence and all gates (variational dropout:
    Gal & Ghahramani, 2016), at next to no cost. The stock layer, where it stands in, draws one mask a gate for the
    latter: another mask, the same expectation.
    """

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """All time steps; what `keras.layers.RNN` calls.

        Args:
            sequences: (batch, time, features).
            initial_state: hidden and cell state, (batch, units) each.
            mask: None, or bool (batch, time): the stock layer's affair.
            training: whether dropout drops.

        Returns:
            The last output, all outputs, and the states after the last step.
        """
        if mask is not None or not self._known():
            return super().inner_loop(sequences, initial_state, mask, training)
        from composer.models import recurrence

        hidden, cell = initial_state
        if training and self.dropout:
            sequences = sequences * self._drawn(self.dropout, (keras.ops.shape(sequences)[0], 1, sequences.shape[2]))
        kept = self._drawn(self.recurrent_dropout, keras.ops.shape(hidden)) if training else None
        outputs, cell = recurrence.run(sequences, hidden, cell, *self._kernels(), kept)
        return outputs[:, -1], outputs if self.return_sequences else outputs[:, -1:], [outputs[:, -1], cell]

    def _kernels(self) -> tuple[Any, Any, Any]:
        return self.cell.kernel.value, self.cell.recurrent_kernel.value, self.cell.bias.value

    def _known(self) -> bool:
        """Whether the compiled loops can take this layer's place."""
        cell = self.cell
        return (
            on_processor()
            and self.compute_dtype in ("float32", "bfloat16")
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and cell.use_bias
            and not self.go_backwards
            and not self.unroll
        )

    def _drawn(self, share: float, shape: Any) -> Any:
        """A dropout mask, or None where nothing is dropped."""
        if not share:
            return None
        return keras.random.dropout(keras.ops.ones(shape, self.compute_dtype), share, seed=self.cell.seed_generator)

    def _maybe_config_dropout_masks(self, cell: Any, *states: Any) -> None:
        if not self._known():  # masks of its own
            super()._maybe_config_dropout_masks(cell, *states)


class TokenLSTM(LSTM):
    """An LSTM that reads tokens, and perhaps more at every step: the result of `LSTM(...)([table[tokens], more])`.

    What a token adds to the gates is looked up in table x kernel, not multiplied at every step, as `composer.runtime`
    does: without more to read, and with few tokens, a third of the layer's arithmetic. All outputs are returned.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **{**kwargs, "return_sequences": True})
        self.input_spec = None  # no vectors at every step, as the stock layer asks for

    def build(self, tokens_shape: Any, table_shape: Any, more_shape: Any = None) -> None:
        """Create the weights: the kernel's rows are the table's columns, then those of what is read beside."""
        super().build((*tokens_shape, table_shape[-1] + (more_shape[-1] if more_shape else 0)))

    def call(self, tokens: Any, table: Any, more: Any = None, training: bool = False) -> Any:
        """Tokens int32 (batch, time), table (vocabulary, n), more (batch, time, m) -> (batch, time, units)."""
        if not self._known() or (training and self.dropout):  # a mask on the table's rows differs by sequence
            read = keras.ops.take(table, tokens, axis=0)
            return super().call(read if more is None else keras.ops.concatenate([read, more], -1), training=training)
        from composer.models import recurrence

        hidden, cell = self.get_initial_state(keras.ops.shape(tokens)[0])
        kept = self._drawn(self.recurrent_dropout, keras.ops.shape(hidden)) if training else None
        kernel, recurrent, bias = self._kernels()
        size = table.shape[1]
        rows = keras.ops.matmul(table, kernel[:size])
        below = None if more is None else kernel[size:]
        return recurrence.run(more, hidden, cell, below, recurrent, bias, kept, tokens, rows)[0]

    def compute_output_shape(self, tokens_shape: Any, table_shape: Any, more_shape: Any = None) -> tuple[Any, ...]:
        """(batch, time, units)."""
        return (*tokens_shape, self.units)


class Table(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """A vector for every token, (vocabulary, size), for `TokenLSTM` to look up.

    Args:
        vocabulary: number of tokens.
        size: of a vector.
        initializer: of the vectors.
        kwargs: of all layers.
    """

    def __init__(self, vocabulary: int, size: int, initializer: Any = "uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.size, self.initializer = vocabulary, size, keras.initializers.get(initializer)

    def build(self, tokens_shape: Any) -> None:
        """Create the vectors."""
        shape = (self.vocabulary, self.size)
        self.embeddings = self.add_weight(shape=shape, initializer=self.initializer, name="embeddings")

    def call(self, tokens: Any) -> Any:
        """The whole table, whatever the tokens."""
        return keras.ops.convert_to_tensor(self.embeddings)

    def compute_output_shape(self, tokens_shape: Any) -> tuple[int, int]:
        """(vocabulary, size)."""
        return self.vocabulary, self.size


__all__ = ["LSTM", "Table", "TokenLSTM"]
