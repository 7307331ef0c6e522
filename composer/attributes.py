"""Directions in a latent space along which a piece gets denser, higher, more syncopated, ...: one and not the others.

Learnt from pieces alone: where each lies (the mean of its rows), and what `theory.analysis.attributes` hears of it. A
ridge regression tells attributes from places; the directions are those of its patterns (Haufe et al., NeuroImage 87,
2014) that move one told attribute by a standard deviation and leave the others, along what pieces differ in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.latent_runtime import Latent
from composer.runtime import Vector
from composer.words import quoted
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import ModelError, RequestError, UnknownNameError
from theory.score import Score

MOST = 5.0  # standard deviations: no piece is further away
_RIDGE = 1.0  # of a regression from numbers with deviations around 1
_LEAST_TOLD = 0.1  # share of its variance; what is told less cannot be moved for sure
_FEWEST = 16  # pieces for every attribute


Changes = dict[str, tuple[float, float]]


class Directions(NamedTuple):
    """Directions of a latent space.

    Attributes:
        names: of the attributes.
        rows: added to every row of a latent they move it by a standard deviation, float32 (attributes, size).
        told: share of an attribute's variance that the latent of a piece tells, by what the other pieces teach (R
            squared, leaving one out), float64 (attributes,).
    """

    names: tuple[str, ...]
    rows: Vector
    told: NDArray[np.float64]


def learn(
    space: Latent, scores: Iterable[Score], heard: Mapping[str, Callable[[Score], float]] = ATTRIBUTES
) -> Directions:
    """Learn directions from pieces; attributes that do not vary among them, or that the latent hardly tells, are left
    out.

    Args:
        space: a latent space with an encoder.
        scores: as the model knows music, of about the same length.
        heard: attributes by name.

    Raises:
        ModelError: too few pieces.
    """
    found = [(space.posterior(score).mean.mean(axis=0), [hear(score) for hear in heard.values()]) for score in scores]
    if len(found) < _FEWEST * len(heard):
        raise ModelError(f"{len(found)} pieces: too few to learn what {len(heard)} attributes look like")
    places = np.array([place for place, _ in found], dtype=np.float64)
    values = np.array([value for _, value in found], dtype=np.float64)
    deviations = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)
    places = places - places.mean(axis=0)
    spread = places.T @ places
    inverse = np.linalg.inv(spread + _RIDGE * np.eye(len(spread)))
    weights = inverse @ places.T @ values
    # Errors of each piece by what the others teach, without learning anew (Allen, Technometrics 16, 1974).
    leverage = ((places @ inverse) * places).sum(axis=1) + 1 / len(places)
    told = 1 - (((values - places @ weights) / (1 - leverage)[:, None]) ** 2).mean(axis=0)
    kept = (deviations > 0) & (told > _LEAST_TOLD)
    weights = weights[:, kept]
    patterns = spread @ weights
    rows = np.linalg.solve(weights.T @ patterns, patterns.T)
    return Directions(tuple(compress(heard, kept)), rows.astype(np.float32), told[kept])


def moved(latent: Vector, names: tuple[str, ...], rows: Vector, toward: Mapping[str, float]) -> Vector:
    """A latent moved by so many standard deviations of each named attribute.

    Raises:
        UnknownNameError: the latent space knows no such attribute.
        RequestError: too far.
    """
    for name, amount in toward.items():
        if name not in names:
            known = ", ".join(names) or "none"
            raise UnknownNameError(f"no attribute is called {quoted(name)}: this model knows {known}")
        if not abs(amount) <= MOST:
            raise RequestError(f"{name} by {amount:g} standard deviations: must be -{MOST:g} to {MOST:g}")
    for name in sorted(toward, key=names.index):
        latent = latent + np.float32(toward[name]) * rows[names.index(name)]
    return latent


def changes_of(before: Score, after: Score) -> Changes:
    """Every attribute of a piece as it was and as it became."""
    return {name: (hear(before), hear(after)) for name, hear in ATTRIBUTES.items()}


def parsed(text: str, dial: float = 1.0) -> dict[str, float]:
    """Read "+density -syncopation=0.5": attributes with a sign and perhaps an amount, times the dial.

    Raises:
        RequestError: it cannot be read.
    """
    toward: dict[str, float] = {}
    for word in text.replace(",", " ").split():
        name, equals, amount = word.lstrip("+-").partition("=")
        signs = word[: len(word) - len(word.lstrip("+-"))]
        try:
            size = float(amount) if equals else 1.0
        except ValueError:
            size = float("nan")
        if len(signs) > 1 or not name or not np.isfinite(size) or name in toward:
            raise RequestError(f"toward {quoted(text)}: write attributes with signs, as in '+density -syncopation=0.5'")
        toward[name] = (-size if signs == "-" else size) * dial
    if not toward:
        raise RequestError("toward '': write attributes with signs, as in '+density -syncopation=0.5'")
    return toward


__all__ = ["MOST", "Changes", "Directions", "changes_of", "learn", "moved", "parsed"]
