"""A look into a MIDI track chunk for what symusic leaves out.

symusic gives notes, controls, pitch bends, tempos, meters, keys, markers and lyrics, fast. It gives neither the name
and end of a track without notes (the conductor track), nor such a track itself, nor pressure, nor texts. `skim` finds
those. It walks a chunk event by event, but of one that `is_plain` says holds none of them only up to its first note, so
that a file of many notes stays cheap.

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

# What is looked for among notes begins with one of these bytes, which may as well belong to a time or to a text ...
_LOOKED_FOR = bytes([*range(_KEY_PRESSURE, _CONTROL), *range(_PRESSURE, _BEND), _SYSEX, _ESCAPE])
_LOOKED_FOR_METAS = tuple(bytes([_META, kind]) for kind in (_TEXT, *_OTHER_TEXTS))
# ... as it does where a chunk consists of other metas and of this: times and messages with two bytes of data, which may
# do without the status of the message before, or with one, after which this says nothing about such a short message.
_TIME = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_MESSAGES = re.compile(
    rb"(?:" + _TIME + rb"(?:[\x80-\x9f\xb0-\xbf\xe0-\xef]?+[\x00-\x7f]{2}|"
    rb"[\xc0-\xcf][\x00-\x7f](?=" + _TIME + rb"[\x80-\xff])))*+"
)  # fmt: skip
_SHORT_META = re.compile(_TIME + rb"\xff([\x00-\x7f])([\x00-\x7f])")
_FULL_MESSAGE = re.compile(_TIME + rb"[\x80-\xff]")

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


def is_plain(chunk: bytes) -> bool:
    """Whether it is certain that a chunk holds no pressure, no text and no system exclusive message."""
    if any(meta in chunk for meta in _LOOKED_FOR_METAS):
        return False
    return len(chunk.translate(None, _LOOKED_FOR)) == len(chunk) or _is_ordinary(chunk)


def _is_ordinary(chunk: bytes) -> bool:
    place = 0
    while (match := _MESSAGES.match(chunk, place)) and match.end() < len(chunk):
        meta = _SHORT_META.match(chunk, match.end())
        if meta is None or meta[1][0] in _OTHER_TEXTS:
            return False
        place = meta.end() + meta[2][0]
        if place < len(chunk) and not _FULL_MESSAGE.match(chunk, place):
            return False
    return True


def skim(chunk: bytes) -> Skim:
    """Look through the content of one MTrk chunk; what is malformed ends the look, without an error."""
    found, to_the_end = Skim(), not is_plain(chunk)
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
