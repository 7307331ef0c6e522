"""`cadenza replay`: the same bytes from the recipe alone."""

from __future__ import annotations

import json

import pytest

from composer.piece import signed

FORMATS = ("mid", "wav", "musicxml", "png", "json")


@pytest.fixture
def song(cadenza, tmp_path, soundfont):
    said = cadenza("compose", "--bars", 2, "--seed", 9, "--soundfont", soundfont, "--out", tmp_path / "song")
    assert said.code == 0
    return tmp_path / "song"


@pytest.mark.parametrize("source", ["json", "mid"])
def test_every_file_again_byte_for_byte(cadenza, song, soundfont, tmp_path, source):
    said = cadenza("replay", f"{song}.{source}", "--soundfont", soundfont, "--out", tmp_path / "again" / "x")
    assert (said.code, said.err) == (0, "")
    assert len(said.out.splitlines()) == len(FORMATS)
    for name in FORMATS:
        assert (tmp_path / "again" / f"x.{name}").read_bytes() == (tmp_path / f"song.{name}").read_bytes(), name


def test_it_says_what_is_different_here(cadenza, song, soundfont, tmp_path):
    recipe = json.loads((tmp_path / "song.json").read_text())
    recipe["versions"]["music21"] = "1.0"
    recipe["sound"]["sha256"] = "0" * 64
    (tmp_path / "old.json").write_text(signed(recipe))
    said = cadenza("replay", tmp_path / "old.json", "--soundfont", soundfont, "--out", tmp_path / "x.wav")
    assert said.code == 0
    assert "made with music21 1.0, not what is here" in said.err


def test_another_soundfont_is_written_into_the_new_recipe(cadenza, song, soundfont, tmp_path):
    copy = tmp_path / "copy.sf2"
    copy.write_bytes(soundfont.read_bytes())
    said = cadenza("replay", f"{song}.json", "--soundfont", copy, "--out", tmp_path / "other")
    assert said.code == 0
    before, after = (json.loads((tmp_path / name).read_text()) for name in ("song.json", "other.json"))
    assert (before["sound"]["soundfont"], after["sound"]["soundfont"]) == (soundfont.name, "copy.sf2")
    assert after["ids"] == before["ids"]


def test_an_edited_recipe_is_refused(cadenza, song, tmp_path):
    recipe = json.loads((tmp_path / "song.json").read_text())
    recipe["ids"][-3] += 1
    (tmp_path / "edited.json").write_text(json.dumps(recipe))
    said = cadenza("replay", tmp_path / "edited.json", "--out", tmp_path / "again.mid")
    assert (said.code, said.out) == (30, "")
    assert "was changed after Cadenza wrote it" in said.err


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vocabulary": "0" * 64}, 30), ({"cadenza_recipe": 2}, 30), ({"ids": "x"}, 30), ({"ids": [1, 10**30, 2]}, 40),
        ({"ids": [1, 5000, 2]}, 40), ({"parts": []}, 40), ({"sound": [1]}, 30), ({"versions": 5}, 30),
        ({"title": None}, 30), (None, 30),
    ],
)  # fmt: skip
def test_damaged_recipes(cadenza, piece, tmp_path, change, code):
    text = piece.recipe.to_json()
    damaged = text[: len(text) // 2] if change is None else signed(json.loads(text) | change)
    (tmp_path / "song.json").write_text(damaged)
    said = cadenza("replay", tmp_path / "song.json", "--out", tmp_path / "again")
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("cadenza: ")
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["song.json"]
