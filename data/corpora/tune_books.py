"""Books of folk tunes in ABC: Aird's Airs, O'Neill's Music of Ireland, Ryan's Mammoth Collection."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from data import abc
from data.corpora.corpus import MUSIC21, Corpus, package_folder
from theory.score import Score

_TITLE = re.compile(r"^T:(.*)", re.MULTILINE)
GROUPS = Path(__file__).with_name("tune_groups.json")
_ARTICLES = frozenset(("the", "a", "an"))
_NO_LICENCE = (
    "The tunes are in the public domain. The transcriptions state no licence; music21 distributes its corpus 'with the "
    "permission of the encoders', some of it 'not for commercial uses' (corpus/license.txt)."
)


class _Tune(NamedTuple):
    file: str
    number: str
    title_group: str


@cache
def _tunes(folder: str) -> dict[str, _Tune]:
    """Id -> tune, sorted; a file of one tune gives the id, else "#" and the tune's number follow."""
    table: dict[str, _Tune] = {}
    for path in (package_folder() / folder).glob("*.abc"):
        texts = abc.tunes(path)
        for number, text in texts.items():
            id_ = f"{folder}/{path.stem}" if len(texts) == 1 else f"{folder}/{path.stem}#{number}"
            table[id_] = _Tune(path.name, number, _title_group(text) or id_)
    return dict(sorted(table.items()))


def _title_group(text: str) -> str:
    """Tunes of one title are one group, in all books: the collections drew on each other."""
    title = _TITLE.search(text)
    words = set(re.findall(r"\w+", title.group(1).lower().replace("'", ""))) - _ARTICLES if title else set()
    return f"tunes/{' '.join(sorted(words))}" if words else ""


def _ids(folder: str) -> tuple[str, ...]:
    return tuple(_tunes(folder))


def _read(folder: str, id: str) -> Score:  # noqa: A002
    return abc.read_with_report(_file(folder, id), _tunes(folder)[id].number)[0]


def _file(folder: str, id: str) -> Path:  # noqa: A002
    return package_folder() / folder / _tunes(folder)[id].file


def _group(folder: str, id: str) -> str:  # noqa: A002
    title = _tunes(folder)[id].title_group
    return groups().get(title, title)


@cache
def groups() -> dict[str, str]:
    """Title group -> the group of tunes that share their music, where that has another title's name.

    Made by `python -m data.corpora.tune_groups`.
    """
    table: dict[str, str] = json.loads(GROUPS.read_text(encoding="utf-8"))
    return table


def _book(name: str, folder: str, title: str, source: str) -> Corpus:
    return Corpus(
        name=name,
        title=title,
        source=source,
        licence=_NO_LICENCE,
        citation=MUSIC21,
        list_ids=partial(_ids, folder),
        read_id=partial(_read, folder),
        group_of=partial(_group, folder),
        file_of=partial(_file, folder),
    )


BOOKS = (
    _book(
        "airds_airs", "airdsAirs",
        "James Aird: A Selection of Scotch, English, Irish and Foreign Airs, 6 volumes, Glasgow, 1778-1801",
        "Transcribed by Jack Campin, 2009; in the corpus of the music21 package.",
    ),
    _book(
        "oneills_1850", "oneills1850",
        "Francis O'Neill: O'Neill's Music of Ireland, 1850 melodies, Chicago, 1903",
        "Transcribed by many hands (J. Chambers, H. Norbeck, B. Safranek, T. O'Neil and others, named in each tune); "
        "in the corpus of the music21 package.",
    ),
    _book(
        "ryans_mammoth", "ryansMammoth",
        "Ryan's Mammoth Collection (Cole's 1000 Fiddle Tunes), Boston, 1883",
        "Transcribed by R. Davies, B. Puckette, J. Walsh and others, named in each tune; in the corpus of the music21 "
        "package.",
    ),
)  # fmt: skip


@cache
def _books() -> dict[str, Corpus]:
    """The book of every tune, sorted by the tunes' ids."""
    return dict(sorted(((id_, book) for book in BOOKS for id_ in book.ids()), key=lambda row: row[0]))


def title_group(id: str) -> str:  # noqa: A002
    """The group of a tune by its title alone, such as "tunes/hornpipe sailors"; its id where it has no title."""
    return _tunes(id.split("/")[0])[id].title_group


FOLK = Corpus(
    name="folk",
    title="Folk tunes: the three tune books together",
    source=", ".join(book.name for book in BOOKS) + "; see there.",
    licence=_NO_LICENCE,
    citation=MUSIC21,
    list_ids=lambda: tuple(_books()),
    read_id=lambda id: _books()[id].read_id(id),  # noqa: A006
    group_of=lambda id: _books()[id].group_of(id),  # noqa: A006
    file_of=lambda id: _books()[id].file_of(id),  # noqa: A006
)
