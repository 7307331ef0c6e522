"""The notes of plain MIDI track chunks, all of a file at once, without a Python loop over them.

Nearly all chunks are: some events, then from the first note to the end of track nothing but notes, controls and pitch
bends. The first are walked through, the others read as columns.

The trick: of times, and of messages with two bytes of data, only three bytes are below 128 (a time's last one and the
data), so these stand in rows of three, and between them stand at most two bytes of the time and a status.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data._midi_events import BEND, CONTROL, NOTE_OFF, NOTE_ON, Event, placed_events
from theory.score import MAX_TICK, rows_in_order

_END = b"\xff\x2f\x00"
_LONGEST = 3  # bytes of a time
_LONGEST_END = 4  # of the time before the end of track
_LAST = MAX_TICK - (1 << 7 * _LONGEST_END)  # tick of a last message: then the end of track is none too late
_VOICE_BITS = 11  # of a channel and a pitch
_DATA = 2  # bytes of data in a message

_MAY_FOLLOW = np.arange(256) < 128  # after a time: data, or a status with two bytes of data that a score can hold
for _kind in (NOTE_OFF, NOTE_ON, CONTROL, BEND):
    _MAY_FOLLOW[_kind : _kind + 16] = True
_IS_ON = np.arange(256) & 0xF0 == NOTE_ON
_HIGH = np.where(np.arange(256) < 128, 0, (np.arange(256) & 127) << 7)  # what a byte of a time says before its last

Column = NDArray[np.int64]
Parts = NDArray[np.uint16] | Column
Bytes = NDArray[np.uint8]


class Run(NamedTuple):
    """A chunk taken apart.

    Attributes:
        before: the events before the first note.
        tick: of the last of these.
        content: the bytes from the first note's time up to that of the end of track.
    """

    before: list[Event]
    tick: int
    content: bytes


class Notes(NamedTuple):
    """Notes of several runs, (n,) each, by run, channel, onset and pitch, those together also by duration and velocity.

    Attributes:
        part: uint16 (int64 in a file of many runs), run << 4 | channel.
        onset, duration: int32, ticks; a duration is at least 1.
        pitch, velocity: uint8.
    """

    part: Parts
    onset: NDArray[np.int32]
    duration: NDArray[np.int32]
    pitch: Bytes
    velocity: Bytes


class Messages(NamedTuple):
    """Messages of several runs in their order, (m,) each; `part` as in `Notes`, then tick, status and data."""

    part: Parts
    tick: Column
    status: Bytes
    first: Bytes
    second: Bytes

    def taken(self, rows: Column) -> Messages:
        """Some of them."""
        return Messages._make(column.take(rows) for column in self)


def run_of(chunk: bytes) -> Run | None:
    """Take the content of a MTrk chunk apart; None where it has no note, is damaged, or does not end as it should."""
    end = len(chunk) - len(_END)
    if not chunk.endswith(_END) or end < 1 or chunk[end - 1] >= 128:
        return None
    repairs: Counter[str] = Counter()
    before: list[Event] = []
    place = tick = 0
    for event, after in placed_events(chunk, repairs):
        if event[1] & 0xF0 == NOTE_ON and event[2][1]:
            break
        before.append(event)
        tick, place = event[0], after
    else:
        return None
    stop = end - 1
    while chunk[stop - 1] >= 128:
        stop -= 1
    if repairs or stop <= place or end - stop > _LONGEST_END:
        return None
    return Run(before, tick, chunk[place:stop])


def read_runs(runs: Sequence[Run]) -> tuple[Notes, Messages] | None:
    """The notes of runs, and their controls and bends; None where one holds something else than notes, controls and
    bends, or a note without its end.

    Of two notes of one pitch and channel the first note-off ends the first one.
    """
    found = _messages(runs)
    notes = None if found is None else _paired(found)
    return None if found is None or notes is None else (notes, found.taken((found.status >= CONTROL).nonzero()[0]))


def _messages(runs: Sequence[Run]) -> Messages | None:
    content = np.frombuffer(b"".join([run.content for run in runs]), dtype=np.uint8)
    low = (content < 128).nonzero()[0]
    stops = list(accumulate([len(run.content) for run in runs]))
    counts = low.searchsorted(stops).tolist()
    if any(count % 3 for count in counts) or max(content[stop - 1] for stop in stops) >= 128:
        return None
    time, last = low[::3], low[2::3]
    status = content.take(time + 1, mode="clip")  # or data, where the status before holds on
    said = status >= 128
    if not _MAY_FOLLOW.take(status).all() or (last - time != said + _DATA).any():
        return None
    begins = np.array([0, *(count // 3 for count in counts[:-1])])
    if not said.take(begins).all():
        return None
    if not said.all():
        heads = said.nonzero()[0]
        status = status.take(heads).repeat(_gaps(heads, len(said)))
    delta = _times(content, time, last)
    if delta is None:
        return None
    sizes = _gaps(begins, len(delta))
    tick = delta.cumsum()
    tick += (np.array([run.tick for run in runs]) - tick.take(begins) + delta.take(begins)).repeat(sizes)
    if tick.max() >= _LAST:
        return None
    small = len(runs) <= 1 << 16 - _VOICE_BITS
    kind: type[Any] = np.uint16 if small else np.int64
    part: Parts = np.arange(0, len(runs) << 4, 1 << 4, dtype=kind).repeat(sizes)
    part |= status & 15
    return Messages(part, tick, status, content.take(last - 1), content.take(last))


def _gaps(begins: Column, end: int) -> Column:
    """How long stretches are, of which each ends where the next one begins."""
    result = np.empty_like(begins)
    np.subtract(begins[1:], begins[:-1], out=result[:-1])
    result[-1] = end - begins[-1]
    return result


def _times(content: Bytes, at: Column, last: Column) -> Column | None:
    """Times that end at places; `last` is the last byte of each message. None where one is too long."""
    lengths = at.copy()
    lengths[0] += 1
    lengths[1:] -= last[:-1]
    longest = lengths.max()
    if longest > _LONGEST:
        return None
    time = content.take(at).astype(np.int64)
    if longest > 1:  # before a time of one byte stands one below 128, which counts for nothing
        time += _HIGH.take(content.take(at - 1, mode="clip"))
    if longest > 2:
        rows = (lengths > 2).nonzero()[0]
        time[rows] += _HIGH.take(content.take(at.take(rows) - 2)) << 7
    return time


def _paired(messages: Messages) -> Notes | None:
    """The notes among messages; None where one has no end."""
    heard = (messages.status < CONTROL).nonzero()[0]
    voice = messages.part.take(heard)
    voice <<= 7
    voice |= messages.first.take(heard)
    order = voice.argsort(kind="stable")  # 16 bits are sorted in linear time
    voice, heard = voice.take(order), heard.take(order)
    is_on = _IS_ON.take(messages.status.take(heard)) & (messages.second.take(heard) > 0)
    on, off = is_on.nonzero()[0], (~is_on).nonzero()[0]
    if len(on) != len(off) or (on > off).any() or (voice.take(on) != voice.take(off)).any():
        return None
    part, onset, _, pitch, velocity = messages.taken(heard.take(on))
    duration = np.maximum(messages.tick.take(heard.take(off)) - onset, 1).astype(np.int32)
    order = rows_in_order(part, onset, pitch, duration, velocity)
    onset = onset.astype(np.int32)
    return Notes._make(column.take(order) for column in (part, onset, duration, pitch, velocity))
