from pathlib import Path

import pytest
from midi_bytes import encoded, off, on, rows
from mido import Message, MetaMessage

from data import midi
from theory.errors import FileFormatError, InputFileError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import PITCH_BEND, PRESSURE

SHARED = Path(__file__).parents[3] / "shared"


def test_ticks_a_quarter_are_kept(read):
    score, report = read(encoded([on(60), off(60, 7)], ticks_per_quarter=1023))
    assert (score.ticks_per_quarter, rows(score.tracks[0]), report) == (1023, [(0, 7, 60, 80)], {})


def test_type_0_comes_apart_by_channel_and_program(read):
    control = Message("control_change", control=7, value=99, channel=1)
    score, _ = read(
        encoded(
            [
                MetaMessage("track_name", name="All"),
                Message("program_change", program=5),
                control,
                on(60),
                on(36, channel=9),
                on(62, channel=1),
                off(60, 10),
                off(36, channel=9),
                off(62, channel=1),
                Message("program_change", program=6),
                on(60),
                off(60, 5),
            ],
            kind=0,
        )
    )
    found = [(track.program, track.is_drum, rows(track), track.controls.tolist()) for track in score.tracks]
    assert found == [
        (5, False, [(0, 10, 60, 80)], []),
        (6, False, [(10, 5, 60, 80)], []),
        (0, False, [(0, 10, 62, 80)], [[0, 7, 99]]),
        (0, True, [(0, 10, 36, 80)], []),
    ]
    assert score.title == "All"


def test_odd_notes(read):
    no_length = read(encoded([on(60), off(60), on(60, 480), off(60, 480)]))[0]
    assert rows(no_length.tracks[0]) == [(0, 1, 60, 80), (480, 480, 60, 80)]
    overlapping = read(encoded([on(60), on(60, 100, 90), off(60, 50), off(60, 100)]))[0]
    assert rows(overlapping.tracks[0]) == [(0, 150, 60, 80), (100, 150, 60, 90)]
    touching = read(encoded([on(60), on(60, 100, 90), off(60), off(60, 100)]))[0]
    assert rows(touching.tracks[0]) == [(0, 100, 60, 80), (100, 100, 60, 90)]


def test_controls_are_neither_doubled_nor_lost(read):
    def pedal(value, time=0):
        return Message("control_change", control=64, value=value, time=time)

    bend, pressure = Message("pitchwheel", pitch=-8192, time=5), Message("aftertouch", value=5)
    score, report = read(encoded([pedal(127), on(60), pedal(0, 5), pressure, bend, off(60, 5), pedal(127), pedal(0)]))
    assert score.tracks[0].controls.tolist() == [
        [0, 64, 127], [5, 64, 0], [5, PRESSURE, 5], [10, PITCH_BEND, -8192], [15, 64, 127], [15, 64, 0]
    ]  # fmt: skip
    assert report == {}


def test_what_is_none_is_left_out_and_counted(read):
    content = encoded(
        [
            MetaMessage("time_signature", numerator=255, denominator=128),
            MetaMessage("time_signature", numerator=7, denominator=8, time=480),
            MetaMessage("key_signature", key="C"),
            MetaMessage("set_tempo", tempo=0),
            MetaMessage("lyrics", text="la"),
            MetaMessage("copyright", text="me"),
            MetaMessage("text", text="chord: nonsense"),
            Message("sysex", data=(1, 2)),
        ],
        [MetaMessage("lyrics", text="li"), on(60), Message("polytouch", note=60, value=9), off(60, 480)],
    )
    score, report = read(content.replace(b"\xff\x59\x02\x00\x00", b"\xff\x59\x02\x09\x00"))
    assert report == {
        "copyright": 1, "key": 1, "key pressure": 1, "lyric": 2, "meter": 1, "system exclusive": 1, "tempo": 1,
        "text": 1,
    }  # fmt: skip
    assert list(report) == sorted(report)
    assert score.meters == (MeterEvent(0, Meter(4, 4)), MeterEvent(480, Meter(7, 8)))
    assert score.tempos == (TempoEvent(0, 500_000),)
    assert score.keys == ()


def test_a_meter_of_zero(read):
    content = encoded([MetaMessage("time_signature", numerator=3, denominator=4), on(60), off(60, 9)])
    score, report = read(content.replace(b"\xff\x58\x04\x03\x02", b"\xff\x58\x04\x00\xff"))
    assert (score.meters, report) == ((MeterEvent(0, Meter(4, 4)),), {"meter": 1})


def test_the_concert_key_wins_over_transposing_instruments(read):
    score, report = read(
        encoded(
            [MetaMessage("key_signature", key="Bb"), MetaMessage("set_tempo", tempo=400_000)],
            [MetaMessage("key_signature", key="C"), on(60), off(60, 9)],
        )
    )
    assert score.keys == (KeyEvent(0, Key.parse("Bb")),)
    assert report == {}


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_names_in_either_encoding(read, charset):
    name = "Flöte".encode(charset).decode("latin-1")
    title = "Übung".encode(charset).decode("latin-1")
    marker = MetaMessage("marker", text=name)
    score, _ = read(
        encoded(
            [MetaMessage("track_name", name=title), marker], [MetaMessage("track_name", name=name), on(60), off(60, 9)]
        )
    )
    assert (score.title, score.tracks[0].name, score.markers[0].text) == ("Übung", "Flöte", "Flöte")


def test_a_track_without_notes(read):
    silent = [
        MetaMessage("track_name", name="Tacet"),
        Message("program_change", program=4),
        Message("aftertouch", value=1),
    ]
    comment = [MetaMessage("track_name", name="written by hand")]
    score, _ = read(encoded([MetaMessage("track_name", name="T")], silent, comment, [on(60), off(60, 9)]))
    assert [(track.name, track.program, len(track)) for track in score.tracks] == [("Tacet", 4, 0), ("", 0, 1)]
    assert score.tracks[0].controls.tolist() == [[0, PRESSURE, 1]]


def test_unknown_chunks_and_trailing_bytes_are_passed_over(read):
    content = encoded([on(60), off(60, 9)])
    plain = read(content)
    assert read(content[:14] + b"XFIH\0\0\0\x03abc" + content[14:] + b"\0\0\0") == plain
    assert read(b"MThd\0\0\0\x08" + content[8:14] + b"ab" + content[14:]) == plain


def test_smpte_time_becomes_quarters_of_a_second(read):
    content = encoded([MetaMessage("set_tempo", tempo=400_000), on(60, 1000), off(60, 500)])
    for division, ticks, tempo in ((b"\xe7\x28", 1000, 1_000_000), (b"\xe3\x50", 2400, 1_001_000)):
        score, report = read(content[:12] + division + content[14:])
        assert (score.ticks_per_quarter, score.tempos, report) == (ticks, (TempoEvent(0, tempo),), {"tempo": 1})
        assert rows(score.tracks[0]) == [(1000, 500, 60, 80)]


BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"dear diary, today I wrote no music", "is no MIDI file"),
    "header cut": (b"MThd\0\0", "holds no tracks"),
    "header only": (b"MThd\0\0\0\x06\0\1\0\2\1\xe0", "holds no tracks"),
    "no tracks": (b"MThd\0\0\0\x06\0\1\0\0\1\xe0", "holds no tracks"),
    "no note": (encoded([Message("control_change", value=1)])[:-6], "no note of it can be read"),
    "too long without notes": (encoded([Message("pitchwheel", time=2**28 - 1)] * 9), "no note of it can be read"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused_in_one_line(read, case):
    content, message = BROKEN[case]
    with pytest.raises(FileFormatError, match=message) as caught:
        read(content)
    assert "test.mid" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_places_that_are_no_files(tmp_path):
    for path in (tmp_path, tmp_path / "none.mid"):
        with pytest.raises(InputFileError, match=str(path)):
            midi.read(path)
