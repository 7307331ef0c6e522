"""`cadenza analyze`: what a file holds."""

from __future__ import annotations

import json

import pytest

import data
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

from .real_files import real_files


def test_a_piece(cadenza, tmp_path, piece):
    data.write(piece.score, tmp_path / "song.mid")
    said = cadenza("analyze", tmp_path / "song.mid")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "Chorale in D minor"
    assert lines[1].startswith("2 bars, ")
    assert lines[2:5] == ["meter: 4/4", "tempo: 72.0", "key: D minor"]
    assert lines[5].startswith("key heard: ")
    assert [line.split(":")[0].strip() for line in lines[6:]] == ["Soprano", "Alto", "Tenor", "Bass"]


def test_facts_for_programs(cadenza, tmp_path):
    score = Score(
        (
            Track.from_notes([(0, 480, 62, 80), (480, 480, 69, 80), (960, 1440, 62, 80)], program=40, name="Fiddle"),
            Track.from_notes([(0, 480, 36)], is_drum=True, name="Beat"),
            Track.empty(program=5, name="Silence"),
        ),
        title="Air",
        keys=(KeyEvent(0, Key.parse("D")),),
        meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(4, 4))),
        tempos=(TempoEvent.from_bpm(0, 120), TempoEvent.from_bpm(480, 60)),
    )
    data.write(score, tmp_path / "air.mid")
    facts = json.loads(cadenza("analyze", tmp_path / "air.mid", "--json").out)
    assert (facts["title"], facts["bars"], facts["pickup"], facts["seconds"]) == ("Air", 2, True, 4.5)
    assert facts["meters"] == [{"bar": 0, "meter": "1/4"}, {"bar": 1, "meter": "4/4"}]
    assert [event["tempo"] for event in facts["tempos"]] == [120, 60]
    assert facts["keys"] == [{"bar": 0, "key": "D major"}]
    fiddle, beat, silence = facts["tracks"]
    assert fiddle == {"name": "Fiddle", "instrument": "Violin", "notes": 3, "lowest": 62, "highest": 69}
    assert (beat["instrument"], silence["lowest"], silence["notes"]) == ("Standard Kit", None, 0)


@pytest.mark.parametrize("score", [Score(), Score((Track.empty(),)), Score((Track.from_notes([(0, 1, 0)]),))])
def test_next_to_nothing(cadenza, tmp_path, score):
    data.write(score, tmp_path / "x.mid")
    said = cadenza("analyze", tmp_path / "x.mid")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("(no title)\n")
    json.loads(cadenza("analyze", tmp_path / "x.mid", "--json").out)


@pytest.mark.parametrize("path", real_files())
def test_real_files(cadenza, path):
    said = cadenza("analyze", path, "--json")
    if said.code:
        assert said.code == 30
        assert said.err.count("\n") == 1
        return
    facts = json.loads(said.out)
    score = data.read(path)
    assert facts["bars"] == score.bars
    assert sum(track["notes"] for track in facts["tracks"]) == score.notes
    assert cadenza("analyze", path).code == 0
