"""The conditional LSTM decoder that every generator shares, as a Keras model for training.

    logits, state = step(state, token, context)

Each token enters as an embedding beside a context vector: a learnt null plus what `theory.tokens.features` knows of the
moment (the plan and what sounds). `composer.runtime` plays the same weights in NumPy.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from composer.config import DecoderConfig
from composer.models.lstm import LSTM, Table, TokenLSTM
from theory.tokens.features import COLUMNS, PITCHES


class Context(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Context vectors: a learnt null, one embedding a plan column, and the sum of the sounding pitches' vectors."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def build(self, plan_shape: Any, heard_shape: Any) -> None:
        """Create the tables: null (size,), one (values, size) a column, heard (128, size)."""
        self.null = self.add_weight(shape=(self.size,), initializer="zeros", name="null")
        self.columns = [
            self.add_weight(shape=(values, self.size), initializer=_small(), name=name)
            for name, values in COLUMNS.items()
        ]
        self.heard = self.add_weight(shape=(PITCHES, self.size), initializer=_small(), name="heard")

    def call(self, plan: Any, heard: Any) -> Any:
        """Plan int32 (batch, time, columns), heard float32 (batch, time, 128) -> float32 (batch, time, size)."""
        result = self.null + keras.ops.matmul(heard, self.heard)
        for index, table in enumerate(self.columns):
            result = result + keras.ops.take(table, plan[:, :, index], axis=0)
        return result


def _small() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.1)


def build(config: DecoderConfig, seed: int = 0, *, mixed: bool = False) -> keras.Model:
    """The decoder over whole sequences.

    Inputs: tokens int32 (batch, time), plan int32 (batch, time, columns), heard float32 (batch, time, 128).
    Output: logits float32 (batch, time, vocabulary) for the next token, bfloat16 where `mixed`.

    Args:
        config: sizes.
        seed: of the first weights and of dropout.
        mixed: compute large products in bfloat16; weights stay float32. A third faster on processors and GPUs that
            know bfloat16 (AVX512_BF16, AMX), much slower on others.
    """
    keras.utils.set_random_seed(seed)
    kind = keras.DTypePolicy("mixed_bfloat16" if mixed else "float32")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    plan = keras.Input((None, len(COLUMNS)), dtype="int32", name="plan")
    heard = keras.Input((None, PITCHES), dtype="float32", name="heard")
    table = Table(config.vocabulary, config.embedding, _small(), name="embedding", dtype=kind)(tokens)
    context = Context(config.context, name="context", dtype=kind)(plan, heard)
    hidden = TokenLSTM(config.units, name="lstm0", dtype=kind)(tokens, table, context)
    hidden = keras.layers.Dropout(config.dropout, seed=seed, dtype=kind)(hidden)
    for index in range(1, config.layers):
        hidden = LSTM(config.units, return_sequences=True, name=f"lstm{index}", dtype=kind)(hidden)
        hidden = keras.layers.Dropout(config.dropout, seed=seed + index, dtype=kind)(hidden)
    logits = keras.layers.Dense(config.vocabulary, name="output", dtype=kind)(hidden)
    return keras.Model([tokens, plan, heard], logits, name="decoder")


def weights(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """The model's weights under the names that the runtime reads."""
    return {name: np.asarray(weight, dtype=np.float32) for name, weight in _named(model).items()}


def set_weights(model: keras.Model, values: dict[str, NDArray[np.float32]]) -> None:
    """Put weights, by the names that the runtime reads, into a model."""
    for name, weight in _named(model).items():
        weight.assign(values[name])


def _named(model: keras.Model) -> dict[str, Any]:
    named = {
        "embedding": model.get_layer("embedding").weights[0],
        "output.kernel": model.get_layer("output").weights[0],
        "output.bias": model.get_layer("output").weights[1],
    }
    named |= {f"context.{weight.name}": weight for weight in model.get_layer("context").weights}
    for layer in model.layers:
        if isinstance(layer, LSTM):
            for part, weight in zip(("kernel", "recurrent", "bias"), layer.weights, strict=True):
                named[f"{layer.name}.{part}"] = weight
    return named
