"""Rules on pitches: ranges, leaps, locked notes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.constraint import Domain, Held, Locked, MaxLeap, Range
from theory.errors import RequestError

from .walks import PARTS, QUARTER, empty, is_dead, scored, sung, written

SOME = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
FRAME = empty("4/4", 2, 2)
TUNE = scored(FRAME, [[(0, 24, 60), (24, 48, 67), (48, 96, 65)], [(0, 96, 48), (96, 192, 50)]])


@SOME
@given(
    st.sampled_from(["4/4", "3/4", "6/8", "5/4"]),
    st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)).map(sorted), min_size=1, max_size=4),
    st.integers(0, 99),
)
def test_parts_stay_in_their_ranges(meter, bounds, seed):
    frame = empty(meter, 2, len(bounds))
    score = written(frame, [Range(part, *pair) for part, pair in enumerate(bounds)], seed)
    for part, (lowest, highest) in zip(sung(score), bounds, strict=True):
        assert all(lowest <= note.pitch <= highest for note in part)


def test_a_range_leaves_its_own_pitches_and_the_other_parts_alone():
    domain = Domain(FRAME)
    Range(1, 40, 50).narrow(domain)
    assert domain.start[0].all()
    assert domain.sound[0].all()
    assert domain.start[1].any(axis=0).nonzero()[0].tolist() == list(range(40, 51))


def test_how_far_a_range_holds():
    assert Range(0, 60, 67).held(TUNE) == Held(3, 3)
    assert Range(0, 60, 66).held(TUNE) == Held(2, 3)
    assert Range(1, 49, 127).held(TUNE) == Held(1, 2)


@pytest.mark.parametrize("bounds", [(61, 60), (-1, 60), (60, 128)])
def test_a_range_without_pitches_is_refused(bounds):
    with pytest.raises(RequestError, match="of Alto: must rise, within 0 to 127"):
        Range(1, *bounds, "Alto")


@SOME
@given(
    st.sampled_from(["4/4", "3/4", "6/8"]),
    st.integers(0, 12),
    st.sampled_from([(), (0,), (1,), (0, 1)]),
    st.integers(0, 99),
)
def test_leaps_stay_small_in_the_parts_they_are_about(meter, semitones, parts, seed):
    score = written(empty(meter, 2, 2), [MaxLeap(semitones, parts)], seed)
    for index, part in enumerate(sung(score)):
        if index in parts or not parts:
            assert all(abs(one.pitch - other.pitch) <= semitones for one, other in pairwise(part))


def test_other_parts_leap_as_they_like():
    parts = [sung(written(empty("4/4", 2, 2), [MaxLeap(1, (0,))], seed))[1] for seed in range(5)]
    assert max(abs(one.pitch - other.pitch) for part in parts for one, other in pairwise(part)) > 12


def test_leaps_count_over_rests_and_the_smaller_of_two_limits_holds():
    frame = empty("4/4", 2, 1)
    locked = Locked(0, ((0, 24, 60), (168, 192, 72)), 0, 192)
    assert is_dead(frame, [MaxLeap(11), locked])
    assert not is_dead(frame, [MaxLeap(12), locked])
    assert is_dead(frame, [MaxLeap(11), MaxLeap(30), locked])


def test_how_far_leaps_hold():
    assert MaxLeap(7).held(TUNE) == Held(3, 3)
    assert MaxLeap(2).held(TUNE) == Held(2, 3)
    assert MaxLeap(2, (0,)).held(TUNE) == Held(1, 2)


@pytest.mark.parametrize("semitones", [-1, 128])
def test_leaps_out_of_bounds(semitones):
    with pytest.raises(RequestError, match=f"a leap of {semitones} semitones: must be 0 to 127"):
        MaxLeap(semitones)


@st.composite
def locks(draw: st.DrawFn, steps: int = 2 * 96) -> Locked:
    """Notes of part 1 with rests between them, and a span around them."""
    cuts = sorted(draw(st.frozensets(st.integers(0, steps), min_size=4, max_size=10)))
    pitches = st.integers(40, 80)
    notes = [(start, end, draw(pitches)) for start, end in pairwise(cuts[1:-1]) if draw(st.booleans())]
    return Locked(1, tuple(notes), cuts[0], cuts[-1], "Alto")


@SOME
@given(locks(), st.integers(0, 99))
def test_a_part_sings_what_is_locked_and_nothing_beside_it(lock, seed):
    part = sung(written(FRAME, [lock], seed))[1]
    assert tuple(tuple(note) for note in part if lock.first <= note.start < lock.last) == lock.notes
    assert all(note.end <= lock.first for note in part if note.start < lock.first)


def test_around_the_lock_the_part_is_free():
    lock = Locked(1, ((96, 120, 60),), 96, 192)
    begun = {note.start < 96 for seed in range(4) for note in sung(written(FRAME, [lock], seed))[1]}
    assert begun == {True, False}


def test_locked_notes_must_keep_the_other_rules():
    tune = Locked(0, ((0, 24, 60), (24, 48, 67)), 0, 96)
    assert not is_dead(FRAME, [Range(0, 60, 67), MaxLeap(7), tune])
    assert is_dead(FRAME, [Range(0, 61, 67), tune])
    assert is_dead(FRAME, [MaxLeap(6), tune])
    assert not is_dead(FRAME, [MaxLeap(6, (1,)), tune])


@pytest.mark.parametrize("other", [((0, 48, 60),), ((0, 24, 61),), (), ((0, 24, 60), (24, 48, 60))])
def test_two_locks_on_one_place_exclude_each_other_unless_they_agree(other):
    one = Locked(0, ((0, 24, 60),), 0, 96)
    assert is_dead(FRAME, [one, Locked(0, other, 0, 96)])
    assert is_dead(FRAME, [Locked(0, other, 0, 96), one])
    assert not is_dead(FRAME, [one, one])


def test_how_far_a_lock_holds():
    notes = ((0, 24, 60), (24, 48, 67), (48, 96, 65))
    assert Locked(0, notes, 0, 96).held(TUNE) == Held(3, 3)
    assert Locked(0, notes[:2], 0, 96).held(TUNE) == Held(2, 3)  # one more than was asked for
    assert Locked(0, (*notes, (96, 100, 60)), 0, 192).held(TUNE) == Held(3, 4)
    assert Locked(0, ((0, 24, 60), (24, 47, 67)), 0, 48).held(TUNE) == Held(1, 3)
    assert Locked(0, notes[1:2], 24, 48).held(TUNE) == Held(1, 1)


@pytest.mark.parametrize(
    "notes",
    [((0, 24, 60), (23, 48, 60)), ((24, 24, 60),), ((90, 97, 60),), ((24, 48, 128),), ((24, 48, -1),)],
)
def test_locked_notes_that_do_not_follow_each_other(notes):
    with pytest.raises(RequestError, match="locked notes of Alto must follow each other in their span"):
        Locked(1, notes, 0, 96, "Alto")


def test_labels():
    assert Range(0, 60, 79, PARTS[0]).label == "range Soprano C4 to G5"
    assert Range(1, 58, 63).label == "range 1 Bb3 to Eb4"
    assert MaxLeap(7).label == "leaps up to 7"
    assert Locked(3, ((0, QUARTER, 40),), 0, 96, PARTS[3]).label == "locked Bass, 1 notes"
