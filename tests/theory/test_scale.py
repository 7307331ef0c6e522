"""Scales, against music21 and against keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.errors import PitchError, UnknownNameError
from theory.key import MODES, Key
from theory.scale import SCALES, Scale

ORACLES = {
    "major": "MajorScale", "minor": "MinorScale", "dorian": "DorianScale", "phrygian": "PhrygianScale",
    "lydian": "LydianScale", "mixolydian": "MixolydianScale", "locrian": "LocrianScale",
    "harmonic minor": "HarmonicMinorScale", "melodic minor": "MelodicMinorScale", "chromatic": "ChromaticScale",
    "whole tone": "WholeToneScale",
}  # fmt: skip


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("tonic", ["C", "Eb", "F#"])
def test_scales_agree_with_music21(name: str, tonic: str) -> None:
    from music21 import scale as oracle

    theirs = getattr(oracle, ORACLES[name])(tonic.replace("b", "-"))
    octave = theirs.getPitches(f"{tonic.replace('b', '-')}4", f"{tonic.replace('b', '-')}5")[:-1]
    ours = Scale.parse(f"{tonic} {name}")
    assert list(ours.pitch_classes) == [p.pitchClass for p in octave]
    if len(ours.spelled) == 7:
        assert [pitch.name_of(place) for place in ours.spelled] == [p.name.replace("-", "b") for p in octave]


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_the_keys_own(mode: str) -> None:
    assert Scale(0, mode).spelled == Key(0, mode).scale


@given(st.integers(-10, 12), st.sampled_from(list(SCALES)))
def test_scales_ascend_from_the_tonic_within_an_octave(tonic: int, name: str) -> None:
    scale = Scale(tonic, name)
    above = [(pitch_class - scale.pitch_classes[0]) % 12 for pitch_class in scale.pitch_classes]
    assert above[0] == 0
    assert above == sorted(set(above))
    assert Scale.parse(str(scale)) == scale


@given(st.sampled_from(list(SCALES)), st.lists(st.integers(0, 127), min_size=1))
def test_contains_and_degrees_agree(name: str, pitches: list[int]) -> None:
    scale = Scale(2, name)
    inside = scale.contains(np.array(pitches, dtype=np.uint8))
    assert inside.tolist() == [scale.degree_of(midi) is not None for midi in pitches]
    for midi in pitches:
        degree = scale.degree_of(midi)
        assert degree is None or scale.pitch_classes[degree - 1] == midi % 12


def test_every_scale_is_another() -> None:
    assert len({Scale(0, name).spelled for name in SCALES}) == len(SCALES)


@pytest.mark.parametrize(
    ("text", "notes"),
    [("D dorian", "D E F G A B C"), ("c", "C D E F G A B"), ("Bb blues", "Bb Db Eb Fb F Ab"),
     ("F# Harmonic  Minor", "F# G# A B C# D E#"), ("A hungarian minor", "A B C D# E F G#"),
     ("G octatonic", "G Ab Bb B C# D E F"), ("C altered", "C Db Eb Fb Gb Ab Bb")],
)  # fmt: skip
def test_parse(text: str, notes: str) -> None:
    assert " ".join(map(pitch.name_of, Scale.parse(text).spelled)) == notes


def test_degree_of() -> None:
    assert [Scale.parse("A harmonic minor").degree_of(midi) for midi in (57, 68, 67)] == [1, 7, None]


def test_bad_scales_say_so() -> None:
    with pytest.raises(UnknownNameError, match="dorian, phrygian"):
        Scale.parse("C klingon")
    with pytest.raises(PitchError, match="is no scale"):
        Scale.parse("dorian")
