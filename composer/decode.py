"""The decoding loop that all generators share: draw under masks, and go back where voices have led into a dead end.

One piece or many from the same opening under the same rules: they are drawn side by side, each by its own dice, and
each goes back by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.lockstep import ERROR, Lockstep
from composer.one_thread import one_thread
from composer.runtime import Ids, Reader, Runtime, Vector
from composer.sampler import Sampling, draw, draw_each
from composer.search import Search
from theory.constraint import Constraint, Mask, allowed
from theory.errors import SearchError
from theory.tokens import EXPRESSIVE, grammar_of
from theory.tokens.vocabulary import CHORD_KINDS, END

Progress = Callable[[int, int], None]
WIDTH = 32  # sequences side by side
_ROWS = 64  # of logits at a time: they stay in the processor's cache


class Task(NamedTuple):
    """What is to be written.

    Attributes:
        runtime: the decoder.
        opening: token ids to begin with, read but not drawn.
        rules: masks on every draw.
        bars: of the whole piece; the plan counts down from it.
        sampling: how tokens are drawn.
        told: what the decoder is told at each place besides, of a seed (see `composer.runtime.Reader`); None: nothing.
    """

    runtime: Runtime
    opening: Sequence[int]
    rules: Sequence[Constraint]
    bars: int
    sampling: Sampling
    told: Callable[[int], Vector] | None = None

    def told_by(self, seed: int) -> Vector | None:
        """What the decoder is told, of a seed."""
        return self.told(seed) if self.told else None


@dataclass(frozen=True)
class Draft:
    """What the decoding loop wrote.

    Attributes:
        task: what was to be written.
        ids: token ids, the opening included.
        top: what the network said before each drawn token, float32 (len(ids) - opening, units).
        map: of ids to those that the network knows.
        redraws: how often the search went back.
        alone: whether it was drawn by itself; the logits of others are off by up to `lockstep.ERROR`.
        told: what the decoder was told at each place besides.
    """

    task: Task
    ids: list[int]
    top: Vector
    map: Ids
    redraws: int
    alone: bool
    told: Vector | None = None

    @property
    def opening(self) -> int:
        """How many of the tokens were given."""
        return len(self.task.opening)

    @cached_property
    def logits(self) -> NDArray[np.float32]:
        """Logits of each drawn token, float32 (len(ids) - opening, V), under the model and before any mask."""
        with one_thread():
            return self.task.runtime.logits(self.top, self.map)

    @cached_property
    def log_totals(self) -> NDArray[np.float64]:
        """Ln of the sum of exponentials of each row of logits, float64 (n,)."""
        totals = np.empty(len(self.logits), dtype=np.float64)
        for start in range(0, len(totals), _ROWS):
            rows = self.logits[start : start + _ROWS]
            highest = rows.max(axis=1)
            shares = np.subtract(rows, highest[:, None], dtype=np.float64)
            totals[start : start + _ROWS] = highest + np.log(np.exp(shares, out=shares).sum(axis=1))
        return totals

    @property
    def nats(self) -> float:
        """Sum of -ln p(token) over the drawn tokens, those that state chords apart."""
        totals = self.log_totals
        drawn = self.logits[np.arange(len(totals)), self.ids[self.opening :]].astype(np.float64)
        return float((totals - drawn)[self._music].sum())

    @property
    def _music(self) -> NDArray[np.bool_]:
        """Which drawn tokens are not a chord's: given chords are not the model's to guess."""
        return ~np.isin(EXPRESSIVE.kinds[self.ids[self.opening :]], CHORD_KINDS)


def reread(draft: Draft) -> Draft:
    """The draft as it would be had it been drawn by itself: the same ids, with logits to the last bit."""
    with one_thread():
        reader = Reader(draft.task.runtime, draft.task.bars, draft.told)
        for token in draft.ids[:-1]:
            reader.take(token)
    return replace(draft, top=reader.top[draft.opening - 1 :], alone=True)


def write(task: Task, seed: int, progress: Progress | None = None) -> Draft:
    """Draw tokens after an opening until the piece ends, on one BLAS thread: a second one slows single sequences down.

    Where no token is allowed (only rules about several voices can bring that about) the search goes back by a note,
    and further the longer it is stuck; from then on it looks ahead for dead ends.

    Args:
        task: what is to be written.
        seed: of the draws.
        progress: called at every bar.

    Raises:
        SearchError: `composer.search.BUDGET` is spent.
    """
    with one_thread():
        return _written(task, seed, progress)


def write_many(task: Task, seeds: Sequence[int], progress: Progress | None = None) -> list[Draft | SearchError]:
    """As `write`, for many seeds, `WIDTH` of them side by side.

    A seed's tokens are those that `write` would draw: see `composer.lockstep`.

    Args:
        task: what is to be written.
        seeds: of the draws of each piece, at least two.
        progress: called at every bar with the bars of all pieces.

    Returns:
        For each seed its draft, or why there is none.
    """
    with one_thread():
        return _Searches(task, seeds).found(progress)


def _written(task: Task, seed: int, progress: Progress | None) -> Draft:
    runtime, opening, rules, bars, sampling, _ = task
    told = task.told_by(seed)
    reader, grammar = Reader(runtime, bars, told), grammar_of(runtime.tokenizer)
    for token in opening:
        reader.take(token)
    walk = reader.walk
    search, begun = Search(walk, reader.rewind, rules, grammar, seed), -1
    while True:
        if progress and walk.state.bar != begun:
            begun = walk.state.bar
            progress(begun, bars)
        mask = allowed([walk.state], rules, grammar)[0]
        ids = np.flatnonzero(mask)
        if search.redraws or not len(ids):
            search.settle(mask)
            ids = np.flatnonzero(mask)
        token = int(ids[draw(reader.logits(ids), sampling, search.dice.roll())])
        if token == END:
            break
        reader.take(token)
    top = reader.top[len(opening) - 1 :]
    return Draft(task, [*walk.tokens, END], top, walk.map, search.redraws, True, told)


class _Searches:
    """Sequences side by side: each draws a token, then all of these are read."""

    def __init__(self, task: Task, seeds: Sequence[int]) -> None:
        width = min(WIDTH, len(seeds))
        self._task, self._seeds = task, seeds
        self._lockstep = Lockstep(task.runtime, task.opening, task.bars, width)
        self._grammar = grammar_of(task.runtime.tokenizer)
        self._found: dict[int, Draft | SearchError] = {}
        self._searches: list[Search | None] = [None] * width  # by row
        self._numbers = [0] * width  # of the seeds, by row
        self._told: list[Vector | None] = [None] * width
        self._waiting = iter(range(len(seeds)))
        for row in range(width):
            self._begin(row)

    def found(self, progress: Progress | None) -> list[Draft | SearchError]:
        """For each seed what was found in the end."""
        told = -1
        while len(self._found) < len(self._seeds):
            if progress and (done := self._bars_done()) != told:
                progress(done, self._task.bars * len(self._seeds))
                told = done
            self._step()
        return [self._found[number] for number in range(len(self._seeds))]

    def _bars_done(self) -> int:
        bars = sum(search.walk.state.bar for search in self._searches if search)
        return self._task.bars * len(self._found) + bars

    def _begin(self, row: int) -> None:
        """Begin with the next seed, if there is one."""
        number = next(self._waiting, None)
        self._searches[row] = None
        if number is not None:
            seed = self._seeds[number]
            self._told[row] = self._task.told_by(seed)
            walk, rewind = self._lockstep.begin(row, self._told[row]), partial(self._lockstep.rewind, row)
            self._searches[row] = Search(walk, rewind, self._task.rules, self._grammar, seed)
            self._numbers[row] = number

    def _step(self) -> None:
        """Draw a token for each sequence, and read them."""
        rows = [row for row, search in enumerate(self._searches) if search]
        mask = allowed([search.walk.state for search in self._searches if search], self._task.rules, self._grammar)
        choices = np.logical_or.reduce(mask, axis=1).tolist()
        able = [self._settles(row, own, some) for row, own, some in zip(rows, mask, choices, strict=True)]
        if not all(able):
            rows, mask = [row for row, is_able in zip(rows, able, strict=True) if is_able], mask[able]
        tokens = self._draw(rows, mask) if rows else []
        if END in tokens:
            for row, token in zip(rows, tokens, strict=True):
                if token == END:
                    self._finish(row, self._draft(row))
            rows = [row for row, token in zip(rows, tokens, strict=True) if token != END]
            tokens = [token for token in tokens if token != END]
        if rows:
            self._lockstep.take(rows, tokens)

    def _settles(self, row: int, mask: Mask, some: bool) -> bool:
        """Whether a search finds something to draw, going back if it must; if not, that is what was found."""
        search = self._search(row)
        if some and not search.redraws:
            return True
        try:
            search.settle(mask)
        except SearchError as error:
            self._finish(row, error)
            return False
        return True

    def _draw(self, rows: list[int], mask: Mask) -> list[int]:
        """A token for each of some rows."""
        ids = np.flatnonzero(np.logical_or.reduce(mask))
        logits = self._lockstep.logits(rows, ids)
        points = np.array([self._search(row).dice.roll() for row in rows])
        places, sure = draw_each(logits, mask[:, ids], self._task.sampling, points, ERROR)
        tokens: list[int] = ids[places].tolist()
        for number in np.flatnonzero(~sure).tolist():
            own = np.flatnonzero(mask[number])
            alone = self._lockstep.alone(rows[number]).logits(own)
            tokens[number] = int(own[draw(alone, self._task.sampling, points[number])])
        return tokens

    def _search(self, row: int) -> Search:
        search = self._searches[row]
        assert search is not None
        return search

    def _draft(self, row: int) -> Draft:
        search, top = self._search(row), self._lockstep.top(row)
        return Draft(
            self._task, [*search.walk.tokens, END], top, search.walk.map, search.redraws, False, self._told[row]
        )

    def _finish(self, row: int, found: Draft | SearchError) -> None:
        self._found[self._numbers[row]] = found
        self._begin(row)
