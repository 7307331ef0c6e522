"""Many pieces from one request."""

from __future__ import annotations

import operator
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import tee
from typing import Any

from composer.decode import WIDTH, Draft, Progress, write, write_many
from composer.generate import Prepared, finished, prepared
from composer.originality.guard import Found, derived, original
from composer.originality.index import Index
from composer.request import Request
from theory.errors import RequestError, SearchError, WorkerError


def compose_many(
    *, count: int = WIDTH, workers: int = 1, progress: Progress | None = None, **request: Any
) -> list[Found]:
    """Compose as many pieces of one request: of its seed, the next seed, and so on.

    Each is the piece that `compose` makes of its seed, however many are asked for: pieces are drawn side by side by
    products that round in another way, and where that could matter, a piece is read again by itself.

    >>> pieces = compose_many(count=8, style="chorale", key="D minor", bars=16, seed=11)

    Args:
        count: how many.
        workers: processes that share the work; a program that asks for more than one starts in
            `if __name__ == "__main__":`.
        progress: called with (bars done, bars in all), those of all pieces.
        **request: fields of `composer.request.Request`.

    Returns:
        In order of the seeds, each piece, or the error that `compose` would raise in its place: a SearchError where no
        piece was found, a RequestError where the one that was found has no note.

    Raises:
        RequestError: as `compose`; no pieces, or no whole number of them; seeds beyond the last one.
        CadenzaError: as `compose`.
        WorkerError: processes that die.
    """
    return list(compose_each(count=count, workers=workers, progress=progress, **request))


def compose_each(
    *, count: int, workers: int = 1, progress: Progress | None = None, **request: Any
) -> Generator[Found, None, None]:
    """The pieces of `compose_many`, in batches as they come; the request is checked at once, before the first is asked.

    Close the iterator (or use it up) to end its processes.

    Raises:
        CadenzaError: as `compose_many`.
    """
    count, workers = _counted("count", count), _counted("workers", workers)
    wanted = Request.of(request)
    replace(wanted, seed=wanted.seed + count - 1)  # says so if there is no such seed
    return _in_batches(wanted, prepared(wanted), count, workers, progress)


def _counted(name: str, value: Any) -> int:
    """A number of things, 1 or more."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise RequestError(f"{name} {value!r:.40}: must be a whole number")
    if number < 1:
        raise RequestError(f"{name} {number}: must be 1 or more")
    return number


def _in_batches(
    wanted: Request, ready: Prepared, count: int, workers: int, progress: Progress | None
) -> Generator[Found, None, None]:
    """The pieces, `WIDTH` at most at a time: by processes, which share them evenly, or here."""
    bars, done = ready.task.bars, 0

    def tell(bars_of_batch: int, _: int = 0) -> None:
        if progress:
            progress(bars * done + bars_of_batch, bars * count)

    batches = _batches(wanted.seed, count, -(-count // (workers * -(-count // (WIDTH * workers)))))
    if workers > 1:
        results = _by_processes(wanted, ready.learnt, batches, workers)
    else:
        results = (_composed(ready, seeds, progress and tell) for seeds in batches)
    tell(0)
    with closing(results):
        for pieces in results:
            done += len(pieces)
            tell(0)
            yield from pieces


def _batches(seed: int, count: int, size: int) -> Iterator[range]:
    """The seeds, so many at a time."""
    end = seed + count
    return (range(start, min(start + size, end)) for start in range(seed, end, size))


def _by_processes(
    wanted: Request, learnt: Index | None, batches: Iterator[range], workers: int
) -> Generator[list[Found], None, None]:
    """The pieces of each batch."""
    from data.workers import Failure, mapped

    batches, given = tee(batches)
    with closing(mapped(partial(_requested, wanted, learnt), given, workers=workers, queued=1)) as results:
        for seeds, found in zip(batches, results, strict=True):
            if isinstance(found, Failure):
                raise WorkerError(f"the process that composed seeds {seeds[0]} to {seeds[-1]} {found.reason}")
            yield found


def _requested(wanted: Request, learnt: Index | None, seeds: Sequence[int]) -> list[Found]:
    """The pieces of a batch, by a process that knows only the request, and what the model learnt from."""
    return _composed(prepared(wanted, learnt), seeds, None)


def _composed(ready: Prepared, seeds: Sequence[int], progress: Progress | None) -> list[Found]:
    """The pieces of a batch."""
    return original(seeds, partial(_drawn, ready, progress))


def _drawn(ready: Prepared, progress: Progress | None, seeds: Sequence[int], attempt: int) -> list[Found]:
    """What an attempt draws for some seeds."""
    own = [derived(seed, attempt) for seed in seeds]
    drafts: list[Draft | SearchError]
    if len(own) > 1:
        drafts = write_many(ready.task, own, progress)
    else:
        try:
            drafts = [write(ready.task, own[0], progress)]
        except SearchError as error:
            drafts = [error]
    return [
        _piece(ready._replace(wanted=replace(ready.wanted, seed=seed)), draft)
        for seed, draft in zip(seeds, drafts, strict=True)
    ]


def _piece(ready: Prepared, draft: Draft | SearchError) -> Found:
    """The piece of a draft, or why there is none."""
    try:
        return draft if isinstance(draft, SearchError) else finished(ready, draft)
    except (RequestError, SearchError) as error:
        return error


__all__ = ["Found", "compose_each", "compose_many"]
