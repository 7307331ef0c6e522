"""How much a model's pieces share with what it learnt from, beside what held-out real pieces share with the same.

For every held-out piece (the valid and test sides) one is composed in its key, meter and length, so that both have the
same chances. Also how long one piece takes to look up.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import composer
from benchmarks.report import report
from composer import bundle
from composer.originality import Index, index_for, runs_of, trained_on
from composer.style import Style
from data.dataset import Entry, entries
from data.workers import processors
from theory.errors import CadenzaError
from theory.score import Score


def main() -> None:
    """Read the held-out side, compose as many pieces, look all up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", default="chorale")
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--pieces", type=int, default=50)
    parser.add_argument("--temperature", type=float, default=1.0)
    options = parser.parse_args()
    folder = bundle.find(options.style, options.model)
    index = index_for(folder, workers=processors())
    style = bundle.load(folder).style
    held_out = [entry for name in trained_on(folder) for entry in entries(name)[1] if entry.side != "train"]
    real: list[Score] = []
    made: list[Score] = []
    for seed, (score, request) in enumerate(_requests(held_out, style)):
        if len(real) == options.pieces:
            break
        request |= {"style": options.style, "model": options.model, "temperature": options.temperature, "seed": seed}
        made.append(composer.compose(**request).score)
        real.append(score)
    rows = [*_rows("held-out", index, real), *_rows("composed", index, made)]
    claim = (
        f"composed pieces share no longer runs with {len(index.pieces)} training pieces than "
        f"held-out ones do; looked up in {max(row['ms a piece'] for row in rows):.2g} ms a piece"
    )
    means = {(row["pieces"], row["run"]): row["mean"] for row in rows}
    holds = all(means["composed", run] <= means["held-out", run] for run in ("exact", "transposed"))
    report("originality", rows, claim, holds)


def _requests(held_out: list[Entry], style: Style) -> Iterator[tuple[Score, dict[str, Any]]]:
    """Held-out pieces that the style writes, each with the request for one like it."""
    for entry in held_out:
        score = entry.score
        if score is None or not style.writes_for(score) or not score.keys:
            continue
        request = {
            "key": str(score.keys[0].key),
            "meter": str(score.meters[-1 if score.pickup else 0].meter),
            "bars": score.bars - score.pickup,
        }
        try:
            composer.Request.of(request).form(style)
        except CadenzaError:  # a meter or mode that it does not write
            continue
        yield score, request


def _rows(name: str, index: Index, scores: list[Score]) -> list[dict[str, Any]]:
    """Notes of the longest runs, over pieces."""
    index.shared(scores[0])  # the first search makes the suffix arrays
    started = time.perf_counter()
    figures = runs_of(index, scores).summary()
    took = 1000 * (time.perf_counter() - started) / len(scores)
    facts = {"number": figures["pieces"], "notes a piece": figures["notes a piece"], "ms a piece": took}
    return [{"pieces": name, "run": run, **figures[run], **facts} for run in ("exact", "transposed")]


if __name__ == "__main__":
    main()
