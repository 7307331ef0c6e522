"""1,000 seeds under several processor types: how often the same seed gives the same tokens.

OpenBLAS picks kernels by processor (OPENBLAS_CORETYPE pretends another one) and NumPy its vector loops
(NPY_DISABLE_CPU_FEATURES takes some away); they round differently. The table says for each kind which kernels ran, and
whether a matrix product and a tanh came out with other bits than on this processor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath
from threadpoolctl import threadpool_info

from benchmarks.report import report

DISPATCHED: list[str] = _multiarray_umath.__cpu_dispatch__
_AVX512 = " ".join(name for name in DISPATCHED if "AVX512" in name or name == "X86_V4")
KINDS: dict[str, dict[str, str]] = {
    "this processor": {},
    "OpenBLAS Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS Sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "OpenBLAS Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "NumPy without AVX512": {"NPY_DISABLE_CPU_FEATURES": _AVX512},
    "NumPy without AVX": {"NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED)},
    "Nehalem, NumPy without AVX": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED),
    },
}


def main() -> None:
    """Compose in a process a kind and compare digests of the token ids."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps({**_rounding(), "pieces": _digests(arguments.seeds, arguments.bars)}))
        return
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.across_processors", "--child"]
    command += ["--seeds", str(arguments.seeds), "--bars", str(arguments.bars)]
    found = {}
    for name, changes in KINDS.items():
        done = subprocess.run(command, env={**os.environ, **changes}, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout)
    reference = found["this processor"]
    rows = []
    for name, kind in found.items():
        same = sum(a == b for a, b in zip(kind["pieces"], reference["pieces"], strict=True))
        alike = {True: "same bits", False: "other bits"}
        rows.append(
            {
                "processor": name,
                "kernels": kind["kernels"],
                "product": alike[kind["product"] == reference["product"]],
                "tanh": alike[kind["tanh"] == reference["tanh"]],
                "same pieces": same,
                "of": len(reference["pieces"]),
                "share": same / len(reference["pieces"]),
            }
        )
    lowest = min(row["share"] for row in rows)
    report("across_processors", rows, f"the same seed gives the same piece in at least {100 * lowest:.1f} % of cases")


def _rounding() -> dict[str, Any]:
    """Which kernels run, and digests of a product and a tanh."""
    random = np.random.default_rng(0)
    matrix, vector = (random.standard_normal(shape).astype(np.float32) for shape in ((1536, 768), 768))
    results = {"product": matrix @ vector, "tanh": np.tanh(vector)}
    kernels = ", ".join(str(library.get("architecture")) for library in threadpool_info())
    return {
        "kernels": kernels,
        **{name: hashlib.sha256(value.tobytes()).hexdigest() for name, value in results.items()},
    }


def _digests(seeds: int, bars: int) -> list[str]:
    import composer

    pieces = (composer.compose(bars=bars, seed=seed) for seed in range(seeds))
    return [hashlib.sha256(repr(piece.recipe.ids).encode()).hexdigest()[:16] for piece in pieces]


if __name__ == "__main__":
    main()
