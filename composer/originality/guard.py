"""Keeping away from what a model learnt: a piece that shares too many notes with a training piece is drawn again.

Which seeds come after a piece's own is a matter of that seed alone, so the same request gives the same piece. What was
refused stands in the report's notices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from composer.piece import Piece
from composer.report import Originality
from theory.errors import OriginalityError, RequestError, SearchError

TRIES = 16  # pieces that are drawn for a seed, at most

Found = Piece | SearchError | RequestError


def derived(seed: int, attempt: int) -> int:
    """The seed of an attempt: the seed itself for attempt 0, then others, below 2**64, that no neighbour has."""
    if not attempt:
        return seed
    return int.from_bytes(hashlib.blake2b(f"{seed}/{attempt}".encode(), digest_size=8).digest(), "little")


def original(seeds: Sequence[int], draw: Callable[[Sequence[int], int], Sequence[Found]]) -> list[Found]:
    """A piece for each seed that keeps its request's `original`, or why there is none.

    Args:
        seeds: of the pieces.
        draw: given seeds and an attempt, draws a piece for each: of `derived(seed, attempt)`.

    Returns:
        In order of the seeds, pieces, and the errors that `draw` gave in their place; an OriginalityError after `TRIES`
        pieces.
    """
    found: dict[int, Found] = {}
    refused: dict[int, list[str]] = {seed: [] for seed in seeds}
    last: dict[int, tuple[int, ...]] = {}
    waiting = list(seeds)
    for attempt in range(TRIES):
        again = []
        for seed, piece in zip(waiting, draw(waiting, attempt), strict=True):
            copied = piece.report.originality if isinstance(piece, Piece) else None
            if isinstance(piece, Piece) and copied is not None and copied.is_copy:
                if last.get(seed) == piece.recipe.ids:  # nothing is left to chance: so it would be for ever
                    found[seed] = _always(copied)
                    continue
                again.append(seed)
                last[seed] = piece.recipe.ids
                refused[seed].append(f"shares {copied.transposed}")
                found[seed] = _given_up(copied)
            else:
                found[seed] = _with_notices(piece, refused[seed]) if isinstance(piece, Piece) else piece
        waiting = again
        if not waiting:
            break
    return [found[seed] for seed in seeds]


def _given_up(copied: Originality) -> OriginalityError:
    return OriginalityError(
        f"each of {TRIES} pieces shares more than {copied.most} notes in a row with one that the model learnt from, "
        f"the last one {copied.transposed}; allow more, ask for fewer bars, or try another --seed"
    )


def _always(copied: Originality) -> OriginalityError:
    return OriginalityError(
        f"the piece shares more than {copied.most} notes in a row with one that the model learnt from, "
        f"{copied.transposed}, and drawn again it is the same; allow more, or draw with a --temperature above 0"
    )


def _with_notices(piece: Piece, refused: list[str]) -> Piece:
    """The piece with what was refused in its place."""
    if not refused:
        return piece
    return piece.with_notices((*(f"{line}: drawn again" for line in refused), *piece.report.notices))


__all__ = ["Found", "TRIES", "derived", "original"]
