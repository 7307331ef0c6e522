"""The picture of an analysis."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from synth.analysis_picture import draw
from synth.canvas import DPI, WIDTH
from theory.analysis import Analysis, ChordRegion, KeyRegion, analyse
from theory.chord import Chord
from theory.errors import OutputError, RequestError
from theory.key import Key
from theory.score import Score, Track

SCORE = Score((Track.from_notes([(n * 960, 960, pitch) for n in range(8) for pitch in (48, 60, 64, 67)]),), title="C")
DRUMS = Track.from_notes([(n * 480, 60, 36) for n in range(8)], is_drum=True)


def analysis(*chords: tuple[int, int, str | None, float], keys: tuple[tuple[int, int, str, float], ...]) -> Analysis:
    found = tuple(KeyRegion(tick, end, Key.parse(key), sure) for tick, end, key, sure in keys)
    heard = tuple(
        ChordRegion(tick, end, None if name is None else Chord.parse(name), found[0].key, sure)
        for tick, end, name, sure in chords
    )
    return Analysis(found[0].key, found[0].confidence, found, heard, (), (7680,), (np.zeros(32, dtype=bool),))


def lane(picture: np.ndarray, number: int) -> np.ndarray:
    """One row of pixels through a lane, above its text: keys 0, chords 1."""
    inches = {0: 5.72, 1: 6.25}
    return picture[round(inches[number] * DPI), :, :3]


def runs(row: np.ndarray) -> list[tuple[float, ...]]:
    """Colours along a row, each once, that take at least 100 pixels."""
    starts = np.flatnonzero(np.r_[True, (np.abs(np.diff(row, axis=0)).max(axis=1) > 0.01)])
    lengths = np.diff(np.r_[starts, len(row)])
    return [tuple(row[start].tolist()) for start, length in zip(starts, lengths, strict=True) if length >= 100]


def test_chords_of_a_root_share_their_colour_and_others_do_not(tmp_path):
    chords = [(0, 1920, "C", 1.0), (1920, 3840, "G", 1.0), (3840, 5760, "C", 1.0), (5760, 7680, "Cm", 1.0)]
    said = analysis(*chords, keys=((0, 7680, "C", 1.0),))
    first, second, third, fourth = runs(lane(imread(draw(SCORE, said, tmp_path / "x.png")), 1))[-4:]
    assert first == third
    assert len({first, second, fourth}) == 3
    assert sum(fourth) < sum(first)  # minor is darker


def test_what_is_less_certain_is_paler(tmp_path):
    said = analysis((0, 7680, "C", 1.0), keys=((0, 3840, "A minor", 1.0), (3840, 7680, "A minor", 0.2)))
    sure, unsure = runs(lane(imread(draw(SCORE, said, tmp_path / "x.png")), 0))[-2:]
    assert sum(unsure) > sum(sure)


def test_a_picture_of_a_piece(tmp_path):
    picture = imread(draw(SCORE, analyse(SCORE), tmp_path / "x.png"))
    assert picture.shape[1] == WIDTH * DPI
    assert picture.shape[0] > 700
    blue = np.abs(picture[..., :3] - to_rgb("#2f6db3")).max(axis=-1) < 0.02
    assert blue.any()  # the legend of the piano roll


def test_the_same_input_is_the_same_bytes(tmp_path):
    first, second = (draw(SCORE, analyse(SCORE), tmp_path / f"{name}.png").read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize(
    "score",
    [
        Score(),
        Score((Track.empty(),)),
        Score((DRUMS,)),
        Score((Track.from_notes([(0, 1, 0)]),)),
        Score((*SCORE.tracks, DRUMS)),
    ],
    ids=["nothing", "no notes", "drums", "a tick", "with drums"],
)
def test_thin_pieces(tmp_path, score):
    assert imread(draw(score, analyse(score), tmp_path / "x.png")).shape[1] == WIDTH * DPI


def test_many_chords_and_keys(tmp_path):
    notes = [(n * 480, 480, 36 + (7 * (n // 4) + third) % 48) for n in range(2000) for third in (0, 4, 7)]
    score = Score.from_notes(notes)
    assert imread(draw(score, analyse(score), tmp_path / "long.png")).shape[1] == WIDTH * DPI


def test_bad_places(tmp_path):
    with pytest.raises(RequestError, match="png"):
        draw(SCORE, analyse(SCORE), tmp_path / "x.pdf")
    (tmp_path / "x.png").mkdir()
    with pytest.raises(OutputError):
        draw(SCORE, analyse(SCORE), tmp_path / "x.png")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
