"""Where the index of a model's training pieces comes from: beside the model, or made of the corpora it learnt from.

A model that learnt from music of the user's own has the index in its folder: `cadenza train` writes it there. Corpora
that come along are not copied: their training side is read when an index is first asked for, which takes from some
seconds (chorales) to some minutes (three books of tunes), and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from composer import bundle
from composer.originality.index import FORMAT, Index, index_of_lines, joined, load, save
from composer.originality.line import Line, lines_of
from composer.piece import version_of
from data import corpora
from data.split import split_of
from data.workers import Failure, mapped
from theory.errors import CadenzaError, ModelError

INDEX = "originality.safetensors"  # beside a model

Progress = Callable[[int, int], None]
_Lines = tuple[str, str, list[Line]]
_made: dict[tuple[str, ...], Index] = {}  # in this process, where they could not be kept


def index_for(folder: Path, progress: Progress | None = None, *, workers: int = 1) -> Index:
    """The index of the pieces that a model learnt from.

    Args:
        folder: of the model (`Bundle.path`).
        progress: called with (pieces read, pieces in all) where corpora have to be read.
        workers: processes that read them; a program that asks for more than one starts in
            `if __name__ == "__main__":`.

    Raises:
        ModelError: the model does not say what it learnt from, or its own index is damaged.
        InputFileError: the installed music21 came without its corpora.
    """
    own = folder / INDEX
    found = [_loaded(own, own.stat().st_mtime_ns)] if os.path.isfile(own) else []
    if names := trained_on(folder):
        found.append(index_of_corpora(names, progress, workers=workers))
    if not found:
        raise ModelError(
            f"model {folder} does not say what it was trained on, so nothing can be compared with it: train it again, "
            "or --resume the training that broke off"
        )
    return found[0] if len(found) == 1 else joined(found)


@lru_cache(maxsize=4)
def _loaded(path: Path, changed: int) -> Index:
    """The index in a file, read once a process, and again where it changed since."""
    return load(path)


def trained_on(folder: Path) -> tuple[str, ...]:
    """Names of the corpora that a model's config.json says it learnt from; () where it says nothing, as older ones do.

    Raises:
        ModelError: it names a corpus that this version does not know.
    """
    try:
        names = json.loads((folder / bundle.CONFIG).read_text(encoding="utf-8")).get(bundle.TRAINED_ON, [])
    except (OSError, ValueError, AttributeError):
        return ()
    if not isinstance(names, list) or any(name not in corpora.names() for name in names):
        raise ModelError(
            f"{folder / bundle.CONFIG}: {bundle.TRAINED_ON} {names!r:.60} is no list of corpora that come along"
        )
    return tuple(names)


def index_of_corpora(names: Sequence[str], progress: Progress | None = None, *, workers: int = 1) -> Index:
    """The index of the training side of some corpora that come along, from the cache folder if it is there.

    A file of the cache that is damaged is made anew; one that cannot be written is no error.

    Args:
        names: as `data.corpora.names` has them.
        progress: as `index_for` takes it.
        workers: likewise.

    Raises:
        UnknownNameError: no such corpus.
        InputFileError: the installed music21 came without its corpora.
    """
    names = tuple(names)
    if names in _made:
        return _made[names]
    place = _place(names)
    if place is not None:
        with suppress(ModelError):
            return _made.setdefault(names, load(place))
    index = _made[names] = index_of_lines(_read(names, progress, workers))
    if place is not None:
        with suppress(CadenzaError, OSError):
            save(index, place)
    return index


def _read(names: Sequence[str], progress: Progress | None, workers: int) -> Iterator[_Lines]:
    """The lines of the training pieces, one by one; those that cannot be read are left out, as training does."""
    found = [corpora.get(name) for name in names]
    wanted = [(one.name, id_) for one in found for id_ in one.ids() if split_of(one.group(id_)) == "train"]
    answers = mapped(_read_one, wanted, workers=workers) if workers > 1 else map(_read_one, wanted)
    for done, answer in enumerate(answers, 1):
        if progress:
            progress(done, len(wanted))
        if answer is not None and not isinstance(answer, Failure):
            yield answer


def _read_one(wanted: tuple[str, str]) -> _Lines | None:
    name, id_ = wanted
    try:
        score = corpora.read(name, id_)
        return id_, score.title, lines_of(score)
    except CadenzaError:
        return None


def _place(names: Sequence[str]) -> Path | None:
    """Where the index of corpora is kept: a name for each content and version; None where there is no such folder."""
    told = os.environ.get("XDG_CACHE_HOME", "")
    try:
        home = Path(told) if os.path.isabs(told) else Path.home() / ".cache"
    except RuntimeError:  # nobody's home
        return None
    return home / "cadenza" / f"{'-'.join(names)}-{_digest(names)}.safetensors"


def _digest(names: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{FORMAT} {version_of('cadenza')} {version_of('music21')}".encode())
    for name in names:
        corpus = corpora.get(name)
        digest.update(repr([(id_, split_of(corpus.group(id_))) for id_ in corpus.ids()]).encode())
        for file in corpus.files():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


__all__ = ["INDEX", "index_for", "index_of_corpora", "trained_on"]
