"""The network: an LSTM over frames; over the tokens of a frame a feed-forward net that reads windows around a pivot.

The logit of a key is the sum of three: one of the key itself, one of its interval from the pivot, and the product of
the token's vector with a vector of the key that a convolution over the keyboard, the same in every place, has made of
the past. So transposition costs little to learn, and all tokens of a batch run at once: the only loop is that over
frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.polyphonic.features import UNIT, Examples
from benchmarks.polyphonic.lanes import Chunk
from benchmarks.polyphonic.recurrent import lstm
from theory.tokens.frames import KEYS, SIZE

Tensor = Any  # a tf.Tensor: TensorFlow is untyped
_INTERVALS = 2 * KEYS - 1
_WIDTH = 13  # keys that the convolution sees at once


@dataclass(frozen=True)
class Shape:
    """Sizes of a network; those of the features come from the data.

    Attributes:
        planes, scalars, windows, slots: of the features (`features.Examples`).
        heard: how many of the planes, the first ones, the LSTM reads.
        units: of the LSTM.
        hidden: of the token net.
        key_hidden: channels of the convolution.
        key_size: of the vector of a key.
    """

    planes: int
    scalars: int
    windows: int
    slots: int
    heard: int = 3
    units: int = 192
    hidden: int = 256
    key_hidden: int = 32
    key_size: int = 16


@dataclass(frozen=True)
class Dropout:
    """Shares dropped in training.

    Attributes:
        inputs: of the LSTM's inputs and of the windows.
        recurrent: of the LSTM's recurrent weights (DropConnect, one mask a batch).
        state: of the LSTM's outputs, one mask a frame.
        hidden: of the token net.
    """

    inputs: float = 0.1
    recurrent: float = 0.3
    state: float = 0.4
    hidden: float = 0.4


NONE = Dropout(0.0, 0.0, 0.0, 0.0)


class Network:
    """Weights by name, and the functions of them.

    Args:
        shape: sizes.
        seed: of the first weights.
    """

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        import tensorflow as tf

        self.shape = shape
        self.score = tf.function(self._score, autograph=False, reduce_retracing=True)
        rng = np.random.default_rng(seed)
        self.weights: dict[str, Any] = {}
        s = shape

        def dense(name: str, inputs: int, outputs: int, scale: float = 1.0) -> None:
            values = rng.normal(0, scale / np.sqrt(inputs), (inputs, outputs))
            self.weights[name] = tf.Variable(values.astype(np.float32), name=name)

        def bias(name: str, size: int) -> None:
            self.weights[name] = tf.Variable(np.zeros(size, np.float32), name=name)

        dense("input", s.heard * KEYS + s.scalars, 4 * s.units)
        dense("recurrent", s.units, 4 * s.units)
        start = np.repeat([0.0, 1.0, 0.0, 0.0], s.units)  # forget gates open
        self.weights["gates"] = tf.Variable(start.astype(np.float32), name="gates")
        dense("state", s.units, s.hidden)
        dense("window", s.windows, s.hidden, 2.0)
        dense("pivot", KEYS, s.hidden, 0.1)
        dense("slot", s.slots, s.hidden, 0.5)
        bias("token_bias", s.hidden)
        dense("block", s.hidden, s.hidden)
        bias("block_bias", s.hidden)
        dense("key_out", s.hidden, SIZE, 0.1)
        bias("key_bias", SIZE)
        dense("interval_out", s.hidden, _INTERVALS, 0.1)
        values = rng.normal(0, 1 / np.sqrt(_WIDTH * s.planes), (_WIDTH, s.planes, s.key_hidden))
        self.weights["key_window"] = tf.Variable(values.astype(np.float32), name="key_window")
        dense("key_state", s.units, s.key_hidden, 0.3)
        bias("key_window_bias", s.key_hidden)
        dense("key_vector", s.key_hidden, s.key_size)
        dense("key_query", s.hidden, s.key_size, 0.3)

    def initial(self, lanes: int) -> list[Tensor]:
        """H and c of each layer before the first frame."""
        import tensorflow as tf

        return [tf.zeros((lanes, self.shape.units)) for _ in range(2)]

    def _score(self, chunk: Chunk, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Ln p of each token's target, and the state after the chunk."""
        import tensorflow as tf

        logs, after = self.log_probabilities(chunk, state)
        return tf.gather(logs, chunk.target, batch_dims=1), after

    def log_probabilities(
        self, chunk: Chunk, state: list[Tensor], dropout: Dropout = NONE
    ) -> tuple[Tensor, list[Tensor]]:
        """Ln p of every name a token may have, float32 (tokens, 89), and the state after the chunk."""
        import tensorflow as tf

        w, s = self.weights, self.shape
        planes = tf.cast(chunk.planes, tf.float32) / UNIT
        steps, lanes = tf.shape(planes)[0], tf.shape(planes)[1]
        frames = steps * lanes
        scalars = tf.cast(tf.reshape(chunk.scalars, [frames, s.scalars]), tf.float32) / UNIT
        inputs = tf.concat([tf.reshape(planes[:, :, : s.heard], [frames, s.heard * KEYS]), scalars], axis=1)
        projected = tf.matmul(_dropped(inputs, dropout.inputs), w["input"]) + w["gates"]
        recurrent = _dropped(w["recurrent"], dropout.recurrent)
        h, *after = lstm(tf.reshape(projected, [steps, lanes, 4 * s.units]), recurrent, chunk.reset, *state)
        heard = _dropped(tf.reshape(h, [frames, s.units]), dropout.state)

        windows = _dropped(tf.cast(chunk.windows, tf.float32) / UNIT, dropout.inputs)
        token = (
            tf.matmul(windows, w["window"])
            + tf.gather(tf.matmul(heard, w["state"]), chunk.row)
            + tf.gather(w["pivot"], chunk.pivot)
            + tf.gather(w["slot"], chunk.slot)
            + w["token_bias"]
        )
        token = _dropped(tf.nn.relu(token), dropout.hidden)
        more = tf.nn.relu(tf.matmul(token, w["block"]) + w["block_bias"])
        token = token + _dropped(more, dropout.hidden)
        keys = self._keys(tf.reshape(planes, [frames, s.planes, KEYS]), heard)
        return self._named(token, keys, chunk), after

    def _keys(self, planes: Tensor, heard: Tensor) -> Tensor:
        """A vector of each key in each frame, float32 (frames, 88, key_size)."""
        import tensorflow as tf

        w = self.weights
        seen = tf.nn.conv1d(tf.transpose(planes, [0, 2, 1]), w["key_window"], 1, "SAME")
        seen = tf.nn.relu(seen + tf.matmul(heard, w["key_state"])[:, None, :] + w["key_window_bias"])
        size = self.shape.key_hidden
        vectors = tf.matmul(tf.reshape(seen, [-1, size]), w["key_vector"])
        return tf.reshape(vectors, [-1, KEYS, self.shape.key_size])

    def _named(self, token: Tensor, keys: Tensor, chunk: Chunk) -> Tensor:
        import tensorflow as tf

        w = self.weights
        interval = _shifted(tf.matmul(token, w["interval_out"]), KEYS - 1 - tf.convert_to_tensor(chunk.pivot), KEYS)
        pointed = _pointed(tf.matmul(token, w["key_query"]), keys, chunk)
        logits = tf.matmul(token, w["key_out"]) + w["key_bias"]
        logits = tf.concat([logits[:, :KEYS] + interval + pointed, logits[:, KEYS:]], axis=1)
        forbidden = tf.cast(tf.range(SIZE)[None, :] < chunk.floor[:, None], tf.float32)
        return tf.nn.log_softmax(logits - 1e9 * forbidden, axis=1)


def _pointed(query: Tensor, keys: Tensor, chunk: Chunk) -> Tensor:
    """The product of each token's vector with those of the keys of its frame, float32 (tokens, 88).

    One small matrix product a frame: its tokens side by side, as many as the longest frame has.
    """
    import tensorflow as tf

    frames, size = tf.shape(keys)[0], query.shape[1]
    longest = tf.reduce_max(chunk.place) + 1
    where = tf.convert_to_tensor(chunk.row) * longest + chunk.place
    side_by_side = tf.scatter_nd(where[:, None], query, [frames * longest, size])
    found = tf.matmul(tf.reshape(side_by_side, [frames, longest, size]), keys, transpose_b=True)
    return tf.gather(tf.reshape(found, [frames * longest, KEYS]), where)


def _shifted(values: Tensor, first: Tensor, length: int) -> Tensor:
    """Of each row the columns first ... first + length - 1; the gradient gathers too, where TensorFlow's would scatter.

    Args:
        values: float32 (n, m).
        first: int32 (n,), from 0 to m - length.
        length: of the rows returned.
    """
    import tensorflow as tf

    width = values.shape[1]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(values: Tensor) -> Any:
        def gradient(d: Tensor) -> Tensor:
            padded = tf.pad(d, [[0, 0], [width - length, width - length]])
            return _columns(padded, width - length - first, width)

        return _columns(values, first, length), gradient

    return run(values)


def _columns(values: Tensor, first: Tensor, length: int) -> Tensor:
    import tensorflow as tf

    start = tf.range(tf.shape(values)[0]) * values.shape[1] + first
    return tf.gather(tf.reshape(values, [-1]), start[:, None] + tf.range(length)[None, :])


def shape_of(data: Examples, **sizes: int) -> Shape:
    """The shape for features, with sizes of its own."""
    return Shape(
        planes=data.planes.shape[1],
        scalars=data.scalars.shape[1],
        windows=data.windows.shape[1],
        slots=int(data.slot.max()) + 1,
        **sizes,
    )


def _dropped(values: Tensor, share: float) -> Tensor:
    import tensorflow as tf

    return tf.nn.dropout(values, share) if share else values
