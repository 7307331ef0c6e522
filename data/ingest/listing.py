"""What a folder holds: its files of music in one fixed order, each with the source and licence its folder states.

A `cadenza.toml` says so for its folder and all below, until another one does:

    source = "Sessions at the Cross Keys, transcribed by A. Player"
    license = "CC BY 4.0"
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from data import READABLE, abc
from theory.errors import CadenzaError, FileFormatError

NOTICE = "cadenza.toml"
UNSTATED = "not stated"


class Rights(NamedTuple):
    """Where music comes from, and what its makers allow."""

    source: str
    license: str


class Listed(NamedTuple):
    """One piece to be: a file, or a tune of an ABC file.

    Attributes:
        path: relative to the folder, "/" between its parts.
        tune: number of the tune in an ABC file of several, else "".
        rights: as stated.
        error: why the file was not even opened, else "".
    """

    path: str
    tune: str
    rights: Rights
    error: str = ""

    @property
    def id(self) -> str:
        """Name of the piece, as text that can be printed: "book.abc#12"."""
        return _printable(f"{self.path}#{self.tune}" if self.tune else self.path)

    @property
    def stem(self) -> str:
        """The name without the suffix: the same for one piece in two formats."""
        stem = self.path.removesuffix(Path(self.path).suffix)
        return _printable(f"{stem}#{self.tune}" if self.tune else stem)

    def to_line(self) -> str:
        """As a line of text."""
        return json.dumps([self.path, self.tune, *self.rights, self.error])

    @classmethod
    def from_line(cls, line: str) -> Listed:
        """Read what `to_line` wrote."""
        path, tune, source, license_, error = json.loads(line)
        return cls(path, tune, Rights(source, license_), error)


def listed(folder: Path, rights: Rights, apart: Path | None = None) -> Iterator[Listed]:
    """The files that can be read, by folders, each in order of names: its files, then its folders.

    Links are followed; a folder that links lead to again is not read twice, so that loops end.

    Args:
        folder: where to look, with all below it.
        rights: of what no `cadenza.toml` speaks of.
        apart: a folder, perhaps inside, that is not looked into: where the data set goes.

    Raises:
        FileFormatError: a `cadenza.toml` that makes no sense.
    """
    seen: set[tuple[int, int]] = set()
    if apart is not None:
        with suppress(OSError):
            seen.add(_identity(os.stat(apart)))
    yield from _listed(folder, "", rights, seen)


def _listed(root: Path, place: str, rights: Rights, seen: set[tuple[int, int]]) -> Iterator[Listed]:
    folder = root / place
    try:
        status = os.stat(folder)
        names = sorted(os.listdir(folder))
    except OSError as error:
        yield Listed(place or ".", "", rights, f"the folder cannot be read: {error.strerror}")
        return
    if _identity(status) in seen:
        return
    seen.add(_identity(status))
    if NOTICE in names:
        rights = _stated(folder / NOTICE, rights)
    inner = []
    for name in names:
        path = f"{place}/{name}" if place else name
        if os.path.isdir(folder / name):
            inner.append(path)
        elif os.path.splitext(name)[1].lower() in READABLE:
            yield from _pieces(root, path, rights)
    for path in inner:
        yield from _listed(root, path, rights, seen)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _pieces(root: Path, path: str, rights: Rights) -> Iterator[Listed]:
    if not path.lower().endswith(".abc"):
        yield Listed(path, "", rights)
        return
    try:
        tunes = list(abc.tunes(root / path))
    except CadenzaError:  # said again, and why, when it is its turn
        tunes = []
    if len(tunes) < 2:
        yield Listed(path, "", rights)
        return
    yield from (Listed(path, tune, rights) for tune in tunes)


def _stated(path: Path, above: Rights) -> Rights:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read as TOML: {error}") from None
    if unknown := sorted(said.keys() - set(Rights._fields)):
        raise FileFormatError(f"{path} says {', '.join(unknown)}: only {' and '.join(Rights._fields)} mean something")
    if not all(isinstance(value, str) for value in said.values()):
        raise FileFormatError(f'{path}: write values as text, as in license = "CC BY 4.0"')
    return above._replace(**said)


def _printable(text: str) -> str:
    """File names need not be text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


__all__ = ["NOTICE", "UNSTATED", "Listed", "Rights", "listed"]
