"""NumPy runtime and Keras model with the same float16 weights: logits over 1,000 steps of composed music."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import in_keras, piece_features, shipped
from benchmarks.report import report

STEPS = 1000
BOUND = 1e-4


def main() -> None:
    """Compare the logits step by step."""
    loaded, runtime = shipped()
    model = in_keras(loaded)
    rows = []
    for seed in range(3):
        ids, plan, heard = piece_features(seed, bars=40)
        ids, plan, heard = ids[:STEPS], plan[:STEPS], heard[:STEPS]
        inputs = [np.array([ids], np.int32), plan[None], heard[None].astype(np.float32)]
        expected = np.asarray(model(inputs, training=False))[0]
        state = runtime.start()
        worst = 0.0
        for index, token in enumerate(ids):
            context = runtime.context(plan[index].tolist(), np.flatnonzero(heard[index]).tolist())
            logits, state = runtime.step(state, token, context)
            worst = max(worst, float(np.abs(logits - expected[index]).max()))
        rows.append({"seed": seed, "steps": len(ids), "largest difference": worst})
    largest = max(row["largest difference"] for row in rows)
    steps = min(row["steps"] for row in rows)
    report("parity", rows, f"logits agree to {largest:.1e} over {steps} steps", largest <= BOUND and steps >= STEPS)


if __name__ == "__main__":
    main()
