"""The whole run: read, compose, score, measure; what takes long is kept, and goes on where it was broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composer.evaluation import composing, likelihoods, steered
from composer.evaluation import rows as said
from composer.evaluation import writer as writers
from composer.evaluation.composing import Made, Wanted
from composer.evaluation.estimates import mean, ratio
from composer.evaluation.jobs import Job, Progress, done
from composer.evaluation.rows import REAL, Row
from composer.evaluation.split import HeldOut, Split, held_out
from composer.evaluation.writer import Writer
from composer.metrics import evaluate_set, measure
from composer.originality import Index, index_for, trained_on
from composer.originality.source import INDEX
from composer.piece import version_of
from composer.style import Style
from theory.errors import ModelError, RequestError
from theory.score import Score

GOAL = 0.95  # of the overlapped area of real against real
FEWEST_PIECES, MOST_PIECES = 8, 10_000
_SHORT = 2  # bars, of the shorter of two reconstructions
_SEEDS = 2**32

Show = Callable[[str, str], AbstractContextManager[Progress | None]]


@contextmanager
def _silent(verb: str, noun: str) -> Iterator[None]:
    yield None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run depends on.

    Attributes:
        models: as `writer.model` takes them.
        against: as `Split.parse` takes it.
        count: pieces of each writer.
        bars: of each piece; None: by the held-out music.
        seed: of everything.
    """

    models: tuple[str, ...]
    against: str
    count: int = 500
    bars: int | None = None
    seed: int = 0

    def check(self) -> None:
        """See that they make sense.

        Raises:
            RequestError: they do not.
        """
        if not self.models:
            raise RequestError("name a model at least, as in chorale-lstm")
        if twice := [name for number, name in enumerate(self.models) if name in self.models[:number]]:
            raise RequestError(f"{twice[0]} is named twice")
        if not FEWEST_PIECES <= self.count <= MOST_PIECES:
            raise RequestError(f"count {self.count}: must be {FEWEST_PIECES} to {MOST_PIECES}")
        if self.bars is not None and not 2 <= self.bars <= 256:
            raise RequestError(f"bars {self.bars}: must be 2 to 256")
        if not 0 <= self.seed < _SEEDS:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**32")


@dataclass(frozen=True, eq=False, slots=True)
class Evaluated:
    """What came out.

    Attributes:
        settings: of the run.
        style: of all writers.
        held_out: the real music.
        compared: pieces of either set in each comparison of two.
        rows: the writers, then the real music.
        made: what each writer made, by name.
        notices: lines for the user.
    """

    settings: Settings
    style: Style
    held_out: HeldOut
    compared: int
    rows: tuple[Row, ...]
    made: dict[str, tuple[Made, ...]]
    notices: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        held = self.held_out
        against = {"data": held.split.source, "side": held.split.side, "bars": held.bars}
        return {
            "cadenza": version_of("cadenza"),
            "style": self.style.name,
            "against": {**against, "pieces": held.pieces, "used": len(held.excerpts), "compared": self.compared},
            "models": list(self.settings.models),
            "count": self.settings.count,
            "seed": self.settings.seed,
            "goal": GOAL,
            "rows": said.plain(self.rows),
            "notices": list(self.notices),
        }


def evaluate(settings: Settings, keep: Path, *, workers: int = 1, show: Show = _silent) -> Evaluated:
    """Evaluate models, the n-gram baseline and the held-out music itself, all in one run, all asked for the same.

    Args:
        settings: of the run; the same give the same figures.
        keep: folder of what is done already.
        workers: processes that share the work; a program that asks for more than one starts in
            `if __name__ == "__main__":`.
        show: given what is done and a unit, gives a context with a progress to call, or None.

    Raises:
        CadenzaError: settings that make no sense, models or data that cannot be read, of another style than the first,
            or too little real music.
    """
    settings.check()
    split = Split.parse(settings.against)
    models = _named([writers.model(text) for text in settings.models], settings.models)
    style = _common(models)
    with show(f"reading {split}", "pieces") as progress:
        held = held_out(split, style, settings.bars, keep, progress, models[0].load()[0].tokenizer)
    every = [*models, writers.ngrams(held.ngrams, models[0])]
    return _Run(settings, held, every, keep, workers, show).all()


def _named(models: Sequence[Writer], texts: Sequence[str]) -> list[Writer]:
    """The models, those of one name called as they were given."""
    names = [one.name for one in models]
    return [
        one if names.count(one.name) == 1 else replace(one, name=text) for one, text in zip(models, texts, strict=True)
    ]


def _common(models: Sequence[Writer]) -> Style:
    """The style of all models, with the meters and modes that all write."""
    first, *others = (one.load()[0].style for one in models)
    for one, style in zip(models[1:], others, strict=True):
        if (style.name, style.parts) != (first.name, first.parts):
            raise RequestError(
                f"{one.name} writes style {style.name}, {models[0].name} {first.name}: compare like with like"
            )
    meters, modes = (
        tuple(each for each in getattr(first, name) if all(each in getattr(style, name) for style in others))
        for name in ("meters", "modes")
    )
    return replace(first, meters=meters, modes=modes)


class _Run:
    """One run, stage by stage."""

    def __init__(
        self, settings: Settings, held: HeldOut, every: Sequence[Writer], keep: Path, workers: int, show: Show
    ) -> None:
        self.settings, self.held, self.every, self.seed = settings, held, every, settings.seed
        self._keep, self._workers, self._show = keep, workers, show
        self.real = [each.score for each in held.excerpts]
        self.notices = [_used(held)]

    def all(self) -> Evaluated:
        """All stages."""
        asked = composing.wanted(self.held.excerpts, self.settings.count, self.seed)
        made = self._composed(asked)
        nats = self._stage("reading held-out music", "pieces", likelihoods.likelihoods, self.held.excerpts, self.seed)
        again = {
            bars: self._stage(
                "reconstructing", "pieces", likelihoods.reconstructing, self.held.excerpts, bars, self.seed
            )
            for bars in sorted({_SHORT, self.held.bars})
        }
        steers = self._stage("steering", "pieces", steered.steering, self.seed)
        indexes = self._indexes()
        measured, rows, beside = measure(self.real), [], None
        with self._show("measuring", "sets") as progress:
            for number, writer in enumerate(self.every):
                if progress:
                    progress(number, len(self.every))
                scores = [one.piece.score for one in made[writer.name] if one.piece]
                beside = evaluate_set(scores, measured, seed=self.seed)
                rows.append(
                    Row(
                        **_about(writer, made[writer.name]),
                        **_likelihood([row for job in nats[writer.name] for row in job], self.seed),
                        **said.set_fields(beside),
                        faults=said.faults_of(scores, self.seed),
                        reconstruction=_reconstruction(again, writer.name, self.seed),
                        steered=said.asks_of(list(steered.asks(writer.load()[0].style)), steers[writer.name]),
                        originality=self._originality(indexes[writer.name], scores),
                    )
                )
        assert beside is not None
        assert beside.against is not None
        rows.append(self._real_row(said.real_fields(beside)))
        compared = beside.against.pieces
        if compared < self.settings.count:
            self.notices.append(
                f"sets are compared {compared} pieces at a time, {self.settings.count} were composed: "
                "twice as many real pieces would be best"
            )
        style = self.every[0].load()[0].style
        return Evaluated(self.settings, style, self.held, compared, tuple(rows), made, tuple(self.notices))

    def _composed(self, asked: Sequence[Wanted]) -> dict[str, tuple[Made, ...]]:
        results = self._stage("composing", "pieces", composing.batches, asked)
        made = {name: tuple(composing.made(asked, found)) for name, found in results.items()}
        for name, each in made.items():
            lost = [one.error for one in each if not one.piece]
            if len(each) - len(lost) < FEWEST_PIECES:
                raise RequestError(f"{name}: {len(each) - len(lost)} of {len(each)} pieces were found: {lost[0]}")
            if lost:
                self.notices.append(f"{name}: no piece for {len(lost)} of {len(each)} requests: {lost[0]}")
        return made

    def _stage(self, verb: str, noun: str, work: Callable[..., Sequence[Job]], *given: Any) -> dict[str, list[Any]]:
        """Results of some work of every writer, by name."""
        jobs = [work(writer, *given) for writer in self.every]
        every = [job for some in jobs for job in some]
        with self._show(verb, noun) as progress:
            found = iter(done(every, self._keep / "work", workers=self._workers, progress=progress))
        return {writer.name: [next(found) for _ in some] for writer, some in zip(self.every, jobs, strict=True)}

    def _indexes(self) -> dict[str, Index | None]:
        """Of each writer, the pieces that it learnt from; None where it does not say."""
        result: dict[str, Index | None] = {}
        source = (self.held.split.source,)
        for writer in self.every:
            own = (writer.folder / INDEX).is_file()
            if writer.ngrams or (not own and trained_on(writer.folder) == source):
                result[writer.name] = self.held.learnt
                continue
            try:
                with self._show(f"reading what {writer.name} learnt from", "pieces") as progress:
                    result[writer.name] = index_for(writer.folder, progress, workers=self._workers)
            except ModelError as error:
                result[writer.name] = None
                self.notices.append(f"{writer.name}: originality is not known: {error}")
        return result

    def _originality(self, index: Index | None, scores: Sequence[Score]) -> said.Originality | None:
        return None if index is None else said.originality(index, scores, self.real, self.seed)

    def _real_row(self, compared: dict[str, Any]) -> Row:
        return Row(
            name=REAL,
            architecture="real",
            sha256="",
            temperature=None,
            pieces=len(self.real),
            missing=0,
            nats_per_note=None,
            latent_nats_per_note=None,
            **compared,
            faults=said.faults_of(self.real, self.seed),
            originality=said.originality(self.held.learnt, self.real, self.real, self.seed),
        )


def _used(held: HeldOut) -> str:
    short = f"; {held.pieces - len(held.excerpts)} are shorter, or in a meter or mode that the style does not write"
    lost = short if held.pieces > len(held.excerpts) else ""
    return f"{held.split}: {len(held.excerpts)} of {held.pieces} pieces are used, {held.bars} whole bars of each{lost}"


def _about(writer: Writer, made: Sequence[Made]) -> dict[str, Any]:
    found = sum(one.piece is not None for one in made)
    facts: dict[str, Any] = {
        "architecture": writer.architecture,
        "sha256": writer.sha256,
        "temperature": writer.temperature,
    }
    facts["is_experimental"] = not writer.ngrams and writer.load()[0].is_experimental
    return {"name": writer.name, **facts, "pieces": found, "missing": len(made) - found}


def _likelihood(rows: Sequence[Sequence[float]], seed: int) -> dict[str, Any]:
    """Nats a note: of all that a writer says, and of its latent alone."""
    nats, latent, notes = zip(*rows, strict=True) if rows else ((), (), ())
    both = [one + other for one, other in zip(nats, latent, strict=True)]
    return {
        "nats_per_note": ratio(both, notes, seed),
        "latent_nats_per_note": ratio(latent, notes, seed) if any(latent) else None,
    }


def _reconstruction(again: dict[int, dict[str, list[Any]]], name: str, seed: int) -> tuple[said.Reconstruction, ...]:
    found = []
    for bars, results in again.items():
        rows = [row for job in results[name] for row in job]
        if rows:
            right, steps, bits = zip(*rows, strict=True)
            accuracy = ratio(right, steps, seed)
            assert accuracy is not None
            found.append(said.Reconstruction(bars, accuracy, mean(bits, seed)))
    return tuple(found)


__all__ = ["GOAL", "MOST_PIECES", "Evaluated", "Settings", "Show", "evaluate"]
