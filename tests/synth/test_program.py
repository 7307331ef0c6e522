"""General MIDI's names."""

from __future__ import annotations

import pytest

from synth.program import DRUMS, INSTRUMENTS, drum_name, instrument_name, program_of
from theory.errors import RequestError, UnknownNameError


def test_tables_are_whole():
    assert len(set(INSTRUMENTS)) == 128
    assert list(DRUMS) == list(range(27, 88))


@pytest.mark.parametrize(
    ("program", "name"), [(0, "Acoustic Grand Piano"), (40, "Violin"), (73, "Flute"), (105, "Banjo"), (127, "Gunshot")]
)
def test_some_places_of_the_standard(program, name):
    assert instrument_name(program) == name


def test_drums_and_kits():
    names = [drum_name(pitch) for pitch in (35, 38, 42, 46, 49, 51, 56, 81)]
    assert names == [
        "Acoustic Bass Drum", "Acoustic Snare", "Closed Hi-hat", "Open Hi-hat", "Crash Cymbal 1", "Ride Cymbal 1",
        "Cowbell", "Open Triangle",
    ]  # fmt: skip
    assert instrument_name(8, is_drum=True) == "Room Kit"
    assert instrument_name(9, is_drum=True) == "Drum Kit 9"


def test_every_name_leads_back_to_its_program():
    assert [program_of(name.upper()) for name in INSTRUMENTS] == list(range(128))


@pytest.mark.parametrize(
    ("name", "program"), [("piano", 0), ("Strings", 48), ("alto saxophone", 65), ("church", 19), ("double-bass", 43)]
)
def test_short_names(name, program):
    assert program_of(name) == program


@pytest.mark.parametrize(
    ("name", "hint"), [("vyolin", "Violin"), ("trumpe", "Trumpet"), ("", "as in"), ("zzz", "as in")]
)
def test_an_unknown_name_is_helped(name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        program_of(name)


def test_numbers_outside_midi():
    for call in (instrument_name, drum_name):
        with pytest.raises(RequestError, match="0 to 127"):
            call(128)
