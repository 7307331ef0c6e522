"""The conditional recurrent decoder that every generator shares, as a Keras model for training.

    logits, state = step(state, token, context)

Each token enters as an embedding beside a context vector: a learnt null plus what `theory.tokens.features` knows of the
moment (the plan and what sounds). `composer.runtime` plays the same weights in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from composer.config import DecoderConfig
from composer.models.cells import CELLS
from composer.models.lstm import Table
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
    inputs = (
        keras.Input((None,), dtype="int32", name="tokens"),
        keras.Input((None, len(COLUMNS)), dtype="int32", name="plan"),
        keras.Input((None, PITCHES), dtype="float32", name="heard"),
    )
    return keras.Model(inputs, logits(config, *inputs, seed=seed, mixed=mixed), name="decoder")


def logits(
    config: DecoderConfig,
    tokens: Any,
    plan: Any,
    heard: Any,
    *,
    seed: int,
    mixed: bool = False,
    more: Callable[[Any], Any] | None = None,
) -> Any:
    """The decoder as a part of a network: see `build`.

    Args:
        config: sizes.
        tokens: int32 (batch, time).
        plan: int32 (batch, time, columns).
        heard: float32 (batch, time, 128).
        seed: of dropout.
        mixed: see `build`.
        more: what others add to the context vectors, (batch, time, context).
    """
    kind = keras.DTypePolicy("mixed_bfloat16" if mixed else "float32")
    table = Table(config.vocabulary, config.embedding, _small(), name="embedding", dtype=kind)(tokens)
    context = Context(config.context, name="context", dtype=kind)(plan, heard)
    context = more(context) if more else context
    first, other = CELLS[config.cell]
    hidden = first(config.units, name=f"{config.cell}0", dtype=kind)(tokens, table, context)
    hidden = keras.layers.Dropout(config.dropout, seed=seed, dtype=kind)(hidden)
    for index in range(1, config.layers):
        hidden = other(config.units, return_sequences=True, name=f"{config.cell}{index}", dtype=kind)(hidden)
        hidden = keras.layers.Dropout(config.dropout, seed=seed + index, dtype=kind)(hidden)
    return keras.layers.Dense(config.vocabulary, name="output", dtype=kind)(hidden)


def weights(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """The model's weights under the names that the runtime reads."""
    return {name: np.asarray(weight, dtype=np.float32) for name, weight in named(model).items()}


def set_weights(model: keras.Model, values: dict[str, NDArray[np.float32]]) -> None:
    """Put weights, by the names that the runtime reads, into a model."""
    for name, weight in named(model).items():
        weight.assign(values[name])


def named(model: keras.Model) -> dict[str, Any]:
    """The decoder's variables in a model, under the names that the runtime reads."""
    named = {
        "embedding": model.get_layer("embedding").weights[0],
        "output.kernel": model.get_layer("output").weights[0],
        "output.bias": model.get_layer("output").weights[1],
    }
    named |= {f"context.{weight.name}": weight for weight in model.get_layer("context").weights}
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN):
            for part, weight in zip(("kernel", "recurrent", "bias"), layer.weights, strict=True):
                named[f"{layer.name}.{part}"] = weight
    return named
