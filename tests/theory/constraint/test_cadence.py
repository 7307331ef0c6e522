"""How phrases and pieces end."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.chord import Chord
from theory.constraint import CADENCES, Cadence, Chords, Density, FinalChord, FinalTonic, Held, InScale, MaxLeap, Range
from theory.errors import RequestError
from theory.key import Key
from theory.progression import PlacedChord

from .walks import PARTS, RANGES, empty, heard_at, is_dead, pitch_at, scored, sung, written

SOME = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
RANGE_RULES = tuple(Range(part, *bounds, PARTS[part]) for part, bounds in enumerate(RANGES))
BARS = {"4/4": 96, "3/4": 72, "2/4": 48, "6/8": 72, "5/4": 120}
BEATS = {"6/8": 36}  # others: a quarter
TONICS = {"C major": 0, "D minor": 2, "F# minor": 6, "Bb major": 10}
# Semitones above the tonic, the bass first, in major and in minor; and what the top voice may arrive on.
TRIADS = {
    "I": ((0, 4, 7), (0, 3, 7)), "IV": ((5, 9, 0), (5, 8, 0)), "V": ((7, 11, 2), (7, 11, 2)),
    "vi": ((9, 0, 4), (8, 0, 3)), "iv6": ((8, 5, 0), (8, 5, 0)),
}  # fmt: skip
FORMULAS = {
    "perfect": ("V", "I", (0,)), "imperfect": ("V", "I", (1, 2)), "half": (None, "V", (0, 1, 2)),
    "plagal": ("IV", "I", (0, 1, 2)), "deceptive": ("V", "vi", (0, 1, 2)), "phrygian": ("iv6", "V", (0, 1, 2)),
}  # fmt: skip


def triad(name, key):
    return [(TONICS[key] + tone) % 12 for tone in TRIADS[name]["minor" in key]]


def check(score, key, meter, bar, kind):
    """The cadence is there, by the tables above."""
    parts, before, (approach, arrival, top) = sung(score), BEATS.get(meter, 24), FORMULAS[kind]
    line, end = (bar - 1) * BARS[meter], score.bars * BARS[meter]
    for step, name in ((line - before, approach), (line, arrival)):
        if name is None:
            continue
        heard = [pitch % 12 for pitch in heard_at(parts, step)]
        assert len(heard) == 4
        assert set(heard) <= set(triad(name, key))
        assert heard[-1] == triad(name, key)[0]
    assert line in {note.start for note in parts[0]} & {note.start for note in parts[-1]}
    if approach is not None:
        held = {pitch_at(parts[-1], step) for step in range(line - before, line)}
        assert {pitch is not None and pitch % 12 for pitch in held} == {triad(approach, key)[0]}
    assert pitch_at(parts[0], line) % 12 in {triad(arrival, key)[place] for place in top}
    if bar == score.bars:
        last = [pitch % 12 for pitch in heard_at(parts, end - 1)]
        assert len(last) == 4
        assert last[-1] == triad(arrival, key)[0]
        everything = {pitch % 12 for step in range(line, end) for pitch in heard_at(parts, step)}
        assert everything <= set(triad(arrival, key))


def test_the_table_has_all_kinds():
    assert list(CADENCES) == list(FORMULAS)


@SOME
@given(
    st.sampled_from(sorted(FORMULAS)),
    st.sampled_from(sorted(TONICS)),
    st.sampled_from(sorted(BARS)),
    st.sampled_from([2, 3]),
    st.integers(0, 99),
)
def test_cadences_are_made_where_they_are_asked_for(kind, key, meter, bar, seed):
    frame = empty(meter, 3, key=key)
    score = written(frame, [*RANGE_RULES, Cadence(bar, kind, frame.key)], seed)
    check(score, key, meter, bar, kind)
    beat = BEATS.get(meter, 24)
    stated = [event.tick // 20 for event in score.chords]
    line = (bar - 1) * BARS[meter]
    assert stated == [line] if kind == "half" else stated == [line - beat, line]


def test_several_cadences_and_other_rules_together():
    frame = empty("3/4", 6, key="D minor")
    asked = [(2, "half"), (4, "deceptive"), (6, "perfect")]
    rules = [*RANGE_RULES, *(Cadence(bar, kind, frame.key) for bar, kind in asked), MaxLeap(7), Density(2, 4)]
    score = written(frame, rules, 5)
    for bar, kind in asked:
        check(score, "D minor", "3/4", bar, kind)


# Modes: the pitch classes of approach and arrival, the bass first.
MODAL = {
    ("D dorian", "perfect"): ((9, 1, 4), (2, 5, 9)),
    ("D dorian", "half"): (None, (9, 1, 4)),
    ("D dorian", "plagal"): ((7, 11, 2), (2, 5, 9)),
    ("D dorian", "deceptive"): ((9, 1, 4), (11, 2, 7)),
    ("D dorian", "phrygian"): ((10, 2, 7), (9, 1, 4)),
    ("G mixolydian", "perfect"): ((2, 6, 9), (7, 11, 2)),
    ("G mixolydian", "plagal"): ((0, 4, 7), (7, 11, 2)),
    ("G mixolydian", "deceptive"): ((2, 6, 9), (4, 7, 11)),
    ("E phrygian", "perfect"): ((5, 9, 2), (4, 8, 11)),
    ("E phrygian", "imperfect"): ((5, 9, 2), (4, 8, 11)),
    ("E phrygian", "plagal"): ((9, 0, 4), (4, 8, 11)),
    ("E phrygian", "phrygian"): ((5, 9, 2), (4, 8, 11)),
    ("F lydian", "perfect"): ((0, 4, 7), (5, 9, 0)),
}  # fmt: skip


@pytest.mark.parametrize(("key", "kind"), MODAL)
@pytest.mark.parametrize("seed", [0, 1])
def test_modes_have_cadences_of_their_own_whatever_their_scale_says(key, kind, seed):
    frame = empty("4/4", 3, key=key)
    cadence = Cadence(3, kind, frame.key)
    scale = InScale(frame.key.pitch_classes, key, frame.key, cadence.placed(frame))
    score = written(frame, [*RANGE_RULES, cadence, scale], seed)
    parts = sung(score)
    for step, tones in zip((2 * 96 - 24, 2 * 96), MODAL[key, kind], strict=True):
        if tones is not None:
            heard = [pitch % 12 for pitch in heard_at(parts, step)]
            assert len(heard) == 4
            assert set(heard) <= set(tones)
            assert heard[-1] == tones[0]
    top = pitch_at(parts[0], 2 * 96) % 12
    assert (kind == "perfect") <= (top == frame.key.tonic_pitch_class)
    assert (kind == "imperfect") <= (top != frame.key.tonic_pitch_class)
    assert cadence.held(score) == Held(1, 1)


@pytest.mark.parametrize(
    ("key", "kind", "message"),
    [
        ("E phrygian", "half", "phrygian has no half cadence: choose one of perfect, imperfect, plagal, phrygian"),
        ("E phrygian", "deceptive", "phrygian has no deceptive cadence: choose one of perfect, "),
        ("B locrian", "perfect", "locrian has no perfect cadence: leave it out"),
    ],
)
def test_a_cadence_that_the_mode_does_not_have(key, kind, message):
    with pytest.raises(RequestError, match=message):
        Cadence(4, kind, Key.parse(key))


def chords(*names):
    places = [(0, 0), (0, 3), (1, 0)]
    return tuple(
        PlacedChord(bar, Fraction(beat), Chord.parse(name)) for (bar, beat), name in zip(places, names, strict=True)
    )


def test_given_chords_serve_a_cadence_or_clash_with_it():
    frame = empty("4/4", 2)
    cadence = Cadence(2, "perfect", frame.key)
    for names in (("Dm", "A", "Dm"), ("Dm", "A7", "Dm")):
        rule = Chords(chords(*names), frame.key)
        assert not is_dead(frame, [rule, cadence]), names
        written(frame, [rule, cadence])
    for names in (
        ("Dm", "Am", "Dm"),
        ("Dm", "A7/C#", "Dm"),
        ("Dm", "A7", "D"),
        ("Dm", "A7", "Bb"),
        ("Dm", "A7", "Dm7"),
    ):
        assert is_dead(
            frame, [Chords(chords(*(names.split() if isinstance(names, str) else names)), frame.key), cadence]
        ), names


def test_cadences_of_one_bar_exclude_each_other():
    frame = empty("4/4", 3)
    for first, second in (("half", "perfect"), ("perfect", "imperfect"), ("perfect", "plagal")):
        assert is_dead(frame, [Cadence(3, first, frame.key), Cadence(3, second, frame.key)])
    assert not is_dead(frame, [Cadence(2, "half", frame.key), Cadence(3, "perfect", frame.key)])


PERFECT = [[(0, 72, 64), (72, 96, 71), (96, 192, 72)], [(0, 192, 67)], [(72, 96, 62), (96, 192, 64)]]
V_I = [*PERFECT, [(72, 96, 43), (96, 192, 48)]]


@pytest.mark.parametrize(
    ("part", "notes", "kept"),
    [
        (0, PERFECT[0], 1),
        (0, [(72, 96, 71), (96, 192, 76)], 0),  # arrives on the third
        (1, [(0, 96, 67)], 0),  # falls silent
        (1, [(0, 192, 65)], 0),  # the seventh, held into the tonic
        (2, [(72, 96, 65), (96, 192, 64)], 1),  # the seventh, resolved
        (2, [(72, 96, 62), (96, 191, 64)], 0),  # not to the end
        (3, [(72, 96, 47), (96, 192, 48)], 0),  # another bass
    ],
)
def test_whether_a_cadence_is_there(part, notes, kept):
    frame = empty("4/4", 2, key="C major")
    parts = [*V_I[:part], notes, *V_I[part + 1 :]]
    assert Cadence(2, "perfect", frame.key).held(scored(frame, parts)) == Held(kept, 1)


def test_a_cadence_of_no_kind():
    with pytest.raises(RequestError, match=r"'perfekt' is no cadence: choose one of perfect, imperfect, half, "):
        Cadence(4, "perfekt", Key.parse("C"))


@pytest.mark.parametrize("bar", [0, 1, 9])
def test_a_cadence_beyond_the_piece_or_without_a_bar_before_it(bar):
    with pytest.raises(
        RequestError, match=f"a cadence in bar {bar}: with its approach in the bar before, it must be in bars 2 to 8"
    ):
        is_dead(empty("4/4", 8), [Cadence(bar, "half", Key.parse("C"))])


# The ending


@SOME
@given(st.sampled_from(sorted(TONICS)), st.sampled_from(sorted(BARS)), st.integers(0, 99))
def test_pieces_end_on_the_tonic(key, meter, seed):
    frame = empty(meter, 2, key=key)
    parts = sung(written(frame, [*RANGE_RULES, FinalTonic(frame.key, frame.steps)], seed))
    heard = [(pitch - TONICS[key]) % 12 for pitch in heard_at(parts, frame.steps - 1)]
    assert len(heard) == 4
    assert heard[-1] == 0
    thirds = {3, 4} if "minor" in key else {4}
    assert set(heard) <= {0, 7} | thirds
    assert len(set(heard) & {3, 4}) < 2


def test_minor_may_end_on_either_third_but_not_on_both():
    frame = empty("2/4", 1)
    rule = FinalTonic(frame.key, frame.steps)
    found = set()
    for seed in range(30):
        found |= {pitch % 12 for pitch in heard_at(sung(written(frame, [rule], seed)), frame.steps - 1)}
    assert found == {2, 5, 6, 9}
    ends = [[(0, 48, pitch)] for pitch in (77, 69, 66, 50)]
    assert rule.held(scored(frame, ends)) == Held(0, 1)


@pytest.mark.parametrize(
    ("pitches", "kept"),
    [((77, 69, 62, 50), 1), ((78, 69, 62, 50), 1), ((77, 69, 62, 53), 0), ((76, 69, 62, 50), 0)],
)
def test_whether_a_piece_ends_on_the_tonic(pitches, kept):
    frame = empty("2/4", 1)
    score = scored(frame, [[(0, 48, pitch)] for pitch in pitches])
    assert FinalTonic(frame.key, frame.steps).held(score) == Held(kept, 1)
    silent = score.replace(tracks=(*score.tracks[:3], score.tracks[3].replace(duration=[940])))
    assert FinalTonic(frame.key, frame.steps).held(silent) == Held(0, 1)


@pytest.mark.parametrize(("name", "tones"), [("A7/C#", [1, 9, 4, 7]), ("Bb", [10, 2, 5])])
def test_pieces_end_on_a_chord(name, tones):
    frame = empty("3/4", 2)
    rule = FinalChord(Chord.parse(name), frame.steps)
    for seed in range(4):
        heard = [pitch % 12 for pitch in heard_at(sung(written(frame, [rule], seed)), frame.steps - 1)]
        assert len(heard) == 4
        assert heard[-1] == tones[0]
        assert set(heard) <= set(tones)
    last = [[(0, 144, pitch)] for pitch in (76, 69, 64, 60 + tones[2] % 12)]
    assert rule.held(scored(frame, last)) == Held(0, 1)


@pytest.mark.parametrize("kind", [FinalTonic, FinalChord])
def test_where_not_all_parts_must_sing_the_lowest_is_enough(kind):
    frame = empty("2/4", 2)
    what = frame.key if kind is FinalTonic else Chord.parse("Dm")
    rule, counts = kind(what, frame.steps, all_parts=False), set()
    for seed in range(12):
        parts = sung(written(frame, [rule], seed))
        heard = heard_at(parts, frame.steps - 1)
        assert pitch_at(parts[-1], frame.steps - 1) % 12 == 2
        assert {pitch % 12 for pitch in heard} <= {2, 5, 6, 9}
        counts.add(len(heard))
    assert min(counts) < 4
    alone = scored(frame, [[], [], [], [(48, 96, 50)]])
    assert rule.held(alone) == Held(1, 1)
    assert kind(what, frame.steps).held(alone) == Held(0, 1)
    assert rule.held(scored(frame, [[(48, 96, 62)], [], [], []])) == Held(0, 1)


def test_labels():
    key = Key.parse("D minor")
    assert Cadence(8, "perfect", key).label == "perfect cadence in bar 8"
    assert FinalTonic(key, 96).label == "ends on the tonic"
    assert FinalChord(Chord.parse("A7"), 96).label == "ends on A7"
