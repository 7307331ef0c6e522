"""What the prior is learnt of anew: excerpts as in training and twice as long, upbeats and other meters among them."""

from __future__ import annotations

import pytest
from tiny_models import export_vae, tune

from composer import batches, bundle, second_stage
from composer.latent_runtime import Latent
from composer.style import FOLK
from composer.train import TrainConfig
from data.dataset import Entry

pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")


def pieces(bars, count=30):
    scores = [tune(n, bars=bars, meter="4/4", upbeat="1/4") for n in range(count)]
    return batches.prepare([Entry(f"{n:02}", "train", score) for n, score in enumerate(scores)], FOLK)


@pytest.fixture
def space(tmp_path):
    return Latent(bundle.load(export_vae(tmp_path / "model")))


def test_excerpts_of_all_lengths_are_read(space):
    """Of 2 and 3 bars, the latter also 2 bars after an upbeat; and twice as long as the longest, after one too."""
    shown = []
    found = second_stage._latents(space, pieces(9), TrainConfig(excerpts=(2, 3)), 0, shown.append)
    assert {each.means.shape[1] for each in found} == {2, 3, 4, 6, 7}
    assert all(len(each.means) == len(each.deviations) == len(each.forms) for each in found)
    assert shown[-1] == 1
    meters = {tuple(row) for each in found for row in each.forms[:, -1, 1:3].tolist()}
    assert len(meters) > 1  # some are in another one


def test_lengths_that_no_piece_has_are_left_out(space):
    found = second_stage._latents(space, pieces(4), TrainConfig(excerpts=(2, 4, 16)), 0, lambda at: None)
    assert {each.means.shape[1] for each in found} <= {2, 3, 4, 5}


def test_the_same_number_gives_the_same_excerpts(space):
    ones, others, more = (
        second_stage._latents(space, pieces(6), TrainConfig(excerpts=(2,)), number, lambda at: None)
        for number in (1, 1, 2)
    )
    assert [one.means.tolist() for one in ones] == [other.means.tolist() for other in others]
    assert [one.means.tolist() for one in ones] != [other.means.tolist() for other in more]
