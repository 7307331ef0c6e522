"""MusicXML (.musicxml, .xml, and .mxl, its zipped form), version 4.0 (W3C, 2021), through music21."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from data.engraving import MAX_VOICES
from data.from_music21 import LeftOut, score_of
from data.music21_part import PartHeader
from data.notation import beyond_meters, parsing, quiet, read_bytes
from data.to_music21 import DRUM_ID, clean, stream_of
from theory.atomic_file import atomic_path
from theory.errors import FileFormatError
from theory.key import Key
from theory.pitch import Pitch
from theory.score import Score

_CONTAINER = "META-INF/container.xml"
_CONTAINER_TEXT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles><rootfile full-path="score.musicxml" '
    b'media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
)
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    b'"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the time that a zip gives its members


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

        importer: Any = MusicXMLImporter()
        root = ElementTree.fromstring(_unzipped(content))
        if root.tag != "score-partwise":
            raise FileFormatError(f"{path} is no MusicXML score by parts: its root is <{root.tag}>")
        drums, meters = _pitch_drums(root), _remove_absurd_meters(root)
        importer.xmlRootToScore(root, importer.stream)
        score, left_out = score_of(importer.stream, _headers(root, drums))
    return score, dict(sorted({**left_out, "meter": meters}.items())) if meters else left_out


def _remove_absurd_meters(root: Element) -> int:
    """Take out time signatures that no `Meter` has; how many the part had that had most: every part says them."""
    return max((sum(map(_without_absurd_meter, part.iter("attributes"))) for part in root.iter("part")), default=0)


def _without_absurd_meter(attributes: Element) -> bool:
    absurd = [time for time in attributes.findall("time") if beyond_meters(_signature(time))]
    for time in absurd:
        attributes.remove(time)
    return bool(absurd)


def _signature(time: Element) -> str:
    beats, types = ([element.text or "" for element in time.findall(tag)] for tag in ("beats", "beat-type"))
    return "+".join(f"{number}/{type_}" for number, type_ in zip(beats, types, strict=False))


def _headers(root: Element, drums: set[str]) -> dict[str, PartHeader]:
    transposing = {part.get("id") for part in root.iter("part") if part.find(".//transpose") is not None}
    headers = {}
    for entry in root.iter("score-part"):
        identity = entry.get("id", "")
        program, channel = (
            entry.findtext(f"midi-instrument/midi-{word}", "").strip() for word in ("program", "channel")
        )
        headers[identity] = PartHeader(
            program=min(127, max(0, int(program) - 1)) if program.isdigit() else None,
            is_drum=identity in drums or channel == "10",
            transposes=identity in transposing,
        )
    return headers


def write(score: Score, path: str | Path, *, numerals: Sequence[tuple[int, str]] = ()) -> None:
    """Write a score as MusicXML; where the path ends in .mxl, zipped.

    The file is the same, byte by byte, on every run. Notes are spelled by their track's spelling column, else by the
    key in force, and tied at bar lines and beats as a musician writes; times that no note value says move to the
    nearest that one does. Velocities, controls and what sounds beyond four voices on a staff have no place in notation.

    Args:
        score: any.
        path: where.
        numerals: (tick, text), Roman numerals to write below the lowest staff.

    Raises:
        OutputError: the place cannot be written.
    """
    with quiet():
        content = _exported(score, numerals)
    if Path(path).suffix.lower() == ".mxl":
        content = _zipped(content)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _exported(score: Score, numerals: Sequence[tuple[int, str]]) -> bytes:
    from music21.musicxml.m21ToXml import ScoreExporter

    root = ScoreExporter(stream_of(score, numerals), makeNotation=False).parse()
    for part, header in zip(root.findall("part"), root.findall("part-list/score-part"), strict=True):
        _name_drums(part, header)
        for measure in part.iter("measure"):
            _place_directions(measure)
            _number_voices(measure)
    for title in root.findall("movement-title") + ([] if clean(score.title) else root.findall("work")):
        root.remove(title)
    for encoding in root.iter("encoding"):
        for element in list(encoding):
            if element.tag in ("encoding-date", "software"):  # the day and the version would make two runs differ
                encoding.remove(element)
        encoding.insert(0, _text_element("software", "Cadenza"))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8")
    return _HEAD + text + b"\n"


def _place_directions(measure: Element) -> None:
    """Put directions where they belong, in place of an offset, which MuseScore 3 does not heed in them."""
    for direction in measure.findall("direction"):
        offset = direction.find("offset")
        if offset is None:
            continue
        direction.remove(offset)
        index, ticks = list(measure).index(direction), int(offset.text or 0)
        there, back = ("forward", "backup") if ticks > 0 else ("backup", "forward")
        measure.insert(index + 1, _move(back, abs(ticks)))
        measure.insert(index, _move(there, abs(ticks)))


def _number_voices(measure: Element) -> None:
    """Number the voices of two staves apart, 1 to 4 and 5 to 8: music21 at times gives both the same numbers."""
    notes = [note for note in measure.findall("note") if note.find("staff") is not None]
    named = sorted({(note.findtext("staff", "1"), note.findtext("voice", "1")) for note in notes})
    for note in notes:
        staff, voice = note.findtext("staff", "1"), note.find("voice")
        of_staff = [pair for pair in named if pair[0] == staff]
        if voice is not None:
            voice.text = str(MAX_VOICES * (int(staff) - 1) + 1 + of_staff.index((staff, voice.text or "")))


def _move(tag: str, ticks: int) -> Element:
    element = Element(tag)
    element.append(_text_element("duration", str(ticks)))
    return element


def _text_element(tag: str, text: str) -> Element:
    element = Element(tag)
    element.text = text
    return element


# Drums: MusicXML gives each its own instrument in the part, with General MIDI's number plus one. music21 keeps one
# instrument a class, so that on the way out the number travels as the identity of the note, on the way in as its pitch.


def _name_drums(part: Element, header: Element) -> None:
    """Give each drum of a part its instrument, and each note the instrument's name in place of its identity."""
    for note in part.iter("note"):
        for instrument in note.findall("instrument"):  # music21 names one at random in a second staff
            note.remove(instrument)
    notes = [note for note in part.iter("note") if (note.get("id") or "").startswith(DRUM_ID)]
    if not notes:
        return
    for element in [*header.findall("score-instrument"), *header.findall("midi-instrument")]:
        header.remove(element)
    numbers = sorted({int(note.attrib["id"].removeprefix(DRUM_ID)) for note in notes})
    for number in numbers:
        instrument = SubElement(header, "score-instrument", id=f"{header.attrib['id']}-I{number}")
        SubElement(instrument, "instrument-name").text = f"Drum {number}"
    for number in numbers:
        sound = SubElement(header, "midi-instrument", id=f"{header.attrib['id']}-I{number}")
        SubElement(sound, "midi-channel").text = "10"
        SubElement(sound, "midi-unpitched").text = str(number + 1)
    for note in notes:
        number = int(note.attrib.pop("id").removeprefix(DRUM_ID))
        before = [child.tag for child in note].index("duration") + 1
        while note[before].tag == "tie":
            before += 1
        note.insert(before, Element("instrument", id=f"{header.attrib['id']}-I{number}"))


def _pitch_drums(root: Element) -> set[str]:
    """Write General MIDI's number of each drum as a pitch, which music21 reads; the parts where that was done."""
    numbers = {
        sound.get("id"): int(sound.findtext("midi-unpitched", "")) - 1
        for sound in root.iter("midi-instrument")
        if sound.findtext("midi-unpitched", "").strip().isdigit()
    }
    parts = set()
    for part in root.iter("part"):
        for note in part.iter("note"):
            place, instrument = note.find("unpitched"), note.find("instrument")
            if place is None or instrument is None or instrument.get("id") not in numbers:
                continue
            pitch = Pitch(midi := numbers[instrument.get("id")], int(Key(0).spell(midi)))
            place.tag = "pitch"
            place[:] = [
                _text_element("step", pitch.step),
                _text_element("alter", str(pitch.alter)),
                _text_element("octave", str(pitch.octave)),
            ]
            parts.add(part.get("id", ""))
    return parts


# The zipped form


def _unzipped(content: bytes) -> bytes:
    """The score inside an .mxl file, named by its container; other content as it is."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        container = ElementTree.fromstring(archive.read(_CONTAINER))
        root_file = next(element for element in container.iter() if element.tag.endswith("rootfile"))
        return archive.read(root_file.attrib["full-path"])


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in ((_CONTAINER, _CONTAINER_TEXT), ("score.musicxml", content)):
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), member, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
