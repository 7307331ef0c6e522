"""What a corpus is: a name, where it comes from, and its pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from theory.errors import InputFileError, UnknownNameError
from theory.score import Score

MUSIC21 = (
    "M. S. Cuthbert and C. Ariza, 'music21: A Toolkit for Computer-Aided Musicology and Symbolic Music Data', "
    "Proc. ISMIR 2010, pp. 637-642."
)


class Piece(NamedTuple):
    """One piece of a corpus."""

    id: str
    score: Score


@dataclass(frozen=True, slots=True)
class Corpus:
    """A record of a corpus that comes with the music21 package.

    Attributes:
        name: what `load` takes.
        title: the collection's own.
        source: who encoded it from what.
        licence: as its makers state it.
        citation: how a paper cites it.
        list_ids, read_id, group_of, file_of: where its pieces are; see the methods.
    """

    name: str
    title: str
    source: str
    licence: str
    citation: str
    list_ids: Callable[[], tuple[str, ...]] = field(repr=False)
    read_id: Callable[[str], Score] = field(repr=False)
    group_of: Callable[[str], str] = field(repr=False)
    file_of: Callable[[str], Path] = field(repr=False)

    def ids(self) -> tuple[str, ...]:
        """Stable names of all pieces, sorted, without parsing any."""
        return self.list_ids()

    def read(self, id: str) -> Score:  # noqa: A002  # the word of the table and of Piece
        """Parse one piece.

        Raises:
            UnknownNameError: no such piece.
        """
        if id not in self.ids():
            near = get_close_matches(id, self.ids(), n=3, cutoff=0)
            raise UnknownNameError(f"corpus {self.name} has no piece {id!r}: its ids look like {', '.join(near)}")
        return self.read_id(id)

    def group(self, id: str) -> str:  # noqa: A002
        """The group of near-duplicates that a piece belongs to, for `data.split.split_of`."""
        return self.group_of(id)

    def files(self) -> tuple[Path, ...]:
        """The files that its pieces stand in, sorted."""
        return tuple(sorted(set(map(self.file_of, self.ids()))))

    def __iter__(self) -> Iterator[Piece]:
        return (Piece(id_, self.read_id(id_)) for id_ in self.ids())

    def __len__(self) -> int:
        return len(self.ids())


def package_folder() -> Path:
    """The folder of works inside the installed music21 package.

    Raises:
        InputFileError: this music21 came without its corpus.
    """
    spec = find_spec("music21")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "corpus"
        if (folder / "bach").is_dir():
            return folder
    raise InputFileError("the installed music21 came without its corpus: pip install --force-reinstall music21")
