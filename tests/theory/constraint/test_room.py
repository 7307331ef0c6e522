"""Room for what is still to come: notes that bars need, parts that must sing, thirds of chords."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from theory.chord import Chord
from theory.constraint import (
    Automaton,
    Chords,
    CompleteChords,
    Density,
    Domain,
    Durations,
    FinalTonic,
    Grid,
    Locked,
    MaxLeap,
    NoCrossing,
    Onsets,
    Polyphony,
    Range,
    allowed,
    narrowed,
)
from theory.constraint.places import Places
from theory.constraint.room import Foresight
from theory.progression import PlacedChord
from theory.tokens import VOCABULARY, Kind, State

from .walks import PARTS, RANGES, StuckError, empty, heard_at, is_dead, masks, opening, sung, walk, written

RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
EIGHTHS, SIXTEENTHS = Grid((12,)), Grid((6,))
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


# What is seen coming


def chords_at(*placed):
    return tuple(PlacedChord(bar, Fraction(quarters), Chord.parse(name)) for bar, quarters, name in placed)


def foreseen(frame, rules, *notes):
    """The tokens left after notes, each of them tokens by name: at first what grammar and rules allow."""
    domain = narrowed(frame, rules)
    automaton = Automaton(domain)
    state = State()
    for token in (*opening(frame), *notes):
        state.advance(token)
    mask = allowed([state], [automaton, *rules])[0]
    before = mask.copy()
    Foresight(domain, automaton, rules).foresee(state, mask)
    assert not (mask & ~before).any()
    return before, mask


def note(track, pitch, length):
    yield VOCABULARY.id(Kind.TRACK, track)
    yield VOCABULARY.id(Kind.PITCH, pitch)
    yield VOCABULARY.id(Kind.DURATION_LOW, length)


START = (VOCABULARY.id(Kind.POSITION_LOW, 0),)
TWO = empty("2/4", 2)
DM_A7 = chords_at((0, 0, "Dm"), (1, 0, "A7"))
HARMONY = [*RANGE_RULES, Chords(DM_A7, TWO.key), CompleteChords(DM_A7, TWO)]


def lengths(mask):
    return (np.flatnonzero(mask[VOCABULARY.span(Kind.DURATION_LOW)]) + 1).tolist()


def pitch_classes(mask):
    return set((np.flatnonzero(mask[VOCABULARY.span(Kind.PITCH)]) % 12).tolist())


@pytest.mark.parametrize(("most", "classes"), [(3, {5}), (4, {2, 5, 9})])
def test_the_last_place_beside_the_bass_is_the_thirds(most, classes):
    """The soprano sings A, the bass must sing; of three places the alto has the last one, and the tenor none."""
    tokens = (*START, *note(0, 69, 24), VOCABULARY.id(Kind.TRACK, 1))
    before, after = foreseen(TWO, [*HARMONY, Polyphony(most)], *tokens)
    assert pitch_classes(before) == {2, 5, 9}
    assert pitch_classes(after) == classes


@pytest.mark.parametrize(("most", "longest"), [(3, 48), (4, 96)])
def test_a_note_leaves_its_place_to_the_next_third(most, longest):
    """Two upper voices on A, which A7 has too, would leave no place beside the bass for its C sharp."""
    tokens = (*START, *note(0, 69, 72), VOCABULARY.id(Kind.TRACK, 1), VOCABULARY.id(Kind.PITCH, 69))
    before, after = foreseen(TWO, [*HARMONY, Polyphony(most)], *tokens)
    assert lengths(before)[-1] == 96
    assert lengths(after)[-1] == longest


def test_a_voice_that_cannot_begin_at_the_chord_is_no_hope_for_its_third():
    """Notes begin at the bar line and after one and a half beats; A7 comes after two, and its third with the latter."""
    frame = empty("3/4", 1)
    placed = chords_at((0, 0, "Dm"), (0, 2, "A7"))
    rules = [*RANGE_RULES, Onsets((Fraction(0), Fraction(3, 2))), Chords(placed, frame.key, "any")]
    rules.append(CompleteChords(placed, frame))
    first = (*START, *note(0, 69, 36), *note(1, 65, 36), *note(2, 62, 36), *note(3, 50, 36))
    second = (VOCABULARY.id(Kind.POSITION_LOW, 36), *note(0, 69, 36), *note(1, 64, 36), VOCABULARY.id(Kind.TRACK, 2))
    before, after = foreseen(frame, rules, *first, *second)
    assert pitch_classes(before) > {1}
    assert pitch_classes(after) == {1}
    before, after = foreseen(frame, rules, *first, *second, VOCABULARY.id(Kind.PITCH, 61))
    assert lengths(before)[0] < 13
    assert lengths(after)[0] == 13  # it holds it up to the chord


def test_a_voice_whose_leaps_do_not_reach_the_third_is_no_hope_for_it():
    """Soprano and tenor are silenced; the alto stays where it can sing C sharp with the next note."""
    silent = [Locked(part, (), 0, TWO.steps) for part in (0, 2)]
    beats = Onsets((Fraction(0),), (1,))
    for leap, lowest, highest in ((1, 60, 62), (4, 57, 65)):
        tokens = (*START, VOCABULARY.id(Kind.TRACK, 1))
        rules = [*silent, *RANGE_RULES, Range(1, 52, 70), beats, MaxLeap(leap, (1,))]
        placed = chords_at((1, 0, "A7"))
        _, after = foreseen(TWO, [*rules, CompleteChords(placed, TWO)], *tokens)
        pitches = np.flatnonzero(after[VOCABULARY.span(Kind.PITCH)])
        assert (pitches.min(), pitches.max()) == (lowest, highest)


def test_a_voice_leaves_a_lower_one_that_must_begin_what_it_can_sing():
    """The bass has to hold its only A from here on, since it can begin nothing where the chord does."""
    frame = empty("3/4", 1)
    rules = [*RANGE_RULES, Range(3, 50, 64), Onsets((Fraction(0), Fraction(3, 2)))]
    rules += [Chords(chords_at((0, 2, "A")), frame.key), NoCrossing()]
    first = (*START, *note(0, 74, 24), *note(1, 69, 24), *note(2, 65, 24), *note(3, 57, 24))
    tokens = (*first, VOCABULARY.id(Kind.POSITION_LOW, 36), *note(0, 67, 6), *note(1, 62, 6))
    before, after = foreseen(frame, rules, *tokens, VOCABULARY.id(Kind.TRACK, 2))
    assert np.flatnonzero(before[VOCABULARY.span(Kind.PITCH)]).min() < 57
    assert np.flatnonzero(after[VOCABULARY.span(Kind.PITCH)]).min() == 57


@pytest.mark.parametrize("most", [3, 4])
def test_what_is_forbidden_leads_nowhere(most):
    """Pieces that were finished without foresight: each of their tokens is left by it."""
    frame = empty("3/4", 2)
    placed = chords_at((0, 0, "Dm"), (0, 2, "A7"), (1, 0, "Dm"))
    rules = [*RANGE_RULES, MaxLeap(7), Onsets((Fraction(0), Fraction(3, 2)), (1,)), Chords(placed, frame.key)]
    rules += [NoCrossing(), CompleteChords(placed, frame), Polyphony(most)]
    domain = narrowed(frame, rules)
    foresight = Foresight(domain, Automaton(domain), rules)
    finished = cut = 0
    for seed in range(40):
        try:
            ids = walk(seed, opening(frame), masks(frame, rules), by_kind=True)
        except StuckError:
            continue
        finished, state = finished + 1, State()
        for token in ids:
            if state.bar >= 0:
                mask = np.ones(VOCABULARY.size, dtype=np.bool_)
                foresight.foresee(state, mask)
                assert mask[token], (seed, state.step, VOCABULARY.name(token))
                cut += not mask.all()
            state.advance(token)
    assert finished > 3
    assert cut > 0
