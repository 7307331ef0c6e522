"""The picture of a piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from synth.picture import COLOURS, DPI, WIDTH, draw
from synth.renderer import Audio
from theory.errors import OutputError, RequestError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

TUNE = Track.from_notes([(n * 480, 480, 60 + n, 127) for n in range(8)], name="Tune")
BEATS = Track.from_notes([(n * 480, 60, 36, 127) for n in range(8)], is_drum=True, name="Beats")
SCORE = Score(
    (TUNE, BEATS),
    title="A tune: $1 \\frac and 中文\nin two lines",
    keys=(KeyEvent(0, Key.parse("D minor")),),
    meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4))),
    tempos=(TempoEvent.from_bpm(0, 60), TempoEvent.from_bpm(1920, 90)),
)


def sound(seconds: float) -> Audio:
    frames = int(seconds * 48_000)
    wave = np.sin(np.arange(frames) / 20) * np.linspace(1, 0, frames)
    samples = np.stack([wave, wave], axis=1).astype(np.float32)
    return Audio(samples, 48_000, (samples,), Path("none.sf2"))


def share(picture: np.ndarray, colour: str) -> float:
    return float((np.abs(picture[..., :3] - to_rgb(colour)).max(axis=-1) < 0.02).mean())


def test_a_picture_shows_notes_in_their_tracks_colours_and_the_wave_below(tmp_path):
    alone = imread(draw(SCORE, None, tmp_path / "roll.png"))
    both = imread(draw(SCORE, sound(8), tmp_path / "both.png"))
    assert alone.shape[1] == both.shape[1] == WIDTH * DPI
    assert both.shape[0] > alone.shape[0] > 500
    assert share(alone, COLOURS[0]) > 0.005
    assert share(alone, COLOURS[1]) > 0.0003
    assert share(alone, COLOURS[2]) == 0
    assert share(both, "#5d6f86") > 0.005 > share(alone, "#5d6f86")


def test_time_runs_along_the_tempo_map(tmp_path):
    first_half = Score(
        (Track.from_notes([(0, 480, 60, 127), (480, 480, 60, 127)]),),
        tempos=(TempoEvent(0, 3_000_000), TempoEvent(480, 1_000_000)),
    )
    picture = imread(draw(first_half.replace(meters=(MeterEvent(0, Meter(2, 4)),)), None, tmp_path / "time.png"))
    blue = np.abs(picture[..., :3] - to_rgb(COLOURS[0])).max(axis=-1) < 0.02
    columns = np.flatnonzero(blue.sum(axis=0) > 15)  # of the bars, not of the legend
    gap = columns[np.argmax(np.diff(columns))]
    assert (gap - columns[0]) / (columns[-1] - columns[0]) == pytest.approx(0.75, abs=0.01)


def test_the_same_input_is_the_same_bytes(tmp_path):
    first, second = (draw(SCORE, sound(5), tmp_path / f"{name}.png").read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize("score", [Score(), Score((Track.empty(),)), Score((BEATS,)), Score(tuple([TUNE] * 16))])
def test_thin_and_thick_pieces(tmp_path, score):
    assert imread(draw(score, None, tmp_path / "some.png")).shape[1] == WIDTH * DPI
    assert imread(draw(score, sound(0), tmp_path / "some.png")).shape[1] == WIDTH * DPI


def test_a_long_piece(tmp_path):
    notes = [(n * 240, 240, 30 + n % 60, 1 + n % 127) for n in range(5000)]
    assert imread(draw(Score.from_notes(notes), None, tmp_path / "long.png")).shape[1] == WIDTH * DPI


def test_bad_places(tmp_path):
    with pytest.raises(RequestError, match=r"\.png"):
        draw(SCORE, None, tmp_path / "tune.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        draw(SCORE, None, tmp_path / "file" / "tune.png")
