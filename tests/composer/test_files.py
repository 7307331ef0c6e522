"""A piece as files: which ones, written whole, and again from their recipe."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import composer
import data
from composer import files
from composer.piece import Piece
from data import midi
from theory.errors import FileFormatError, InputFileError, OutputError, RequestError, SoundfontError
from theory.score import Score


def names(targets):
    return {name: str(path) for name, path in targets.items()}


def test_a_stem_gets_every_formats_suffix():
    assert names(files.targets("out/song", None)) == {
        "mid": "out/song.mid", "wav": "out/song.wav", "musicxml": "out/song.musicxml", "png": "out/song.png",
        "json": "out/song.json",
    }  # fmt: skip


@pytest.mark.parametrize("stem", ["song", "op. 1", "song.v2", ".mid", "song.mid.bak"])
def test_a_dot_alone_makes_no_suffix(stem):
    assert names(files.targets(stem, ["json", "mid"])) == {"mid": f"{stem}.mid", "json": f"{stem}.json"}


@pytest.mark.parametrize(
    ("name", "format_"), [("a/song.mid", "mid"), ("song.MID", "mid"), ("a.mid.wav", "wav"), ("x.musicxml", "musicxml")]
)
def test_a_known_suffix_is_that_file_alone(name, format_):
    assert names(files.targets(name, None)) == {format_: name}


def test_formats_come_in_one_order_and_once():
    assert list(files.targets("song", ["png", "mid", "png", "wav", "mid"])) == ["mid", "wav", "png"]


@pytest.mark.parametrize(
    ("out", "formats", "says"),
    [
        ("", None, "empty"), ("song.mp3", None, "written as .mp3"), ("song.midi", None, "written as .midi"),
        ("songs/", None, "folder"), (".", None, "folder"), ("..", ["mid"], "folder"),
        ("song.mid", ["mid", "png"], "already names one file"), ("song.wav", ["mid", "wav"], "already names one file"),
        ("song", ["mp3"], "mp3"), ("song", [], "choose among mid, wav"),
        ("song", ["mid", "", "wav"], r"--formats \(empty\): choose among mid, wav"),
    ],
)  # fmt: skip
def test_targets_that_make_no_sense(out, formats, says):
    with pytest.raises(RequestError, match=says):
        files.targets(out, formats)


def test_a_folder_that_exists_is_no_stem(tmp_path):
    with pytest.raises(RequestError, match="is a folder"):
        files.targets(str(tmp_path), None)


def test_everything_is_written_and_replayed_byte_for_byte(piece, soundfont, tmp_path):
    sound = files.settle_sound(files.targets(str(tmp_path / "new" / "a"), None), str(soundfont), optional=False)
    finished = piece.with_sound(sound.facts)
    written = files.write_piece(finished, sound.files, str(soundfont))
    assert list(written.files) == ["mid", "wav", "musicxml", "png", "json"]
    assert written.seconds > piece.score.duration
    assert sound.facts["soundfont"] == "sine.sf2"
    for source in ("json", "mid"):
        recipe = files.read_recipe(written.files[source])
        assert recipe.sound == finished.recipe.sound
        again = files.targets(str(tmp_path / "new" / f"from-{source}"), None)
        files.write_piece(Piece.from_recipe(recipe), again, str(soundfont))
        for name, path in again.items():
            assert path.read_bytes() == written.files[name].read_bytes(), name


def test_the_midi_file_is_the_piece(piece, tmp_path):
    files.write_piece(piece, {"mid": tmp_path / "song.mid"})
    assert data.read(tmp_path / "song.mid").replace(markers=()) == piece.score.replace(markers=())


def test_the_notation_holds_the_same_notes(piece, tmp_path):
    files.write_piece(piece, {"musicxml": tmp_path / "song.musicxml"})
    back = data.read(tmp_path / "song.musicxml")
    scale = piece.score.ticks_per_quarter / back.ticks_per_quarter
    assert [track.name for track in back.tracks] == [track.name for track in piece.score.tracks]
    for track, expected in zip(back.tracks, piece.score.tracks, strict=True):
        assert track.pitch.tolist() == expected.pitch.tolist()
        assert (track.onset * scale).tolist() == expected.onset.tolist()
        assert (track.duration * scale).tolist() == expected.duration.tolist()
    assert (back.bars, back.keys[0].key) == (piece.score.bars, piece.score.keys[0].key)


def test_an_unwritable_place_leaves_nothing_behind(piece, soundfont, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        files.write_piece(piece, files.targets(str(tmp_path / "file" / "song"), None), str(soundfont))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"no soundfont at all", "truncated", "hollow"])
def test_a_bad_soundfont_is_found_before_anything_is_written(piece, soundfont, tmp_path, content):
    bad, whole = tmp_path / "bad.sf2", soundfont.read_bytes()
    if content is not None:
        made = {"truncated": whole[: len(whole) // 2], "hollow": whole[:12] + b"\0" * (len(whole) - 12)}
        bad.write_bytes(made.get(content, content))
    with pytest.raises(SoundfontError, match=r"bad\.sf2"):
        files.settle_sound(files.targets(str(tmp_path / "song"), None), str(bad), optional=True)
    with pytest.raises(SoundfontError, match=r"bad\.sf2"):
        files.write_piece(piece, files.targets(str(tmp_path / "song"), None), str(bad))
    assert [path.name for path in tmp_path.iterdir()] == (["bad.sf2"] if content is not None else [])


def test_without_sound_no_soundfont_is_needed(piece, tmp_path):
    targets = files.targets(str(tmp_path / "song"), ["mid", "json"])
    assert files.settle_sound(targets, str(tmp_path / "none.sf2"), optional=False) == (targets, {}, ())
    assert files.write_piece(piece, targets, None).seconds == 0


def test_reading_a_recipe_from_what_has_none(tmp_path):
    score = Score.from_notes([(0, 480, 60)])
    midi.write(score, tmp_path / "plain.mid")
    midi.write(score, tmp_path / "other.mid", private="{curly}")
    for name, content in {"empty.json": b"", "cut.json": b'{"cadenza_recipe":1', "bytes.json": b"\xff\xfe"}.items():
        (tmp_path / name).write_bytes(content)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(FileFormatError, match=f"{path.name}: there is no Cadenza recipe in it"):
            files.read_recipe(path)
    (tmp_path / "text.mid").write_text("not MIDI")
    with pytest.raises(FileFormatError, match=r"text\.mid is no MIDI file"):
        files.read_recipe(tmp_path / "text.mid")
    with pytest.raises(FileFormatError, match=r"song\.musicxml: a piece's recipe is in its \.json and its \.mid"):
        files.read_recipe(tmp_path / "song.musicxml")
    for missing in (Path("none.json"), Path("none.mid"), tmp_path):
        with pytest.raises(InputFileError):
            files.read_recipe(missing)


# Writing from Python


def test_a_piece_is_written_with_its_recipe(piece, tmp_path):
    composer.write(piece, tmp_path / "song.mid")
    piece.write(tmp_path / "again.mid")
    assert (tmp_path / "song.mid").read_bytes() == (tmp_path / "again.mid").read_bytes()
    assert Piece.from_recipe(files.read_recipe(tmp_path / "song.mid")).score == piece.score
    piece.write(str(tmp_path / "song.musicxml"))
    assert data.read(tmp_path / "song.musicxml").notes == piece.score.notes


def test_a_score_is_written_as_it_is(piece, tmp_path):
    composer.write(piece.score, tmp_path / "song.mid")
    assert list(midi.read_private(tmp_path / "song.mid")) == []


@pytest.mark.parametrize("what", [5, None, "song.mid"])
def test_what_is_no_music_is_not_written(what, tmp_path):
    with pytest.raises(RequestError, match="cannot be written: give a piece or a score"):
        composer.write(what, tmp_path / "song.mid")


@pytest.mark.parametrize("place", [5, None, b"song.mid"])
def test_what_is_no_place_is_not_written_to(piece, place):
    for music in (piece, piece.score):
        with pytest.raises(RequestError, match=f"^{place!r} is no place to write to: give a file or a stem"):
            composer.write(music, place)


def test_a_file_that_is_read_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.mid").write_text("mine")
    Path("link.mid").symlink_to("mine.mid")
    for out, read in (("mine.mid", "./mine.mid"), (tmp_path / "mine.mid", "link.mid"), ("link.mid", "mine.mid")):
        with pytest.raises(RequestError, match="would be overwritten, and is read for this: give another --out"):
            files.check_apart({"mid": Path(out)}, [Path("absent.mid"), Path(read)])
    files.check_apart({"mid": Path("new.mid"), "json": Path("mine.json")}, [Path("mine.mid"), Path("absent.mid")])


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("folder", "is a folder: name a file inside it"),
        ("file/song.mid", "cannot be written: Not a directory"),
        ("file/deep/song.mid", "cannot be written: Not a directory"),
        (f"{'x' * 300}.mid", "cannot be written: File name too long"),
        ("a\0b.mid", "cannot be written: embedded null byte"),
        ("link.mid", "link.mid cannot be written: Not a directory"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the system's words are those of POSIX")
def test_places_that_cannot_be_written_are_known_beforehand(tmp_path, place, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "old.mid").write_text("mine")
    (tmp_path / "link.mid").symlink_to(tmp_path / "file" / "song.mid")
    files.check_writable([tmp_path / "new" / "deep" / "song.mid", tmp_path / "old.mid"])
    with pytest.raises(OutputError, match=re.escape(words)):
        files.check_writable([tmp_path / "old.mid", tmp_path / place])
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a special file")
def test_a_pipe_is_no_place(tmp_path):
    os.mkfifo(tmp_path / "song.mid")
    with pytest.raises(OutputError, match="is no ordinary file"):
        files.check_writable([tmp_path / "song.mid"])


def test_a_folder_that_takes_nothing_is_known_beforehand(tmp_path, monkeypatch):
    """As one without permission, or on a disk that can only be read: root may write into the first."""
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))
    with pytest.raises(OutputError, match="cannot be written: nothing can be put into"):
        files.check_writable([tmp_path / "new" / "song.mid"])
