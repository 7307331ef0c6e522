"""The one seam for many items: a function mapped over them by processes, here or on a Ray cluster.

Results come out in the order of the items whoever finishes first, and the next items are taken only as results are
asked for, so that memory stays flat. A worker that dies (out of memory, killed) loses nothing: what it had not finished
is done again elsewhere. An item under which a worker dies twice, or which takes too long, comes back as a `Failure`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

QUEUED = 4  # items that a worker has before it at a time: it never waits for the next, nor keeps many from others


class Failure(NamedTuple):
    """What stands in the place of a result that could not be had; `reason` says why, without a subject."""

    reason: str


def mapped(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    ray: str | None = None,
    queued: int = QUEUED,
    time_limit: float | None = None,
) -> Generator[Result | Failure, None, None]:
    """`map(function, items)` by processes.

    Close the iterator (or use it up) to end the processes; Ctrl-C ends them too. BLAS has one thread in each.

    Args:
        function: picklable: a function of a module, or a `functools.partial` of one. It should be pure: an item may be
            done twice.
        items: picklable values; taken one by one as results are asked for.
        workers: processes on this machine; as many as processors when not given.
        ray: address of a Ray cluster (as in "auto", "ray://head:10001"), which then does the work in place of this
            machine. Its machines need Cadenza and must see the same files under the same paths.
        queued: items that a worker is given at a time; more for items of less than a millisecond.
        time_limit: seconds an item may take.

    Returns:
        One result an item, in order of the items.

    Raises:
        DependencyError: Ray is asked for and not installed.
        WorkerError: processes die as soon as they start, or the cluster cannot be reached.
        Exception: whatever the function raises, in its item's place.
    """
    if ray is not None:
        from data import _ray_workers

        return _ray_workers.mapped(function, items, ray, queued, time_limit)
    from data import _local_workers

    return _local_workers.mapped(function, items, workers or processors(), queued, time_limit)


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["Failure", "mapped", "processors"]
