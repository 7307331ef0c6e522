"""`cadenza tokenize`: a score as tokens, and the score again."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

import data
from theory.score import Score, Track
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
    assert answer.pop("tokenizer") == asdict(Tokenizer())
    assert answer.pop("changes")["notes"] == piece.score.notes
    assert answer.pop("left_out") == {}
    assert answer == {"vocabulary": VOCABULARY.fingerprint, "tokens": list(piece.recipe.ids)}
    words = json.loads(cadenza("tokenize", tmp_path / "song.mid", "--json", "--names").out)["tokens"]
    assert words == [VOCABULARY.name(token) for token in piece.recipe.ids]


def test_an_empty_piece(cadenza, tmp_path):
    data.write(Score(), tmp_path / "x.mid")
    assert cadenza("tokenize", tmp_path / "x.mid", "--names").out == "START, END\n"


def played(folder):
    """A file of two notes that are off the grid and as loud as no class says, with a pedal."""
    melody = Track.from_notes([(7, 470, 60, 91), (493, 470, 60, 70)], controls=[(0, 64, 127)])
    data.write(Score((melody, Track.from_notes([(0, 240, 36)], is_drum=True))), folder / "x.mid")
    return folder / "x.mid"


def test_what_the_grid_changes_is_said(cadenza, tmp_path):
    said = cadenza("tokenize", played(tmp_path), "--no-controls", "--no-drums")
    assert said.code == 0
    moves, velocities, dropped = said.err.splitlines()
    assert moves == "cadenza: notes move to the grid by 5.2 ms on average, by 7.3 ms at most"
    assert velocities == "cadenza: velocities change by at most 2"
    assert dropped == "cadenza: left out: 1 x control, 1 x note of drums"


def test_the_settings_of_the_tokenizer(cadenza, tmp_path):
    path = played(tmp_path)
    exact = cadenza("tokenize", path, "--microtiming", "--velocities", 127)
    assert [int(word) for word in exact.out.split()] == Tokenizer.lossless().encode(data.read(path)).tolist()
    assert exact.err == ""
    assert "ONSET_OFFSET 7" in cadenza("tokenize", path, "--microtiming", "--names").out
    coarse = json.loads(cadenza("tokenize", path, "--resolution", 2, "--json").out)
    assert coarse["tokenizer"]["resolution"] == 2
    assert coarse["vocabulary"] == Tokenizer(resolution=2).fingerprint
    assert coarse["changes"]["farthest"] > 7
    refused = cadenza("tokenize", path, "--resolution", 5)
    assert refused.err == "cadenza: resolution 5: choose one of 24, 12, 8, 6, 4, 3, 2, 1\n"
    assert refused.code == 40


@pytest.mark.parametrize("path", real_files())
def test_real_files(cadenza, path):
    said = cadenza("tokenize", path, "--json")
    if said.code:
        assert said.code == 30
        assert said.err.count("\n") == 1
        return
    ids = json.loads(said.out)["tokens"]
    assert Tokenizer().decode(ids) == Tokenizer().quantize(data.read_with_report(path)[0])


def test_what_the_reader_left_out_is_said(cadenza, tmp_path):
    path = tmp_path / "book.abc"
    path.write_text("X:1\nT:x\nM:99999/4\nL:1/4\nK:C\n{c}CDEF|\n\nX:2\nT:y\nK:C\nC|\n")
    said = cadenza("tokenize", path)
    assert said.code == 0
    assert said.err.splitlines() == [
        f"cadenza: left out by the reader: 1 x {kind}" for kind in ("grace note", "meter", "tune")
    ]
    left_out = json.loads(cadenza("tokenize", path, "--json").out)["left_out"]
    assert left_out == {"grace note": 1, "meter": 1, "tune": 1}


def test_what_the_reader_repaired_is_said(cadenza, tmp_path):
    data.write(Score.from_notes([(0, 480, 60), (480, 480, 62)]), tmp_path / "x.mid")
    content = (tmp_path / "x.mid").read_bytes()
    (tmp_path / "x.mid").write_bytes(content[:-3])
    said = cadenza("tokenize", tmp_path / "x.mid")
    assert said.code == 0
    assert said.err.startswith(f"cadenza: {tmp_path / 'x.mid'} is damaged; repaired: ")
    assert said.err.count("\n") == 1
    assert any(
        "repaired: " in kind for kind in json.loads(cadenza("tokenize", tmp_path / "x.mid", "--json").out)["left_out"]
    )
