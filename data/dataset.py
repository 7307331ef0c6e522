"""Training data: a corpus or a folder of music as pieces with a fixed side of the split."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from data import READABLE, corpora, read
from data.split import Side, split_of
from theory.errors import CadenzaError, InputFileError
from theory.score import Score


class Entry(NamedTuple):
    """One piece of a data set.

    Attributes:
        id: stable name of the piece.
        side: "train", "valid" or "test", fixed by the piece's group.
        score: the piece, or None where it could not be read.
        error: why it could not be read, in one line; else empty.
    """

    id: str
    side: Side
    score: Score | None
    error: str = ""


def entries(source: str) -> tuple[int, Iterator[Entry]]:
    """Pieces of a corpus (by name) or of a folder (all files that can be read, in order of their paths).

    Files are parsed by all cores; the order of entries does not depend on that.

    Returns:
        How many there are, and the pieces one after the other.

    Raises:
        InputFileError: neither a corpus nor a folder, or a folder without music.
    """
    if source in corpora.names():
        corpus = corpora.get(source)
        names = list(corpus.ids())
        return len(names), _parsed(partial(_read_piece, source), names, [corpus.group(name) for name in names])
    folder = Path(source or "(empty)")  # an empty name does not mean the current folder
    if not os.path.isdir(folder):
        raise InputFileError(f"{source!r} is neither a corpus ({', '.join(corpora.names())}) nor a folder")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in READABLE)
    if not files:
        raise InputFileError(f"{folder} holds no file that can be read ({', '.join(READABLE)})")
    # Files that differ in their suffix alone are one piece in two formats: they stay on one side.
    groups = [file.removesuffix(Path(file).suffix) for file in files]
    return len(files), _parsed(partial(_read_file, folder), files, groups)


def _parsed(reader: Callable[[str], Score | str], names: list[str], groups: list[str]) -> Iterator[Entry]:
    # Fresh processes: a fork of one that has threads (TensorFlow's, BLAS') may hang.
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, group, result in zip(names, groups, pool.map(reader, names, chunksize=4), strict=True):
            score, error = (None, result) if isinstance(result, str) else (result, "")
            yield Entry(name, split_of(group), score, error)


def _read_piece(corpus: str, name: str) -> Score | str:
    return _guarded(lambda: corpora.read(corpus, name))


def _read_file(folder: Path, name: str) -> Score | str:
    return _guarded(lambda: read(folder / name))


def _guarded(reader: Callable[[], Score]) -> Score | str:
    try:
        return reader()
    except CadenzaError as error:
        return str(error)
