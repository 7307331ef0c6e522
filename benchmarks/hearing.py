"""What mido alone finds in a MIDI file of parts that sing one note at a time; nothing of Cadenza is imported."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import mido


class Note(NamedTuple):
    """A note; times in quarters from the start of the piece."""

    start: Fraction
    end: Fraction
    pitch: int


class Heard(NamedTuple):
    """A MIDI file: its meters and keys by name, its length in quarters, the notes of each part."""

    meters: frozenset[str]
    keys: frozenset[str]
    quarters: Fraction
    parts: tuple[tuple[Note, ...], ...]


def hear(path: Path) -> Heard:
    """Read a MIDI file whose first chunk is a conductor's and whose others are parts of one voice."""
    file = mido.MidiFile(path)
    meters, keys, last, parts = set(), set(), 0, []
    for index, track in enumerate(file.tracks):
        now, open_notes, notes = 0, dict[int, int](), []
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meters.add(f"{message.numerator}/{message.denominator}")
            elif message.type == "key_signature":
                keys.add(message.key)
            elif message.type == "note_on" and message.velocity:
                open_notes[message.note] = now
            elif message.type in ("note_on", "note_off"):
                start = open_notes.pop(message.note)
                notes.append(_note(start, now, message.note, file.ticks_per_beat))
        last = max(last, now)
        if index:
            parts.append(tuple(sorted(notes)))
    return Heard(frozenset(meters), frozenset(keys), Fraction(last, file.ticks_per_beat), tuple(parts))


def _note(start: int, end: int, pitch: int, ticks: int) -> Note:
    return Note(Fraction(start, ticks), Fraction(end, ticks), pitch)
