"""Mapping over many items: the same results in the same order, whatever becomes of the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import worker_functions as functions

from data.workers import Failure, mapped
from theory.errors import WorkerError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_stand_in_order(workers):
    assert list(mapped(functions.squared, range(50), workers=workers)) == [n * n for n in range(50)]


def test_order_whoever_finishes_first():
    assert list(mapped(functions.slow_first, range(20), workers=2)) == list(range(20))


def test_no_items():
    assert list(mapped(functions.squared, [])) == []


def test_no_more_processes_than_items():
    assert len(set(mapped(functions.pid, range(1), workers=4))) == 1


def test_all_processes_work():
    pids = set(mapped(functions.pid, range(100), workers=2))
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_what_the_function_raises_comes_in_its_place():
    stream = mapped(functions.refuses, range(10), workers=2)
    assert [next(stream) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five is right out"):
        next(stream)


def test_a_killed_worker_loses_nothing(tmp_path):
    assert list(mapped(partial(functions.dies_once, str(tmp_path)), range(20), workers=2)) == list(range(20))
    assert (tmp_path / "died").exists()


@pytest.mark.parametrize(("function", "cause"), [(functions.dies, "SIGKILL"), (functions.leaves, "exit code 3")])
def test_an_item_that_kills_its_worker_twice_is_a_failure(function, cause):
    results = list(mapped(function, range(20), workers=2))
    assert results[6] == Failure(f"ended its worker process twice ({cause})")
    assert results[:6] + results[7:] == [*range(6), *range(7, 20)]


def test_an_item_that_takes_too_long_is_a_failure():
    results = list(mapped(functions.hangs, range(20), workers=2, time_limit=0.5))
    assert results[6] == Failure("took longer than 0.5 s")
    assert results[:6] + results[7:] == [*range(6), *range(7, 20)]


def test_a_slow_caller_is_not_a_slow_item():
    for number, result in enumerate(mapped(functions.squared, range(6), workers=1, time_limit=0.2)):
        time.sleep(0.25)
        assert result == number * number


def test_items_are_taken_only_as_results_are_asked_for():
    taken = []

    def items():
        for number in range(10_000):
            taken.append(number)
            yield number

    with closing(mapped(functions.squared, items(), workers=2)) as stream:
        next(stream)
        time.sleep(0.3)
        assert len(taken) <= 100
        next(stream)
    assert len(taken) <= 100


def test_large_items_and_results():
    assert [len(result) for result in mapped(functions.big, range(30), workers=2)] == [1_000_000] * 30
    assert list(mapped(functions.length, (bytes(1_000_000) for _ in range(30)), workers=2)) == [1_000_000] * 30


def test_one_thread_of_blas_a_worker():
    before = dict(os.environ)
    for threads in mapped(functions.blas_threads, range(4), workers=2):
        assert set(threads) == {1}
    assert dict(os.environ) == before


def test_workers_that_cannot_start_are_said(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)  # workers look where this process does
    (tmp_path / "worker_functions.py").write_text("import os; os._exit(9)")
    with pytest.raises(WorkerError, match=r"as soon as they start \(exit code 9\)"):
        list(mapped(functions.squared, range(5), workers=1))


SLEEPER = """
import sys
from data.workers import mapped
import worker_functions
if __name__ == "__main__":
    print("begun", flush=True)
    for _ in mapped(worker_functions.sleeps, [0.0, 60.0, 60.0], workers=2):
        print("one", flush=True)
"""


def _children(pid):
    return [int(line) for line in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to count processes")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_caller(how, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(ROOT)]))
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    command = [sys.executable, str(tmp_path / "sleeper.py")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as caller:
        assert caller.stdout.readline() == "begun\n"
        assert caller.stdout.readline() == "one\n"
        children = _children(caller.pid)
        if how == signal.SIGINT:
            os.killpg(caller.pid, how)  # as a terminal does
        else:
            caller.send_signal(how)
        said = caller.communicate(timeout=20)[1]
    assert said.count("Traceback") == (how == signal.SIGINT)  # the caller's own
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def test_an_exception_that_cannot_travel_is_told_all_the_same():
    with pytest.raises(RuntimeError, match="AwkwardError: 0"):
        next(mapped(functions.awkward, range(3), workers=1))
