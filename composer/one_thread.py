"""Products of matrices on one thread: they round the same however many cores there are."""

from __future__ import annotations

from functools import cache
from typing import Any


def one_thread() -> Any:
    """A context in which NumPy multiplies on one thread, faster too where matrices are small."""
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> Any:
    """Those that are loaded, NumPy's among them: looking for them takes as long as a bar of music."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


__all__ = ["one_thread"]
