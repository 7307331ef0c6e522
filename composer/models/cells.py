"""The recurrent layers that a decoder can be made of: a first one that reads tokens, and one for those above."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from composer.models.lstm import LSTM, TokenLSTM


class _ReadsTokens:
    """Makes a stock layer read what `TokenLSTM` reads: `layer([table[tokens], more])`. All outputs are returned."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **{**kwargs, "return_sequences": True})  # type: ignore[call-arg]  # of the stock layer
        self.input_spec = None  # no vectors at every step, as the stock layer asks for

    def build(self, tokens_shape: Any, table_shape: Any, more_shape: Any) -> None:
        """Create the weights: the kernel's rows are the table's columns, then those of what is read beside."""
        super().build((*tokens_shape, table_shape[-1] + more_shape[-1]))  # type: ignore[misc]

    def call(self, tokens: Any, table: Any, more: Any, training: bool = False) -> Any:
        """Tokens int32 (batch, time), table (vocabulary, n), more (batch, time, m) -> (batch, time, units)."""
        read = keras.ops.concatenate([keras.ops.take(table, tokens, axis=0), more], -1)
        return super().call(read, training=training)  # type: ignore[misc]

    def compute_output_shape(self, tokens_shape: Any, table_shape: Any, more_shape: Any) -> tuple[Any, ...]:
        """(batch, time, units)."""
        return (*tokens_shape, self.units)  # type: ignore[attr-defined]


class TokenGRU(_ReadsTokens, keras.layers.GRU):  # type: ignore[misc]  # Keras is untyped
    """`keras.layers.GRU` that reads tokens."""


class TokenRNN(_ReadsTokens, keras.layers.SimpleRNN):  # type: ignore[misc]
    """`keras.layers.SimpleRNN` that reads tokens."""


class Cell(NamedTuple):
    """Layers of one cell.

    Attributes:
        first: reads tokens, their table and what is beside; see `TokenLSTM`.
        other: reads the layer below.
    """

    first: type[keras.layers.RNN]
    other: type[keras.layers.RNN]


CELLS = {
    "lstm": Cell(TokenLSTM, LSTM),
    "gru": Cell(TokenGRU, keras.layers.GRU),
    "rnn": Cell(TokenRNN, keras.layers.SimpleRNN),
}

__all__ = ["CELLS", "Cell", "TokenGRU", "TokenRNN"]
