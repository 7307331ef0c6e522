"""Pieces on the way from one to another that change evenly as one hears it: latents are tried, decoded, chosen among.

Along an arc of the latent space the decoder follows by leaps: a phrase stays as it was, then is another. So points on
the arc and near it are tried, then some made of those that sound best for each place; and of all a path is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.decode import Draft
from composer.generate import Prepared, drafts_at, first_of, found_at
from composer.latent_runtime import Posterior, normal, slerp
from composer.latent_search import crossed
from composer.originality.guard import Found, derived
from composer.piece import Piece
from composer.runtime import Vector
from theory.analysis.attributes import ATTRIBUTES
from theory.score import Score

# How many points are tried in all, how far bars are apart and off, how much a place astray counts.
_TRIED, _APART, _AWAY, _ASTRAY = 96, 4.0, 0.7, 0.2
_PARENTS, _OFF = 4, 0.4  # of further ones: how many they are made of, and as far off
_EVEN = ("density", "range", "pitch-classes")  # what is to change evenly
_LITTLE = np.array([0.1, 0.1, 0.02])  # differences of these that hardly count
_SWEEPS = 4  # over a path, in each of which every step may become another


class _Tried(NamedTuple):
    """A draft somewhere between two pieces: how far on the way its point lies, and what it sounds like."""

    at: float
    latent: Vector
    draft: Draft
    heard: NDArray[np.float64]


class _Way(NamedTuple):
    """What the pieces at both ends sound like, float64 (attributes,) each."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]

    def off(self, tried: Sequence[_Tried], at: float) -> NDArray[np.float64]:
        """How far each is from what a piece at a place should sound like, (n,)."""
        heard = np.array([each.heard for each in tried])
        apart = np.abs(heard - (1 - at) * self.first - at * self.last) / (np.abs(self.last - self.first) + _LITTLE)
        return np.asarray(apart.sum(axis=1) + _ASTRAY * np.abs(np.array([each.at for each in tried]) - at))


def evenly(one: Posterior, other: Posterior, steps: int, ready: Prepared) -> Iterator[Found]:
    """So many pieces, both ends included, each at once when it is found.

    Args:
        one: where the first piece lies.
        other: where the last one lies.
        steps: how many, 2 or more.
        ready: of all.
    """
    ends = [found_at(ready, posterior.mean) for posterior in (one, other)]
    yield ends[0]
    inner = [step / (steps - 1) for step in range(1, steps - 1)]
    scores = [end.score for end in ends if isinstance(end, Piece)]
    tried = _near(one, other, inner, ready) if inner and len(scores) == len(ends) else []
    if len(tried) < len(inner):
        yield from (found_at(ready, slerp(one.mean, other.mean, at)) for at in inner)
    elif inner:
        way = _Way(*map(_heard, scores))
        tried += _nearer(tried, one, other, inner, ready, way)
        path = _path(tried, inner, way)
        rest = [each for number, each in enumerate(tried) if number not in path]
        for at, number in zip(inner, path, strict=True):
            yield first_of(ready, [each.draft for each in (tried[number], *_ranked(rest, at, way))])
    yield ends[1]


def _ranked(tried: Sequence[_Tried], at: float, way: _Way) -> list[_Tried]:
    """Those first that sound most as a piece at a place should."""
    return [tried[number] for number in np.argsort(way.off(tried, at), kind="stable")] if tried else []


def _path(tried: Sequence[_Tried], inner: Sequence[float], way: _Way) -> list[int]:
    """Which draft is to be at each place.

    At first the one that sounds most as it should there. Then, one place after the other, whichever makes the path
    best: most pairs of its steps in the order that its ends have, in each attribute, and its steps little off.
    """
    heard = np.array([each.heard for each in tried])
    off = np.array([way.off(tried, at) for at in inner])
    chosen: list[int] = []
    for row in off:
        chosen.append(_best(-row, chosen))
    steps = np.arange(len(inner) + 2)
    pairs = len(steps) * (len(steps) - 1) / 2
    for _ in range(_SWEEPS):
        before = tuple(chosen)
        for place, row in enumerate(off):
            path = np.stack([way.first, *heard[chosen], way.last])
            later = np.sign(heard[:, None] - path) * np.sign(place + 1 - steps)[:, None]
            in_order = later.sum(axis=1) @ np.sign(way.last - way.first) / pairs
            chosen[place] = _best(in_order - row / len(inner), [*chosen[:place], *chosen[place + 1 :]])
        if tuple(chosen) == before:
            break
    return chosen


def _best(good: NDArray[np.float64], taken: list[int]) -> int:
    """The best one that is not taken."""
    good = good.copy()
    good[taken] = -np.inf
    return int(np.argmax(good))


def _near(one: Posterior, other: Posterior, inner: Sequence[float], ready: Prepared) -> list[_Tried]:
    """Drafts at points between two pieces."""
    count = max(2, _TRIED // len(inner))
    places = [(at, number) for at in inner for number in range(count)]
    seeds = [derived(ready.wanted.seed, place) for place in range(len(places))]
    latents = [_between(one, other, at, number / count, seed) for (at, number), seed in zip(places, seeds, strict=True)]
    return _drafted(ready, [at for at, _ in places], latents)


def _nearer(
    tried: Sequence[_Tried],
    one: Posterior,
    other: Posterior,
    inner: Sequence[float],
    ready: Prepared,
    way: _Way,
) -> list[_Tried]:
    """Drafts at points that are made of those that sound best for each place."""
    count = max(2, _TRIED // len(inner))
    places: list[float] = []
    latents: list[Vector] = []
    for at in inner:
        parents = [each.latent for each in _ranked(tried, at, way)[:_PARENTS]]
        off = np.float32(_OFF * (1 - at)) * one.deviation + np.float32(_OFF * at) * other.deviation
        for _ in range(count):
            latents.append(crossed(parents, off, derived(ready.wanted.seed, len(inner) * count + len(latents))))
            places.append(at)
    return _drafted(ready, places, latents)


def _drafted(ready: Prepared, places: Sequence[float], latents: Sequence[Vector]) -> list[_Tried]:
    decode = ready.model.tokenizer.learnt.decode
    return [
        _Tried(at, latent, draft, _heard(decode(draft.ids)))
        for at, latent, draft in zip(places, latents, drafts_at(ready, latents), strict=True)
        if isinstance(draft, Draft)
    ]


def _heard(score: Score) -> NDArray[np.float64]:
    return np.array([ATTRIBUTES[name](score) for name in _EVEN])


def _between(one: Posterior, other: Posterior, at: float, apart: float, seed: int) -> Vector:
    """A point between two pieces: where `apart` is 0, on the arc from mean to mean.

    Above it some bars are further on their way than others, bars of the one piece among bars of the other in the end,
    and all are a little off, as far as the encoder is unsure of them.
    """
    if not apart:
        return slerp(one.mean, other.mean, at)
    noise = normal((len(one.mean), 1 + one.mean.shape[1]), seed)
    places = 1 / (1 + np.exp(-(np.log(at / (1 - at)) + _APART * apart * noise[:, 0])))
    rows = [slerp(start, end, float(place)) for start, end, place in zip(one.mean, other.mean, places, strict=True)]
    deviation = (1 - at) * one.deviation + at * other.deviation
    return np.asarray(np.array(rows) + _AWAY * deviation * noise[:, 1:], dtype=np.float32)


__all__ = ["evenly"]
