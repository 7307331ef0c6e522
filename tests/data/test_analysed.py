"""Harmony written into a score."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from data import analysed, midi, musicxml
from theory.analysis import analyse
from theory.chord import Chord
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

POP = Path(__file__).parents[3] / "shared" / "corpora" / "pop909" / "001" / "001.mid"
BAR = 1920
MINOR = ((69, 65, 62, 50), (70, 67, 62, 43), (69, 67, 61, 45), (69, 65, 62, 38))  # i iv V7 i in D minor
NUMERALS = ["d: i", "iv", "V⁷", "i"]
DRUMS = Track.from_notes([(0, 480, 36)], is_drum=True)
UPBEAT = Score(
    (Track.from_notes([(0, 480, 62), (480, 1440, 69)]),),
    meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4))),
)


def chorale(shift: int = 0) -> Score:
    tracks = tuple(
        Track.from_notes([(BAR * bar + shift, BAR, chord[voice], 80) for bar, chord in enumerate(MINOR)], name=name)
        for voice, name in enumerate(("Soprano", "Alto", "Tenor", "Bass"))
    )
    return Score(tracks)


def written(score: Score, path: Path) -> ElementTree.Element:
    analysed.write(score, analyse(score), path)
    return ElementTree.parse(path).getroot()


def pitches(score: Score) -> list[list[tuple[int, int, int]]]:
    return [[(note.onset, note.duration, note.pitch) for note in track] for track in score.tracks]


def test_symbols_stand_above_and_numerals_below(tmp_path):
    root = written(chorale(), tmp_path / "x.musicxml")
    first, *others, last = root.findall("part")
    assert [part.findall(".//harmony") for part in (*others, last)] == [[], [], []]
    kinds = [(h.findtext("root/root-step"), h.findtext("kind")) for h in first.iter("harmony")]
    assert kinds == [("D", "minor"), ("G", "minor"), ("A", "dominant"), ("D", "minor")]
    assert [text.text for text in last.findall(".//lyric/text")] == NUMERALS
    assert [part.findall(".//lyric") for part in (first, *others)] == [[], [], []]


def test_the_score_itself_comes_back(tmp_path):
    score = chorale().replace(keys=(KeyEvent(0, Key.parse("F")),), markers=(Marker(BAR, "dolce"),))
    written(score, tmp_path / "x.musicxml")
    back, left_out = musicxml.read_with_report(tmp_path / "x.musicxml")
    assert pitches(back) == pitches(score)
    assert (back.keys, back.markers) == (score.keys, score.markers)
    assert [str(event.chord) for event in back.chords] == ["Dm", "Gm", "A7", "Dm"]
    assert left_out == {"lyric": 4}


def test_a_score_without_signature_gets_the_one_of_its_key(tmp_path):
    written(chorale(), tmp_path / "x.musicxml")
    assert musicxml.read(tmp_path / "x.musicxml").keys == (KeyEvent(0, Key.parse("D minor")),)


def test_written_chord_symbols_stay(tmp_path):
    own = (ChordEvent(0, Chord.parse("Dm6")), ChordEvent(2 * BAR, Chord.parse("A")))
    root = written(chorale().replace(chords=own), tmp_path / "x.musicxml")
    assert musicxml.read(tmp_path / "x.musicxml").chords == own
    assert [text.text for text in root.findall(".//lyric/text")] == NUMERALS


def test_a_numeral_without_a_note_is_a_text_in_its_place_and_no_marker(tmp_path):
    soprano, alto, tenor, bass = chorale().tracks
    drone = Track.from_notes([(0, BAR, 38)], name="Drone")  # then it rests
    score = Score((soprano, alto, tenor, bass, drone))
    root = written(score, tmp_path / "x.musicxml")
    bars = root.findall("part")[-1].findall("measure")
    assert [bar.find("direction[@placement='below']//words") is not None for bar in bars] == [False, True, True, True]
    back, left_out = musicxml.read_with_report(tmp_path / "x.musicxml")
    assert pitches(back) == pitches(score)
    assert (back.markers, left_out["Roman numeral"]) == ((), 3)


def test_inside_a_bar_a_text_stands_where_it_belongs_without_an_offset(tmp_path):
    notes = [[(n * 960, 960, MINOR[n][voice]) for n in range(4)] for voice in range(3)]
    score = Score(tuple(Track.from_notes(rows) for rows in [*notes, [(0, 1920, 50), (1920, 1920, 50)]]))
    root = written(score, tmp_path / "x.musicxml")
    assert root.findall(".//direction/offset") == []
    bar = root.findall("part")[-1].find("measure")
    assert bar is not None
    where = next(index for index, child in enumerate(bar) if child.find("direction-type/words") is not None)
    around = [(bar[index].tag, bar[index].findtext("duration")) for index in (where - 1, where + 1)]
    divisions = int(root.findtext(".//divisions", ""))
    assert sorted(around) == [("backup", str(2 * divisions)), ("forward", str(2 * divisions))]


def test_numerals_go_below_the_lowest_staff_that_has_pitches(tmp_path):
    piano = Track.from_notes([(BAR * bar, BAR, pitch) for bar, chord in enumerate(MINOR) for pitch in chord])
    root = written(Score((piano, DRUMS)), tmp_path / "x.musicxml")
    hands, beat = root.findall("part")
    noted = [note for note in hands.iter("note") if note.find("lyric") is not None]
    assert [note.findtext("lyric/text") for note in noted] == NUMERALS
    assert {note.findtext("staff") for note in noted} == {"2"}
    assert beat.findall(".//lyric") == []


def test_the_voices_of_two_staves_have_numbers_of_their_own(tmp_path):
    rows = [(0, 1920, 84), (480, 480, 72), (0, 1920, 48), (480, 480, 55)]  # two voices on each staff
    score = Score((Track.from_notes(rows),))
    musicxml.write(score, tmp_path / "x.musicxml")
    notes = ElementTree.parse(tmp_path / "x.musicxml").getroot().findall(".//note")
    voices = {staff: {n.findtext("voice") for n in notes if n.findtext("staff") == staff} for staff in "12"}
    assert voices == {"1": {"1", "2"}, "2": {"5", "6"}}
    assert pitches(musicxml.read(tmp_path / "x.musicxml")) == pitches(score)


def test_chords_heard_beside_the_beat_are_written_on_it(tmp_path):
    score = chorale(shift=40)
    analysed.write(score, analyse(score), tmp_path / "x.musicxml")
    ticks = [event.tick for event in musicxml.read(tmp_path / "x.musicxml").chords]
    assert ticks[-3:] == [BAR, 2 * BAR, 3 * BAR]


@pytest.mark.parametrize("score", [Score(), Score((Track.empty(),)), Score((DRUMS,)), UPBEAT])
def test_little_to_say(tmp_path, score):
    written(score, tmp_path / "x.musicxml")
    back = musicxml.read(tmp_path / "x.musicxml")
    assert back.notes == score.notes
    assert bool(back.keys) == (score == UPBEAT)


def test_the_same_input_is_the_same_bytes(tmp_path):
    for name in "ab":
        written(chorale(), tmp_path / f"{name}.musicxml")
    assert (tmp_path / "a.musicxml").read_bytes() == (tmp_path / "b.musicxml").read_bytes()


@pytest.mark.skipif(not POP.is_file(), reason="needs ../shared/corpora/pop909")
def test_a_pop_song(tmp_path):
    score = midi.read(POP)
    analysis = analyse(score)
    analysed.write(score, analysis, tmp_path / "x.musicxml")
    back, left_out = musicxml.read_with_report(tmp_path / "x.musicxml")
    assert back.notes == score.notes
    assert back.markers == ()
    sounding = sum(region.chord is not None for region in analysis.chords)
    assert left_out["lyric"] + left_out["Roman numeral"] == sounding
