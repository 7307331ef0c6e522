import subprocess
import sys
from pathlib import Path

import pytest

import data
from theory.errors import FileFormatError, InputFileError
from theory.score import Score

SCORE = Score.from_notes([(0, 480, 60), (480, 480, 64)], name="Piano", title="Two notes")


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".smf", ".MID"])
def test_midi_by_suffix(tmp_path, suffix):
    data.write(SCORE, tmp_path / f"song{suffix}")
    assert data.read(tmp_path / f"song{suffix}") == SCORE
    assert data.read(str(tmp_path / f"song{suffix}")) == SCORE


@pytest.mark.parametrize("name", ["song.wav", "song", ".mid"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    with pytest.raises(FileFormatError, match=r"\.mid, .*\.musicxml, .*\.abc, \.krn files can be read"):
        data.read(tmp_path / name)
    with pytest.raises(FileFormatError, match=r"only \.mid, .*\.mxl files can be written"):
        data.write(SCORE, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_read_but_not_written(tmp_path):
    with pytest.raises(FileFormatError, match=r"song\.abc: only"):
        data.write(SCORE, tmp_path / "song.abc")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputFileError, match=r"none\.mid"):
        data.read(tmp_path / "none.mid")


def test_a_midi_file_loads_no_library_of_another_format(tmp_path):
    data.write(SCORE, tmp_path / "song.mid")
    heavy = ["music21", "pretty_midi", "matplotlib", "tensorflow"]
    code = (
        f"import sys, data; data.read({str(tmp_path / 'song.mid')!r}); sys.exit(any(n in sys.modules for n in {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
