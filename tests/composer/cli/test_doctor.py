"""`cadenza doctor`: what is installed."""

from __future__ import annotations

import json

from composer import bundle


def test_a_table_a_line_a_thing(cadenza, soundfont, monkeypatch):
    monkeypatch.setenv("CADENZA_SOUNDFONT", str(soundfont))
    said = cadenza("doctor")
    assert (said.code, said.err) == (0, "")
    states = {line[10:].split("  ")[0].strip(): line.split()[0] for line in said.out.splitlines()}
    for name in ("Python", "numpy", "mido", "libfluidsynth", "soundfont", "models", "styles"):
        assert states[name] == "ok", name
    assert set(states.values()) <= {"ok", "optional"}


def test_findings_for_programs(cadenza):
    found = {item["name"]: item for item in json.loads(cadenza("doctor", "--json").out)["findings"]}
    assert found["models"]["detail"] == ", ".join(bundle.names())
    assert "chorale" in found["styles"]["detail"]


def test_what_is_missing_is_said_with_exit_code_1(cadenza, soundfont, monkeypatch, tmp_path):
    monkeypatch.setenv("CADENZA_SOUNDFONT", str(tmp_path / "none.sf2"))
    said = cadenza("doctor")
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("missing")]
    assert "none.sf2: no such soundfont" in line
