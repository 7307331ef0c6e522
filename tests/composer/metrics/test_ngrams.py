import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from pieces import NAMES, melodies, published_score
from published import pieces

from composer.metrics import METRICS, distinct, quantized, self_bleu, words
from theory.score import Score
from theory.transform import transpose


def said(*texts: list[int]) -> list[np.ndarray]:
    return [np.array(text, dtype=np.int64) for text in texts]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_distinct_counts_n_grams_as_a_plain_loop_does(order: int) -> None:
    texts = said([1, 2, 1, 2, -1, 1, 2], [2, 1, 2, 1, 2, 3], [], [5])
    found = Counter(
        tuple(text[start : start + order])
        for text in texts
        for start in range(len(text) - order + 1)
        if -1 not in text[start : start + order]
    )
    assert distinct(texts, order) == len(found) / found.total()


def test_no_n_grams_have_no_share() -> None:
    assert math.isnan(distinct(said([1, 2], []), 3))
    assert math.isnan(distinct([], 1))


@pytest.mark.parametrize("name", NAMES)
def test_words_are_intervals_and_lengths_inside_a_track(name: str) -> None:
    rows = sorted(row for row in pieces()[name][1] if row.track != 9)
    expected = [
        (after.pitch - before.pitch, after.end - after.onset)
        for before, after in pairwise(rows)
        if before.track == after.track
    ]
    found = words(quantized(published_score(name)))
    found = found[found >= 0]
    assert [(word // 4096 - 127, word % 4096) for word in found.tolist()] == expected


def test_a_transposed_piece_says_the_same() -> None:
    score = published_score("chorale")
    here, there = (words(quantized(found)) for found in (score, transpose(score, 3)))
    np.testing.assert_array_equal(here, there)
    assert self_bleu([here, there]).tolist() == pytest.approx([1, 1])


def test_pieces_that_share_nothing_and_one_alone() -> None:
    assert self_bleu(said([1, 2, 3, 4, 5], [6, 7, 8, 9])).tolist() == [0, 0]
    assert np.isnan(self_bleu(said([1, 2, 3]))).all()
    assert len(self_bleu([])) == 0


def test_a_collapsed_generator_shows_in_every_figure() -> None:
    real = [words(quantized(score)) for score in melodies(40, 1)]
    stuck = [words(quantized(score)) for score in melodies(2, 2) * 20]
    assert distinct(stuck, 4) < distinct(real, 4) / 5
    assert self_bleu(stuck).mean() == pytest.approx(1)
    assert self_bleu(real).mean() < 0.7


def test_a_piece_that_repeats_itself_says_less() -> None:
    once, again = melodies(1, 3, bars=8, phrase=8)[0], melodies(1, 3, bars=8, phrase=2)[0]
    assert METRICS["distinct_trigrams"].of(again) < 0.5 < METRICS["distinct_trigrams"].of(once)
    assert math.isnan(METRICS["distinct_trigrams"].of(Score()))
