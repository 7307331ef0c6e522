"""Decoding one sequence: the NumPy runtime beside a `tf.function` loop over the same network, one thread each."""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import time
from typing import Any

import numpy as np

from benchmarks.networks import in_keras, piece_features, shipped
from benchmarks.report import report

STEPS = 500
RUNS = 7


def main() -> None:
    """Time both over the same tokens, in turns."""
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
    report("decoding", rows, f"the NumPy runtime decodes {ratio:.2f} x as fast as a tf.function loop", ratio > 1)


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
