"""What all rules share: they only take away, and rows of a batch do not know of each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from theory.chord import Chord
from theory.constraint import (
    Cadence,
    Chords,
    CompleteChords,
    Density,
    Durations,
    FinalTonic,
    InScale,
    Locked,
    MaxLeap,
    NoCrossing,
    NoParallels,
    Onsets,
    Polyphony,
    Range,
    allowed,
)
from theory.progression import PlacedChord
from theory.tokens import State, grammar_mask

from .walks import PARTS, RANGES, empty, masks, opening

FRAME = empty("5/4", 4)
KEY = FRAME.key
NAMES = ("Dm", "Gm6", "A7/C#", "Dm")
CHORDS = tuple(PlacedChord(bar, Fraction(0), Chord.parse(name)) for bar, name in enumerate(NAMES))
RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
RULES = {
    "melody": (*RANGE_RULES, MaxLeap(5), Locked(1, ((96, 120, 60), (144, 192, 62)), 96, 192)),
    "rhythm": (*RANGE_RULES, Density(1, 5), Durations((Fraction(1), Fraction(1, 2))), Onsets((Fraction(0),), (0,))),
    "harmony": (*RANGE_RULES, Chords(CHORDS, KEY), InScale(KEY.pitch_classes, "D minor", KEY, CHORDS)),
    "endings": (*RANGE_RULES, Cadence(3, "half", KEY), FinalTonic(KEY, FRAME.steps)),
    "texture": (*RANGE_RULES, Chords(CHORDS, KEY), NoParallels(), NoCrossing(), CompleteChords(CHORDS, FRAME)),
    "polyphony": (*RANGE_RULES, Polyphony(3)),
}


def side_by_side(rules, rows=6, seed=0):
    """At every turn, the states of some sequences that are drawn side by side, and their masks."""
    dice = np.random.default_rng(seed)
    states = [State() for _ in range(rows)]
    for state in states:
        for token in opening(FRAME):
            state.advance(token)
    while states:
        mask = allowed(states, rules)
        yield states, mask
        choices = [np.flatnonzero(row) for row in mask]
        states = [state for state, choice in zip(states, choices, strict=True) if len(choice)]  # the others are done
        for state, choice in zip(states, (choice for choice in choices if len(choice)), strict=True):
            state.advance(int(dice.choice(choice)))


@pytest.mark.parametrize("name", RULES)
def test_masks_of_a_batch_are_those_of_each_row_alone_and_no_wider_than_the_grammar(name):
    rules = masks(FRAME, RULES[name])
    alone = masks(FRAME, RULES[name])
    kinds = set()
    for turn, (states, mask) in enumerate(side_by_side(rules)):
        kinds |= {state.kind for state in states}
        for state, row in zip(states, mask, strict=True):
            assert not (row & ~grammar_mask(state)).any()
            if turn % 3 == 0:
                np.testing.assert_array_equal(allowed([state], alone)[0], row)
    assert len(kinds) > 8


def test_no_rows_are_no_masks():
    assert allowed([], masks(FRAME, RULES["texture"])).shape[0] == 0
