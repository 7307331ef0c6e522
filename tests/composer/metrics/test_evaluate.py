import json
from pathlib import Path

import numpy as np
import pytest
from pieces import NAMES, melodies, published_score

from composer.metrics import (
    FEATURE_NAMES,
    FEATURES,
    METRICS,
    NINE,
    SET_METRICS,
    Against,
    Measured,
    evaluate_set,
    feature_vector,
    mean_overlapped_area,
    measure,
    quantized,
)
from theory.errors import RequestError
from theory.score import Score
from theory.transform import transpose

NOTTINGHAM = Path(__file__).parents[4] / "shared/corpora/nottingham/MIDI/melody"


def beside(pieces: Measured | list[Score], real: Measured, *, splits: int = 4, resamples: int = 50) -> Against:
    against = evaluate_set(pieces, real, splits=splits, resamples=resamples).against
    assert against is not None
    return against


@pytest.fixture(scope="module")
def real() -> Measured:
    return measure(melodies(60, 1))


def test_a_set_alone_has_means_and_diversity() -> None:
    scores = melodies(6, 1, phrase=2)
    found = evaluate_set(scores)
    assert found.against is None
    assert list(found.metrics) == list(METRICS)
    assert found.metrics["note_count"].value == np.mean([score.notes for score in scores])
    assert 0 < found.diversity["distinct_2"].low < found.diversity["distinct_2"].value < 0.5


def test_pieces_of_the_same_kind_reach_the_ceiling_and_others_do_not(real: Measured) -> None:
    alike, unlike = beside(melodies(30, 2), real), beside(melodies(30, 3, widest=1), real)
    stuck = beside(melodies(1, 4) * 30, real)
    assert alike.share.low < 1 < alike.share.high + 0.03
    assert alike.share.value > 0.95
    assert unlike.share.high < 0.9
    assert stuck.share.value < 0.9
    assert alike.frechet_distance.generated.value < 1.5 * alike.frechet_distance.real
    assert unlike.frechet_distance.generated.low > 2 * unlike.frechet_distance.real
    assert unlike.areas["average_interval"].generated.value < 0.3
    assert unlike.areas["note_length_histogram"].generated.value > 0.8
    assert stuck.frechet_distance.generated.low > 2 * stuck.frechet_distance.real


def test_both_figures_are_of_the_same_numbers_of_pieces(real: Measured) -> None:
    against = beside(melodies(45, 2), real, splits=2, resamples=5)
    assert against.pieces == 30
    assert against.diversity["self_bleu"].pieces == 45


def test_the_seed_decides_and_scores_or_measures_say_the_same(real: Measured) -> None:
    scores = melodies(12, 2)
    found = [
        json.dumps(evaluate_set(pieces, real, seed=seed, splits=2, resamples=10).to_dict())
        for pieces, seed in ((scores, 1), (measure(scores), 1), (scores, 2))
    ]
    assert found[0] == found[1] != found[2]


def test_the_table_is_plain_data_with_none_for_what_is_not_defined(real: Measured) -> None:
    plain = json.loads(json.dumps(evaluate_set(melodies(8, 2), real, splits=2, resamples=5).to_dict(), allow_nan=False))
    assert plain["metrics"]["drum_pattern"] == {"value": None, "low": None, "high": None, "pieces": 0}
    assert plain["against"]["areas"].keys() == NINE.keys()
    assert 0 <= plain["against"]["overlapped_area"]["generated"]["value"] <= 1


def test_intervals_of_areas_hold_what_large_sets_say() -> None:
    """The interval from 40 pieces holds the figure of many more, in most of several draws."""
    narrow, wide = measure(melodies(160, 90, widest=3)), measure(melodies(320, 91))
    whole = mean_overlapped_area(narrow, wide)
    held = 0
    for start in range(0, 160, 40):
        some, real = narrow.only(range(start, start + 40)), wide.only(range(2 * start, 2 * start + 80))
        area = beside(some, real, splits=2, resamples=60).overlapped_area.generated
        assert area.low < area.value < area.high < area.low + 0.25
        held += area.low <= whole <= area.high
    assert held >= 3


def test_every_figure_of_a_set_has_a_function_that_keeps_its_range(real: Measured) -> None:
    some = measure(melodies(10, 5))
    for metric in SET_METRICS.values():
        assert metric.low <= metric.function(some, real) <= metric.high


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_has_a_number_for_every_name(name: str) -> None:
    vector = feature_vector(quantized(published_score(name)))
    assert vector.shape == (len(FEATURE_NAMES),)
    assert np.isfinite(vector).all()


def test_a_vector_knows_no_key_but_where_the_piece_lies() -> None:
    score = published_score("band")
    here, there = (feature_vector(quantized(found)) for found in (score, transpose(score, 2)))
    (moved,) = np.flatnonzero(~np.isclose(here, there))
    assert FEATURE_NAMES[moved] == "pitch_mean"


def test_an_empty_piece_is_zero_everywhere() -> None:
    assert not feature_vector(quantized(Score())).any()


def test_features_say_what_they_are_named() -> None:
    score = Score.from_notes([(0, 240, 60), (240, 240, 60), (480, 960, 62), (1560, 360, 71), (1920, 1920, 70)])
    of = {name: FEATURES[name].function(quantized(score)) for name in FEATURE_NAMES}
    assert of["notes_per_bar"] == 2.5
    assert of["notes_per_bar_deviation"] == 1.5
    assert (of["repeated_notes"], of["steps"], of["leaps"]) == (0.25, 0.5, 0.25)
    assert of["rising"] == pytest.approx(2 / 3)
    assert of["onsets_off_quarters"] == 0.4
    assert of["onsets_off_eighths"] == 0.2
    assert of["silence"] == pytest.approx(120 / 3840)
    assert of["held_over"] == pytest.approx(4 / 5)  # one quarter of the half note, three of the whole
    assert of["length_mean"] == pytest.approx(np.mean(np.log2([0.5, 0.5, 2, 0.75, 4])))


@pytest.mark.parametrize(("pieces", "against"), [(1, 10), (5, 3)])
def test_too_few_pieces_are_refused(pieces: int, against: int) -> None:
    with pytest.raises(RequestError, match="at least 2 beside 4"):
        evaluate_set(melodies(pieces, 1), melodies(against, 2))


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(RequestError, match="at least 1 is needed"):
        measure([])


@pytest.mark.skipif(not NOTTINGHAM.is_dir(), reason="the Nottingham tunes are not beside this checkout")
def test_real_tunes_reach_their_own_ceiling_and_shuffled_ones_do_not() -> None:
    import data

    files = sorted(NOTTINGHAM.rglob("*.mid"))[:180]
    scores = [data.read(path) for path in files]
    real = measure(scores[1::3] + scores[2::3])
    generator = np.random.default_rng(1)
    shuffled = [
        score.replace(tracks=[track.replace(pitch=generator.permutation(track.pitch)) for track in score.tracks])
        for score in scores[::3]
    ]
    tunes, noise = (beside(pieces, real, resamples=20) for pieces in (measure(scores[::3]), shuffled))
    assert tunes.share.value > 0.95
    assert tunes.areas["average_interval"].generated.low > noise.areas["average_interval"].generated.high
    assert noise.frechet_distance.generated.low > 5 * tunes.frechet_distance.generated.high
