"""Humdrum **kern (.krn; Huron, "The Humdrum Toolkit", 1994), through music21."""

from __future__ import annotations

from pathlib import Path

from data.from_music21 import LeftOut, score_of
from data.notation import beyond_meters, parsing, read_text
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
    text, meters = _without_absurd_meters(text)
    with parsing(path, "**kern"):
        from music21.humdrum.spineParser import HumdrumDataCollection

        humdrum = HumdrumDataCollection(text)
        humdrum.parse()
        score, left_out = score_of(humdrum.stream)
    return score, dict(sorted({**left_out, "meter": meters}.items())) if meters else left_out


def _without_absurd_meters(text: str) -> tuple[str, int]:
    """The text without meters that no `Meter` has, and on how many lines those were: every spine says them."""
    lines = text.split("\n")
    count = 0
    for index, line in enumerate(lines):
        if "*M" not in line:
            continue
        tokens = line.split("\t")
        kept = ["*" if token.startswith("*M") and beyond_meters(token) else token for token in tokens]
        count += kept != tokens
        lines[index] = "\t".join(kept)
    return "\n".join(lines), count
