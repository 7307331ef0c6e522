"""Inside, BLAS has one thread; outside it has those it had."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info

from composer.one_thread import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_inside_and_as_before_outside():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = threads()
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before
