"""The door to music21: every reader and writer of notation goes through here.

music21 warns on the standard error stream, keeps pickles of what it parsed in a temporary folder, and raises whatever
its parsers stumble over. Here its parsers are called directly (no pickles, no network), in silence, and what they raise
becomes one `FileFormatError`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from theory.errors import FileFormatError, InputFileError
from theory.meter import DENOMINATORS, MAX_NUMERATOR

_NOT_OF_METERS = re.compile(r"[^\d+/]")
_BEATS_AND_TYPE = re.compile(r"([^/]*)/(\d{1,9})")
_NUMBER = re.compile(r"\d{1,9}")


def read_bytes(path: str | Path) -> bytes:
    """Content of a file that must not be empty.

    Raises:
        InputFileError: missing, a folder, a pipe or a device, or not readable.
        FileFormatError: empty.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # a pipe might never end
        raise InputFileError(f"cannot read {path}: it is no ordinary file")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from None
    if not content.strip():
        raise FileFormatError(f"{path} is empty")
    return content


def read_text(path: str | Path) -> str:
    """Text of a file: UTF-8, or Latin-1 as older transcriptions have it; line ends become plain newlines.

    Raises:
        InputFileError: missing, a folder, or not readable.
        FileFormatError: empty, or no text.
    """
    content = read_bytes(path)
    if b"\0" in content:
        raise FileFormatError(f"{path} is no text file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def beyond_meters(text: str) -> bool:
    """Whether a time signature (3/4, 3+2/8, 3/8+2/4) has more beats, or finer ones, than any `Meter`.

    music21 must not see it: it would divide a bar of 1000 beats for minutes, and one of 99999 without end.
    """
    total, finest = Fraction(), 1
    for beats, type_ in _BEATS_AND_TYPE.findall(_NOT_OF_METERS.sub("", text)):  # music21 reads "6 0 0" as 600
        number, unit = sum(map(int, _NUMBER.findall(beats))), int(type_)
        # **kern writes a breve as 0, a long as 00.
        total += Fraction(number, unit) if unit else number * 2 ** len(type_)
        finest = max(finest, unit)
    return finest > DENOMINATORS[-1] or total * finest > MAX_NUMERATOR


@contextlib.contextmanager
def parsing(path: str | Path, kind: str) -> Iterator[None]:
    """Run a parser of music21 quietly; whatever it raises becomes a FileFormatError about `path`."""
    try:
        with quiet():
            yield
    except FileFormatError:
        raise
    except Exception as error:  # a parser meets damage with any exception: IndexError, TypeError, its own
        reason = " ".join(str(error).split())[:200]
        raise FileFormatError(f"{path} is no {kind} that can be read: {reason or type(error).__name__}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep music21's warnings off the terminal and out of the caller's warning filters."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
