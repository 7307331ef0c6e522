"""From the shell prompt to .mid + .wav + .musicxml of a 16-bar chorale, beside `import tensorflow`, in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import report

RUNS = 5


def main() -> None:
    """Time both commands in turns after one warm-up each."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "song")
        compose = [
            sys.executable,
            "-m",
            "composer",
            "compose",
            "--bars",
            "16",
            "--formats",
            "mid,wav,musicxml",
            "--out",
            out,
        ]
        tensorflow = [sys.executable, "-c", "import tensorflow"]
        times: dict[str, list[float]] = {"compose": [], "import tensorflow": []}
        for run in range(RUNS + 1):
            for name, command in (("compose", compose), ("import tensorflow", tensorflow)):
                started = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                if run:
                    times[name].append(time.perf_counter() - started)
    ratios = [a / b for a, b in zip(*times.values(), strict=True)]
    rows = [
        {"command": name, "median s": statistics.median(runs), "min s": min(runs), "max s": max(runs)}
        for name, runs in times.items()
    ]
    ratio = statistics.median(ratios)
    report("cold_start", rows, f"a 16-bar chorale takes {ratio:.2f} x the time of `import tensorflow`", ratio < 1)


if __name__ == "__main__":
    main()
