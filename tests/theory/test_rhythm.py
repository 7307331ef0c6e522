"""The grid, note values and tied durations."""

import doctest
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import rhythm
from theory.errors import RequestError
from theory.meter import Meter
from theory.rhythm import KINDS, Grid, NoteValue, note_value, rescale, split_duration

RESOLUTIONS = st.integers(1, 32767)
METERS = st.sampled_from(["4/4", "3/4", "2/4", "6/8", "9/8", "12/8", "5/4", "7/8", "2/2", "3/8", "1/4", "11/8", "6/4"])


def test_doctests() -> None:
    assert doctest.testmod(rhythm).failed == 0


@given(st.lists(st.integers(0, 2**31 - 1)), RESOLUTIONS, RESOLUTIONS)
def test_rescaling_is_to_the_nearest_halves_up(ticks: list[int], old: int, new: int) -> None:
    exact = [Fraction(tick * new, old) for tick in ticks]
    assert rescale(ticks, old, new).tolist() == [
        (2 * x.numerator + x.denominator) // (2 * x.denominator) for x in exact
    ]


@given(st.lists(st.integers(0, 10**6)), st.integers(1, 1300))
def test_steps_come_back_from_ticks_that_can_hold_them(steps: list[int], factor: int) -> None:
    grid = Grid()
    ticks = grid.to_ticks(steps, 24 * factor)
    assert ticks.tolist() == [step * factor for step in steps]
    assert grid.quantize(ticks, 24 * factor).tolist() == steps


def test_the_grid_holds_32nds_and_triplet_16ths() -> None:
    grid = Grid()
    for value in (NoteValue("32nd"), NoteValue("16th", 0, (3, 2)), NoteValue("eighth", 0, (3, 2))):
        assert (value.quarters * grid.steps_per_quarter).denominator == 1
    assert grid.quantize(np.array([0, 10, 9, 480, 11]), 480).tolist() == [0, 1, 0, 24, 1]
    with pytest.raises(RequestError):
        Grid(0)


@pytest.mark.parametrize(
    ("quarters", "name"),
    [("1", "quarter"), ("3/4", "dotted eighth"), ("1/3", "triplet eighth"), ("4", "whole"),
     ("7/4", "double-dotted quarter"),
     ("1/8", "32nd"), ("1/6", "triplet 16th"), ("2/5", "quintuplet eighth"), ("4/3", "triplet half"), ("8", "breve")],
)  # fmt: skip
def test_names_of_note_values(quarters: str, name: str) -> None:
    value = note_value(Fraction(quarters))
    assert str(value) == name


@pytest.mark.parametrize("quarters", ["5/4", "0", "9/4", "1/9", "-1"])
def test_lengths_that_take_several_notes(quarters: str) -> None:
    assert note_value(Fraction(quarters)) is None


@pytest.mark.parametrize(("kind", "dots"), [(kind, dots) for kind in KINDS for dots in range(3)])
def test_note_values_agree_with_music21(kind: str, dots: int) -> None:
    from music21.duration import Duration

    assert NoteValue(kind, dots).quarters == Fraction(Duration(type=kind, dots=dots).quarterLength)


# Meter, onset, duration -> the written lengths.
WRITTEN = [
    ("4/4", "0 4", "4"), ("4/4", "0 3", "3"), ("4/4", "1 3", "1 2"), ("4/4", "1 2", "2"), ("4/4", "1/2 1", "1"),
    ("4/4", "3/2 1", "1/2 1/2"), ("4/4", "0 5/2", "2 1/2"), ("4/4", "0 7/2", "2 3/2"), ("4/4", "1/2 7/2", "3/2 2"),
    ("4/4", "3 2", "1 1"), ("4/4", "3 6", "1 4 1"), ("4/4", "1/4 3/4", "3/4"), ("4/4", "1/4 1", "3/4 1/4"),
    ("4/4", "7/2 1", "1/2 1/2"), ("4/4", "2 3/2", "3/2"), ("4/4", "5/2 1", "1"), ("4/4", "5 1", "1"),
    ("4/4", "1/3 1/3", "1/3"), ("4/4", "2/3 2/3", "2/3"), ("4/4", "2/3 1/3", "1/3"), ("4/4", "1/6 1/6", "1/6"),
    ("4/4", "1/5 2/5", "2/5"), ("4/4", "2/3 4/3", "4/3"), ("4/4", "0 1/7", "1/7"), ("4/4", "3 4/3", "1 1/3"),
    ("3/4", "0 3", "3"), ("3/4", "1 2", "2"), ("3/4", "0 5/2", "2 1/2"), ("3/4", "1/2 3/2", "1/2 1"),
    ("3/4", "0 3/2", "3/2"), ("6/8", "0 3", "3"), ("6/8", "0 2", "3/2 1/2"), ("6/8", "1 2", "1/2 3/2"),
    ("6/8", "1/2 1", "1"), ("6/8", "3/4 3/4", "3/4"), ("6/8", "0 3/4", "3/4"), ("9/8", "0 9/2", "3 3/2"),
    ("12/8", "0 6", "6"), ("12/8", "3/2 3", "3/2 3/2"), ("12/8", "0 3", "3"), ("5/4", "0 5", "3 2"),
    ("7/8", "0 7/2", "2 3/2"), ("2/2", "0 4", "4"), ("3/8", "0 3/2", "3/2"), ("1/4", "0 1", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("meter", "note", "written"), WRITTEN)
def test_durations_as_a_musician_writes_them(meter: str, note: str, written: str) -> None:
    onset, duration = map(Fraction, note.split())
    assert split_duration(onset, duration, Meter.parse(meter)) == tuple(map(Fraction, written.split()))


@given(METERS, st.integers(0, 300), st.integers(1, 300), st.sampled_from([24, 20, 28, 16]))
def test_pieces_are_notes_that_fill_the_duration(name: str, onset: int, duration: int, steps: int) -> None:
    meter = Meter.parse(name)
    start, length = Fraction(onset, steps), Fraction(duration, steps)
    pieces = split_duration(start, length, meter)
    assert sum(pieces) == length
    for piece in pieces:
        assert note_value(piece) is not None
        assert start % meter.bar_quarters + piece <= meter.bar_quarters  # no piece crosses a bar line
        start += piece


@given(METERS, st.integers(0, 300), st.integers(1, 300))
def test_a_piece_is_written_as_itself(name: str, onset: int, duration: int) -> None:
    meter, start = Meter.parse(name), Fraction(onset, 24)
    for piece in split_duration(start, Fraction(duration, 24), meter):
        assert split_duration(start, piece, meter) == (piece,)
        start += piece


def test_what_no_tuplet_can_say_still_fills_the_duration() -> None:
    pieces = split_duration(Fraction(0), Fraction(1, 9), Meter())
    assert sum(pieces) == Fraction(1, 9)
