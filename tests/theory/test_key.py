"""Keys, against music21."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import pitch
from theory.errors import KeyNameError
from theory.key import MODES, Key

KEYS = st.builds(Key.from_signature, st.integers(-7, 7), st.sampled_from(list(MODES)))


@given(KEYS)
def test_names_read_back(key: Key) -> None:
    assert Key.parse(str(key)) == key


@given(KEYS)
def test_signature_and_scale_agree_with_music21(key: Key) -> None:
    from music21.key import Key as Oracle

    theirs = Oracle(pitch.name_of(key.tonic).replace("b", "-"), key.mode)
    assert key.signature == theirs.sharps
    assert [pitch.name_of(place) for place in key.scale] == [p.name.replace("-", "b") for p in theirs.pitches[:7]]
    assert key.pitch_classes == tuple(p.pitchClass for p in theirs.pitches[:7])
    assert key.tonic_pitch_class == theirs.tonic.pitchClass
    assert key.is_minor == ((key.pitch_classes[2] - key.pitch_classes[0]) % 12 == 3)


@pytest.mark.parametrize(
    ("text", "name"),
    [("C", "C major"), ("Dm", "D minor"), ("d", "D minor"), ("D minor", "D minor"), ("bb", "Bb minor"),
     ("Bb", "Bb major"), ("B♭ Major", "Bb major"), ("F#m", "F# minor"), ("F-sharp minor", "F# minor"),
     ("E-flat", "Eb major"), ("e-flat", "Eb minor"), ("CM", "C major"), ("A aeolian", "A minor"),
     ("C ionian", "C major"), ("D DORIAN", "D dorian"), ("g mix", "G mixolydian"), ("Abmin", "Ab minor"),
     (" c  major ", "C major"), ("b", "B minor"), ("Cb", "Cb major"), ("H", None), ("", None), ("G# major", None),
     ("C foo", None),
     ("C major minor", None), ("Fb major", None), ("major", None), ("C# dorian 3", None)],
)  # fmt: skip
def test_parse(text: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(KeyNameError) as caught:
            Key.parse(text)
        assert "\n" not in str(caught.value)
    else:
        assert str(Key.parse(text)) == name


@given(KEYS, st.integers(-24, 24))
def test_transpose_moves_the_sound_and_keeps_the_mode(key: Key, semitones: int) -> None:
    moved = key.transpose(semitones)
    assert (moved.tonic_pitch_class - key.tonic_pitch_class - semitones) % 12 == 0
    assert moved.mode == key.mode
    if semitones % 12:
        assert abs(moved.signature) <= 6
        assert moved.signature != (6 if not key.is_minor else -6)
    else:
        assert moved == key  # by octaves no key changes its spelling


@given(KEYS, st.lists(st.integers(0, 127)))
def test_spelling_of_the_keys_own_notes_is_its_scale(key: Key, pitches: list[int]) -> None:
    for midi, place in zip(pitches, key.spell(pitches).tolist(), strict=True):
        assert pitch.pitch_class_of(place) == midi % 12
        assert (midi % 12 in key.pitch_classes) == (place in key.scale)


def test_impossible_keys_say_so() -> None:
    with pytest.raises(KeyNameError, match="enharmonic neighbour"):
        Key(8)
    with pytest.raises(KeyNameError, match="major, minor"):
        Key(0, "mixed")
    with pytest.raises(KeyNameError, match="major, minor"):
        Key.from_signature(0, "mixed")
    with pytest.raises(KeyNameError):
        Key.from_signature(8)
