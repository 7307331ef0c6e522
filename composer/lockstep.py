"""Several sequences read side by side: one matrix product a layer and step for all of them.

A product of many vectors rounds in another way than that of one: logits come out a few millionths apart
(`ERROR`), and so could, once in some hundred pieces, the piece. What a seed gives must not depend on its neighbours:
where a draw is so near an edge that `ERROR` could matter, the sequence is read again by itself, and that counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from composer.cells import Memory
from composer.runtime import Ids, Reader, Runtime, Vector, Walk, told_now

# How far a logit of a sequence that has company may be off: twice the most in 16,000 tokens of the shipped model.
ERROR = 2e-5
_KEPT = 256  # steps that are remembered: some 70 notes; who goes further back is read again


class Lockstep:
    """Two sequences or more after the same opening, by rows.

    It remembers 1.5 kB a token and 1.5 MB a row with the shipped model.

    Args:
        runtime: the decoder.
        opening: tokens that all begin with.
        bars: of each whole piece.
        width: rows: how many sequences it can hold.

    Attributes:
        map: of ids to those that the network knows.
    """

    def __init__(self, runtime: Runtime, opening: Sequence[int], bars: int, width: int) -> None:
        self._runtime, self._bars, self._opening = runtime, bars, opening
        first = self._read(None)
        self.map = first.walk.map
        self._firsts = [first] * width
        self._told: list[Vector | None] = [None] * width
        self._walks = [first.walk] * width
        self._alone: dict[int, Reader] = {}
        self._tops: list[list[Vector]] = [[]] * width
        self._steps: list[list[int]] = [[]] * width  # of each token after the opening: in which step it was read
        self._now = Memory(*(tuple(np.tile(layer, (width, 1)) for layer in part) for part in first.memory))
        self._step = 0  # how many were taken
        self._last = deque([self._now], maxlen=_KEPT)  # what there was after the last of them

    def begin(self, row: int, told: Vector | None = None) -> Walk:
        """Begin a sequence in a row, in place of what was there; all are told something (see `Reader`), or none."""
        if told is not None or self._told[row] is not None:
            self._firsts[row], self._told[row] = self._read(told), told
        first = self._firsts[row]
        self._walks[row] = walk = first.walk.copy()
        self._tops[row], self._steps[row] = [first.memory.hidden[-1]], []
        self._alone.pop(row, None)
        self._recall(row, first.memory)
        return walk

    def _read(self, told: Vector | None) -> Reader:
        """The opening, read by itself."""
        reader = Reader(self._runtime, self._bars, told)
        for token in self._opening:
            reader.take(token)
        return reader

    def take(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Take in a token for each of some rows, in rising order."""
        moments = [self._walks[row].take(token) for row, token in zip(rows, tokens, strict=True)]
        inputs = self._runtime.inputs(self.map[list(tokens)], moments)
        if self._told[rows[0]] is not None:
            inputs += self._told_now(rows)
        if len(rows) == len(self._walks):
            self._now = self._runtime.advance(self._now, inputs)
        else:
            before = Memory(*(tuple(layer[rows] for layer in part) for part in self._now))
            after = self._runtime.advance(before, inputs)
            self._now = Memory(*(tuple(layer.copy() for layer in part) for part in self._now))
            for now, values in zip(self._now, after, strict=True):
                for layer, new in zip(now, values, strict=True):
                    layer[rows] = new
        self._last.append(self._now)
        self._step += 1
        top = self._now.hidden[-1]
        for row in rows:
            self._steps[row].append(self._step)
            self._tops[row].append(top[row].copy())

    def _told_now(self, rows: Sequence[int]) -> Vector:
        every = ((self._told[row], self._walks[row].state) for row in rows)
        return np.array([told_now(told, state) for told, state in every if told is not None])

    def logits(self, rows: Sequence[int], ids: Ids) -> Vector:
        """Logits of some tokens for the next one of some rows, in rising order, float32 (rows, ids)."""
        top = self._now.hidden[-1]
        return self._runtime.logits(top if len(rows) == len(top) else top[rows], self.map[ids])

    def top(self, row: int) -> Vector:
        """What the network said after the opening and after each further token of a row: float32 (n, units)."""
        return np.array(self._tops[row])

    def alone(self, row: int) -> Reader:
        """A row's sequence as it is read by itself."""
        reader = self._alone.get(row)
        if reader is None:
            reader = self._alone[row] = Reader(self._runtime, self._bars, self._told[row])
        for token in self._walks[row].tokens[len(reader.walk.tokens) :]:
            reader.take(token)
        return reader

    def rewind(self, row: int, count: int) -> None:
        """Forget all but the first `count` tokens of a row, at least the opening."""
        self._walks[row].rewind(count)
        if row in self._alone:
            self._alone[row].rewind(min(count, len(self._alone[row].walk.tokens)))
        drawn = count - len(self._opening)
        del self._steps[row][drawn:], self._tops[row][drawn + 1 :]
        ago = self._step - self._steps[row][-1] if drawn else 0
        if not drawn:
            self._recall(row, self._firsts[row].memory)
        elif ago < len(self._last):
            self._recall(row, Memory(*(tuple(layer[row] for layer in part) for part in self._last[-1 - ago])))
        else:
            self._recall(row, self.alone(row).memory)

    def _recall(self, row: int, memory: Memory) -> None:
        """Put a row back to where it was; what is lost of the last step is a token that is forgotten."""
        for now, values in zip(self._now, memory, strict=True):
            for layer, old in zip(now, values, strict=True):
                layer[row] = old
