"""What every writer is asked for: the same requests with the same seeds, drawn from the held-out pieces themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from composer.decode import WIDTH
from composer.evaluation.split import Excerpt
from composer.evaluation.writer import Writer
from composer.piece import Piece, Recipe

_SEEDS = 2**20  # of a run: more than it has pieces


class Wanted(NamedTuple):
    """One piece to be written.

    Attributes:
        excerpt: place of the held-out piece that it is to be like.
        request: key, meter, tempo and bars of that.
        seed: of its draws, the run's own for each piece: those of a seed in two keys would be one tune transposed.
    """

    excerpt: int
    request: dict[str, Any]
    seed: int


class Made(NamedTuple):
    """What a writer made of what was wanted.

    Attributes:
        wanted: what was.
        piece: or None where none was found.
        error: why.
    """

    wanted: Wanted
    piece: Piece | None
    error: str


def wanted(excerpts: Sequence[Excerpt], count: int, seed: int) -> list[Wanted]:
    """So many requests: each held-out piece's equally often, the rest by chance; in order of requests, then of pieces.

    Args:
        excerpts: the held-out music.
        count: how many.
        seed: of the run.
    """
    generator = np.random.default_rng([seed, len(excerpts)])
    rounds = -(-count // len(excerpts))
    places = np.concatenate([generator.permutation(len(excerpts)) for _ in range(rounds)])[:count].tolist()
    places.sort(key=lambda place: (*map(str, excerpts[place].request.values()), place))
    return [Wanted(place, excerpts[place].request, seed * _SEEDS + number) for number, place in enumerate(places)]


@dataclass(frozen=True, slots=True)
class Composing:
    """Pieces of one request, of as many seeds in a row."""

    writer: Writer
    request: dict[str, Any]
    seed: int
    size: int

    def key(self) -> Any:
        """See `jobs.Job`."""
        return [self.writer.key(), self.request, self.seed, self.size]

    def run(self) -> list[Any]:
        """Each piece's recipe as JSON, or {"error": why there is none}."""
        found = self.writer.compose(self.size, self.seed, **self.request)
        return [one.recipe.to_json() if isinstance(one, Piece) else {"error": str(one)} for one in found]


def batches(writer: Writer, asked: Sequence[Wanted]) -> list[Composing]:
    """The work of a writer, `WIDTH` pieces of one request at most at a time."""
    work = []
    for _, group in groupby(asked, key=lambda one: one.request):
        alike = list(group)
        starts = range(0, len(alike), WIDTH)
        parts = [alike[start : start + WIDTH] for start in starts]
        work += [Composing(writer, part[0].request, part[0].seed, len(part)) for part in parts]
    return work


def made(asked: Sequence[Wanted], results: Sequence[list[Any]]) -> list[Made]:
    """The pieces of a writer from what `batches` gave."""
    rows = [row for result in results for row in result]
    return [_made(one, row) for one, row in zip(asked, rows, strict=True)]


def _made(one: Wanted, row: Any) -> Made:
    if isinstance(row, dict):
        return Made(one, None, row["error"])
    return Made(one, Piece.from_recipe(Recipe.from_json(row)), "")


__all__ = ["Composing", "Made", "Wanted", "batches", "made", "wanted"]
