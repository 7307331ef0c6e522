"""A folder of music to a data set: read by many processes, grouped, split, written as shards, reported."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from data import READABLE
from data.ingest import limits, page, shards, tally
from data.ingest.duplicates import groups_of
from data.ingest.limits import Refusal
from data.ingest.listing import UNSTATED, Rights, listed
from data.ingest.lock import alone
from data.ingest.piece import Encoding, row_of
from data.ingest.sketch import Hashes
from data.ingest.stage import Refused, Stage
from data.ingest.tally import Tally
from data.split import split_of
from data.workers import Failure, mapped
from theory.atomic_file import atomic_path
from theory.errors import CadenzaError, FileFormatError, InputFileError, OutputError

CARD, QUARANTINE, STATISTICS, PAGE = "dataset.json", "quarantine.jsonl", "statistics.json", "report.html"
UNFINISHED = "unfinished"


class Watcher(Protocol):
    """Who watches a run."""

    def phase(self, text: str) -> None:
        """Something begins that has no count: "listing files"."""

    def begin(self, done: int, total: int) -> None:
        """Reading begins: so many pieces of so many are done already."""

    def step(self, refused: bool) -> None:
        """One more piece is done, or refused."""


class _Nobody:
    def phase(self, text: str) -> None: ...
    def begin(self, done: int, total: int) -> None: ...
    def step(self, refused: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a folder.

    Attributes:
        pieces: in the data set.
        splits: pieces in each.
        groups: of near-duplicates, single pieces counted as one.
        copies: pieces with the very notes of an earlier one.
        quarantined: pieces that were refused, by kind.
        tokens: in all.
    """

    pieces: int
    splits: dict[str, int]
    groups: int
    copies: int
    quarantined: dict[str, int]
    tokens: int


def prepare(
    folder: Path,
    out_dir: Path,
    *,
    encoding: Encoding | None = None,
    source: str | None = None,
    license: str = UNSTATED,  # noqa: A002  # the word of cadenza.toml
    workers: int | None = None,
    ray: str | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Make a data set from all music in a folder; a run that was broken off goes on where it stopped.

    The same files give the same bytes, however many processes read them and however often the run was broken off. What
    is refused before any piece was read leaves nothing behind.

    Args:
        folder: MIDI, MusicXML, ABC and **kern files, in folders of any depth.
        out_dir: the data set: Parquet shards (`data.ingest.shards`), `dataset.json`, `statistics.json`, `report.html`
            and, one refused piece a line, `quarantine.jsonl`. Inside `folder`, it is not looked into for music.
        encoding: how pieces become tokens.
        source: where the music comes from that no `cadenza.toml` speaks of (`data.ingest.listing`); the folder's name
            when not given.
        license: what the makers of that music allow.
        workers: processes on this machine; as many as processors when not given.
        ray: address of a Ray cluster that does the work instead.
        watcher: told how it goes.

    Raises:
        InputFileError: `folder` is none, or holds no music.
        FileFormatError: a `cadenza.toml` that makes no sense, or not one of the files can be used.
        OutputError: `out_dir` holds something else or cannot be written, or another run is at work there.
        DependencyError, WorkerError: as `data.workers.mapped`; pyarrow is missing.
    """
    shards.arrow()
    encoding, watcher = encoding or Encoding(), watcher or _Nobody()
    if not os.path.isdir(folder):
        raise InputFileError(f"{folder} is no folder")
    stage = Stage(out_dir / UNFINISHED)
    _check_place(out_dir, stage)
    absent = [place for place in (out_dir, *out_dir.parents) if not place.exists()]
    with alone(stage.folder, str(out_dir)), _no_trace(stage, absent):
        if not (out_dir / CARD).exists():
            watcher.phase("listing files")
            rights = Rights(source or Path(os.path.abspath(folder)).name, license)
            asked = {"tokenizer": asdict(encoding.tokenizer), "chords": encoding.chords, "rights": rights}
            stage.begin(listed(folder, rights, apart=out_dir), folder, json.loads(json.dumps(asked)))
            if not stage.pieces:
                raise InputFileError(f"{folder} holds no file that can be read ({', '.join(READABLE)})")
            _read(folder, stage, encoding, workers, ray, watcher)
            _finish(out_dir, stage, encoding, watcher)
        stage.remove()
    return Summary(**json.loads((out_dir / CARD).read_text(encoding="utf-8"))["summary"])


@contextmanager
def _no_trace(stage: Stage, absent: list[Path]) -> Iterator[None]:
    """After a refusal before any work, take away what was made for it; `absent` are folders, the innermost first."""
    try:
        yield
    except CadenzaError:
        if not stage.is_begun:
            stage.remove()
            with suppress(OSError):  # it holds something else by now
                for folder in absent:
                    folder.rmdir()
        raise


def _check_place(out_dir: Path, stage: Stage) -> None:
    try:
        names = sorted(os.listdir(out_dir)) if os.path.lexists(out_dir) else []
    except OSError as error:
        raise OutputError(f"{out_dir} cannot be a folder to write to: {error.strerror}") from None
    if {QUARANTINE, *names} != {QUARANTINE} and UNFINISHED not in names:
        what = "already holds a data set" if CARD in names else "is not empty"
        raise OutputError(f"{out_dir} {what}: choose another --out-dir")


def _read(
    folder: Path, stage: Stage, encoding: Encoding, workers: int | None, ray: str | None, watcher: Watcher
) -> None:
    missing = stage.missing()
    watcher.begin(stage.pieces - sum(map(stage.size, missing)), stage.pieces)
    function = partial(row_of, Path(os.path.abspath(folder)), encoding)
    results = mapped(function, stage.items(missing), workers=workers, ray=ray, time_limit=limits.SECONDS_A_FILE)
    with closing(results):

        def told() -> Iterator[Any]:
            for item, result in zip(stage.items(missing), results, strict=True):
                answer = Refusal("stopped its reader", result.reason) if isinstance(result, Failure) else result
                watcher.step(refused=isinstance(answer, Refusal))
                yield item, answer

        stream = told()
        for batch in missing:
            stage.keep(batch, islice(stream, stage.size(batch)))


class _Places(NamedTuple):
    """Where each row goes, in order."""

    groups: list[str]
    splits: list[str]
    copies: list[str]


def _finish(out_dir: Path, stage: Stage, encoding: Encoding, watcher: Watcher) -> None:
    """Write everything beside the batches, then move it to its place, the card last."""
    watcher.phase("finding duplicates")
    refused, counts = _collected(stage)
    places = _places(stage)
    kinds = dict(sorted(Counter(row.kind for row in refused).items()))
    if not places.groups:
        _write_quarantine(out_dir / QUARANTINE, refused)
        stage.remove()
        said = ", ".join(f"{kind}: {number}" for kind, number in kinds.items())
        raise FileFormatError(f"none of the files can be used ({said}): see {out_dir / QUARANTINE}")
    watcher.phase("writing shards")
    meta = {
        "fingerprint": encoding.tokenizer.fingerprint,
        "tokenizer": asdict(encoding.tokenizer),
        "chords": encoding.chords,
    }
    files = _write_shards(stage, places, meta)
    watcher.phase("drawing the report")
    plain = tally.ordered(counts)
    summary = Summary(
        pieces=len(places.groups),
        splits={side: places.splits.count(side) for side in shards.SIDES},
        groups=len(set(places.groups)),
        copies=len(places.groups) - places.copies.count(""),
        quarantined=kinds,
        tokens=sum(int(entry) * number for entry, number in plain["tokens"].items()),
    )
    card = {**meta, "summary": asdict(summary), "rights": _rights(stage), "shards": [path.name for path in files]}
    _write_quarantine(out_dir / QUARANTINE, refused)
    _write_text(out_dir / STATISTICS, json.dumps(plain, indent=1) + "\n")
    _write_text(out_dir / PAGE, page.html(card, plain))
    for path in out_dir.glob("*.parquet"):  # of a run that was broken off here
        path.unlink()
    for path in files:
        os.replace(path, out_dir / path.name)
    _write_text(out_dir / CARD, json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def _collected(stage: Stage) -> tuple[list[Refused], Tally]:
    refused: list[Refused] = []
    counts: Tally = {}
    for some, more in stage.results():
        refused += some
        tally.added(counts, more)
    return refused, counts


def _places(stage: Stage) -> _Places:
    ids: list[str] = []
    stems: list[str] = []
    contents: list[str] = []
    sketches: list[Hashes] = []
    for table in stage.tables(["id", "stem", "content", "sketch"]):
        ids += table.column("id").to_pylist()
        stems += table.column("stem").to_pylist()
        contents += table.column("content").to_pylist()
        column = table.column("sketch").combine_chunks()
        values, ends = column.values.to_numpy(), column.offsets.to_numpy()
        sketches += [values[start:end].copy() for start, end in pairwise(ends.tolist())]
    groups = [stems[first] for first in groups_of(sketches, contents, stems).tolist()]
    first_with: dict[str, str] = {}
    originals = [first_with.setdefault(content, id_) for content, id_ in zip(contents, ids, strict=True)]
    copies = ["" if original == id_ else original for original, id_ in zip(originals, ids, strict=True)]
    return _Places(groups, [split_of(group) for group in groups], copies)


def _write_shards(stage: Stage, places: _Places, meta: dict[str, Any]) -> list[Path]:
    pa, _ = shards.arrow()
    schema = shards.schema(meta)
    writers = {side: shards.Writer(stage.folder, side, schema) for side in shards.SIDES}
    row = 0
    try:
        for table in stage.tables():
            here = slice(row, row + len(table))
            row += len(table)
            splits = pa.array(places.splits[here])
            for name, column in ("group", places.groups[here]), ("split", splits), ("copy_of", places.copies[here]):
                table = table.append_column(name, pa.array(column))
            for side, writer in writers.items():
                chosen = table.filter(pa.array([split == side for split in places.splits[here]]))
                writer.write(chosen.select(schema.names).replace_schema_metadata(schema.metadata))
        for writer in writers.values():
            writer.close()
    except OSError as error:
        raise OutputError(f"{stage.folder} cannot be written: {error.strerror or error}") from None
    return [path for writer in writers.values() for path in writer.paths]


def _rights(stage: Stage) -> list[dict[str, Any]]:
    """Pieces by source and licence."""
    counts: Counter[tuple[str, str]] = Counter()
    for table in stage.tables(["source", "license"]):
        counts.update(zip(table.column("source").to_pylist(), table.column("license").to_pylist(), strict=True))
    return [
        {"source": source, "license": license_, "pieces": number}
        for (source, license_), number in sorted(counts.items())
    ]


def _write_quarantine(path: Path, refused: list[Refused]) -> None:
    _write_text(path, "".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in refused))


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


__all__ = ["CARD", "PAGE", "QUARANTINE", "STATISTICS", "UNFINISHED", "Summary", "Watcher", "prepare"]
