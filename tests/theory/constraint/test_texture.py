"""Rules between parts that sound together."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest

from theory.chord import Chord
from theory.constraint import (
    Cadence,
    Chords,
    CompleteChords,
    Constraint,
    Durations,
    FinalTonic,
    Held,
    InScale,
    Locked,
    NoCrossing,
    NoParallels,
    Onsets,
    Polyphony,
    Range,
    allowed,
    narrowed,
)
from theory.errors import RequestError
from theory.progression import PlacedChord
from theory.tokens import VOCABULARY, Kind, State

from .walks import (
    PARTS,
    RANGES,
    TOKENIZER,
    StuckError,
    Sung,
    empty,
    heard_at,
    is_dead,
    masks,
    opening,
    pitch_at,
    scored,
    sung,
    walk,
)

RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
NARROW = tuple(Range(part, low, low + 9, PARTS[part]) for part, low in enumerate((67, 62, 55, 45)))
THIRDS = {"Dm": 5, "Gm6": 10, "A7/C#": 1, "A7": 1, "Bb": 2, "Asus4": 2, "F/A": 9}


def finished(frame, rules, rule: Constraint, seeds: int = 12):
    """Notes of pieces drawn under rules; some may get stuck (voices do that), but what is finished is kept."""
    constraints, done = masks(frame, [*rules, rule]), []
    for seed in range(seeds):
        try:
            score = TOKENIZER.decode(walk(seed, opening(frame), constraints, by_kind=seed % 2 == 0))
        except StuckError:
            continue
        assert rule.held(score).kept == rule.held(score).asked, seed
        done.append(sung(score))
    assert len(done) > seeds / 3
    return done


def onsets(parts):
    return sorted({note.start for part in parts for note in part})


# How many sound


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_no_more_parts_sound_at_once(most):
    done = finished(empty("3/4", 3), RANGE_RULES, Polyphony(most))
    assert len(done) == 12  # without a dead end
    assert max(len(heard_at(parts, step)) for parts in done for step in range(3 * 72)) == most


@pytest.mark.parametrize("most", [2, 3])
def test_room_is_kept_for_parts_that_will_have_to_sing(most):
    """Chords ask for a bass, onsets for a tenor: no piece gets stuck."""
    frame = empty("4/4", 3)
    asked = [Chords(by_bar("A7", "Gm6", "Dm"), frame.key), Onsets((Fraction(1), Fraction(5, 2)), (2,))]
    for rules in ([*RANGE_RULES, *asked], [*asked, *RANGE_RULES, FinalTonic(frame.key, frame.steps, all_parts=False)]):
        done = finished(frame, rules, Polyphony(most))
        assert len(done) == 12
        for parts in done:
            assert max(len(heard_at(parts, step)) for step in range(3 * 96)) <= most


def test_more_parts_than_may_sound_clash():
    frame = empty()
    ending = FinalTonic(frame.key, frame.steps)
    assert is_dead(frame, [ending, Polyphony(3)])
    assert is_dead(frame, [Polyphony(3), ending])
    assert not is_dead(frame, [FinalTonic(frame.key, frame.steps, all_parts=False), Polyphony(1)])
    assert not is_dead(frame, [ending, Polyphony(4)])


def test_how_far_a_limit_of_polyphony_holds():
    score = scored(empty("4/4", 1, 3), [[(0, 48, 70)], [(24, 96, 60)], [(48, 96, 50), (72, 80, 50)][:1]])
    assert Polyphony(2).held(score) == Held(3, 3)
    assert Polyphony(1).held(score) == Held(1, 3)


def test_some_part_must_sound():
    with pytest.raises(RequestError, match="polyphony 0: at least 1 part must sound"):
        Polyphony(0)


# Parallels


def parallels(parts, among=range(4)):
    """(step, upper, lower) where two voices move on in fifths or octaves, in any direction."""
    for step in onsets(parts):
        for upper, lower in combinations(among, 2):
            old = [pitch_at(parts[voice], step - 1) for voice in (upper, lower)]
            new = [pitch_at(parts[voice], step) for voice in (upper, lower)]
            if None in old + new or old[0] == new[0] or old[1] == new[1]:
                continue
            before, after = abs(old[0] - old[1]) % 12, abs(new[0] - new[1]) % 12
            if before == after and after in (0, 7):
                yield step, upper, lower


HYMN = empty("2/4", 4)
# All parts sing quarters, so that voices move at one time.
IN_QUARTERS = [
    *RANGE_RULES,
    Onsets((Fraction(0), Fraction(1))),
    Durations((Fraction(1),)),
    InScale(HYMN.key.pitch_classes, "D minor"),
]


def test_voices_do_not_move_in_fifths_or_octaves():
    rules = masks(HYMN, IN_QUARTERS)
    free = [sung(TOKENIZER.decode(walk(seed, opening(HYMN), rules))) for seed in range(4)]
    assert any(next(parallels(parts), None) for parts in free)  # they would
    for parts in finished(HYMN, IN_QUARTERS, NoParallels()):
        assert list(parallels(parts)) == []


def test_only_the_chosen_voices_avoid_parallels():
    done = finished(HYMN, IN_QUARTERS, NoParallels((0, 3)), seeds=4)
    assert all(list(parallels(parts, (0, 3))) == [] for parts in done)
    assert any(next(parallels(parts), None) for parts in done)


@pytest.mark.parametrize(
    ("top", "low", "kept"),
    [
        ([67, 69], [60, 62], 0),  # fifths
        ([72, 74], [60, 62], 0),  # octaves
        ([60, 62], [60, 62], 0),  # unisons
        ([67, 81], [60, 62], 0),  # to a twelfth
        ([67, 62], [60, 67], 1),  # a fifth, and a fifth turned over: no longer the same interval
        ([72, 69], [53, 62], 0),  # in contrary motion
        ([67, 67], [60, 60], 1),  # nobody moves
        ([67, 68], [60, 62], 1),  # to a tritone
        ([67, 69], [62, 60], 1),
    ],
)
def test_whether_two_voices_are_parallel(top, low, kept):
    frame = empty("2/4", 1, 2)
    parts = [[(0, 24, one), (24, 48, other)] for one, other in (top, low)]
    held = NoParallels().held(scored(frame, parts))
    assert held == Held(kept + 1, 2)
    rests = [[(0, 23, one), (24, 48, other)] for one, other in (top, low)]
    assert NoParallels().held(scored(frame, rests)) == Held(2, 2)


@pytest.mark.parametrize("first", [(67, 60), (72, 60), (60, 72), (64, 60), (50, 81)])
def test_the_masks_forbid_exactly_what_is_parallel(first):
    """After two voices' first notes and the upper one's second, every pitch of the lower one is tried."""
    frame, rule = empty("2/4", 1, 2), NoParallels()
    for second in (62, 74, first[0]):
        state = State()
        notes = [(0, 0, first[0]), (0, 1, first[1]), (24, 0, second)]
        for token in (*opening(frame), *spell(notes), VOCABULARY.id(Kind.TRACK, 1)):
            state.advance(token)
        mask = allowed([state], [rule])[0, VOCABULARY.span(Kind.PITCH)]
        for pitch in range(128):
            parts = [
                [Sung(0, 24, first[0]), Sung(24, 48, second)],
                [Sung(0, 24, first[1]), Sung(24, 48, pitch)],
            ]
            assert mask[pitch] == (not list(parallels(parts, range(2)))), pitch


@pytest.mark.parametrize(("length", "allowed_again"), [(18, False), (6, False), (1, False), (24, False)])
@pytest.mark.parametrize(("top", "low"), [((67, 69), (60, 62)), ((72, 69), (53, 62))])
def test_a_short_rest_excuses_nothing(top, low, length, allowed_again):
    """Both voices rest before the second beat, or sing up to it."""
    state = State()
    notes = [(0, 0, top[0]), (0, 1, low[0]), (24, 0, top[1])]
    for token in (*opening(empty("2/4", 1, 2)), *spell(notes, length), VOCABULARY.id(Kind.TRACK, 1)):
        state.advance(token)
    mask = allowed([state], [NoParallels()])[0, VOCABULARY.span(Kind.PITCH)]
    assert mask[low[1]] == allowed_again
    assert mask[low[0]]  # it may repeat its pitch


def test_a_long_rest_parts_what_is_before_from_what_is_after():
    state = State()
    notes = [(0, 0, 67), (0, 1, 60), (48, 0, 69)]
    for token in (*opening(empty("4/4", 1, 2)), *spell(notes), VOCABULARY.id(Kind.TRACK, 1)):
        state.advance(token)
    assert allowed([state], [NoParallels()])[0, VOCABULARY.id(Kind.PITCH, 62)]


@pytest.mark.parametrize("gap", [0, 12, 36])
@pytest.mark.parametrize("interval", [7, 12, 5, 4])
def test_locked_voices_in_parallels_clash_also_across_a_short_rest(gap, interval):
    locks = [
        Locked(part, ((0, 24, low), (24 + gap, 72, low + 2)), 0, 72) for part, low in ((0, 60 + interval), (3, 60))
    ]
    assert is_dead(empty("3/4", 1), [*locks, NoParallels()]) == (interval in (7, 12) and gap < 24)


def test_a_locked_voice_that_can_only_move_in_octaves_with_a_cadence_clashes():
    """The bass goes from A to D, in whatever octave; so does the locked voice, above a rest of the piece."""
    frame = empty("2/4", 2)
    cadence = Cadence(2, "perfect", frame.key)
    for pitch, dead in ((69, True), (73, False)):
        lock = Locked(0, ((24, 48, pitch),), 24, 48)
        assert is_dead(frame, [*RANGE_RULES, lock, cadence, NoParallels()]) == dead


def spell(notes, length=24):
    """Tokens of notes, (step, track, pitch) in order, that last so many steps."""
    position = 0
    for step, track, pitch in notes:
        if step != position:
            position = step
            yield VOCABULARY.id(Kind.POSITION_LOW, step)
        yield VOCABULARY.id(Kind.TRACK, track)
        yield VOCABULARY.id(Kind.PITCH, pitch)
        yield VOCABULARY.id(Kind.DURATION_LOW, length)


# Crossing and spacing


def test_voices_do_not_cross_and_stay_together():
    for parts in finished(empty("4/4", 3), NARROW, NoCrossing()):
        for step in onsets(parts):
            pitches = [pitch_at(part, step) for part in parts]
            heard = [pitch for pitch in pitches if pitch is not None]
            assert heard == sorted(heard, reverse=True)
            assert all(None in pair or pair[0] - pair[1] <= 12 for pair in pairwise(pitches[:3]))


@pytest.mark.parametrize(
    ("pitches", "kept"),
    [
        ((72, 65, 60, 48), 1),
        ((72, 60, 60, 36), 1),  # unison; tenor and bass may be far apart
        ((72, 59, 55, 48), 0),  # more than an octave
        ((72, 65, 52, 48), 0),
        ((64, 65, 60, 48), 0),  # crossed
        ((72, None, 55, 48), 1),  # neighbours only
        ((60, None, 64, 48), 0),  # crossed beyond a silent one
    ],
)
def test_whether_voices_cross_or_gape(pitches, kept):
    frame = empty("2/4", 1)
    score = scored(frame, [[] if pitch is None else [(0, 48, pitch)] for pitch in pitches])
    assert NoCrossing().held(score) == Held(kept, 1)


def test_a_held_voice_is_a_border():
    frame = empty("2/4", 1)
    state = State()
    for token in (*opening(frame), *spell([(0, 0, 72), (0, 2, 60)]), VOCABULARY.id(Kind.POSITION_LOW, 12)):
        state.advance(token)
    for track, bounds in ((1, (60, 72)), (3, (0, 60))):
        state.advance(VOCABULARY.id(Kind.TRACK, track))
        mask = allowed([state], [NoCrossing()])[0, VOCABULARY.span(Kind.PITCH)]
        assert (int(mask.argmax()), 127 - int(mask[::-1].argmax())) == bounds
        state.advance(VOCABULARY.id(Kind.PITCH, bounds[0]))
        state.advance(VOCABULARY.id(Kind.DURATION_LOW, 12))


def test_the_lowest_pair_may_be_far_apart():
    state = State()
    held = spell([(0, 3, 36)], length=48)
    for token in (*opening(empty("2/4", 1)), *held, VOCABULARY.id(Kind.POSITION_LOW, 12), VOCABULARY.id(Kind.TRACK, 2)):
        state.advance(token)
    mask = allowed([state], [NoCrossing()])[0, VOCABULARY.span(Kind.PITCH)]
    assert np.flatnonzero(mask).tolist() == list(range(36, 128))


# Thirds


def by_bar(*names):
    return tuple(PlacedChord(bar, Fraction(0), name and Chord.parse(name)) for bar, name in enumerate(names))


@pytest.mark.parametrize(
    "names", [("Dm", "Gm6", "A7", "Dm"), ("Dm", "F/A", "A7/C#", "Bb"), ("Asus4", "A7", None, "Dm")]
)
def test_chords_have_their_thirds_where_they_begin(names):
    frame = empty("4/4", 4)
    placed = by_bar(*names)
    rule = CompleteChords(placed, frame)
    for parts in finished(frame, [*RANGE_RULES, Chords(placed, frame.key)], rule, seeds=30):
        for bar, name in enumerate(names):
            assert name is None or THIRDS[name] in {pitch % 12 for pitch in heard_at(parts, bar * 96)}


def test_notes_that_are_held_over_a_change_of_chord_take_its_third_from_nobody():
    frame = empty("2/4", 3)
    placed = by_bar("Dm", "A7", "Dm")
    long = Durations((Fraction(1), Fraction(3)), (0, 1, 2))
    rules, rule = [*RANGE_RULES, Chords(placed, frame.key), long], CompleteChords(placed, frame)
    for parts in finished(frame, rules, rule, seeds=40):
        for bar, third in enumerate((5, 1, 5)):
            assert third in {pitch % 12 for pitch in heard_at(parts, bar * 48)}


def test_the_only_voice_that_can_sing_the_third_must():
    """At the second bar line alto and tenor hold; only the soprano, the first of all tracks, is left."""
    frame, state = empty("2/4", 2), State()
    position, bar = VOCABULARY.id(Kind.POSITION_LOW, 24), VOCABULARY.id(Kind.BAR)
    for token in (*opening(frame), position, *spell([(0, 1, 69), (0, 2, 64)], length=72), bar):
        state.advance(token)
    state.advance(VOCABULARY.id(Kind.POSITION_LOW, 0))
    rule = CompleteChords(by_bar("Dm", "A7"), frame)
    mask = allowed([state], [rule])[0]
    assert mask[VOCABULARY.id(Kind.TRACK, 0)]
    assert not mask[VOCABULARY.id(Kind.TRACK, 3)]
    assert not mask[VOCABULARY.span(Kind.POSITION_LOW)].any()
    state.advance(VOCABULARY.id(Kind.TRACK, 0))
    pitches = np.flatnonzero(allowed([state], [rule])[0, VOCABULARY.span(Kind.PITCH)])
    assert set((pitches % 12).tolist()) == {1}


def test_a_third_that_no_voice_can_sing_clashes():
    """Two upper voices hold A and D over the line; the third may or may not reach a third."""
    frame = empty("2/4", 2)
    locks = [Locked(0, ((0, 96, 74),), 0, 96), Locked(1, ((0, 96, 69),), 0, 96)]
    rules = [*locks, CompleteChords(by_bar("Dm", "Dm"), frame)]
    assert not is_dead(frame, [Range(2, 53, 60), *rules])
    assert is_dead(frame, [Range(2, 54, 60), *rules])


def test_the_only_voice_that_can_sing_a_third_must():
    frame = empty("2/4", 1)
    locks = [Locked(0, ((0, 48, 74),), 0, 48), Locked(1, ((0, 48, 69),), 0, 48)]
    domain = narrowed(frame, [*locks, CompleteChords(by_bar("Dm"), frame)])
    assert domain.must_sound[2, 0]
    assert set(np.flatnonzero(domain.sound[2, 0]) % 12) == {5}


def test_whether_chords_have_their_thirds():
    frame = empty("2/4", 2)
    rule = CompleteChords(by_bar("Dm", "A7"), frame)
    bass, full, hollow = [(0, 48, 50), (48, 96, 45)], [(0, 48, 65), (48, 96, 61)], [(0, 48, 69), (48, 96, 64)]
    assert rule.held(scored(frame, [hollow, full, hollow, bass])) == Held(2, 2)
    assert rule.held(scored(frame, [hollow, full[:1], hollow, bass])) == Held(1, 2)
    assert rule.held(scored(frame, [hollow, hollow, hollow, bass])) == Held(0, 2)


def test_of_two_voices_and_of_power_chords_nothing_is_asked():
    score = scored(empty("2/4", 1), [[(0, 48, 62)]] * 4)
    for name in ("D5", "D7no3"):
        assert CompleteChords(by_bar(name), empty("2/4", 1)).held(score) == Held(0, 0)
    two = scored(empty("2/4", 1, 2), [[(0, 48, 62)]] * 2)
    assert CompleteChords(by_bar("Dm"), empty("2/4", 1, 2)).held(two) == Held(0, 0)


def test_labels():
    assert Polyphony(3).label == "at most 3 parts at once"
    assert NoParallels().label == "no parallel fifths or octaves"
    assert NoCrossing().label == "no crossing, upper voices within an octave"
    assert CompleteChords((), empty()).label == "chords with their thirds"
