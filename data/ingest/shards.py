"""Parquet files of pieces, one piece a row: written in blocks, read as NumPy views on Arrow's own memory.

    id           the file, or file#tune; unique
    path         of the file, relative to the folder
    title        as the file has it
    source, license   as stated for its folder
    group        name of its group of near-duplicates; a group stands in one split
    split        train, valid, test
    copy_of      id of an earlier piece with the very same notes, or ""
    meter, key   the first ones; a key that the file does not state is heard
    bars, notes  counts
    seconds      as played
    tokens       list of int32: what the model reads

The schema's metadata says under "cadenza" (JSON) what the ids mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.split import Side
from theory.errors import DependencyError, FileFormatError

SIDES: tuple[Side, ...] = ("train", "valid", "test")
META = b"cadenza"
_TOKENS_A_BLOCK = 1 << 20
_ROWS_A_BLOCK = 1 << 14
_TOKENS_A_SHARD = 1 << 25  # 128 MiB before compression

_TEXTS = ("id", "path", "title", "source", "license")
_PLACED = ("group", "split", "copy_of")  # known only when all pieces are
_MEASURES = {"meter": "string", "key": "string", "bars": "int32", "notes": "int32", "seconds": "float64"}
_STAGED = {"stem": "string", "content": "string"}  # for grouping; not in the data set


class Block(NamedTuple):
    """Some pieces' tokens, end to end.

    Attributes:
        values: int32 (n,), a read-only view on Arrow's memory.
        offsets: int32 (pieces + 1,), where each piece begins, and the last one ends.
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int32]


def arrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet.

    Raises:
        DependencyError: not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DependencyError("data sets need pyarrow: pip install 'cadenza[train]'") from None
    return pyarrow, pyarrow.parquet


def staged_schema() -> Any:
    """Of pieces that have no group yet, with what they are grouped by."""
    pa, _ = arrow()
    types = {**dict.fromkeys(_TEXTS, "string"), **_MEASURES, **_STAGED}
    lists = [("sketch", pa.list_(pa.uint32())), ("tokens", pa.list_(pa.int32()))]
    return pa.schema([(name, getattr(pa, type_)()) for name, type_ in types.items()] + lists)


def schema(meta: dict[str, Any]) -> Any:
    """Of the data set."""
    pa, _ = arrow()
    types = {**dict.fromkeys((*_TEXTS, *_PLACED), "string"), **_MEASURES}
    fields = [(name, getattr(pa, type_)()) for name, type_ in types.items()]
    return pa.schema(
        [*fields, ("tokens", pa.list_(pa.int32()))], metadata={META: json.dumps(meta, sort_keys=True).encode()}
    )


def lists_of(arrays: list[NDArray[Any]], type_: Any) -> Any:
    """Arrays as one Arrow column of lists, without a Python object an element."""
    pa, _ = arrow()
    offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    values = np.concatenate(arrays) if arrays else np.empty(0)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, type=type_))


class Writer:
    """Writes tables into numbered files, in blocks whose borders depend on the rows alone, not on how they came.

    Args:
        folder: where.
        stem: what the files are called: "train" gives train-00000.parquet.
        schema: of all tables.
        one_file: whether all goes into one, however large.
    """

    def __init__(self, folder: Path, stem: str, schema: Any, *, one_file: bool = False) -> None:
        self._folder, self._stem, self._schema, self._one_file = folder, stem, schema, one_file
        self._waiting: list[Any] = []
        self._rows = self._tokens = self._written = 0
        self._file: Any = None
        self.paths: list[Path] = []

    def write(self, table: Any) -> None:
        """Add rows."""
        lengths = np.diff(table.column("tokens").combine_chunks().offsets.to_numpy())
        start = 0
        for row, length in enumerate(lengths.tolist(), start=1):
            self._rows, self._tokens = self._rows + 1, self._tokens + length
            if self._tokens >= _TOKENS_A_BLOCK or self._rows >= _ROWS_A_BLOCK:
                self._waiting.append(table.slice(start, row - start))
                start = row
                self._flush()
        if start < len(table):
            self._waiting.append(table.slice(start))

    def _flush(self) -> None:
        pa, parquet = arrow()
        if self._waiting:
            if self._file is None:
                self.paths.append(self._folder / f"{self._stem}-{len(self.paths):05d}.parquet")
                self._file = parquet.ParquetWriter(self.paths[-1], self._schema, compression="zstd")
            block = pa.concat_tables(self._waiting).combine_chunks()
            self._file.write_table(block, row_group_size=max(1, len(block)))
            self._written += self._tokens
        self._waiting, self._rows, self._tokens = [], 0, 0
        if self._written >= _TOKENS_A_SHARD and not self._one_file:
            self._end_file()

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._written = None, 0

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._end_file()


def blocks(paths: list[Path], columns: list[str] | None = None) -> Iterator[Any]:
    """The row groups of files as Arrow tables, one in memory at a time.

    Raises:
        FileFormatError: a file is none that can be read.
    """
    pa, parquet = arrow()
    for path in paths:
        try:
            with parquet.ParquetFile(path) as file:
                for index in range(file.num_row_groups):
                    yield file.read_row_group(index, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from None


def tokens_of(table: Any) -> Block:
    """The tokens of a table from `blocks`."""
    column = table.column("tokens").combine_chunks()
    offsets = column.offsets.to_numpy()
    return Block(column.values.to_numpy(), offsets)


def meta_of(path: Path) -> dict[str, Any]:
    """What the ids of a file mean.

    Raises:
        FileFormatError: the file is none that can be read, or not one of ours.
    """
    pa, parquet = arrow()
    try:
        metadata = parquet.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    with suppress(KeyError, ValueError):
        meta = json.loads(metadata[META])
        if isinstance(meta, dict):
            return meta
    raise FileFormatError(f"{path} is no shard of a data set that Cadenza prepared: prepare the data set again")


def _unreadable(path: Path, error: Exception) -> FileFormatError:
    what = "it is not there" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())
    return FileFormatError(f"{path} is no shard that can be read: {what.rstrip('.')}: prepare the data set again")


__all__ = [
    "META",
    "SIDES",
    "Block",
    "Writer",
    "arrow",
    "blocks",
    "lists_of",
    "meta_of",
    "schema",
    "staged_schema",
    "tokens_of",
]
