"""A piece near another with more of one attribute, the others as they were: latents are tried, decoded and heard.

Directions alone do not do it: along them an attribute takes with it what goes along in the music that was learnt from,
and the decoder follows by leaps. So the first latents tried lie along them, each a little off as far as the encoder is
unsure of the piece; the next are made of the bars of the best, some of these off again. An evolution strategy with
discrete recombination of bars (Beyer and Schwefel, Natural Computing 1, 2002), whose fitness is what one hears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.bundle import Heard
from composer.decode import WIDTH, Draft, Progress
from composer.generate import Prepared, drafts_at
from composer.latent_runtime import Posterior, normal
from composer.originality.guard import derived
from composer.runtime import Vector
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import SearchError
from theory.score import Score

_ROUNDS, _PARENTS = 3, 6
_FARTHEST = 1.5  # times the direction, of the first ones
_OFF = (1.0, 0.6, 0.4)  # times the encoder's deviation, by round
_STAYS = 0.5  # above which a number of the standard normal distribution lets a bar be off: 31 % of them
_ASKED = 3.0  # how much an attribute counts that is asked for, beside one that is not


class _Tried(NamedTuple):
    off: float
    latent: Vector
    draft: Draft


def nearest(
    ready: Prepared,
    start: Vector,
    posterior: Posterior,
    before: Score,
    toward: Mapping[str, float],
    progress: Progress | None = None,
) -> list[Draft]:
    """Drafts, those first whose attributes are nearest to what is asked.

    Args:
        ready: of the piece.
        start: latent from which the search begins, float32 (bars, size).
        posterior: of the piece.
        before: what its attributes are told from.
        toward: by how many standard deviations each named attribute is to change; all others are to stay.
        progress: called with (bars done, bars in all) after every round, as if all drafts were one piece.

    Raises:
        SearchError: no draft was found that keeps all constraints.
    """
    heard, decode = ready.model.heard, ready.model.tokenizer.learnt.decode
    amounts = np.array([toward.get(name, 0.0) for name in heard.names])
    aim = _attributes(before, heard) + amounts
    counts = np.where(amounts != 0, _ASKED, 1.0)
    way = amounts @ heard.directions.astype(np.float64)
    found: list[_Tried] = []
    latents = _first(start, way, posterior.deviation, ready.wanted.seed)
    for number in range(_ROUNDS):
        drafts = drafts_at(ready, latents)
        for latent, draft in zip(latents, drafts, strict=True):
            if isinstance(draft, Draft):
                off = np.abs(_attributes(decode(draft.ids), heard) - aim) @ counts
                found.append(_Tried(float(off), latent, draft))
        if not found:
            raise next(draft for draft in drafts if isinstance(draft, SearchError))
        found.sort(key=lambda tried: tried.off)  # a stable order: of equals the one that was tried first
        if progress:
            progress(ready.form.bars * (number + 1) // _ROUNDS, ready.form.bars)
        if number + 1 < _ROUNDS:
            parents, off = [tried.latent for tried in found[:_PARENTS]], _OFF[number + 1] * posterior.deviation
            seeds = [derived(ready.wanted.seed, (number + 1) * WIDTH + child) for child in range(WIDTH)]
            latents = [crossed(parents, off, seed) for seed in seeds]
    return [tried.draft for tried in found]


def _attributes(score: Score, heard: Heard) -> NDArray[np.float64]:
    """In standard deviations."""
    return np.array([ATTRIBUTES[name](score) for name in heard.names]) / heard.deviations


def _first(start: Vector, way: NDArray[np.float64], deviation: Vector, seed: int) -> list[Vector]:
    """From the start on along the way, all but the start itself a little off."""
    found = [start]
    for number in range(1, WIDTH):
        off = _OFF[0] * deviation * normal(start.shape, derived(seed, number))
        found.append(np.asarray(start + _FARTHEST * number / (WIDTH - 1) * way + off, dtype=np.float32))
    return found


def crossed(parents: Sequence[Vector], off: Vector, seed: int) -> Vector:
    """A latent of the rows of some, each row of any of them, a few rows a little off.

    Args:
        parents: float32 (bars, size) each.
        off: how far, of each number: float32 (bars, size).
        seed: of chance.
    """
    rows, size = parents[0].shape
    chance = normal((rows, len(parents) + 1 + size), seed)
    whose, stays, away = np.split(chance, (len(parents), len(parents) + 1), axis=1)
    bars = np.stack(parents)[whose.argmax(axis=1), np.arange(rows)]
    return np.asarray(bars + (stays > _STAYS) * off * away, dtype=np.float32)


__all__ = ["crossed", "nearest"]
