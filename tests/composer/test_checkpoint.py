"""Checkpoints: whole or not at all, and the same bytes for the same state."""

from __future__ import annotations

import numpy as np
import pytest

from composer import checkpoint
from theory.errors import ModelError, OutputError

ARRAYS = {
    "b": np.arange(6, dtype=np.float16).reshape(2, 3).T,
    "a": np.array(7, dtype=np.int64),  # no dimension, as an optimizer's step count
    "c": np.empty((0, 4), dtype=np.float32),
    "d": np.array([1.5, -0.0, np.inf], dtype=np.float32),
}


def test_what_is_saved_comes_back(tmp_path):
    checkpoint.save(tmp_path / "deep" / "x.safetensors", ARRAYS, {"b": [1, 2.5], "a": "é"})
    arrays, meta = checkpoint.load(tmp_path / "deep" / "x.safetensors")
    assert meta == {"b": [1, 2.5], "a": "é"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].shape == array.shape
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_state_is_the_same_bytes(tmp_path):
    checkpoint.save(tmp_path / "a", ARRAYS, {"x": 1, "y": 2})
    checkpoint.save(tmp_path / "b", dict(reversed(ARRAYS.items())), {"y": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_save_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "x"
    checkpoint.save(path, ARRAYS, {})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        checkpoint.save(path, {}, {"not JSON": object()})
    assert path.read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(tmp_path / "file" / "x", ARRAYS, {})
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "x"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:5],
        lambda b: b[:60],
        lambda b: b[:-1],
        lambda b: b + b"x",
        lambda b: b"\xff" * 9 + b[9:],
    ],
)
def test_damaged_files(tmp_path, damage):
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, ARRAYS, {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=r"x\.safetensors is no readable checkpoint") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="no readable checkpoint"):
            checkpoint.load(path)
