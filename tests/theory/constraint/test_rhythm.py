"""Rules on when notes begin and how long they last."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.constraint import Density, Durations, FinalTonic, Grid, Held, Onsets
from theory.constraint.rhythm import steps_of
from theory.errors import RequestError

from .walks import QUARTER, empty, is_dead, scored, sung, written

SOME = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
METERS = st.sampled_from(["4/4", "3/4", "2/4", "6/8", "5/4"])
PARTS = st.sampled_from([(), (0,), (1,), (0, 1)])
PLACES = st.sampled_from([Fraction(n, 6) for n in (0, 2, 3, 6, 8, 9)] + [Fraction(11, 8)])
LENGTHS = st.sampled_from([Fraction(1, 8), Fraction(1, 3), Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(7)])
FRAME = empty("4/4", 2, 2)
HALVES = scored(FRAME, [[(0, 48, 60), (48, 96, 62), (96, 192, 60)], [(24, 36, 50)]])


def in_bars(frame, part):
    """Places in the bar, in steps, at which notes of a part begin: a list for each bar."""
    bar = frame.lines[1]
    return [[note.start % bar for note in part if note.start // bar == number] for number in range(frame.bars)]


def about(parts, index):
    return not parts or index in parts


@SOME
@given(METERS, st.frozensets(PLACES, min_size=1, max_size=4), PARTS, st.integers(0, 99))
def test_notes_begin_where_they_are_told_to(meter, places, parts, seed):
    frame = empty(meter, 2, 2)
    score = written(frame, [Onsets(tuple(sorted(places)), parts)], seed)
    for index, part in enumerate(sung(score)):
        if about(parts, index):
            assert in_bars(frame, part) == [sorted(int(place * QUARTER) for place in places)] * 2


@SOME
@given(st.sampled_from(["4/4", "6/8", "5/8"]), st.sampled_from([(6,), (3, 4), (8, 12)]), st.integers(0, 99))
def test_notes_keep_to_one_of_the_grids(meter, steps, seed):
    frame = empty(meter, 2, 2)
    bar = frame.lines[1]
    for part in sung(written(frame, [Grid(steps)], seed)):
        for place in (at for note in part for at in (note.start, note.end)):
            assert place == frame.steps or any(place % bar % step == 0 for step in steps)
        assert all(note.end - note.start >= min(steps) for note in part)


def test_how_far_grids_hold():
    score = scored(empty("4/4", 1, 1), [[(0, 3, 60), (3, 8, 62), (8, 9, 60), (10, 12, 64)]])
    assert Grid((3, 4)).held(score) == Held(2, 4)  # one is off, one too short
    assert Grid((4,)).held(score) == Held(0, 4)
    assert Grid((3, 4)).label == "notes on the grid of 32nds or 16th triplets"


def test_a_place_beyond_the_bar_cannot_be_had():
    assert is_dead(empty("3/4"), [Onsets((Fraction(0), Fraction(3)))])
    assert not is_dead(empty("4/4"), [Onsets((Fraction(0), Fraction(3)))])


def test_two_sets_of_onsets_exclude_each_other():
    assert is_dead(FRAME, [Onsets((Fraction(0),)), Onsets((Fraction(1),))])
    assert not is_dead(FRAME, [Onsets((Fraction(0),), (0,)), Onsets((Fraction(1),), (1,))])


def test_how_far_onsets_hold():
    assert Onsets((Fraction(0),), (0,)).held(HALVES) == Held(2, 3)  # one more than was asked for
    assert Onsets((Fraction(0), Fraction(2)), (0,)).held(HALVES) == Held(3, 4)  # one less
    assert Onsets((Fraction(1),), (1,)).held(HALVES) == Held(1, 2)
    assert Onsets((Fraction(1),)).held(HALVES) == Held(1, 5 + 2)


@pytest.mark.parametrize("quarters", [(), (Fraction(-1),), (Fraction(0), Fraction(-1, 2))])
def test_onsets_that_are_none(quarters):
    with pytest.raises(RequestError, match="onsets: give at least one place in the bar, not before its first beat"):
        Onsets(quarters)


@SOME
@given(METERS, st.frozensets(LENGTHS, min_size=1, max_size=3), PARTS, st.integers(0, 99))
def test_notes_last_as_they_are_told_to(meter, lengths, parts, seed):
    score = written(empty(meter, 3, 2), [Durations(tuple(sorted(lengths)), parts)], seed)
    for index, part in enumerate(sung(score)):
        if about(parts, index):
            assert {note.end - note.start for note in part} <= {int(length * QUARTER) for length in lengths}


def test_every_duration_that_is_allowed_comes():
    lengths = (Fraction(1, 3), Fraction(1), Fraction(9))  # the last one is longer than a whole note and crosses bars
    frame = empty("4/4", 3, 1)
    found = {n.end - n.start for seed in range(8) for n in sung(written(frame, [Durations(lengths)], seed))[0]}
    assert found == {8, 24, 216}


def test_two_sets_of_durations_leave_what_both_allow():
    quarter, half, whole = Fraction(1), Fraction(2), Fraction(4)
    ending = FinalTonic(FRAME.key, FRAME.steps)
    score = written(FRAME, [Durations((quarter, half)), Durations((half, whole)), ending])
    assert {note.end - note.start for part in sung(score) for note in part} == {48}
    assert is_dead(FRAME, [Durations((quarter, half)), Durations((whole,)), ending])
    assert not sum(map(len, sung(written(FRAME, [Durations((quarter, half)), Durations((whole,))]))))


def test_how_far_durations_hold():
    assert Durations((Fraction(2), Fraction(4))).held(HALVES) == Held(3, 4)
    assert Durations((Fraction(2),), (0,)).held(HALVES) == Held(2, 3)


@pytest.mark.parametrize("quarters", [(), (Fraction(0),), (Fraction(1), Fraction(-1))])
def test_durations_that_are_none(quarters):
    with pytest.raises(RequestError, match="durations: give at least one, longer than nothing"):
        Durations(quarters)


@SOME
@given(METERS, st.integers(0, 6), st.integers(0, 3), PARTS, st.integers(0, 99))
def test_bars_have_so_many_notes(meter, least, more, parts, seed):
    frame = empty(meter, 3, 2)
    score = written(frame, [Density(least, least + more, parts)], seed)
    for index, part in enumerate(sung(score)):
        if about(parts, index):
            assert all(least <= len(begun) <= least + more for begun in in_bars(frame, part))


def test_nothing_at_all_may_be_asked_for():
    frame = empty("4/4", 2, 2)
    for seed in range(4):
        assert sung(written(frame, [Density(0, 0, (1,))], seed))[1] == []
    assert is_dead(frame, [Density(0, 0), FinalTonic(frame.key, frame.steps)])


def test_more_notes_than_the_durations_leave_room_for():
    eighths = Durations((Fraction(1, 2),))
    assert is_dead(empty("4/4"), [Density(9, 12), eighths])
    assert not is_dead(empty("4/4"), [Density(8, 12), eighths])
    assert is_dead(empty("4/4"), [Density(3, 5), Density(0, 2)])


def test_a_bar_that_needs_notes_is_not_held_through():
    score = written(empty("2/4", 4, 1), [Density(1, 1), Durations((Fraction(2), Fraction(3)))])
    assert [len(begun) for begun in in_bars(empty("2/4", 4, 1), sung(score)[0])] == [1] * 4


def test_how_far_a_density_holds():
    assert Density(1, 2).held(HALVES) == Held(3, 4)
    assert Density(1, 1, (0,)).held(HALVES) == Held(1, 2)


@pytest.mark.parametrize("bounds", [(5, 2), (-1, 2), (0, 65)])
def test_densities_that_are_none(bounds):
    with pytest.raises(RequestError, match=r"density -?\d+ to \d+: must rise, within 0 to 64 notes a bar"):
        Density(*bounds)


@pytest.mark.parametrize("rule", [Onsets, Durations])
def test_what_falls_between_the_steps_of_the_grid(rule):
    with pytest.raises(RequestError, match="1/5 of a quarter is not on the grid of 24 steps a quarter"):
        rule((Fraction(1, 5),))
    assert steps_of(Fraction(5, 24)) == 5


def test_labels():
    assert Onsets((Fraction(0), Fraction(3, 2))).label == "onsets at 0 3/2 quarters"
    assert Durations((Fraction(1), Fraction(1, 2))).label == "durations of 1 1/2 quarters"
    assert Density(2, 4).label == "2 to 4 notes a bar"
