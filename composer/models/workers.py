"""Training on several machines: each takes its rows of every batch, and sums are made over all.

TensorFlow's `MultiWorkerMirroredStrategy` connects the workers and sums; variables stay each worker's own, and stay
equal because all do the same with the same sums. (Keras 3's `fit` fails under the strategy, keras#20585.)
"""

from __future__ import annotations

import json
import os
import signal
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
        return cls(tuple(address.strip() for address in workers.split(",")), index)

    @classmethod
    def _of_environment(cls) -> Cluster | None:
        text = os.environ.get(_ENVIRONMENT)
        if not text:
            return None
        try:
            told = json.loads(text)
            chiefs, others = told["cluster"].get("chief", []), told["cluster"]["worker"]
            addresses = tuple(map(str, [*chiefs, *others]))
            index = {"chief": 0, "worker": len(chiefs)}[told["task"]["type"]] + int(told["task"]["index"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RequestError(
                f"{_ENVIRONMENT} names no cluster of workers: see TensorFlow's guide, or unset it"
            ) from None
        return cls(addresses, index) if len(addresses) > 1 else None

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
            raise TrainingError(
                f"the workers {', '.join(cluster.addresses)} do not come together: {_line(error)}"
            ) from None

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
            raise TrainingError(
                f"worker {self.index} of {self.count} has lost the others ({_line(error)}): "
                "start all of them again with --resume"
            ) from None

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


def _line(error: Exception) -> str:
    """The gist of what TensorFlow says."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    said = next(
        (line for line in lines if "abort" in line.lower() or "peer" in line.lower()), lines[-1] if lines else ""
    )
    return said.strip()[:120] or type(error).__name__
