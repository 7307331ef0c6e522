"""`data.workers` on a Ray cluster."""

from __future__ import annotations

import signal
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any

from data.workers import Failure
from theory.errors import DependencyError, WorkerError

_STRIKES = 2  # deaths of a worker under one item, alone, after which it is given up
_LEAD = 2  # batches in flight for each of the cluster's processors
_SECONDS_TO_ANSWER = 10
_MOVES = 20  # machines that an item may lose through no fault of its own


@dataclass(slots=True)
class _Batch:
    """Items that are computed together, and where their results will be."""

    items: list[Any]
    results: Any
    strikes: int = 0
    moves: int = 0


def mapped(
    function: Callable[[Any], Any], items: Iterable[Any], address: str, queued: int, time_limit: float | None
) -> Generator[Any, None, None]:
    """See `data.workers.mapped`."""
    try:
        import ray
    except ImportError:
        raise DependencyError("a Ray cluster needs the extra: pip install 'cadenza[cluster]'") from None
    _knock(address)
    joined = not ray.is_initialized()
    if joined:
        _join(ray, address)
    try:
        yield from _results(ray, function, iter(items), queued, time_limit)
    finally:
        if joined:
            ray.shutdown()


def _knock(address: str) -> None:
    """See at once whether anybody listens there: Ray itself tries for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not (colon and port.isdigit()):
        return  # "auto" and other words of Ray's own
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WorkerError(f"no Ray cluster answers at {address}: {reason}") from None


def _join(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WorkerError(f"no Ray cluster answers at {address}: {reason}") from None


def _results(
    ray: Any, function: Callable[[Any], Any], items: Iterator[Any], queued: int, time_limit: float | None
) -> Iterator[Any]:
    # Retries are ours: Ray's own would not say whose fault it was.
    remote = ray.remote(max_retries=0, num_cpus=1)(_answers)

    def sent(batch: list[Any], strikes: int = 0, moves: int = 0) -> _Batch:
        return _Batch(batch, remote.remote(function, batch, time_limit), strikes, moves)

    most = _LEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    flying: deque[_Batch] = deque()
    while True:
        while len(flying) < most and (batch := list(islice(items, queued))):
            flying.append(sent(batch))
        if not flying:
            return
        first = flying.popleft()
        try:
            yield from ray.get(first.results)
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except ray.exceptions.WorkerCrashedError:
            if first.strikes + 1 == _STRIKES:
                yield Failure("ended its worker process twice")
            else:  # one by one, to learn under which
                alone = len(first.items) == 1
                flying.extendleft(reversed([sent([item], strikes=int(alone)) for item in first.items]))
        except ray.exceptions.RayError as error:  # a machine went away
            if first.moves == _MOVES:
                raise WorkerError(f"the cluster loses its machines: {type(error).__name__}") from None
            flying.appendleft(sent(first.items, first.strikes, first.moves + 1))


class _OutOfTime(BaseException):
    """Not an Exception, so that no function takes it for one of its own."""


def _answers(function: Callable[[Any], Any], items: list[Any], time_limit: float | None) -> list[Any]:
    return [_answer(function, item, time_limit) for item in items]


def _answer(function: Callable[[Any], Any], item: Any, time_limit: float | None) -> Any:
    if time_limit is None:
        return function(item)
    try:
        with _alarm(time_limit):
            return function(item)
    except _OutOfTime:
        return Failure(f"took longer than {time_limit:g} s")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


__all__ = ["mapped"]
