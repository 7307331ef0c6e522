import json
import math

import numpy as np
import pytest
from pieces import NAMES, published_score
from published import FILE, samples, texts

from composer.metrics import METRICS, self_bleu
from composer.metrics.frechet import ledoit_wolf
from theory.score import Score, Track

FOUND = json.loads(FILE.read_text())
CASES = [
    pytest.param(library, name, metric, value, id=f"{library}-{name}-{metric}")
    for library in ("muspy", "pypianoroll")
    for name in NAMES
    for metric, value in FOUND[library][name].items()
]


@pytest.mark.parametrize(("library", "name", "metric", "value"), CASES)
def test_a_metric_is_that_of_the_published_library(library: str, name: str, metric: str, value: float) -> None:
    ours = METRICS[metric].of(published_score(name))
    if math.isnan(value):
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(value, abs=1e-12)


def test_every_metric_of_muspy_is_checked() -> None:
    theirs = {metric for metrics in FOUND["muspy"].values() for metric in metrics}
    assert theirs == {name for name, metric in METRICS.items() if metric.source.startswith("MusPy")}


def test_self_bleu_is_that_of_nltk() -> None:
    pieces = [np.array(text, dtype=np.int64) for text in texts()]
    np.testing.assert_allclose(self_bleu(pieces), FOUND["self_bleu"], atol=1e-12)


def test_the_shrunk_covariance_is_that_of_scikit_learn() -> None:
    np.testing.assert_allclose(ledoit_wolf(np.array(samples())).covariance, FOUND["ledoit_wolf"], atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_stays_in_its_range(name: str, metric: str) -> None:
    value = METRICS[metric].of(published_score(name))
    assert math.isnan(value) or METRICS[metric].low <= value <= METRICS[metric].high


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("empty", [Score(), Score((Track.empty(),)), Score((Track.empty(is_drum=True),), end=1920)])
def test_a_piece_without_notes_has_no_value_or_none_of_it(metric: str, empty: Score) -> None:
    value = METRICS[metric].of(empty)
    assert math.isnan(value) or value == 0


@pytest.mark.parametrize("metric", METRICS)
def test_a_resolution_changes_nothing(metric: str) -> None:
    fine = published_score("band")
    coarse = fine.replace(
        ticks_per_quarter=24,
        tracks=[track.replace(onset=track.onset // 20, duration=track.duration // 20) for track in fine.tracks],
        end=fine.end // 20,
    )
    np.testing.assert_equal(METRICS[metric].of(coarse), METRICS[metric].of(fine))


def test_a_note_that_ends_on_a_line_leaves_the_next_beat_and_bar_empty() -> None:
    score = Score.from_notes([(0, 480, 60), (960, 480, 60), (3 * 1920, 1920, 62)])
    assert METRICS["empty_beat_rate"].of(score) == pytest.approx(10 / 16)
    assert METRICS["empty_measure_rate"].of(score) == pytest.approx(2 / 4)


def test_tracks_alone_are_silent_where_the_piece_is_not() -> None:
    left, right = Track.from_notes([(0, 1920, 60)]), Track.from_notes([(1920, 960, 60), (2880, 960, 64)])
    score = Score((left, right))
    assert METRICS["empty_bars"].of(score) == 0.5
    assert METRICS["empty_measure_rate"].of(score) == 0
    assert METRICS["used_pitch_classes"].of(score) == 1.5
    assert math.isnan(METRICS["tonal_distance"].of(score))  # never together
