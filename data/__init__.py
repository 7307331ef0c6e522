"""Files and corpora to scores, and back: `read` and `write` choose the format by the file's suffix."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from theory.errors import FileFormatError
from theory.score import Score

_READERS = {
    ".mid": "midi", ".midi": "midi", ".smf": "midi",
    ".musicxml": "musicxml", ".xml": "musicxml", ".mxl": "musicxml",
    ".abc": "abc", ".krn": "kern",
}  # fmt: skip
READABLE = tuple(_READERS)
_WRITERS = {suffix: name for suffix, name in _READERS.items() if name in ("midi", "musicxml")}


def read(path: str | Path) -> Score:
    """Read a MIDI, MusicXML, ABC or **kern file.

    Raises:
        InputFileError: the file is missing or cannot be read.
        FileFormatError: the suffix is none that is known, or the content is not what it says.

    Warns:
        RepairWarning: a MIDI file is damaged; the message says what was repaired.
    """
    score: Score = _module(path, _READERS, "read").read(path)
    return score


def read_with_report(path: str | Path) -> tuple[Score, dict[str, int]]:
    """Read as `read` does, and count what a score cannot hold: {"lyric": 112}; each format's module says its kinds.

    Raises:
        InputFileError: the file is missing or cannot be read.
        FileFormatError: the suffix is none that is known, or the content is not what it says.
    """
    score, left_out = _module(path, _READERS, "read").read_with_report(path)
    return score, left_out


def write(score: Score, path: str | Path) -> None:
    """Write a MIDI or MusicXML file, whole or not at all; missing folders are made.

    Raises:
        FileFormatError: the suffix is none that can be written.
        OutputError: the place cannot be written.
    """
    _module(path, _WRITERS, "written").write(score, path)


def _module(path: str | Path, table: dict[str, str], verb: str) -> Any:
    # Imported only here: one format's library must not slow down, or break, another's.
    suffix = Path(path).suffix.lower()
    if suffix not in table:
        raise FileFormatError(f"{Path(path)}: only {', '.join(table)} files can be {verb}")
    return import_module(f"data.{table[suffix]}")


__all__ = ["READABLE", "read", "read_with_report", "write"]
