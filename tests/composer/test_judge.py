"""What a generator is judged by: real excerpts, pieces drawn in their form, and what is nearer to the data."""

from __future__ import annotations

import numpy as np
import pytest
from walks import pieces, vae_model, walk

from composer import batches, judge
from composer.judge import Excerpts, Player
from composer.style import FOLK
from data.dataset import Entry
from theory.errors import TrainingError
from theory.event import KeyEvent
from theory.key import Key
from theory.meter import Meter


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    return vae_model(tmp_path_factory.mktemp("models") / "vae")


def test_real_and_drawn_pieces_share_their_form(vae):
    """And their keys: how high a piece lies has to do with it."""
    real = Excerpts(pieces(0, 12), 2, FOLK).sample(np.random.default_rng(0))
    assert len(real) == 12
    made = list(Player(vae, 2).scores(real, 1))
    assert len(made) == len(real)
    forms = [sorted((str(one.meters[0].meter), str(one.keys[0].key), one.bars) for one in side)
             for side in ([each.score for each in real], made)]  # fmt: skip
    assert forms[0] == forms[1]
    assert {one.meters[0].meter for one in made} == {Meter(2, 4), Meter(3, 4)}


def test_the_same_seed_draws_the_same(vae):
    real = Excerpts(pieces(0, 4), 2, FOLK).sample(np.random.default_rng(0))
    one, again, other = (list(Player(vae, 2).scores(real, seed)) for seed in (1, 1, 2))
    assert one == again != other


def test_every_excerpt_begins_at_half_of_one():
    """Of 6 bars: four excerpts of 3, which begin a bar apart, and two of 4."""
    for bars, count in ((3, 4), (4, 2), (6, 1)):
        found = list(Excerpts(pieces(0, 5), bars, FOLK).every())
        assert len(found) == 5 * count
        assert all(one.score.bars == bars for one in found)


def test_a_piece_that_changes_inside_is_left_out():
    """A request states one meter and one key."""
    ones, score = pieces(0, 3), walk(0)
    other = score.replace(keys=(*score.keys, KeyEvent(score.bar_lines()[3], Key.parse("G major"))))
    changing = batches.prepare([Entry("changing", "train", other)], FOLK)
    assert len(list(Excerpts(ones, 6, FOLK).every())) == len(list(Excerpts([*ones, *changing], 6, FOLK).every())) == 3


def test_what_is_confirmed_is_measured_on_other_pieces(vae):
    found = judge.Judge(Excerpts(pieces(0, 8), 2, FOLK), Excerpts(pieces(20, 8), 2, FOLK), 2, 4, 0)
    assert found.figures(vae)["pieces"] == 4
    assert found.figures(vae, confirming=True)["pieces"] == 8
    assert found.figures(vae) == found.figures(vae)


def test_excerpts_need_pieces_as_long():
    with pytest.raises(TrainingError, match="no piece has 9 whole bars"):
        Excerpts(pieces(0, 3), 9, FOLK)


def figures(**changes: float) -> dict[str, float]:
    usual = {"distinct_4": 0.8, "self_bleu": 0.4, "frechet_distance": 5.0, "musegan_distance": 0.5}
    return usual | changes


REAL = figures(distinct_4=0.7, self_bleu=0.5, frechet_distance=1.0, musegan_distance=0.1)


@pytest.mark.parametrize(
    ("changes", "short"),
    [
        ({}, []),
        ({"distinct_4": 0.795, "self_bleu": 0.405}, []),  # by chance
        ({"distinct_4": 0.71}, ["diversity"]),  # though real music repeats itself as much
        ({"self_bleu": 0.49}, ["diversity"]),
        ({"frechet_distance": 5.0}, ["Frechet distance"]),
        ({"musegan_distance": 0.5}, ["MuseGAN's metrics"]),
        ({"musegan_distance": 0.6}, ["MuseGAN's metrics"]),
        ({"frechet_distance": 6.0, "musegan_distance": 0.6}, ["Frechet distance", "MuseGAN's metrics"]),
    ],
)
def test_in_what_pieces_are_no_better_than_those_of_the_warm_start(changes, short):
    nearer = {"frechet_distance": 4.0, "musegan_distance": 0.4}
    assert judge.shortcomings(figures(**{**nearer, **changes}), figures()) == short


def test_as_near_as_the_warm_start_is_no_nearer():
    warm = figures(musegan_distance=0.01)
    assert judge.shortcomings(figures(frechet_distance=4.0, musegan_distance=0.01), warm) == ["MuseGAN's metrics"]
    assert judge.shortcomings(figures(frechet_distance=4.0, musegan_distance=0.009), warm) == []


def test_a_step_is_chosen_that_is_as_diverse_as_the_warm_start_or_real_music():
    assert judge.has_kept_diversity(figures(distinct_4=0.71, self_bleu=0.49), figures(), REAL)
    assert not judge.has_kept_diversity(figures(distinct_4=0.65), figures(), REAL)
    assert not judge.has_kept_diversity(figures(self_bleu=0.55), figures(), REAL)


def test_a_generator_that_says_one_thing_has_collapsed():
    from composer.metrics import SET_METRICS, measure

    real = measure([walk(2 * n) for n in range(12)])

    def of(scores):
        made = measure(scores)
        return {name: metric.function(made, real) for name, metric in SET_METRICS.items()}

    known = of([walk(2 * n) for n in range(12)])
    assert judge.collapse(of([walk(2 * n + 100) for n in range(12)]), known, known) == ""
    assert "mode collapse: a share of" in judge.collapse(of([walk(0)] * 12), known, known)
    assert "self-BLEU" in judge.collapse({**known, "self_bleu": known["self_bleu"] + 0.2}, known, known)
    assert judge.collapse({**known, "distinct_4": float("nan")}, known, known)
