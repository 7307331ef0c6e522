"""The decoder in NumPy: what composing runs, without TensorFlow.

    logits, state = step(state, token, context)

Same arithmetic as `composer.models.decoder` in float32. Four things make it fast: a token's share of the first layer's
input is looked up, not multiplied (its row of embedding x kernel); input and recurrent products of a layer are one,
where its cells allow it (`composer.cells`); matrices lie transposed, so that each product reads memory once, in order;
and logits are worked out for the tokens that somebody asks about. Several sequences advance side by side by one matrix
product a layer, which rounds in another way than the products of single sequences: `composer.lockstep` says what
follows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from composer.bar_notes import place_of
from composer.bundle import Bundle
from composer.cells import LAYERS, Memory, product
from composer.cells import Vector as Vector
from theory.tokens import Kind, State
from theory.tokens.features import COLUMNS, PITCHES, moment

Ids = NDArray[np.int64]
Moment = tuple[list[int], list[int]]  # a row of the plan, and the pitches that sound: `theory.tokens.features.moment`


class Walk:
    """Where a sequence stands as its tokens are read: what a runtime must be told besides them, in any key.

    Args:
        bars: of the whole piece.
        vocabulary: size of the model's.

    Attributes:
        state: after the last token.
        tokens: that were read.
        map: id -> the id under which the network knows it (see `composer.keyview`), int64 (V,).
    """

    def __init__(self, bars: int, vocabulary: int) -> None:
        self.state = State()
        self.tokens: list[int] = []
        self.map = keyview.token_map(0, vocabulary)
        self._bars, self._signature = bars, 0
        self._bars_begun: list[tuple[int, State]] = []  # how many tokens were read then, and the state

    def copy(self) -> Walk:
        """A walk of its own that stands at the same place."""
        twin = Walk.__new__(Walk)
        twin.__dict__.update(self.__dict__)
        twin.state, twin.tokens, twin._bars_begun = self.state.copy(), self.tokens.copy(), self._bars_begun.copy()
        return twin

    def take(self, token: int) -> Moment:
        """Go on by a token; return the moment after it, as the network sees it."""
        state = self.state
        state.advance(token)
        self.tokens.append(token)
        if state.kind is Kind.BAR:
            self._bars_begun.append((len(self.tokens), state.copy()))
        elif state.kind is Kind.MODE and state.bar == 0 and state.position == 0 and state.key:
            self._signature = state.key[0]
            self.map = keyview.token_map(self._signature, len(self.map))
        return keyview.moment_seen(*moment(state, self._bars), self._signature)

    def rewind(self, count: int) -> None:
        """Forget all but the first `count` tokens, at least those up to the first key."""
        del self.tokens[count:]
        while self._bars_begun and self._bars_begun[-1][0] > count:
            self._bars_begun.pop()
        known, state = self._bars_begun[-1] if self._bars_begun else (0, State())
        self.state = state.copy()
        for token in self.tokens[known:]:
            self.state.advance(token)


class Reader:
    """One sequence being read: turns tokens into logits for the next.

    It remembers every step, so that it can go back: 6 kB a token with the shipped model.

    Args:
        runtime: the decoder.
        bars: of the whole piece.
        told: what the decoder is told at each place besides (`Runtime.told`), float32 (places, gates units).

    Attributes:
        walk: what was read.
        memories: before the first token, and after each.
    """

    def __init__(self, runtime: Runtime, bars: int, told: Vector | None = None) -> None:
        self.walk = Walk(bars, runtime.vocabulary)
        self._runtime, self._told = runtime, told
        self.memories = [runtime.start()]

    @property
    def state(self) -> State:
        """Where the sequence stands."""
        return self.walk.state

    @property
    def memory(self) -> Memory:
        """After the last token."""
        return self.memories[-1]

    @property
    def top(self) -> Vector:
        """What the network said after each token: hidden vectors of its last layer, float32 (n, units)."""
        return np.array([memory.hidden[-1] for memory in self.memories[1:]])

    def take(self, token: int) -> None:
        """Take in a token."""
        seen = self.walk.take(token)
        inputs = self._runtime.input(self.walk.map[token], seen)
        if self._told is not None:
            inputs += told_now(self._told, self.walk.state)
        self.memories.append(self._runtime.advance(self.memories[-1], inputs))

    def logits(self, ids: Ids | None = None) -> Vector:
        """Logits for the next token, float32 (vocabulary,), or for some ids, (n,)."""
        top = self.memories[-1].hidden[-1]
        if ids is None:
            return self._runtime.logits(top)[self.walk.map]
        return self._runtime.logits(top, self.walk.map[ids])

    def read(self, token: int) -> Vector:
        """Take in a token; return logits for the next one, float32 (vocabulary,)."""
        self.take(token)
        return self.logits()

    def rewind(self, count: int) -> None:
        """Forget all but the first `count` tokens, at least those up to the first key."""
        del self.memories[count + 1 :]
        self.walk.rewind(count)


class Runtime:
    """A decoder that steps one token at a time, for one sequence or several side by side.

    Args:
        bundle: a loaded model.

    Attributes:
        tokenizer: whose tokens it reads (`Settings.learnt`).
        vocabulary: how many there are.
    """

    def __init__(self, bundle: Bundle) -> None:
        weights, sizes = bundle.weights, bundle.decoder
        self.tokenizer, self.vocabulary = bundle.tokenizer.learnt, sizes.vocabulary
        self._layers = LAYERS[sizes.cell](weights, sizes)
        kernel = weights[f"{sizes.cell}0.kernel"]
        self._context_kernel = self._layers.rows(kernel[sizes.embedding :])
        # All that a context is a sum of; the last row is nothing.
        tables = [weights["context.null"][None], *(weights[f"context.{name}"] for name in COLUMNS)]
        self._column_rows = np.cumsum([len(table) for table in tables[:-1]]).tolist()
        self._heard_row = sum(map(len, tables))
        self._tables = np.concatenate([*tables, weights["context.heard"], np.zeros((1, sizes.context), np.float32)])
        self._table_rows = self._tables @ self._context_kernel.T
        self._token_rows = (weights["embedding"] @ self._layers.rows(kernel[: sizes.embedding]).T) + self._layers.bias
        self._output = np.ascontiguousarray(weights["output.kernel"].T)
        self._output_bias = weights["output.bias"]

    def start(self) -> Memory:
        """State of one sequence before the first token."""
        return self._layers.start()

    def context(self, plan: list[int], heard: list[int]) -> Vector:
        """Context vector, float32 (context,), of a moment as `theory.tokens.features.moment` gives it."""
        summed: Vector = np.add.reduce(self._tables[self._rows_of((plan, heard))])
        return summed

    def input(self, token: int, seen: Moment) -> Vector:
        """What a token and the moment after it bring to the first layer, float32 (gates units,)."""
        result: Vector = np.add.reduce(self._table_rows.take(self._rows_of(seen), axis=0))
        result += self._token_rows[token]
        return result

    def inputs(self, tokens: Ids, moments: Sequence[Moment]) -> Vector:
        """As `input`, of n tokens: float32 (n, gates units)."""
        rows = [self._rows_of(seen) for seen in moments]
        most, nothing = max(map(len, rows)), self._heard_row + PITCHES
        for row in rows:
            row += [nothing] * (most - len(row))
        result: Vector = np.add.reduce(self._tables.take(rows, axis=0), axis=1) @ self._context_kernel.T
        result += self._token_rows.take(tokens, axis=0)
        return result

    def told(self, contexts: Vector) -> Vector:
        """What contexts, float32 (places, context), bring to the first layer: float32 (places, gates units)."""
        return np.asarray(contexts @ self._context_kernel.T, dtype=np.float32)

    def _rows_of(self, seen: Moment) -> list[int]:
        """The rows of the tables that a context is the sum of."""
        plan, heard = seen
        sounding = sorted({self._heard_row + pitch for pitch in heard})
        return [0, *map(int.__add__, self._column_rows, plan), *sounding]

    def step(self, state: Memory, token: int, context: Vector) -> tuple[Vector, Memory]:
        """Read one token of one sequence.

        Args:
            state: before the token.
            token: id.
            context: of the moment after the token, float32 (context,).

        Returns:
            Logits for the next token, float32 (vocabulary,), and the new state; the old one stays valid.
        """
        after = self.advance(state, self._token_rows[token] + self._context_kernel @ context)
        return self.logits(after.hidden[-1]), after

    def advance(self, state: Memory, inputs: Vector) -> Memory:
        """Read one token of each of n sequences, or of one: no axis n then.

        Args:
            state: before the tokens.
            inputs: of them, as from `inputs`, float32 (n, gates units).

        Returns:
            The new state; the old one stays valid.
        """
        return self._layers.advance(state, inputs)

    def logits(self, top: Vector, ids: Ids | None = None) -> Vector:
        """Logits of all tokens or of some.

        Args:
            top: hidden vectors of the last layer, float32 (n, units), or one, (units,).
            ids: as the network knows them, int64 (m,); None: all, m is the vocabulary.

        Returns:
            float32 (n, m), or (m,).
        """
        if ids is None:
            return product(self._output, top) + self._output_bias
        result = product(self._output.take(ids, axis=0), top)
        result += self._output_bias[ids]
        return result


def told_now(told: Vector, state: State) -> Vector:
    """What is told at the place of a state; beyond the last place the same as there."""
    row: Vector = told[min(place_of(state.bar, state.position), len(told) - 1)]
    return row
