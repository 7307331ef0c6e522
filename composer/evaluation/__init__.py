"""Generators beside each other and beside held-out real music, in one run, all asked for the same.

>>> from pathlib import Path
>>> from composer.evaluation import Settings, evaluate
>>> found = evaluate(Settings(("folk-vae",), "folk:test", count=500), Path("report/kept"))     # doctest: +SKIP
>>> found.rows[0].share                                                                        # doctest: +SKIP
"""

from composer.evaluation.columns import SUMMARY, Column, shown, written
from composer.evaluation.rows import REAL, Row
from composer.evaluation.run import GOAL, Evaluated, Settings, evaluate
from composer.evaluation.split import Split

__all__ = [
    "GOAL", "REAL", "SUMMARY", "Column", "Evaluated", "Row", "Settings", "Split", "evaluate", "shown", "written",
]  # fmt: skip
