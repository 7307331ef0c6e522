"""Bad input: one line that says what is wrong, an exit code of its own, and no file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import data
from theory.score import Score

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bad(tmp_path):
    """A folder of files that are not what they claim to be."""
    data.write(Score.from_notes([(480 * n, 480, 60) for n in range(50)]), tmp_path / "whole.mid")
    whole = (tmp_path / "whole.mid").read_bytes()
    (tmp_path / "text.mid").write_text("This is no MIDI file, whatever its name says.")
    (tmp_path / "cut.mid").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "noise.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x10" + b"\xff" * 16)
    (tmp_path / "text.musicxml").write_text("no XML")
    (tmp_path / "empty.abc").write_bytes(b"")
    (tmp_path / "song.txt").write_text("la la la")
    (tmp_path / "folder.mid").mkdir()
    return tmp_path


def check(said, code, *words):
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("cadenza: ")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("command", ["analyze", "tokenize", "render", "continue"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("text.mid", 30), ("empty.mid", 30), ("noise.mid", 30), ("text.musicxml", 30),
        ("empty.abc", 30), ("song.txt", 30), ("none.mid", 31), ("folder.mid", 31),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(cadenza, bad, command, name, code):
    before = sorted(bad.iterdir())
    out = ("--out", bad / "out.wav") if command in ("render", "continue") else ()
    if command == "continue":
        out = ("--out", bad / "out.mid")
    check(cadenza(command, bad / name, *out), code, name)
    assert sorted(bad.iterdir()) == before


def test_a_damaged_file_is_read_with_a_line_that_says_what_was_repaired(cadenza, bad):
    said = cadenza("tokenize", bad / "cut.mid")
    assert said.code == 0
    assert said.out.startswith("1 ")
    repaired = "cut event (1), note without an end (1), track cut short (1)"
    assert said.err.splitlines()[0] == f"cadenza: {bad / 'cut.mid'} is damaged; repaired: {repaired}"


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--key", "H# minor"), 11, "H# minor"), (("--key", ""), 11, "no key"), (("--key", "C lydian"), 2, "lydian"),
        (("--meter", "4/0"), 13, "4/0"), (("--meter", "7/8"), 2, "7/8"), (("--meter", "x"), 13, "no meter"),
        (("--bars", 0), 2, "0 bars"), (("--bars", -4), 2, "-4 bars"), (("--bars", 10**9), 2, "1000000000 bars"),
        (("--tempo", -5), 2, "tempo -5"), (("--tempo", 0), 2, "tempo 0"),
        (("--temperature", "nan"), 2, "temperature nan"), (("--temperature", -1), 2, "temperature -1"),
        (("--temperature", "inf"), 2, "temperature inf"), (("--top-p", 0), 2, "top-p 0"),
        (("--top-k", -1), 2, "top-k -1"),
        (("--seed", -1), 2, "seed -1"), (("--seed", 2**64), 2, "seed 18446744073709551616"),
        (("--style", "jazz"), 14, "choose one of chorale"), (("--model", "gpt"), 14, "choose one of lstm"),
        (("--formats", "mp3"), 2, "choose among mid, wav, musicxml, png, json"), (("--formats", ""), 2, "choose among"),
        (("--formats", "mid,,wav"), 2, "--formats (empty): choose among"),
        (("--bars", "many"), 2, "--bars"), (("--tempo", "1.5"), 2, "--tempo"), (("--colour", "red"), 2, "--colour"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(cadenza, tmp_path, options, code, word):
    check(cadenza("compose", "--out", tmp_path / "song", *options), code, word)
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_does_not_exist(cadenza):
    check(cadenza("sing"), 2, "sing")


@pytest.mark.parametrize("out", ["file/song", "file/song.mid", "file/deep/song.wav"])
def test_a_place_that_cannot_be_written(cadenza, tmp_path, soundfont, out):
    (tmp_path / "file").write_text("mine")
    check(cadenza("compose", "--bars", 1, "--soundfont", soundfont, "--out", tmp_path / out), 32, "file/")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(cadenza, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    check(cadenza("compose", "--bars", 1, "--out", tmp_path / "locked" / "song.mid"), 32, "cannot be written")


@pytest.mark.parametrize("out", ["folder/", "."])
def test_a_folder_is_no_piece(cadenza, out):
    check(cadenza("compose", "--bars", 1, "--out", out), 2, "folder")


def test_a_name_that_is_too_long(cadenza, tmp_path):
    check(cadenza("compose", "--bars", 1, "--out", tmp_path / f"{'x' * 5000}.mid"), 32, "cannot be written")
    check(cadenza("analyze", f"{'x' * 5000}.mid"), 31)


@pytest.mark.parametrize("content", [None, b"", b"not a soundfont", b"RIFF\xff\xff\xff\0sfbk"])
def test_a_soundfont_that_is_none(cadenza, tmp_path, soundfont, content):
    path, song = tmp_path / "bad.sf2", tmp_path / "song.mid"
    data.write(Score.from_notes([(0, 480, 60)]), song)
    if content is not None:
        path.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    check(cadenza("compose", "--bars", 1, "--soundfont", path, "--out", tmp_path / "new"), 52, "bad.sf2")
    check(cadenza("render", song, "--soundfont", path), 52, "bad.sf2")
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_that_is_damaged(cadenza, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"vocabulary": "x"}))
    check(cadenza("compose", "--bars", 1, "--model", tmp_path, "--out", tmp_path / "a.mid"), 41, "is no model")
    (tmp_path / "weights.safetensors").write_text("")
    check(cadenza("compose", "--bars", 1, "--model", tmp_path, "--out", tmp_path / "a.mid"), 41, "another vocabulary")


@pytest.mark.parametrize(
    ("command", "out"),
    [
        (("compose", "--bars", "2", "--lock", "soprano=mine.mid"), "./mine.mid"),
        (("compose", "--bars", "2", "--lock", "soprano:1=mine.mid"), "mine"),
        (("compose", "--bars", "2", "--lock", "soprano=link.mid"), "mine.mid"),
        (("continue", "mine.mid"), "mine.mid"),
        (("continue", "mine.mid"), "link"),
        (("analyze", "mine.musicxml"), "mine.musicxml"),
    ],
)
def test_a_file_of_the_users_own_is_never_overwritten(cadenza, tmp_path, monkeypatch, piece, command, out):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.mid", "mine.musicxml"):
        data.write(piece.score, name)
    Path("link.mid").symlink_to("mine.mid")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    check(cadenza(*command, "--out", out), 2, "would be overwritten", "--out")
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_what_was_written_before_may_be_written_again(cadenza, tmp_path):
    for _ in range(2):
        assert cadenza("compose", "--bars", 1, "--out", tmp_path / "song.mid").code == 0


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--between", "chord"), 2, "give chords too"),
        (("--density", "0:0"), 2, "leaves no note"),
        (("--leap=-1",), 2, "must be 0 to 127"),
        (("--rules", "four-part,loud"), 14, "no rules are called 'loud'"),
    ],
)
def test_what_is_asked_of_the_notes_and_makes_no_sense(cadenza, tmp_path, options, code, word):
    check(cadenza("compose", "--bars", 1, "--out", tmp_path / "song", *options), code, word)
    assert list(tmp_path.iterdir()) == []


# In processes of their own


def process(*arguments, code=None, **environment):
    start = ["-m", "composer"] if code is None else ["-c", code]
    command = [sys.executable, *start, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | environment, check=False)


def test_a_process_ends_with_the_code_and_one_line(tmp_path):
    done = process("compose", "--key", "H# minor", "--out", tmp_path / "song")
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr.startswith("cadenza: 'H# minor' is no key")
    assert done.stderr.count("\n") == 1


def test_the_installed_command(tmp_path):
    script = shutil.which("cadenza", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("needs an installed Cadenza: the script `cadenza` is not beside this Python")
    command = [script, "compose", "--bars", "1", "--out", str(tmp_path / "song.mid")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert data.read(tmp_path / "song.mid").bars == 1


# pyfluidsynth asks ldconfig, the compiler and the linker: a process that may start no other finds no library.
ALONE = """
import sys
def refuse(event, arguments):
    if event == "subprocess.Popen":
        raise PermissionError("no other programs here")
sys.addaudithook(refuse)
from composer.cli import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="hides the library in the way Linux looks for it")
def test_a_machine_without_fluidsynth(tmp_path):
    done = process("compose", "--bars", 1, "--out", tmp_path / "song.wav", code=ALONE, PATH="")
    assert (done.returncode, done.stdout) == (51, "")
    assert done.stderr.startswith("cadenza: no usable libfluidsynth")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    done = process("compose", "--bars", 1, "--out", tmp_path / "song", code=ALONE, PATH="")
    assert done.returncode == 0
    assert done.stderr.startswith("cadenza: no sound: no usable libfluidsynth")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.json", "song.mid", "song.musicxml", "song.png"]


def test_a_reader_that_goes_away(tmp_path):
    data.write(Score.from_notes([(120 * n, 120, 60 + n % 12) for n in range(20_000)]), tmp_path / "long.mid")
    command = [sys.executable, "-m", "composer", "tokenize", str(tmp_path / "long.mid")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode == 1
    assert said == ""


SLOW_IMPORT = """
import os, signal, sys
from importlib.abc import MetaPathFinder
class Interrupt(MetaPathFinder):  # Ctrl-C while a library is being loaded
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from composer.cli import main
main(["compose", "--bars", "1", "--out", sys.argv[2]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal of POSIX")
@pytest.mark.parametrize("library", ["typer", "composer.cli.app", "theory.errors", "numpy", "composer.generate"])
def test_an_interruption_while_libraries_are_loaded(tmp_path, library):
    done = process(library, tmp_path / "song", code=SLOW_IMPORT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "cadenza: interrupted\n")
    assert list(tmp_path.iterdir()) == []
