"""Training on several machines: each takes its rows of every batch, and sums are made over all.

TensorFlow's `MultiWorkerMirroredStrategy` connects the workers and sums; variables stay each worker's own, and stay
equal because all do the same with the same sums. (Keras 3's `fit` fails under the strategy, keras#20585.)
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from theory.errors import RequestError, TrainingError

_ENVIRONMENT = "TF_CONFIG"
_TIMEOUT = 600  # seconds that the others may be late: their first step compiles
Tensors = TypeVar("Tensors")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which machines train, and which of them this is.

    Attributes:
        addresses: "host:port" of each worker, the same list on all.
        index: of this worker; 0 is the chief, who writes what is to be kept.

    Raises:
        RequestError: no such worker, or an address without a port, or one twice.
    """

    addresses: tuple[str, ...]
    index: int

    def __post_init__(self) -> None:
        for address in self.addresses:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise RequestError(f"worker {address!r}: write host:port, as in 10.0.0.2:2222")
        if len(set(self.addresses)) < len(self.addresses):
            raise RequestError("two workers have the same address")
        if not 0 <= self.index < len(self.addresses):
            raise RequestError(f"worker {self.index}: there are workers 0 to {len(self.addresses) - 1}")

    @classmethod
    def told(cls, workers: str | None, index: int | None) -> Cluster | None:
        """The cluster of the command line, else of the variable TF_CONFIG, else None: this machine alone.

        Raises:
            RequestError: neither can be read, or only half is told.
        """
        if workers is None and index is None:
            return cls._of_environment()
        if workers is None or index is None:
            raise RequestError("--workers and --worker go together: all addresses, and which of them this machine is")
        addresses = tuple(address.strip() for address in workers.split(","))
        if not all(addresses):
            raise RequestError(f"--workers {workers!r}: an address is missing; write host:port,host:port")
        return cls(addresses, index)

    @classmethod
    def _of_environment(cls) -> Cluster | None:
        text = os.environ.get(_ENVIRONMENT)
        if not text:
            return None
        try:
            addresses, index = _of_json(text)
            return cls(addresses, index) if len(addresses) > 1 else None
        except RequestError as error:
            raise RequestError(f"{_ENVIRONMENT}: {error} (TensorFlow's guide has its form; or unset it)") from None

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the checkpoint and the model."""
        return self.index == 0


class Workers:
    """The connection to the others. With no cluster there are none, and sums are what is given.

    Raises:
        TrainingError: the others cannot be reached, here or in any later sum.
    """

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.count, self.index = (1, 0) if cluster is None else (len(cluster.addresses), cluster.index)
        self._addresses = cluster.addresses if cluster else ()
        self._strategy = None if cluster is None or self.count == 1 else self._connected(cluster)

    @staticmethod
    def _connected(cluster: Cluster) -> Any:
        import tensorflow as tf

        task = {"type": "worker", "index": cluster.index}
        os.environ[_ENVIRONMENT] = json.dumps({"cluster": {"worker": list(cluster.addresses)}, "task": task})
        ring = tf.distribute.experimental.CommunicationImplementation.RING
        options = tf.distribute.experimental.CommunicationOptions(implementation=ring, timeout_seconds=_TIMEOUT)
        try:
            with _stoppable():
                return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            raise TrainingError(_why_apart(error, cluster)) from None

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes what is to be kept."""
        return self.index == 0

    def share(self, values: Tensors) -> Tensors:
        """Give this worker's rows of a batch (any structure of arrays, rows first); possibly none."""
        if self.count == 1:
            return values
        import tensorflow as tf

        return tf.nest.map_structure(lambda rows: rows[self.index :: self.count], values)  # type: ignore[no-any-return]

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """Sums of tensors over all workers, on each of them; all must call it with the same shapes."""
        if self._strategy is None:
            return list(tensors)
        import tensorflow as tf

        try:
            return list(self._summed(tuple(tensors)))
        except tf.errors.OpError as error:
            why = _why_lost(str(error), self._addresses)
            raise TrainingError(f"worker {self.index} of {self.count} {why}") from None

    def from_chief(self, content: bytes) -> bytes:
        """The chief's bytes, on every worker."""
        if self.count == 1:
            return content
        import tensorflow as tf

        mine = content if self.is_chief else b""
        (size,) = self.sum([tf.constant(len(mine))])
        padded = np.zeros(int(size), dtype=np.int32)
        padded[: len(mine)] = np.frombuffer(mine, dtype=np.uint8)
        (given,) = self.sum([tf.constant(padded)])
        return bytes(given.numpy().astype(np.uint8))

    @cached_property
    def _summed(self) -> Any:
        import tensorflow as tf

        def reduced(tensors: Any) -> Any:
            return tf.distribute.get_replica_context().all_reduce(
                tf.distribute.ReduceOp.SUM, [tf.identity(part) for part in tensors]
            )

        strategy: Any = self._strategy
        return tf.function(lambda tensors: strategy.run(reduced, args=(tensors,)), autograph=False)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C and a termination end the process at once: TensorFlow waits for the others outside Python."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _of_json(text: str) -> tuple[tuple[str, ...], int]:
    """Addresses of all workers, the chief's first, and the index of this one, from what TF_CONFIG holds.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestError(f"{_short(text)!r} is no JSON") from None
    cluster, task = (told.get(name) if isinstance(told, dict) else None for name in ("cluster", "task"))
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise RequestError('it must hold a "cluster" and a "task"')
    lists = {kind: cluster.get(kind, []) for kind in ("chief", "worker")}
    for name, addresses in lists.items():
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise RequestError(f'"{name}" of its cluster must be a list of "host:port"')
    if not any(lists.values()):
        raise RequestError('its cluster has no "worker"')
    kind, index = task.get("type"), str(task.get("index"))
    if kind not in tuple(lists):
        raise RequestError(f'its task has the type {kind!r}; "chief" and "worker" can train')
    if not index.isdecimal() or int(index) >= len(lists[kind]):
        raise RequestError(f'its task is {kind} {index}; its cluster has {len(lists[kind])} under "{kind}", from 0 on')
    before = len(lists["chief"]) if kind == "worker" else 0
    return (*lists["chief"], *lists["worker"]), before + int(index)


def _why_apart(error: Exception, cluster: Cluster) -> str:
    """Why this worker could not connect."""
    own = cluster.addresses[cluster.index]
    if refused := _why_deaf(int(own.rpartition(":")[2])):
        return (
            f"worker {cluster.index} cannot listen at its own address {own} ({refused}): end what is there, perhaps an "
            "earlier run, or give this worker another port on all machines"
        )
    return f"the workers {', '.join(cluster.addresses)} do not come together: {_short(str(error))}"


def _why_deaf(port: int) -> str:
    """Why nobody can listen at a port of this machine; empty where one can. TensorFlow's errors do not tell."""
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        return os.strerror(error.errno).lower() if error.errno else str(error)
    return ""


# What TensorFlow says where a sum fails, and what that means. One message may quote another: the first row that fits
# is the cause.
_CAUSES = (
    (
        "joining a group with size",
        "does not fit the others, whose --workers name more or fewer: give all of them the same list",
    ),
    (
        "[Ss]hape mismatch",
        "does not fit the others, who have other pieces, options or versions: start all of them again with the same",
    ),
    (
        "timed out during execution",
        f"has lost the others (no answer for {_TIMEOUT} seconds): start all of them again with --resume",
    ),
    (
        "remote target|[Ss]ocket closed|unhealthy",
        "has lost the others ({one} has ended or cannot be reached): start all of them again with --resume",
    ),
)


def _why_lost(said: str, addresses: Sequence[str]) -> str:
    """Why a sum failed, as TensorFlow's words tell it."""
    # The first one that is named is lost; others pass its error on.
    task = re.search(r"(?:remote target|unhealthy.*:)\s+/job:worker/replica:0/task:(\d+)", said)
    lost = int(task[1]) if task else len(addresses)
    one = f"worker {lost} at {addresses[lost]}" if lost < len(addresses) else "one of them"
    known = (words.format(one=one) for pattern, words in _CAUSES if re.search(pattern, said))
    gist = _short(re.sub(r"\{\{.*?\}\}|Collective ops is aborted by:", "", said))
    return next(known, f"has lost the others ({gist}): start all of them again with --resume")


def _short(text: str) -> str:
    """The beginning of a text that may be long, as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"
