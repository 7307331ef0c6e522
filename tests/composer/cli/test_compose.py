"""`cadenza compose`: files, facts and nothing half done."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import data
from composer.request import Request
from theory.event import MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track


def test_a_piece_in_every_format(cadenza, tmp_path, soundfont):
    said = cadenza(
        "compose", "--key", "G", "--meter", "3/4", "--tempo", 90, "--bars", 2, "--seed", 5,
        "--out", tmp_path / "deep" / "a", "--soundfont", soundfont, "--title", "Möwe",
    )  # fmt: skip
    assert (said.code, said.err) == (0, "")
    files = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert files == ["a.json", "a.mid", "a.musicxml", "a.png", "a.wav"]
    lines = said.out.splitlines()
    assert lines[0].startswith("Möwe: 2 bars of 3/4 at 90, ")
    assert [line.strip() for line in lines[-5:]] == [
        str(tmp_path / "deep" / f"a.{name}") for name in ("mid", "wav", "musicxml", "png", "json")
    ]
    score = data.read(tmp_path / "deep" / "a.mid")
    assert (score.bars, score.title, score.keys[0].key, score.meters[0].meter) == (
        2,
        "Möwe",
        Key.parse("G"),
        Meter(3, 4),
    )


def test_json_for_programs(cadenza, tmp_path):
    said = cadenza("compose", "--bars", 1, "--out", tmp_path / "a.mid", "--json")
    answer = json.loads(said.out)
    assert said.err == ""
    assert answer["files"] == {"mid": str(tmp_path / "a.mid")}
    assert answer["bars"] == 1
    assert answer["title"] == "Chorale in C major"
    assert answer["nats_per_note"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_the_same_command_is_the_same_file(cadenza, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cadenza("compose", "--bars", 2, "--seed", seed, "--out", tmp_path / f"{name}.mid").code == 0
    first, again, other = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert first == again != other


@pytest.mark.parametrize("formats", ["mid,json", " json , mid,", "mid,mid,json"])
def test_formats(cadenza, tmp_path, formats):
    assert cadenza("compose", "--bars", 1, "--formats", formats, "--out", tmp_path / "a").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.mid"]


def test_of_an_option_given_twice_the_last_counts(cadenza, tmp_path):
    said = cadenza("compose", "--bars", 1, "--formats", "png", "--formats", "json", "--out", tmp_path / "a")
    assert said.code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_sampling_options_reach_the_sampler(cadenza, tmp_path):
    command = ("compose", "--bars", 2, "--seed", 1)
    variants = {"plain": (), "cold": ("--temperature", 0), "one": ("--top-k", 1), "few": ("--top-p", 0.2)}
    for name, options in variants.items():
        assert cadenza(*command, *options, "--out", tmp_path / f"{name}.json").code == 0
    ids = {name: json.loads((tmp_path / f"{name}.json").read_text())["ids"] for name in variants}
    assert ids["cold"] == ids["one"] != ids["plain"] != ids["few"]


def test_a_title_that_is_no_text(cadenza, tmp_path):
    said = cadenza("compose", "--bars", 1, "--title", "a\udcffb", "--out", tmp_path / "a.mid")
    assert said.code == 2
    assert "a title is one line" in said.err


def test_a_part_that_is_silent_is_named(cadenza, tmp_path):
    said = cadenza("compose", "--bars", 1, "--density", "alto=0:0,tenor=0:0", "--out", tmp_path / "a.mid")
    assert (said.code, said.err) == (0, "cadenza: Alto, Tenor: silent from beginning to end\n")


def test_bars_in_which_a_part_is_silent_are_named():
    from composer.cli.output import silences

    def said(*parts, bars=4):
        """Parts as the bars in which they have a note."""
        tracks = [
            Track.from_notes([(1920 * bar, 1920, 60) for bar in part], name=name)
            for name, part in zip("AB", parts, strict=True)
        ]
        return silences(Score(tuple(tracks), end=4 * 1920), bars)

    assert said([0, 1], [2, 3]) == []
    assert said([0], [1]) == ["A: silent from bar 2 to 4", "B: silent in 3 of the 4 bars that were written"]
    assert said([0], [0]) == ["A, B: silent from bar 2 to 4"]
    assert said([0], []) == ["A: silent from bar 2 to 4", "B: silent from beginning to end"]
    assert said([0, 1, 2, 3], [0, 1, 2], bars=1) == ["B: silent in bar 4"]


def test_a_habit_that_gives_way_is_told(cadenza, tmp_path):
    options = ("--bars", 1, "--range", "bass=D3:G3", "--out", tmp_path / "a.mid")
    said = cadenza("compose", *options)
    assert (said.code, said.err) == (0, "cadenza: the ending on the tonic gave way to what is asked\n")
    said = cadenza("compose", *options, "--json")
    assert json.loads(said.out)["messages"] == ["the ending on the tonic gave way to what is asked"]


def test_a_tune_with_an_upbeat(cadenza, tmp_path):
    tune = Score.from_notes(
        [(0, 480, 67), (480, 1920, 72)], meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter()))
    )
    data.write(tune, tmp_path / "tune.mid")
    said = cadenza("compose", "--bars", 2, "--lock", f"soprano={tmp_path / 'tune.mid'}", "--out", tmp_path / "a.mid")
    assert said.out.splitlines()[0].startswith("Chorale in C major: 2 bars of 4/4 and an upbeat at 72, ")
    assert data.read(tmp_path / "a.mid").meters == tune.meters


def test_lists_with_commas(cadenza, tmp_path):
    options = ("--cadence", "2=half,4=perfect", "--rules", "four-part,no-parallels", "--leap", "12,bass=9")
    said = cadenza("compose", "--bars", 4, *options, "--out", tmp_path / "a.mid")
    assert said.code == 0
    rules = [line.split("   ")[0].strip() for line in said.out.splitlines()]
    assert {"half cadence in bar 2", "perfect cadence in bar 4", "leaps up to 9 (Bass)"} <= set(rules)


@pytest.mark.parametrize("command", ["compose", "continue"])
def test_both_commands_take_every_field_of_a_request(cadenza, command):
    told = {"ranges": "range", "cadences": "cadence", "leaps": "leap", "locks": "lock"}
    decided = {"key", "meter", "tempo"} if command == "continue" else set()
    said = cadenza(command, "--help").out
    for field in fields(Request):
        name = told.get(field.name, field.name).replace("_", "-")
        assert (f"--{name} " in said) == (field.name not in decided), name


# Many pieces


def test_many_pieces_are_those_of_their_seeds(cadenza, tmp_path, tiny_model):
    command = ("compose", "--model", tiny_model, "--bars", 2, "--formats", "mid,json")
    said = cadenza(*command, "--seed", 4, "--count", 3, "--out", tmp_path / "many")
    assert (said.code, said.err) == (0, "")
    names = [f"many-{number:02}.{suffix}" for number in (1, 2, 3) for suffix in ("json", "mid")]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert said.out.splitlines()[-1] == "3 of 3 pieces, seeds 4 to 6"
    for number, seed in enumerate((4, 5, 6), 1):
        assert cadenza(*command, "--seed", seed, "--out", tmp_path / "one").code == 0
        for suffix in ("mid", "json"):
            alone = (tmp_path / f"one.{suffix}").read_bytes()
            assert (tmp_path / f"many-{number:02}.{suffix}").read_bytes() == alone


def test_a_file_name_is_numbered_before_its_suffix(cadenza, tmp_path, tiny_model):
    said = cadenza("compose", "--model", tiny_model, "--bars", 1, "--count", 2, "--out", tmp_path / "op.1.mid")
    assert said.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["op.1-01.mid", "op.1-02.mid"]


def test_pieces_that_are_not_found_are_said_and_the_others_kept(cadenza, tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr("composer.search.BUDGET", 10)
    command = (
        "compose", "--model", tiny_model, "--chords", "C G | Am F", "--bars", 8, "--rules", "four-part",
        "--density", "2:4", "--formats", "mid", "--count", 8,
    )  # fmt: skip
    said = cadenza(*command, "--json", "--out", tmp_path / "a")
    assert said.code == 43
    pieces = json.loads(said.out)["pieces"]
    assert [piece["seed"] for piece in pieces] == list(range(8))
    missing = [piece["seed"] for piece in pieces if "error" in piece]
    assert 0 < len(missing) < 8
    lines = [line for line in said.err.splitlines() if "no piece was found in 10 tries" in line]
    assert [line.split(":")[:2] for line in lines] == [["cadenza", f" seed {seed}"] for seed in missing]
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [f"a-{piece['seed'] + 1:02}.mid" for piece in pieces if "error" not in piece]
    said = cadenza(*command, "--out", tmp_path / "b")
    assert said.code == 43
    assert said.out.splitlines()[-1] == f"{8 - len(missing)} of 8 pieces, seeds 0 to 7"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "--count 0: must be 1 to 10000"),
        (-3, "--count -3: must be 1 to 10000"),
        (10_001, "--count 10001: must be 1 to 10000"),
        ("many", "'--count': 'many' is no whole number"),
        ("2.5", "'--count': '2.5' is no whole number"),
        ("", "'--count': '' is no whole number"),
    ],
)
def test_counts_that_make_no_sense(cadenza, tmp_path, count, words):
    said = cadenza("compose", "--bars", 1, f"--count={count}", "--out", tmp_path / "a.mid")
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "words"),
    [
        *((name, "is no whole number") for name in ("bars", "seed", "tempo", "top-k", "polyphony")),
        *((name, "is no number") for name in ("temperature", "top-p")),
    ],
)
def test_what_is_no_number_is_said_plainly(cadenza, tmp_path, option, words):
    said = cadenza("compose", f"--{option}", "some", "--out", tmp_path / "a.mid")
    assert (said.code, said.out) == (2, "")
    assert f"'--{option}': 'some' {words}" in said.err
    assert not list(tmp_path.iterdir())


# Several pieces: their places, and an interruption


@pytest.fixture
def never_composes(monkeypatch):
    def compose(*_, **__):
        pytest.fail("composed before all places were seen")

    monkeypatch.setattr("composer.many.compose_each", compose)
    monkeypatch.setattr("composer.compose", compose)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--out", ""), 2, "--out is empty"),
        (("--out", " "), 2, "--out is empty"),
        (("--out", "new/"), 2, "'new/' is a folder: name a piece in it, as in new/song"),
        (("--out", "new/."), 2, "'new/.' is a folder: name a piece in it, as in new/song"),
        (("--out", "there"), 2, "'there' is a folder: name a piece in it, as in there/song"),
        (("--out", "one/file.mid", "--formats", "mid,json"), 2, "--out one/file.mid already names one file"),
        (("--out", "file/song"), 32, "cannot be written: Not a directory"),
        (("--out", "song.txt"), 2, "song.txt: no piece is written as .txt"),
    ],
)
def test_places_are_refused_as_they_were_typed(
    cadenza, tmp_path, monkeypatch, never_composes, count, options, code, words
):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    Path("file").write_text("mine")
    said = cadenza("compose", "--bars", 1, "--formats", "mid", "--count", count, *options)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["file", "there"]


@pytest.mark.parametrize(
    ("options", "place", "code", "words"),
    [
        (("--count", 3), "song-03.mid", 32, "song-03.mid is a folder: name a file inside it"),
        ((), "song.mid", 2, "is a folder: name a piece in it"),
        (("--formats", "mid,json", "--out", "song"), "song.json", 32, "song.json is a folder: name a file inside it"),
    ],
)
def test_a_folder_in_the_place_of_a_file_is_seen_at_once(
    cadenza, tmp_path, monkeypatch, never_composes, options, place, code, words
):
    monkeypatch.chdir(tmp_path)
    Path(place).mkdir()
    said = cadenza("compose", "--bars", 1, "--out", "song.mid", *options)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert [path.name for path in Path().iterdir()] == [place]


def test_a_file_that_is_read_is_none_of_several(cadenza, tmp_path, monkeypatch, never_composes, piece):
    monkeypatch.chdir(tmp_path)
    data.write(piece.score, "mine-02.mid")
    said = cadenza("compose", "--count", 3, "--lock", "soprano=mine-02.mid", "--formats", "mid", "--out", "mine")
    assert (said.code, said.out) == (2, "")
    assert "mine-02.mid would be overwritten" in said.err
    assert [path.name for path in Path().iterdir()] == ["mine-02.mid"]


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def hears_interrupts():
    """A process in the background of a shell is deaf to Ctrl-C; here none is."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupting(monkeypatch, where, at, before=lambda: None):
    """Ctrl-C in the `at`-th call of a function, from 1 on."""
    module, name = where.rsplit(".", 1)
    function, calls = getattr(import_module(module), name), []

    def call(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            before()
            interrupt()
        return function(*arguments)

    monkeypatch.setattr(where, call)


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal of POSIX")


@POSIX
@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize(
    ("where", "at", "done"),
    [
        ("composer.many._composed", 2, 2),  # while the second batch of two is composed
        ("composer.files.write_piece", 3, 3),  # while the third is written: that is ended
        ("composer.files.write_piece", 4, 4),
        ("composer.files.write_piece", 1, 1),
    ],
)
def test_an_interruption_keeps_what_is_written_and_says_how_to_go_on(
    cadenza, tmp_path, monkeypatch, tiny_model, where, at, done
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("composer.many.WIDTH", 2)
    command = ("compose", "--model", tiny_model, "--bars", 1, "--formats", "mid,json")
    assert cadenza(*command, "--seed", 4, "--count", 5, "--out", "whole/a song").code == 0
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        interrupting(patch, where, at)
        said = cadenza(*command, "--seed", 4, "--count", 5, "--out", "part/a song")
    assert said.code == 130
    assert signal.getsignal(signal.SIGINT) is handler
    names = f"part/a song-01 to part/a song-{done:02}" if done > 1 else "part/a song-01"
    rest = ("--seed", str(4 + done), "--count", str(5 - done), "--out", f"part/a song-{done + 1:02}")
    assert said.err == (
        f"cadenza: interrupted: {done} of 5 pieces {'are' if done > 1 else 'is'} written ({names}); "
        f"for the rest give the same command with {shlex.join(rest)}\n"
    )
    assert len(said.out.splitlines()) == done
    assert len(list(Path("part").iterdir())) == 2 * done
    assert cadenza(*command, *rest).code == 0
    for suffix in (".mid", ".json"):
        whole, part = (
            [path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.suffix == suffix]
            for folder in ("whole", "part")
        )
        assert part == whole  # in their order too


@POSIX
@pytest.mark.usefixtures("hears_interrupts")
def test_an_interruption_before_the_first_piece(cadenza, tmp_path, monkeypatch, tiny_model):
    interrupting(monkeypatch, "composer.many._composed", 1)
    said = cadenza("compose", "--model", tiny_model, "--bars", 1, "--count", 3, "--out", tmp_path / "a")
    assert (said.code, said.out) == (130, "")
    assert said.err == "cadenza: interrupted: none of 3 pieces is written\n"
    assert not list(tmp_path.iterdir())


@POSIX
@pytest.mark.usefixtures("hears_interrupts")
def test_a_second_interruption_does_not_wait(cadenza, tmp_path, monkeypatch, tiny_model):
    interrupting(monkeypatch, "composer.files.write_piece", 2, before=interrupt)
    said = cadenza("compose", "--model", tiny_model, "--bars", 1, "--count", 3, "--out", tmp_path / "a.mid")
    assert said.code == 130
    assert "1 of 3 pieces is written" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["a-01.mid"]


@POSIX
@pytest.mark.usefixtures("hears_interrupts")
def test_the_last_piece_may_be_interrupted(cadenza, tmp_path, monkeypatch, tiny_model):
    monkeypatch.chdir(tmp_path)
    interrupting(monkeypatch, "composer.files.write_piece", 2)
    said = cadenza("compose", "--model", tiny_model, "--bars", 1, "--count", 2, "--out", "a.mid")
    assert (said.code, said.err) == (
        130,
        "cadenza: interrupted: 2 of 2 pieces are written (a-01.mid to a-02.mid)\n",
    )
