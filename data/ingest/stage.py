"""The half-made data set: what is done is on disk, batch by batch, so that a run that was killed goes on from there.

A batch is so many pieces in the order of the listing. Its rows are in one Parquet file, what was refused and the counts
in a JSON file, which is written last and whole: a batch that has one is done.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from data.ingest import shards, tally
from data.ingest.limits import Refusal
from data.ingest.listing import Listed
from data.ingest.piece import Row
from data.ingest.tally import Tally
from theory.atomic_file import atomic_path, make_folder
from theory.errors import OutputError

BATCH = 256
_TOKENS_AT_ONCE = 1 << 20


class Refused(NamedTuple):
    """A piece that is not in the data set, and why."""

    id: str
    kind: str
    reason: str


class Stage:
    """A folder with the listing, what was asked for, and the batches.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pieces = 0

    def begin(self, listing: Iterator[Listed], root: Path, asked: dict[str, Any]) -> None:
        """Note what is to be done; batches of another listing, or that were asked for otherwise, are thrown away.

        Raises:
            OutputError: the folder cannot be written.
        """
        make_folder(self.folder)
        digest = sha256()
        with atomic_path(self._listing) as temporary, temporary.open("w", encoding="ascii") as file:
            for item in listing:
                self.pieces += 1
                file.write(f"{item.to_line()}\n")
                digest.update(f"{item.to_line()} {_state(root / item.path)}\n".encode())
        plan = {**asked, "listing": digest.hexdigest(), "pieces": self.pieces, "batch": BATCH}
        if self._plan() != plan:
            for path in self.folder.glob("batch-*"):
                path.unlink()
            with atomic_path(self.folder / "plan.json") as temporary:
                temporary.write_text(json.dumps(plan, indent=1), encoding="ascii")

    def _plan(self) -> Any:
        with suppress(OSError, ValueError):
            return json.loads((self.folder / "plan.json").read_text(encoding="ascii"))
        return None

    @property
    def _listing(self) -> Path:
        return self.folder / "listing.jsonl"

    @property
    def batches(self) -> int:
        """How many there are to be."""
        return -(-self.pieces // BATCH)

    def _done(self, batch: int) -> bool:
        return self._facts(batch).is_file()

    def _facts(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:06d}.json"

    def _rows(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:06d}-00000.parquet"

    @property
    def is_begun(self) -> bool:
        """Whether there is work of any batch to lose."""
        return any(self.folder.glob("batch-*"))

    def size(self, batch: int) -> int:
        """How many pieces a batch has, refused ones counted."""
        return min(BATCH, self.pieces - batch * BATCH)

    def missing(self) -> list[int]:
        """Batches that are not done."""
        return [batch for batch in range(self.batches) if not self._done(batch)]

    def items(self, batches: list[int]) -> Iterator[Listed]:
        """The pieces of these batches, which rise."""
        wanted = set(batches)
        with self._listing.open(encoding="ascii") as file:
            for batch in range(self.batches):
                lines = islice(file, BATCH)
                if batch in wanted:
                    yield from map(Listed.from_line, lines)
                else:
                    for _ in lines:
                        pass

    def keep(self, batch: int, results: Iterator[tuple[Listed, Row | Refusal]]) -> None:
        """Write a batch.

        Raises:
            OutputError: it cannot be written.
        """
        refused: list[Refused] = []
        counts: Tally = {}
        writer = shards.Writer(self.folder, f"batch-{batch:06d}", shards.staged_schema(), one_file=True)
        try:
            for table in _tables(results, refused, counts):
                writer.write(table)
            writer.close()
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror or error}") from None
        with atomic_path(self._facts(batch)) as temporary:
            temporary.write_text(json.dumps({"refused": refused, "tally": counts}), encoding="ascii")

    def tables(self, columns: list[str] | None = None) -> Iterator[Any]:
        """All rows, as Arrow tables.

        Raises:
            FileFormatError: a batch is damaged.
        """
        yield from shards.blocks([path for path in map(self._rows, range(self.batches)) if path.is_file()], columns)

    def results(self) -> Iterator[tuple[list[Refused], Tally]]:
        """For each batch what was refused, and the counts."""
        for batch in range(self.batches):
            facts = json.loads(self._facts(batch).read_text(encoding="ascii"))
            yield [Refused(*row) for row in facts["refused"]], facts["tally"]

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _tables(results: Iterator[tuple[Listed, Row | Refusal]], refused: list[Refused], counts: Tally) -> Iterator[Any]:
    """Rows as tables of moderate size; the others go to `refused`, what is counted to `counts`."""
    rows: list[Row] = []
    tokens = 0
    for item, result in results:
        if isinstance(result, Refusal):
            refused.append(Refused(item.id, *result))
            continue
        rows.append(result)
        tokens += len(result.tokens)
        tally.added(counts, result.tally)
        if tokens >= _TOKENS_AT_ONCE:
            yield _table(rows)
            rows, tokens = [], 0
    if rows:
        yield _table(rows)


def _table(rows: list[Row]) -> Any:
    pa, _ = shards.arrow()
    schema = shards.staged_schema()
    columns = {name: [row.facts[name] for row in rows] for name in rows[0].facts}
    columns["content"] = [row.content for row in rows]
    columns["sketch"] = shards.lists_of([row.sketch for row in rows], pa.uint32())
    columns["tokens"] = shards.lists_of([row.tokens for row in rows], pa.int32())
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _state(path: Path) -> str:
    """What changes when a file is written again."""
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"


__all__ = ["BATCH", "Refused", "Stage"]
