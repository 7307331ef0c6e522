"""Given chords, scales, and the tokens that state chords."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.chord import Chord
from theory.constraint import Cadence, Chords, Held, InScale, Range, narrowed
from theory.errors import RequestError
from theory.key import Key
from theory.progression import PlacedChord

from .walks import (
    PARTS,
    QUARTER,
    RANGES,
    TOKENIZER,
    empty,
    heard_at,
    is_dead,
    masks,
    opening,
    pitch_at,
    scored,
    sung,
    walk,
    written,
)

SOME = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
# Pitch classes of chords, the bass first; of scales; what dominants may raise in minor.
TONES = {
    "Dm": [2, 5, 9], "Gm6": [7, 10, 2, 4], "A7/C#": [1, 9, 4, 7], "A7": [9, 1, 4, 7], "Bb": [10, 2, 5],
    "C/E": [4, 0, 7], "Gm/A": [9, 7, 10, 2], "Em7b5": [4, 7, 10, 2], "Asus4": [9, 2, 4], "G7(b9)": [7, 11, 2, 5, 8],
    "F#dim": [6, 9, 0],
}  # fmt: skip
SCALES = {"D minor": {2, 4, 5, 7, 9, 10, 0}, "F major": {5, 7, 9, 10, 0, 2, 4}}
RAISED = {"D minor": {11, 1}, "F major": set()}
DOMINANTS = {"D minor": {"A7", "A7/C#"}, "F major": {"C/E"}}
# Steps of a bar, and where its strong beats are.
BARS = {"4/4": 96, "3/4": 72, "2/4": 48, "6/8": 72, "5/4": 120}
STRONG = {"4/4": (0, 48), "3/4": (0,), "2/4": (0,), "6/8": (0, 36), "5/4": (0, 72)}


class Given(NamedTuple):
    """A chord by name from a step on, up to another."""

    start: int
    end: int
    name: str | None


def placed(meter: str, chords: list[tuple[int, str | None]]) -> tuple[PlacedChord, ...]:
    bar = BARS[meter]
    return tuple(
        PlacedChord(step // bar, Fraction(step % bar, QUARTER), name and Chord.parse(name)) for step, name in chords
    )


def by_bar(*names: str | None, meter: str = "4/4") -> tuple[PlacedChord, ...]:
    return placed(meter, [(BARS[meter] * bar, name) for bar, name in enumerate(names)])


@st.composite
def progressions(draw: st.DrawFn) -> tuple[str, list[tuple[int, str | None]]]:
    """A meter, and chords by their step: one at every bar line but perhaps the first, and some between."""
    meter = draw(st.sampled_from(sorted(BARS)))
    names = st.sampled_from([*TONES, None])
    steps = [bar * BARS[meter] + place for bar in range(3) for place in (0, *draw(st.sampled_from([(), (24,), (36,)])))]
    return meter, [(step, draw(names)) for step in steps[draw(st.integers(0, 1)) :]]


def check(score, meter, key, between, chords):
    """Every chord is kept, by the tables above."""
    parts, end = sung(score), 3 * BARS[meter]
    ends = [step for step, _ in chords[1:]] + [end]
    for start, end, name in (Given(step, end, name) for (step, name), end in zip(chords, ends, strict=True)):
        if name is None:
            continue
        tones = set(TONES[name])
        assert pitch_at(parts[-1], start) % 12 == TONES[name][0]
        strong = {bar * BARS[meter] + place for bar in range(3) for place in STRONG[meter]}
        for step in range(start, end) if between == "chord" else {start, *(strong & set(range(start, end)))}:
            assert {pitch % 12 for pitch in heard_at(parts, step)} <= tones
        begun = {note.pitch % 12 for part in parts for note in part if start <= note.start < end}
        if between == "scale":
            assert begun <= tones | SCALES[key] | (RAISED[key] if name in DOMINANTS[key] else set())
    events = [(event.tick // 20, event.chord) for event in score.chords]
    assert events == [(step, name and Chord.parse(name)) for step, name in chords]


@SOME
@given(progressions(), st.sampled_from(sorted(SCALES)), st.sampled_from(["chord", "scale", "any"]), st.integers(0, 99))
def test_given_chords_are_kept_and_stated(progression, key, between, seed):
    meter, chords = progression
    frame = empty(meter, 3, 3, key)
    rule = Chords(placed(meter, chords), frame.key, between)
    check(written(frame, [rule], seed), meter, key, between, chords)


def test_a_melody_alone_begins_chords_on_any_of_their_tones():
    frame = empty("4/4", 2, 1)
    rule = Chords(by_bar("Dm", "A7"), frame.key)
    scores = [written(frame, [rule], seed) for seed in range(12)]
    begins = {pitch % 12 for score in scores if (pitch := pitch_at(sung(score)[0], 0)) is not None}
    assert begins <= {2, 5, 9}
    assert begins != {2}
    assert rule.held(scored(frame, [[(0, 96, 65), (96, 192, 61)]])) == Held(6, 6)
    assert rule.held(scored(frame, [[(0, 96, 64), (96, 192, 61)]])) == Held(4, 6)


def test_the_same_chord_twice_is_begun_twice():
    score = written(empty("4/4", 2), [Chords(by_bar("Dm", "Dm"), Key.parse("D minor"))])
    assert [event.tick for event in score.chords] == [0, 4 * 480]


def test_what_may_sound_between_strong_beats():
    """Each setting allows what the narrower one does not."""
    frame, chord, scale = empty("4/4", 2, 1), {2, 5, 9}, SCALES["D minor"]
    found = {}
    for between in ("chord", "scale", "any"):
        rule = Chords(by_bar("Dm", "Dm"), frame.key, between)
        constraints = masks(frame, [rule])
        walks = (walk(seed, opening(frame), constraints, by_kind=True) for seed in range(25))
        found[between] = {note.pitch % 12 for ids in walks for note in sung(TOKENIZER.decode(ids))[0]}
    assert found["chord"] == chord
    assert chord < found["scale"] <= scale
    assert not found["any"] <= scale


def test_chords_beyond_the_piece_are_left_out():
    score = written(empty("4/4", 2), [Chords(by_bar("Dm", "A7", "Gm6"), Key.parse("D minor"))])
    assert len(score.chords) == 2


def test_a_range_without_the_bass_clashes():
    frame = empty("4/4", 2)
    assert is_dead(frame, [Chords(by_bar("Dm", "A7"), frame.key), Range(3, 50, 56)])
    assert not is_dead(frame, [Chords(by_bar("Dm", "A7"), frame.key), Range(3, 50, 57)])


def test_how_far_chords_hold():
    frame = empty("4/4", 2, 2)
    chords = by_bar("Dm", None)
    top, bass = [(0, 24, 65), (24, 48, 64), (48, 96, 69)], [(0, 192, 50)]
    assert Chords(chords, frame.key, "any").held(scored(frame, [top, bass])) == Held(2, 2)
    assert Chords(chords, frame.key, "scale").held(scored(frame, [top, bass])) == Held(6, 6)
    assert Chords(chords, frame.key, "chord").held(scored(frame, [top, bass])) == Held(5, 6)
    assert Chords(chords, frame.key, "any").held(scored(frame, [[(48, 96, 64)], bass])) == Held(1, 2)
    assert Chords(chords, frame.key, "any").held(scored(frame, [top, [(0, 192, 53)]])) == Held(1, 2)  # another bass
    assert Chords(chords, frame.key, "any").held(scored(frame, [top, []])) == Held(1, 2)  # none


def test_chords_that_are_none():
    with pytest.raises(RequestError, match="no chords are given"):
        Chords((), Key.parse("C"))
    with pytest.raises(RequestError, match="choose one of chord, scale, any"):
        Chords(by_bar("Dm"), Key.parse("C"), "all")
    with pytest.raises(RequestError, match="the chord Dm in bar 1 is not on the grid"):
        written(empty(), [Chords((PlacedChord(0, Fraction(1, 7), Chord.parse("Dm")),), Key.parse("C"))])
    after_upbeat = empty("4/4", 3)._replace(pickup=True)
    with pytest.raises(RequestError, match="the chord Dm in bar 2 is not on the grid"):
        narrowed(after_upbeat, [Chords((PlacedChord(2, Fraction(1, 7), Chord.parse("Dm")),), Key.parse("C"))])


# Scales


@SOME
@given(st.sampled_from(sorted(BARS)), st.frozensets(st.integers(0, 11), min_size=1, max_size=7), st.integers(0, 99))
def test_notes_keep_to_a_scale(meter, classes, seed):
    score = written(empty(meter, 2), [InScale(tuple(sorted(classes)), "a scale")], seed)
    assert {note.pitch % 12 for part in sung(score) for note in part} <= classes


def may_begin(frame, rule):
    """Pitch classes of the notes that may begin, by bar."""
    starts = narrowed(frame, [rule]).start[0]
    bars = (starts[start:end] for start, end in pairwise(frame.lines))
    return [{int(pitch) % 12 for pitch in np.flatnonzero(bar.any(axis=0))} for bar in bars]


def test_minor_raises_its_sixth_and_seventh_where_nothing_or_a_dominant_is_given():
    frame, minor = empty("4/4", 3, 1), SCALES["D minor"]
    key = Key.parse("D minor")
    chords = by_bar(None, "Bb", "A7")
    rule = InScale(key.pitch_classes, "D minor", key, chords)
    assert may_begin(frame, rule) == [minor | {11, 1}, minor, minor | {11, 1}]
    assert may_begin(frame, InScale(key.pitch_classes, "D minor", key)) == [minor | {11, 1}] * 3
    for seed in range(3):
        begun = sung(written(frame, [Chords(chords, key, "any"), rule], seed))[0]
        assert all(note.pitch % 12 in minor | ({11, 1} if note.start // 96 != 1 else set()) for note in begun)


def test_the_tones_of_a_given_chord_are_always_allowed():
    frame, key = empty("4/4", 2, 1, "F major"), Key.parse("F major")
    chords = by_bar("F#dim", "C/E")
    major = SCALES["F major"]
    assert may_begin(frame, InScale(key.pitch_classes, "F major", key, chords)) == [major | {6}, major]
    assert may_begin(frame, InScale((0, 4, 7), "C", None, by_bar("Bb"))) == [{0, 4, 7, 10, 2, 5}] * 2


def test_how_far_a_scale_holds():
    frame = empty("4/4", 2, 2)
    score = scored(frame, [[(0, 24, 62), (24, 48, 61), (96, 120, 61)], [(0, 192, 50)]])
    key = frame.key
    assert InScale(key.pitch_classes, "D minor").held(score) == Held(2, 4)
    assert InScale(key.pitch_classes, "D minor", key).held(score) == Held(4, 4)
    assert InScale(key.pitch_classes, "D minor", key, by_bar("Dm", "A7")).held(score) == Held(3, 4)


# What the piece states


def test_no_chords_are_stated_that_nobody_gave():
    assert written(empty("4/4", 3), []).chords == ()


def test_between_given_cadences_a_model_may_write_chords_of_its_own():
    frame = empty("4/4", 4)
    rules = [*RANGE_RULES, Cadence(2, "half", frame.key), Cadence(4, "perfect", frame.key)]
    rules = masks(frame, rules, own_chords=True)
    own = 0
    for seed in range(6):
        score = TOKENIZER.decode(walk(seed, opening(frame), rules, by_kind=True))
        stated = {event.tick // 20: str(event.chord) for event in score.chords}
        assert {step: stated.pop(step, None) for step in (96, 264, 288)} == {96: "A", 264: "A", 288: "Dm"}
        assert not any(264 < step < 288 for step in stated)
        own += len(stated)
    assert own


@pytest.mark.parametrize("name", ["N.C.", "C", "F#m7b5/E", "Bbmaj7(#11)", "G7(b9,13)", "Ab/C"])
def test_every_kind_of_chord_can_be_stated(name):
    chord = None if name == "N.C." else Chord.parse(name)
    rule = Chords((PlacedChord(0, Fraction(0), chord), PlacedChord(0, Fraction(5, 2), chord)), Key.parse("C"), "any")
    for seed in range(3):
        score = written(empty("4/4", 1, 2), [rule], seed)
        assert [(event.tick, event.chord) for event in score.chords] == [(0, chord), (1200, chord)]


def test_labels():
    key = Key.parse("D minor")
    assert Chords(by_bar("Dm", "A7/C#", None), key).label == "chords Dm A7/C# N.C."
    assert Chords(by_bar(*["Dm"] * 9), key).label == f"chords {'Dm ' * 8}..."
    assert InScale(key.pitch_classes, "D minor").label == "scale D minor"
