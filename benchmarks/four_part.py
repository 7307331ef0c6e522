"""1,000 chorales under the four-part rules, with random cadences: no parallels, and the cadences where asked.

Each piece is written as MIDI and judged by `benchmarks.constraint_checker`, which shares no code with the masks.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from random import Random

from benchmarks.constraint_requests import cadences, plain
from benchmarks.constraints import MOST_EXHAUSTED, Tally, attempt
from benchmarks.report import report

METERS = ("4/4", "3/4")
BARS = (4, 16)


def main() -> None:
    """Draw, compose, write, read back, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="lstm")
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for index in range(options.pieces):
            rng = Random(f"four-part {options.seed}/{index}")
            drawn = plain(rng, METERS, BARS)
            cadences(rng, drawn)
            drawn.arguments.update(rules="four-part", model=options.model)
            drawn.wish.no_parallels = drawn.wish.four_part = True
            attempt(index, drawn, Path(folder) / "piece.mid", tally)
    claim = (
        f"{tally.pieces} chorales, {tally.notes} notes, {tally.redraws / max(tally.pieces, 1):.2f} redraws a chorale: "
        f"no parallels, every cadence where asked; {tally.exhausted} exhausted, {tally.refused} refused"
    )
    holds = not tally.wrong and not tally.refused and tally.exhausted <= MOST_EXHAUSTED * options.pieces
    report("four_part", tally.rows(), claim, holds)


if __name__ == "__main__":
    main()
