"""Which rules exclude each other: a set that does, all of whose members it takes, found at once."""

from __future__ import annotations

from fractions import Fraction
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.chord import Chord
from theory.constraint import (
    Automaton,
    Cadence,
    Chords,
    Density,
    Durations,
    FinalTonic,
    InScale,
    Locked,
    MaxLeap,
    Onsets,
    Polyphony,
    Range,
    narrowed,
    smallest_clash,
)
from theory.key import Key
from theory.progression import PlacedChord

from .walks import PARTS, RANGES, empty, is_dead

KEY = Key.parse("D minor")
RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))


def by_bar(*names, bars=8):
    chords = (Chord.parse(names[bar % len(names)]) for bar in range(bars))
    return tuple(PlacedChord(bar, Fraction(0), chord) for bar, chord in enumerate(chords))


HARMLESS = (*RANGE_RULES, MaxLeap(12, (0, 1, 2)), Density(0, 8, (1, 2)), Durations((Fraction(1, 2), Fraction(1)), (1,)))
BAR, STEPS = 96, 8 * 96
CLASHES = {
    "range and chords": (Range(3, 38, 38, "Bass"), Chords(by_bar("Dm", "Gm"), KEY)),
    "range and lock": (Range(0, 60, 67, "Soprano"), Locked(0, ((200, 240, 68),), 192, 288, "Soprano")),
    "range and ending": (Range(3, 39, 49, "Bass"), FinalTonic(KEY, STEPS)),
    "range and cadence": (Range(3, 46, 49, "Bass"), Cadence(4, "half", KEY)),
    "scale and lock": (InScale(KEY.pitch_classes, "D minor"), Locked(2, ((480, 504, 61),), 480, 504)),
    "leap and lock": (MaxLeap(4, (3,)), Locked(3, ((0, 96, 40), (700, 710, 60)), 0, STEPS)),
    "density and durations": (Density(5, 6, (2,)), Durations((Fraction(1), Fraction(2)), (2,))),
    "density and onsets": (Density(0, 1), Onsets((Fraction(0), Fraction(2)), (3,))),
    "chords and cadence": (Chords(by_bar("Dm", "Gm"), KEY), Cadence(8, "perfect", KEY)),
    "two cadences": (Cadence(5, "half", KEY), Cadence(5, "plagal", KEY)),
    "polyphony and ending": (FinalTonic(KEY, STEPS), Polyphony(2)),
    "a place beyond the bar": (Onsets((Fraction(4),), (1,)),),
}


def check_clash(frame, rules):
    """The set named clashes, and no longer if any one of it is left out."""
    clash = smallest_clash(frame, rules, Automaton(narrowed(frame, rules)).dead_end)
    assert is_dead(frame, clash)
    for left_out in clash:
        assert not is_dead(frame, [rule for rule in clash if rule is not left_out])
    return clash


@pytest.mark.parametrize("name", CLASHES)
def test_what_clashes_is_named_and_nothing_else(name):
    frame = empty("4/4", 8)
    assert set(check_clash(frame, [*HARMLESS, *CLASHES[name]])) == set(CLASHES[name])


def test_three_rules_of_which_any_two_work_out():
    frame = empty("4/4", 8, 1)
    three = (Density(2, 2), Durations((Fraction(3), Fraction(7, 2))), Onsets((Fraction(0), Fraction(2))))
    two = (Density(2, 2), Durations((Fraction(3), Fraction(5))))
    assert not is_dead(frame, two[:1])
    assert set(check_clash(frame, three)) <= set(three)
    locked = Locked(0, ((0, 24, 60), (72, 96, 80)), 0, 96)
    between = Locked(0, ((24, 48, 66),), 24, 48)
    assert not is_dead(frame, [MaxLeap(20), locked])
    assert len(check_clash(frame, [MaxLeap(6), locked, between])) == 2


SOME = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
RULES = st.one_of(
    st.builds(lambda part, low: Range(part, low, low + 3, PARTS[part]), st.integers(0, 1), st.integers(55, 66)),
    st.builds(MaxLeap, st.integers(0, 4)),
    st.builds(lambda least, more: Density(least, least + more), st.integers(0, 4), st.integers(0, 2)),
    st.builds(
        lambda lengths: Durations(tuple(sorted(lengths))),
        st.frozensets(st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(5)]), min_size=1),
    ),
    st.builds(
        lambda places: Onsets(tuple(sorted(places))),
        st.frozensets(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1), Fraction(2)]), min_size=1),
    ),
    st.builds(
        lambda names: Chords(by_bar(*names, bars=3), KEY), st.lists(st.sampled_from(["Dm", "A7", "Gm"]), min_size=1)
    ),
    st.builds(lambda bar, kind: Cadence(bar, kind, KEY), st.integers(2, 3), st.sampled_from(["half", "perfect"])),
    st.builds(lambda pitch: Locked(0, ((48, 60, pitch), (70, 90, pitch + 3)), 48, 90), st.integers(55, 66)),
    st.just(FinalTonic(KEY, 3 * 72)),
)


@SOME
@given(st.lists(RULES, min_size=2, max_size=6))
def test_of_any_rules_that_clash_a_set_is_named_that_takes_all_its_members(rules):
    frame = empty("3/4", 3, 2)
    if is_dead(frame, rules):
        assert set(check_clash(frame, rules)) <= set(rules)


# Where the notes that clash are bars apart, a whole track is searched.
@pytest.mark.parametrize(("name", "seconds"), [("range and chords", 1), ("leap and lock", 2)])
def test_a_long_piece_does_not_make_it_slow(name, seconds):
    frame = empty("4/4", 64)
    rules = [
        *HARMLESS, InScale(KEY.pitch_classes, "D minor", KEY), FinalTonic(KEY, frame.steps), *CLASHES[name],
    ]  # fmt: skip
    dead_end = Automaton(narrowed(frame, rules)).dead_end
    begun = process_time()
    clash = smallest_clash(frame, rules, dead_end)
    assert process_time() - begun < seconds
    assert set(clash) == set(CLASHES[name])
