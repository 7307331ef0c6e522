"""A look into a MIDI track chunk for what its notes do not say.

Names, texts, pressure and what a score cannot hold; and of a track without notes, which `data._midi_chunk` leaves out,
where it ends and what it sets.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from data import _midi_events
from data._midi_events import (
    BEND,
    CONTROL,
    ESCAPE,
    KEY_PRESSURE,
    META,
    NOTE_ON,
    PROGRAM,
    SEQUENCER_SPECIFIC,
    SYSEX,
    TEXT,
    TRACK_NAME,
    Event,
)
from theory.score import PITCH_BEND, PRESSURE

# How an event of our own begins: the maker's number that is nobody's (0x7D), then our name.
OURS = b"\x7dcadenza "
OTHER_TEXTS = {0x02: "copyright", 0x04: "instrument name", 0x07: "cue point"}

Control = tuple[int, int, int]


@dataclass(slots=True)
class Skim:
    """What one track chunk holds beside its notes.

    Attributes:
        note_ons: how many notes begin.
        name: the track's name before the first note, UTF-8 or else Latin-1.
        end: tick of the last event.
        channels: the channels of the messages before the first note.
        program: the last program before the first note.
        controls: rows (tick, kind, value) of controls and pitch bends before the first note.
        pressures: rows (tick, kind, value) of channel pressure, in the whole chunk.
        texts: rows (tick, text), in the whole chunk.
        private: what Cadenza itself wrote into the chunk for its own use.
        left_out: counts of what a score cannot hold, in the whole chunk.
    """

    note_ons: int = 0
    name: str = ""
    end: int = 0
    channels: set[int] = field(default_factory=set)
    program: int = 0
    controls: list[Control] = field(default_factory=list)
    pressures: list[Control] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def skim(events: Iterable[Event]) -> Skim:
    """What is worth knowing of a chunk's events beside its notes."""
    found = Skim()
    for tick, status, data in events:
        found.end = tick
        if status & 0xF0 == NOTE_ON and data[1]:
            found.note_ons += 1
        elif status == META:
            _take_meta(found, tick, data)
        elif status in (SYSEX, ESCAPE):
            found.left_out["system exclusive"] += 1
        else:
            _take_message(found, tick, status, data)
    return found


def _take_meta(found: Skim, tick: int, data: bytes) -> None:
    kind, content = data[0], data[1:]
    if kind == TRACK_NAME and not found.note_ons:
        found.name = decoded(content)
    elif kind == TEXT:
        found.texts.append((tick, decoded(content)))
    elif kind == SEQUENCER_SPECIFIC and content.startswith(OURS):
        found.private.append(decoded(content.removeprefix(OURS)))
    elif kind in OTHER_TEXTS:
        found.left_out[OTHER_TEXTS[kind]] += 1


def _take_message(found: Skim, tick: int, status: int, data: bytes) -> None:
    kind = status & 0xF0
    if kind == _midi_events.PRESSURE:
        found.pressures.append((tick, PRESSURE, data[0]))
    elif kind == KEY_PRESSURE:
        found.left_out["key pressure"] += 1
    if found.note_ons:
        return  # `data._midi_chunk` gives the rest
    found.channels.add(status & 0x0F)
    if kind == PROGRAM:
        found.program = data[0]
    elif kind == CONTROL:
        found.controls.append((tick, data[0], data[1]))
    elif kind == BEND:
        found.controls.append((tick, PITCH_BEND, (data[1] << 7 | data[0]) - 8192))


def decoded(data: bytes) -> str:
    """A MIDI text: UTF-8 as everybody writes it today, else Latin-1, which never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
