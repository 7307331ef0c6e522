"""How long the runs are that many pieces share with an index: of a generator's, and of real music it never saw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.originality.index import Index
from theory.score import IntArray, Score

_PERCENTILES = (50, 75, 90, 95, 100)


class Runs(NamedTuple):
    """The longest runs that each of n pieces shares with an index.

    Attributes:
        exact, transposed: int64 (n,), notes; 0 without a run.
        notes: int64 (n,), that each piece has: a longer one has more chances.
    """

    exact: IntArray
    transposed: IntArray
    notes: IntArray

    def summary(self) -> dict[str, Any]:
        """Means, and notes that half, three quarters, ... of the pieces do not exceed."""
        return {
            "pieces": len(self.notes),
            "notes a piece": _mean(self.notes),
            **{
                name: {"mean": _mean(column)} | {f"{share} %": _percentile(column, share) for share in _PERCENTILES}
                for name, column in (("exact", self.exact), ("transposed", self.transposed))
            },
        }

    def share_above(self, notes: int) -> float:
        """Share of the pieces that `compose(original=notes)` would refuse."""
        return float((self.transposed > notes).mean()) if len(self.transposed) else 0.0


def runs_of(index: Index, scores: Iterable[Score]) -> Runs:
    """The longest runs that each of some pieces shares with an index.

    Held-out pieces (`data.split`: the test side) against the training side give the measure for a generator's: real
    music shares turns of phrase too, and near-duplicates stand on one side of the split. Compare pieces of like length.

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    rows = [(*index.shared(score).notes, score.notes) for score in scores]
    columns: NDArray[np.int64] = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Runs(*columns.T)


def _mean(column: IntArray) -> float | None:
    return round(float(column.mean()), 2) if len(column) else None


def _percentile(column: IntArray, share: int) -> int | None:
    return int(np.percentile(column, share, method="inverted_cdf")) if len(column) else None


__all__ = ["Runs", "runs_of"]
