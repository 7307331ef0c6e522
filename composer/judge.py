"""Judging a generator by its music: pieces that it draws beside real ones of the same form.

A form is what an opening says but the tempo: ensemble, meter, key. Both sides of a comparison have the same ones, so
that nothing but the music tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.bar_notes import forms_of
from composer.batches import Piece
from composer.bundle import Bundle
from composer.decode import Draft, Task, write_many
from composer.latent_runtime import Latent
from composer.plan import kinds_written
from composer.runtime import Runtime, Vector
from composer.sampler import Sampling
from composer.style import Style
from theory.constraint import ExactForm, OnlyKinds
from theory.errors import TrainingError
from theory.score import Score
from theory.tokens import EXPRESSIVE, Kind
from theory.transform import excerpt

if TYPE_CHECKING:
    from composer.metrics import Measured

Record = dict[str, float]
_ASIDE = (Kind.TEMPO_HIGH, Kind.TEMPO_LOW)  # what two pieces of a form may differ in
_CHUNK = 16  # pieces that are drawn side by side
_VALID, _TRAIN = 4, 5  # streams of chance
_JUDGED, _CONFIRMED = 1, 2  # seeds of the pieces that are measured on the way and in the end
_SLACK = 0.01  # of a diversity, a share: what sets of pieces differ in by chance
_COLLAPSED = 0.7  # a generator with so small a share of the distinct 4-grams that it ought to have, or
_REPEATING = 0.15  # with a self-BLEU higher by so much, says the same again and again


class Excerpt(NamedTuple):
    """Some bars of a real piece.

    Attributes:
        ids: int32 (n,).
        opening: how many of them a request states.
        score: the same.
    """

    ids: NDArray[np.int32]
    opening: int
    score: Score

    @property
    def form(self) -> tuple[int, ...]:
        """What its opening says but the tempo."""
        said = self.ids[: self.opening]
        return tuple(said[~np.isin(EXPRESSIVE.kinds[said], _ASIDE)].tolist())


class Excerpts:
    """Bars of real pieces.

    Args:
        pieces: of one tokenizer.
        bars: of each excerpt, all whole.
        style: of the model.

    Raises:
        TrainingError: no piece is long enough.
    """

    def __init__(self, pieces: Sequence[Piece], bars: int, style: Style) -> None:
        self._tokenizer, self._bars = pieces[0].tokenizer.learnt, bars
        self._kinds = kinds_written(style, self._tokenizer)
        self._scores = [piece.score for piece in pieces if piece.score.bars - int(piece.score.pickup) >= bars]
        if not self._scores:
            raise TrainingError(f"no piece has {bars} whole bars: add longer ones")

    @property
    def pieces(self) -> int:
        """How many are long enough."""
        return len(self._scores)

    def sample(self, dice: np.random.Generator) -> list[Excerpt]:
        """One of every piece, where something sounds in it and it says nothing that the generator may not."""
        found = []
        for index in dice.permutation(len(self._scores)):
            score = self._scores[index]
            start = int(score.pickup) + int(dice.integers(score.bars - int(score.pickup) - self._bars + 1))
            one = self._cut(score, start)
            if one:
                found.append(one)
        return found

    def every(self) -> Iterator[Excerpt]:
        """All that begin where half an excerpt's bars have passed, or none."""
        for score in self._scores:
            for start in range(int(score.pickup), score.bars - self._bars + 1, max(1, self._bars // 2)):
                one = self._cut(score, start)
                if one:
                    yield one

    def _cut(self, score: Score, start: int) -> Excerpt | None:
        part = excerpt(score, start, start + self._bars)
        ids = self._tokenizer.encode(part)
        kinds = EXPRESSIVE.kinds[ids]
        opening = 1 + int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
        usable = part.notes and np.isin(kinds[opening:], self._kinds).all()
        return Excerpt(ids, opening, part) if usable else None


class Player:
    """A generator as it draws.

    Args:
        model: with a latent.
        bars: of each piece.
    """

    def __init__(self, model: Bundle, bars: int) -> None:
        self._runtime, self._latent = Runtime(model), Latent(model)
        rules = (OnlyKinds(kinds_written(model.style, model.tokenizer.learnt)), ExactForm(bars))
        self._task = Task(self._runtime, (), rules, bars, Sampling(temperature=model.temperature))

    def scores(self, like: Sequence[Excerpt], seed: int) -> Iterator[Score]:
        """A piece for each excerpt, in its form; tempos are those of some of them.

        Raises:
            SearchError: one was not found.
        """
        groups: dict[tuple[int, ...], list[Excerpt]] = {}
        for one in like:
            groups.setdefault(one.form, []).append(one)
        for number, group in enumerate(groups.values()):
            for start in range(0, len(group), _CHUNK):
                chunk = group[start : start + _CHUNK]
                numbers = seeds([seed, number, start], max(2, len(chunk)))
                yield from self._drawn(chunk[0], numbers)[: len(chunk)]

    def _drawn(self, like: Excerpt, seeds: Sequence[int]) -> list[Score]:
        told = partial(self._told, forms_of(like.score))
        found = []
        for draft in write_many(self._task._replace(opening=like.ids[: like.opening].tolist(), told=told), seeds):
            if not isinstance(draft, Draft):
                raise draft
            found.append(self._runtime.tokenizer.decode(draft.ids))
        return found

    def _told(self, form: NDArray[np.int32], seed: int) -> Vector:
        return self._runtime.told(self._latent.contexts(self._latent.drawn(form, seed)))


def seeds(seed: Sequence[int], count: int) -> list[int]:
    """Seeds of pieces, made of others."""
    words: list[int] = np.random.SeedSequence(seed).generate_state(count, np.uint64).tolist()
    return words


class Judge:
    """Sets pieces that a model draws beside real ones.

    Args:
        valid: real pieces to be beside.
        train: real pieces whose figures are what can be reached.
        bars: of each piece that is drawn.
        pieces: how many are drawn on the way, at most.
        seed: of the choice.
    """

    def __init__(self, valid: Excerpts, train: Excerpts, bars: int, pieces: int, seed: int) -> None:
        from composer.metrics import measure

        self._bars = bars
        self._every = valid.sample(np.random.default_rng([seed, _VALID]))
        self._like = self._every[:pieces]
        self._real = measure([one.score for one in self._every])
        others = train.sample(np.random.default_rng([seed, _TRAIN]))[: len(self._every)]
        self._others = measure([one.score for one in others])

    def figures(self, model: Bundle, *, confirming: bool = False) -> Record:
        """What pieces of a model are like: other pieces, and one for each real one, when `confirming`."""
        from composer.metrics import measure

        like = self._every if confirming else self._like
        seed = _CONFIRMED if confirming else _JUDGED
        return self._figures(measure(list(Player(model, self._bars).scores(like, seed))))

    def real(self, *, confirming: bool = False) -> Record:
        """The same figures of as many real pieces of the training side."""
        count = len(self._every if confirming else self._like)
        return self._figures(self._others.only(range(min(count, len(self._others)))))

    def _figures(self, made: Measured) -> Record:
        from composer.metrics import METRICS, SET_METRICS

        figures = {name: metric.function(made, self._real) for name, metric in SET_METRICS.items()}
        far = []
        for column, (name, metric) in enumerate(METRICS.items()):
            if metric.source.startswith("MuseGAN"):
                here, there = made.metrics[:, column], self._real.metrics[:, column]
                if np.isfinite(here).any() and np.isfinite(there).any():
                    figures[name] = float(np.nanmean(here))
                    far.append(abs(figures[name] - np.nanmean(there)) / max(float(np.nanstd(there)), 1e-3))
        return {**figures, "musegan_distance": float(np.mean(far)), "pieces": float(len(made))}


def has_kept_diversity(record: Record, *others: Record) -> bool:
    """Whether pieces are as diverse as others; as the least diverse of several."""
    distinct = min(other["distinct_4"] for other in others)
    repeated = max(other["self_bleu"] for other in others)
    return record["distinct_4"] >= distinct - _SLACK and record["self_bleu"] <= repeated + _SLACK


def collapse(record: Record, warm: Record, real: Record) -> str:
    """Why a generator is to be called collapsed: it says the same again and again; "" where it does not."""
    least = _COLLAPSED * min(warm["distinct_4"], real["distinct_4"])
    most = max(warm["self_bleu"], real["self_bleu"]) + _REPEATING
    if not record["distinct_4"] >= least:  # nothing to count is nothing said
        return f"mode collapse: a share of {record['distinct_4']:.3f} of the 4-grams is distinct, below {least:.3f}"
    if record["self_bleu"] > most:
        return f"mode collapse: self-BLEU is {record['self_bleu']:.3f}, above {most:.3f}"
    return ""


def shortcomings(record: Record, warm: Record) -> list[str]:
    """In what pieces are no nearer to the data than those of the warm start, or less diverse; nothing: all is well."""
    found = {
        "Frechet distance": record["frechet_distance"] < warm["frechet_distance"],
        "MuseGAN's metrics": record["musegan_distance"] < warm["musegan_distance"],
        "diversity": has_kept_diversity(record, warm),
    }
    return [name for name, is_well in found.items() if not is_well]


__all__ = [
    "Excerpt", "Excerpts", "Judge", "Player", "Record", "collapse", "has_kept_diversity", "seeds",
    "shortcomings",
]  # fmt: skip
