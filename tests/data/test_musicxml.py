"""MusicXML: reading, writing, and the way round."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from data import corpora, midi, musicxml
from theory.chord import Chord
from theory.errors import FileFormatError, InputFileError, OutputError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Note, Score, Track

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"

# What a Score cannot hold, a clarinet in B flat, a measure cut by a repeat, a tie, and a flat that the key has not.
FULL = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><work><work-title>Full</work-title></work>
<part-list><score-part id="P1"><part-name>Clarinet</part-name>
<score-instrument id="P1-I1"><instrument-name>Clarinet</instrument-name></score-instrument>
<midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>72</midi-program></midi-instrument>
</score-part></part-list>
<part id="P1">
<measure number="1"><attributes><divisions>2</divisions><key><fifths>2</fifths><mode>major</mode></key>
<time><beats>3</beats><beat-type>4</beat-type></time>
<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>
<direction><direction-type><dynamics><mf/></dynamics></direction-type></direction>
<direction><direction-type><words>dolce</words></direction-type></direction>
<direction><sound tempo="75"/></direction>
<note><grace/><pitch><step>E</step><octave>5</octave></pitch><type>eighth</type></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>4</duration><type>half</type>
<notations><slur type="start" number="1"/><ornaments><trill-mark/></ornaments></notations>
<lyric><text>la</text></lyric></note>
<note><pitch><step>E</step><octave>5</octave></pitch><duration>2</duration><type>quarter</type>
<notations><slur type="stop" number="1"/><articulations><staccato/></articulations></notations></note></measure>
<measure number="2"><note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch><duration>4</duration>
<tie type="start"/><type>half</type><notations><tied type="start"/></notations></note>
<barline location="right"><repeat direction="backward"/></barline></measure>
<measure number="X1" implicit="yes"><note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch>
<duration>2</duration><tie type="stop"/><type>quarter</type><notations><tied type="stop"/></notations></note></measure>
<measure number="3"><note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch><duration>6</duration>
<type>half</type><dot/><notations><fermata/></notations></note></measure>
</part></score-partwise>
"""


def quarters(score: Score, events: Any) -> list[Any]:
    """Events with quarters in place of ticks."""
    return [(Fraction(event[0], score.ticks_per_quarter), *event[1:]) for event in events]


def notes_of(score: Score, track: Track) -> list[tuple[Fraction, Fraction, int, int | None]]:
    """(onset, duration, pitch, spelling) of a track, times in quarters."""
    unit = score.ticks_per_quarter
    return sorted((Fraction(n.onset, unit), Fraction(n.duration, unit), n.pitch, n.spelling) for n in track)


def assert_same_music(score: Score, again: Score) -> None:
    assert len(score.tracks) == len(again.tracks)
    for track, other in zip(score.tracks, again.tracks, strict=True):
        assert notes_of(score, track) == notes_of(again, other)
        assert (track.name, track.program, track.is_drum) == (other.name, other.program, other.is_drum)
    for name in ("tempos", "meters", "keys", "chords", "markers"):
        assert quarters(score, getattr(score, name)) == quarters(again, getattr(again, name)), name
    assert score.title == again.title


def spelled(track: Track, key: str = "C") -> Track:
    return track.replace(spelling=Key.parse(key).spell(track.pitch))


@pytest.fixture
def there_and_back(tmp_path: Path) -> Any:
    def go(score: Score) -> Score:
        musicxml.write(score, tmp_path / "test.musicxml")
        again, left_out = musicxml.read_with_report(tmp_path / "test.musicxml")
        assert left_out == {}
        return again

    return go


@pytest.fixture
def measures(tmp_path: Path) -> Any:
    """Notes of a written score: for each measure of the first part, what its notes say."""

    def go(score: Score) -> list[str]:
        musicxml.write(score, tmp_path / "test.musicxml")
        root = ElementTree.parse(tmp_path / "test.musicxml").getroot()
        return [" ".join(map(word, measure.iter("note"))) for measure in root.findall("part[1]/measure")]

    return go


def word(note: ElementTree.Element) -> str:
    """A note in short: C4:quarter. with a dot, ~ where a tie goes out, 3 in a triplet, ! with an accidental shown."""
    pitch = note.find("pitch")
    name = "r" if pitch is None else f"{pitch.findtext('step')}{pitch.findtext('octave')}"
    signs = "." * len(note.findall("dot")) + "~" * (note.find("tie[@type='start']") is not None)
    signs += note.findtext("time-modification/actual-notes", "") + "!" * (note.find("accidental") is not None)
    chord = "+" if note.find("chord") is not None else ""
    return f"{chord}{name}:{note.findtext('type', 'bar')}{signs}"


def line(*rows: tuple[float, float, int], **fields: Any) -> Score:
    """A score of one track from (onset, duration in quarters, pitch)."""
    return Score.from_notes(
        [(round(480 * onset), round(480 * length), pitch) for onset, length, pitch in rows], **fields
    )


def test_what_is_read_and_what_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "full.xml"
    path.write_text(FULL)
    score, left_out = musicxml.read_with_report(path)
    track = score.tracks[0]
    assert left_out == {
        "articulation": 1,
        "dynamic": 1,
        "grace note": 1,
        "lyric": 1,
        "ornament": 1,
        "repeat": 1,
        "slur": 1,
    }
    assert score.title == "Full"
    assert (track.name, track.program) == ("Clarinet", 71)
    assert [note[:3] for note in track] == [(0, 960, 72), (960, 480, 74), (1440, 1440, 76), (2880, 1440, 68)]
    assert track.spelling is not None
    assert track.spelling.tolist() == [0, 2, 4, -4]
    assert [str(event.meter) for event in score.meters] == ["3/4"]
    assert score.tempos == (TempoEvent.from_bpm(0, 75),)
    assert score.markers == (Marker(0, "dolce"), Marker(2880, "fermata"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", ["66.6", "269", "261", "371", "48.3"])
def test_chorales_come_back(there_and_back: Any, number: str) -> None:
    score = corpora.read("chorales", f"bach/bwv{number}")
    assert_same_music(score, there_and_back(score))


def test_all_kinds_of_events_come_back(there_and_back: Any) -> None:
    voices = Track.from_notes(
        [
            Note(0, 1920, 72, voice=1),
            Note(0, 480, 60, voice=2),
            Note(480, 960, 64, voice=2),
            Note(1440, 480, 65, voice=2),
        ],
        program=6,
        name="Harpsichord",
    )
    triplets = Track.from_notes(
        [(0, 160, 60), (160, 320, 61), (480, 120, 62), (600, 360, 63), (1000, 640, 70)], name="A"
    )
    score = Score(
        tracks=(spelled(voices, "Bb"), spelled(triplets, "Bb")),
        tempos=(TempoEvent.from_bpm(0, 90), TempoEvent.from_bpm(1920, 45)),
        meters=(MeterEvent(0, Meter(4, 4)), MeterEvent(1920, Meter(7, 8))),
        keys=(KeyEvent(0, Key.parse("Bb")), KeyEvent(1920, Key.parse("A dorian"))),
        chords=tuple(
            ChordEvent(480 * index, Chord.parse(name) if name else None)
            for index, name in enumerate(("Bb7(b9)/D", "", "F#m7b5", "G7sus4", "Cmaj9", "Dm6"))
        ),
        markers=(Marker(0, "A"), Marker(480, "fermata"), Marker(1440, "più lento")),
        title="Alles & <mehr>",
        end=3600,
    )
    assert_same_music(score, there_and_back(score))


def test_drums_come_back_by_their_sound(there_and_back: Any) -> None:
    beat = [(240 * index, 240, pitch) for index in range(8) for pitch in ((42,), (42, 38), (36,), (81,))[index % 4]]
    drums = Track.from_notes(beat, is_drum=True, name="Kit")
    again = there_and_back(Score(tracks=(drums, Track.from_notes([(0, 480, 60)], name="Lead"))))
    assert again.tracks[0].is_drum
    assert not again.tracks[1].is_drum
    assert [note[:3] for note in again.tracks[0]] == [note[:3] for note in drums]


def test_a_transposing_instrument_sounds_as_it_did(there_and_back: Any) -> None:
    for program in (56, 60, 71, 113):  # trumpet, horn, clarinet, agogo
        score = line((0, 1, 60), (1, 1, 67), program=program)
        again = there_and_back(score)
        assert again.tracks[0].pitch.tolist() == [60, 67]
        assert (again.tracks[0].program, again.tracks[0].is_drum) == (program, False)


# Meter, notes, and what is written, measure by measure.
WRITTEN = [
    ("4/4", [(0.5, 1, 60), (1.5, 1, 62), (2.5, 1.5, 64)], ["r:eighth C4:quarter D4:eighth~ D4:eighth E4:quarter."]),
    ("4/4", [(0, 1.25, 60)], ["C4:quarter~ C4:16th r:eighth. r:half"]),
    ("4/4", [(3, 2, 60)], ["r:half r:quarter C4:quarter~", "C4:quarter r:quarter r:half"]),
    ("3/4", [(1, 2, 60)], ["r:quarter C4:half"]),
    ("6/8", [(0, 1.5, 60), (1.5, 1 / 6, 62), (1.5 + 1 / 6, 1 / 6, 64), (1.5 + 1 / 3, 1 / 6, 65), (2, 1, 67)],
     ["C4:quarter. D4:16th3 E4:16th3 F4:16th3 G4:quarter"]),
    ("2/4", [(0, 1 / 3, 60), (1 / 3, 2 / 3, 62), (1, 1, 64)], ["C4:eighth3 D4:quarter3 E4:quarter"]),
    ("4/4", [(0, 1, 60), (0, 1, 64), (4, 4, 72)], ["C4:quarter +E4:quarter r:quarter r:half", "C5:whole"]),
    ("4/4", [(0, 1, 66), (1, 1, 66), (2, 1, 65), (3, 2, 66)],
     ["F4:quarter! F4:quarter F4:quarter! F4:quarter~!", "F4:quarter r:quarter r:half"]),
    ("4/4", [(0, 4, 60), (8, 4, 60)], ["C4:whole", "r:bar", "C4:whole"]),
    ("4/4", [(0, 4, 72), (1, 1, 60)], ["C5:whole r:quarter C4:quarter r:half"]),
    ("4/4", [(0, 0.97, 60), (1.02, 0.94, 62), (1.98, 2, 64), (0.03, 0.9, 48)],
     ["C3:quarter +C4:quarter D4:quarter E4:half"]),
]  # fmt: skip


@pytest.mark.parametrize(("meter", "rows", "expected"), WRITTEN)
def test_notes_are_written_as_a_musician_writes(measures: Any, meter: str, rows: Any, expected: list[str]) -> None:
    score = line(*rows, meters=[MeterEvent(0, Meter.parse(meter))], program=40)
    assert measures(score) == expected


def test_a_pickup_is_a_measure_before_the_first(tmp_path: Path) -> None:
    score = line((0, 1, 67), (1, 4, 72), (5, 3, 60), meters=[MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(4, 4))])
    musicxml.write(score, tmp_path / "test.musicxml")
    first, second, last = ElementTree.parse(tmp_path / "test.musicxml").getroot().findall("part/measure")
    assert (first.get("number"), first.get("implicit"), second.get("number")) == ("0", "yes", "1")
    assert (first.findtext("attributes/time/beats"), second.find("attributes/time")) == ("4", None)
    assert [note.find("rest") for note in last.iter("note")] == [None]  # the last bar lacks what the pickup took
    assert quarters(score, musicxml.read(tmp_path / "test.musicxml").meters) == quarters(score, score.meters)


def test_clefs_staves_and_names(tmp_path: Path) -> None:
    piano = [(480 * index, 480, pitch) for index in range(8) for pitch in (40, 52, 67, 72)]
    tracks = (
        Track.from_notes([(0, 480, 72)], name="Soprano"),
        Track.from_notes([(0, 480, 57)], name="Tenor", program=52),
        Track.from_notes([(0, 480, 45)], program=42),
        Track.from_notes(piano, name="Piano"),
        Track.from_notes([(0, 480, 38)], is_drum=True),
    )
    musicxml.write(Score(tracks=tracks), tmp_path / "test.musicxml")
    root = ElementTree.parse(tmp_path / "test.musicxml").getroot()
    clefs = [
        [c.findtext("sign", "") + c.findtext("clef-octave-change", "") for c in p.iter("clef")]
        for p in root.iter("part")
    ]
    assert clefs == [["G"], ["G-1"], ["F"], ["G", "F"], ["percussion"]]
    assert [part.findtext("part-name") for part in root.iter("score-part")] == [
        "Soprano", "Tenor", "Violoncello", "Piano", "Drums",
    ]  # fmt: skip
    programs = [sound.findtext("midi-program") for sound in root.iter("midi-instrument")]
    assert programs[:4] == ["1", "53", "43", "1"]
    assert root.findtext("identification/creator") == "Cadenza"
    assert all(part.findall("measure")[-1].findtext("barline/bar-style") == "light-heavy" for part in root.iter("part"))


def test_the_key_spells_where_the_track_does_not(tmp_path: Path) -> None:
    score = line((0, 1, 61), (4, 1, 61), keys=[KeyEvent(0, Key.parse("D minor")), KeyEvent(1920, Key.parse("Ab"))])
    musicxml.write(score, tmp_path / "test.musicxml")
    again = musicxml.read(tmp_path / "test.musicxml").tracks[0]
    assert again.spelling is not None
    assert again.spelling.tolist() == [7, -5]


def test_the_same_bytes_on_every_run(tmp_path: Path) -> None:
    program = (
        "import sys; from data import corpora, musicxml\n"
        "musicxml.write(corpora.read('chorales', 'bach/bwv66.6'), sys.argv[1])"
    )
    for name, seed in (("a.musicxml", "1"), ("b.musicxml", "2"), ("c.mxl", "3"), ("d.mxl", "4")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=True, env=environment, cwd=ROOT)
    assert (tmp_path / "a.musicxml").read_bytes() == (tmp_path / "b.musicxml").read_bytes()
    assert (tmp_path / "c.mxl").read_bytes() == (tmp_path / "d.mxl").read_bytes()
    assert musicxml.read(tmp_path / "a.musicxml") == musicxml.read(tmp_path / "c.mxl")


@pytest.mark.parametrize("score", [Score(), Score(tracks=(Track.empty(), Track.empty(is_drum=True)), end=999)])
def test_a_score_without_notes_is_a_page_of_rests(there_and_back: Any, score: Score) -> None:
    again = there_and_back(score)
    assert again.notes == 0
    assert again.bars == max(1, score.bars)


def test_more_tracks_than_midi_has_channels(there_and_back: Any) -> None:
    tracks = tuple(Track.from_notes([(0, 480, 40 + number)], program=number, name=f"T{number}") for number in range(24))
    again = there_and_back(Score(tracks=tracks))
    assert [track.program for track in again.tracks] == list(range(24))
    assert not any(track.is_drum for track in again.tracks)


def test_odd_bars_and_odd_times_can_be_written(there_and_back: Any) -> None:
    meters = (MeterEvent(0, Meter(11, 16)), MeterEvent(101, Meter(13, 1)), MeterEvent(997, Meter(5, 8)))
    rng = np.random.default_rng(3)
    for _ in range(5):
        rows = [
            tuple(row)
            for row in np.column_stack([rng.integers(0, 9000, 60), rng.integers(1, 900, 60), rng.integers(0, 128, 60)])
        ]
        score = Score.from_notes([tuple(map(int, row)) for row in rows], meters=meters)
        assert set(there_and_back(score).tracks[0].pitch.tolist()) <= set(score.tracks[0].pitch.tolist())


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"<?xml version='1.0'?><html/>", FULL[:1500].encode(), b"PK\3\4not a zip",
     b"\x89PNG\r\n\x1a\n\0\0", b"<score-partwise><part-list/></score-partwise>", b"<score-timewise/>",
     FULL.replace("<step>D", "<step>Q").encode()],
)  # fmt: skip
def test_what_is_no_musicxml_is_refused(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.musicxml"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bad\.musicxml") as caught:
        musicxml.read(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_zip_without_a_score_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.mxl", "w") as archive:
        archive.writestr("readme.txt", "no score")
    with pytest.raises(FileFormatError, match=r"bad\.mxl"):
        musicxml.read(tmp_path / "bad.mxl")


def test_places_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"none\.xml"):
        musicxml.read(tmp_path / "none.xml")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        musicxml.write(Score(), tmp_path / "file" / "score.musicxml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_real_songs_can_be_written(there_and_back: Any) -> None:
    path = SHARED / "corpora" / "pop909" / "001" / "001.mid"
    if not path.is_file():
        pytest.skip("POP909 is not beside the repository")
    score = midi.read(path)
    again = there_and_back(score)
    assert [track.name for track in again.tracks] == ["MELODY", "BRIDGE", "PIANO"]
    for track, other in zip(score.tracks, again.tracks, strict=True):
        assert abs(len(track) - len(other)) < 0.05 * len(track)


@pytest.mark.parametrize(
    ("beats", "types"), [(["99999"], ["4"]), (["1000+1"], ["8"]), (["60", "1"], ["4", "64"]), (["4"], ["4096"])]
)
def test_meters_beyond_all_bounds_are_left_out(tmp_path: Path, beats: list[str], types: list[str]) -> None:
    path = tmp_path / "x.musicxml"  # music21 divides such bars for minutes, or without end
    time = "".join(f"<beats>{n}</beats><beat-type>{type_}</beat-type>" for n, type_ in zip(beats, types, strict=True))
    path.write_text(FULL.replace("<beats>3</beats><beat-type>4</beat-type>", time))
    score, left_out = musicxml.read_with_report(path)
    assert score.notes == 4
    assert left_out["meter"] == 1
    path.write_text(FULL)
    assert "meter" not in musicxml.read_with_report(path)[1]
