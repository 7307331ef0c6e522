"""1,000 seeds under several processor types: how often the same seed gives the same tokens.

OpenBLAS picks kernels by processor (OPENBLAS_CORETYPE pretends another one) and NumPy its vector loops
(NPY_DISABLE_CPU_FEATURES); both round differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys

from benchmarks.report import report

_AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
KINDS: dict[str, dict[str, str]] = {
    "this processor": {},
    "OpenBLAS Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "OpenBLAS Sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "OpenBLAS Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "OpenBLAS Zen": {"OPENBLAS_CORETYPE": "Zen"},
    "NumPy without AVX512": {"NPY_DISABLE_CPU_FEATURES": _AVX512},
    "NumPy without AVX2": {"NPY_DISABLE_CPU_FEATURES": f"AVX2 FMA3 {_AVX512}"},
}


def main() -> None:
    """Compose in a process a kind and compare digests of the token ids."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_digests(arguments.seeds, arguments.bars)))
        return
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.across_processors", "--child"]
    command += ["--seeds", str(arguments.seeds), "--bars", str(arguments.bars)]
    digests = {}
    for name, changes in KINDS.items():
        done = subprocess.run(command, env={**os.environ, **changes}, capture_output=True, text=True, check=True)
        digests[name] = json.loads(done.stdout)
    reference = digests["this processor"]
    rows = []
    for name, found in digests.items():
        same = sum(a == b for a, b in zip(found, reference, strict=True))
        rows.append({"processor": name, "same pieces": same, "of": len(reference), "share": same / len(reference)})
    lowest = min(row["share"] for row in rows)
    report("across_processors", rows, f"the same seed gives the same piece in at least {100 * lowest:.1f} % of cases")


def _digests(seeds: int, bars: int) -> list[str]:
    import composer

    pieces = (composer.compose(bars=bars, seed=seed) for seed in range(seeds))
    return [hashlib.sha256(repr(piece.recipe.ids).encode()).hexdigest()[:16] for piece in pieces]


if __name__ == "__main__":
    main()
