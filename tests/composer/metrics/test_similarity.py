import math

import numpy as np
import pytest
from pieces import melodies, published_score

from composer.metrics import METRICS, quantized, self_similarity, similarity_by_lag
from theory.score import Score


def bars_of(*bars: list[tuple[int, int, int]]) -> Score:
    """A piece of bars of 4/4, notes as (onset, duration, pitch) in quarters from the bar line."""
    notes = [
        (480 * (4 * bar + onset), 480 * duration, pitch)
        for bar, notes in enumerate(bars)
        for onset, duration, pitch in notes
    ]
    return Score.from_notes(notes)


ARCH, HELD = [(0, 1, 60), (1, 1, 62), (2, 2, 64)], [(0, 4, 61)]


def test_bars_alike_in_notes_and_rhythm_are_one() -> None:
    matrix = self_similarity(quantized(bars_of(ARCH, HELD, ARCH)))
    assert matrix[0, 2] == pytest.approx(1)
    assert matrix[0, 1] == pytest.approx(1 / math.sqrt(3) / 2)  # no pitch class, one onset of three in common
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(np.diagonal(matrix), 1)


def test_the_same_rhythm_on_other_pitches_is_half_alike() -> None:
    moved = [(onset, duration, pitch + 6) for onset, duration, pitch in ARCH]
    assert self_similarity(quantized(bars_of(ARCH, moved)))[0, 1] == pytest.approx(0.5)


def test_silent_bars_are_alike_and_unlike_played_ones() -> None:
    matrix = self_similarity(quantized(bars_of(ARCH, [], [], HELD)))
    assert matrix[1, 2] == 1
    assert matrix[0, 1] == 0


def test_lags_show_what_comes_back() -> None:
    lag_1, lag_2, lag_4, _ = similarity_by_lag(quantized(bars_of(*[ARCH, HELD] * 4)))
    assert lag_2 == pytest.approx(1)
    assert lag_4 == pytest.approx(1)
    assert lag_1 < 0.4
    assert math.isnan(similarity_by_lag(quantized(bars_of(*[ARCH, HELD] * 4)))[3])  # no bars 8 apart


def test_phrases_of_four_bars_stand_out_against_pieces_without_a_plan() -> None:
    planned, free = melodies(20, 1, bars=16, phrase=4), melodies(20, 2, bars=16, phrase=16)
    of = {lag: [np.mean([METRICS[f"similarity_lag_{lag}"].of(score) for score in scores]) for scores in (planned, free)]
          for lag in (1, 4)}  # fmt: skip
    assert of[4][0] == pytest.approx(1)
    assert of[4][1] < 0.8
    assert abs(of[1][0] - of[1][1]) < 0.1


@pytest.mark.parametrize("score", [Score(), published_score("drums")])
def test_pieces_without_pitches_have_a_matrix(score: Score) -> None:
    matrix = self_similarity(quantized(score))
    assert matrix.shape == (quantized(score).bars,) * 2
    assert np.isfinite(matrix).all()
