"""Whether a MIDI track chunk is whole and plain, told without a Python loop over its notes.

Of a whole and plain chunk symusic gives everything that a score can hold. Of others it leaves out texts and pressure,
and some damage it reads as if it were music: a tempo of two bytes, a system message, a number of five bytes.

The trick: of times, and of messages with two bytes of data, only three bytes are below 128 (a time's last one and the
data), so these stand in rows of three, and between them stand at most three bytes of the time and a status.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from data._midi_events import BEND, CONTROL, KEY, METER, NOTE_OFF, NOTE_ON, SEQUENCER_SPECIFIC, TEMPO, TEXT
from data._midi_skim import OTHER_TEXTS

_END = b"\xff\x2f\x00"
_MANY = 32  # other events among the notes: then an ordinary walk is as fast
_WINDOW = 1 << 14  # bytes that are looked at in the first turn
_LONG_TIMES = 1000  # of three bytes each: fewer cannot lead past the last tick of a score

_TIME = rb"[\x80-\xff]{0,2}+[\x00-\x7f]"
_META = re.compile(_TIME + rb"\xff([\x00-\x7f])([\x00-\x7f])")
_PROGRAM_CHANGE = re.compile(_TIME + rb"([\xc0-\xcf])[\x00-\x7f]")
_LENGTHS = {TEMPO: 3, METER: 4, KEY: 2}
_NOT_PLAIN = {TEXT, SEQUENCER_SPECIFIC, *OTHER_TEXTS}

_MAY_FOLLOW = np.arange(256) < 128  # after a time: data, or a status with two bytes of data that a score can hold
for _kind in (NOTE_OFF, NOTE_ON, CONTROL, BEND):
    _MAY_FOLLOW[_kind : _kind + 16] = True
_IS_NOTE_ON = np.arange(256) & 0xF0 == NOTE_ON


def plain_notes(chunk: bytes) -> int | None:
    """How many notes begin in the content of a MTrk chunk, or None where it is not certain that it is whole and plain.

    It is if it ends with the only end of track and consists of notes, controls, pitch bends, program changes and metas
    that are no texts (but names, lyrics and markers), all data below 128, and all times of at most three bytes.
    """
    if chunk.find(_END[:2]) != len(chunk) - len(_END) or not chunk.endswith(_END):
        return None
    content = np.frombuffer(chunk, dtype=np.uint8)
    notes = place = running = long_times = 0
    for turn in range(_MANY):
        if (match := _META.match(chunk, place)) is not None:
            kind, length = match[1][0], match[2][0]
            place = match.end() + length
            if place >= len(chunk):
                return notes if place == len(chunk) and kind == _END[1] and long_times < _LONG_TIMES else None
            if kind in _NOT_PLAIN or _LENGTHS.get(kind, length) != length:
                return None
        elif (match := _PROGRAM_CHANGE.match(chunk, place)) is not None:
            place, running = match.end(), 0
        else:
            low = np.flatnonzero(content[place : place + (_WINDOW << turn)] < 128) + place
            found = _messages(content, low, place, running)
            if found is None:
                return None
            notes, long_times, place, running = notes + found[0], long_times + found[1], *found[2:]
    return None


def _messages(
    content: NDArray[np.uint8], low: NDArray[np.intp], place: int, running: int
) -> tuple[int, int, int, int] | None:
    """Messages with two bytes of data from a place on, up to the first other event.

    Returns:
        How many notes begin, how many times have three bytes, the place after the last message, and its status; None if
        the first event is another.
    """
    low = low[: len(low) // 3 * 3]
    if not len(low):
        return None
    steps = np.empty_like(low)
    steps[0] = low[0] - place + 1
    np.subtract(low[1:], low[:-1], out=steps[1:])
    times = steps[::3]
    status = content[low[::3] + 1]  # or a byte below 128, where the status before holds on
    good = (times <= 3) & (steps[1::3] <= 2) & (steps[2::3] == 1) & _MAY_FOLLOW[status]
    first_other = int(good.argmin())
    count = len(good) if good[first_other] else first_other
    if not count:
        return None
    status = status[:count]
    if status.min() < 128:
        status = np.concatenate(([running], status))
        status = status[np.maximum.accumulate(np.where(status >= 128, np.arange(count + 1), 0))][1:]
        if not status[0]:
            return None
    begun = int(np.count_nonzero(content[low[2 : 3 * count : 3]] * _IS_NOTE_ON[status]))
    long_times = int(np.count_nonzero(times[:count] == 3))
    return begun, long_times, int(low[3 * count - 1]) + 1, int(status[-1])
