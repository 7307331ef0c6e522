"""Rules of four-part writing: each broken and kept, and music21 as the oracle."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from theory.chord import Chord
from theory.errors import RequestError, UnknownNameError
from theory.event import ChordEvent, KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.pitch import Pitch
from theory.score import Score, Track
from theory.voice_leading import BACH_RATES, RULES, Texture, rates, violations

NAMES = ("Soprano", "Alto", "Tenor", "Bass")
WHITE = [number for number in range(48, 80) if number % 12 in (0, 2, 4, 5, 7, 9, 11)]


def voices(*lines: str, key: str = "C", chords: str = "", names: tuple[str, ...] = NAMES, **fields: object) -> Score:
    """A score of quarters: pitches, "-" for a rest and "_" for one that goes on."""
    tracks = []
    for name, line in zip(names, lines, strict=False):
        notes: list[tuple[int, int, int]] = []
        for index, word in enumerate(line.split()):
            if word == "_":
                onset, duration, pitch = notes.pop()
                notes.append((onset, duration + 480, pitch))
            elif word != "-":
                notes.append((480 * index, 480, Pitch.parse(word).midi))
        tracks.append(Track.from_notes(notes, name=name))
    events = tuple(
        ChordEvent(480 * index, Chord.parse(word)) for index, word in enumerate(chords.split()) if word != "_"
    )
    return Score(tuple(tracks), keys=(KeyEvent(0, Key.parse(key)),), chords=events, **fields)  # type: ignore[arg-type]


# Rule: lines that break it once and no other rule in the list below them, and what the text says.
BROKEN = {
    "parallel_fifths": (("G4 A4", "C4 D4"), "bar 1: Soprano (G4 to A4) and Alto (C4 to D4) move in parallel fifths"),
    "parallel_octaves": (("C5 D5", "C4 D4"), "bar 1: Soprano (C5 to D5) and Alto (C4 to D4) move in parallel octaves"),
    "antiparallel": (("C5 G4", "C4 G4"), "move by contrary motion in fifths or octaves"),
    "hidden_fifths": (("C4 G4", "A3 C4"), "move in the same direction to a fifth"),
    "hidden_octaves": (("C5 G5", "F3 G3"), "move in the same direction to an octave"),
    "crossing": (("E4 C4", "C4 E4"), "bar 1: Soprano (E4 to C4) and Alto (C4 to E4) cross"),
    "overlap": (("E4 A4", "C4 F4"), "bar 1: Soprano (E4 to A4) and Alto (C4 to F4) overlap"),
    "spacing": (("C5 E5", "G4 C4", "C3 C3"),
    "bar 1: Soprano (C5 to E5) and Alto (G4 to C4) are more than an octave apart"),
    "doubling": (("D5 B4", "D4 G4", "D3 B3", "D3 G2"),
    "bar 1: Soprano (D5 to B4) and Tenor (D3 to B3) double the leading tone"),
    "leading_tone": (("B4 G4", "G4 E4", "D4 C4", "G3 C3"), "bar 1: Soprano (B4 to G4) leaves the leading tone without"),
    "seventh": (("D5 C5", "B4 C5", "F4 G4", "G3 C3"),
    "bar 1: Tenor (F4 to G4) leaves the seventh without stepping down"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_found_where_it_is(rule: str) -> None:
    lines, text = BROKEN[rule]
    (found,) = violations(voices(*lines), [rule])
    assert text in found.text
    assert (found.rule, found.bar, found.tick) == (rule, 1, 480)
    assert list(found.voices) == [index for index in found.voices if NAMES[index] in found.text]


CLEAN = {
    "parallel_fifths": [
        ("G4 G4", "C4 C4"), ("G4 A4", "C4 C4"), ("G4 A4", "C4 E4"), ("G4 - A4", "C4 D4 D4"), ("G4 F4", "C4 Bb4"),
        ("G4 C4", "C4 F4"), ("F4 G4", "B3 C4"),
    ],
    "parallel_octaves": [("C5 D5", "C4 B3"), ("C5 C5", "C4 C4"), ("C5 C6", "C4 C4"), ("C5 - D5", "C4 D4 _")],
    "antiparallel": [("C5 D5", "C4 D4"), ("C5 G4", "C4 F4")],
    "hidden_fifths": [("F4 G4", "A3 C4"), ("C4 G4", "D4 C4"), ("C5 G4", "C4 C4")],
    "hidden_octaves": [("F5 G5", "E3 G3"), ("C5 G5", "A3 G3")],
    "crossing": [("E4 C4", "C4 C4"), ("E4 -", "C4 G4")],
    "overlap": [("E4 C4", "C4 C4"), ("E4 A4", "C4 E4")],
    "spacing": [("C5 E5", "C4 C3"), ("C5 C5", "C4 C4", "C3 C3")],
    "doubling": [("E5 B4", "G4 E4", "D3 B3", "G3 E3"), ("D5 B4", "D4 G4", "D3 D3", "D3 G2")],
    "leading_tone": [("B4 C5", "G4 G4", "D4 E4", "G3 C3"), ("B4 _ C5", "G4 G4 G4", "D4 F4 E4", "G3 G3 C3"),
                     ("B4 G4", "G4 G4", "D4 D4", "G3 B3"), ("B4 A4", "G4 E4", "E4 E4", "E3 C3")],
    "seventh": [("D5 C5", "B4 C5", "F4 E4", "G3 C3"), ("D5 C5", "B4 A4", "F4 F4", "G3 F3"),
                ("D5 F5", "B4 B4", "F4 D4", "G3 G3")],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "lines"), [(rule, lines) for rule, many in CLEAN.items() for lines in many])
def test_what_keeps_a_rule(rule: str, lines: tuple[str, ...]) -> None:
    assert violations(voices(*lines), [rule]) == ()


def test_all_rules_keep_quiet_about_a_good_cadence() -> None:
    score = voices("C5 D5 B4 C5", "G4 A4 G4 G4", "E4 F4 F4 E4", "C3 F3 G3 C3", chords="C Dm/F G7 C")
    assert violations(score) == ()
    assert set(rates(score).values()) == {0}


def test_chords_of_the_score_decide_the_harmony() -> None:
    lines = ("E5 D5", "B4 C5", "G4 A4", "C4 F3")
    (found,) = violations(voices(*lines, chords="Cmaj7 Dm7"), ["seventh"])
    assert found.voices == (1,)
    assert violations(voices(*lines), ["seventh"]) == ()  # as a sonority it might be many things
    lines = ("B4 G4", "G4 G4", "E4 E4", "C4 C4")
    assert violations(voices(*lines, chords="C _"), ["leading_tone"]) == ()
    lines = ("B4 G4", "G4 G4", "C4 E4", "G3 C3")
    assert len(violations(voices(*lines, chords="G C"), ["leading_tone"])) == 1  # over a suspended fourth
    assert violations(voices(*lines, chords="G"), ["leading_tone"]) == ()  # still a dominant


def test_minor_has_a_raised_leading_tone() -> None:
    lines = ("G#4 E4", "E4 C4", "B3 A3", "E3 A2")
    assert [found.text for found in violations(voices(*lines, key="a"), ["leading_tone"])] == [
        "bar 1: Soprano (G#4 to E4) leaves the leading tone without rising to the tonic"
    ]
    assert violations(voices(*lines, key="C"), ["leading_tone"]) == ()


def test_bars_count_as_musicians_do() -> None:
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))
    lines = ("C5 D5 E5 F5 G5", "C4 D4 E4 F4 G4")
    assert [v.bar for v in violations(voices(*lines, meters=meters), ["parallel_octaves"])] == [1, 1, 1, 2]
    assert [v.bar for v in violations(voices(*lines), ["parallel_octaves"])] == [1, 1, 1, 2]
    early = voices("E5 F5 E5 F5 G5", "C6 C4 C4 C4 C4", meters=meters)
    assert [v.bar for v in violations(early, ["crossing"])] == [0]


def test_a_state_counts_once() -> None:
    crossed = voices("C4 C4 D4 G4", "E4 F4 G4 C4")
    assert len(violations(crossed, ["crossing"])) == 1
    assert len(violations(voices("C6 D6 E6", "C4 C4 C4", "C3 C3 C3"), ["spacing"])) == 1


def test_rates_are_for_a_hundred_changes() -> None:
    score = voices("C5 D5 E5 F5 G5", "C4 D4 E4 F4 F4")
    assert Texture.of(score).moments == 4
    assert rates(score, ["parallel_octaves"]) == {"parallel_octaves": 75}
    assert BACH_RATES.keys() == RULES.keys()


def test_drums_are_no_voice_and_few_voices_break_few_rules() -> None:
    score = voices("C5 D5", "C4 D4")
    drums = Track.from_notes([(0, 480, 36), (0, 480, 42)], is_drum=True)
    (found,) = violations(score.replace(tracks=(drums, *score.tracks)), ["parallel_octaves"])
    assert found.voices == (1, 2)
    assert violations(voices("C5 D5")) == ()
    assert violations(Score(keys=score.keys)) == ()
    assert violations(voices("- -", "- -")) == ()


def test_unfit_requests_say_so_in_one_line() -> None:
    chordal = Track.from_notes([(0, 960, 60), (1920, 960, 64), (2000, 480, 67)], name="Piano")
    with pytest.raises(RequestError, match="track 'Piano' has two notes at a time in bar 2"):
        violations(Score((chordal,)))
    with pytest.raises(UnknownNameError, match="no rule is called 'fifths': choose among parallel_fifths"):
        violations(voices("C4"), ["fifths"])
    with pytest.raises(RequestError, match="names no key"):
        violations(voices("C4").replace(keys=()), ["leading_tone"])


@given(*[st.sampled_from(WHITE)] * 4, st.sampled_from([None, 0, 7, 12, 19]), st.sampled_from([None, 0, 7, 12, 19]))
def test_two_voices_agree_with_music21(a: int, b: int, c: int, d: int, first: int | None, second: int | None) -> None:
    """On what both define alike: no crossing; parallels in one direction and one octave; hidden ones by leap."""
    from music21.note import Note
    from music21.voiceLeading import VoiceLeadingQuartet

    c, d = c if first is None else a - first, d if second is None else b - second
    assume(c in WHITE and d in WHITE)
    theirs = VoiceLeadingQuartet(*[Note(number) for number in (a, b, c, d)])
    lines = (Track.from_notes([(0, 480, x), (480, 480, y)]) for x, y in ((a, b), (c, d)))
    ours = {found.rule for found in violations(Score(tuple(lines), keys=(KeyEvent(0, Key(0)),)))}
    assert ("crossing" in ours) == theirs.voiceCrossing()
    if a < c or b < d:
        return
    assert ("overlap" in ours) == theirs.voiceOverlap()
    is_similar = np.sign(b - a) == np.sign(d - c) != 0
    assert ("parallel_fifths" in ours) == (is_similar and theirs.parallelFifth())
    if is_similar and a - c == b - d:
        assert ("parallel_octaves" in ours) == (theirs.parallelOctave() or theirs.parallelUnison())
    if abs(b - a) > 2 and (a - c) % 12 != 6:  # they take a diminished fifth for a fifth
        assert ("hidden_fifths" in ours) == theirs.hiddenFifth()
        assert ("hidden_octaves" in ours) == theirs.hiddenOctave()
