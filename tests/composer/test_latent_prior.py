"""Pieces from the latent space that none is given for, or only a beginning: drawn from the prior."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_latents import GAN, KINDS, given, told_by
from tiny_models import export_vae

import composer
from composer import bundle
from composer.bar_notes import forms_of
from composer.latent_runtime import Latent
from composer.many import compose_many
from composer.style import FOLK


@pytest.mark.parametrize("form", [{"meter": "3/4", "key": "E minor"}, {"meter": "6/8", "key": "A dorian"}], ids=str)
def test_a_piece_is_drawn_from_the_prior_of_its_own_form(request_, monkeypatch, form):
    """As what is drawn for a model is measured later, by the piece that it made."""
    made, (found,) = told_by(lambda: composer.compose(bars=5, seed=6, **form, **request_), monkeypatch)
    space = Latent(bundle.load(Path(request_["model"])))
    np.testing.assert_array_equal(found, space.drawn(forms_of(made.score), 6))


def test_a_seed_draws_a_latent(request_):
    made = [composer.compose(bars=4, seed=seed, **request_) for seed in (1, 1, 2)]
    assert made[0].recipe == made[1].recipe
    assert made[0].recipe.ids != made[2].recipe.ids
    likeliest = {composer.compose(bars=4, seed=seed, **{**request_, "temperature": 0}).recipe.ids for seed in range(6)}
    assert len(likeliest) > 3  # the likeliest tokens, told of latents that differ


@pytest.mark.parametrize("latent_", [*KINDS.values(), GAN], ids=[*KINDS, "gan"])
def test_pieces_side_by_side_are_those_drawn_alone(tmp_path, latent_):
    asked = {"style": "folk", "model": str(export_vae(tmp_path, latent_)), "bars": 3, "density": "1:6", "leaps": "9"}
    together = compose_many(count=5, seed=3, **asked)
    apart = [composer.compose(seed=3 + number, **asked) for number in range(5)]
    assert [piece.recipe.to_json() for piece in together] == [piece.recipe.to_json() for piece in apart]
    spread = compose_many(count=3, workers=2, seed=3, **asked)
    assert spread == apart[:3]


@pytest.mark.parametrize("form", [{}, {"upbeat": "1/8"}, {"meter": "3/4", "key": "E minor"}], ids=str)
@pytest.mark.parametrize("latent_", [*KINDS.values(), GAN], ids=[*KINDS, "gan"])
def test_a_beginning_goes_on(tmp_path, form, latent_):
    asked = {"style": "folk", "model": str(export_vae(tmp_path, latent_))}
    primer = given(**form)
    longer = [composer.continue_piece(primer, bars=2, seed=seed, **asked) for seed in (1, 1, 2)]
    assert longer[0].recipe == longer[1].recipe
    assert longer[0].recipe.ids != longer[2].recipe.ids
    for piece in longer:
        assert piece.score.bars == primer.bars + 2
        for column in ("onset", "duration", "pitch", "velocity"):
            old, new = (getattr(score.tracks[0], column) for score in (primer, piece.score))
            np.testing.assert_array_equal(new[: len(old)], old)
        assert all(rule.kept == rule.asked for rule in piece.report.rules)


def test_a_beginning_is_told_as_it_is_and_what_follows_goes_on_from_it(request_, monkeypatch):
    primer, space = given(upbeat="1/8"), Latent(bundle.load(Path(request_["model"])))
    known = space.posterior(FOLK.undress(primer)).mean
    asked = {"bars": 3, "seed": 5, **request_}
    made, (found,) = told_by(lambda: composer.continue_piece(primer, **asked), monkeypatch)
    form = forms_of(made.score)
    assert form[:, 0].tolist() == [8, 7, 6, 5, 4, 3, 2, 1]
    np.testing.assert_array_equal(found[:5], known)
    np.testing.assert_array_equal(found, space.drawn(form, 5, known))
    assert not np.allclose(found[5:], space.drawn(form, 5)[5:])
