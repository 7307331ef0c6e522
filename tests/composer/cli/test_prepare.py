"""`cadenza prepare`: what a user sees, and that the data set can be trained on."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
sys.path.append(str(Path(__file__).parents[1]))
from tiny_models import scales

import data
from data.split import split_of


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Four-part pieces, two of them to validate, and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    names = {side: [str(n) for n in range(40) if split_of(str(n)) == side] for side in ("train", "valid")}
    for seed, name in enumerate(names["train"][:4] + names["valid"][:2]):
        data.write(scales(seed), folder / f"{name}.mid")
    (folder / "broken.mid").write_text("no MIDI")
    return folder


@pytest.fixture(scope="module")
def said_and_folder(music, tmp_path_factory):
    import subprocess

    out = tmp_path_factory.mktemp("out") / "set"
    command = [sys.executable, "-m", "composer", "prepare", str(music), "--out-dir", str(out), "--license", "CC0 1.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    return done, out


def test_what_it_says(said_and_folder):
    done, out = said_and_folder
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("6 pieces (")
    assert lines[1] == f"1 in quarantine (1 damaged): see {out / 'quarantine.jsonl'}"
    assert lines[2].startswith(f"look at {out / 'report.html'}")
    assert done.stderr == ""


def test_json(cadenza, music, tmp_path):
    said = cadenza("prepare", music, "--out-dir", tmp_path / "set", "--chords", "none", "--workers", 1, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["quarantined"] == {"damaged": 1}


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow: pip install 'cadenza[train]'"
)
def test_it_can_be_trained_on(cadenza, said_and_folder, tmp_path):
    said = cadenza(
        "train", said_and_folder[1], "--out-dir", tmp_path / "run", "--epochs", 1, "--units", 4, "--batch-size", 4
    )
    assert said.code == 0, said.err
    assert " pieces to train on, " in said.err
    assert (tmp_path / "run" / "weights.safetensors").is_file()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--chords", "guessed"), 2, "chords 'guessed': choose one of"),
        (("--resolution", 5), 40, "resolution 5: choose one of"),
        (("--workers", 0), 2, "'--workers'"),
    ],
)
def test_options_that_make_no_sense(cadenza, music, tmp_path, options, code, says):
    said = cadenza("prepare", music, "--out-dir", tmp_path / "set", *options)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "set").exists()


def test_no_folder(cadenza, tmp_path):
    said = cadenza("prepare", tmp_path / "nowhere", "--out-dir", tmp_path / "set")
    assert said.code == 31
    assert "is no folder" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_does_not_answer(cadenza, music, tmp_path):
    if importlib.util.find_spec("ray") is None:
        code, says = 60, "pip install 'cadenza[cluster]'"
    else:
        code, says = 70, "no Ray cluster answers at 127.0.0.1:1"
    said = cadenza("prepare", music, "--out-dir", tmp_path / "set", "--ray", "127.0.0.1:1")
    assert said.code == code
    assert says in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("folder", "out", "code", "says"), [("", "set", 31, "FOLDER is empty"), (".", "", 32, "--out-dir is empty")]
)
def test_an_empty_name_is_not_the_current_folder(cadenza, tmp_path, monkeypatch, folder, out, code, says):
    monkeypatch.chdir(tmp_path)
    data.write(scales(1), tmp_path / "1.mid")
    said = cadenza("prepare", folder, "--out-dir", out)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["1.mid"]
