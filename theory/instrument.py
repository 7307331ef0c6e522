"""Ranges: what instruments and voices can play and sing.

`range_of` gives each program of the General MIDI 1 Sound Set (numbers count from 0) its sounding range and the notes
that one player holds at once. Ranges of orchestral instruments are practical ones, after Adler, "The Study of
Orchestration": what parts ask of good players, at sounding pitch. A section or family (strings, brass,
choir) has the range of all its members. A bowed string player sounds two notes well at once, a guitarist six, a pianist
ten, a singer or wind player one. Synthesizers have a keyboard of 61 keys and ten fingers, and sound effects without
pitch every number of MIDI.

`VOICES` gives choral ranges: for soprano, alto, tenor and bass what textbooks of harmony allow at the widest, for the
voices between them the like.
"""

from __future__ import annotations

from typing import NamedTuple

from theory.errors import RequestError
from theory.pitch import Pitch


class Range(NamedTuple):
    """What an instrument or a voice can sound.

    Attributes:
        lowest, highest: MIDI pitches.
        polyphony: notes that one player holds at once.
    """

    lowest: int
    highest: int
    polyphony: int


# Each family's eight programs in order: lowest note, highest note, notes at once.
_FAMILIES = {
    "piano": "A0-C8:10 A0-C8:10 A0-C8:10 A0-C8:10 E1-E7:10 C2-C7:10 F1-F6:10 F1-E6:10",
    "chromatic percussion": "C4-C8:10 G5-C8:2 C4-C7:10 F3-F6:4 A2-C7:4 F4-C8:2 C4-F5:2 C3-E6:2",
    "organ": "C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 F1-F6:10 F3-A6:6 C4-C7:3 C2-B6:8",
    "guitar": "E2-B5:6 E2-E6:6 E2-D6:6 E2-D6:6 E2-D6:6 E2-D6:6 E2-D6:6 E3-E6:2",
    "bass": "E1-G4:1 E1-G4:1 E1-G4:1 E1-G4:1 E1-G4:1 E1-G4:1 C1-C5:1 C1-C5:1",
    "solo strings": "G3-A7:2 C3-E6:2 C2-C6:2 E1-C5:1 E1-A7:10 E1-E6:10 B0-G#7:8 C2-C4:2",
    "ensemble": "E1-A7:10 E1-A7:10 C2-C7:10 C2-C7:10 E2-C6:8 E2-C6:8 C2-C6:8 C2-C6:4",
    "brass": "E3-C6:1 E2-Bb4:1 D1-F4:1 E3-C6:1 B1-F5:1 D1-C6:8 C2-C7:10 C2-C7:10",
    "reed": "G#3-E6:1 C#3-A5:1 G#2-E5:1 C2-A4:1 Bb3-A6:1 E3-C6:1 Bb1-Eb5:1 D3-Bb6:1",
    "pipe": "D5-C8:1 C4-D7:1 C4-D7:1 G4-G7:1 C4-C6:1 D4-D6:1 D5-D7:1 A4-F6:1",
    "synth lead": "C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10",
    "synth pad": "C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10",
    "synth effects": "C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10 C2-C7:10",
    "folk": "C3-F6:3 C3-A5:5 C3-A5:3 G2-D6:4 C4-E6:2 G4-A5:1 G3-A7:2 C4-C6:1",
    "percussion": "C5-C8:2 C-1-G9:2 C3-G6:2 C-1-G9:2 C-1-G9:2 C-1-G9:2 C-1-G9:2 C-1-G9:1",
    "sound effects": "C-1-G9:1 C-1-G9:1 C-1-G9:1 C-1-G9:1 C-1-G9:1 C-1-G9:1 C-1-G9:1 C-1-G9:1",
}
_VOICES = {
    "soprano": "C4-A5:1", "mezzo-soprano": "A3-F#5:1", "alto": "F3-D5:1", "countertenor": "E3-E5:1", "tenor": "C3-A4:1",
    "baritone": "G2-F4:1", "bass-baritone": "F2-E4:1", "bass": "E2-D4:1",
}  # fmt: skip


def _read(text: str) -> Range:
    """The range that "E2-B5:6" says."""
    notes, _, polyphony = text.partition(":")
    lowest, _, highest = notes.rpartition("-")
    return Range(Pitch.parse(lowest).midi, Pitch.parse(highest).midi, int(polyphony))


_PROGRAMS = tuple(_read(text) for family in _FAMILIES.values() for text in family.split())
VOICES = {name: _read(text) for name, text in _VOICES.items()}


def range_of(program: int) -> Range:
    """What the instrument of a General MIDI program can sound.

    >>> range_of(40)  # a violin: G3 to A7, double stops
    Range(lowest=55, highest=105, polyphony=2)

    Raises:
        RequestError: outside 0 to 127.
    """
    if not 0 <= program <= 127:
        raise RequestError(f"program {program}: must be 0 to 127")
    return _PROGRAMS[program]
