"""What all benchmarks share: a table on the terminal and the same figures as JSON."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path("out/benchmarks")


def report(name: str, rows: list[dict[str, Any]], claim: str, holds: bool | None = None) -> None:
    """Print rows as a table with the claim under it, and write them to `out/benchmarks/NAME.json`.

    Raises:
        SystemExit: the claim does not hold.
    """
    table = Table(title=name)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    console = Console()
    console.print(table)
    verdict = {True: "holds: ", False: "DOES NOT HOLD: ", None: ""}[holds]
    console.print(verdict + claim, highlight=False)
    FOLDER.mkdir(parents=True, exist_ok=True)
    result = {"name": name, "claim": claim, "holds": holds, "machine": platform.machine(), "rows": rows}
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if holds is False:
        raise SystemExit(1)
