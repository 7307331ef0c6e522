"""`data.workers` by processes of this machine."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any

from data.workers import Failure
from theory.errors import WorkerError

_FRESH = get_context("spawn")  # a fork of a process that has threads (TensorFlow's, BLAS') may hang
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
_STRIKES = 2  # deaths of a worker under one item after which it is given up
_FALSE_STARTS = 3  # in a row
_LEAD = 8  # how many queues the work may be ahead of the first result that is missing

Numbered = tuple[int, Any]


@dataclass(eq=False, slots=True)
class _Worker:
    """A process, and what it has been given: the first of `items` is what it works on."""

    process: Any
    connection: Connection
    items: deque[Numbered] = field(default_factory=deque)
    is_ready: bool = False
    since: float = 0.0  # when it began with its present item


def mapped(
    function: Callable[[Any], Any], items: Iterable[Any], workers: int, queued: int, time_limit: float | None
) -> Generator[Any, None, None]:
    """See `data.workers.mapped`."""
    pool = _Pool(function, items, workers, queued, time_limit)
    try:
        yield from pool.results()
    finally:
        pool.stop()


class _Pool:
    def __init__(
        self, function: Callable[[Any], Any], items: Iterable[Any], workers: int, queued: int, time_limit: float | None
    ) -> None:
        self._function, self._source = function, enumerate(items)
        self._count, self._queued, self._time_limit = workers, queued, time_limit
        self._workers: list[_Worker] = []
        self._again: deque[Numbered] = deque()  # of workers that died
        self._strikes: dict[int, int] = {}
        self._done: dict[int, tuple[bool, Any]] = {}
        self._taken = self._given_out = self._false_starts = 0

    def results(self) -> Iterator[Any]:
        """The results in order."""
        while True:
            self._feed()
            while self._given_out in self._done:
                is_fine, value = self._done.pop(self._given_out)
                self._given_out += 1
                if not is_fine:
                    raise value
                yield value
                self._feed()
            if self._given_out == self._taken:
                return
            self._listen()

    def _feed(self) -> None:
        """Give every worker something to do, starting workers as long as there is more than they have."""
        for worker in self._workers:
            if worker.is_ready and len(worker.items) <= self._queued // 2:
                self._give(worker, self._next(self._queued - len(worker.items)))
        missing = self._count - len(self._workers)
        if missing:
            starting = sum(not worker.is_ready for worker in self._workers)
            batch = self._next(starting + missing)
            self._again.extendleft(reversed(batch))
            self._workers += [_started(self._function) for _ in range(min(missing, len(batch) - starting))]

    def _next(self, most: int) -> list[Numbered]:
        """Items that nobody works on: first those of dead workers."""
        batch = [self._again.popleft() for _ in range(min(most, len(self._again)))]
        room = self._given_out + _LEAD * self._queued * self._count - self._taken
        fresh = list(islice(self._source, max(0, min(most - len(batch), room))))
        self._taken += len(fresh)
        return batch + fresh

    def _give(self, worker: _Worker, batch: list[Numbered]) -> None:
        if not worker.items:
            worker.since = time.monotonic()
        worker.items.extend(batch)
        with suppress(OSError):  # it has just died: `_listen` will see that
            for numbered in batch:
                worker.connection.send_bytes(pickle.dumps(numbered))

    def _listen(self) -> None:
        """Take what workers have to say, until at least one has said something or has worked too long."""
        busy = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(busy), self._patience()):
            assert isinstance(connection, Connection)
            self._hear(busy[connection])
        if self._time_limit is not None:
            now = time.monotonic()
            for worker in [worker for worker in self._workers if worker.items]:
                if now - worker.since > self._time_limit and not worker.connection.poll():
                    self._fail(worker.items.popleft()[0], f"took longer than {self._time_limit:g} s")
                    self._bury(worker)

    def _patience(self) -> float | None:
        if self._time_limit is None:
            return None
        now = time.monotonic()
        left = [worker.since + self._time_limit - now for worker in self._workers if worker.items]
        return max(0.0, min(left, default=self._time_limit)) + 0.01

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._mourn(worker)
            return
        if message is None:
            worker.is_ready, self._false_starts = True, 0
        else:
            number, is_fine, value = message
            worker.items.popleft()
            self._done[number] = (is_fine, value)
        worker.since = time.monotonic()

    def _mourn(self, worker: _Worker) -> None:
        """A worker died by itself: its present item gets a strike."""
        self._bury(worker)
        if not worker.is_ready:
            self._false_starts += 1
            if self._false_starts == _FALSE_STARTS:
                code = worker.process.exitcode
                raise WorkerError(
                    f"worker processes end as soon as they start (exit code {code}): is there memory, and does a "
                    'script do its work under `if __name__ == "__main__":`?'
                )
        elif worker.items:
            number = worker.items[0][0]
            self._strikes[number] = self._strikes.get(number, 0) + 1
            if self._strikes[number] == _STRIKES:
                self._again.popleft()
                self._fail(number, f"ended its worker process twice ({_cause(worker.process.exitcode)})")

    def _bury(self, worker: _Worker) -> None:
        """End a worker; what it had is to be done again."""
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        self._again.extendleft(reversed(worker.items))

    def _fail(self, number: int, reason: str) -> None:
        self._done[number] = (True, Failure(reason))

    def stop(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _started(function: Callable[[Any], Any]) -> _Worker:
    ours, theirs = _FRESH.Pipe()
    process = _FRESH.Process(target=_serve, args=(theirs, function), daemon=True)
    with ExitStack() as stack:
        stack.enter_context(_environment(_ONE_THREAD))
        stack.enter_context(_interrupts_held())
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for a process to inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits: a process started meanwhile never hears of it and is ended by us."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    """The life of a worker: an answer (number, fine, value) for each numbered item, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    letters: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, letters), daemon=True).start()
    with suppress(OSError):  # the other end is gone
        connection.send(None)
        while True:
            connection.send_bytes(_answer(letters.get(), function))


def _receive(connection: Connection, letters: SimpleQueue[bytes]) -> None:
    """Empty the pipe at once, so that who writes into it never waits; end with its other end, even in mid-work."""
    while True:
        try:
            letters.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(letter: bytes, function: Callable[[Any], Any]) -> bytes:
    number, item = pickle.loads(letter)
    try:
        return pickle.dumps((number, True, function(item)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # the caller's to judge
        error.add_note(traceback.format_exc())
        return pickle.dumps((number, False, _portable(error)))


def _portable(error: Exception) -> Exception:
    """An exception that the other end can take up: not every class survives the way."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


__all__ = ["mapped"]
