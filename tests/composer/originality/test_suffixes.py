"""The suffix array finds the longest runs that patience finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from composer.originality.suffixes import Suffixes


def longest_by_hand(text, symbols):
    found = []
    for first in range(len(symbols)):
        best = 0
        for place in range(len(text)):
            run = 0
            while (
                first + run < len(symbols)
                and place + run < len(text)
                and symbols[first + run] == text[place + run] != 0
            ):
                run += 1
            best = max(best, run)
        found.append(best)
    return found


small = st.lists(st.integers(0, 5), max_size=60)


@given(small, small, st.sampled_from([1, 10**9]), st.booleans())
def test_the_longest_runs_are_those_that_patience_finds(text, symbols, factor, quoted):
    if quoted:
        symbols = symbols + text[3:] + [7] + text
    text, symbols = np.array(text, np.int64) * factor, np.array(symbols, np.int64) * factor
    match = Suffixes(text).longest(symbols)
    assert match.length.tolist() == longest_by_hand(text.tolist(), symbols.tolist())
    for first, (length, place) in enumerate(zip(*match, strict=True)):
        assert text[place : place + length].tolist() == symbols[first : first + length].tolist()


def test_runs_much_longer_than_a_word_are_found_among_nearly_alike_ones():
    dice = np.random.default_rng(0)
    phrase = dice.integers(1, 4, 500)
    texts = []
    for changed in range(0, 500, 25):
        one = phrase.copy()
        one[changed] = 9
        texts += [*one, 0]
    match = Suffixes(np.array(texts)).longest(phrase)
    assert int(match.length.max()) == 499
    assert match.length[:3].tolist() == [475, 499, 498]
