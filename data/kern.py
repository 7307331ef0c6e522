"""Humdrum **kern (.krn; Huron, "The Humdrum Toolkit", 1994), through music21."""

from __future__ import annotations

from pathlib import Path

from data.from_music21 import LeftOut, score_of
from data.notation import parsing, read_text
from theory.errors import FileFormatError
from theory.score import Score


def read(path: str | Path) -> Score:
    """Read a **kern file.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no **kern.
    """
    return read_with_report(path)[0]


def read_with_report(path: str | Path) -> tuple[Score, LeftOut]:
    """Read a **kern file, and count what a Score cannot hold.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no **kern.
    """
    text = read_text(path)
    if not any(line.startswith("**kern") or "\t**kern" in line for line in text.splitlines()):
        raise FileFormatError(f"{path} is no **kern: no spine of it begins with **kern")
    with parsing(path, "**kern"):
        from music21.humdrum.spineParser import HumdrumDataCollection

        humdrum = HumdrumDataCollection(text)
        humdrum.parse()
        return score_of(humdrum.stream)
