"""A copy is drawn again, or refused in one line; the same request is the same piece, by function and command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_models import scales

import composer
import data
from composer import originality
from composer.originality import guard, index_for, index_of
from composer.piece import Piece, Recipe
from composer.report import Report
from theory.errors import OriginalityError, SearchError

REQUEST = {"bars": 3, "density": "4:8"}
OPTIONS = ("--bars", 3, "--density", "4:8")


@pytest.fixture(scope="module")
def copyist(tmp_path_factory, tiny_model):
    """A model that learnt the very pieces it writes of seeds 0 and 2."""
    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "copyist"))
    pieces = [composer.compose(model=tiny_model, seed=seed, **REQUEST).score for seed in (0, 2)]
    index = index_of([(f"mine/{number}", piece.replace(title="")) for number, piece in enumerate(pieces)])
    originality.save(index, folder / originality.INDEX)
    return str(folder)


def test_a_copy_is_drawn_again(copyist):
    before = composer.compose(model=copyist, **REQUEST, seed=0)
    piece = composer.compose(model=copyist, **REQUEST, seed=0, original=8)
    assert before.report.originality is None
    assert "originality" not in before.report.to_dict()
    assert piece.score != before.score
    assert piece.recipe.request["seed"] == 0
    assert piece.recipe.request["original"] == 8
    first, *_ = piece.report.notices
    assert first.startswith("shares ")
    assert "with mine/0 (" in first
    assert first.endswith(": drawn again")
    assert piece.report.originality.most == 8
    assert piece.report.originality.transposed.notes <= 8
    assert index_for(Path(copyist)).shared(piece.score) == (
        piece.report.originality.exact,
        piece.report.originality.transposed,
    )


def test_the_same_request_is_the_same_piece_and_its_recipe_comes_back(copyist):
    piece, again = (composer.compose(model=copyist, **REQUEST, seed=2, original=8) for _ in range(2))
    assert piece.recipe.to_json() == again.recipe.to_json()
    read = Recipe.from_json(piece.recipe.to_json())
    assert (read.report.originality, read.report.notices) == (piece.report.originality, piece.report.notices)
    assert read.to_json() == piece.recipe.to_json()
    assert Piece.from_recipe(read).score == piece.score


@pytest.mark.parametrize(
    "damage",
    [
        {"most": "8"}, {"exact": 3}, {"transposed": {}}, {"transposed": {"notes": "7"}},
        {"exact": {"here": {"part": 1, "bar": 1, "last_bar": 1}}}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_report_with_another_kind_of_originality_is_none(copyist, damage):
    values = json.loads(json.dumps(composer.compose(model=copyist, **REQUEST, original=99).report.to_dict()))
    told = values["originality"]
    for name, change in damage.items():
        told[name] = {**told[name], **change} if isinstance(change, dict) and change else change
    with pytest.raises((TypeError, KeyError)):
        Report.from_dict(values)


def test_one_that_is_original_is_the_piece_of_its_seed(copyist):
    plain, own = (composer.compose(model=copyist, **REQUEST, seed=1, **more) for more in ({}, {"original": 40}))
    assert own.score == plain.score
    assert own.report.notices == plain.report.notices


def test_among_others_a_piece_is_the_same(copyist):
    request = {"model": copyist, **REQUEST, "original": 6}
    many = composer.compose_many(count=6, **request)
    spread = composer.compose_many(count=6, workers=2, **request)
    apart = []
    for seed in range(6):
        try:
            apart.append(composer.compose(seed=seed, **request))
        except SearchError as error:
            apart.append(error)
    texts = [
        [one.recipe.to_json() if isinstance(one, Piece) else str(one) for one in found]
        for found in (many, spread, apart)
    ]
    assert texts[0] == texts[1] == texts[2]
    assert any("drawn again" in text for text in texts[0])


@pytest.fixture(scope="module")
def parrot(tmp_path_factory, tiny_model):
    """A model that learnt what it writes at temperature 0, of whatever seed."""
    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "parrot"))
    piece = composer.compose(model=tiny_model, temperature=0, **REQUEST).score
    originality.save(index_of([("mine", piece)]), folder / originality.INDEX)
    return str(folder)


def test_it_gives_up_with_one_line(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "TRIES", 3)
    drawn = [composer.compose(model=tiny_model, seed=guard.derived(0, at), **REQUEST).score for at in range(3)]
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    originality.save(index_of(("mine", each) for each in drawn), folder / originality.INDEX)
    with pytest.raises(OriginalityError, match=r"each of 3 pieces shares more than 5 notes .* with mine ") as caught:
        composer.compose(model=str(folder), original=5, **REQUEST)
    assert "\n" not in str(caught.value)


def test_what_comes_out_the_same_is_not_drawn_for_ever(parrot):
    request = {"model": parrot, "temperature": 0, "original": 5, **REQUEST}
    with pytest.raises(OriginalityError, match=r"drawn again it is the same; .* a --temperature above 0") as caught:
        composer.compose(**request)
    assert caught.value.exit_code == 44
    assert "\n" not in str(caught.value)
    found = composer.compose_many(count=2, **request)
    assert [type(one) for one in found] == [OriginalityError] * 2
    assert str(found[0]) == str(caught.value)


def test_seeds_of_attempts_are_no_neighbours():
    seeds = {guard.derived(seed, attempt) for seed in range(50) for attempt in range(guard.TRIES)}
    assert len(seeds) == 50 * guard.TRIES
    assert guard.derived(7, 0) == 7
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert guard.derived(7, 1) == 2174948161648732372  # for ever: a seed stays its piece


def test_given_notes_are_nobodys_copy(tmp_path, tiny_model):
    """A locked tune and a primer that the model learnt: only what is composed counts."""
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    primer = scales(1, bars=4)
    originality.save(index_of([("mine", primer)]), folder / originality.INDEX)
    data.write(primer.replace(tracks=primer.tracks[:1]), tmp_path / "tune.mid")
    request = {"model": str(folder), "original": 8, "density": "4:6"}
    locked = composer.compose(bars=4, locks=f"soprano={tmp_path / 'tune.mid'}", **request)
    continued = composer.continue_piece(primer, bars=2, **request)
    for piece in (locked, continued):
        assert index_for(folder).shared(piece.score).exact.notes == 16
        assert not piece.report.originality.is_copy
    again = index_of([("again", continued.score)])
    originality.save(again, folder / originality.INDEX)
    run = composer.continue_piece(primer, bars=2, **(request | {"original": 99})).report.originality.exact
    assert (run.notes > 5, run.here.bar >= 5) == (True, True)
    other = composer.continue_piece(primer, bars=2, **(request | {"original": 5}))
    assert other.report.notices[0].startswith("shares ")
    assert other.score != continued.score


def test_the_command_says_what_a_piece_shares(cadenza, copyist, tmp_path):
    command = ("compose", "--model", copyist, *OPTIONS, "--original", 8)
    said = cadenza(*command, "--out", tmp_path / "a", "--formats", "mid,json")
    assert said.code == 0
    assert said.err.startswith("cadenza: shares ")
    assert ": drawn again\n" in said.err
    assert "longest run shared with what the model learnt from: " in said.out
    kept = json.loads((tmp_path / "a.json").read_text())
    assert kept["request"]["original"] == 8
    assert kept["report"]["originality"]["transposed"]["notes"] <= 8
    assert cadenza("replay", tmp_path / "a.json", "--formats", "mid,json", "--out", tmp_path / "b").code == 0
    for suffix in ("mid", "json"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    answer = json.loads(cadenza(*command, "--out", tmp_path / "c.mid", "--json").out)
    assert answer["originality"] == kept["report"]["originality"]


def test_several_pieces(cadenza, copyist, tmp_path):
    said = cadenza("compose", "--model", copyist, *OPTIONS, "--count", 3, "--out", tmp_path / "m.mid", "--original", 8)
    assert (said.code, "3 of 3 pieces" in said.out, ", shares " in said.out) == (0, True, True)
    assert "cadenza: seed 0: shares " in said.err


def test_nothing_is_written_where_all_are_copies(cadenza, parrot, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "TRIES", 2)
    command = ("compose", "--model", parrot, *OPTIONS, "--temperature", 0, "--original", 5, "--out", tmp_path / "a.mid")
    said = cadenza(*command)
    assert (said.code, said.out, said.err.count("\n")) == (44, "", 1)
    said = cadenza(*command, "--count", 2)
    assert (said.code, said.err.count("\n")) == (44, 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "code", "line"),
    [("1", 2, "original 1: must be 2 notes or more"), ("-3", 2, "original -3"), ("x", 2, "'x' is no whole number")],
)
def test_numbers_that_make_no_sense(cadenza, copyist, tmp_path, value, code, line):
    said = cadenza("compose", "--model", copyist, "--original", value, "--out", tmp_path / "a.mid")
    assert said.code == code
    assert line in said.err


def test_a_model_that_does_not_say_what_it_learnt_from(cadenza, tiny_model, tmp_path):
    said = cadenza("compose", "--model", tiny_model, "--bars", 2, "--original", 9, "--out", tmp_path / "a.mid")
    assert said.code == 41
    assert "does not say what it was trained on" in said.err
    assert list(tmp_path.iterdir()) == []
