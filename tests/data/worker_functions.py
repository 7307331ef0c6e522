"""Functions for worker processes: of a module, so that another process finds them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from threadpoolctl import threadpool_info


def squared(number: int) -> int:
    return number * number


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number


def refuses(number: int) -> int:
    if number == 5:
        raise ValueError("five is right out")
    return number


def dies_once(folder: str, number: int) -> int:
    mark = Path(folder) / "died"
    if number == 6 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies(number: int) -> int:
    if number == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leaves(number: int) -> int:
    if number == 6:
        os._exit(3)
    return number


def hangs(number: int) -> int:
    while number == 6:
        time.sleep(0.01)
    return number


def big(number: int) -> bytes:
    return bytes([number % 256]) * 1_000_000


def length(data: bytes) -> int:
    return len(data)


def blas_threads(_: int) -> list[int]:
    import numpy as np

    np.ones((4, 4)) @ np.ones((4, 4))
    return [pool["num_threads"] for pool in threadpool_info()]


def pid(_: int) -> int:
    time.sleep(0.01)
    return os.getpid()


def sleeps(seconds: float) -> None:
    time.sleep(seconds)


def naps(number: int) -> int:
    time.sleep(0.1)
    return number


class AwkwardError(Exception):
    """Can be pickled, but not taken up again."""

    def __init__(self, number: int, _more: str) -> None:
        super().__init__(number)


def awkward(number: int) -> int:
    raise AwkwardError(number, "")
