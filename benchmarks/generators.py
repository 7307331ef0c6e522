"""Every generator of a style beside a 5-gram and held-out real music, in one run: what `cadenza evaluate` does.

The claim: each model's mean overlapped area is at least 0.95 of real against real, and its pieces share no longer runs
with what it learnt from than held-out real music does, on the mean.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.report import FOLDER, report
from composer import bundle
from composer.cli.options import bar_progress
from composer.evaluation import GOAL, SUMMARY, Evaluated, Row, Settings, evaluate, shown, written
from composer.evaluation.report import write
from data.workers import processors


def main() -> None:
    """Compose, measure, and write the page beside the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="as of `cadenza evaluate`; every model that ships for folk tunes")
    parser.add_argument("--against", default="folk:test")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--bars", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--out-dir", type=Path, default=FOLDER / "generators")
    options = parser.parse_args()
    models = tuple(options.models or (name for name in bundle.names() if name.startswith("folk-")))
    settings = Settings(models, options.against, options.count, options.bars, options.seed)
    found = evaluate(settings, options.out_dir / "kept", workers=options.workers, show=bar_progress)
    write(found, options.out_dir, bar_progress)
    claim = (
        f"{found.settings.count} pieces each beside {len(found.held_out.excerpts)} of {found.held_out.split}, "
        f"{found.held_out.bars} bars: overlap at least {GOAL} of real against real, no longer runs shared than real "
        f"music shares; {'; '.join(found.notices)}"
    )
    report("generators", _rows(found), claim, all(map(_holds, found.rows)))


def _rows(found: Evaluated) -> list[dict[str, Any]]:
    """A row a figure, a column a writer."""
    return [
        {"figure": column.heading, **{row.heading: written(column.of(row), column.digits) for row in found.rows}}
        for column in shown(SUMMARY, found.rows)
    ]


def _holds(row: Row) -> bool:
    if row.architecture in ("5-gram", "real"):
        return True
    return row.share.value >= GOAL and (row.originality is None or row.originality.holds)


if __name__ == "__main__":
    main()
