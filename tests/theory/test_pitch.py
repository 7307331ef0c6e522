"""Pitches and the line of fifths, against music21."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.errors import PitchError
from theory.pitch import Pitch

PLACES = st.integers(-22, 26)
LETTERS = st.sampled_from("ABCDEFG")


def test_doctests() -> None:
    assert doctest.testmod(pitch).failed == 0


@given(PLACES)
def test_names_and_places_are_inverse(fifths: int) -> None:
    assert pitch.fifths_of(pitch.name_of(fifths)) == fifths


@given(PLACES)
def test_one_fifth_is_seven_semitones_and_seven_fifths_a_sharp(fifths: int) -> None:
    assert (pitch.pitch_class_of(fifths + 1) - pitch.pitch_class_of(fifths)) % 12 == 7
    sharpened = pitch.name_of(fifths + 7)
    assert sharpened[0] == pitch.name_of(fifths)[0]
    assert sharpened.count("#") - sharpened.count("b") == 1 + pitch.name_of(fifths).count("#") - pitch.name_of(
        fifths
    ).count("b")


@pytest.mark.parametrize(
    ("text", "fifths"), [("F", -1), ("B", 5), ("f#", 6), ("B♭", -2), ("Fx", 13), ("E--", None), ("C♯♯", 14), ("E-", -3)]
)
def test_accidentals_in_any_writing(text: str, fifths: int | None) -> None:
    if fifths is None:
        with pytest.raises(PitchError):
            pitch.fifths_of(text)
    else:
        assert pitch.fifths_of(text) == fifths


@given(LETTERS, st.sampled_from(["", "#", "b", "##", "bb"]), st.integers(0, 8))
def test_parse_agrees_with_music21(letter: str, accidental: str, octave: int) -> None:
    from music21.pitch import Pitch as Oracle

    ours = Pitch.parse(f"{letter}{accidental}{octave}")
    theirs = Oracle(f"{letter}{accidental.replace('b', '-')}{octave}")
    assert ours.midi == theirs.midi == int(theirs.ps)
    assert (ours.step, ours.alter, ours.octave) == (theirs.step, int(theirs.alter), theirs.octave)
    assert ours.frequency == pytest.approx(theirs.frequency)
    assert ours.name == f"{letter}{accidental}{octave}"


@given(st.integers(0, 127), PLACES)
def test_every_pitch_reads_back_from_its_name(midi: int, fifths: int) -> None:
    if (midi - 7 * fifths) % 12:
        with pytest.raises(PitchError):
            Pitch(midi, fifths)
    elif abs((fifths + 1) // 7) <= 3:
        assert Pitch.parse(Pitch(midi, fifths).name) == Pitch(midi, fifths)


@pytest.mark.parametrize("text", ["", "H4", "C", "4", "C#b4", "G#9", "Cb-1", "C4.5", "C 4 5", "Cé4", "#4"])
def test_bad_pitches_say_so_in_one_line(text: str) -> None:
    with pytest.raises(PitchError) as caught:
        Pitch.parse(text)
    assert "\n" not in str(caught.value)
    assert "write a" in str(caught.value) or "range" in str(caught.value)


@pytest.mark.parametrize("midi", [-1, 128])
def test_midi_range(midi: int) -> None:
    with pytest.raises(PitchError, match="0 to 127"):
        Pitch(midi, pitch.fifths_of("B"))


def test_edges_of_the_range() -> None:
    assert (Pitch.parse("C-1").midi, Pitch.parse("G9").midi, Pitch.parse("C4").midi) == (0, 127, 60)
    assert (str(Pitch.parse("B#3")), Pitch.parse("B#3").midi, Pitch.parse("Cb4").midi) == ("B#3", 60, 59)


def test_pitches_sort_by_sound_then_by_spelling() -> None:
    names = ["C#4", "Db4", "C4", "B3", "B#3"]
    assert [str(p) for p in sorted(map(Pitch.parse, names))] == ["B3", "C4", "B#3", "Db4", "C#4"]


@given(st.lists(st.integers(0, 127), max_size=30), st.integers(-7, 7), st.booleans())
def test_spelling_keeps_the_sound_and_the_key_signature(pitches: list[int], signature: int, minor: bool) -> None:
    places = pitch.spell(np.array(pitches, dtype=np.uint8), signature, minor=minor)
    assert places.dtype == np.int8
    assert places.shape == (len(pitches),)
    assert [pitch.pitch_class_of(int(place)) for place in places] == [p % 12 for p in pitches]
    diatonic = range(signature - 1, signature + 6)
    of_key = {pitch.pitch_class_of(place) for place in diatonic}
    assert all((place in diatonic) == (p % 12 in of_key) for p, place in zip(pitches, places.tolist(), strict=True))


def test_names_in_no_key() -> None:
    assert [pitch.pitch_name(midi) for midi in (0, 60, 61, 63, 66, 70, 127)] == [
        "C-1", "C4", "C#4", "Eb4", "F#4", "Bb4", "G9",
    ]  # fmt: skip


def test_spelling_as_musicians_do() -> None:
    def names(midi: list[int], signature: int, *, minor: bool = False) -> list[str]:
        return [pitch.name_of(int(place)) for place in pitch.spell(midi, signature, minor=minor)]

    assert names([61, 63, 66, 68, 70], 0) == ["C#", "Eb", "F#", "G#", "Bb"]
    assert names([68, 66, 63], 0, minor=True) == ["G#", "F#", "D#"]  # A minor
    assert names([61, 58], -1, minor=True) == ["C#", "Bb"]  # the leading tone of D minor
    assert pitch.spell(60, 0).shape == ()
