"""A look into a MIDI track chunk for what symusic leaves out.

symusic gives notes, controls, pitch bends, tempos, meters, keys, markers and lyrics, fast. It gives neither the name
and end of a track without notes (the conductor track), nor such a track itself, nor pressure, nor texts. `skim` finds
those. It walks a chunk only up to its first note, and further only where the bytes leave a chance that something is
there, so that a file of many notes stays cheap.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from theory.score import PITCH_BEND, PRESSURE

_META, _SYSEX, _ESCAPE = 0xFF, 0xF0, 0xF7
_TEXT, _TRACK_NAME, _SEQUENCER_SPECIFIC = 0x01, 0x03, 0x7F
# How an event of our own begins: the maker's number that is nobody's (0x7D), then our name.
OURS = b"\x7dcadenza "
_OTHER_TEXTS = {0x02: "copyright", 0x04: "instrument name", 0x07: "cue point"}
_NOTE_ON, _KEY_PRESSURE, _CONTROL, _PROGRAM, _PRESSURE, _BEND = 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0
_DATA_BYTES = {0x80: 2, _NOTE_ON: 2, _KEY_PRESSURE: 2, _CONTROL: 2, _PROGRAM: 1, _PRESSURE: 1, _BEND: 2}

# No message that is looked for after the first note can stand in a chunk without one of these.
_WORTH_A_WALK = re.compile(rb"[\xa0-\xaf\xd0-\xdf\xf0\xf7]|\xff[\x01\x02\x04\x07]")

Control = tuple[int, int, int]


@dataclass(slots=True)
class Skim:
    """What one track chunk holds beside what symusic gives.

    Attributes:
        has_notes: whether there is a note-on. If not, the fields below cover the whole chunk.
        name: the track's name before the first note, UTF-8 or else Latin-1.
        end: tick of the last event that was seen: of a track without notes, its end.
        channels: the channels of the messages before the first note.
        program: the last program before the first note.
        controls: rows (tick, kind, value) of controls and pitch bends before the first note.
        pressures: rows (tick, kind, value) of channel pressure, in the whole chunk.
        texts: rows (tick, text), in the whole chunk.
        private: what Cadenza itself wrote into the chunk for its own use.
        left_out: counts of what a score cannot hold, in the whole chunk.
    """

    has_notes: bool = False
    name: str = ""
    end: int = 0
    channels: set[int] = field(default_factory=set)
    program: int = 0
    controls: list[Control] = field(default_factory=list)
    pressures: list[Control] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def skim(chunk: bytes) -> Skim:
    """Look through the content of one MTrk chunk; what is malformed ends the look, without an error."""
    found = Skim()
    to_the_end = bool(_WORTH_A_WALK.search(chunk))
    for tick, status, data in _events(chunk):
        found.end = tick
        if status == _META:
            _take_meta(found, tick, data)
        elif status in (_SYSEX, _ESCAPE):
            found.left_out["system exclusive"] += 1
        elif status & 0xF0 == _NOTE_ON and data[1]:
            found.has_notes = True
        else:
            _take_message(found, tick, status, data)
        if found.has_notes and not to_the_end:
            break
    return found


def _take_meta(found: Skim, tick: int, data: bytes) -> None:
    kind, content = data[0], data[1:]
    if kind == _TRACK_NAME and not found.has_notes:
        found.name = _decoded(content)
    elif kind == _TEXT:
        found.texts.append((tick, _decoded(content)))
    elif kind == _SEQUENCER_SPECIFIC and content.startswith(OURS):
        found.private.append(_decoded(content.removeprefix(OURS)))
    elif kind in _OTHER_TEXTS:
        found.left_out[_OTHER_TEXTS[kind]] += 1


def _take_message(found: Skim, tick: int, status: int, data: bytes) -> None:
    kind = status & 0xF0
    if kind == _PRESSURE:
        found.pressures.append((tick, PRESSURE, data[0]))
    elif kind == _KEY_PRESSURE:
        found.left_out["key pressure"] += 1
    if found.has_notes:
        return  # symusic gives the rest
    found.channels.add(status & 0x0F)
    if kind == _PROGRAM:
        found.program = data[0]
    elif kind == _CONTROL:
        found.controls.append((tick, data[0], data[1]))
    elif kind == _BEND:
        found.controls.append((tick, PITCH_BEND, (data[1] << 7 | data[0]) - 8192))


def _events(chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Events as (tick, status, data): a meta event's data start with its type. Ends where the chunk makes no sense."""
    place = tick = running = 0
    with contextlib.suppress(IndexError, KeyError):
        while place < len(chunk):
            delta, place = _number(chunk, place)
            tick += delta
            status = chunk[place]
            kind = b""
            if status >= _SYSEX:
                if status == _META:
                    place += 1
                    kind = chunk[place : place + 1]
                length, place = _number(chunk, place + 1)
            else:
                if status >= 0x80:
                    running, place = status, place + 1
                status, length = running, _DATA_BYTES[running & 0xF0]
            data, place = kind + chunk[place : place + length], place + length
            if place > len(chunk):
                return
            yield tick, status, data


def _number(chunk: bytes, place: int) -> tuple[int, int]:
    """A variable-length number at a place, and the place after it."""
    value = 0
    while (byte := chunk[place]) >= 0x80:
        value, place = value << 7 | byte & 0x7F, place + 1
    return value << 7 | byte, place + 1


def _decoded(data: bytes) -> str:
    """A MIDI text: UTF-8 as everybody writes it today, else Latin-1, which never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
