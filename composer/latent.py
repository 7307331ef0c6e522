"""Pieces from the latent space: given ones again, the way from one to another, several at once, or one changed.

>>> first, second = read("a.mid"), read("b.mid")
>>> pieces = interpolate(first, second, steps=8)
>>> livelier = vary(first, toward="+density -syncopation=0.5")

The key, meter, tempo, upbeat and bars are those of the (first) piece; every other field of `composer.request.Request`
may be stated and holds as in `composer.compose`. Where it is not stated, the style is "folk", the model "vae", the
temperature 0 (what is likeliest), and the ending is left to the latent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from composer.attributes import check, parsed
from composer.bundle import Heard, styles_of
from composer.decode import Progress
from composer.generate import composed, first_of, model_for, prepared, primer_of, titled
from composer.latent_path import evenly
from composer.latent_runtime import Latent, Posterior, normal
from composer.latent_search import nearest
from composer.originality.guard import Found
from composer.piece import Piece
from composer.request import Request
from composer.runtime import Vector
from composer.style import Style
from theory.analysis import estimate_key
from theory.analysis.attributes import ATTRIBUTES
from theory.errors import RequestError
from theory.event import KeyEvent
from theory.meter import Meter
from theory.pitch import pitch_name
from theory.score import Score

Given = Score | Piece | str | Path
MOST_STEPS, MOST_SPREAD = 256, 10.0
_ENOUGH = 0.5  # of how far an attribute was to go
_USUAL = {"style": "folk", "model": "vae", "temperature": 0.0}
_OF_THE_PIECE = ("key", "meter", "tempo", "bars")


class Placed(NamedTuple):
    """A piece in the latent space.

    Attributes:
        wanted: what is asked for, with the piece's key, meter, tempo and bars.
        upbeat: length of its first bar where that is shorter than the meter's.
        posterior: where it lies.
        known: the piece as the model knows music.
        notices: lines for the user: what of it the model cannot write.
    """

    wanted: Request
    upbeat: Meter | None
    posterior: Posterior
    known: Score
    notices: tuple[str, ...]


def reconstruct(given: Given, *, progress: Progress | None = None, **request: Any) -> Piece:
    """A piece as the latent space keeps it: encoded, and written again.

    Args:
        given: a score with the parts of the style, its piece, or its file.
        progress: called with (bars done, bars in all) at every bar.
        **request: fields of `composer.request.Request`; not key, meter, tempo and bars, which are the piece's.

    Raises:
        RequestError: it does not fit the style, or changes its meter.
        ModelError: the model has no latent space.
        CadenzaError: as `composer.compose`.
    """
    placed = _titled(place(given, request))
    return _told(composed(placed.wanted, placed.posterior.mean, placed.upbeat, progress), placed.notices)


def interpolate(first: Given, second: Given, *, steps: int = 8, **request: Any) -> list[Piece]:
    """Pieces on the way from one to another, both ends included: on the arc between their latents, or near it.

    What one hears changes evenly: of several pieces around a point of the arc, about as far as the encoder is unsure of
    the two given ones, that is taken whose density, range and variety of pitch classes lie most nearly on the way.

    Args:
        first: as of `reconstruct`; its key and tempo hold all the way.
        second: of the same meter and number of bars, and with an upbeat as long.
        steps: how many pieces, 2 or more.
        **request: as of `reconstruct`.

    Raises:
        RequestError: as `reconstruct`; the two are not alike in form.
        CadenzaError: as `composer.compose`.
    """
    found = []
    for piece in path(first, second, steps=steps, **request):
        if not isinstance(piece, Piece):
            raise piece
        found.append(piece)
    return found


def path(first: Given, second: Given, *, steps: int = 8, **request: Any) -> Iterator[Found]:
    """As `interpolate`, one after the other, with errors in the places of pieces that were not found.

    What is asked is checked at once, before the first piece is asked for.

    Raises:
        CadenzaError: as `interpolate`.
    """
    if isinstance(steps, bool) or not isinstance(steps, Integral) or not 2 <= steps <= MOST_STEPS:
        raise RequestError(f"steps {steps!r:.40}: must be a whole number, 2 to {MOST_STEPS}")
    one, other = _alike([first, second], request)
    found = evenly(one.posterior, other.posterior, int(steps), prepared(one.wanted, upbeat=one.upbeat))
    notices = {1: one.notices, int(steps): other.notices}
    return (
        _told(step, notices.get(number, ())) if isinstance(step, Piece) else step
        for number, step in enumerate(found, 1)
    )


def blend(
    given: Sequence[Given],
    *,
    weights: Sequence[float] | None = None,
    progress: Progress | None = None,
    **request: Any,
) -> Piece:
    """One piece between several.

    Args:
        given: two or more, as of `interpolate`; the first one's key and tempo hold.
        weights: how much of each; all alike when not given.
        progress: as of `reconstruct`.
        **request: as of `reconstruct`.

    Raises:
        RequestError: as `interpolate`; weights that are none.
        CadenzaError: as `composer.compose`.
    """
    if isinstance(given, str | Path | Score | Piece) or len(given) < 2:
        count = len(given) if isinstance(given, list | tuple) else 1
        raise RequestError(f"{count} {'piece' if count == 1 else 'pieces'} to blend: two or more are needed")
    if weights is not None and (isinstance(weights, str) or not isinstance(weights, Iterable)):
        raise RequestError(f"weights {weights!r}: write one for each piece, as in [2, 1]")
    shares = [1.0] * len(given) if weights is None else [_number("weight", weight) for weight in weights]
    if len(shares) != len(given) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        said = ", ".join(f"{share:g}" for share in shares)
        raise RequestError(f"weights {said}: write one for each of the {len(given)} pieces, 0 or more, not all 0")
    placed = _alike(given, request)
    latent = mixed([each.posterior.mean for each in placed], shares)
    lines = tuple(line for each in placed for line in each.notices)
    return _told(composed(placed[0].wanted, latent, placed[0].upbeat, progress), lines)


def vary(
    given: Given,
    *,
    toward: str | Mapping[str, float] | None = None,
    spread: float | None = None,
    progress: Progress | None = None,
    **request: Any,
) -> Piece:
    """A piece changed: with more or less of attributes, or to somewhere near that the seed draws.

    Of many pieces near the given one that is taken whose named attributes are as asked, or come nearest to it, and
    whose other attributes are most nearly as they were (`composer.latent_search`).

    Args:
        given: as of `reconstruct`.
        toward: attributes, and by how many standard deviations of the pieces of one meter that the model learnt from;
            or a text, as in "+density -syncopation=0.5" (`composer.attributes.parsed`).
        spread: how far from the piece a seed may lead: 1 as far as the encoder is unsure of it, 0 nowhere. 1 when not
            given, but 0 where there is something to move toward.
        progress: as of `reconstruct`.
        **request: as of `reconstruct`.

    Raises:
        UnknownNameError: no such attribute.
        RequestError: as `reconstruct`; too far.
        CadenzaError: as `composer.compose`.
    """
    if not isinstance(toward, str | Mapping | None):
        raise RequestError(f"toward {toward!r:.40}: give a text, as in '+density -syncopation=0.5', or a mapping")
    moves = parsed(toward) if isinstance(toward, str) else {**(toward or {})}
    moves = {name: _number(name, amount) for name, amount in moves.items()}
    away = (0.0 if moves else 1.0) if spread is None else _number("spread", spread)
    if not 0 <= away <= MOST_SPREAD:
        raise RequestError(f"spread {away:g}: must be 0 to {MOST_SPREAD:g}")
    placed = _titled(place(given, request))
    mean, deviation = placed.posterior.mean, placed.posterior.deviation
    latent = mean + np.float32(away) * deviation * normal(mean.shape, placed.wanted.seed)
    model, _ = model_for(placed.wanted)
    check(model.heard.names, moves)
    if not any(moves.values()):
        return _told(composed(placed.wanted, latent, placed.upbeat, progress), placed.notices)
    ready = prepared(placed.wanted, upbeat=placed.upbeat)
    found = first_of(ready, nearest(ready, latent, placed.posterior, placed.known, moves, progress))
    if not isinstance(found, Piece):
        raise found
    return _told(found, (*placed.notices, *_shortfalls(moves, placed.known, found.score, model.heard)))


def _shortfalls(moves: Mapping[str, float], before: Score, after: Score, heard: Heard) -> Iterator[str]:
    """A line on each attribute that went less than half as far as was asked."""
    for name, asked in moves.items():
        deviation = float(heard.deviations[heard.names.index(name)])
        went = (ATTRIBUTES[name](after) - ATTRIBUTES[name](before)) / deviation
        if asked and went / asked < _ENOUGH:
            apart = "ask for it alone, or " if len(moves) > 1 else ""
            yield (
                f"{name} went {went:+.1f} standard deviations where {asked:+g} was asked for: {apart}try another seed, "
                "or go farther; a piece may have little room for it"
            )


def mixed(latents: Sequence[Vector], weights: Sequence[float]) -> Vector:
    """The weighted mean of latents, at their mean distance from the middle, where pieces are."""
    shares = np.array(weights, dtype=np.float64) / sum(weights)
    stacked = np.array(latents, dtype=np.float64)
    every = shares.reshape(-1, *[1] * (stacked.ndim - 1))
    middle = (every * stacked).sum(axis=0)
    length = float((every * np.sqrt((stacked**2).sum(axis=tuple(range(1, stacked.ndim)), keepdims=True))).sum())
    now = float(np.sqrt((middle**2).sum()))
    return np.asarray(middle * (length / now if now else 1.0), dtype=np.float32)


def place(given: Given, request: Mapping[str, Any]) -> Placed:
    """Where a piece lies in the latent space of the model that a request names.

    Raises:
        CadenzaError: as `reconstruct`.
    """
    stated = [name for name in _OF_THE_PIECE if request.get(name) is not None]
    if stated:
        raise RequestError(f"the piece decides its {', '.join(stated)}: leave it out of the request")
    wanted = Request.of(_USUAL | dict(request))
    model, _ = model_for(wanted)
    space, score = Latent(model), primer_of(given)
    whose = str(given) if isinstance(given, str | Path) else "the piece"
    model.style.check(score, whose, styles_of(wanted.model))
    score = model.tokenizer.quantize(score).replace(title=score.title)
    key = score.keys[0].key if score.keys else estimate_key(score)
    meter, upbeat = _meter_of(score, whose)
    wanted = replace(
        wanted,
        key=str(key),
        meter=str(meter),
        tempo=round(score.tempos[0].bpm),
        bars=score.bars - (upbeat is not None),
        ending=wanted.ending or "open",
    )
    known = model.style.undress(score, dynamics=model.tokenizer.expressive).replace(keys=(KeyEvent(0, key),))
    lines = tuple(_lost(known, model.style, wanted, whose))
    return Placed(wanted, upbeat, space.posterior(known), known, lines)


def _lost(known: Score, style: Style, wanted: Request, whose: str) -> Iterator[str]:
    """A line on what of each part cannot be written: notes at the same time, and outside of its range."""
    for part, track in zip(style.parts, known.tracks, strict=True):
        name = part.name.lower()
        ends = np.maximum.accumulate(track.onset + track.duration)
        together = int((track.onset[1:] < ends[:-1]).sum())
        if together:
            yield f"{whose}: {together} of {len(track)} notes of the {name} begin while others sound: they are thinned"
        outside = int(((track.pitch < part.lowest) | (track.pitch > part.highest)).sum())
        if outside and not wanted.ranges:
            lowest, highest = pitch_name(part.lowest), pitch_name(part.highest)
            yield f"{whose}: {outside} of {len(track)} notes of the {name} lie outside its range, {lowest} to {highest}"


def _told(piece: Piece, lines: tuple[str, ...]) -> Piece:
    """A piece with further lines for the user."""
    return piece.with_notices((*piece.report.notices, *lines)) if lines else piece


def _titled(placed: Placed) -> Placed:
    """With the piece's title, for one that is made of it alone."""
    return placed._replace(wanted=titled(placed.wanted, placed.known))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise RequestError(f"{name} {value!r:.40}: must be a number")
    return float(value)


def _meter_of(score: Score, whose: str) -> tuple[Meter, Meter | None]:
    """The meter of a piece, and that of its upbeat."""
    upbeat = score.meters[0].meter if score.pickup else None
    meters = dict.fromkeys(event.meter for event in score.meters[score.pickup :])
    if len(meters) > 1:
        found = ", ".join(map(str, meters))
        raise RequestError(f"{whose} changes its meter ({found}): cut out bars of one, or write it in one")
    return next(iter(meters)), upbeat


def _alike(given: Sequence[Given], request: Mapping[str, Any]) -> list[Placed]:
    """Pieces in the latent space, all of one form."""
    placed = [place(each, request) for each in given]
    for one, other in pairwise(placed):
        for what, here, there in (
            ("meter", one.wanted.meter, other.wanted.meter),
            ("upbeat", one.upbeat or "none", other.upbeat or "none"),
            ("number of bars", one.wanted.bars, other.wanted.bars),
        ):
            if here != there:
                raise RequestError(f"the pieces differ in {what} ({here} and {there}): cut them to the same form")
    return placed


__all__ = ["Given", "Placed", "blend", "interpolate", "mixed", "path", "place", "reconstruct", "vary"]
