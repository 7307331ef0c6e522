"""`cadenza tokenize`: a score as tokens, and the score again."""

from __future__ import annotations

import json

import pytest

import data
from theory.score import Score
from theory.tokens import VOCABULARY, Tokenizer

from .real_files import real_files


def test_a_piece_a_line_a_bar(cadenza, tmp_path, piece):
    data.write(piece.score, tmp_path / "song.mid")
    said = cadenza("tokenize", tmp_path / "song.mid")
    assert said.code == 0
    assert [int(word) for word in said.out.split()] == list(piece.recipe.ids)
    assert len(said.out.splitlines()) == 1 + piece.score.bars


def test_names_and_json(cadenza, tmp_path, piece):
    data.write(piece.score, tmp_path / "song.mid")
    named = cadenza("tokenize", tmp_path / "song.mid", "--names").out
    assert named.startswith("START, TRACK 0, PROGRAM 52, TRACK 1,")
    assert named.splitlines()[1].startswith("BAR, NUMERATOR 4, DENOMINATOR 2, POSITION_LOW 0, ")
    answer = json.loads(cadenza("tokenize", tmp_path / "song.mid", "--json").out)
    assert answer == {"vocabulary": VOCABULARY.fingerprint, "tokens": list(piece.recipe.ids)}
    words = json.loads(cadenza("tokenize", tmp_path / "song.mid", "--json", "--names").out)["tokens"]
    assert words == [VOCABULARY.name(token) for token in piece.recipe.ids]


def test_an_empty_piece(cadenza, tmp_path):
    data.write(Score(), tmp_path / "x.mid")
    assert cadenza("tokenize", tmp_path / "x.mid", "--names").out == "START, END\n"


@pytest.mark.parametrize("path", real_files())
def test_real_files(cadenza, path):
    said = cadenza("tokenize", path, "--json")
    if said.code:
        assert said.code == 30
        assert said.err.count("\n") == 1
        return
    ids = json.loads(said.out)["tokens"]
    assert Tokenizer().decode(ids) == Tokenizer().quantize(data.read_with_report(path)[0])
