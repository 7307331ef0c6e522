"""Room under a limit of polyphony: for the notes that bars need, short or long, and for parts that must sing."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from theory.constraint import (
    Density,
    Domain,
    Durations,
    FinalTonic,
    Grid,
    Polyphony,
    Range,
    narrowed,
)
from theory.constraint.places import Places

from .walks import PARTS, RANGES, empty, heard_at, is_dead, sung, written

RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
EIGHTHS, SIXTEENTHS = Grid(12), Grid(6)
QUARTERS = Durations((Fraction(1),))


def never_stuck(frame, rules, most, seeds=4):
    """Walks in which every dead end is an error."""
    for seed in range(seeds):
        parts = sung(written(frame, [*RANGE_RULES, *rules, Polyphony(most)], seed))
        assert max(len(heard_at(parts, step)) for step in range(frame.steps)) <= most


# Walks


@pytest.mark.parametrize(("least", "most"), [((4, 2, 0, 1), 1), ((4, 4, 4, 2), 2), ((6, 5, 5, 6), 3)])
def test_every_part_finds_room_for_the_notes_it_needs(least, most):
    rules = [Density(count, 8, (part,)) for part, count in enumerate(least)]
    never_stuck(empty("4/4", 3), [*rules, EIGHTHS], most)


def test_room_is_kept_beside_a_chord_that_is_held_to_the_end():
    """The bass takes the second half of the last bar."""
    frame = empty("4/4", 2)
    rules = [Density(3, 8, (0,)), Density(3, 4, (2,)), FinalTonic(frame.key, frame.steps, all_parts=False), SIXTEENTHS]
    never_stuck(frame, rules, 1, seeds=8)


def test_long_notes_need_more_room_than_short_ones():
    rules = [Density(2, 4, (0, 1)), Density(4, 4, (3,)), QUARTERS, SIXTEENTHS]
    never_stuck(empty("4/4", 3), rules, 3)


# Clashes


@pytest.mark.parametrize(("least", "dead"), [(4, False), (5, True)])
def test_notes_that_find_no_time_in_a_bar_clash(least, dead):
    """Four quarters fill a bar in 4/4, the last of them may be held over; a second bar leaves no time for that."""
    rules = [Density(least - 2, 8, (0,)), Density(2, 8, (3,)), QUARTERS, EIGHTHS, Polyphony(1)]
    assert is_dead(empty("4/4", 3), rules) == dead


def test_a_part_that_must_sing_takes_its_place():
    """The bass holds the second half of the bar."""
    frame = empty("4/4", 1)
    tonic = FinalTonic(frame.key, frame.steps, all_parts=False)
    for least, dead in ((3, False), (4, False), (5, True)):
        assert is_dead(frame, [Density(least, 8, (1,)), tonic, EIGHTHS, Polyphony(1)]) == dead


# Places


def brute(places, start, stop, notes, most, able):
    """Whether notes of one step find places: all ways to choose steps for each part."""
    parts, steps = able.shape
    count = np.zeros(steps, dtype=int)

    def place(part):
        if part == parts:
            return True
        options = np.flatnonzero(able[part])
        for chosen in product((False, True), repeat=len(options)):
            if sum(chosen) != notes[part]:
                continue
            taken = options[list(chosen)]
            count[taken] += 1
            if (count <= most).all() and place(part + 1):
                return True
            count[taken] -= 1
        return False

    return place(0)


@pytest.mark.parametrize("seed", range(40))
def test_halls_theorem(seed):
    """Notes of one step fit if, and only if, each set of parts has enough places."""
    dice = np.random.default_rng(seed)
    frame, most = empty("1/16", 1, 3), int(dice.integers(1, 3))
    able = dice.random((3, frame.steps)) < 0.6
    notes = dice.integers(0, 4, 3)
    places = Places(Domain(frame), most, able)
    enough = (places.offered(0, frame.steps).sum(axis=1) >= places.needed(notes, 0, frame.steps)).all()
    assert enough == brute(places, 0, frame.steps, notes, most, able)


def test_what_sounds_takes_its_place():
    frame = empty("2/4", 1, 2)
    places = Places(narrowed(frame, [EIGHTHS]), 1)
    assert places.shortest.tolist() == [12, 12]
    offered = places.offered(0, frame.steps, np.array([24, 0]))
    assert offered[:3].sum(axis=1).tolist() == [2, 2, 2]  # the upper part, the lower one, both
    assert offered[3:].sum(axis=1).tolist() == [24, 24, 24]
