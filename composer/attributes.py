"""What a latent space knows of what one hears in a piece: how dense, high, syncopated, ... it is.

Learnt from pieces alone: where each lies (the mean of its rows), and what `theory.analysis.attributes` hears of it,
each beside the mean of its meter, for a jig is no thin reel. A ridge regression tells an attribute from places, and the
direction of its pattern (Haufe et al., NeuroImage 87, 2014) leads to where pieces have more of it: and of what goes
along with it, which `composer.latent_search` leaves as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.bar_notes import FORM
from composer.bundle import Heard
from composer.latent_runtime import Latent
from composer.words import quoted
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import ModelError, RequestError, UnknownNameError
from theory.score import Score

MOST = 5.0  # standard deviations: no piece is further away
_RIDGE = 1.0  # of a regression from numbers with deviations around 1
_LEAST_TOLD = 0.02  # share of its variance; a direction for what is told less is chance
_FEWEST = 16  # pieces for every attribute
_WORDS = "write attributes with signs, and amounts as numbers, as in '+density -syncopation=0.5'"
_METER = [list(FORM).index(name) for name in ("numerator", "exponent")]


Changes = dict[str, tuple[float, float]]


def learn(
    space: Latent, scores: Iterable[Score], listeners: Mapping[str, Callable[[Score], float]] = ATTRIBUTES
) -> Heard:
    """Listen to pieces; attributes that do not vary among them, or that the latent does not tell, are left out.

    Args:
        space: a latent space with an encoder.
        scores: as the model knows music, of about the same length.
        listeners: attributes by name.

    Raises:
        ModelError: too few pieces.
    """
    posteriors, rows = [], []
    for score in scores:
        posteriors.append(space.posterior(score))
        rows.append([listen(score) for listen in listeners.values()])
    if len(rows) < _FEWEST * len(listeners):
        raise ModelError(f"{len(rows)} pieces: too few to learn what {len(listeners)} attributes look like")
    kinds = [tuple(posterior.form[-1, _METER].tolist()) for posterior in posteriors]
    places = _beside_their_kind(np.array([posterior.mean.mean(axis=0) for posterior in posteriors]), kinds)
    values = _beside_their_kind(np.array(rows), kinds)
    deviations = np.sqrt((values**2).sum(axis=0) / max(1, len(values) - len(set(kinds))))
    values = values / np.where(deviations > 0, deviations, 1.0)
    spread = places.T @ places
    inverse = np.linalg.inv(spread + _RIDGE * np.eye(len(spread)))
    weights = inverse @ places.T @ values
    # Errors of each piece by what the others teach, without learning anew (Allen, Technometrics 16, 1974).
    leverage = ((places @ inverse) * places).sum(axis=1) + 1 / len(places)
    told = 1 - (((values - places @ weights) / (1 - leverage)[:, None]) ** 2).mean(axis=0)
    kept = (deviations > 0) & (told > _LEAST_TOLD)
    weights = weights[:, kept]
    patterns = spread @ weights
    directions = (patterns / (weights * patterns).sum(axis=0)).T
    return Heard(tuple(compress(listeners, kept)), deviations[kept].astype(np.float32), directions.astype(np.float32))


def _beside_their_kind(rows: NDArray[Any], kinds: Sequence[Hashable]) -> NDArray[np.float64]:
    """Each row less the mean of those of its kind."""
    _, which = np.unique(np.array([str(kind) for kind in kinds]), return_inverse=True)
    sums = np.zeros((which.max() + 1, rows.shape[1]))
    np.add.at(sums, which, rows)
    return np.asarray(rows - (sums / np.bincount(which)[:, None])[which], dtype=np.float64)


def check(names: tuple[str, ...], toward: Mapping[str, float]) -> None:
    """See that attributes are known, and not asked for too much.

    Args:
        names: of those that the latent space knows.
        toward: by how many standard deviations each is to change.

    Raises:
        UnknownNameError: the latent space knows no such attribute.
        RequestError: too far.
    """
    for name, amount in toward.items():
        if name not in names:
            known = ", ".join(names) or "none: it learnt from too few pieces, or lacks its attributes.safetensors"
            raise UnknownNameError(f"no attribute is called {quoted(name)}: this model knows {known}")
        if not abs(amount) <= MOST:
            raise RequestError(f"{name} by {amount:g} standard deviations: must be -{MOST:g} to {MOST:g}")


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
        if name in toward:
            raise RequestError(f"toward {quoted(text)}: {name} stands there twice")
        if len(signs) > 1 or not name or not np.isfinite(size):
            raise RequestError(f"toward {quoted(text)}: {_WORDS}")
        toward[name] = (-size if signs == "-" else size) * dial
    if not toward:
        raise RequestError(f"toward {quoted(text)}: {_WORDS}")
    return toward


__all__ = ["MOST", "Changes", "changes_of", "check", "learn", "parsed"]
