"""Chords beat by beat: what plain chords are called, and that nothing odd breaks it."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.analysis import analyse
from theory.analysis.by_beat import chords_by_beat
from theory.chord import Chord
from theory.event import ChordEvent, KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track


def block(*names: str, length: int = 960) -> list[tuple[int, int, int]]:
    """Notes of chords one after the other, root below."""
    notes = []
    for index, name in enumerate(names):
        chord = Chord.parse(name)
        bass = 36 + chord.pitch_classes[0]
        notes += [(index * length, length, bass)]
        notes += [(index * length, length, 60 + pitch_class) for pitch_class in chord.pitch_classes]
    return notes


def test_plain_chords_have_their_names() -> None:
    score = Score.from_notes(block("F", "Gm", "C7", "F"), keys=(KeyEvent(0, Key.parse("F")),))
    assert [(event.tick, str(event.chord)) for event in chords_by_beat(score)] == [
        (0, "F"), (960, "Gm"), (1920, "C7"), (2880, "F"),
    ]  # fmt: skip


def test_spelling_is_the_keys() -> None:
    notes = block("Db")
    assert str(chords_by_beat(Score.from_notes(notes, keys=(KeyEvent(0, Key.parse("Ab")),)))[0].chord) == "Db"
    assert str(chords_by_beat(Score.from_notes(notes, keys=(KeyEvent(0, Key.parse("E")),)))[0].chord) == "C#"


def test_silence_is_no_chord_but_at_the_start() -> None:
    notes = [(onset + 960, length, pitch) for onset, length, pitch in block("C", length=480)]
    notes += [(onset + 2880, length, pitch) for onset, length, pitch in block("G", length=480)]
    found = chords_by_beat(Score.from_notes(notes))
    assert [(event.tick, event.chord and str(event.chord)) for event in found] == [
        (960, "C"),
        (1440, None),
        (2880, "G"),
    ]


def test_a_beat_is_the_meters() -> None:
    """In 6/8 chords may change on the dotted quarters."""
    score = Score.from_notes(block("C", "F", length=720), meters=(MeterEvent(0, Meter(6, 8)),))
    assert [(event.tick, str(event.chord)) for event in chords_by_beat(score)] == [(0, "C"), (720, "F")]


def test_drums_and_empty_pieces_have_none() -> None:
    assert chords_by_beat(Score()) == ()
    assert chords_by_beat(Score((Track.from_notes([(0, 480, 36)], is_drum=True),))) == ()


def test_a_long_note_sounds_in_every_beat_it_lasts() -> None:
    score = Score.from_notes([(0, 3840, 48), (0, 3840, 64), (0, 3840, 67)])
    assert chords_by_beat(score) == (ChordEvent(0, Chord.parse("C")),)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000), st.integers(0, 127)), max_size=40),
    st.sampled_from([1, 7, 96, 480, 1024]),
    st.lists(
        st.tuples(st.integers(0, 4000), st.sampled_from(["2/4", "6/8", "5/4", "3/16"])),
        max_size=3,
        unique_by=lambda m: m[0],
    ),
)
def test_any_score_gets_chords_in_order(
    notes: list[tuple[int, int, int]], resolution: int, meters: list[tuple[int, str]]
) -> None:
    events = tuple(MeterEvent(tick, Meter.parse(text)) for tick, text in sorted(meters))
    score = Score.from_notes(notes, ticks_per_quarter=resolution, meters=events)
    found = chords_by_beat(score)
    assert score.replace(chords=found).chords == found
    assert all(a.chord != b.chord for a, b in pairwise(found))


def test_it_mostly_agrees_with_the_full_analysis() -> None:
    names = ["C", "Am", "Dm", "G7", "C", "F", "G", "C"]
    score = Score.from_notes(block(*names))
    assert [str(event.chord) for event in chords_by_beat(score)] == [str(row.chord) for row in analyse(score).chords]
    assert np.all(np.diff([event.tick for event in chords_by_beat(score)]) == 960)
