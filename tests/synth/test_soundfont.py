"""Which soundfont is played, and files that are none."""

from __future__ import annotations

import hashlib

import pytest
from tiny_soundfont import chunk, riff_list, tiny_soundfont

from synth.renderer import render
from synth.soundfont import VARIABLE, check, find_soundfont, sha256
from theory.errors import SoundfontError
from theory.score import Score

WHOLE = tiny_soundfont()
BROKEN = {
    "text": (b"This is a text file.\n" * 20, "another kind of file"),
    "empty": (b"", "an empty file"),
    "truncated": (WHOLE[: len(WHOLE) // 2], f"truncated soundfont: {len(WHOLE) // 2} of {len(WHOLE)} bytes"),
    "header only": (WHOLE[:12], "truncated"),
    "dls": (chunk(b"RIFF", b"DLS " + bytes(100)), "DLS"),
    "wave": (chunk(b"RIFF", b"WAVE" + bytes(100)), "another kind of file"),
    "no samples": (chunk(b"RIFF", b"sfbk" + riff_list(b"INFO")), "sdta list is missing"),
    "no presets": (
        chunk(b"RIFF", b"sfbk" + riff_list(b"INFO") + riff_list(b"sdta") + riff_list(b"pdta")),
        "phdr table is broken",
    ),
    "list too long": (chunk(b"RIFF", b"sfbk" + b"LIST\xff\xff\0\0INFO" + bytes(40)), "INFO list runs past the end"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_soundfont_is_one_clear_line(kind, tmp_path, capfd):
    content, reason = BROKEN[kind]
    path = tmp_path / "bad.sf2"
    path.write_bytes(content)
    with pytest.raises(SoundfontError, match=reason) as caught:
        render(Score.from_notes([(0, 48, 60)]), soundfont=path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(SoundfontError, match="no such soundfont"):
        find_soundfont(tmp_path / "none.sf2")
    with pytest.raises(SoundfontError, match="a folder"):
        find_soundfont(tmp_path)


def test_what_only_fluidsynth_sees_is_its_reason_and_not_on_stderr(fluidsynth, tmp_path, capfd):
    damaged = bytearray(WHOLE)
    last_preset = WHOLE.index(b"EOP")
    damaged[last_preset + 24 : last_preset + 26] = b"\xff\xff"  # its bag, of which there are two
    path = tmp_path / "damaged.sf2"
    path.write_bytes(damaged)
    with pytest.raises(SoundfontError, match=r"FluidSynth cannot read the soundfont: .+"):
        render(Score.from_notes([(0, 48, 60)]), soundfont=path)
    assert capfd.readouterr() == ("", "")


def test_the_choice_comes_before_the_environment_and_that_before_what_is_installed(tmp_path, monkeypatch):
    first, second = tmp_path / "first.sf2", tmp_path / "second.sf2"
    for path in (first, second):
        path.write_bytes(WHOLE)
    monkeypatch.delenv(VARIABLE, raising=False)
    installed = find_soundfont()
    check(installed)
    monkeypatch.setenv(VARIABLE, str(second))
    assert find_soundfont() == second
    assert find_soundfont(str(first)) == first
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.sf2"))
    with pytest.raises(SoundfontError, match=r"gone\.sf2: no such soundfont"):
        find_soundfont()
    assert installed not in (first, second)


def test_sha256(tmp_path):
    path = tmp_path / "some.sf2"
    path.write_bytes(WHOLE)
    assert sha256(path) == hashlib.sha256(WHOLE).hexdigest()
    with pytest.raises(SoundfontError, match="cannot be read"):
        sha256(tmp_path / "none.sf2")
