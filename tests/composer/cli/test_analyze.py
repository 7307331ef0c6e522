"""`cadenza analyze`: what a file holds."""

from __future__ import annotations

import json
import time

import pytest

import data
from composer.cli import analysis_table
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

from .real_files import FOLDER, real_files

FIVE = MeterEvent(0, Meter(5, 4))

BAR = 1920
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
# i iv V7 i in D minor.
MINOR = ((69, 65, 62, 50), (70, 67, 62, 43), (69, 67, 61, 45), (69, 65, 62, 38))


def chorale(*chords: tuple[int, ...], **fields: object) -> Score:
    """One chord a bar, the highest note first."""
    tracks = tuple(
        Track.from_notes([(BAR * bar, BAR, chord[voice], 80) for bar, chord in enumerate(chords)], name=name)
        for voice, name in enumerate(VOICES[: len(chords[0])])
    )
    return Score(tracks, **fields)


def test_a_known_progression(cadenza, tmp_path):
    data.write(chorale(*MINOR, title="Four bars", keys=(KeyEvent(0, Key.parse("D minor")),)), tmp_path / "song.mid")
    said = cadenza("analyze", tmp_path / "song.mid")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:5] == ["Four bars", "4 bars, 8.0 s", "meter: 4/4 (strong on 1 and 3)", "tempo: 120.0", "key: D minor"]
    assert lines[5].startswith("key heard: D minor (confidence ")
    assert [line.split(":")[0].strip() for line in lines[6:10]] == list(VOICES)
    assert lines[10:12] == ["chords", "  bar 1  Dm: i | Gm: iv | A7: V7 | Dm: i"]
    assert lines[12] == "cadences"
    assert lines[13] in ("  bar 4: perfect, D minor", "  bar 4: imperfect, D minor")
    assert lines[14:16] == ["phrases end in bar 4", "non-chord tones: 0 of 16 notes (0%)"]
    assert lines[16].startswith("four-part rules broken: ")


def test_the_same_for_programs(cadenza, tmp_path):
    data.write(chorale(*MINOR), tmp_path / "song.mid")
    facts = json.loads(cadenza("analyze", tmp_path / "song.mid", "--json").out)
    assert facts["key_heard"]["key"] == "D minor"
    region = facts["key_regions"][0]
    assert (region["bar"], region["last_bar"], region["tick"], region["end"]) == (1, 4, 0, 4 * BAR)
    assert [(chord["bar"], chord["tick"], chord["end"]) for chord in facts["chords"]] == [
        (bar, BAR * (bar - 1), BAR * bar) for bar in (1, 2, 3, 4)
    ]
    assert [(chord["chord"], chord["numeral"]) for chord in facts["chords"]] == [
        ("Dm", "i"), ("Gm", "iv"), ("A7", "V7"), ("Dm", "i"),
    ]  # fmt: skip
    assert facts["cadences"][-1]["bar"] == 4
    assert facts["phrase_ends"][-1] == {"bar": 4, "tick": 4 * BAR}
    assert facts["non_chord_tones"] == {"notes": 0, "of": 16, "share": 0.0}
    assert facts["meters"] == [{"bar": 1, "tick": 0, "meter": "4/4", "grouping": [2, 2], "strong": [1, 3]}]


def test_parallels_are_counted_by_rule_and_shown_beside_bachs(cadenza, tmp_path):
    parallel = ((67, 64, 60, 48), (69, 65, 62, 50), (71, 67, 64, 52), (72, 67, 64, 48))
    data.write(chorale(*parallel, keys=(KeyEvent(0, Key.parse("C")),)), tmp_path / "song.mid")
    found = json.loads(cadenza("analyze", tmp_path / "song.mid", "--json").out)["voice_leading"]
    assert found["voices"] == list(VOICES)
    octaves = next(fault for fault in found["faults"] if fault["rule"] == "parallel_octaves")
    assert octaves["found"] == 2  # tenor and bass, C to D to E
    assert octaves["rate"] > octaves["bach"] > 0
    places = [violation["bar"] for violation in found["violations"] if violation["rule"] == "parallel_octaves"]
    assert places == [2, 3]
    assert "  parallel octaves " in cadenza("analyze", tmp_path / "song.mid").out


@pytest.mark.parametrize(
    "score",
    [
        chorale((60,), (62,)),
        Score((Track.from_notes([(0, 480, 60), (0, 480, 64)]), Track.from_notes([(0, 480, 48)]))),
        Score(tuple(Track.from_notes([(0, 480, 40 + n)]) for n in range(9))),
    ],
    ids=["one voice", "chords in a track", "nine voices"],
)
def test_scores_that_are_no_voices_are_not_held_against_rules(cadenza, tmp_path, score):
    data.write(score, tmp_path / "song.mid")
    assert "four-part" not in cadenza("analyze", tmp_path / "song.mid").out


def test_an_upbeat_is_bar_0_and_its_meter_no_news(cadenza, tmp_path):
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
    assert [(event["bar"], event["tick"], event["meter"]) for event in facts["meters"]] == [
        (0, 0, "1/4"), (1, 480, "4/4"),
    ]  # fmt: skip
    assert [event["tempo"] for event in facts["tempos"]] == [120, 60]
    assert facts["keys"] == [{"bar": 0, "tick": 0, "key": "D major"}]
    assert facts["chords"][0]["bar"] == 0
    fiddle, beat, silence = facts["tracks"]
    assert fiddle == {"name": "Fiddle", "instrument": "Violin", "notes": 3, "lowest": 62, "highest": 69}
    assert (beat["instrument"], silence["lowest"], silence["notes"]) == ("Standard Kit", None, 0)
    lines = cadenza("analyze", tmp_path / "air.mid").out.splitlines()
    assert lines[1].startswith("1 bar and an upbeat")
    assert lines[2] == "meter: 4/4 (strong on 1 and 3)"


def test_bars_of_five_are_grouped_as_told(cadenza, tmp_path):
    score = Score((Track.from_notes([(480 * n, 480, 60 + n % 5) for n in range(20)]),), meters=(FIVE,))
    data.write(score, tmp_path / "five.mid")
    for told, strong in (((), "1 and 4"), (("--grouping", "2+3"), "1 and 3")):
        assert f"meter: 5/4 (strong on {strong})\n" in cadenza("analyze", tmp_path / "five.mid", *told).out


@pytest.mark.parametrize("told", ["2+2", "x", "2+", "0+5", "-1", "2+³"])
def test_a_grouping_that_fits_no_bar(cadenza, tmp_path, told):
    score = Score((Track.from_notes([(0, 2400, 60)]),), meters=(FIVE,))
    data.write(score, tmp_path / "five.mid")
    said = cadenza("analyze", tmp_path / "five.mid", f"--grouping={told}")
    assert (said.code, said.out, said.err.count("\n")) == (13, "", 1)


def test_a_long_piece_stays_a_page(cadenza, tmp_path):
    chords = [tuple(pitch + shift for pitch in MINOR[0]) for shift in (0, 5, 7, 0, 3, 8, 10, 0)] * 60
    data.write(chorale(*chords), tmp_path / "long.mid")
    lines = cadenza("analyze", tmp_path / "long.mid").out.splitlines()
    assert len(lines) < 90
    assert max(map(len, lines)) <= 130
    assert any(line.startswith("  ... ") and line.endswith("more bars (--json has all)") for line in lines)
    facts = json.loads(cadenza("analyze", tmp_path / "long.mid", "--json").out)
    assert facts["chords"][-1]["last_bar"] == 480


def test_a_chord_that_goes_on_is_a_sign_of_repetition(cadenza, tmp_path):
    data.write(chorale(MINOR[0], MINOR[0], MINOR[2], MINOR[3]), tmp_path / "song.mid")
    assert "  bar 1  Dm: i | % | A7: V7 | Dm: i\n" in cadenza("analyze", tmp_path / "song.mid").out


def test_a_chord_that_is_heard_again_is_said_once():
    chord = {"chord": "Dm", "numeral": "i", "key": "D minor"}
    spans = [(1, 1, 0, 960), (1, 1, 960, 1440), (1, 2, 1440, 3840), (3, 3, 3840, 4800), (3, 3, 4800, 5760)]
    placed = [dict(zip(("bar", "last_bar", "tick", "end"), span, strict=True)) for span in spans]
    names = [{}, {}, {}, {"chord": "A", "numeral": "V"}, {}]
    assert analysis_table._cells([chord | where | name for where, name in zip(placed, names, strict=True)]) == [
        "Dm: i", "%", "A: V  Dm: i",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".musicxml", ".mxl", ".png", ".PNG"])
def test_what_is_heard_is_written_out(cadenza, tmp_path, suffix):
    data.write(chorale(*MINOR), tmp_path / "song.mid")
    out = tmp_path / "made" / f"song{suffix}"
    said = cadenza("analyze", tmp_path / "song.mid", "--out", out)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == f"  {out}"
    assert json.loads(cadenza("analyze", tmp_path / "song.mid", "--out", out, "--json").out)["file"] == str(out)
    if suffix.lower() == ".png":
        assert out.read_bytes().startswith(b"\x89PNG")
    else:
        back = data.read(out)
        assert [str(event.chord) for event in back.chords] == ["Dm", "Gm", "A7", "Dm"]
        assert back.notes == 16


@pytest.mark.parametrize("name", ["x.pdf", "x.mid", "x", "", "folder/"])
def test_other_files_are_refused_before_anything_is_read(cadenza, tmp_path, name):
    said = cadenza("analyze", tmp_path / "absent.mid", "--out", f"{tmp_path}/{name}" if name else "")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert ".musicxml" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(cadenza, tmp_path):
    data.write(chorale(*MINOR), tmp_path / "song.mid")
    (tmp_path / "x.png").mkdir()
    said = cadenza("analyze", tmp_path / "song.mid", "--out", tmp_path / "x.png")
    assert (said.code, said.err.count("\n")) == (32, 1)


DRUMS = Track.from_notes([(0, 480, 36), (480, 480, 38)], is_drum=True)


@pytest.mark.parametrize(
    "score", [Score(), Score((Track.empty(),)), Score((Track.from_notes([(0, 1, 0)]),)), Score((DRUMS,))]
)
def test_next_to_nothing(cadenza, tmp_path, score):
    data.write(score, tmp_path / "x.mid")
    said = cadenza("analyze", tmp_path / "x.mid")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("(no title)\n")
    facts = json.loads(cadenza("analyze", tmp_path / "x.mid", "--json").out)
    pitched = any(len(track) and not track.is_drum for track in score.tracks)
    assert (facts["key_heard"] is None) == (not pitched)
    assert any(chord["chord"] for chord in facts["chords"]) == pitched
    for suffix in (".musicxml", ".png"):
        assert cadenza("analyze", tmp_path / "x.mid", "--out", tmp_path / f"x{suffix}").code == 0
        assert (tmp_path / f"x{suffix}").stat().st_size


@pytest.mark.parametrize("path", real_files())
def test_real_files(cadenza, path):
    said = cadenza("analyze", path, "--json")
    if said.code:
        assert said.code == 30
        assert said.err.count("\n") == 1
        return
    facts = json.loads(said.out)
    score, _ = data.read_with_report(path)
    assert facts["bars"] == score.bars
    assert sum(track["notes"] for track in facts["tracks"]) == score.notes
    assert cadenza("analyze", path).code == 0


POP = FOLDER.parents[1] / "corpora" / "pop909" / "001" / "001.mid"


@pytest.mark.skipif(not POP.is_file(), reason="needs ../shared/corpora/pop909")
def test_a_pop_song_in_less_than_a_second(cadenza):
    cadenza("analyze", POP)  # imports
    began = time.process_time()
    said = cadenza("analyze", POP)
    assert time.process_time() - began < 1
    assert said.out.count("\n") < 90
    assert "key heard: Gb major" in said.out
