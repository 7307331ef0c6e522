"""`cadenza train`: what cannot be trained is said before TensorFlow is loaded. (Training itself: ../test_train.py.)"""

from __future__ import annotations

import importlib.util

import pytest

needs_training = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow: pip install 'cadenza[train]'"
)


@needs_training
@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--style", "jazz"), 14, "choose one of chorale"),
        (("--epochs", 0), 2, "epochs 0"), (("--batch-size", -1), 2, "batch size -1"), (("--units", 0), 2, "units 0"),
        (("--learning-rate", "nan"), 2, "learning rate nan"), (("--patience", 0), 2, "patience 0"),
        (("--seed", -1), 2, "seed -1"), (("--resume",), 42, "no checkpoint to resume from"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(cadenza, tmp_path, options, code, says):
    said = cadenza("train", tmp_path, "--out-dir", tmp_path / "run", *options)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@needs_training
def test_a_run_is_not_overwritten(cadenza, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_text("mine")
    said = cadenza("train", tmp_path, "--out-dir", tmp_path)
    assert said.code == 42
    assert "already holds a run: add --resume" in said.err
    assert (tmp_path / "checkpoint.safetensors").read_text() == "mine"


@needs_training
@pytest.mark.parametrize("source", ["no such corpus", "", "x" * 5000])
def test_neither_a_corpus_nor_a_folder(cadenza, tmp_path, source):
    said = cadenza("train", source, "--out-dir", tmp_path / "run")
    assert said.code == 31
    assert "neither a corpus (chorales" in said.err or "holds no file" in said.err
    assert said.err.count("\n") == 1


@needs_training
def test_a_folder_without_music(cadenza, tmp_path):
    (tmp_path / "notes.txt").write_text("la la la")
    said = cadenza("train", tmp_path, "--out-dir", tmp_path / "run")
    assert said.code == 31
    assert "holds no file that can be read" in said.err
