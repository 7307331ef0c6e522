"""MIDI track chunks as columns: plain ones all at once (`data._midi_plain`), others from their events.

Both give the same. As symusic does, and so both do: a chunk comes apart into one part for each pair of channel and
program at the beginning of a note; controls on a program that has no note yet are in the next part of their channel to
begin; of two notes of one pitch the first note-off ends the first one.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data._midi_events import (
    BEND,
    CONTROL,
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
from data._midi_plain import Messages, Run, read_runs, run_of
from data._midi_skim import Skim, decoded, skim
from theory.score import PITCH_BEND, rows_in_order

DRUM_CHANNEL = 9
_DENOMINATORS = 8  # powers of two that fit into a byte


class Part(NamedTuple):
    """What one channel plays on one program.

    Attributes:
        program, is_drum: of the part.
        notes: onset and duration int32 (n,), pitch and velocity uint8 (n,), n at least 1; in order of onset, pitch,
            duration and velocity, as a track has them.
        controls: int32 (m, 3), rows (tick, kind, value), in no order of ticks.
    """

    program: int
    is_drum: bool
    notes: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]
    controls: NDArray[np.int32]


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
        skim: the rest.
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


def read_chunks(bodies: Sequence[bytes]) -> list[Chunk]:
    """Read the contents of MTrk chunks."""
    runs = [run_of(body) for body in bodies]
    plain = [run for run in runs if run is not None]
    together = from_runs(plain) if plain else []
    if together is None:  # one of them is not plain: each for itself
        return [_alone(body, run) for body, run in zip(bodies, runs, strict=True)]
    read = iter(together)
    return [_walked(body) if run is None else next(read) for body, run in zip(bodies, runs, strict=True)]


def _alone(body: bytes, run: Run | None) -> Chunk:
    read = None if run is None else from_runs([run])
    return _walked(body) if read is None else read[0]


def _walked(body: bytes) -> Chunk:
    repairs: Counter[str] = Counter()
    walked = list(events(body, repairs))
    return from_events(walked, skim(walked), repairs)


# From its bytes


def from_runs(runs: Sequence[Run]) -> list[Chunk] | None:
    """The chunks of plain runs; None where one is not plain."""
    read = read_runs(runs)
    if read is None:
        return None
    notes, controls = read
    further = _control_rows(controls)
    parts: list[list[Part]] = [[] for _ in runs]
    builders = [_Builder(run.before) for run in runs]
    firsts = [0, *((notes.part[1:] != notes.part[:-1]).nonzero()[0] + 1).tolist(), len(notes.part)]
    for first, stop in pairwise(firsts):
        part = int(notes.part[first])
        number, channel = part >> 4, part & 15
        before = builders[number].before[channel]
        columns = (
            notes.onset[first:stop],
            notes.duration[first:stop],
            notes.pitch[first:stop],
            notes.velocity[first:stop],
        )
        rows = _rows(before.controls + before.bends)
        if len(further):
            mine = further[controls.part == part]
            rows = np.concatenate([rows, mine]) if len(rows) else mine
        parts[number].append(Part(builders[number].programs[channel], channel == DRUM_CHANNEL, columns, rows))
    return [
        builder.chunk(mine, skim(run.before), Counter())
        for builder, mine, run in zip(builders, parts, runs, strict=True)
    ]


def _control_rows(controls: Messages) -> NDArray[np.int32]:
    rows = np.empty((len(controls.tick), 3), dtype=np.int32)
    first, second = controls.first.astype(np.int32), controls.second
    bend = controls.status >= BEND
    rows[:, 0] = controls.tick
    rows[:, 1] = np.where(bend, PITCH_BEND, first)
    rows[:, 2] = np.where(bend, first + 128 * second.astype(np.int32) - 8192, second)
    return rows


def _rows(controls: list[tuple[int, int, int]]) -> NDArray[np.int32]:
    return np.array(controls, dtype=np.int32).reshape(-1, 3)


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
    builder = _Builder(found)
    repairs["note without an end"] += builder.end_all()
    parts = [_built(*key, rows) for key, rows in sorted(builder.parts.items()) if rows.notes]
    return builder.chunk(parts, skimmed, +repairs)


class _Builder:
    """Takes events one by one."""

    def __init__(self, found: Iterable[Event]) -> None:
        self.parts: dict[_Key, _Rows] = {}
        self.before: defaultdict[int, _Rows] = defaultdict(
            _Rows
        )  # controls of each channel while its program has no note
        self.programs = [0] * 16
        self.sounding: dict[_Key, deque[_Sounding]] = {}
        self.metas: dict[int, list[tuple[int, bytes]]] = {}
        self.end = 0
        takers = {NOTE_ON: self.note, NOTE_OFF: self.note_off, CONTROL: self.control, BEND: self.bend}
        for self.end, status, data in found:
            if status == META:
                self.metas.setdefault(data[0], []).append((self.end, data[1:]))
            elif status & 0xF0 == PROGRAM:
                self.programs[status & 0x0F] = data[0]
            elif (take := takers.get(status & 0xF0)) is not None:
                take(self.end, status & 0x0F, data)

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
        part = self.parts.get((channel, self.programs[channel]))
        return self.before[channel] if part is None else part

    def part(self, channel: int) -> _Rows:
        """The part of the channel's program, which begins now if it has not yet."""
        key = channel, self.programs[channel]
        if key not in self.parts:
            self.parts[key] = self.before.pop(channel, _Rows())
        return self.parts[key]

    def end_all(self) -> int:
        """End the notes that still sound, each where the next of its pitch begins; how many there were."""
        count = 0
        for (_, pitch), waiting in self.sounding.items():
            stops = [*(note.onset for note in waiting), self.end][1:]
            for begun, stop in zip(waiting, stops, strict=True):
                begun.notes.append((begun.onset, stop - begun.onset, pitch, begun.velocity))
                count += 1
        return count

    def chunk(self, parts: list[Part], skimmed: Skim, repairs: Counter[str]) -> Chunk:
        names = self.metas.get(TRACK_NAME, [])
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
    onset, duration, pitch, velocity = np.array(rows.notes, dtype=np.int32).T
    duration = np.maximum(duration, 1)
    order = rows_in_order(onset, pitch, duration, velocity)
    notes = onset[order], duration[order], pitch[order].astype(np.uint8), velocity[order].astype(np.uint8)
    return Part(program, channel == DRUM_CHANNEL, notes, _rows(rows.controls + rows.bends))


__all__ = ["DRUM_CHANNEL", "Chunk", "Part", "from_events", "from_runs", "read_chunks"]
