"""MusicXML (.musicxml, .xml, and .mxl, its zipped form), version 4.0 (W3C, 2021), through music21."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
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

        importer = MusicXMLImporter()
        root = ElementTree.fromstring(_unzipped(content))
        if root.tag != "score-partwise":
            raise FileFormatError(f"{path} is no MusicXML score by parts: its root is <{root.tag}>")
        importer.xmlRootToScore(root, importer.stream)
        return score_of(importer.stream)


def _unzipped(content: bytes) -> bytes:
    """The score inside an .mxl file, named by its container; other content as it is."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        container = ElementTree.fromstring(archive.read(_CONTAINER))
        root_file = next(element for element in container.iter() if element.tag.endswith("rootfile"))
        return archive.read(root_file.attrib["full-path"])
