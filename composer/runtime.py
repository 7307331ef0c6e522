"""The decoder in NumPy: what composing runs, without TensorFlow.

    logits, state = step(state, token, context)

Same arithmetic as `composer.models.decoder` in float32. Three things make it fast: a token's share of the first layer's
input is looked up, not multiplied (its row of embedding x kernel, computed when the token first occurs); input and
recurrent products of a layer are one; and matrices lie transposed, so that each product reads memory once, in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from composer.bundle import Bundle
from theory.tokens import Kind, State
from theory.tokens.features import COLUMNS, moment

Vector = NDArray[np.float32]


class LstmState(NamedTuple):
    """Recurrent state: hidden and cell vectors, float32 (layers, units) each."""

    hidden: Vector
    cell: Vector


class Reader:
    """One sequence being read: turns tokens into logits for the next, in any key (see `composer.keyview`).

    It remembers every step, so that it can go back: 11 kB a token with the shipped model.

    Args:
        runtime: the decoder.
        bars: of the whole piece.
    """

    def __init__(self, runtime: Runtime, bars: int) -> None:
        self.state = State()
        self.logits: list[Vector] = []  # for the next token, after each that was read
        self._runtime, self._bars = runtime, bars
        self._tokens: list[int] = []
        self._bars_begun: list[tuple[int, State]] = []  # how many tokens were read then, and the state
        self._memories = [runtime.start()]
        self._map = keyview.token_map(0, runtime.vocabulary)
        self._signature = 0

    def read(self, token: int) -> Vector:
        """Take in a token; return logits for the next one, float32 (vocabulary,)."""
        self.state.advance(token)
        if self.state.kind is Kind.MODE and self.state.bar == 0 and self.state.position == 0 and self.state.key:
            self._signature = self.state.key[0]
            self._map = keyview.token_map(self._signature, self._runtime.vocabulary)
        seen = keyview.moment_seen(*moment(self.state, self._bars), self._signature)
        context = self._runtime.context(*seen)
        logits, memory = self._runtime.step(self._memories[-1], int(self._map[token]), context)
        self._tokens.append(token)
        if self.state.kind is Kind.BAR:
            self._bars_begun.append((len(self._tokens), self.state.copy()))
        self._memories.append(memory)
        self.logits.append(logits[self._map])
        return self.logits[-1]

    def rewind(self, count: int) -> None:
        """Forget all but the first `count` tokens, at least those up to the first key."""
        del self._tokens[count:], self._memories[count + 1 :], self.logits[count:]
        while self._bars_begun and self._bars_begun[-1][0] > count:
            self._bars_begun.pop()
        known, state = self._bars_begun[-1] if self._bars_begun else (0, State())
        self.state = state.copy()
        for token in self._tokens[known:]:
            self.state.advance(token)


class Runtime:
    """A decoder that steps one token at a time, for one sequence.

    Args:
        bundle: a loaded model.

    Attributes:
        tokenizer: whose tokens it reads (`Settings.learnt`).
        vocabulary: how many there are.
    """

    def __init__(self, bundle: Bundle) -> None:
        weights, sizes = bundle.weights, bundle.decoder
        self.tokenizer, self.vocabulary = bundle.tokenizer.learnt, sizes.vocabulary
        self._sizes = sizes
        self._embedding = weights["embedding"]
        self._null = weights["context.null"]
        self._heard = weights["context.heard"]
        self._columns = [weights[f"context.{name}"] for name in COLUMNS]
        kernel = weights["lstm0.kernel"]
        self._token_kernel = kernel[: sizes.embedding]
        self._token_rows: dict[int, Vector] = {}
        # Rows of a stacked matrix: context and hidden (first layer), lower hidden and hidden (others).
        stacked = [np.concatenate([kernel[sizes.embedding :], weights["lstm0.recurrent"]])]
        for index in range(1, sizes.layers):
            stacked.append(np.concatenate([weights[f"lstm{index}.kernel"], weights[f"lstm{index}.recurrent"]]))
        self._matrices = [_for_gates(matrix, sizes.units) for matrix in stacked]
        self._biases = [
            _for_gates(weights[f"lstm{index}.bias"][None], sizes.units)[:, 0] for index in range(sizes.layers)
        ]
        self._output = np.ascontiguousarray(weights["output.kernel"].T)
        self._output_bias = weights["output.bias"]

    def start(self) -> LstmState:
        """State before the first token."""
        shape = (self._sizes.layers, self._sizes.units)
        return LstmState(np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def context(self, plan: list[int], heard: list[int]) -> Vector:
        """Context vector, float32 (context,), of a moment as `theory.tokens.features.moment` gives it."""
        result = self._null.copy()
        for table, value in zip(self._columns, plan, strict=True):
            result += table[value]
        for pitch in sorted(set(heard)):
            result += self._heard[pitch]
        return result

    def step(self, state: LstmState, token: int, context: Vector) -> tuple[Vector, LstmState]:
        """Read one token.

        Args:
            state: before the token.
            token: id.
            context: of the moment after the token, float32 (context,).

        Returns:
            Logits for the next token, float32 (vocabulary,), and the new state; the old one stays valid.
        """
        units = self._sizes.units
        hidden, cell = np.empty_like(state.hidden), np.empty_like(state.cell)
        below = context
        for layer, (matrix, bias) in enumerate(zip(self._matrices, self._biases, strict=True)):
            gates = matrix @ np.concatenate([below, state.hidden[layer]])
            gates += bias if layer else self._token_row(token)
            # Order i, f, o, then the candidate; sigmoid(x) = (1 + tanh(x / 2)) / 2, the halves are in the weights.
            np.tanh(gates, out=gates)
            candidate = gates[3 * units :]
            opened = gates[: 3 * units]
            opened += 1.0
            opened *= 0.5
            np.multiply(opened[:units], candidate, out=cell[layer])
            cell[layer] += opened[units : 2 * units] * state.cell[layer]
            np.multiply(opened[2 * units :], np.tanh(cell[layer]), out=hidden[layer])
            below = hidden[layer]
        return self._output @ below + self._output_bias, LstmState(hidden, cell)

    def _token_row(self, token: int) -> Vector:
        row = self._token_rows.get(token)
        if row is None:
            units = self._sizes.units
            row = _for_gates((self._embedding[token] @ self._token_kernel)[None], units)[:, 0] + self._biases[0]
            self._token_rows[token] = row
        return row


def _for_gates(matrix: Vector, units: int) -> Vector:
    """Keras' columns (i, f, candidate, o) as rows (i, f, o, candidate), sigmoid gates halved: (n, 4u) -> (4u, n)."""
    i, f, candidate, o = (matrix[:, gate * units : (gate + 1) * units].T for gate in range(4))
    return np.ascontiguousarray(np.concatenate([0.5 * i, 0.5 * f, 0.5 * o, candidate]))
