"""Ranges of instruments and voices; music21 knows the lowest notes of many."""

import pytest

from theory.errors import RequestError
from theory.instrument import VOICES, Range, range_of
from theory.pitch import Pitch

WIND = (*range(56, 61), *range(64, 80))  # trumpet to horn, soprano sax to ocarina: one note at a time


def test_every_program_has_a_range() -> None:
    for program in range(128):
        lowest, highest, polyphony = range_of(program)
        assert 0 <= lowest < highest <= 127
        assert 1 <= polyphony <= 10
        assert highest - lowest >= 12


def test_players_hold_as_many_notes_as_they_can() -> None:
    assert {range_of(program).polyphony for program in WIND} == {1}
    assert {range_of(program).polyphony for program in range(24, 31)} == {6}
    assert range_of(0) == Range(21, 108, 10)
    assert range_of(40).polyphony == 2


@pytest.mark.parametrize("program", [-1, 128])
def test_programs_outside_midi_are_refused(program: int) -> None:
    with pytest.raises(RequestError, match="must be 0 to 127"):
        range_of(program)


def test_voices_lie_over_one_another() -> None:
    names = ["soprano", "alto", "tenor", "bass"]
    ranges = [VOICES[name] for name in names]
    assert ranges == sorted(ranges, reverse=True)
    assert [(str(Pitch(r.lowest, 0 if r.lowest % 12 == 0 else 4 if r.lowest % 12 == 4 else -1)), r.polyphony)
            for r in ranges] == [("C4", 1), ("F3", 1), ("C3", 1), ("E2", 1)]  # fmt: skip
    assert VOICES["alto"].lowest < VOICES["mezzo-soprano"].lowest < VOICES["soprano"].lowest
    assert VOICES["bass"].lowest < VOICES["baritone"].lowest < VOICES["tenor"].lowest


ORACLE = [
    "Piccolo", "Flute", "Oboe", "EnglishHorn", "Bassoon", "SopranoSaxophone", "AltoSaxophone", "TenorSaxophone",
    "Trumpet", "Trombone", "Tuba", "Violin", "Viola", "Violoncello", "AcousticGuitar", "Piano", "Accordion",
]  # fmt: skip


@pytest.mark.parametrize("name", ORACLE)
def test_lowest_notes_are_near_music21s(name: str) -> None:
    """Theirs are written, ours sound. (Their recorder is an alto, their horn starts higher.)"""
    from music21 import instrument

    theirs = getattr(instrument, name)()
    ours = range_of(theirs.midiProgram)
    lowest = theirs.lowestNote.midi + (theirs.transposition.semitones if theirs.transposition else 0)
    assert ours.lowest == lowest
