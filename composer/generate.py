"""From a request to a piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from composer import bundle, phrasing
from composer.bar_notes import bar_forms
from composer.bundle import Bundle, styles_of
from composer.decode import Draft, Progress, Task, write, write_many
from composer.latent_runtime import Latent
from composer.locks import bars_of, key_of, meter_of, read_tunes, upbeat_of, without_locked
from composer.one_thread import one_thread
from composer.originality.guard import Found, derived, original
from composer.originality.index import Index
from composer.piece import Piece, recipe_of
from composer.plan import Plan, plan_of
from composer.report import Originality, report_on
from composer.request import Form, Request
from composer.runtime import Runtime, Vector
from composer.steer import steering
from composer.style import Style
from theory.analysis import estimate_key
from theory.constraint import Frame
from theory.errors import RequestError, SearchError
from theory.event import KeyEvent, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import DEFAULT_VELOCITY, Score, Track
from theory.tokens import EXPRESSIVE, Kind, Tokenizer
from theory.tokens.vocabulary import STEPS_PER_QUARTER


class Prepared(NamedTuple):
    """A request with all that is settled before the first token.

    Attributes:
        wanted: the request, with its number of bars.
        form: of the piece.
        model: that writes it.
        plan: the constraints.
        task: what the decoding loop is told.
        chords: whether the piece states chords.
        learnt: pieces that the model learnt from, where the piece is to be original.
    """

    wanted: Request
    form: Form
    model: Bundle
    plan: Plan
    task: Task
    chords: bool
    learnt: Index | None = None


def compose(*, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose a piece from nothing but a request.

    >>> piece = compose(style="chorale", key="D minor", bars=16, seed=11)
    >>> piece.score.bars
    16

    Args:
        progress: called with (bars done, bars in all) at every bar.
        **request: fields of `composer.request.Request`.

    Raises:
        RequestError: the request makes no sense, or (ClashError) excludes itself.
        SearchError: no piece was found that keeps all constraints, or (OriginalityError) none that is original.
        UnknownNameError: no such style or model.
        ModelError: the model cannot be read, or does not say what it learnt from where the piece is to be original.
    """
    ready = prepared(Request.of(request))
    return _original(ready.wanted, lambda seed: finished(ready, write(ready.task, seed, progress)))


def _original(wanted: Request, draw: Callable[[int], Piece]) -> Piece:
    """The first original piece of those that are drawn of a request's seed and what is derived of it."""
    (piece,) = original([wanted.seed], lambda seeds, attempt: [draw(derived(seed, attempt)) for seed in seeds])
    if not isinstance(piece, Piece):
        raise piece
    return piece


def draw_piece(wanted: Request, progress: Progress | None = None) -> Draft:
    """Draw the tokens of a new piece, before anything is made of them.

    Raises:
        CadenzaError: as `compose`.
    """
    return write(prepared(wanted).task, wanted.seed, progress)


def composed(wanted: Request, latent: Vector, upbeat: Meter | None, progress: Progress | None = None) -> Piece:
    """A new piece from a point in the latent space.

    Args:
        wanted: the request.
        latent: float32 (bars, size), the upbeat's bar included.
        upbeat: length of the first bar, where that is shorter than the meter's; then there is a bar more
            than asked for.
        progress: as of `compose`.

    Raises:
        CadenzaError: as `compose`.
    """
    ready = _at(prepared(wanted, upbeat=upbeat), latent)
    return _original(ready.wanted, lambda seed: finished(ready, write(ready.task, seed, progress)))


def found_at(ready: Prepared, latent: Vector) -> Found:
    """The piece at a point of the latent space, or why there is none."""
    ready = _at(ready, latent)
    return _found(ready, lambda seed: write(ready.task, seed))


def drafts_at(ready: Prepared, latents: Sequence[Vector]) -> list[Draft | SearchError]:
    """What is drawn at two or more points of the latent space, side by side."""
    runtime, space = ready.task.runtime, Latent(ready.model)
    seeds = [derived(ready.wanted.seed, number) for number in range(len(latents))]
    told = {seed: runtime.told(space.contexts(latent)) for seed, latent in zip(seeds, latents, strict=True)}
    return write_many(ready.task._replace(told=told.__getitem__), seeds)


def first_of(ready: Prepared, drafts: Sequence[Draft]) -> Found:
    """The piece that the first draft makes; where pieces are to be original, the first one that is."""
    ranked = chain(drafts, repeat(drafts[-1]))
    return _found(ready, lambda seed: next(ranked))


def _found(ready: Prepared, draw: Callable[[int], Draft]) -> Found:
    try:
        return _original(ready.wanted, lambda seed: finished(ready, draw(seed)))
    except (RequestError, SearchError) as error:
        return error


def prepared(wanted: Request, learnt: Index | None = None, *, upbeat: Meter | None = None) -> Prepared:
    """Settle all that can be known before the first token of a new piece, the same for every seed.

    Args:
        wanted: the request.
        learnt: what the model learnt from, where that is at hand and the piece is to be original; None: looked up.
        upbeat: see `composed`; that of a tune that a part keeps whole comes first.

    Raises:
        CadenzaError: as `compose`, but for the search.
    """
    wanted, model, runtime = _with_model(wanted)
    style = model.style
    tunes = read_tunes(wanted.locks, style, model.tokenizer)
    form = wanted.form(style, meter_of(tunes), key_of(tunes, style), bars_of(tunes))
    frame = _frame(form, style, upbeat_of(tunes) or upbeat)  # of a bar more than the form, where there is an upbeat
    wanted, form = replace(wanted, bars=form.bars), form._replace(bars=frame.bars)
    steers = steering(wanted, form, style, frame, tunes, model.tokenizer)
    plan = plan_of(frame, steers, style, runtime.tokenizer)
    blank = runtime.tokenizer.encode(_blank(form, frame, style))
    opening = blank[: 1 + int(np.flatnonzero(EXPRESSIVE.kinds[blank] == Kind.TEMPO_LOW)[0])]
    task = Task(runtime, opening.tolist(), plan.masks, form.bars, wanted.sampling)
    task = task._replace(told=_told(task, model, frame))
    return Prepared(wanted, form, model, plan, task, bool(steers.chords), learnt or _learnt(wanted, model))


def finished(ready: Prepared, draft: Draft) -> Piece:
    """The piece that a draft makes.

    Raises:
        RequestError: there is no note in it.
        SearchError: a rule does not hold in it: a fault of ours.
    """
    score = _played(draft, ready.model)
    if not ready.chords:
        score = score.replace(chords=())
    return _finished(score, score, ready, draft)


def continue_piece(primer: Score | Piece | str | Path, *, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose the bars that follow a primer; its own notes stay as they are (on the token grid).

    What follows begins after the primer's last onset: silence at the end of its last bar may be filled.

    Args:
        primer: a score with as many tracks as the style has parts, none of them drums; or its piece, or its file.
        progress: called with (bars done, bars in all) at every bar.
        **request: fields of `composer.request.Request`; `bars` counts the new bars, for which chords and rhythms are
            meant; cadences and locks name bars of the whole piece; key, meter and tempo are the primer's.

    Raises:
        RequestError: the primer does not fit the style, or the request states what the primer decides.
        InputFileError, FileFormatError: see `data.read`.
    """
    wanted, primer = Request.of(request), primer_of(primer)
    wanted, model, runtime = _with_model(titled(wanted, primer))
    given = model.tokenizer.quantize(primer)
    _check_primer(given, wanted, model.style)
    key, meter = _key_of(given), given.meters[-1].meter
    bars = wanted.bars or wanted.chord_bars(key, meter) or model.style.bars
    wanted = replace(wanted, bars=bars)
    form = Form(key, meter, round(given.tempos[-1].bpm), given.bars + bars)
    for name, ends_in, choices in (
        ("meter", str(form.meter), model.style.meters),
        ("mode", form.key.mode, model.style.modes),
    ):
        if ends_in not in choices:
            writes = ", ".join(choices)
            raise RequestError(f"the primer's {name} is {ends_in}: style {model.style.name} writes {writes}")
    known = model.style.undress(given, form.key, dynamics=model.tokenizer.expressive)
    opening = runtime.tokenizer.encode(known)[:-1]
    frame = _frame_after(given, form, model.style)
    steers = steering(wanted, form, model.style, frame, settings=model.tokenizer)
    plan = plan_of(frame, steers, model.style, runtime.tokenizer)
    task = Task(runtime, opening.tolist(), plan.masks, form.bars, wanted.sampling)
    task = task._replace(told=_told(task, model, frame, known))
    ready = Prepared(wanted, form, model, plan, task, bool(steers.chords), _learnt(wanted, model))
    return _original(wanted, lambda seed: _continued(ready, given, write(task, seed, progress)))


def _continued(ready: Prepared, given: Score, draft: Draft) -> Piece:
    """The piece that a draft makes which begins with a primer."""
    score = _played(draft, ready.model)
    score = _with_primer(score if ready.chords else score.replace(chords=()), given)
    return _finished(score, _without(score, given), ready, draft)


def _played(draft: Draft, model: Bundle) -> Score:
    """The score of a draft with dynamics: the model's own, or of its phrases where it wrote none."""
    score = model.tokenizer.learnt.decode(draft.ids)
    written = any((track.velocity != DEFAULT_VELOCITY).any() for track in score.tracks)
    return score if written else phrasing.shape(score)


def titled(wanted: Request, given: Score) -> Request:
    """The request with a given piece's title, where it states none."""
    if wanted.title is not None or not given.title:
        return wanted
    return replace(wanted, title="".join(c for c in given.title if c.isprintable())[:200] or None)


def primer_of(given: Any) -> Score:
    """The score of a primer, in whatever form it is given."""
    if isinstance(given, str | Path):
        import data

        return data.read(Path(given))
    score = given.score if isinstance(given, Piece) else given
    if not isinstance(score, Score):
        raise RequestError(f"the primer is {score!r:.40}: give a score, a piece or a file")
    return score


def model_for(wanted: Request) -> tuple[Bundle, Runtime]:
    """The model that a request names, and its runtime.

    Raises:
        UnknownNameError: no such style or model.
        RequestError: it writes another style.
        ModelError: it cannot be read.
    """
    model, runtime = load(bundle.find(wanted.style, wanted.model))
    if model.style.name != wanted.style:
        raise RequestError(
            f"model {wanted.model} writes style {model.style.name}, not {wanted.style}: ask for that style"
        )
    return model, runtime


@lru_cache(maxsize=4)
def load(folder: Path) -> tuple[Bundle, Runtime]:
    """A model and its runtime, read once a process."""
    model = bundle.load(folder)
    with one_thread():  # of its tables
        return model, Runtime(model)


def _with_model(wanted: Request) -> tuple[Request, Bundle, Runtime]:
    """A request at the temperature that it states or its model has, that model, and its runtime."""
    model, runtime = model_for(wanted)
    stated = model.temperature if wanted.temperature is None else wanted.temperature
    return replace(wanted, temperature=stated), model, runtime


def _learnt(wanted: Request, model: Bundle) -> Index | None:
    """The pieces that a model learnt from, if what is asked for has to keep away from them."""
    if wanted.original is None:
        return None
    from composer.originality.source import index_for

    return index_for(model.path)


def _told(ready: Task, model: Bundle, frame: Frame, primer: Score | None = None) -> Callable[[int], Vector] | None:
    """What the decoder is told of the latent that a seed draws: of bars that go on from a primer's, where there is one.

    None where the model has no latent.
    """
    if model.latent is None:
        return None
    space, form = Latent(model), bar_forms(frame.meters, frame.key)
    known = space.posterior(primer).mean if primer and model.latent.encoder else None
    return lambda seed: ready.runtime.told(space.contexts(space.drawn(form, seed, known)))


def _at(ready: Prepared, latent: Vector) -> Prepared:
    """Told of a point in the latent space."""
    told = ready.task.runtime.told(Latent(ready.model).contexts(latent))
    return ready._replace(task=ready.task._replace(told=lambda seed: told))


def _frame(form: Form, style: Style, upbeat: Meter | None) -> Frame:
    frame = Frame.regular(tuple(part.name for part in style.parts), form.meter, form.bars, form.key)
    if upbeat is None:
        return frame
    length = upbeat.bar_ticks(STEPS_PER_QUARTER)
    lines = (0, *(length + line for line in frame.lines))
    return frame._replace(lines=lines, meters=(upbeat, *frame.meters), pickup=True)


def _frame_after(given: Score, form: Form, style: Style) -> Frame:
    """The frame of a piece that begins with a primer."""
    before = given.bar_lines() * STEPS_PER_QUARTER // given.ticks_per_quarter
    length = form.meter.bar_ticks(STEPS_PER_QUARTER)
    lines = [*before.tolist(), *(int(before[-1]) + length * bar for bar in range(1, form.bars - given.bars + 1))]
    changes = [event.tick * STEPS_PER_QUARTER // given.ticks_per_quarter for event in given.meters]
    meters = tuple(given.meters[int(np.searchsorted(changes, line, side="right")) - 1].meter for line in lines[:-1])
    parts = tuple(part.name for part in style.parts)
    return Frame(parts, tuple(lines), meters, form.key, given.bars, given.pickup)


def _blank(form: Form, frame: Frame, style: Style) -> Score:
    """A bar without notes that says key, meter and tempo."""
    meter = frame.meters[0]
    score = Score(
        tracks=tuple(Track.empty() for _ in style.parts),
        tempos=(TempoEvent.from_bpm(0, form.tempo),),
        meters=(MeterEvent(0, meter),),
        keys=(KeyEvent(0, form.key),),
    )
    return style.dress(score.replace(end=meter.bar_ticks(score.ticks_per_quarter)))


def _check_primer(given: Score, wanted: Request, style: Style) -> None:
    stated = [name for name in ("key", "meter", "tempo") if getattr(wanted, name) is not None]
    if stated:
        raise RequestError(f"a continuation keeps the primer's {', '.join(stated)}: leave it out of the request")
    style.check(given, "the primer", styles_of(wanted.model))


def _key_of(given: Score) -> Key:
    return given.keys[-1].key if given.keys else estimate_key(given)


def _with_primer(score: Score, given: Score) -> Score:
    """The score with the primer's own velocities, controls and chords."""
    tracks = []
    for track, first in zip(score.tracks, given.tracks, strict=True):
        velocity = track.velocity.copy()
        velocity[: len(first)] = first.velocity
        tracks.append(track.replace(velocity=velocity, controls=first.controls))
    return score.replace(tracks=tuple(tracks), chords=(*given.chords, *score.chords))


def _without(score: Score, given: Score) -> Score:
    """The score without the primer's notes."""
    rows = [slice(len(first), None) for first in given.tracks]
    tracks = [
        Track(track.onset[new], track.duration[new], track.pitch[new], track.velocity[new])
        for track, new in zip(score.tracks, rows, strict=True)
    ]
    return score.replace(tracks=tuple(tracks))


def _finished(score: Score, new: Score, ready: Prepared, draft: Draft) -> Piece:
    """Fix the piece as its final token ids and take the score from them, as `replay` will.

    Args:
        score: the piece.
        new: the piece with its composed notes only.
        ready: what was settled before.
        draft: what was drawn.
    """
    wanted, model, plan = ready.wanted, ready.model, ready.plan
    if not new.notes:
        asked = f"density {', '.join(wanted.density)}" if wanted.density else "what is asked"
        raise RequestError(f"{asked} leaves no note to sing: loosen it")
    if model.tokenizer.microtiming:  # rules speak of where notes are written, not of when they are played
        written = Tokenizer()
        report = report_on(written.quantize(score), draft, plan, written.quantize(new))
    else:
        report = report_on(score, draft, plan, new)
    if broken := [kept for kept in report.rules if kept.kept < kept.asked]:  # a fault of ours: never a wrong piece
        rule = broken[0]
        raise SearchError(f"{rule.rule}: holds in {rule.kept} of {rule.asked} places only, so nothing is written")
    if wanted.original is not None and ready.learnt is not None:
        shared = ready.learnt.shared(model.style.dress(without_locked(new, plan.rules)))
        report = replace(report, originality=Originality.of(wanted.original, shared))
    return Piece.from_recipe(recipe_of(wanted, ready.form, model, model.tokenizer.encode(score), report))


__all__ = [
    "Draft", "Prepared", "Progress", "compose", "continue_piece", "drafts_at", "draw_piece", "finished", "first_of",
    "found_at", "load", "prepared", "titled",
]  # fmt: skip
