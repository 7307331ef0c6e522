"""Intervals, against music21."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import interval
from theory.errors import PitchError
from theory.interval import Interval, between, transpose
from theory.pitch import Pitch


@st.composite
def pitches(draw: st.DrawFn) -> Pitch:
    fifths = draw(st.integers(-8, 12))
    return Pitch(7 * fifths % 12 + 12 * draw(st.integers(2, 7)), fifths)


def test_doctests() -> None:
    assert doctest.testmod(interval).failed == 0


@pytest.mark.parametrize(
    ("name", "semitones"),
    [("P1", 0), ("m2", 1), ("M2", 2), ("m3", 3), ("M3", 4), ("P4", 5), ("A4", 6), ("d5", 6), ("P5", 7), ("m6", 8),
     ("M6", 9), ("d7", 9), ("m7", 10), ("M7", 11), ("P8", 12), ("M10", 16), ("d2", 0), ("AA4", 7), ("-M2", -2),
     ("-P8", -12), ("A1", 1), ("-A1", -1), ("dd5", 5)],
)  # fmt: skip
def test_names_and_sizes(name: str, semitones: int) -> None:
    assert Interval.parse(name).semitones == semitones
    assert str(Interval.parse(name)) == name


@given(pitches(), pitches())
def test_between_agrees_with_music21(first: Pitch, second: Pitch) -> None:
    from music21 import interval as oracle
    from music21.pitch import Pitch as OraclePitch

    ours = between(first, second)
    theirs = oracle.Interval(*(OraclePitch(p.name.replace("b", "-")) for p in (first, second)))
    assert ours.semitones == int(theirs.semitones)
    assert ours.steps == theirs.generic.staffDistance
    if ours.steps:  # music21 calls a descending augmented unison a diminished one
        assert ours.name.lstrip("-") == theirs.name


@given(pitches(), pitches())
def test_an_interval_leads_from_one_pitch_to_the_other(first: Pitch, second: Pitch) -> None:
    found = between(first, second)
    assert transpose(first, found) == second
    assert transpose(second, -found) == first
    assert Interval.parse(str(found)) == found


@given(pitches(), pitches())
def test_simple_and_inversion_fill_an_octave(first: Pitch, second: Pitch) -> None:
    found = between(first, second)
    assert abs(found.simple.steps) < 7
    assert (found.semitones - found.simple.semitones) % 12 == 0
    octave = found.simple + found.inversion
    assert (octave.fifths, abs(octave.semitones), abs(octave.steps)) == (0, 12, 7)


@pytest.mark.parametrize(
    ("name", "simple", "inversion"), [("M10", "M3", "m6"), ("-P5", "-P5", "-P4"), ("A4", "A4", "d5")]
)
def test_simple_and_inversion(name: str, simple: str, inversion: str) -> None:
    found = Interval.parse(name)
    assert (str(found.simple), str(found.inversion)) == (simple, inversion)


@pytest.mark.parametrize("text", ["", "P3", "M5", "m4", "X5", "P0", "5", "P", "third", "M2.5", "AAAAA4"])
def test_bad_intervals_say_so(text: str) -> None:
    with pytest.raises(PitchError, match="is no interval"):
        Interval.parse(text)


def test_contradictions_and_range() -> None:
    with pytest.raises(PitchError):
        Interval(1, 5)
    with pytest.raises(PitchError, match="0 to 127"):
        transpose(Pitch.parse("G9"), Interval.parse("m2"))
