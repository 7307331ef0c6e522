"""A MIDI file as its track chunks, found also where the header or the chunks' lengths are damaged.

Repairs are counted by kind:

- bytes before the header, but for that of a RIFF file, which may hold a MIDI file;
- chunk length: one that leads to no chunk; the track goes on to the next one, or to the file's end;
- chunk name: where tracks are missing, a chunk whose name is nearly a track's is one;
- header: without its name, of a wrong length, or of no known type;
- junk between chunks;
- ticks a quarter: none (or in SMPTE time no known number of frames), 480 are assumed;
- track count: the header states another number of tracks than there are; all are read;
- track cut short: the file ends inside it.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from theory.errors import FileFormatError
from theory.score import TICKS_PER_QUARTER

_HEADER, _TRACK, _END_OF_TRACK = b"MThd", b"MTrk", b"\xff\x2f\x00"
_FRONT = 64  # without a header name, a track must begin in so many bytes
_KINDS = 3
# Frames a second as the header says them -> ticks a quarter for each tick a frame, and microseconds a quarter.
_SMPTE = {24: (24, 1_000_000), 25: (25, 1_000_000), 29: (30, 1_001_000), 30: (30, 1_000_000)}


class Content(NamedTuple):
    """A MIDI file taken apart.

    Attributes:
        ticks_per_quarter: as the header says.
        tempo: microseconds a quarter if the file counts in SMPTE time, where a quarter is a second; else None.
        bodies: the content of every track chunk.
        repairs: what was repaired, by kind.
    """

    ticks_per_quarter: int
    tempo: int | None
    bodies: list[bytes]
    repairs: Counter[str]


class _Header(NamedTuple):
    """The three numbers of a header."""

    kind: int
    tracks: int
    division: int


_NO_HEADER = _Header(_KINDS, 0, 0)


def take_apart(content: bytes, path: str | Path) -> Content:
    """Find the track chunks of a MIDI file.

    Raises:
        FileFormatError: no MIDI file, or one without tracks.
    """
    repairs: Counter[str] = Counter()
    header, place = _header(content, path, repairs)
    bodies = _bodies(content, place, header.tracks, repairs)
    if not bodies:
        raise FileFormatError(f"{path} holds no tracks")
    repairs["track count"] += header.tracks != len(bodies)
    ticks_per_quarter, tempo = _unit(header.division, repairs)
    return Content(ticks_per_quarter, tempo, bodies, +repairs)


def _header(content: bytes, path: str | Path, repairs: Counter[str]) -> tuple[_Header, int]:
    """The header, and where the chunks after it begin."""
    start, first = content.find(_HEADER), content.find(_TRACK)
    if start < 0 and not 0 <= first <= _FRONT:
        raise FileFormatError(f"{path} is no MIDI file: it holds no MIDI header")
    is_riff = content[:4] == b"RIFF" and content[8:12] == b"RMID"
    repairs["bytes before the header"] += start > 0 and not is_riff
    place = start + 8 + int.from_bytes(content[start + 4 : start + 8])
    stated = _numbers(content, start + 8) if start >= 0 else _NO_HEADER
    if start >= 0 and (_is_chunk(content, place) or place == len(content)):
        repairs["header"] += stated.kind >= _KINDS
        return stated, place
    repairs["header"] += 1
    place = content.find(_TRACK, max(start, 0))
    if place < 0:
        raise FileFormatError(f"{path} holds no tracks")
    before = _numbers(content, place - 6) if place >= 6 else _NO_HEADER
    count = content.count(_TRACK)
    return min((before, stated), key=lambda header: _strangeness(header, count)), place


def _numbers(content: bytes, place: int) -> _Header:
    return _Header(*(int.from_bytes(content[at : at + 2]) for at in range(place, place + 6, 2)))


def _strangeness(header: _Header, tracks: int) -> int:
    """How many numbers of a header cannot be true."""
    return (header.kind >= _KINDS) + (header.tracks != tracks) + (not 0 < header.division < 0x8000)


def _unit(division: int, repairs: Counter[str]) -> tuple[int, int | None]:
    """Ticks a quarter, and in SMPTE time the one tempo: a quarter is then a second (29 frames drop some: 29.97)."""
    if 0 < division < 0x8000:
        return division, None
    frames, ticks = 0x100 - (division >> 8), division & 0xFF
    if frames in _SMPTE and ticks:
        a_quarter, tempo = _SMPTE[frames]
        return a_quarter * ticks, tempo
    repairs["ticks a quarter"] += 1
    return TICKS_PER_QUARTER, None


def _bodies(content: bytes, place: int, declared: int, repairs: Counter[str]) -> list[bytes]:
    """The content of the track chunks; other chunks are passed over."""
    found: list[tuple[bytes, bytes]] = []
    while place < len(content):
        if not _is_chunk(content, place):
            place = content.find(_TRACK, place)
            if place < 0:
                break  # what follows the last chunk concerns nobody
            repairs["junk between chunks"] += 1
        if content.startswith(_HEADER, place):
            break  # another file
        name, start = content[place : place + 4], place + 8
        place = start + int.from_bytes(content[start - 4 : start])
        if name == _TRACK and not _is_end(content, place):
            place = content.find(_TRACK, start)
            repairs["chunk length" if place >= 0 else "track cut short"] += 1
            place = place if place >= 0 else len(content)
        found.append((name, content[start:place]))
    missing = declared - sum(name == _TRACK for name, _ in found)
    bodies = []
    for name, body in found:
        if name != _TRACK and missing > 0 and _is_nearly_a_track(name):
            repairs["chunk name"] += 1
            missing -= 1
            name = _TRACK
        if name == _TRACK:
            bodies.append(body)
    return bodies


def _is_chunk(content: bytes, place: int) -> bool:
    """Whether a chunk begins at a place: a track, or another with a plausible name that the file holds whole."""
    name = content[place : place + 4]
    if name == _TRACK:
        return place + 8 <= len(content)
    length = int.from_bytes(content[place + 4 : place + 8])
    return (name.isalnum() or _is_nearly_a_track(name)) and place + 8 + length <= len(content)


def _is_end(content: bytes, place: int) -> bool:
    """Whether a track may end at a place: at another chunk, at the file's end, or after an end of track."""
    if place > len(content):
        return False
    is_ended = content[place - 3 : place] == _END_OF_TRACK
    return is_ended or place == len(content) or _is_chunk(content, place)


def _is_nearly_a_track(name: bytes) -> bool:
    return sum(map(int.__eq__, name, _TRACK)) >= 3
