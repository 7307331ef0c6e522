"""Preparing a folder: nothing lost, nothing done twice, the same bytes whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from music import fill, tune

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
import data
from data.ingest import Encoding, prepare, shards, stage
from data.ingest.preparation import CARD, PAGE, QUARANTINE, STATISTICS, UNFINISHED
from data.split import split_of
from theory.errors import DependencyError, FileFormatError, InputFileError, OutputError, WorkerError
from theory.tokens import Tokenizer

ROOT = Path(__file__).parents[3]
PIECES = 30
PROGRAM = """
import sys, time
from pathlib import Path
from data.ingest import prepare, stage
stage.BATCH = 8
class Slow:  # so that it is not done before it is killed, however fast the machine
    def phase(self, text): pass
    def begin(self, done, total): pass
    def step(self, refused): time.sleep(0.02)
if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]), workers=int(sys.argv[3]), watcher=Slow())
"""


class Watch:
    """A watcher that notes what it is told."""

    def __init__(self, stop_after=None):
        self.begun, self.steps, self.refused, self.stop_after = None, 0, 0, stop_after

    def phase(self, text):
        pass

    def begin(self, done, total):
        self.begun = done, total

    def step(self, refused):
        self.steps += 1
        self.refused += refused
        if self.steps == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    before, stage.BATCH = stage.BATCH, 8
    yield
    stage.BATCH = before


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    fill(folder, PIECES)
    up = tune(1).replace(tracks=[track.replace(pitch=track.pitch + 3) for track in tune(1).tracks])
    data.write(up, folder / "transposed.mid")
    data.write(tune(2), folder / "copy.mid")
    data.write(tune(3), folder / "set 0" / "003.musicxml")
    return folder


@pytest.fixture(scope="module")
def whole(music, tmp_path_factory):
    """A data set made without a break, by one process."""
    out = tmp_path_factory.mktemp("out") / "whole"
    return out, prepare(music, out, workers=1)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rows(folder):
    paths = sorted(folder.glob("*.parquet"))
    return {row["id"]: row for table in shards.blocks(paths) for row in table.to_pylist()}


def test_every_piece_is_there_or_in_quarantine(whole, music):
    out, summary = whole
    assert {path.name for path in out.iterdir()} >= {CARD, PAGE, QUARANTINE, STATISTICS, "train-00000.parquet"}
    assert not (out / UNFINISHED).exists()
    refused = [json.loads(line) for line in (out / QUARANTINE).read_text().splitlines()]
    assert [(row["id"], row["kind"]) for row in refused] == [("damaged.mid", "damaged"), ("empty.mid", "damaged")]
    found = rows(out)
    assert len(found) == summary.pieces == PIECES + 1 + 2 + 1 + 3
    assert {"book.abc#1", "book.abc#2", "song.krn", "set 0/score.musicxml", "set 2/029.mid"} <= found.keys()
    assert summary.quarantined == {"damaged": 2}
    assert summary.tokens == sum(len(row["tokens"]) for row in found.values())


def test_rows_are_the_files(whole, music):
    found = rows(whole[0])
    row = found["set 1/004.mid"]
    score = data.read(music / "set 1/004.mid")
    decoded = Tokenizer().decode(row["tokens"])
    assert decoded.chords
    assert decoded.replace(chords=()) == Tokenizer().quantize(score)
    assert (row["title"], row["source"], row["license"]) == ("Tune 4", music.name, "not stated")
    assert (row["bars"], row["notes"]) == (score.bars, score.notes)


def test_no_group_stands_in_two_splits(whole):
    found = rows(whole[0])
    assert all(row["split"] == split_of(row["group"]) for row in found.values())
    assert found["transposed.mid"]["group"] == found["set 1/001.mid"]["group"]
    assert found["transposed.mid"]["copy_of"] == ""
    copies = {row["copy_of"]: id_ for id_, row in found.items() if row["copy_of"]}
    assert copies == {"copy.mid": "set 2/002.mid", "set 0/003.mid": "set 0/003.musicxml"}
    assert found["set 0/003.mid"]["group"] == found["set 0/003.musicxml"]["group"] == "set 0/003"
    assert len({row["group"] for row in found.values()}) == whole[1].groups == len(found) - 3
    assert {side: sum(row["split"] == side for row in found.values()) for side in shards.SIDES} == whole[1].splits


def test_a_shard_says_what_its_ids_mean(whole):
    meta = shards.meta_of(whole[0] / "train-00000.parquet")
    assert meta["fingerprint"] == Tokenizer().fingerprint
    assert meta["chords"] == "heard"
    assert meta["tokenizer"]["resolution"] == 24


def test_numbers_add_up(whole):
    out, summary = whole
    statistics = json.loads((out / STATISTICS).read_text())
    card = json.loads((out / CARD).read_text())
    notes = sum(row["notes"] for row in rows(out).values())
    assert sum(statistics["pitches"].values()) == notes
    assert sum(statistics["durations"].values()) == notes
    assert sum(statistics["keys"].values()) == summary.pieces
    assert card["summary"]["splits"] == summary.splits
    page = (out / PAGE).read_text()
    assert page.count("<img") == len(statistics) - 2  # of all but drums, which there are none of, and what was left out
    assert f"{notes:,}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_two_processes_give_the_same_bytes(whole, music, tmp_path):
    assert prepare(music, tmp_path / "out", workers=2) == whole[1]
    assert content(tmp_path / "out") == content(whole[0])


@pytest.mark.parametrize("steps", [1, 8, 13, 30])
def test_a_run_broken_off_goes_on(whole, music, tmp_path, steps):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare(music, out, workers=1, watcher=Watch(stop_after=steps))
    assert not list(out.glob("*.parquet"))
    watch = Watch()
    assert prepare(music, out, workers=1, watcher=watch) == whole[1]
    total = PIECES + 9
    assert watch.begun == (steps // 8 * 8 if steps % 8 else steps - 8, total)
    assert watch.steps == total - watch.begun[0]
    assert content(out) == content(whole[0])


def test_a_killed_run_goes_on(whole, music, tmp_path):
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py"), str(music), str(out), "2"]
    kills = 0
    for pause in (0.0, 0.05, 0.01):
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            before = len(list((out / UNFINISHED).glob("batch-*.json")))
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                if len(list((out / UNFINISHED).glob("batch-*.json"))) > before:
                    time.sleep(pause)
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
            process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills == 3
    done = len(list((out / UNFINISHED).glob("batch-*.json")))
    assert done >= 3
    watch = Watch()
    assert prepare(music, out, workers=2, watcher=watch) == whole[1]
    assert watch.begun[0] >= 8 * (done - 1)
    assert content(out) == content(whole[0])


@pytest.mark.parametrize("last", ["quarantine.jsonl", "train-00000.parquet", "test-00000.parquet", "dataset.json"])
def test_a_run_that_ends_while_it_finishes_goes_on(whole, music, tmp_path, monkeypatch, last):
    out, real = tmp_path / "out", os.replace

    def replace(source, target):
        if Path(target) == out / last:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        prepare(music, out, workers=1)
    monkeypatch.undo()
    watch = Watch()
    assert prepare(music, out, workers=1, watcher=watch) == whole[1]
    assert watch.steps == 0  # nothing was read again
    assert content(out) == content(whole[0])


def test_a_changed_folder_is_read_anew(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    fill(folder, 12)
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, out, workers=1, watcher=Watch(stop_after=12))
    data.write(tune(77), folder / "set 0" / "000.mid")
    watch = Watch()
    prepare(folder, out, workers=1, watcher=watch)
    assert watch.begun[0] == 0
    assert rows(out)["set 0/000.mid"]["title"] == "Tune 77"
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "other", workers=1, watcher=Watch(stop_after=12))
    watch = Watch()
    prepare(folder, tmp_path / "other", workers=1, watcher=watch, encoding=Encoding(chords="none"))
    assert watch.begun[0] == 0


def test_rights_stand_with_each_piece(tmp_path):
    fill(tmp_path / "in", 4)
    (tmp_path / "in" / "set 1" / "cadenza.toml").write_text('source = "B"\nlicense = "CC BY 4.0"\n')
    prepare(tmp_path / "in", tmp_path / "out", source="A", license="CC0 1.0", workers=1)
    found = rows(tmp_path / "out")
    assert [found["set 1/001.mid"][name] for name in ("source", "license")] == ["B", "CC BY 4.0"]
    assert [found["set 2/002.mid"][name] for name in ("source", "license")] == ["A", "CC0 1.0"]
    assert "CC BY 4.0" in (tmp_path / "out" / PAGE).read_text()


def test_folders_that_make_no_sense(whole, music, tmp_path):
    with pytest.raises(InputFileError, match="is no folder"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match="holds no file that can be read"):
        prepare(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(OutputError, match="already holds a data set"):
        prepare(music, whole[0])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="is not empty"):
        prepare(music, tmp_path / "mine")
    with pytest.raises(OutputError, match="cannot be a folder"):
        prepare(music, tmp_path / "mine" / "letter.txt")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_folder_of_damage(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.mid").write_bytes(b"no MIDI")
    with pytest.raises(FileFormatError, match=r"none of the files can be used \(damaged: 3\)"):
        prepare(tmp_path / "in", tmp_path / "out", workers=1)
    assert (tmp_path / "out" / QUARANTINE).read_text().count("\n") == 3
    data.write(tune(1), tmp_path / "in" / "0.mid")
    assert prepare(tmp_path / "in", tmp_path / "out", workers=1).pieces == 1


def test_blocks_are_views_on_arrow(whole):
    table = next(shards.blocks([whole[0] / "train-00000.parquet"], ["tokens"]))
    block = shards.tokens_of(table)
    assert block.values.dtype == np.int32
    assert not block.values.flags.writeable
    assert not block.values.flags.owndata
    lists = table.column("tokens").to_pylist()
    assert [block.values[a:b].tolist() for a, b in zip(block.offsets, block.offsets[1:], strict=False)] == lists


def test_shards_are_cut_by_their_rows_alone(tmp_path, monkeypatch):
    pa, _ = shards.arrow()
    monkeypatch.setattr(shards, "_TOKENS_A_BLOCK", 50)
    monkeypatch.setattr(shards, "_TOKENS_A_SHARD", 200)
    schema = pa.schema([("tokens", pa.list_(pa.int32()))])
    pieces = [np.arange(number % 23, dtype=np.int32) for number in range(200)]
    written = []
    for step in (200, 7, 1):
        (tmp_path / str(step)).mkdir()
        writer = shards.Writer(tmp_path / str(step), "x", schema)
        for start in range(0, 200, step):
            tokens = shards.lists_of(pieces[start : start + step], pa.int32())
            writer.write(pa.table({"tokens": tokens}, schema=schema))
        writer.close()
        written.append(content(tmp_path / str(step)))
        values = [row for table in shards.blocks(writer.paths) for row in table.column("tokens").to_pylist()]
        assert values == [piece.tolist() for piece in pieces]
    assert len(written[0]) > 5
    assert written[0] == written[1] == written[2]


def test_a_damaged_shard_is_said(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(FileFormatError, match="no shard that can be read"):
        list(shards.blocks([tmp_path / "x.parquet"]))
    with pytest.raises(FileFormatError, match="no shard that can be read"):
        shards.meta_of(tmp_path / "x.parquet")
    pa, parquet = shards.arrow()
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(FileFormatError, match="no shard of a data set"):
        shards.meta_of(tmp_path / "x.parquet")


@pytest.mark.parametrize("there", [False, True])
def test_a_refusal_before_any_work_leaves_nothing(tmp_path, there):
    folder, out = tmp_path / "in", tmp_path / "new" / "out"
    folder.mkdir()
    if there:
        out.mkdir(parents=True)
        (out / QUARANTINE).touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputFileError, match="holds no file"):
        prepare(folder, out, workers=1)
    assert sorted(tmp_path.rglob("*")) == before
    data.write(tune(1), folder / "1.mid")
    (folder / "cadenza.toml").write_text("licence = 'CC0'")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileFormatError, match="says licence"):
        prepare(folder, out, workers=1)
    (folder / "cadenza.toml").write_text("license = 'CC0'")
    with pytest.raises((DependencyError, WorkerError)):
        prepare(folder, out, ray="127.0.0.1:1")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refusal_keeps_the_work_of_an_earlier_run(music, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare(music, out, workers=1, watcher=Watch(stop_after=20))
    with pytest.raises((DependencyError, WorkerError)):
        prepare(music, out, ray="127.0.0.1:1")
    assert len(list((out / UNFINISHED).glob("batch-*.json"))) == 2


def test_a_data_set_inside_its_folder(tmp_path):
    data.write(tune(1), tmp_path / "1.mid")
    assert prepare(tmp_path, tmp_path / "set", workers=1).pieces == 1
    assert prepare(tmp_path, tmp_path / "again", workers=1).pieces == 1
    assert content(tmp_path / "set") == content(tmp_path / "again")
