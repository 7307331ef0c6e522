"""From a request to a piece: the sampling loop that all generators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import bundle, phrasing
from composer.bundle import Bundle
from composer.piece import Piece, Report, recipe_of
from composer.request import Form, Request
from composer.runtime import Reader, Runtime
from composer.sampler import Dice, draw
from composer.style import Style
from theory.analysis import estimate_key
from theory.constraint import Constraint, ExactForm, OneNoteAtATime, OnlyKinds, Ranges, allowed
from theory.errors import RequestError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, Tokenizer
from theory.tokens.vocabulary import BAR, END

Progress = Callable[[int, int], None]

_WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK,
    Kind.PITCH,
)  # fmt: skip


class Draft(NamedTuple):
    """What the sampling loop wrote.

    Attributes:
        ids: token ids, the opening included.
        nats: sum of -ln p(token) over the drawn tokens, under the model and before any mask.
        price: sum of -ln(probability that the masks allow) over the drawn tokens.
    """

    ids: list[int]
    nats: float
    price: float


def compose(*, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose a piece from nothing but a request.

    >>> piece = compose(style="chorale", key="D minor", bars=16, seed=11)
    >>> piece.score.bars
    16

    Args:
        progress: called with (bars done, bars in all) at every bar.
        **request: fields of `composer.request.Request`: style, model, key, meter, tempo, bars, seed, temperature,
            top_k, top_p, title.

    Raises:
        RequestError: the request makes no sense.
        UnknownNameError: no such style or model.
        ModelError: the model cannot be read.
    """
    wanted = Request(**request)
    model, _ = _model_for(wanted)
    form = wanted.form(model.style)
    draft = draw_piece(wanted, progress)
    score = phrasing.shape(Tokenizer().decode(draft.ids))
    return _finished(score, wanted, form, model, draft, given_notes=0)


def draw_piece(wanted: Request, progress: Progress | None = None) -> Draft:
    """Draw the tokens of a new piece, before anything is made of them.

    Raises:
        RequestError, UnknownNameError, ModelError: as `compose`.
    """
    model, runtime = _model_for(wanted)
    form = wanted.form(model.style)
    blank = Tokenizer().encode(_blank(form, model.style))
    opening = blank[: 1 + int(np.flatnonzero(VOCABULARY.kinds[blank] == Kind.TEMPO_LOW)[0])]
    return write(runtime, opening.tolist(), _constraints(model.style, form.bars), form.bars, wanted, progress)


def continue_piece(primer: Score, *, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose the bars that follow a primer; its own notes stay as they are (on the token grid).

    What follows begins after the primer's last onset: silence at the end of its last bar may be filled.

    Args:
        primer: a score with as many tracks as the style has parts, none of them drums.
        progress: called with (bars done, bars in all) at every bar.
        **request: fields of `composer.request.Request`; `bars` counts the new bars; key, meter and tempo are the
            primer's.

    Raises:
        RequestError: the primer does not fit the style, or the request states what the primer decides.
    """
    wanted = Request(**request)
    if wanted.title is None and primer.title:
        wanted = replace(wanted, title="".join(c for c in primer.title if c.isprintable())[:200] or None)
    model, runtime = _model_for(wanted)
    given = Tokenizer().quantize(primer)
    _check_primer(given, wanted, model.style)
    wanted = replace(wanted, bars=wanted.bars or model.style.bars)
    form = Form(_key_of(given), given.meters[-1].meter, round(given.tempos[-1].bpm), given.bars + (wanted.bars or 0))
    for name, ends_in, choices in (
        ("meter", str(form.meter), model.style.meters),
        ("mode", form.key.mode, model.style.modes),
    ):
        if ends_in not in choices:
            writes = ", ".join(choices)
            raise RequestError(f"the primer's {name} is {ends_in}: style {model.style.name} writes {writes}")
    opening = Tokenizer().encode(model.style.undress(given, form.key))[:-1]
    draft = write(runtime, opening.tolist(), _constraints(model.style, form.bars), form.bars, wanted, progress)
    score = _with_primer(phrasing.shape(Tokenizer().decode(draft.ids)), given)
    return _finished(score, wanted, form, model, draft, given_notes=given.notes)


def _model_for(wanted: Request) -> tuple[Bundle, Runtime]:
    model, runtime = load(bundle.find(wanted.style, wanted.model))
    if model.style.name != wanted.style:
        raise RequestError(f"model {wanted.model} writes style {model.style.name}, not {wanted.style}")
    return model, runtime


@lru_cache(maxsize=4)
def load(folder: Path) -> tuple[Bundle, Runtime]:
    """A model and its runtime, read once a process."""
    model = bundle.load(folder)
    return model, Runtime(model)


def write(
    runtime: Runtime,
    opening: Sequence[int],
    constraints: Sequence[Constraint],
    bars: int,
    wanted: Request,
    progress: Progress | None = None,
) -> Draft:
    """Draw tokens after an opening until the piece ends, on one BLAS thread: a second one slows single sequences down.

    Args:
        runtime: the decoder.
        opening: token ids to begin with, read but not drawn.
        constraints: masks on every draw.
        bars: of the whole piece; the plan counts down from it.
        wanted: seed and sampling.
        progress: called at every bar.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        return _write(runtime, opening, constraints, bars, wanted, progress)


def _write(
    runtime: Runtime,
    opening: Sequence[int],
    constraints: Sequence[Constraint],
    bars: int,
    wanted: Request,
    progress: Progress | None,
) -> Draft:
    dice, sampling, reader = Dice(wanted.seed), wanted.sampling, Reader(runtime, bars)
    ids: list[int] = []
    nats = price = 0.0
    logits = np.zeros(VOCABULARY.size, dtype=np.float32)
    while not ids or ids[-1] != END:
        if len(ids) < len(opening):
            token = opening[len(ids)]
        else:
            choices = np.flatnonzero(allowed(reader.state, constraints))
            token = draw(logits, choices, sampling, dice)
            surprise, toll = _costs(logits, choices, token)
            nats, price = nats + surprise, price + toll
        ids.append(token)
        logits = reader.read(token)
        if progress and token == BAR:
            progress(reader.state.bar, bars)
    return Draft(ids, nats, price)


def _costs(logits: NDArray[np.float32], choices: NDArray[np.int64], token: int) -> tuple[float, float]:
    """-ln p(token) under the unmasked model, and -ln p(any of the choices)."""
    scores = logits.astype(np.float64)
    scores -= scores.max()
    total = np.log(np.exp(scores).sum())
    kept = np.log(np.exp(scores[choices]).sum())
    return float(total - scores[token]), max(0.0, float(total - kept))


def _constraints(style: Style, bars: int) -> tuple[Constraint, ...]:
    kinds = (*_WRITTEN, Kind.FERMATA) if style.fermatas else _WRITTEN
    ranges = tuple((part.lowest, part.highest) for part in style.parts)
    return OnlyKinds(kinds), ExactForm(bars), OneNoteAtATime(), Ranges(ranges)


def _blank(form: Form, style: Style) -> Score:
    """A bar without notes that says key, meter and tempo."""
    score = Score(
        tracks=tuple(Track.empty() for _ in style.parts),
        tempos=(TempoEvent.from_bpm(0, form.tempo),),
        meters=(MeterEvent(0, form.meter),),
        keys=(KeyEvent(0, form.key),),
    )
    return style.dress(score.replace(end=form.meter.bar_ticks(score.ticks_per_quarter)))


def _check_primer(given: Score, wanted: Request, style: Style) -> None:
    stated = [name for name in ("key", "meter", "tempo") if getattr(wanted, name) is not None]
    if stated:
        raise RequestError(f"a continuation keeps the primer's {', '.join(stated)}: leave it out of the request")
    if not style.writes_for(given):
        drums = " with drums" if any(track.is_drum for track in given.tracks) else ""
        parts = ", ".join(part.name for part in style.parts)
        raise RequestError(f"the primer has {len(given.tracks)} tracks{drums}: style {style.name} continues {parts}")
    if not given.notes:
        raise RequestError("the primer has no notes to continue from")


def _key_of(given: Score) -> Key:
    return given.keys[-1].key if given.keys else estimate_key(given)


def _with_primer(score: Score, given: Score) -> Score:
    """The score with the primer's own velocities, controls and chords."""
    tracks = []
    for track, first in zip(score.tracks, given.tracks, strict=True):
        velocity = track.velocity.copy()
        velocity[: len(first)] = first.velocity
        tracks.append(track.replace(velocity=velocity, controls=first.controls))
    return score.replace(tracks=tuple(tracks), chords=given.chords)


def _finished(score: Score, wanted: Request, form: Form, model: Bundle, draft: Draft, given_notes: int) -> Piece:
    """Fix the piece as its final token ids and take the score from them, as `replay` will."""
    new_notes = score.notes - given_notes
    per_note = max(new_notes, 1)
    report = Report(score.bars, score.notes, new_notes, draft.nats / per_note, draft.price / per_note)
    return Piece.from_recipe(recipe_of(wanted, form, model, Tokenizer().encode(score), report))


__all__ = ["Draft", "Progress", "compose", "continue_piece", "draw_piece", "load", "write"]
