"""`cadenza evaluate`: files, table, and one line for what cannot be evaluated."""

from __future__ import annotations

import csv
import json
import re

import pytest

from composer.evaluation import jobs, run, steered
from composer.style import FOLK


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(steered, "asks", lambda style: {"density": {"density": "2:6"}})
    monkeypatch.setattr(steered, "PIECES", 2)


@pytest.fixture
def violin(soundfont, tmp_path):
    content = bytearray(soundfont.read_bytes())
    program = content.index(b"phdr") + 8 + 20  # after the chunk's head and the preset's name
    content[program : program + 2] = FOLK.parts[0].program.to_bytes(2, "little")
    path = tmp_path / "violin.sf2"
    path.write_bytes(content)
    return path


def test_a_report_with_its_listening_test(cadenza, models, music, tmp_path, violin):
    options = ("--count", 8, "--workers", 1, "--soundfont", violin, "--out-dir", tmp_path / "report")
    against = ("--against", f"{music.folder}:test")
    said = cadenza("evaluate", models["lstm"], *against, *options, "--listening", tmp_path / "blind")
    assert said.code == 0, said.err
    assert "overlap" in said.out
    assert "5-gram" in said.out
    assert "17 of 17 pieces are used" in said.err
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if "kept" not in path.parts}
    sounds = {f"blind/{number:02d}-{letter}.{'mp3'}" for number in range(1, 9) for letter in "ab"}
    rest = {"report", "blind", "report/report.html", "report/report.json", "blind/index.html", "blind-key.json"}
    assert names - sounds == rest | {"violin.sf2"}
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [row["architecture"] for row in figures["rows"]] == ["lstm", "5-gram", "real"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<audio") == 9

    key = json.loads((tmp_path / "blind-key.json").read_text())
    blind = (tmp_path / "blind" / "index.html").read_text()
    assert len(key["pairs"]) == blind.count("<section") == 8
    assert all({pair["a"], pair["b"]} == {"lstm", "real held-out"} for pair in key["pairs"])
    assert len({pair["a"] for pair in key["pairs"]}) == 2, "A is now this one, now that"
    assert key["test"] in blind
    assert not re.search("lstm|real|held", blind), "nothing on the page gives it away"
    (columns,) = csv.reader([", ".join(key["answers"])], skipinitialspace=True)
    assert columns == ["test", "listener", "pair", "preference", "plays_a", "plays_b", "comment"]

    again = cadenza("evaluate", models["lstm"], *against, *options, "--json")
    assert again.code == 0
    assert (tmp_path / "report" / "report.html").read_text() == page
    answer = json.loads(again.out)
    assert answer["rows"] == figures["rows"]


def test_broken_off_it_says_where_it_goes_on(cadenza, models, music, tmp_path, monkeypatch):
    def stop(job):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "_run", stop)
    out = ("--out-dir", tmp_path / "report", "--workers", 1)
    said = cadenza("evaluate", models["lstm"], "--against", music.folder, "--count", 8, *out)
    assert (said.code, said.out) == (130, "")
    assert said.err.strip().endswith("report; the same command goes on")


def test_broken_off_before_anything_was_done_it_says_so(cadenza, models, music, tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "held_out", stop)
    out = ("--out-dir", tmp_path / "report", "--workers", 1)
    said = cadenza("evaluate", models["lstm"], "--against", music.folder, "--count", 8, *out)
    assert (said.code, said.out, said.err) == (130, "", "cadenza: interrupted: nothing was done yet\n")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("folk-tcn",), 14, "no model is called 'folk-tcn': choose among chorale-lstm"),
        (("{lstm}", "--against", "{music}:train"), 2, "choose {music}:test or {music}:valid"),
        (("{lstm}", "--against", "nowhere"), 31, "'nowhere' is neither a corpus"),
        (("{lstm}", "chorale-lstm"), 2, "compare like with like"),
        (("chorale-lstm",), 2, "no piece for chorale on its training side"),
        (("{lstm}", "--bars", 12), 2, "0 of 17 have 12 bars"),
        (("{lstm}", "--count", 1), 2, "count 1: must be 8"), (("{lstm}", "--count", "x"), 2, "no whole number"),
        (("{lstm}", "--workers", 0), 2, "--workers 0: must be 1 or more"),
        (("{lstm}", "--soundfont", "none.sf2"), 52, "none.sf2"),
        (("{lstm}", "--out-dir", "{music}"), 2, "is read for this: give another folder"),
        (("{lstm}@hot",), 2, "hot: what stands behind @ is a temperature"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_one_line(cadenza, models, music, tmp_path, options, code, says):
    places = {"music": music.folder, "lstm": models["lstm"]}
    given = [str(option).format(**places) for option in options]
    defaults = {"--against": music.folder, "--out-dir": tmp_path / "report", "--workers": 1}
    for name, value in defaults.items():
        if name not in given:
            given += [name, value]
    said = cadenza("evaluate", *given)
    assert (said.code, said.out) == (code, "")
    assert says.format(**places) in said.err
    assert said.err.count("\n") == 1
