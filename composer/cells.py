"""Recurrent cells in NumPy, layer upon layer, a step at a time: LSTM, GRU and the simple recurrent network.

The arithmetic of Keras' layers: LSTM (Hochreiter & Schmidhuber, 1997, with forget gates), GRU (Cho et al., 2014, its
reset gate after the recurrent product, as cuDNN has it) and SimpleRNN (Elman, 1990). Sigmoids are reckoned as
sigmoid(x) = (1 + tanh(x / 2)) / 2; the inner halves are in the weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.checkpoint import Arrays
from composer.config import DecoderConfig

Vector = NDArray[np.float32]
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_FEW = 6  # sequences, up to which products of single ones are faster than one of them all


class Memory(NamedTuple):
    """Recurrent state: vectors of each layer, float32 (units,), or (n, units) of n sequences.

    Attributes:
        hidden: what each layer last said.
        cell: what each layer of LSTM cells keeps besides; of other cells nothing, ().
    """

    hidden: Sequence[Vector]
    cell: Sequence[Vector]


class Layers(ABC):
    """Recurrent layers of a decoder. What the first one reads comes as its share of the gates.

    Args:
        weights: of the decoder, as `DecoderConfig.shapes` names them.
        sizes: of the decoder.

    Attributes:
        bias: of the first layer's input, float32 (gates units,).
    """

    gates: ClassVar[tuple[int, ...]]  # Keras' blocks of columns in the order in which they lie here: sigmoids first
    sigmoids: ClassVar[int]  # how many of them are

    bias: Vector

    def __init__(self, weights: Arrays, sizes: DecoderConfig) -> None:
        self._units = sizes.units
        self._nothing = (np.zeros(sizes.units, np.float32),) * sizes.layers
        parts = ("kernel", "recurrent", "bias")
        self._build([[weights[f"{sizes.cell}{index}.{part}"] for part in parts] for index in range(sizes.layers)])

    @abstractmethod
    def _build(self, layers: list[list[Vector]]) -> None:
        """Lay out kernel, recurrent kernel and bias of each layer, as Keras has them."""

    @classmethod
    def rows(cls, matrix: Vector) -> Vector:
        """Keras' columns as rows in the order of `gates`, those of sigmoids halved: (n, gates units) -> (..., n)."""
        blocks = np.split(matrix.T, len(cls.gates))
        scaled = [blocks[gate] * (_HALF if place < cls.sigmoids else _ONE) for place, gate in enumerate(cls.gates)]
        return np.ascontiguousarray(np.concatenate(scaled))

    def start(self) -> Memory:
        """Of one sequence before the first token."""
        return Memory(self._nothing, ())

    @abstractmethod
    def advance(self, memory: Memory, inputs: Vector) -> Memory:
        """Read one token of each of n sequences, or of one: no axis n then.

        Args:
            memory: before the tokens.
            inputs: what they bring to the first layer, its bias included, float32 (n, gates units).

        Returns:
            The memory after them; the old one stays valid.
        """


class _Stacked(Layers):
    """Layers whose input and recurrent products are one."""

    def _build(self, layers: list[list[Vector]]) -> None:
        # Columns of a matrix: hidden (first layer), lower hidden and hidden (others).
        self._matrices = [
            self.rows(np.concatenate([kernel, recurrent]) if index else recurrent)
            for index, (kernel, recurrent, _) in enumerate(layers)
        ]
        self.bias, *self._biases = (self.rows(bias[None])[:, 0] for _, _, bias in layers)

    def _gates(self, layer: int, below: Vector | None, before: Vector, inputs: Vector) -> Vector:
        """What goes through a layer's activations, as an array of its own."""
        if below is None:
            gates = product(self._matrices[0], before)
            gates += inputs
        else:
            gates = product(self._matrices[layer], np.concatenate((below, before), axis=-1))
            gates += self._biases[layer - 1]
        return gates


class Lstm(_Stacked):
    """Keras' blocks are input gate, forget gate, candidate and output gate."""

    gates, sigmoids = (0, 1, 3, 2), 3

    def start(self) -> Memory:
        """Of one sequence before the first token."""
        return Memory(self._nothing, self._nothing)

    def advance(self, memory: Memory, inputs: Vector) -> Memory:
        """See `Layers`."""
        units = self._units
        hidden: list[Vector] = []
        cell: list[Vector] = []
        above: Vector | None = None
        for layer, before in enumerate(memory.hidden):
            gates = self._gates(layer, above, before, inputs)
            np.tanh(gates, out=gates)
            opened, candidate = gates[..., : 3 * units], gates[..., 3 * units :]
            opened += _ONE
            opened *= _HALF
            candidate *= gates[..., :units]
            now = memory.cell[layer] * gates[..., units : 2 * units]
            now += candidate
            above = np.tanh(now)
            above *= gates[..., 2 * units : 3 * units]
            hidden.append(above)
            cell.append(now)
        return Memory(hidden, cell)


class Gru(Layers):
    """Keras' blocks are update gate, reset gate and candidate; a bias for the input's product, one for the other."""

    gates, sigmoids = (0, 1, 2), 2

    def _build(self, layers: list[list[Vector]]) -> None:
        # The reset gate stands between the two products of a candidate, so they are not one.
        self._kernels = [self.rows(kernel) for kernel, _, _ in layers[1:]]
        self._recurrent = [self.rows(recurrent) for _, recurrent, _ in layers]
        both = [self.rows(bias).T for _, _, bias in layers]
        opened = 2 * self._units
        self._resets = [bias[1, opened:].copy() for bias in both]
        for bias in both:
            bias[0, :opened] += bias[1, :opened]
        self.bias, *self._biases = (bias[0].copy() for bias in both)

    def advance(self, memory: Memory, inputs: Vector) -> Memory:
        """See `Layers`."""
        units = self._units
        hidden: list[Vector] = []
        for layer, before in enumerate(memory.hidden):
            if layer:
                inputs = product(self._kernels[layer - 1], hidden[-1])
                inputs += self._biases[layer - 1]
            gates = product(self._recurrent[layer], before)
            opened, candidate = gates[..., : 2 * units], gates[..., 2 * units :]
            opened += inputs[..., : 2 * units]
            np.tanh(opened, out=opened)
            opened += _ONE
            opened *= _HALF
            candidate += self._resets[layer]
            candidate *= gates[..., units : 2 * units]
            candidate += inputs[..., 2 * units :]
            now = np.tanh(candidate)
            kept = before - now
            kept *= gates[..., :units]
            now += kept
            hidden.append(now)
        return Memory(hidden, ())


class Rnn(_Stacked):
    """A hyperbolic tangent, no gates."""

    gates, sigmoids = (0,), 0

    def advance(self, memory: Memory, inputs: Vector) -> Memory:
        """See `Layers`."""
        hidden: list[Vector] = []
        above: Vector | None = None
        for layer, before in enumerate(memory.hidden):
            above = self._gates(layer, above, before, inputs)
            np.tanh(above, out=above)
            hidden.append(above)
        return Memory(hidden, ())


LAYERS: dict[str, type[Layers]] = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}


def product(matrix: Vector, vectors: Vector) -> Vector:
    """The products of a matrix, (m, k), with vectors, (n, k) or one (k,): (n, m) or (m,)."""
    if vectors.ndim == 1:
        result: Vector = matrix @ vectors
    elif len(vectors) <= _FEW:
        result = np.matmul(matrix, vectors[:, :, None])[:, :, 0]
    else:
        result = vectors @ matrix.T
    return result
