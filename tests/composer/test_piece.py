"""Recipes: all it takes to write a piece again, and nothing that breaks the reader when it is damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.piece import Piece, Recipe, signed
from theory.errors import CadenzaError, FileFormatError, ScoreError, TokenError


@pytest.fixture(scope="module")
def values(piece):
    return json.loads(piece.recipe.to_json())


def test_a_recipe_comes_back_and_makes_the_same_piece(piece):
    text = piece.recipe.to_json()
    again = Recipe.from_json(text)
    assert again.to_json() == text
    assert Piece.from_recipe(again).score == piece.score
    assert text.isascii()
    assert "\n" not in text
    assert Recipe.from_json(again.to_json()) == again


def test_it_says_what_was_asked_for_completed(piece, values):
    assert values["request"] == {
        "style": "chorale", "model": "chorale-lstm", "key": "D minor", "meter": "4/4", "tempo": 72, "bars": 2,
        "seed": 7, "temperature": 0.9, "top_k": 0, "top_p": 1.0, "title": None, "chords": None, "between": "scale",
        "scale": None, "ranges": [], "cadences": [], "leaps": [], "density": [], "onsets": [], "durations": [],
        "locks": [], "polyphony": None, "rules": [], "ending": None, "original": None,
    }  # fmt: skip
    assert values["model"]["name"] == "chorale-lstm"
    assert len(values["model"]["sha256"]) == 64
    assert set(values["versions"]) >= {"cadenza", "numpy", "mido", "music21", "matplotlib", "soundfile"}


@pytest.mark.parametrize("title", ["Möwe", "a\nb", "\x00", "😀", "\ud800", ""])
def test_any_title(piece, title):
    recipe = replace(piece.recipe, title=title)
    assert Recipe.from_json(recipe.to_json()).title == recipe.score().title == title


@pytest.mark.parametrize(
    "change",
    [
        {"ids": None}, {"ids": "123"}, {"ids": [1.0, 2.0]}, {"ids": ["1", "2"]}, {"ids": [[1]]}, {"ids": [True, 2]},
        {"ids": {"1": 2}}, {"parts": None}, {"parts": "ab"}, {"parts": [["Alto"]]}, {"parts": [["Alto", "1"]]},
        {"parts": [[5, 1]] * 4}, {"title": None}, {"title": 5}, {"versions": []}, {"versions": None}, {"sound": None},
        {"sound": [1]}, {"report": None}, {"report": {}}, {"request": []}, {"model": "x"}, {"vocabulary": "0" * 64},
        {"vocabulary": None}, {"more": 1}, {"cadenza_recipe": 2}, {"cadenza_recipe": None},
    ],
)  # fmt: skip
def test_fields_of_the_wrong_type(values, change):
    with pytest.raises(FileFormatError, match="recipe") as caught:
        Recipe.from_json(signed(values | change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("field", "wrong"), [("bars", "2"), ("notes", 1.5), ("nats_per_note", None), ("extra", 1)])
def test_reports_of_the_wrong_type(values, field, wrong):
    with pytest.raises(FileFormatError):
        Recipe.from_json(json.dumps(values | {"report": values["report"] | {field: wrong}}))


def test_missing_fields(values):
    for name in values:
        with pytest.raises(FileFormatError, match="recipe"):
            Recipe.from_json(json.dumps({key: value for key, value in values.items() if key != name}))


def test_a_recipe_cut_short(piece):
    text = piece.recipe.to_json()
    for end in range(0, len(text), 97):
        with pytest.raises(FileFormatError):
            Recipe.from_json(text[:end])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"ids": []}, TokenError), ({"ids": [1]}, TokenError), ({"ids": [-1, 2]}, TokenError),
        ({"ids": [1, 10**6, 2]}, TokenError), ({"ids": [1, 2**63, 2]}, TokenError),
        ({"ids": [1, 10**30, 2]}, TokenError), ({"ids": [1, 3, 3, 2]}, TokenError), ({"ids": [1, 2]}, TokenError),
        ({"parts": []}, TokenError), ({"parts": [["Alto", 1]] * 5}, TokenError),
        ({"parts": [["Alto", 128]] * 4}, ScoreError), ({"parts": [["Alto", -(10**40)]] * 4}, ScoreError),
    ],
)  # fmt: skip
def test_ids_and_parts_that_make_no_piece(values, change, error):
    with pytest.raises(error) as caught:
        Piece.from_recipe(Recipe.from_json(signed(values | change)))
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("cadenza_recipe", "ids", "model", "parts", "report", "request", "sound", "title", "versions", "vocabulary")


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3))
def test_whatever_stands_in_a_field_is_read_or_refused_cleanly(values, changes):
    try:
        recipe = Recipe.from_json(signed(values | changes))
        Piece.from_recipe(recipe)
    except CadenzaError:
        return
    assert Recipe.from_json(recipe.to_json()).ids == recipe.ids


@settings(max_examples=200)
@given(st.text() | JSON.map(json.dumps))
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example("1" * 5000)
@example('{"cadenza_recipe":1,"ids":[1e999]}')
def test_whatever_the_text_is(text):
    with pytest.raises(FileFormatError):
        Recipe.from_json(text)


@settings(max_examples=150)
@given(st.data())
def test_a_letter_changed_anywhere(piece, data):
    text = piece.recipe.to_json()
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from('0123456789"{}[],:-.eaÿ\\ '))
    try:
        Piece.from_recipe(Recipe.from_json(text[:place] + letter + text[place + 1 :]))
    except CadenzaError as error:
        assert "\n" not in str(error)  # noqa: PT017  # most changes are refused, some make another piece
