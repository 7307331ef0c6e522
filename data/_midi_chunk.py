"""A MIDI track chunk as columns: through symusic where it is whole, else from its events.

Both give the same. What symusic does, and so both do: a chunk comes apart into one part for each pair of channel and
program at the beginning of a note; controls on a program that has no note yet are in the next part of their channel to
begin; of two notes of one pitch the first note-off ends the first one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
import symusic
from numpy.typing import NDArray

from data._midi_events import (
    BEND,
    CONTROL,
    ESCAPE,
    KEY,
    LYRIC,
    MARKER,
    META,
    METER,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    TEMPO,
    TRACK_NAME,
    Event,
    events,
)
from data._midi_plain import plain_notes
from data._midi_skim import Skim, decoded, skim
from theory.score import PITCH_BEND

DRUM_CHANNEL = 9
_BAD_TEXT = "\ufffd"  # what symusic puts where a text is not UTF-8
_NO_CONTROLS = np.empty((0, 3), dtype=np.int32)
_DENOMINATORS = 8  # powers of two that fit into a byte


class Part(NamedTuple):
    """What one channel plays on one program.

    Attributes:
        program, is_drum: of the part.
        onset, duration, pitch, velocity: integers (n,), n at least 1, in any order of notes.
        controls: integers (m, 3), rows (tick, kind, value), in no order of ticks.
    """

    program: int
    is_drum: bool
    onset: NDArray[Any]
    duration: NDArray[Any]
    pitch: NDArray[Any]
    velocity: NDArray[Any]
    controls: NDArray[Any]


class Chunk(NamedTuple):
    """What one track chunk holds; every event begins with its tick.

    Attributes:
        parts: in order of channel and program.
        name: of a track with notes, "" of others.
        tempos: (tick, microseconds a quarter).
        meters: (tick, numerator, denominator).
        keys: (tick, sharps, 0 for major or 1 for minor).
        markers: (tick, text).
        lyrics: how many.
        skim: the rest; of a plain chunk of notes among others nothing.
        repairs: what was repaired, by kind.
    """

    parts: list[Part]
    name: str
    tempos: list[tuple[int, int]]
    meters: list[tuple[int, int, int]]
    keys: list[tuple[int, int, int]]
    markers: list[tuple[int, str]]
    lyrics: int
    skim: Skim
    repairs: Counter[str]


def read_chunk(body: bytes, ticks_per_quarter: int, *, is_alone: bool) -> Chunk:
    """Read the content of one MTrk chunk; `is_alone` if the file has no other, so that its name is the piece's."""
    notes = plain_notes(body)
    if notes is not None:
        parsed = _parsed(body, ticks_per_quarter, notes)
        if parsed is not None:
            is_known = notes and not is_alone
            found = () if is_known else takewhile(_is_no_note, events(body, Counter()))
            return _from_symusic(*parsed, skim(found))
    repairs: Counter[str] = Counter()
    walked = list(events(body, repairs))
    skimmed = skim(walked)
    # symusic takes an escape for a message of a fixed length.
    if not repairs and not any(status == ESCAPE for _, status, _ in walked):
        parsed = _parsed(body, ticks_per_quarter, skimmed.note_ons)
        if parsed is not None:
            return _from_symusic(*parsed, skimmed)
    return from_events(walked, skimmed, repairs)


def _is_no_note(event: Event) -> bool:
    _, status, data = event
    return status & 0xF0 != NOTE_ON or not data[1]


# Through symusic


def _parsed(body: bytes, ticks_per_quarter: int, notes: int) -> tuple[Any, list[Any]] | None:
    """What symusic reads in one chunk, as a file of its own: of a whole file it does not say what came from where.

    The score and its tracks; None where it refuses, or loses a note (that is never ended) or letters of a text (that
    is not UTF-8).
    """
    header = b"MThd\0\0\0\x06\0\0\0\x01" + ticks_per_quarter.to_bytes(2, "big")
    try:
        parsed: Any = symusic.Score.from_midi(header + b"MTrk" + len(body).to_bytes(4, "big") + body)
    except Exception:  # whatever its C++ code throws
        return None
    tracks = list(parsed.tracks)  # once: each look at them makes new objects
    if sum(len(track.notes) for track in tracks) != notes or any(_BAD_TEXT in track.name for track in tracks):
        return None
    return None if any(_BAD_TEXT in event.text for event in parsed.markers) else (parsed, tracks)


def _from_symusic(parsed: Any, tracks: list[Any], skimmed: Skim) -> Chunk:
    sounding = [track for track in tracks if track.notes]
    return Chunk(
        parts=[_part(track) for track in sounding],
        name=sounding[0].name if sounding else "",
        tempos=[(event.time, event.mspq) for event in parsed.tempos],
        meters=[(event.time, event.numerator, event.denominator) for event in parsed.time_signatures],
        keys=[(event.time, event.key, event.tonality) for event in parsed.key_signatures],
        markers=[(event.time, event.text) for event in parsed.markers],
        lyrics=sum(len(track.lyrics) for track in tracks),
        skim=skimmed,
        repairs=Counter(),
    )


def _part(track: Any) -> Part:
    notes = track.notes.numpy()
    return Part(
        track.program,
        track.is_drum,
        notes["time"],
        notes["duration"],
        notes["pitch"],
        notes["velocity"],
        _controls(track),
    )


def _controls(track: Any) -> NDArray[Any]:
    if not (track.controls or track.pitch_bends):
        return _NO_CONTROLS
    controls, bends = track.controls.numpy(), track.pitch_bends.numpy()
    rows = [
        np.column_stack([controls["time"], controls["number"], controls["value"]]),
        np.column_stack([bends["time"], np.full(len(bends["time"]), PITCH_BEND), bends["value"]]),
    ]
    return np.concatenate(rows)


# From its events

_Key = tuple[int, int]  # channel and program


@dataclass(slots=True)
class _Rows:
    """A part that grows: rows (onset, duration, pitch, velocity), and rows (tick, kind, value)."""

    notes: list[tuple[int, int, int, int]] = field(default_factory=list)
    controls: list[tuple[int, int, int]] = field(default_factory=list)
    bends: list[tuple[int, int, int]] = field(default_factory=list)


class _Sounding(NamedTuple):
    """A note that has begun, and where it goes when it ends."""

    onset: int
    velocity: int
    notes: list[tuple[int, int, int, int]]


def from_events(found: Iterable[Event], skimmed: Skim, repairs: Counter[str]) -> Chunk:
    """The columns of a chunk from its events; a note that is never ended is counted in `repairs`.

    It sounds to the end of the track, as players let it, or until the next note of its pitch and channel begins.
    """
    return _Builder().build(found, skimmed, repairs)


class _Builder:
    """Takes events one by one."""

    def __init__(self) -> None:
        self.parts: dict[_Key, _Rows] = {}
        self.before = [_Rows() for _ in range(16)]  # controls of each channel while its program has no note
        self.programs = [0] * 16
        self.sounding: dict[_Key, deque[_Sounding]] = {}
        self.metas: dict[int, list[tuple[int, bytes]]] = {}
        self.take = {NOTE_ON: self.note, NOTE_OFF: self.note_off, CONTROL: self.control, BEND: self.bend}

    def build(self, found: Iterable[Event], skimmed: Skim, repairs: Counter[str]) -> Chunk:
        """Take all events."""
        tick = 0
        for tick, status, data in found:
            if status == META:
                self.metas.setdefault(data[0], []).append((tick, data[1:]))
            elif status & 0xF0 == PROGRAM:
                self.programs[status & 0x0F] = data[0]
            elif (take := self.take.get(status & 0xF0)) is not None:
                take(tick, status & 0x0F, data)
        repairs["note without an end"] += self.end_all(tick)
        return self.chunk(skimmed, +repairs)

    def note(self, tick: int, channel: int, data: bytes) -> None:
        """Begin a note, or end one where the velocity is 0."""
        if data[1]:
            waiting = self.sounding.setdefault((channel, data[0]), deque())
            waiting.append(_Sounding(tick, data[1], self.part(channel).notes))
        else:
            self.note_off(tick, channel, data)

    def note_off(self, tick: int, channel: int, data: bytes) -> None:
        """End the first note of that pitch, if there is one."""
        if waiting := self.sounding.get((channel, data[0])):
            begun = waiting.popleft()
            begun.notes.append((begun.onset, tick - begun.onset, data[0], begun.velocity))

    def control(self, tick: int, channel: int, data: bytes) -> None:
        self.rows(channel).controls.append((tick, data[0], data[1]))

    def bend(self, tick: int, channel: int, data: bytes) -> None:
        self.rows(channel).bends.append((tick, PITCH_BEND, (data[1] << 7 | data[0]) - 8192))

    def rows(self, channel: int) -> _Rows:
        """Where a control goes: to the part of the channel's program, or to what comes before its first note."""
        return self.parts.get((channel, self.programs[channel]), self.before[channel])

    def part(self, channel: int) -> _Rows:
        """The part of the channel's program, which begins now if it has not yet."""
        key = channel, self.programs[channel]
        if key not in self.parts:
            self.parts[key], self.before[channel] = self.before[channel], _Rows()
        return self.parts[key]

    def end_all(self, end: int) -> int:
        """End the notes that still sound, each where the next of its pitch begins; how many there were."""
        count = 0
        for (_, pitch), waiting in self.sounding.items():
            stops = [*(note.onset for note in waiting), end][1:]
            for begun, stop in zip(waiting, stops, strict=True):
                begun.notes.append((begun.onset, stop - begun.onset, pitch, begun.velocity))
                count += 1
        return count

    def chunk(self, skimmed: Skim, repairs: Counter[str]) -> Chunk:
        names = self.metas.get(TRACK_NAME, [])
        parts = [_built(*key, rows) for key, rows in sorted(self.parts.items()) if rows.notes]
        return Chunk(
            parts=parts,
            name=decoded(names[-1][1]) if names else "",
            tempos=[(tick, int.from_bytes(data)) for tick, data in self.metas.get(TEMPO, [])],
            meters=[
                (tick, data[0], 2 ** data[1] if data[1] < _DENOMINATORS else 0)
                for tick, data in self.metas.get(METER, [])
            ],
            keys=[(tick, (data[0] ^ 0x80) - 0x80, data[1]) for tick, data in self.metas.get(KEY, [])],
            markers=[(tick, decoded(data)) for tick, data in self.metas.get(MARKER, []) if data],
            lyrics=sum(bool(data) for _, data in self.metas.get(LYRIC, [])),
            skim=skimmed,
            repairs=repairs,
        )


def _built(channel: int, program: int, rows: _Rows) -> Part:
    onset, duration, pitch, velocity = np.array(rows.notes, dtype=np.int64).T
    controls = np.array(rows.controls + rows.bends, dtype=np.int64).reshape(-1, 3)
    return Part(program, channel == DRUM_CHANNEL, onset, duration, pitch, velocity, controls)


__all__ = ["DRUM_CHANNEL", "Chunk", "Part", "from_events", "read_chunk"]
