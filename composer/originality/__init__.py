"""Originality: the longest runs of notes that pieces share with those that a model learnt from, and how to avoid them.

>>> from pathlib import Path
>>> from composer import bundle
>>> index = index_for(bundle.find("chorale", "lstm"))
>>> print(index.shared(score).transposed)
9 notes (tenor, bars 3 to 4) with bach/bwv66.6 (alto, bars 1 to 2)
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.originality.index import Index, index_of, joined, load, save
    from composer.originality.measure import Runs, runs_of
    from composer.originality.run import Place, Run, Shared
    from composer.originality.source import INDEX, index_for, index_of_corpora, trained_on

# Imported when first asked for: every report knows what a run is, few need an index, or corpora to make one of.
_HOMES = {
    "Index": "index", "index_of": "index", "joined": "index", "load": "index", "save": "index",
    "Runs": "measure", "runs_of": "measure",
    "Place": "run", "Run": "run", "Shared": "run",
    "INDEX": "source", "index_for": "source", "index_of_corpora": "source",
    "trained_on": "source",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = [
    "INDEX", "Index", "Place", "Run", "Runs", "Shared", "index_for", "index_of", "index_of_corpora",
    "joined", "load", "runs_of", "save", "trained_on",
]  # fmt: skip
