"""`cadenza corpus`: what comes along, under which licence, and where it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data import corpora


def test_list(cadenza):
    said = cadenza("corpus", "list")
    assert said.code == 0
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == list(corpora.names())
    assert lines[0].split()[1:5] == ["365", "pieces", "1.8", "MB"]


def test_list_for_programs(cadenza):
    rows = json.loads(cadenza("corpus", "list", "--json").out)["corpora"]
    assert [row["name"] for row in rows] == list(corpora.names())
    for row in rows:
        assert row["pieces"] == len(corpora.get(row["name"]))
        assert row["files"] > 0 < row["bytes"]
        assert row["license"]
        assert row["citation"]


@pytest.mark.parametrize("name", corpora.names())
def test_show(cadenza, name):
    said = cadenza("corpus", "show", name)
    assert said.code == 0
    labels = [line.split()[0] for line in said.out.splitlines()]
    assert labels == ["title", "size", "source", "licence", "cite", "path", "models"]


def test_the_shipped_models_name_their_corpus(cadenza):
    assert json.loads(cadenza("corpus", "show", "chorales", "--json").out)["models"] == ["chorale-lstm"]
    card = Path(__file__).parents[3] / "composer" / "pretrained" / "chorale-lstm" / "README.md"
    assert "cadenza train chorales" in card.read_text()


def test_path(cadenza):
    folder = Path(cadenza("corpus", "path", "oneills_1850").out.rstrip("\n"))
    files = [Path(line) for line in cadenza("corpus", "path", "oneills_1850", "--files").out.splitlines()]
    assert files
    assert all(file.is_file() and folder in file.parents for file in files)
    assert sorted(folder.glob("*.abc")) == files


@pytest.mark.parametrize("command", ["show", "path"])
def test_no_such_corpus(cadenza, command):
    said = cadenza("corpus", command, "nope")
    assert (said.code, said.out) == (14, "")
    assert said.err == f"cadenza: no corpus is called 'nope': choose one of {', '.join(corpora.names())}\n"


def test_without_arguments_it_helps(cadenza):
    said = cadenza("corpus")
    assert (said.code, said.err) == (0, "")
    assert "The corpora that come along" in said.out
    assert all(command in said.out for command in ("list", "show", "path"))
