"""The baseline: a model that knows nothing but which token follows the last four.

Interpolated Kneser-Ney smoothing with three discounts an order (Chen and Goodman, "An Empirical Study of Smoothing
Techniques for Language Modeling", 1999). It reads tokens as the networks do, in C whatever the key, and its last tokens
are its recurrent state: so the decoding loop, its masks and `--seed` work for it as for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from composer import checkpoint, keyview
from composer.cells import Memory
from composer.runtime import Ids, Moment, Runtime, Vector
from theory.errors import ModelError, RequestError
from theory.score import IntArray, Score
from theory.tokens import Tokenizer

ORDER = 5
NAME = "5-gram"
_FORMAT = 1
_REMEMBERED = 50_000  # distributions, 10 kB each at most: of every context that a piece meets twice
_DISCOUNTS = 3


class KneserNey:
    """Which token follows which, counted.

    Args:
        grams: int64 (n,), n-grams of `ORDER` tokens as one number each, rising; what stands before a piece begins is
            `vocabulary`.
        counts: int64 (n,), how often each was met, 1 or more.
        vocabulary: number of tokens.
    """

    def __init__(self, grams: IntArray, counts: IntArray, vocabulary: int) -> None:
        self.grams, self.counts, self.vocabulary = grams, counts, vocabulary
        self._base = vocabulary + 1
        self._orders = self._all_orders()
        self._known: dict[tuple[int, ...], NDArray[np.float64]] = {}

    @classmethod
    def of(cls, sequences: Iterable[ArrayLike], vocabulary: int) -> KneserNey:
        """Count the n-grams of some sequences of token ids.

        Raises:
            RequestError: there is none.
        """
        rows: list[IntArray] = []
        before = np.full(ORDER - 1, vocabulary, dtype=np.int64)
        for ids in sequences:
            padded = np.concatenate([before, np.asarray(ids, dtype=np.int64)])
            windows = np.lib.stride_tricks.sliding_window_view(padded, ORDER)
            rows.append(windows @ (vocabulary + 1) ** np.arange(ORDER - 1, -1, -1, dtype=np.int64))
        if not rows:
            raise RequestError("there is no training piece to count n-grams in")
        grams, counts = np.unique(np.concatenate(rows), return_counts=True)
        return cls(grams, counts.astype(np.int64), vocabulary)

    def save(self, path: Path) -> None:
        """Write it; the same counts give the same bytes.

        Raises:
            OutputError: the place cannot be written.
        """
        arrays: checkpoint.Arrays = {"grams": self.grams, "counts": self.counts.astype(np.int32)}
        checkpoint.save(path, arrays, {"n_gram": _FORMAT, "vocabulary": self.vocabulary})

    @classmethod
    def load(cls, path: Path) -> KneserNey:
        """Read what `save` wrote.

        Raises:
            ModelError: the file is missing or damaged.
        """
        arrays, meta = checkpoint.load(path)
        if meta.get("n_gram") != _FORMAT or set(arrays) != {"grams", "counts"}:
            raise ModelError(f"{path} holds no n-grams of this version")
        return cls(arrays["grams"], arrays["counts"].astype(np.int64), int(meta["vocabulary"]))

    def probabilities(self, context: tuple[int, ...]) -> NDArray[np.float64]:
        """Probabilities of the next token after the last ones, all above 0: float64 (V,).

        Args:
            context: the last `ORDER` - 1 ids, `vocabulary` for what stands before the piece.
        """
        found = self._known.get(context)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[context] = self._interpolated(context)
        return found

    def _interpolated(self, context: tuple[int, ...]) -> NDArray[np.float64]:
        result = np.full(self.vocabulary, 1 / self.vocabulary)
        key, place = 0, 1
        for length, order in enumerate(self._orders):  # of the last 0, 1, 2, ... tokens
            if length:
                key += context[-length] * place
                place *= self._base
            words, weights, left = order.after(key)
            if not len(words):  # nor was anything longer met
                break
            result *= left
            result[words] += weights
        return result

    def _all_orders(self) -> list[_Order]:
        """From single tokens to the whole n-grams. What is shorter counts the different tokens it was met after."""
        orders, grams, counts = [], self.grams, self.counts
        for length in range(ORDER, 0, -1):
            orders.append(_Order(grams, counts, self._base))
            grams, counts = np.unique(grams % self._base ** (length - 1), return_counts=True)
        return orders[::-1]


class _Order:
    """The n-grams of one length, by what stands before their last token.

    Args:
        grams: rising, (n,).
        counts: of each, (n,).
        base: values that a place can have.
    """

    def __init__(self, grams: IntArray, counts: IntArray, base: int) -> None:
        before, self._words = np.divmod(grams, base)
        self._before, starts = np.unique(before, return_index=True)
        self._bounds = np.append(starts, len(grams))
        discount = _discounts(counts)[np.minimum(counts, _DISCOUNTS)]
        totals = np.add.reduceat(counts, starts)
        self._weights = (counts - discount) / np.repeat(totals, np.diff(self._bounds))
        self._left = np.add.reduceat(discount, starts) / totals

    def after(self, before: int) -> tuple[IntArray, NDArray[np.float64], float]:
        """The tokens that were met after some, their discounted shares, and what is left for others."""
        row = int(np.searchsorted(self._before, before))
        if row == len(self._before) or self._before[row] != before:
            return self._words[:0], self._weights[:0], 1.0
        span = slice(self._bounds[row], self._bounds[row + 1])
        return self._words[span], self._weights[span], float(self._left[row])


def _discounts(counts: IntArray) -> NDArray[np.float64]:
    """What is taken off a count of 0, 1, 2, 3 and more: float64 (4,). Chen and Goodman's, within what is possible."""
    met = np.bincount(np.minimum(counts, _DISCOUNTS + 2), minlength=_DISCOUNTS + 3).astype(np.float64)
    once, twice = met[1], met[2]
    share = once / (once + 2 * twice) if once else 0.0
    result = np.zeros(_DISCOUNTS + 1)
    for count in range(1, _DISCOUNTS + 1):
        more = (count + 1) * met[count + 1] / met[count] if met[count] else 0.0
        result[count] = np.clip(count - share * more, 0.1, count - 0.1)  # something is always left, on both sides
    return result


class NGramRuntime(Runtime):
    """N-grams as a decoder: `Memory` holds the last tokens in the place of a hidden vector.

    Args:
        model: the counts.
        tokenizer: whose ids they are of.
    """

    def __init__(self, model: KneserNey, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.vocabulary, self._model = tokenizer.learnt, model.vocabulary, model

    def start(self) -> Memory:
        """Nothing was read yet."""
        return Memory((np.full(ORDER - 1, self.vocabulary, dtype=np.float32),), ())

    def input(self, token: int, seen: Moment) -> Vector:
        """The token alone, float32 (1,)."""
        return np.array([token], dtype=np.float32)

    def inputs(self, tokens: Ids, moments: Sequence[Moment]) -> Vector:
        """The tokens alone, float32 (n, 1)."""
        return tokens[:, None].astype(np.float32)

    def advance(self, memory: Memory, inputs: Vector) -> Memory:
        """Remember the tokens, and forget the oldest."""
        return Memory((np.concatenate([memory.hidden[-1][..., 1:], inputs], axis=-1),), ())

    def logits(self, top: Vector, ids: Ids | None = None) -> Vector:
        """Ln of probabilities, float32 (n, m), or (m,), of some ids or of all."""
        if top.ndim == 1:
            found = self._model.probabilities(tuple(top.astype(np.int64).tolist()))
            return np.log(found if ids is None else found[ids]).astype(np.float32)
        return np.array([self.logits(row, ids) for row in top], dtype=np.float32)


def sequence_of(score: Score, tokenizer: Tokenizer) -> IntArray:
    """A score as the n-grams read it: ids as in a piece without sharps and flats, int64 (n,)."""
    ids = tokenizer.learnt.encode(score)
    size = tokenizer.learnt.vocabulary.size
    return keyview.token_map(keyview.first_signature(score), size)[ids]


__all__ = ["NAME", "ORDER", "KneserNey", "NGramRuntime", "sequence_of"]
