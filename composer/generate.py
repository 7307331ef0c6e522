"""From a request to a piece: the sampling loop that all generators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from composer import bundle, phrasing
from composer.piece import Piece, Report, recipe_of
from composer.request import Request
from composer.runtime import Runtime
from composer.sampler import Dice, Sampling, draw
from composer.style import Style
from theory.constraint import Constraint, ExactForm, OneNoteAtATime, OnlyKinds, Ranges, allowed
from theory.errors import RequestError
from theory.score import KeyEvent, MeterEvent, Score, TempoEvent, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.features import moment
from theory.tokens.vocabulary import END

Progress = Callable[[int, int], None]  # bars done, bars in all

_WRITTEN = (
    Kind.END, Kind.BAR, Kind.POSITION_HIGH, Kind.POSITION_LOW, Kind.DURATION_HIGH, Kind.DURATION_LOW, Kind.TRACK, Kind.PITCH,
)  # fmt: skip


def compose(*, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose a piece from nothing but a request.

    Args:
        progress: called after every bar.
        **request: fields of `Request`: style, model, key, meter, tempo, bars, seed, temperature, top_k, top_p, title.

    Returns:
        The piece: `.score`, `.report`, `.recipe`.

    Raises:
        RequestError: the request makes no sense.
        UnknownNameError: no such style or model.
        ModelError: the model cannot be read.
    """
    wanted = Request(**request)
    model, runtime = _load(bundle.find(wanted.style, wanted.model))
    wanted = wanted.completed(model.style)
    prompt = Tokenizer().encode(_blank(wanted, model.style))[:-1].tolist()
    # A blank score is all bars and no notes: keep what comes before the first note, or the second bar.
    opening = prompt[: 1 + max(i for i, token in enumerate(prompt) if VOCABULARY.kinds[token] == Kind.TEMPO_LOW)]
    ids, report = _write(runtime, model.style, opening, wanted, wanted.bars_wanted, progress)
    return _finished(phrasing.shape(_decoded(ids)), wanted, model, report)


def continue_piece(primer: Score, *, progress: Progress | None = None, **request: Any) -> Piece:
    """Compose the bars that follow a primer; the primer itself stays as it is (on the token grid).

    Args:
        primer: a score with as many tracks as the style has parts.
        progress: called after every bar.
        **request: fields of `Request`; `bars` counts the new bars, and key, meter and tempo are the primer's.

    Raises:
        RequestError: the primer has another number of tracks, or no notes.
    """
    wanted = Request(**request)
    model, runtime = _load(bundle.find(wanted.style, wanted.model))
    wanted = wanted.for_primer(primer, model.style)
    given = Tokenizer().quantize(primer)
    plain = _undressed(given, model.style, wanted)
    opening = Tokenizer().encode(plain)[:-1].tolist()
    ids, report = _write(runtime, model.style, opening, wanted, given.bars + wanted.bars_wanted, progress)
    return _finished(_with_primer(phrasing.shape(_decoded(ids)), given), wanted, model, report)


@lru_cache(maxsize=4)
def _load(folder: Path) -> tuple[bundle.Bundle, Runtime]:
    model = bundle.load(folder)
    return model, Runtime(model)


@dataclass(slots=True)
class _Tally:
    """Sums over the tokens that were drawn."""

    nats: float = 0.0
    price: float = 0.0
    tokens: int = 0


def _write(
    runtime: Runtime, style: Style, opening: Sequence[int], wanted: Request, bars: int, progress: Progress | None
) -> tuple[list[int], Report]:
    """Draw tokens after an opening until END."""
    constraints = _constraints(style, bars)
    dice, tally, state, memory = Dice(wanted.seed), _Tally(), State(), runtime.start()
    sampling = Sampling(wanted.temperature, wanted.top_k, wanted.top_p)
    ids: list[int] = []
    logits = np.zeros(VOCABULARY.size, dtype=np.float32)
    while not ids or ids[-1] != END:
        if len(ids) < len(opening):
            token = opening[len(ids)]
        else:
            mask = np.flatnonzero(allowed(state, constraints))
            token = draw(logits, mask, sampling, dice)
            _count(tally, logits, mask, token)
        ids.append(token)
        state.advance(token)
        logits, memory = runtime.step(memory, token, runtime.context(*moment(state, bars)))
        if progress and state.kind is Kind.BAR:
            progress(state.bar, bars)
    return ids, Report(tokens=tally.tokens, nats=tally.nats, price=tally.price)


def _count(tally: _Tally, logits: Any, mask: Any, token: int) -> None:
    """Add a token's negative log-likelihood under the model, and what the masks took of its probability."""
    scores = logits.astype(np.float64)
    weights = np.exp(scores - scores.max())
    total = float(weights.sum())
    tally.nats += float(np.log(total) + scores.max() - scores[token])
    tally.price += max(0.0, float(np.log(total) - np.log(weights[mask].sum())))
    tally.tokens += 1


def _constraints(style: Style, bars: int) -> tuple[Constraint, ...]:
    kinds = (*_WRITTEN, Kind.FERMATA) if style.fermatas else _WRITTEN
    ranges = tuple((part.lowest, part.highest) for part in style.parts)
    return OnlyKinds(kinds), ExactForm(bars), OneNoteAtATime(), Ranges(ranges)


def _blank(wanted: Request, style: Style) -> Score:
    """A bar without notes that says key, meter and tempo."""
    meter = wanted.parsed_meter
    return style.dress(
        Score(
            tracks=tuple(Track.empty() for _ in style.parts),
            tempos=(TempoEvent.from_bpm(0, wanted.parsed_tempo),),
            meters=(MeterEvent(0, meter),),
            keys=(KeyEvent(0, wanted.parsed_key),),
            end=meter.bar_ticks(480),
        )
    )


def _undressed(given: Score, style: Style, wanted: Request) -> Score:
    """The primer as the model knows music: the style's programs, no dynamics, no controls."""
    tracks = tuple(
        Track(track.onset, track.duration, track.pitch, np.full(len(track), 80, np.uint8)) for track in given.tracks
    )
    keys = given.keys or (KeyEvent(0, wanted.parsed_key),)
    if any(track.is_drum for track in given.tracks):
        raise RequestError("the primer has a drum track, which this style does not write")
    return style.dress(given.replace(tracks=tracks, keys=keys, chords=()))


def _with_primer(score: Score, given: Score) -> Score:
    """The score with the primer's own velocities and controls on its first notes."""
    tracks = []
    for track, first in zip(score.tracks, given.tracks, strict=True):
        velocity = track.velocity.copy()
        velocity[: len(first)] = first.velocity
        tracks.append(track.replace(velocity=velocity, controls=first.controls))
    return score.replace(tracks=tuple(tracks), chords=given.chords)


def _decoded(ids: list[int]) -> Score:
    return Tokenizer().decode(ids)


def _finished(score: Score, wanted: Request, model: bundle.Bundle, report: Report) -> Piece:
    """Fix the piece as its final token ids, and dress it from them: what `replay` does too."""
    recipe = recipe_of(wanted, model, Tokenizer().encode(score))
    return Piece(recipe.score(), report.counted(score), recipe)
