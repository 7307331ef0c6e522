"""How well writers know held-out music: its likelihood, or a bound of it, and how a VAE writes it again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from composer.bundle import Bundle
from composer.decode import WIDTH, Draft, Task, reread
from composer.evaluation.split import Excerpt
from composer.evaluation.writer import Writer, drafts
from composer.latent_runtime import Latent
from composer.runtime import Runtime, Vector
from composer.sampler import Sampling
from theory.errors import SearchError
from theory.score import IntArray, Score
from theory.tokens import EXPRESSIVE, Kind
from theory.transform import excerpt

_TOGETHER = 8  # pieces whose likelihood is one job
SIXTEENTHS = 4  # a quarter
_HOLD, _SILENCE = -1, -2  # a note or a rest goes on; a note ends and none begins


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """What a writer thinks of some pieces, given as its ids; seeds draw where they lie in a latent space."""

    writer: Writer
    pieces: tuple[tuple[int, ...], ...]
    seed: int

    @property
    def size(self) -> int:
        """How many pieces."""
        return len(self.pieces)

    def key(self) -> Any:
        """See `jobs.Job`."""
        return [self.writer.knowledge(), _digest(self.pieces), self.seed]

    def run(self) -> list[Any]:
        """Of each piece: nats of its notes, nats of its latent (0 without one), notes."""
        model, runtime = self.writer.load()
        told_nothing = self.writer.ngrams is not None  # whatever model they stand in for
        scores = [runtime.tokenizer.decode(ids) for ids in self.pieces]
        rows = [
            _surprise(None if told_nothing else model, runtime, score, self.seed + number)
            for number, score in enumerate(scores)
        ]
        return [[*row, score.notes] for row, score in zip(rows, scores, strict=True)]


def likelihoods(writer: Writer, excerpts: Sequence[Excerpt], seed: int) -> list[Likelihoods]:
    """The work of scoring some pieces; none where a writer has no likelihood."""
    if writer.architecture == "gan":
        return []
    ids = [_ids(writer, each.score) for each in excerpts]
    starts = range(0, len(ids), _TOGETHER)
    return [Likelihoods(writer, tuple(ids[start : start + _TOGETHER]), seed + start) for start in starts]


def _ids(writer: Writer, score: Score) -> tuple[int, ...]:
    """A score as the writer's tokenizer has it."""
    tokenizer = writer.load()[1].tokenizer
    return tuple(tokenizer.encode(tokenizer.quantize(score)).tolist())


def _surprise(model: Bundle | None, runtime: Runtime, score: Score, seed: int) -> tuple[float, float]:
    if model is None or model.latent is None:
        return nats(runtime, score), 0.0
    space = Latent(model)
    posterior = space.posterior(score)
    latent = posterior.draw(seed)
    return nats(runtime, score, runtime.told(space.contexts(latent))), space.nats(posterior, latent)


def nats(runtime: Runtime, score: Score, told: Vector | None = None) -> float:
    """Negative log-likelihood of a score without chords, given ensemble, first key, meter and tempo, and its bars.

    Args:
        runtime: the decoder.
        score: as the model knows music.
        told: what the decoder is told at each place besides (`Runtime.told`).
    """
    ids = runtime.tokenizer.encode(score.replace(chords=()))
    opening = 1 + int(np.flatnonzero(EXPRESSIVE.kinds[ids] == Kind.TEMPO_LOW)[0])
    task = Task(runtime, ids[:opening].tolist(), (), score.bars, Sampling())
    known = keyview.token_map(keyview.first_signature(score), runtime.vocabulary)
    unread = np.empty((0, 0), np.float32)
    return reread(Draft(task, ids.tolist(), unread, known, 0, False, told)).nats


@dataclass(frozen=True, slots=True)
class Reconstructing:
    """Pieces of one form, encoded, drawn from their posteriors, and written again with the likeliest tokens."""

    writer: Writer
    request: dict[str, Any]
    pieces: tuple[tuple[int, ...], ...]
    seed: int

    @property
    def size(self) -> int:
        """How many pieces."""
        return len(self.pieces)

    def key(self) -> Any:
        """See `jobs.Job`."""
        return [self.writer.knowledge(), self.request, _digest(self.pieces), self.seed]

    def run(self) -> list[Any]:
        """Of each piece: 16th steps that came out alike, all of them, bits of its latent."""
        model, runtime = self.writer.load()
        space = Latent(model)
        scores = [runtime.tokenizer.decode(ids) for ids in self.pieces]
        seeds = range(self.seed, self.seed + len(scores))
        posteriors = [space.posterior(score) for score in scores]
        latents = {seed: posterior.draw(seed) for seed, posterior in zip(seeds, posteriors, strict=True)}
        told = {seed: runtime.told(space.contexts(latent)) for seed, latent in latents.items()}
        ready = self.writer.prepared(**self.request, temperature=0.0, ending="open")
        ready = ready._replace(task=ready.task._replace(told=told.__getitem__))
        found = drafts(ready, seeds)
        rows = []
        for score, posterior, latent, draft in zip(scores, posteriors, latents.values(), found, strict=True):
            bits = space.nats(posterior, latent) / log(2)
            again = None if isinstance(draft, SearchError) else runtime.tokenizer.decode(draft.ids)
            rows.append([*alike(score, again), bits])
        return rows


def reconstructing(writer: Writer, excerpts: Sequence[Excerpt], bars: int, seed: int) -> list[Reconstructing]:
    """The work of writing some bars of each piece again: the first ones of the first, the next ones of the second, ...

    Args:
        writer: whose model has an encoder; none: there is no work.
        excerpts: the held-out music.
        bars: of each piece, no more than excerpts have.
        seed: of the draws.
    """
    if writer.architecture != "vae":
        return []
    cuts = []
    for number, each in enumerate(excerpts):
        start = number * bars % (each.score.bars // bars * bars)
        cut = excerpt(each.score, start, start + bars)
        if cut.notes:
            cuts.append(({**each.request, "bars": bars}, _ids(writer, cut)))
    cuts.sort(key=lambda cut: repr(cut[0]))
    work: list[Reconstructing] = []
    for _, group in groupby(cuts, key=lambda cut: cut[0]):
        form = list(group)
        for start in range(0, len(form), WIDTH):
            part = form[start : start + WIDTH]
            done = sum(job.size for job in work)
            work.append(Reconstructing(writer, part[0][0], tuple(ids for _, ids in part), seed + done))
    return work


def alike(score: Score, again: Score | None) -> tuple[int, int]:
    """16th steps at which two scores of one form say the same, and all of them; parts count apart.

    A step says that a note of some pitch begins, that a note ends and none begins, or that nothing does: the events of
    MusicVAE's melodies (Roberts et al., "A Hierarchical Latent Vector Model", ICML 2018).
    """
    steps = -(-score.end * SIXTEENTHS // score.ticks_per_quarter)
    said = _events(score, steps)
    return (0 if again is None else int((said == _events(again, steps)).sum())), said.size


def _events(score: Score, steps: int) -> IntArray:
    """What each part says at each step, (parts, steps)."""
    result: NDArray[np.int64] = np.full((len(score.tracks), steps), _HOLD)
    for row, track in zip(result, score.tracks, strict=True):
        begin = _step(track.onset, score)
        end = np.maximum(_step(track.onset + track.duration, score), begin + 1)
        row[end[end < steps]] = _SILENCE
        inside = begin < steps
        row[begin[inside]] = track.pitch[inside]
        if steps and not (begin == 0).any():
            row[0] = _SILENCE
    return result


def _step(ticks: NDArray[np.int32], score: Score) -> IntArray:
    """The nearest 16ths, halves up."""
    quarter = score.ticks_per_quarter
    result: IntArray = (2 * SIXTEENTHS * ticks.astype(np.int64) + quarter) // (2 * quarter)
    return result


def _digest(pieces: tuple[tuple[int, ...], ...]) -> str:
    return hashlib.sha256(repr(pieces).encode()).hexdigest()


__all__ = ["Likelihoods", "Reconstructing", "alike", "likelihoods", "nats", "reconstructing"]
