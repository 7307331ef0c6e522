"""Data sets: the same pieces in the same order on the same sides, whatever the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import data
from data import corpora, dataset
from data.dataset import entries
from data.split import split_of
from theory.errors import InputFileError
from theory.score import Score

ROOT = Path(__file__).parents[2]
# In a process of its own, because reading forks: other tests load libraries that start threads.
LIST = """
import json, sys
from data.dataset import entries
if __name__ == "__main__":
    count, stream = entries(sys.argv[1])
    rows = [(entry.id, entry.side, entry.score and entry.score.notes, entry.error) for entry in stream]
    print(json.dumps([count, rows]))
"""


def listed(source: Path) -> list:
    command = [sys.executable, "-c", LIST, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(
        ["b/2.mid", "b/10.mid", "a/z.MID", "a/é.mid", "c.mid", "B.mid", "b.mid/inner.mid"], start=1
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        data.write(Score.from_notes([(480 * n, 480, 60) for n in range(number)]), tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no music")
    (tmp_path / "a" / "damaged.mid").write_text("no MIDI")
    return tmp_path


def test_all_files_of_a_folder_in_order_of_their_paths(folder):
    count, rows = listed(folder)
    assert count == len(rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    notes = {"b/2.mid": 1, "b/10.mid": 2, "a/z.MID": 3, "a/é.mid": 4, "c.mid": 5, "B.mid": 6, "b.mid/inner.mid": 7}
    assert {name: number for name, _, number, _ in rows if number} == notes
    assert all(side == split_of(name[: name.rindex(".")]) for name, side, _, _ in rows)


def test_one_piece_in_two_formats_stays_on_one_side(tmp_path):
    for number in range(12):
        for suffix in ("mid", "musicxml"):
            data.write(Score.from_notes([(0, 480, 60)]), tmp_path / f"{number}.{suffix}")
    _, rows = listed(tmp_path)
    sides = {name: side for name, side, _, _ in rows}
    assert len(set(sides.values())) > 1
    assert all(sides[f"{number}.mid"] == sides[f"{number}.musicxml"] for number in range(12))


def test_reading_a_folder_twice_gives_the_same(folder):
    count, rows = listed(folder)
    assert listed(folder) == [count, rows]


def test_what_cannot_be_read_says_why_in_one_line(folder):
    _, rows = listed(folder)
    failed = {name: error for name, _, number, error in rows if number is None}
    assert failed.keys() == {"a/damaged.mid", "b.mid"}
    assert "no MIDI file" in failed["a/damaged.mid"]
    assert all(error and "\n" not in error for error in failed.values())
    assert all(error == "" for name, _, _, error in rows if name not in failed)


@pytest.mark.parametrize("source", ["nowhere", "", "a\0b", "x" * 5000])
def test_neither_a_corpus_nor_a_folder(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputFileError) as caught:
        entries(source)
    assert "\n" not in str(caught.value)


def test_a_folder_without_music(tmp_path):
    (tmp_path / "notes.txt").write_text("la")
    with pytest.raises(InputFileError, match="holds no file that can be read"):
        entries(str(tmp_path))


def test_a_corpus_has_all_its_pieces():
    count, _ = entries("chorales")  # nothing is parsed before the first piece is asked for
    assert count == len(corpora.get("chorales").ids()) > 300


def test_the_split_is_for_ever():
    assert [split_of(name) for name in ("chorales/bwv244.15", "a", "b", "song.mid", "é")] == [
        "train",
        "test",
        "train",
        "train",
        "valid",
    ]
    sides = [split_of(f"piece {n}") for n in range(2000)]
    assert 1500 < sides.count("train") < 1700
    assert 140 < sides.count("valid") < 260
    assert 140 < sides.count("test") < 260


def test_pipes_dangling_links_and_books_without_tunes_cost_one_file_each(folder):
    os.mkfifo(folder / "a" / "pipe.mid")
    (folder / "a" / "gone.mid").symlink_to(folder / "nowhere.mid")
    (folder / "bad.abc").write_text("K:C\nX:1\nT:no tune\n")
    _, rows = listed(folder)
    failed = {name: error for name, _, number, error in rows if number is None}
    assert "no ordinary file" in failed["a/pipe.mid"]
    assert "No such file" in failed["a/gone.mid"]
    assert "no tune of it has a K: field" in failed["bad.abc"]


def test_a_bug_of_a_reader_is_one_line(monkeypatch):
    def broken(_):
        raise StopIteration("somewhere\nin it")

    monkeypatch.setattr(dataset, "read_with_report", broken)
    assert dataset._read_file(Path("x"), "y.mid") == "y.mid met an unexpected error: StopIteration: somewhere in it"
