"""`cadenza reconstruct`, `vary`, `interpolate`, `blend` and `map`: files, facts, and one line for what cannot be."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tiny_models import scales, tune

import data
from composer import files
from theory.errors import SearchError
from theory.score import Score, Track


@pytest.fixture
def tunes(tmp_path, monkeypatch):
    """A folder to work in, with two tunes of one form and others of other forms."""
    monkeypatch.chdir(tmp_path)
    forms = {
        "a": {}, "b": {"seed": 1, "key": "G major"}, "c": {"seed": 2}, "waltz": {"meter": "3/4"}, "long": {"bars": 6},
        "upbeat": {"upbeat": "1/8"},
    }  # fmt: skip
    for name, form in forms.items():
        data.write(tune(**{"seed": 0, **form}), tmp_path / f"{name}.mid")
    data.write(scales(0), tmp_path / "choir.mid")
    return tmp_path


@pytest.fixture
def asked(cadenza, tunes, tiny_vae):
    """Runs a command with the small model."""
    return lambda *words: cadenza(*words, "--model", tiny_vae)


COMMANDS = {
    "reconstruct": ("a.mid",), "vary": ("a.mid",), "interpolate": ("a.mid", "b.mid"), "blend": ("a.mid", "b.mid"),
}  # fmt: skip


def written(folder):
    return sorted(path.name for path in folder.glob("out*"))


@pytest.mark.parametrize("command", ["reconstruct", "vary", "blend"])
def test_a_piece_of_the_given_form(asked, tunes, command):
    said = asked(command, *COMMANDS[command], "--out", "out", "--formats", "mid,json,musicxml")
    assert (said.code, said.err) == (0, "")
    assert written(tunes) == ["out.json", "out.mid", "out.musicxml"]
    assert said.out.startswith("Folk in D major: 4 bars of 6/8 at 120, ")
    score, like = data.read(tunes / "out.mid"), data.read(tunes / "a.mid")
    assert (score.bars, score.meters, score.keys) == (like.bars, like.meters, like.keys)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_asked_of_the_notes_holds(asked, tunes, command):
    options = ("--range", "melody=D4:A5", "--scale", "key", "--leap", 7, "--temperature", 1, "--seed", 3)
    assert asked(command, *COMMANDS[command], *options, "--out", "out", "--formats", "mid").code == 0
    made = [data.read(path) for path in tunes.glob("out*.mid")]
    assert len(made) == (8 if command == "interpolate" else 1)
    for score in made:
        pitches = score.tracks[0].pitch.astype(int)
        assert 62 <= pitches.min() <= pitches.max() <= 81
        assert set(pitches % 12) <= set(score.keys[0].key.pitch_classes)
        assert np.abs(np.diff(pitches)).max() <= 7


def test_a_path_is_numbered_and_can_be_told_to_programs(asked, tunes):
    said = asked("interpolate", "a.mid", "b.mid", "--steps", 3, "--out", "out", "--formats", "mid,json", "--json")
    answer = json.loads(said.out)
    assert written(tunes) == [f"out-0{n}.{kind}" for n in (1, 2, 3) for kind in ("json", "mid")]
    assert [piece["step"] for piece in answer["pieces"]] == [1, 2, 3]
    assert answer["pieces"][2]["files"] == {"mid": "out-03.mid", "json": "out-03.json"}
    plain = asked("interpolate", "a.mid", "b.mid", "--steps", 3, "--out", "out", "--formats", "mid")
    assert re.fullmatch(r"(  out-0\d\.mid: \d+ notes, \d+\.\d\d nats a note\n){3}", plain.out)


def test_ends_of_a_path_are_reconstructions(asked, tunes):
    asked("interpolate", "a.mid", "c.mid", "--steps", 2, "--out", "out", "--formats", "mid")
    for number, name in ((1, "a"), (2, "c")):
        asked("reconstruct", f"{name}.mid", "--out", "again.mid")
        assert data.read(tunes / f"out-0{number}.mid").tracks == data.read(tunes / "again.mid").tracks


def test_a_step_that_is_not_found_is_said_and_the_others_are_there(asked, tunes, monkeypatch):
    from composer import generate

    before, calls = generate.write, []

    def fail_at_the_second(*known):
        calls.append(known)
        if len(calls) == 2:
            raise SearchError("no piece was found")
        return before(*known)

    monkeypatch.setattr(generate, "write", fail_at_the_second)
    said = asked("interpolate", "a.mid", "b.mid", "--steps", 3, "--out", "out", "--formats", "mid", "--json")
    assert (said.code, said.err) == (43, "cadenza: step 3: no piece was found\n")  # the ends come first
    assert written(tunes) == ["out-01.mid", "out-02.mid"]
    assert json.loads(said.out)["pieces"][2] == {"step": 3, "error": "no piece was found"}


def test_a_path_that_is_broken_off_says_how_far_it_came(asked, tunes, monkeypatch):
    write, calls = files.write_piece, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(files, "write_piece", interrupted)
    said = asked("interpolate", "a.mid", "b.mid", "--steps", 4, "--formats", "mid", "--out", "out")
    assert said.code == 130
    assert said.err == "cadenza: interrupted: 2 of 4 pieces are written (out-01.mid to out-02.mid)\n"


def test_a_changed_piece_says_how_it_was_before(asked, tunes):
    said = asked("vary", "a.mid", "--toward", "+density -register=0.5", "--dial", 2, "--out", "out.mid")
    assert said.code == 0
    short = r"cadenza: (density|register) went [+-]\d\.\d standard deviations where (\+2|-1) was asked for: .*"
    assert all(re.fullmatch(short, notice) for notice in said.err.splitlines())  # nobody taught this model anything
    line = next(line for line in said.out.splitlines() if line.startswith("before and after: "))
    assert re.match(r"before and after: density \d\.\d+ to \d\.?\d*, register \d\d\.?\d* to \d\d", line)
    told = json.loads(asked("vary", "a.mid", "--toward", "-density", "--out", "out.mid", "--json").out)["attributes"]
    assert list(told)[:2] == ["density", "register"]
    assert told["density"][1] == data.read(tunes / "out.mid").notes / 4
    assert told["density"][0] == data.read(tunes / "a.mid").notes / 4


def test_a_dial_turns_the_other_way(asked, tunes):
    for name, words in {
        "plus": ("--toward", "+register=2"),
        "minus": ("--toward", "-register", "--dial", -2),
        "away": ("--toward", "-register", "--dial", 2),
    }.items():
        assert asked("vary", "a.mid", *words, "--out", f"{name}.mid").code == 0
    plus, minus, away = (data.read(tunes / f"{name}.mid").tracks for name in ("plus", "minus", "away"))
    assert plus == minus != away


def test_the_same_command_is_the_same_file(asked, tunes):
    for name, seed in (("out1", 4), ("out2", 4), ("out3", 5)):
        assert asked("vary", "a.mid", "--seed", seed, "--spread", 2, "--out", f"{name}.mid").code == 0
    first, again, other = ((tunes / f"out{number}.mid").read_bytes() for number in (1, 2, 3))
    assert first == again != other


def test_a_piece_comes_again_from_its_recipe(asked, cadenza, tunes):
    asked("vary", "upbeat.mid", "--toward", "+density", "--out", "out", "--formats", "mid,json")
    assert cadenza("replay", "out.json", "--out", "again.mid").code == 0
    assert (tunes / "again.mid").read_bytes() == (tunes / "out.mid").read_bytes()


def test_pieces_of_a_vae_without_a_given_one(asked, tunes):
    assert asked("compose", "--style", "folk", "--bars", 3, "--count", 2, "--out", "out", "--formats", "mid").code == 0
    for number in (1, 2):
        words = ("--style", "folk", "--bars", 3, "--seed", number - 1, "--out", "alone.mid")
        assert asked("compose", *words).code == 0
        assert (tunes / "alone.mid").read_bytes() == (tunes / f"out-0{number}.mid").read_bytes()
    assert asked("continue", "upbeat.mid", "--style", "folk", "--bars", 2, "--out", "longer.mid").code == 0
    assert data.read(tunes / "longer.mid").bars == 7


def test_a_piece_that_was_read_is_never_overwritten(asked, tunes):
    before = (tunes / "b.mid").read_bytes()
    for command in ("reconstruct", "vary"):
        said = asked(command, "b.mid", "--out", "b.mid")
        assert (said.code, said.out) == (2, "")
        assert "would be overwritten" in said.err
    assert asked("blend", "a.mid", "b.mid", "--out", "b", "--formats", "mid,json").code == 2
    data.write(tune(0), tunes / "out-02.mid")
    assert asked("interpolate", "a.mid", "out-02.mid", "--steps", 2, "--out", "out", "--formats", "mid").code == 2
    assert (tunes / "b.mid").read_bytes() == before
    assert not (tunes / "b.json").exists()


MISTAKES = {
    ("reconstruct", "choir.mid"): (2, "choir.mid has 4 tracks: style folk knows Melody"),
    ("interpolate", "a.mid", "waltz.mid"): (2, "the pieces differ in meter (6/8 and 3/4): cut them to the same form"),
    ("interpolate", "a.mid", "long.mid"): (2, "the pieces differ in number of bars (4 and 6)"),
    ("blend", "a.mid", "b.mid", "upbeat.mid"): (2, "the pieces differ in upbeat (none and 1/8)"),
    ("blend", "a.mid"): (2, "1 piece to blend: two or more are needed"),
    ("blend", "a.mid", "b.mid", "--weights", "1"): (2, "weights 1: write one for each of the 2 pieces"),
    ("blend", "a.mid", "b.mid", "--weights", "1,nan"): (2, "weights 1, nan: write one for each of the 2 pieces"),
    ("blend", "a.mid", "b.mid", "--weights", "1,,2"): (2, "weights '1,,2': write numbers with commas between"),
    ("interpolate", "a.mid", "b.mid", "--steps", 1): (2, "--steps 1: must be 2 to 256"),
    ("interpolate", "a.mid", "b.mid", "--steps", 0): (2, "--steps 0: must be 2 to 256"),
    ("interpolate", "a.mid", "b.mid", "--steps", "two"): (2, "'two' is no whole number"),
    ("interpolate", "a.mid", "b.mid", "--steps", 300): (2, "--steps 300: must be 2 to 256"),
    ("vary", "a.mid", "--toward", "+loudness"): (
        14,
        "no attribute is called 'loudness': this model knows density, regi",
    ),
    ("vary", "a.mid", "--toward", "++density"): (2, "toward '++density': write attributes with signs"),
    ("vary", "a.mid", "--toward", ""): (2, "toward '': write attributes with signs"),
    ("vary", "a.mid", "--toward", "+density=9"): (2, "density by 9 standard deviations: must be -5 to 5"),
    ("vary", "a.mid", "--toward", "+density", "--dial", "inf"): (2, "density by inf standard deviations"),
    ("vary", "a.mid", "--toward", "+density", "--dial", "x"): (2, "'x' is no number"),
    ("vary", "a.mid", "--dial", 2): (2, "--dial 2: it is about --toward, so give that too"),
    ("vary", "a.mid", "--spread", -1): (2, "spread -1: must be 0 to 10"),
    ("vary", "a.mid", "--spread", "nan"): (2, "spread nan: must be 0 to 10"),
    ("vary", "a.mid", "--bars", 4): (2, "No such option: --bars"),
    ("reconstruct", "a.mid", "--key", "C"): (2, "No such option: --key"),
    ("reconstruct", "nowhere.mid"): (31, "nowhere.mid"),
    ("reconstruct", "a.mid", "--style", "jazz"): (2, "writes style folk, not jazz"),
    ("reconstruct", "a.mid", "--range", "soprano=C4:C5"): (14, "style folk has no part 'soprano'"),
    ("reconstruct", "a.mid", "--range", "melody=C7:C6"): (
        10,
        "range 'melody=C7:C6': the first pitch must be the lower one",
    ),
}


@pytest.mark.parametrize("words", MISTAKES, ids=lambda words: " ".join(map(str, words)))
def test_mistakes(asked, tunes, words):
    code, line = MISTAKES[words]
    said = asked(*words, "--out", "out", "--formats", "mid")
    assert line in said.err
    assert said.err.count("\n") == 1
    assert (said.out, written(tunes)) == ("", [])
    assert said.code == code


def test_a_model_without_a_latent_space(cadenza, tunes, tiny_model):
    for model in ("lstm", tiny_model):
        said = cadenza("reconstruct", "choir.mid", "--style", "chorale", "--model", model, "--out", "out.mid")
        assert said.code == 41
        assert "has no latent space: choose a VAE, as in --model vae" in said.err


# The map


def test_a_map(asked, tunes):
    said = asked("map", ".", "--out", "out.png")
    assert said.code == 0
    assert re.fullmatch(r"6 pieces; the axes show \d+% of how they differ\n  out\.png\n", said.out)
    assert (tunes / "out.png").read_bytes().startswith(b"\x89PNG")
    (tunes / "broken.mid").write_bytes(b"no music")
    said = asked("map", ".", "--out", "out.png", "--most", 4)
    assert said.out.startswith("4 pieces; ")
    assert re.match(r"cadenza: left out: .*broken\.mid", said.err)
    assert said.err.endswith("\ncadenza: left out: 1 piece has other parts than style folk, or no notes\n")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("nowhere",), 31, "'nowhere' is neither a corpus"),
        (("empty",), 31, "holds no file that can be read"),
        (("choirs",), 2, "0 pieces of style folk in choirs: at least 3 are needed"),
        ((".", "--most", 1), 2, "most 1: must be 3 pieces or more"),
        ((".", "--out", "map.pdf"), 2, "a map is written as .png"),
        ((".", "--style", "chorale"), 2, "writes style folk, not chorale"),
    ],
)
def test_what_cannot_be_drawn(asked, tunes, words, code, line):
    (tunes / "empty").mkdir()
    data.write(scales(0), tunes / "choirs" / "choir.mid")
    said = asked("map", *words)
    assert said.code == code
    assert line in said.err
    assert said.err.count("\n") == 1
    assert not list(tunes.glob("**/*.p*"))


def test_a_piece_that_states_no_key(asked, tunes):
    """One is heard."""
    plain = tune(0, key="C major")
    data.write(Score((Track.from_notes(plain.tracks[0]),), meters=plain.meters), tunes / "keyless.mid")
    assert asked("reconstruct", "keyless.mid", "--out", "out.mid").code == 0
    assert data.read(tunes / "out.mid").keys
