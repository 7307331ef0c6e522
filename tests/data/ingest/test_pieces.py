"""One file: to a row, or to the reason why not; nothing it holds raises."""

from __future__ import annotations

import os
import struct
import zipfile
from collections import Counter

import pytest
from music import tune

import data
from data.ingest.limits import Refusal
from data.ingest.listing import Listed, Rights
from data.ingest.piece import Encoding, Row, row_of
from theory.analysis import chord_events
from theory.chord import Chord
from theory.errors import RequestError
from theory.event import ChordEvent
from theory.score import Score
from theory.tokens import Tokenizer

RIGHTS = Rights("here", "CC0 1.0")


def chunk(body: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(*bodies: bytes) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, min(len(bodies), 65_535), 480) + b"".join(map(chunk, bodies))


END = b"\0\xff\x2f\0"
NOTE = b"\0\x90\x3c\x50\x83\x60\x80\x3c\0"
SHORT = b"\1\x3c\x50\1\x3c\0"  # in running status
HOUR = b"\0\x90\x3c\x50" + b"\x81\xd2\xb0\x00" + b"\x80\x3c\0"  # 3,446,784 ticks: 7,181 quarters, an hour at 120

ABSURD = {
    "empty": (b"", "damaged", "empty"),
    "no MIDI": (b"GIF89a" * 40, "damaged", ""),
    "a header alone": (midi(), "damaged", ""),
    "no notes": (midi(END), "no notes", "it holds no notes"),
    "65,535 tracks": (midi(*[END] * 65_535), "too many tracks", "65,535 MIDI tracks: more than 512"),
    "200 tracks": (midi(*[NOTE + END] * 200), "too many tracks", "200 tracks: more than 128"),
    "an hour-long note": (midi(HOUR + END), "note too long", "3,590 seconds for one note: more than 600"),
    "tempo 0": (midi(b"\0\xff\x51\x03\0\0\0" + NOTE + END), "absurd tempo", "a tempo of 0 microseconds"),
    "a tempo too fast": (midi(b"\0\xff\x51\x03\0\0\1" + NOTE + END), "absurd tempo", "must be 4 to 1000"),
    "too many notes": (midi(NOTE + b"\0\x90\x3c\0" + SHORT * 210_000 + END), "too many notes", "more than 200,000"),
    "10 million notes": (midi(b"\0\x90" + SHORT * 10_000_000 + END), "file too large", "more than 8,388,608"),
    "a long silence": (midi(NOTE + b"\xcf\xff\xff\x7f" + NOTE[1:] + END), "piece too long", "more than 14,400"),
}  # fmt: skip


def result(folder, name, content, **encoding):
    (folder / name).write_bytes(content)
    return row_of(folder, Encoding(**encoding), Listed(name, "", RIGHTS))


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_files_are_refused_with_a_reason(tmp_path, name):
    content, kind, says = ABSURD[name]
    refusal = result(tmp_path, "x.mid", content)
    assert isinstance(refusal, Refusal)
    assert refusal.kind == kind
    assert says in refusal.reason
    assert "\n" not in refusal.reason
    assert str(tmp_path) not in refusal.reason


def test_a_file_that_is_not_there(tmp_path):
    refusal = row_of(tmp_path, Encoding(), Listed("gone.mid", "", RIGHTS))
    assert refusal.kind == "cannot be opened"


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.musicxml", "<html/>"), ("x.xml", "<a"), ("x.mxl", "no zip"), ("x.abc", "hello"), ("x.krn", "hello")],
)
def test_damaged_notation_is_refused(tmp_path, name, text):
    assert result(tmp_path, name, text.encode()).kind == "damaged"


def test_a_zip_that_grows_without_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", b" " * 50_000_000)
    assert row_of(tmp_path, Encoding(), Listed("bomb.mxl", "", RIGHTS)).kind == "file too large"


def test_a_bug_of_a_reader_stops_nothing(tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("somewhere\nin it")

    monkeypatch.setattr(data, "read_with_report", broken)
    assert result(tmp_path, "x.mid", midi(NOTE + END)) == Refusal(
        "met an unexpected error", "ZeroDivisionError: somewhere in it"
    )


def test_a_piece_becomes_a_row(tmp_path):
    score = tune(3)
    data.write(score, tmp_path / "3.mid")
    row = row_of(tmp_path, Encoding(), Listed("3.mid", "", RIGHTS))
    assert isinstance(row, Row)
    read = data.read(tmp_path / "3.mid")
    assert row.tokens.tolist() == Tokenizer().encode(read.replace(chords=chord_events(read))).tolist()
    assert row.facts == {
        "id": "3.mid", "path": "3.mid", "stem": "3", "title": "Tune 3", "source": "here", "license": "CC0 1.0",
        "meter": "4/4", "key": "C major", "bars": read.bars, "notes": read.notes, "seconds": read.duration,
    }  # fmt: skip
    assert row.tally["notes"] == Counter([str(read.notes)])
    assert sum(row.tally["pitches"].values()) == read.notes
    assert row.tally["meters"] == Counter({"4/4": read.bars})


def test_chords_as_asked_for(tmp_path):
    written = tune(4).replace(chords=(ChordEvent(0, Chord.parse("F#m7b5")),))
    data.write(written, tmp_path / "4.mid")
    item = Listed("4.mid", "", RIGHTS)
    decoded = {
        chords: Tokenizer().decode(row_of(tmp_path, Encoding(chords=chords), item).tokens).chords
        for chords in ("heard", "written", "none")
    }
    assert decoded["none"] == ()
    assert decoded["written"] == written.chords
    assert len(decoded["heard"]) > 3
    with pytest.raises(RequestError, match="choose one of heard, written, none"):
        Encoding(chords="guessed")


def test_other_tokens(tmp_path):
    score = Score.from_notes([(0, 470, 60), (481, 470, 62), (960, 470, 64)])
    data.write(score, tmp_path / "x.mid")
    exact = Tokenizer.lossless()
    row = row_of(tmp_path, Encoding(exact, "none"), Listed("x.mid", "", RIGHTS))
    assert exact.decode(row.tokens).tracks[0].onset.tolist() == [0, 481, 960]


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "x.mid")
    (tmp_path / "y.mid").symlink_to("nowhere")
    reasons = [row_of(tmp_path, Encoding(), Listed(name, "", RIGHTS)) for name in ("x.mid", "y.mid", "z.mid")]
    assert reasons == [
        Refusal("cannot be opened", "no ordinary file: a pipe, a socket or a device"),
        Refusal("cannot be opened", "a link to what is not there"),
        Refusal("cannot be opened", "it is not there"),
    ]
