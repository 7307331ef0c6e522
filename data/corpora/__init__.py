"""Corpora that come with the music21 package, as records: what they are, under which licence, and their pieces.

Reading parses notation, some 0.02 s to 2 s a piece: `read` takes and gives plain values, so that a pool of processes
can map it over `get(name).ids()`; results worth keeping are the caller's to keep.
"""

from __future__ import annotations

from collections.abc import Iterator

from data.corpora import chorales, ensembles, tune_books
from data.corpora.corpus import Corpus, Piece
from theory.errors import UnknownNameError
from theory.score import Score

_ALL = (chorales.CORPUS, *tune_books.BOOKS, tune_books.FOLK, ensembles.PALESTRINA, ensembles.QUARTETS)
_CORPORA = {corpus.name: corpus for corpus in _ALL}


def names() -> tuple[str, ...]:
    """Names of all corpora."""
    return tuple(_CORPORA)


def get(name: str) -> Corpus:
    """The record of a corpus.

    Raises:
        UnknownNameError: no such corpus.
    """
    try:
        return _CORPORA[name]
    except KeyError:
        raise UnknownNameError(f"no corpus is called {name!r}: choose one of {', '.join(_CORPORA)}") from None


def load(name: str) -> Iterator[Piece]:
    """All pieces of a corpus, in the order of their ids, parsed one by one.

    Raises:
        UnknownNameError: no such corpus.
    """
    return iter(get(name))


def read(name: str, id: str) -> Score:  # noqa: A002
    """One piece of a corpus.

    Raises:
        UnknownNameError: no such corpus or piece.
    """
    return get(name).read(id)


__all__ = ["Corpus", "Piece", "get", "load", "names", "read"]
