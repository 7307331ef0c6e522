"""`cadenza continue`: the primer stays, the bars follow."""

from __future__ import annotations

import numpy as np
import pytest

import data
from theory.score import Score


def test_a_piece_goes_on(cadenza, tmp_path, piece):
    data.write(piece.score, tmp_path / "song.mid")
    said = cadenza(
        "continue", tmp_path / "song.mid", "--bars", 3, "--out", tmp_path / "longer", "--formats", "mid,json"
    )
    assert (said.code, said.err) == (0, "")
    longer = data.read(tmp_path / "longer.mid")
    assert longer.bars == piece.score.bars + 3
    assert longer.keys == piece.score.keys
    for old, new in zip(piece.score.tracks, longer.tracks, strict=True):
        for column in ("onset", "duration", "pitch", "velocity"):
            np.testing.assert_array_equal(getattr(new, column)[: len(old)], getattr(old, column))


def test_a_primer_in_notation(cadenza, tmp_path, piece):
    data.write(piece.score, tmp_path / "song.musicxml")
    assert cadenza("continue", tmp_path / "song.musicxml", "--bars", 1, "--out", tmp_path / "longer.mid").code == 0
    assert data.read(tmp_path / "longer.mid").bars == piece.score.bars + 1


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (
            Score.from_notes([(0, 480, 60)]),
            "1 track: style chorale knows Soprano, Alto, Tenor, Bass; --style folk would do",
        ),
        (Score.from_notes([(0, 480, 36)], is_drum=True), "1 track with drums: style chorale knows"),
    ],
)
def test_a_primer_that_does_not_fit(cadenza, tmp_path, score, says):
    data.write(score, tmp_path / "song.mid")
    said = cadenza("continue", tmp_path / "song.mid", "--out", tmp_path / "longer")
    assert said.code == 2
    assert says in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]
