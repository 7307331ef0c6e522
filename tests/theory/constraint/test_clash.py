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
    NoCrossing,
    NoParallels,
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
    track = Automaton(narrowed(frame, rules)).dead_end.track
    clash = smallest_clash(frame, rules, track)
    assert is_dead(frame, clash.rules)
    assert clash.track == track
    for left_out in clash.rules:
        assert not is_dead(frame, [rule for rule in clash.rules if rule is not left_out])
    return clash


@pytest.mark.parametrize("name", CLASHES)
def test_what_clashes_is_named_and_nothing_else(name):
    frame = empty("4/4", 8)
    assert set(check_clash(frame, [*HARMLESS, *CLASHES[name]]).rules) == set(CLASHES[name])


def test_three_rules_of_which_any_two_work_out():
    frame = empty("4/4", 8, 1)
    three = (Density(2, 2), Durations((Fraction(3), Fraction(7, 2))), Onsets((Fraction(0), Fraction(2))))
    two = (Density(2, 2), Durations((Fraction(3), Fraction(5))))
    assert not is_dead(frame, two[:1])
    assert set(check_clash(frame, three).rules) <= set(three)
    locked = Locked(0, ((0, 24, 60), (72, 96, 80)), 0, 96)
    between = Locked(0, ((24, 48, 66),), 24, 48)
    assert not is_dead(frame, [MaxLeap(20), locked])
    assert len(check_clash(frame, [MaxLeap(6), locked, between]).rules) == 2


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
        assert set(check_clash(frame, rules).rules) <= set(rules)


@pytest.mark.parametrize(
    ("rules", "bar"),
    [
        ((Density(1, 2, (0,)), Density(5, 6, (0,))), 0),
        ((Density(1, 2, (0,)), Density(5, 6, (0,), first_bar=4)), 4),
        (CLASHES["range and lock"], 2),
        (CLASHES["range and ending"], 7),
        (CLASHES["leap and lock"], 7),  # the bar of the second note: up to there either could be sung
        (CLASHES["range and chords"], 1),
        ((Locked(2, ((0, 300, 60),), 0, 300), Onsets((Fraction(0),), (2,))), 1),  # held over the line
        ((Locked(2, ((480, 500, 60),), 480, 500), Durations((Fraction(4),), (2,))), 5),
        ((Locked(2, ((96, 100, 60), (690, 700, 70)), 96, 768), MaxLeap(9)), 7),
    ],
    ids=str,
)
def test_the_bar_that_is_named_is_the_first_that_cannot_be_written(rules, bar):
    assert check_clash(empty("4/4", 8), [*HARMLESS, *rules]).bar == bar


def test_in_a_continuation_bars_are_those_of_the_whole_piece():
    frame = empty("4/4", 8)._replace(first_bar=3)
    assert check_clash(frame, [*HARMLESS, *CLASHES["range and ending"]]).bar == 7
    rules = (Density(1, 2, (0,), first_bar=3), Density(5, 6, (0,), first_bar=5))
    assert check_clash(frame, [*HARMLESS, *rules]).bar == 5


@SOME
@given(st.lists(RULES, min_size=2, max_size=6), st.integers(1, 2))
def test_up_to_the_bar_that_is_named_there_is_a_beginning(rules, bars):
    """A piece that is cut where it can begin has no clash before the bar that the whole piece's clash is named for."""
    frame = empty("3/4", 3, 2)
    rules = [rule for rule in rules if not isinstance(rule, Chords | Cadence | FinalTonic | Locked)]  # not to be cut
    short = empty("3/4", bars, 2)
    if is_dead(frame, rules) and not is_dead(short, rules):
        assert check_clash(frame, rules).bar >= bars


FAR = {
    **CLASHES,
    "a leap from end to end": (MaxLeap(0, (0,)), Locked(0, ((0, 96, 60), (64 * 96 - 24, 64 * 96, 79)), 0, 64 * 96)),
    "every bar": (Density(5, 6, (0,)), Durations((Fraction(1), Fraction(2)), (0,))),
    "the last bar": (Range(3, 40, 41, "Bass"), Cadence(64, "perfect", KEY), MaxLeap(9)),
    "parallels": (
        Locked(0, ((6000, 6024, 69), (6024, 6048, 71)), 6000, 6048), NoParallels(),
        Locked(3, ((6000, 6024, 57), (6024, 6048, 59)), 6000, 6048),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
def test_a_long_piece_does_not_make_it_slow(name):
    frame = empty("4/4", 64)
    rules = [*HARMLESS, InScale(KEY.pitch_classes, "D minor", KEY), NoCrossing(), *FAR[name]]
    begun = process_time()
    dead_end = Automaton(narrowed(frame, rules)).dead_end
    clash = smallest_clash(frame, rules, dead_end.track)
    assert process_time() - begun < 1
    assert is_dead(frame, clash.rules)
    assert set(clash.rules) <= set(rules)
