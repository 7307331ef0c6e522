"""Many pieces from one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from composer.decode import WIDTH, Draft, Progress, write, write_many
from composer.generate import finished, prepared
from composer.piece import Piece
from composer.request import Request
from theory.errors import RequestError, SearchError, WorkerError

Found = Piece | SearchError | RequestError


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
        RequestError: as `compose`; no pieces; seeds beyond the last one.
        CadenzaError: as `compose`.
        WorkerError: processes that die.
    """
    wanted = Request.of(request)
    if count < 1 or workers < 1:
        raise RequestError(f"{count} pieces by {workers} processes: must be at least 1 by 1")
    replace(wanted, seed=wanted.seed + count - 1)  # says so if there is no such seed
    seeds = range(wanted.seed, wanted.seed + count)
    if workers == 1:
        return _composed(wanted, seeds, progress)
    size = -(-count // (workers * -(-count // (WIDTH * workers))))
    parts = [seeds[start : start + size] for start in range(0, count, size)]
    return [piece for part in _by_processes(wanted, parts, workers, progress) for piece in part]


def _by_processes(
    wanted: Request, parts: Sequence[range], workers: int, progress: Progress | None
) -> Iterator[list[Found]]:
    """The pieces of each part."""
    from data.workers import Failure, mapped

    bars = prepared(wanted).task.bars
    total, done = bars * sum(map(len, parts)), 0
    for part, found in zip(parts, mapped(partial(_composed, wanted), parts, workers=workers, queued=1), strict=True):
        if progress:
            progress(done, total)
        if isinstance(found, Failure):
            raise WorkerError(f"the process that composed seeds {part[0]} to {part[-1]} {found.reason}")
        done += bars * len(part)
        yield found
    if progress:
        progress(done, total)


def _composed(wanted: Request, seeds: Sequence[int], progress: Progress | None = None) -> list[Found]:
    ready = prepared(wanted)
    drafts: list[Draft | SearchError]
    if len(seeds) > 1:
        drafts = write_many(ready.task, seeds, progress)
    else:
        try:
            drafts = [write(ready.task, seeds[0], progress)]
        except SearchError as error:
            drafts = [error]
    pieces: list[Found] = []
    for seed, draft in zip(seeds, drafts, strict=True):
        try:
            one = ready._replace(wanted=replace(ready.wanted, seed=seed))
            pieces.append(draft if isinstance(draft, SearchError) else finished(one, draft))
        except (RequestError, SearchError) as error:
            pieces.append(error)
    return pieces


__all__ = ["Found", "compose_many"]
