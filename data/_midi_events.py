"""The events of a MIDI track chunk, one by one, as far as a player would follow them.

Damage is passed over where what follows can still be told, and counted by kind:

- bytes after the end of track: they are not read;
- cut event: the chunk ends inside an event (cut short, or a length too large to be true), which is left out;
- data byte: one above 127. A velocity, a control's value or a pressure becomes 127; the message is left out where the
  byte says which note, control or program is meant, and where it bends the pitch;
- end of track: it is missing;
- late event: one after the last tick that a score can hold; the chunk ends before it;
- meta event: a tempo, meter or key too short to be one is left out; a length that is larger than the rest of the chunk
  is taken for the usual one of its type;
- number: a variable-length number of more than four bytes; the last four count;
- running status: data without a status. Before the first status they are taken for two bytes of a message that is left
  out; after a system message, for the status before it;
- system exclusive: a length larger than the rest of the chunk; the message is taken to end at its end mark;
- system message: one that belongs on a cable, not into a file; it is left out.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from theory.score import MAX_TICK

META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL, PROGRAM, PRESSURE, BEND = 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0
DATA_BYTES = {NOTE_OFF: 2, NOTE_ON: 2, KEY_PRESSURE: 2, CONTROL: 2, PROGRAM: 1, PRESSURE: 1, BEND: 2}

TEXT, TRACK_NAME, LYRIC, MARKER, END_OF_TRACK, SEQUENCER_SPECIFIC = 0x01, 0x03, 0x05, 0x06, 0x2F, 0x7F
TEMPO, METER, KEY = 0x51, 0x58, 0x59
_META_LENGTHS = {0x00: 2, 0x20: 1, 0x21: 1, TEMPO: 3, 0x54: 5, METER: 4, KEY: 2}
_SENSIBLE = {TEMPO: (3, 3), METER: (2, 127), KEY: (2, 127)}  # a meter's first two bytes say what concerns the notes

_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_END_OF_EXCLUSIVE = b"\xf7"
_LONGEST_NUMBER, _HIGH_BITS = 4, (1 << 21) - 1
_SELECTING = (NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL)  # first a note or control, then a value

Event = tuple[int, int, bytes]
"""Tick, status, data; a meta event's data start with its type."""


def events(chunk: bytes, repairs: Counter[str]) -> Iterator[Event]:
    """The events of the content of a MTrk chunk, the end of track included; adds to `repairs` what was repaired."""
    return (event for event, _ in placed_events(chunk, repairs))


def placed_events(chunk: bytes, repairs: Counter[str]) -> Iterator[tuple[Event, int]]:
    """The same, each with the place after it."""
    place = tick = running = 0
    is_cancelled = False
    try:
        while place < len(chunk):
            delta, place = _number(chunk, place, repairs)
            tick += delta
            if tick >= MAX_TICK:
                repairs["late event"] += 1
                return
            status = chunk[place]
            if status >= SYSEX:
                is_cancelled = is_cancelled or status != META
                data, place = _system(chunk, place, repairs)
            else:
                if status >= 0x80:
                    running, is_cancelled, place = status, False, place + 1
                elif is_cancelled or not running:
                    repairs["running status"] += 1
                    is_cancelled = False
                status = running
                data, place = _channel(chunk, place, running, repairs)
            if data is not None:
                yield (tick, status, data), place
                if status == META and data[0] == END_OF_TRACK:
                    if any(chunk[place:]):
                        repairs["bytes after the end of track"] += 1
                    return
        repairs["end of track"] += 1
    except IndexError:
        repairs["cut event"] += 1


def _number(chunk: bytes, place: int, repairs: Counter[str]) -> tuple[int, int]:
    """A variable-length number at a place, and the place after it."""
    value, start = 0, place
    while (byte := chunk[place]) >= 0x80:
        value, place = (value << 7 | byte & 0x7F) & _HIGH_BITS, place + 1
    if place - start >= _LONGEST_NUMBER:
        repairs["number"] += 1
    return value << 7 | byte, place + 1


def _channel(chunk: bytes, place: int, running: int, repairs: Counter[str]) -> tuple[bytes | None, int]:
    """The data of a channel message, None where it is left out, and the place after it."""
    if not running:
        return None, place + (1 if chunk[place + 1] & 0x80 else 2)
    kind = running & 0xF0
    end = place + DATA_BYTES[kind]
    data = _cut(chunk, place, end)
    if max(data) <= 127:
        return data, end
    repairs["data byte"] += 1
    if kind == PRESSURE:
        return b"\x7f", end
    return (bytes([data[0], 127]) if kind in _SELECTING and data[0] <= 127 else None), end


def _cut(chunk: bytes, place: int, end: int) -> bytes:
    if end > len(chunk):
        raise IndexError
    return chunk[place:end]


def _system(chunk: bytes, place: int, repairs: Counter[str]) -> tuple[bytes | None, int]:
    """The data of a meta event or system exclusive message, None where it is left out, and the place after it."""
    status = chunk[place]
    if status == META:
        return _meta(chunk, place + 1, repairs)
    if status in (SYSEX, ESCAPE):
        return _exclusive(chunk, place + 1, repairs)
    repairs["system message"] += 1
    return None, place + 1 + _SYSTEM_DATA_BYTES.get(status, 0)


def _meta(chunk: bytes, place: int, repairs: Counter[str]) -> tuple[bytes | None, int]:
    kind = chunk[place]
    length, start = _number(chunk, place + 1, repairs)
    if kind == END_OF_TRACK:
        return bytes([kind]), start
    if start + length > len(chunk) and kind in _META_LENGTHS:
        repairs["meta event"] += 1
        length = _META_LENGTHS[kind]
    data = _cut(chunk, start, start + length)
    shortest, longest = _SENSIBLE.get(kind, (0, length))
    if not shortest <= length <= longest:
        repairs["meta event"] += 1
        return None, start + length
    return bytes([kind]) + data, start + length


def _exclusive(chunk: bytes, place: int, repairs: Counter[str]) -> tuple[bytes, int]:
    length, start = _number(chunk, place, repairs)
    if start + length <= len(chunk):
        return chunk[start : start + length], start + length
    end = chunk.find(_END_OF_EXCLUSIVE, start)
    if end < 0:
        raise IndexError
    repairs["system exclusive"] += 1
    return chunk[start : end + 1], end + 1
