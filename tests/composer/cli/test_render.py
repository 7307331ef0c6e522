"""`cadenza render`: a score as a sound file."""

from __future__ import annotations

import json

import pytest

import data
from theory.score import Score, Track

PROGRAM = 52  # the one that the test's soundfont has


@pytest.fixture
def song(tmp_path):
    tracks = tuple(
        Track.from_notes([(0, 480, 60 + n), (480, 480, 62 + n)], program=PROGRAM, name=name)
        for n, name in enumerate(("High", "Low"))
    )
    path = tmp_path / "song.mid"
    data.write(Score(tracks), path)
    return path


def test_beside_the_score_if_nothing_else_is_said(cadenza, song, soundfont):
    soundfile = pytest.importorskip("soundfile")
    said = cadenza("render", song, "--soundfont", soundfont)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1].strip() == str(song.with_suffix(".wav"))
    info = soundfile.info(song.with_suffix(".wav"))
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_24")
    assert info.duration > data.read(song).duration


def test_flac_stems_and_facts(cadenza, song, soundfont, tmp_path):
    said = cadenza(
        "render", song, "--soundfont", soundfont, "--out", tmp_path / "x.flac", "--stems", tmp_path / "stems" / "x",
        "--sample-rate", 44_100, "--json",
    )  # fmt: skip
    answer = json.loads(said.out)
    assert (answer["sample_rate"], answer["soundfont"]) == (44_100, str(soundfont))
    assert answer["files"][0] == str(tmp_path / "x.flac")
    assert sorted(answer["files"][1:]) == sorted(str(path) for path in (tmp_path / "stems").iterdir())
    assert len(answer["files"]) == 3


def test_the_same_sound_twice(cadenza, song, soundfont, tmp_path):
    for name in "ab":
        assert cadenza("render", song, "--soundfont", soundfont, "--out", tmp_path / f"{name}.wav").code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("out", ["x.mp3", "x", "folder/"])
def test_a_place_that_is_no_sound_file(cadenza, song, soundfont, tmp_path, out):
    said = cadenza("render", song, "--soundfont", soundfont, "--out", f"{tmp_path}/{out}")
    assert said.code in (2, 32)
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]


@pytest.mark.parametrize("rate", [0, -1, 7_999, 10**9])
def test_sample_rates_that_make_no_sense(cadenza, song, soundfont, tmp_path, rate):
    said = cadenza("render", song, "--soundfont", soundfont, "--sample-rate", rate)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]
