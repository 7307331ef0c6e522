"""A prepared data set as training data: the pieces that were prepared, as scores and as tensors."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
sys.path.append(str(Path(__file__).parent / "ingest"))
from music import tune

import data
from data.dataset import entries, tensors, tokenizer_of
from data.ingest import Encoding, prepare
from data.ingest.preparation import CARD, UNFINISHED
from theory.errors import FileFormatError, InputFileError, RequestError, TokenError
from theory.tokens import Tokenizer

PIECES = 25


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for number in range(PIECES):
        data.write(tune(number), folder / f"{number:02}.mid")
    return folder


@pytest.fixture(scope="module")
def dataset(music, tmp_path_factory):
    out = tmp_path_factory.mktemp("dataset") / "set"
    prepare(music, out, encoding=Encoding(chords="none"), workers=1)
    return out


def test_entries_are_the_pieces(dataset, music):
    count, stream = entries(str(dataset))
    found = {entry.id: entry for entry in stream}
    assert count == len(found) == PIECES
    assert all(entry.error == "" for entry in found.values())
    for name, entry in found.items():
        assert entry.score == Tokenizer().quantize(data.read(music / name))
    assert {entry.side for entry in found.values()} == {"train", "valid", "test"}


def test_the_splits_are_those_of_the_folder_itself(dataset, music):
    sides = [{entry.id: entry.side for entry in entries(str(source))[1]} for source in (dataset, music)]
    assert sides[0] == sides[1]


@pytest.fixture(scope="module")
def tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")


@pytest.mark.parametrize("side", ["train", "valid", "test"])
def test_tensors_are_the_ids(dataset, tensorflow, side):
    wanted = [Tokenizer().encode(entry.score) for entry in entries(str(dataset))[1] if entry.side == side]
    stream = tensors(dataset, side)
    assert stream.element_spec == tensorflow.TensorSpec((None,), tensorflow.int32)
    for _ in range(2):  # it can be read again
        found = list(stream.as_numpy_iterator())
        assert len(found) == len(wanted)
        assert all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_tensors_can_be_batched(dataset, tensorflow):
    rows = sum(len(batch) for batch in tensors(dataset, "train").shuffle(100, seed=1).padded_batch(4))
    assert rows == sum(entry.side == "train" for entry in entries(str(dataset))[1])


def test_tokens_of_another_tokenizer_are_refused(music, tmp_path, tensorflow):
    coarse = Tokenizer(resolution=4)
    prepare(music, tmp_path / "set", encoding=Encoding(coarse, "none"), workers=1)
    with pytest.raises(TokenError, match=r"other tokens than are asked for \(resolution 4, not 24\)"):
        tensors(tmp_path / "set", "train")
    assert sum(1 for _ in tensors(tmp_path / "set", "train", coarse)) > 0
    assert tokenizer_of(str(tmp_path / "set")) == coarse
    for entry in entries(str(tmp_path / "set"))[1]:
        assert entry.score == coarse.quantize(data.read(music / entry.id))
    card = json.loads((tmp_path / "set" / CARD).read_text())
    (tmp_path / "set" / CARD).write_text(json.dumps(card | {"fingerprint": "0" * 64}))
    for use in (entries, tokenizer_of):
        with pytest.raises(TokenError, match="another vocabulary"):
            use(str(tmp_path / "set"))


@pytest.mark.parametrize("chords", ["heard", "written", "none"])
def test_chords_that_the_tokens_state_are_not_heard_again(music, tmp_path, chords):
    prepare(music, tmp_path / "set", encoding=Encoding(chords=chords), workers=1)
    found = list(entries(str(tmp_path / "set"))[1])
    if chords == "heard":
        assert all(entry.chords == entry.score.chords for entry in found)
        assert any(entry.chords for entry in found)
    else:
        assert all(entry.chords is None for entry in found)  # none are written in this music
    assert tokenizer_of(str(music)) == tokenizer_of("chorales") == Tokenizer()


def test_data_sets_that_are_none(dataset, tmp_path, tensorflow):
    (tmp_path / "begun" / UNFINISHED).mkdir(parents=True)
    for use in (entries, lambda folder: tensors(folder, "train")):
        with pytest.raises(FileFormatError, match="was not finished"):
            use(str(tmp_path / "begun"))
    with pytest.raises(FileFormatError, match="is no data set"):
        tensors(tmp_path, "train")
    with pytest.raises(InputFileError):
        entries(str(tmp_path / "nowhere"))
    for damage in ("", "{}", json.dumps({"summary": {"pieces": "4"}, "shards": []})):
        (tmp_path / CARD).write_text(damage)
        with pytest.raises(FileFormatError, match=r"dataset\.json is damaged"):
            entries(str(tmp_path))


def test_a_shard_that_is_gone_is_said(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "set")
    (tmp_path / "set" / "train-00000.parquet").unlink()
    with pytest.raises(FileFormatError, match="no shard that can be read"):
        list(entries(str(tmp_path / "set"))[1])


USES = (lambda folder: entries(str(folder)), lambda folder: tensors(folder, "train"))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.unlink(), "no shard that can be read: it is not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "no shard that can be read"),
        (lambda path: path.write_bytes(b""), "no shard that can be read"),
    ],
)
def test_a_damaged_shard_is_said_before_any_piece(dataset, tmp_path, tensorflow, damage, says):
    shutil.copytree(dataset, tmp_path / "set")
    damage(tmp_path / "set" / "train-00000.parquet")
    for use in USES:
        with pytest.raises(FileFormatError, match=says) as caught:
            use(tmp_path / "set")
        assert "train-00000.parquet" in str(caught.value)
        assert "prepare the data set again" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_shard_of_another_data_set_is_refused(dataset, music, tmp_path, tensorflow):
    prepare(music, tmp_path / "set", encoding=Encoding(Tokenizer(resolution=4), "none"), workers=1)
    shutil.copy(dataset / "train-00000.parquet", tmp_path / "set")
    for use in (USES[0], lambda folder: tensors(folder, "train", Tokenizer(resolution=4))):
        with pytest.raises(FileFormatError, match=r"train-00000\.parquet is a shard of another data set"):
            use(tmp_path / "set")


@pytest.mark.parametrize("chords", [None, "guessed", []])
def test_a_card_without_its_chords_is_damaged(dataset, tmp_path, chords):
    shutil.copytree(dataset, tmp_path / "set")
    card = json.loads((dataset / CARD).read_text())
    del card["chords"]
    (tmp_path / "set" / CARD).write_text(json.dumps(card if chords is None else card | {"chords": chords}))
    with pytest.raises(FileFormatError, match=r"dataset\.json is damaged"):
        entries(str(tmp_path / "set"))


def test_a_side_that_is_none(dataset, tensorflow):
    with pytest.raises(RequestError, match="side 'training': choose one of train, valid, test"):
        tensors(dataset, "training")
