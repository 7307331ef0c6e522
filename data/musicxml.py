"""MusicXML (.musicxml, .xml, and .mxl, its zipped form), version 4.0 (W3C, 2021), through music21."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from data.from_music21 import LeftOut, score_of
from data.notation import parsing, read_bytes
from theory.errors import FileFormatError
from theory.score import Score

_CONTAINER = "META-INF/container.xml"


def read(path: str | Path) -> Score:
    """Read a MusicXML file.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MusicXML.
    """
    return read_with_report(path)[0]


def read_with_report(path: str | Path) -> tuple[Score, LeftOut]:
    """Read a MusicXML file, and count what a Score cannot hold: {"lyric": 112, "slur": 7}.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MusicXML.
    """
    content = read_bytes(path)
    with parsing(path, "MusicXML"):
        from music21.musicxml.xmlToM21 import MusicXMLImporter

        importer: Any = MusicXMLImporter()  # type: ignore[no-untyped-call]
        root = ElementTree.fromstring(_unzipped(content))
        if root.tag != "score-partwise":
            raise FileFormatError(f"{path} is no MusicXML score by parts: its root is <{root.tag}>")
        importer.xmlRootToScore(root, importer.stream)
        return score_of(importer.stream)


def write(score: Score, path: str | Path) -> None:
    """Write a score as MusicXML; a path that ends in .mxl is written zipped.

    The file is the same, byte by byte, on every run. Notes are spelled by their track's spelling column, else by the key
    in force, and tied at bar lines and beats as a musician writes; times that no note value says move to the nearest
    that one does. Velocities, controls and sounds beyond four voices on a staff have no place in notation.

    Raises:
        OutputError: the place cannot be written.
    """
    with quiet():
        content = _exported(score)
    with atomic_path(path) as temporary:
        temporary.write_bytes(_zipped(content) if Path(path).suffix.lower() == ".mxl" else content)


def _exported(score: Score) -> bytes:
    from music21.musicxml.m21ToXml import ScoreExporter

    root = ScoreExporter(stream_of(score), makeNotation=False).parse()
    _name_drums(root)
    _sign(root)
    ElementTree.indent(root)
    return _HEAD + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _unzipped(content: bytes) -> bytes:
    """The score inside an .mxl file, named by its container; other content as it is."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        container = ElementTree.fromstring(archive.read(_CONTAINER))
        root_file = next(element for element in container.iter() if element.tag.endswith("rootfile"))
        return archive.read(root_file.attrib["full-path"])
