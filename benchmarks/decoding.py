"""How fast pieces are decoded beside how fast this machine streams the same weights, on one thread a process.

Streaming is a plain matrix-vector product of each of the network's matrices in turn: what no reader of single sequences
that touches every weight could do without. The network's step, a reader (state, features, network, logits of all
tokens), composing one piece and composing 32 side by side (masks on, all that is settled before the first token
included, the report on the finished piece not) take turns with it, so that all share whatever else the machine does:
the least time of several rounds counts, in processor time. Of two processes that work at the same time the slower one
counts, likewise in processor time, beside single pieces in the same rounds; loading the model is not in it.

Then the network's step beside a `tf.function` loop over the same network.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np

from benchmarks.networks import in_keras, piece_features, shipped
from benchmarks.report import report
from composer.bundle import Bundle
from composer.decode import write, write_many
from composer.generate import prepared
from composer.request import Request
from composer.runtime import Reader, Runtime, Vector

STEPS = 1000
RUNS = 7
WIDTH = 32
REPEATS = 8  # of what takes little time: all meet the same disturbances
ALONE = 8  # pieces, one after the other
_FORM: dict[str, Any] = {"key": "D minor", "bars": 16}
REQUESTS: dict[str, Request] = {
    "habits only": Request(**_FORM),
    "chords, range, density, scale": Request(
        **_FORM, chords="Dm | Gm | A7 | Dm", ranges=("soprano=C4:G5",), density=("2:8",), scale="key"
    ),
}
GOALS = {"one": 0.7, "many": 2.0, "two": 3.5}


def main() -> None:
    """Time all of it in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=RUNS)
    parser.add_argument("--no-tensorflow", action="store_true", help="leave the loop of TensorFlow out")
    arguments = parser.parse_args()
    rows, verdicts = [], []
    for name, wanted in REQUESTS.items():
        found = _rates(wanted, arguments.rounds)
        rows += [{"request": name, **row} for row in found]
        verdicts += [row["ratio"] >= row["goal"] for row in found if row["goal"]]
    claim = f"{sum(verdicts)} of {len(verdicts)} goals are reached"
    report("decoding", rows, claim, all(verdicts) if arguments.no_tensorflow else None)
    if not arguments.no_tensorflow:
        _beside_tensorflow()


def _rates(wanted: Request, rounds: int) -> list[dict[str, Any]]:
    """Tokens a second of each way, and how they compare."""
    loaded, runtime = shipped()
    ids = write(prepared(wanted).task, 3).ids
    tasks: dict[str, Callable[[], int]] = {
        "stream": _Stream(loaded),
        "step": lambda: _steps(runtime, ids),
        "reader": lambda: _read(runtime, ids),
        "one": lambda: _one(wanted),
        "many": lambda: _many(wanted, range(WIDTH)),
    }
    least: dict[str, float] = {}
    for turn in range(rounds + 1):
        for task, run in tasks.items():
            started = time.process_time()
            tokens = run()
            if turn:
                least[task] = min(least.get(task, np.inf), (time.process_time() - started) / tokens)
    stream, one = least["stream"], least["one"]
    two, beside = _by_two(wanted, rounds)
    return [
        _row("streaming the weights, one thread", stream),
        _row("the network's step", least["step"], "streaming", stream / least["step"], GOALS["one"]),
        _row("reading", least["reader"], "streaming", stream / least["reader"], GOALS["one"]),
        _row("composing one", one, "streaming", stream / one, GOALS["one"]),
        _row(f"composing {WIDTH}", least["many"], "one", one / least["many"], GOALS["many"]),
        _row(f"composing 2 x {WIDTH} on two cores", two, "one", beside / two, GOALS["two"]),
    ]


def _row(what: str, seconds: float, beside: str = "", ratio: float = 1.0, goal: float = 0.0) -> dict[str, Any]:
    return {
        "what": what,
        "tokens/s": 1 / seconds,
        "µs a token": 1e6 * seconds,
        "of": beside,
        "ratio": ratio,
        "goal": goal,
    }


class _Stream:
    """Plain products of the network's matrices with vectors; a call streams the weights of so many tokens."""

    def __init__(self, loaded: Bundle) -> None:
        weights, sizes = loaded.weights, loaded.decoder
        below = weights["lstm0.kernel"][sizes.embedding :]  # a token's share is no product, but looked up
        self._matrices = [_transposed(below, weights["lstm0.recurrent"])]
        for layer in range(1, sizes.layers):
            self._matrices.append(_transposed(weights[f"lstm{layer}.kernel"], weights[f"lstm{layer}.recurrent"]))
        self._matrices.append(_transposed(weights["output.kernel"]))
        self._vectors = [np.ones(matrix.shape[1], np.float32) for matrix in self._matrices]

    def __call__(self) -> int:
        for _ in range(REPEATS * STEPS):
            for matrix, vector in zip(self._matrices, self._vectors, strict=True):
                matrix @ vector
        return REPEATS * STEPS


def _transposed(*kernels: Vector) -> Vector:
    return np.ascontiguousarray(np.concatenate(kernels).T)


def _steps(runtime: Runtime, ids: list[int]) -> int:
    context = runtime.context([0] * 8, [60, 64, 67])
    for _ in range(REPEATS):
        state = runtime.start()
        for token in ids:
            _, state = runtime.step(state, token, context)
    return REPEATS * len(ids)


def _read(runtime: Runtime, ids: list[int]) -> int:
    for _ in range(REPEATS):
        reader = Reader(runtime, 16)
        for token in ids:
            reader.read(token)
    return REPEATS * len(ids)


def _one(wanted: Request) -> int:
    return sum(len(write(prepared(wanted).task, seed).ids) for seed in range(ALONE))


def _many(wanted: Request, seeds: range) -> int:
    """Tokens of the pieces that were found; all were looked for."""
    return sum(len(draft.ids) for draft in write_many(prepared(wanted).task, seeds) if not isinstance(draft, Exception))


def _by_two(wanted: Request, rounds: int) -> tuple[float, float]:
    """Seconds a token of two processes that compose `WIDTH` pieces each, and of one alone."""
    fresh = get_context("spawn")
    barrier = fresh.Barrier(2)
    ends = [fresh.Pipe() for _ in range(2)]
    processes = [
        fresh.Process(target=_take_turns, args=(wanted, rounds, number, barrier, theirs))
        for number, (_, theirs) in enumerate(ends)
    ]
    for process in processes:
        process.start()
    found = [ours.recv() for ours, _ in ends]
    for process in processes:
        process.join()
    tokens = sum(count for count, _, _ in found)
    rounds_together = zip(*(together for _, together, _ in found), strict=True)
    return min(max(both) for both in rounds_together) / tokens, found[0][2]


def _take_turns(wanted: Request, rounds: int, number: int, barrier: Barrier, answer: Connection) -> None:
    """One of the two: the first composes single pieces by itself, then both many."""
    tokens, together, alone = 0, [], np.inf
    for turn in range(rounds + 1):
        if number == 0:
            started = time.process_time()
            count = _one(wanted)
            alone = min(alone, (time.process_time() - started) / count) if turn else alone
        barrier.wait()
        started = time.process_time()
        tokens = _many(wanted, range(number * WIDTH, (number + 1) * WIDTH))
        together += [time.process_time() - started] if turn else []
        barrier.wait()
    answer.send((tokens, together, alone))


def _beside_tensorflow() -> None:
    """Time a step of both over the same tokens, in turns."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded, runtime = shipped()
    ids, plan, heard = piece_features(seed=1, bars=24)
    ids, plan, heard = ids[:STEPS], plan[:STEPS], heard[:STEPS].astype(np.float32)
    loop = _tensorflow_loop(tf, in_keras(loaded), loaded.decoder)
    inputs = tf.constant(ids, tf.int32), tf.constant(plan), tf.constant(heard)
    pitches = [np.flatnonzero(row).tolist() for row in heard]
    rates: dict[str, list[float]] = {"NumPy runtime": [], "tf.function loop": []}
    for run in range(RUNS + 1):
        started = time.perf_counter()
        state = runtime.start()
        for token, row, sounding in zip(ids, plan.tolist(), pitches, strict=True):
            logits, state = runtime.step(state, token, runtime.context(row, sounding))
        middle = time.perf_counter()
        last = loop(*inputs)
        ended = time.perf_counter()
        if not np.allclose(last.numpy()[0], logits, atol=1e-3):
            raise SystemExit("the two loops disagree")
        if run:
            rates["NumPy runtime"].append(len(ids) / (middle - started))
            rates["tf.function loop"].append(len(ids) / (ended - middle))
    ratio = statistics.median(a / b for a, b in zip(*rates.values(), strict=True))
    rows = [{"runtime": name, "tokens/s (median)": statistics.median(values)} for name, values in rates.items()]
    claim = f"the NumPy runtime decodes {ratio:.2f} x as fast as a tf.function loop"
    report("decoding_beside_tensorflow", rows, claim, ratio > 1)


def _tensorflow_loop(tf: Any, model: Any, sizes: Any) -> Any:
    """One compiled graph that steps the network's own layers over a sequence of tokens."""
    import keras

    cells = [layer.cell for layer in model.layers if isinstance(layer, keras.layers.LSTM)]
    embedding, context, output = (model.get_layer(name) for name in ("embedding", "context", "output"))

    @tf.function(reduce_retracing=True)
    def loop(ids: Any, plan: Any, heard: Any) -> Any:
        states = [tf.zeros((1, sizes.units)) for _ in range(2 * len(cells))]
        logits = tf.zeros((1, sizes.vocabulary))
        for index in tf.range(tf.shape(ids)[0]):
            inputs = tf.concat(
                [embedding(ids[index][None]), context(plan[index][None, None], heard[index][None, None])[0]], 1
            )
            new = []
            for layer, cell in enumerate(cells):
                inputs, pair = cell(inputs, [states[2 * layer], states[2 * layer + 1]])
                new += pair
            states = new
            logits = output(inputs)
        return logits

    return loop


if __name__ == "__main__":
    main()
