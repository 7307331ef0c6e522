"""Work that is done once: each piece of it is kept as a file, so that a run that was broken off goes on.

A file is called after what the work depends on, so that another run in the same folder takes what it can use of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from composer.piece import version_of
from data.workers import Failure, mapped
from theory.atomic_file import atomic_path
from theory.errors import WorkerError

Progress = Callable[[int, int], None]
_FORMAT = 1


class Job(Protocol):
    """A piece of work: a plain value that a process can be given."""

    @property
    def size(self) -> int:
        """How much it is, for the progress."""

    def key(self) -> Any:
        """All that its result depends on, as plain values."""

    def run(self) -> Any:
        """Do it; the result is plain values for JSON."""


def done(jobs: Sequence[Job], keep: Path, *, workers: int = 1, progress: Progress | None = None) -> list[Any]:
    """The results of some jobs, in their order; those that are kept already are read.

    Args:
        jobs: what is to be done.
        keep: folder of the results.
        workers: processes that share the work.
        progress: called with (size done, size in all).

    Raises:
        WorkerError: processes die.
        OutputError: results cannot be kept.
        CadenzaError: as the jobs.
    """
    paths = [keep / f"{_digest(job)}.json" for job in jobs]
    results = [_kept(path) for path in paths]
    open_ = [index for index, result in enumerate(results) if result is None]
    total = sum(job.size for job in jobs)
    finished = total - sum(jobs[index].size for index in open_)
    if progress:
        progress(finished, total)
    with closing(_results([jobs[index] for index in open_], workers)) as stream:
        for index, result in zip(open_, stream, strict=True):
            if isinstance(result, Failure):
                raise WorkerError(f"a process at work on {type(jobs[index]).__name__.lower()} {result.reason}")
            results[index] = result
            with atomic_path(paths[index]) as temporary:
                temporary.write_text(json.dumps(result), encoding="ascii")
            finished += jobs[index].size
            if progress:
                progress(finished, total)
    return results


def _results(jobs: Sequence[Job], workers: int) -> Generator[Any, None, None]:
    if workers > 1 and len(jobs) > 1:
        return mapped(_run, jobs, workers=min(workers, len(jobs)), queued=1)
    return (_run(job) for job in jobs)


def _run(job: Job) -> Any:
    return json.loads(json.dumps(job.run()))  # as it comes out of a file


def _digest(job: Job) -> str:
    said = [_FORMAT, version_of("cadenza"), type(job).__name__, job.key()]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]


def _kept(path: Path) -> Any:
    """What a file holds; None where there is none, or none that can be read."""
    try:
        return json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


__all__ = ["Job", "done"]
