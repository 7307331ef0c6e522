"""Works for several parts: Palestrina's masses and the string quartets of Haydn, Mozart and Beethoven."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from data import kern, musicxml
from data.corpora.corpus import MUSIC21, Corpus, package_folder
from theory.score import Score

_MASS = re.compile(r"^!!!OPR:\s*(.*)", re.MULTILINE)
_QUARTETS = {
    "beethoven": ("opus",),
    "haydn": ("opus",),
    "mozart": ("k80", "k155", "k156", "k458"),  # its other file is a piano sonata
}


@cache
def _palestrina_ids() -> tuple[str, ...]:
    return tuple(sorted(f"palestrina/{path.stem}" for path in (package_folder() / "palestrina").glob("*.krn")))


def _palestrina_file(id: str) -> Path:  # noqa: A002
    return package_folder() / f"{id}.krn"


def _read_palestrina(id: str) -> Score:  # noqa: A002
    return kern.read(_palestrina_file(id))


def _mass(id: str) -> str:  # noqa: A002
    """The movements of a mass share their material."""
    mass = _MASS.search(_palestrina_file(id).read_text(encoding="latin-1"))
    return f"palestrina/{' '.join(mass.group(1).split())}" if mass else id


@cache
def _quartet_ids() -> tuple[str, ...]:
    root = package_folder()
    paths = [path for composer in _QUARTETS for path in (root / composer).rglob("*.mxl")]
    ids = (path.relative_to(root).with_suffix("").as_posix() for path in paths)
    return tuple(sorted(id_ for id_ in ids if id_.split("/")[1].startswith(_QUARTETS[id_.split("/")[0]])))


def _quartet_file(id: str) -> Path:  # noqa: A002
    return package_folder() / f"{id}.mxl"


def _read_quartet(id: str) -> Score:  # noqa: A002
    return musicxml.read(_quartet_file(id))


def _work(id: str) -> str:  # noqa: A002
    return "/".join(id.split("/")[:2])


PALESTRINA = Corpus(
    name="palestrina",
    title="G. P. da Palestrina: masses",
    source="Encoded in **kern by John Miller, 2000; in the corpus of the music21 package.",
    licence=(
        "The works are in the public domain. Each file says: 'Copyright 2000, John Miller. Rights to all derivative "
        "electronic formats reserved. Refer to licensing agreement for further details.' Ask before you publish "
        "a model trained on it."
    ),
    citation=MUSIC21,
    list_ids=_palestrina_ids,
    read_id=_read_palestrina,
    group_of=_mass,
    file_of=_palestrina_file,
)

QUARTETS = Corpus(
    name="string_quartets",
    title=(
        "String quartets by Haydn (op. 1/1, 74/1), Mozart (K. 80, 155, 156, 458) and Beethoven (op. 18/1, 3, 4, 5, 59, "
        "74, 132, 133)"
    ),
    source="MusicXML made with Finale, encoders unnamed; in the corpus of the music21 package.",
    licence=(
        "The works are in the public domain. The encodings state no licence; music21 distributes its corpus 'with the "
        "permission of the encoders', some of it 'not for commercial uses' (corpus/license.txt)."
    ),
    citation=MUSIC21,
    list_ids=_quartet_ids,
    read_id=_read_quartet,
    group_of=_work,
    file_of=_quartet_file,
)
