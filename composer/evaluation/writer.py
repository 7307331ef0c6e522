"""Who writes: a model at a temperature, or the n-gram baseline in its place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from composer import bundle, generate
from composer.bundle import Bundle
from composer.decode import Draft, write, write_many
from composer.evaluation import kneser_ney
from composer.evaluation.kneser_ney import KneserNey, NGramRuntime
from composer.generate import Prepared, finished, prepared
from composer.many import compose_many
from composer.piece import Piece
from composer.request import Request
from composer.runtime import Runtime
from composer.sampler import Sampling
from theory.errors import RequestError, SearchError, UnknownNameError

Found = Piece | SearchError | RequestError


@dataclass(frozen=True, slots=True)
class Writer:
    """One that is evaluated; a plain value that a process can be given.

    Attributes:
        name: in tables: the model's, with its temperature where one is stated.
        folder: of the model; of the n-grams: of one whose style and tokens they have.
        sha256: of what makes its pieces.
        temperature: that was stated, or None: the default.
        ngrams: file of the n-grams, or None.
    """

    name: str
    folder: Path
    sha256: str
    temperature: float | None = None
    ngrams: Path | None = None

    @property
    def architecture(self) -> str:
        """ "lstm", "vae", "gan" or "5-gram"."""
        return kneser_ney.NAME if self.ngrams else self.load()[0].architecture

    def load(self) -> tuple[Bundle, Runtime]:
        """The model, or the one whose style the n-grams have, and what decodes; read once a process."""
        model, runtime = generate.load(self.folder)
        return model, _ngrams(self.ngrams, self.folder) if self.ngrams else runtime

    def key(self) -> Any:
        """What the pieces it writes depend on, as plain values."""
        return [*self.knowledge(), self.temperature]

    def knowledge(self) -> list[str]:
        """What its likelihoods depend on."""
        return [self.architecture, self.sha256]

    def request(self, **fields: Any) -> dict[str, Any]:
        """A request to it."""
        chosen = {} if self.temperature is None else {"temperature": self.temperature}
        return {"style": self.load()[0].style.name, "model": str(self.folder), **chosen, **fields}

    def prepared(self, **fields: Any) -> Prepared:
        """A request with all that is settled before the first token.

        Raises:
            CadenzaError: as `composer.compose`.
        """
        ready = prepared(Request.of(self.request(**fields)))
        return ready._replace(task=ready.task._replace(runtime=self.load()[1], told=None)) if self.ngrams else ready

    def compose(self, count: int, seed: int, **fields: Any) -> list[Found]:
        """As many pieces of one request: of its seed, the next seed, and so on; or why there is none.

        Raises:
            CadenzaError: as `composer.compose_many`.
        """
        if not self.ngrams:
            return compose_many(count=count, seed=seed, **self.request(**fields))
        ready = self.prepared(**fields)
        seeds = range(seed, seed + count)
        return [self._piece(ready, one, draft) for one, draft in zip(seeds, drafts(ready, seeds), strict=True)]

    def _piece(self, ready: Prepared, seed: int, draft: Draft | SearchError) -> Found:
        if isinstance(draft, SearchError):
            return draft
        try:
            piece = finished(ready._replace(wanted=replace(ready.wanted, seed=seed)), draft)
        except (RequestError, SearchError) as error:
            return error
        return replace(piece, recipe=replace(piece.recipe, model={"name": self.name, "sha256": self.sha256}))


def drafts(ready: Prepared, seeds: Sequence[int]) -> list[Draft | SearchError]:
    """What is drawn for some seeds, side by side."""
    if len(seeds) > 1:
        return write_many(ready.task, seeds)
    try:
        return [write(ready.task, seeds[0])]
    except SearchError as error:
        return [error]


@lru_cache(maxsize=2)
def _ngrams(path: Path, folder: Path) -> NGramRuntime:
    return NGramRuntime(KneserNey.load(path), generate.load(folder)[0].tokenizer)


def model(text: str) -> Writer:
    """The writer that somebody names: a model that comes along ("folk-vae"), or a folder; "@0.9" sets the temperature.

    Raises:
        UnknownNameError: no such model; lists what exists.
        ModelError: it cannot be read.
        RequestError: no temperature.
    """
    temperature, folder = None, _folder(text)
    name, _, last = text.rpartition("@")
    if folder is None and (folder := _folder(name)) is not None:
        temperature = _temperature(text, last)
    if folder is None:
        known = ", ".join(bundle.names())
        raise UnknownNameError(f"no model is called {name or text!r:.80}: choose among {known}, or give a model folder")
    loaded, _ = generate.load(folder)
    suffix = "" if temperature is None else f"@{temperature:g}"
    return Writer(f"{folder.name}{suffix}", folder, loaded.sha256, temperature)


def _folder(name: str) -> Path | None:
    """Of a model that comes along, or one that is there."""
    if name in bundle.names():
        return bundle.PRETRAINED / name
    return Path(name).resolve() if os.path.isdir(name) else None


def _temperature(text: str, last: str) -> float:
    try:
        temperature = float(last)
    except ValueError:
        raise RequestError(f"{text:.80}: what stands behind @ is a temperature, as in folk-lstm@0.9") from None
    return Sampling(temperature).temperature


def ngrams(path: Path, like: Writer) -> Writer:
    """The baseline, with the style, tokens and decoding of a model."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Writer(kneser_ney.NAME, like.folder, digest, None, path)


__all__ = ["Found", "Writer", "drafts", "model", "ngrams"]
