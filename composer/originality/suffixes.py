"""A suffix array in NumPy: for every place of a sequence, the longest run from there on that a long text holds too.

Suffixes of the text stand in order (Manber and Myers, "Suffix arrays: a new method for on-line string searches", 1993),
made by doubling. Several symbols are packed into one 64-bit word, so that a comparison takes many at a time; all places
of a sequence are looked up side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.score import IntArray

_BITS = 62  # of a word, and one to spare


class Match(NamedTuple):
    """For each place of a sequence of m symbols, the longest run that begins there.

    Attributes:
        length: int64 (m,), symbols.
        place: int64 (m,), where it stands in the text; of no meaning where length is 0.
    """

    length: IntArray
    place: IntArray


class Suffixes:
    """The ordered suffixes of a text.

    Args:
        text: int64 (n,), symbols of 0 or more; 0 matches nothing, not even itself: it ends runs.
    """

    def __init__(self, text: IntArray) -> None:
        values = np.unique(text)
        self._known = values[values > 0]
        self._width = int(len(self._known) + 1).bit_length()  # one more number stands for all that is unknown
        self._words = self._packed(self._ranks(text))
        self._order = _in_order(self._words, self._a_word, text)  # places, as the suffixes stand that begin there
        self._first = self._words[self._order]

    @property
    def _a_word(self) -> int:
        """Symbols in a word."""
        return _BITS // self._width

    def _ranks(self, symbols: IntArray) -> IntArray:
        """Symbols as 1, 2, ...; 0 as 0; what the text does not hold as one more than all."""
        places = np.searchsorted(self._known, symbols)
        is_known = self._known[np.minimum(places, len(self._known) - 1)] == symbols if len(self._known) else places < 0
        ranks: IntArray = np.where(is_known, places + 1, np.where(symbols == 0, 0, len(self._known) + 1))
        return ranks

    def _packed(self, ranks: IntArray) -> IntArray:
        """At each place, it and those that follow in one word; 0 stands behind the end."""
        words = np.zeros(len(ranks), np.int64)
        for ahead in range(self._a_word):
            words[: max(0, len(ranks) - ahead)] |= ranks[ahead:] << (self._width * (self._a_word - 1 - ahead))
        return words

    def longest(self, symbols: IntArray) -> Match:
        """The longest run that begins at each place of a sequence, int64 (m,), and is in the text."""
        if not len(symbols) or not len(self._order):
            return Match(np.zeros(len(symbols), np.int64), np.zeros(len(symbols), np.int64))
        match = Match(np.zeros(len(symbols), np.int64), np.zeros(len(symbols), np.int64))
        ranks = np.append(self._ranks(symbols), 0)
        ranks[ranks == 0] = len(self._known) + 1  # what ends a run here is not what ends one there
        words = self._packed(ranks)
        rows, depth = np.arange(len(symbols)), 0
        low, high = np.zeros(len(rows), np.int64), np.full(len(rows), len(self._order))
        while len(rows):
            wanted = words[rows + depth]
            first, last = self._found(wanted, low, high, depth)
            for neighbour in (first, first - 1):
                self._compare(match, rows, wanted, np.clip(neighbour, low, high - 1), depth)
            goes_on = last > first
            rows, low, high, depth = rows[goes_on], first[goes_on], last[goes_on], depth + self._a_word
        return match

    def _found(self, wanted: IntArray, low: IntArray, high: IntArray, depth: int) -> tuple[IntArray, IntArray]:
        """Which of the suffixes low to high have a word at a depth, row by row: from which on, and up to which."""
        if not depth:
            return np.searchsorted(self._first, wanted), np.searchsorted(self._first, wanted, side="right")
        return self._edge(wanted, low, high, depth), self._edge(wanted + 1, low, high, depth)

    def _edge(self, wanted: IntArray, low: IntArray, high: IntArray, depth: int) -> IntArray:
        """The first of the suffixes low to high with no smaller word at a depth: `searchsorted`, row by row."""
        while (is_open := low < high).any():
            middle = (low + high) // 2
            is_less = is_open & (self._at(middle, depth) < wanted)
            low, high = np.where(is_less, middle + 1, low), np.where(is_open & ~is_less, middle, high)
        return low

    def _at(self, suffixes: IntArray, depth: int) -> IntArray:
        """The words at a depth of some suffixes, by their numbers in order."""
        places = self._order[np.minimum(suffixes, len(self._order) - 1)] + depth
        words: IntArray = np.where(places < len(self._words), self._words[np.minimum(places, len(self._words) - 1)], 0)
        return words

    def _compare(self, match: Match, rows: IntArray, wanted: IntArray, suffixes: IntArray, depth: int) -> None:
        """Note how far rows go on like some suffixes, which are like them up to a depth, if farther than known."""
        unlike = self._at(suffixes, depth) ^ wanted
        equal = sum((unlike >> (self._width * rest)) == 0 for rest in range(self._a_word))
        length = depth + equal
        longer = length > match.length[rows]
        match.length[rows[longer]] = length[longer]
        match.place[rows[longer]] = self._order[suffixes[longer]]


def _in_order(words: IntArray, a_word: int, text: IntArray) -> NDArray[np.int32]:
    """Order of the suffixes, as far as runs go: what stands behind a 0 does not matter."""
    ends = np.flatnonzero(text == 0)
    longest = int(np.diff(ends, prepend=-1, append=len(text)).max(initial=0))
    ranks, reach = _ranked(words), a_word
    while reach < longest and int(ranks.max(initial=0)) + 1 < len(ranks):
        further = np.zeros(len(ranks), np.int64)
        further[: max(0, len(ranks) - reach)] = ranks[reach:] + 1
        ranks, reach = _ranked(ranks << 32 | further), 2 * reach
    return np.argsort(ranks, kind="stable").astype(np.int32)


def _ranked(keys: IntArray) -> IntArray:
    """Each key's number among the different ones."""
    ranks: IntArray = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return ranks


__all__ = ["Match", "Suffixes"]
