"""**kern files."""

from __future__ import annotations

from pathlib import Path

import pytest

from data import kern
from theory.errors import FileFormatError, InputFileError
from theory.key import Key
from theory.pitch import name_of

TWO_VOICES = """!!!OTL: Two Voices
**kern\t**kern
*k[f#]\t*k[f#]
*G:\t*G:
*M3/4\t*M3/4
4D\t4dd
=1\t=1
4G\t(8b
.\t8cc)
[2B-\t2dd;
=2\t=2
4B-]\t12ee
.\t12dd
.\t12cc
2G\t2b;
==\t==
*-\t*-
"""


def test_two_voices(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.krn"
    path.write_text(TWO_VOICES)
    score, left_out = kern.read_with_report(path)
    upper, lower = score.tracks  # the score's order: kern writes the lowest voice first
    quarter = score.ticks_per_quarter
    assert score.title == "Two Voices"
    assert lower.spelling is not None
    assert [name_of(int(place)) for place in lower.spelling] == ["D", "G", "Bb", "G"]
    assert [int(tick) / quarter for tick in lower.duration] == [1, 1, 3, 2]
    assert [3 * int(tick) / quarter for tick in upper.duration[4:7]] == [1, 1, 1]
    assert [str(event.meter) for event in score.meters] == ["1/4", "3/4"]
    assert [event.key for event in score.keys] == [Key.parse("G major")]
    assert [(marker.tick / quarter, marker.text) for marker in score.markers] == [(2, "fermata"), (5, "fermata")]
    assert left_out == {}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"\x00\x01**kern", "no text"), (b"!! nothing\n", r"\*\*kern"), (b"**mens\n*-\n", r"\*\*kern"),
     (b"**kern\t**kern\n4c\n5e\t6f\t7g\n", "kern")],
)  # fmt: skip
def test_what_is_no_kern_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.krn"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        kern.read(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"none\.krn"):
        kern.read(tmp_path / "none.krn")


@pytest.mark.parametrize("meter", ["*M1000/4", "*M99999/4", "*M40/4+40/4", "*M33/0", "*M4/4096"])
def test_meters_beyond_all_bounds_are_left_out(tmp_path: Path, meter: str) -> None:
    path = tmp_path / "x.krn"  # music21 divides such bars for minutes, or without end
    path.write_text(TWO_VOICES.replace("*M3/4", meter))
    score, left_out = kern.read_with_report(path)
    assert (score.notes, left_out) == (12, {"meter": 1})
    path.write_text(TWO_VOICES.replace("*M3/4", "*M64/64"))
    assert kern.read_with_report(path)[1] == {}
