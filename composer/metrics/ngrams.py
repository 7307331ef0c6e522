"""Note n-grams: how much of a set, or of a piece, is said only once.

A word is a note after the first of its track: (semitones from the note before, duration in 24ths of a quarter). Words
know nothing of key or place, so a piece transposed is the same piece. n-grams stay inside a track.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np

from composer.metrics.quantized import BoolArray, FloatArray, IntArray, Quantized, sums

ORDER = 4  # longest n-gram
_BREAK = -1  # between two tracks
_LONGEST = 4095  # steps, 42 bars of 4/4
_EPSILON = 0.1  # NLTK's smoothing "method1": what stands for no match at all


class Counts(NamedTuple):
    """How often each piece of a set says each n-gram of one order, in order of n-grams, then of falling times.

    Attributes:
        gram: int64 (m,), numbers that stand for n-grams, 0 to the number of different ones - 1.
        piece: int64 (m,), places of the pieces.
        times: int64 (m,), 1 or more.
    """

    gram: IntArray
    piece: IntArray
    times: IntArray

    def of(self, pieces: BoolArray) -> Counts:
        """Those of some pieces, bool (pieces,); the places stay."""
        rows = pieces[self.piece]
        return Counts(self.gram[rows], self.piece[rows], self.times[rows])


def words(piece: Quantized) -> IntArray:
    """The words of a piece, int64 (m,), tracks one after the other with -1 between them."""
    notes = piece.pitched
    duration = np.minimum(notes.end - notes.onset, _LONGEST)[1:]
    word = (np.diff(notes.pitch) + 127) * (_LONGEST + 1) + duration
    return np.where(np.diff(notes.track) == 0, word, _BREAK)


def counts(pieces: Sequence[IntArray], order: int = ORDER) -> list[Counts]:
    """The 1-grams to n-grams of pieces, given their words: one `Counts` an order."""
    text = np.concatenate([*(np.append(piece, _BREAK) for piece in pieces), np.empty(0, dtype=np.int64)])
    owner = np.repeat(np.arange(len(pieces)), [len(piece) + 1 for piece in pieces])
    word = np.unique(text, return_inverse=True)[1].astype(np.int64)
    shorter, start = np.zeros(len(text), dtype=np.int64), np.arange(len(text))
    found: list[Counts] = []
    for length in range(order):  # an n-gram is the shorter one and the word after it
        start = start[: len(text) - length]
        start = start[text[start + length] != _BREAK] if len(start) else start
        gram = np.unique(shorter[start] * (len(text) + 1) + word[start + length], return_inverse=True)[1]
        shorter[start] = gram
        found.append(_counted(gram.astype(np.int64), owner[start], len(pieces)))
    return found


def _counted(gram: IntArray, piece: IntArray, pieces: int) -> Counts:
    cells, times = np.unique(gram * pieces + piece, return_counts=True)
    gram, piece = np.divmod(cells, max(pieces, 1))
    order = np.lexsort((-times, gram))
    return Counts(gram[order], piece[order], times[order])


def distinct_share(found: Counts) -> float:
    """#different n-grams / #n-grams; NaN without n-grams."""
    return len(np.unique(found.gram)) / int(found.times.sum()) if len(found.gram) else nan


def distinct(pieces: Sequence[IntArray], order: int) -> float:
    """#different n-grams / #n-grams of a set of pieces, given their words (Li et al., "distinct-n", NAACL 2016).

    1 where none comes twice, near 0 where a generator says the same again and again; NaN without n-grams. It falls as
    a set grows: compare sets of the same number of notes.
    """
    return distinct_share(counts(pieces, order)[-1])


def distinct_in_piece(order: int, piece: Quantized) -> float:
    """#different n-grams / #n-grams inside one piece."""
    return distinct([words(piece)], order)


def self_bleu(pieces: Sequence[IntArray], order: int = ORDER) -> FloatArray:
    """BLEU of each piece against all others as its references, given their words: (n,), 0 to 1.

    Zhu et al., "Texygen" (SIGIR 2018), of BLEU (Papineni et al., ACL 2002) with equal weights of 1-grams to n-grams
    and NLTK's smoothing "method1". High where pieces repeat each other. It rises as a set grows: compare sets of the
    same number of pieces. 0 for a piece without words or without any in common; NaN for a set of one piece.
    """
    return bleu_of_each(counts(pieces, order), np.ones(len(pieces), dtype=np.bool_))


def bleu_of_each(found: Sequence[Counts], pieces: BoolArray) -> FloatArray:
    """See `self_bleu`: (n,), of the n pieces that are counted, in their order.

    Args:
        found: 1-grams to n-grams of these pieces.
        pieces: which are counted, bool (pieces,).
    """
    count = int(np.count_nonzero(pieces))
    if count < 2:
        return np.full(count, nan)
    logs = np.zeros(count)
    for counted in reversed(found):  # the 1-grams come last: what they leave is used below
        clipped = _matches(counted, len(pieces))[pieces]
        total = sums(counted.piece, counted.times, len(pieces))[pieces]
        logs += np.log(np.where(clipped > 0, clipped, _EPSILON) / np.maximum(total, 1)) / len(found)
    return np.where(clipped > 0, _brevity(total) * np.exp(logs), 0.0)


def _matches(found: Counts, pieces: int) -> FloatArray:
    """n-grams of each piece that another has too, each as often as the other that has it most: (pieces,)."""
    if not len(found.gram):
        return np.zeros(pieces)
    is_first = np.append(True, found.gram[1:] != found.gram[:-1])
    first = np.flatnonzero(is_first)
    second = np.where(np.append(is_first[1:], True), 0, np.append(found.times[1:], 0))  # the next row's, if alike
    best = np.where(is_first, second, found.times[first][np.cumsum(is_first) - 1])  # of the other pieces
    return sums(found.piece, np.minimum(found.times, best), pieces)


def _brevity(lengths: FloatArray) -> FloatArray:
    """BLEU's brevity penalty of each piece, against the other one whose length is nearest (of two, the shorter)."""
    order = np.argsort(lengths, kind="stable")
    ranked = lengths[order]
    below, above = np.append(-np.inf, ranked[:-1]), np.append(ranked[1:], np.inf)
    nearest = np.where(ranked - below <= above - ranked, below, above)
    penalty = np.empty(len(lengths))
    penalty[order] = np.where(ranked > nearest, 1.0, np.exp(1 - nearest / np.maximum(ranked, 1)))
    return penalty


__all__ = [
    "ORDER", "Counts", "bleu_of_each", "counts", "distinct", "distinct_in_piece", "distinct_share", "self_bleu",
    "words",
]  # fmt: skip
