"""Chords tell the key that a musician would hear in them, wherever they stand."""

from __future__ import annotations

import pytest

from theory.analysis import key_of_chords
from theory.key import Key
from theory.meter import Meter
from theory.progression import parse_progression

PROGRESSIONS = {
    "C": "C", "Am": "A minor", "D | G | A7 | D": "D", "C G | Am F": "C", "G | Em | C | D": "G", "F#m | D | A | E": "A",
    "Dm | Gm | A7 | Dm": "D minor", "Am | Dm | E7 | Am": "A minor", "Dm7 | G7 | Cmaj7": "C", "Bb . Eb . | F7": "Bb",
    "E7 | A7 | D7 | G7": "G", "G/B | N.C. | D7 | G": "G",
    "F# | B | C#7 | F#": "F#", "Gb | Cb | Db7 | Gb": "Gb", "A#m | D#m | F7 | A#m": "A# minor",
    "Ebm | Abm | Bb7 | Ebm": "Eb minor", "C# | F# | G#7 | C#": "C#", "Cb | Fb | Gb7 | Cb": "Cb",
}  # fmt: skip


def key_in(chords, meter="4/4"):
    return key_of_chords(parse_progression(chords, "C", Meter.parse(meter)), Meter.parse(meter))


@pytest.mark.parametrize("chords", PROGRESSIONS)
def test_key_that_a_musician_hears(chords):
    assert key_in(chords) == Key.parse(PROGRESSIONS[chords])


def test_meters_of_any_kind():
    for meter in ("6/8", "3/8", "5/4", "9/8", "2/2"):
        assert key_in("D | G | A7 | D", meter) == Key.parse("D")


def test_nothing_sounds():
    assert key_of_chords((), Meter(4, 4)) is None
    assert key_in("N.C. | NC") is None
