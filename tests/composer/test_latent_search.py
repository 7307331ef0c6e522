"""A piece with more of one attribute, the others as they were: what is tried, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import export_vae, tune

import composer
from composer import bundle, latent_search
from composer.generate import prepared
from composer.latent import place, reconstruct, vary
from composer.latent_search import nearest
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import SearchError


@pytest.fixture(scope="module")
def request_(tmp_path_factory):
    return {"model": str(export_vae(tmp_path_factory.mktemp("models") / "vae"))}


@pytest.fixture(scope="module")
def tunes():
    """Tunes as the model that ships knows them, and what a deviation of each attribute is."""
    pieces = [composer.compose(style="folk", model="vae", bars=8, seed=seed, meter="6/8") for seed in range(3)]
    return [reconstruct(piece) for piece in pieces]


def moves(tunes, name, amount, **request):
    """How far each attribute moved, in deviations, mean over tunes; the asked one counts in the asked direction."""
    heard = bundle.load(bundle.find("folk", "vae")).heard
    rows = []
    for given in tunes:
        made = vary(given, toward={name: amount}, **request)
        rows.append([ATTRIBUTES[each](made.score) - ATTRIBUTES[each](given.score) for each in heard.names])
    moved = np.mean(rows, axis=0) / heard.deviations
    return dict(zip(heard.names, moved, strict=True))


@pytest.mark.parametrize(("name", "amount", "least"), [("register", -1, 0.6), ("density", 1, 0.2), ("leaps", 1, 0.2)])
def test_one_moves_and_the_others_stay(tunes, name, amount, least):
    moved = moves(tunes, name, amount)
    asked = moved.pop(name) * np.sign(amount)
    assert least < asked < 2 * abs(amount)
    others = {other: value for other, value in moved.items() if other != "syncopation"}  # these tunes have none
    assert np.abs(list(others.values())).mean() < asked / 2


def test_what_is_asked_besides_holds_all_the_same(tunes):
    made = vary(tunes[0], toward="-register", ending="tonic")
    assert made.score.bars == tunes[0].score.bars
    assert all(kept.kept == kept.asked for kept in made.report.rules)


def test_what_is_tried(request_, monkeypatch):
    """First along the way, from the start itself; then bars of the best, a few of them a little off."""
    piece = tune(0, bars=6)
    placed = place(piece, request_)
    ready = prepared(placed.wanted)
    rounds, before = [], latent_search.drafts_at
    monkeypatch.setattr(latent_search, "drafts_at", lambda at, latents: rounds.append(latents) or before(at, latents))
    told = []
    start = placed.posterior.mean
    found = nearest(ready, start, placed.posterior, placed.known, {"density": 2.0}, lambda *bars: told.append(bars))
    assert len(found) == sum(map(len, rounds)) == 3 * 32
    assert told == [(2, 6), (4, 6), (6, 6)]
    np.testing.assert_array_equal(rounds[0][0], start)
    way = 2 * bundle.load(Path(request_["model"])).heard.directions[0]
    off = (np.array(rounds[0]) - start - 1.5 * np.linspace(0, 1, 32)[:, None, None] * way) / placed.posterior.deviation
    assert 0.9 < off[1:].std() < 1.1
    known = {row.tobytes() for latent in rounds[0] for row in latent}
    same = np.mean([row.tobytes() in known for latent in rounds[1] for row in latent])
    assert 0.55 < same < 0.8
    assert len({latent.tobytes() for each in rounds for latent in each}) > 90

    decode, names = ready.model.tokenizer.learnt.decode, ready.model.heard.names
    heard = [
        [ATTRIBUTES[name](score) for name in names] for score in (placed.known, *(decode(each.ids) for each in found))
    ]
    aims = np.abs(np.array(heard[1:]) - heard[0] - np.array([2.0, 0])) @ (3, 1)  # deviations are 1 here
    assert (np.diff(aims) >= 0).all()


def test_the_same_seed_finds_the_same(request_):
    one, other = (vary(tune(1), toward="+density", seed=4, **request_) for _ in range(2))
    assert one.recipe.ids == other.recipe.ids
    assert vary(tune(1), toward="+density", seed=5, **request_).recipe.ids != one.recipe.ids


def test_nothing_found_says_why(request_, monkeypatch):
    monkeypatch.setattr(latent_search, "drafts_at", lambda at, latents: [SearchError("too hard")] * len(latents))
    with pytest.raises(SearchError, match="too hard"):
        vary(tune(1), toward="+density", **request_)
