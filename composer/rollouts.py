"""What an adversarial training compares: excerpts of real pieces, and as many drawn by a generator in the same form.

A form is what an opening says but key and tempo: ensemble, meter, mode. Both sides of a comparison have the same one,
so that nothing but the music tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import batches, keyview
from composer.bar_notes import forms_of, places_of
from composer.batches import Piece
from composer.bundle import Bundle
from composer.decode import Draft, Task, write_many
from composer.latent_runtime import Latent
from composer.plan import kinds_written
from composer.runtime import Ids, Runtime, Vector, Walk
from composer.sampler import Sampling
from composer.style import Style
from theory.constraint import Constraint, ExactForm, Mask, OnlyKinds
from theory.constraint.base import States, allowed
from theory.errors import TrainingError
from theory.score import Score
from theory.tokens import EXPRESSIVE, Kind, State, Tokenizer, grammar_of
from theory.tokens.features import COLUMNS
from theory.transform import excerpt

Form = tuple[int, ...]
_ASIDE = (Kind.SIGNATURE, Kind.TEMPO_HIGH, Kind.TEMPO_LOW)  # what two pieces of a form may differ in
_TRIES = 200  # at an excerpt that can be used
_CHUNK = 16  # pieces that share an opening where a set is measured


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
    def form(self) -> Form:
        """What its opening says but key and tempo."""
        said = self.ids[: self.opening]
        return tuple(said[~np.isin(EXPRESSIVE.kinds[said], _ASIDE)].tolist())


class Forms:
    """Real pieces, by form.

    Args:
        pieces: of one tokenizer.
        bars: of each excerpt, all whole.
        style: of the model.
    """

    def __init__(self, pieces: Sequence[Piece], bars: int, style: Style) -> None:
        self.tokenizer, self.bars = pieces[0].tokenizer.learnt, bars
        self._kinds = kinds_written(style, self.tokenizer)
        self._scores: dict[Form, list[Score]] = {}
        for piece in pieces:
            score = piece.score
            if score.bars - int(score.pickup) >= bars:
                first = self._cut(score, int(score.pickup), 1)
                if first:
                    self._scores.setdefault(first.form, []).append(score)
        if not self._scores:
            raise TrainingError(f"no piece has {bars} whole bars: add longer ones, or ask for fewer with --bars")

    @property
    def pieces(self) -> int:
        """How many there are."""
        return sum(map(len, self._scores.values()))

    def form(self, dice: np.random.Generator) -> Form:
        """One by chance: as likely as the pieces that have it are many."""
        forms = list(self._scores)
        counts = np.array([len(self._scores[form]) for form in forms])
        return forms[int(dice.choice(len(forms), p=counts / counts.sum()))]

    def excerpts(self, form: Form, count: int, dice: np.random.Generator) -> list[Excerpt]:
        """So many of a form, drawn from its pieces.

        Raises:
            TrainingError: there is none.
        """
        scores = self._scores[form]
        found: list[Excerpt] = []
        for _ in range(_TRIES * count):
            score = scores[int(dice.integers(len(scores)))]
            one = self._cut(
                score, int(score.pickup) + int(dice.integers(score.bars - int(score.pickup) - self.bars + 1))
            )
            if one and one.form == form:
                found.append(one)
            if len(found) == count:
                return found
        raise TrainingError(f"hardly any {self.bars} bars of these pieces keep their meter: ask for fewer with --bars")

    def sample(self, count: int, dice: np.random.Generator) -> list[Excerpt]:
        """At most so many, each of another piece."""
        every = [score for scores in self._scores.values() for score in scores]
        found: list[Excerpt] = []
        for index in dice.permutation(len(every)):
            score = every[index]
            one = self._cut(
                score, int(score.pickup) + int(dice.integers(score.bars - int(score.pickup) - self.bars + 1))
            )
            if one and len(found) < count:
                found.append(one)
        return found

    def _cut(self, score: Score, start: int, bars: int = 0) -> Excerpt | None:
        """Bars of a score, None where nothing sounds in them or they say what the generator may not."""
        part = excerpt(score, start, start + (bars or self.bars))
        ids = self.tokenizer.encode(part)
        kinds = EXPRESSIVE.kinds[ids]
        opening = 1 + int(np.flatnonzero(kinds == Kind.TEMPO_LOW)[0])
        usable = part.notes and np.isin(kinds[opening:], self._kinds).all()
        return Excerpt(ids, opening, part) if usable else None


class Drawn(NamedTuple):
    """A piece that a generator drew.

    Attributes:
        ids: its tokens, the opening included.
        opening: how many of them were given.
        form: of its bars, int32 (bars, columns of `composer.bar_notes.FORM`).
        noise: of which its latent was made, float32 (rows, 1 + size).
        allowed: which tokens it could draw at each draw, bool (draws, V), as the network knows them.
    """

    ids: NDArray[np.int32]
    opening: int
    form: NDArray[np.int32]
    noise: Vector
    allowed: NDArray[np.bool_]


class Player:
    """A generator as it draws.

    Args:
        model: with a latent.
        bars: of each piece.
    """

    def __init__(self, model: Bundle, bars: int) -> None:
        self._runtime, self._latent, self._bars = Runtime(model), Latent(model), bars
        rules = (OnlyKinds(kinds_written(model.style, model.tokenizer.learnt)), ExactForm(bars))
        self._task = Task(self._runtime, (), rules, bars, Sampling())

    def task(self, like: Excerpt) -> Task:
        """What is drawn in the form of an excerpt."""
        opening = like.ids[: like.opening].tolist()
        return self._task._replace(opening=opening, told=partial(self._told, forms_of(like.score)))

    def _told(self, form: NDArray[np.int32], seed: int) -> Vector:
        return self._runtime.told(self._latent.contexts(self._latent.drawn(form, seed)))

    def drawn(self, like: Excerpt, seeds: Sequence[int]) -> list[Drawn]:
        """A piece in the form of an excerpt for each of 2 to `WIDTH` seeds."""
        seen, form = _Seen(), forms_of(like.score)
        drafts = self._drafts(like, seeds, seen)
        return [
            Drawn(
                np.array(draft.ids, np.int32),
                draft.opening,
                form,
                self._latent.noise(self._bars, seed),
                _as_known(np.array(self._found(draft) if draft.redraws else masks), draft.map),
            )
            for draft, seed, masks in zip(drafts, seeds, seen.masks, strict=True)
        ]

    def _found(self, draft: Draft) -> list[Mask]:
        """The masks of a piece that was found on the second try: in the one that it is, they were not all noted."""
        walk, masks = Walk(self._bars, self._runtime.vocabulary), []
        for place, token in enumerate(draft.ids):
            if place >= draft.opening:
                masks.append(allowed([walk.state], self._task.rules, grammar_of(self._runtime.tokenizer))[0])
            walk.take(token)
        return masks

    def scores(self, like: Sequence[Excerpt], seed: int) -> Iterator[Score]:
        """A piece for each excerpt, in its form; key and tempo are those of some of them."""
        groups: dict[Form, list[Excerpt]] = {}
        for one in like:
            groups.setdefault(one.form, []).append(one)
        for number, group in enumerate(groups.values()):
            for start in range(0, len(group), _CHUNK):
                chunk = group[start : start + _CHUNK]
                numbers = seeds([seed, number, start], max(2, len(chunk)))
                drafts = self._drafts(chunk[0], numbers)[: len(chunk)]
                yield from (self._runtime.tokenizer.decode(draft.ids) for draft in drafts)

    def _drafts(self, like: Excerpt, seeds: Sequence[int], *others: Constraint) -> list[Draft]:
        task = self.task(like)
        task = task._replace(rules=(*task.rules, *others))
        drafts = []
        for draft in write_many(task, seeds):
            if not isinstance(draft, Draft):
                raise draft
            drafts.append(draft)
        return drafts


def seeds(seed: Sequence[int], count: int) -> list[int]:
    """Seeds of pieces, made of others."""
    words: list[int] = np.random.SeedSequence(seed).generate_state(count, np.uint64).tolist()
    return words


def _as_known(masks: NDArray[np.bool_], known: Ids) -> NDArray[np.bool_]:
    result = np.empty_like(masks)
    result[:, known] = masks
    return result


class _Seen(Constraint):
    """Forbids nothing, but notes what the rules before it left of the choices of up to `WIDTH` sequences.

    Attributes:
        masks: of each sequence, of each draw: bool (V,). Of a sequence that went back they are of no use.
    """

    def __init__(self) -> None:
        self.masks: list[list[Mask]] = []
        self._rows: dict[int, int] = {}
        self._states: Sequence[State] = ()  # kept, so that no other takes the place of one that is done

    def forbid(self, states: States, mask: Mask) -> None:
        """Look on."""
        if not self._states:
            self._states = states.rows
            self._rows = {id(state): row for row, state in enumerate(states.rows)}
            self.masks = [[] for _ in states.rows]
        for state, own in zip(states.rows, mask, strict=True):
            if id(state) in self._rows:
                self.masks[self._rows[id(state)]].append(own.copy())


def reading(pieces: Sequence[Drawn | Excerpt], tokenizer: Tokenizer) -> batches.Batch:
    """A batch of pieces; its inputs are those of the decoder, then place int32 (batch, time).

    Args:
        pieces: of equally many bars.
        tokenizer: that models read by (`Settings.learnt`).
    """
    batch = batches.padded([batches.sequence_of(piece.ids, tokenizer) for piece in pieces])
    place = np.zeros(batch.targets.shape, np.int32)
    for row, piece in enumerate(pieces):
        bar = np.cumsum(EXPRESSIVE.kinds[piece.ids] == Kind.BAR)[:-1] - 1
        place[row, : len(bar)] = places_of(bar, batch.inputs[1][row, : len(bar), _POSITION] - 1)
    return batch._replace(inputs=(*batch.inputs, place))


_POSITION = list(COLUMNS).index("position")


def choices(pieces: Sequence[Drawn], time: int) -> NDArray[np.bool_]:
    """What could be drawn, beside the targets of their `reading`: bool (batch, time, V)."""
    result = np.zeros((len(pieces), time, pieces[0].allowed.shape[1]), np.bool_)
    for row, piece in enumerate(pieces):
        result[row, piece.opening - 1 : len(piece.ids) - 1] = piece.allowed
    return result


def known_tokens(pieces: Sequence[Drawn | Excerpt], size: int) -> tuple[batches.Ids, NDArray[np.float32]]:
    """What follows the openings, as the network knows it: targets and weights of their `reading`, found faster.

    Args:
        pieces: as for `reading`.
        size: of the vocabulary.
    """
    time = -(-max(len(piece.ids) - 1 for piece in pieces) // batches.PAD_TO) * batches.PAD_TO
    tokens, there = np.zeros((len(pieces), time), np.int32), np.zeros((len(pieces), time), np.float32)
    for row, piece in enumerate(pieces):
        said = piece.ids[: piece.opening]
        signature = EXPRESSIVE.values[said[EXPRESSIVE.kinds[said] == Kind.SIGNATURE]]
        known = keyview.token_map(int(signature[0]) if len(signature) else 0, size)
        tokens[row, : len(piece.ids) - 1] = known[piece.ids[1:]]
        there[row, piece.opening - 1 : len(piece.ids) - 1] = 1
    return tokens, there


__all__ = ["Drawn", "Excerpt", "Form", "Forms", "Player", "choices", "known_tokens", "reading", "seeds"]
