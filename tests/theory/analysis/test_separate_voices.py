"""Voices inside a polyphonic track."""

from __future__ import annotations

import numpy as np
import pytest

from theory.analysis import separate_voices
from theory.score import Track


def merged(*voices: list[tuple[int, int, int]]) -> Track:
    """One track of several voices, the first as voice 1."""
    rows = [(*note, number) for number, voice in enumerate(voices, 1) for note in voice]
    onset, duration, pitch, voice = np.array(rows).T
    return Track(onset, duration, pitch, np.full(len(rows), 80), voice=voice)


def line(pitches: list[int], length: int, start: int = 0) -> list[tuple[int, int, int]]:
    return [(start + n * length, length, pitch) for n, pitch in enumerate(pitches)]


def test_two_voices_of_different_rhythm_are_told_apart():
    track = merged(line([72, 74, 76, 77, 79, 77, 76, 74], 240), line([60, 59, 57, 55], 480))
    found = separate_voices(track)
    assert found.dtype == np.int16
    assert found.tolist() == track.voice.tolist()


def test_a_voice_that_rests_comes_back_as_itself():
    upper = [*line([76, 77, 79], 480), *line([79, 77, 76], 480, start=5 * 480)]
    track = merged(upper, line([55, 57, 59, 60, 59, 57, 55, 60], 480))
    assert separate_voices(track).tolist() == track.voice.tolist()


def test_a_held_note_keeps_its_voice():
    track = merged(line([72, 71, 69, 67], 480), [(0, 1920, 64)], line([48, 50, 52, 53], 480))
    assert separate_voices(track).tolist() == track.voice.tolist()


def test_a_single_line_is_one_voice_and_a_chord_counts_from_the_top():
    assert separate_voices(merged(line([60, 72, 48, 84], 120))).tolist() == [1, 1, 1, 1]
    assert separate_voices(Track.from_notes([(0, 10, 48), (0, 10, 64), (0, 10, 55)])).tolist() == [3, 2, 1]


@pytest.mark.parametrize("track", [Track.empty(), Track.from_notes([(0, 10, 36), (0, 10, 42)], is_drum=True)])
def test_nothing_to_separate(track):
    assert separate_voices(track).tolist() == [1] * len(track)


def test_notes_of_one_voice_never_overlap():
    rng = np.random.default_rng(5)
    notes = [(int(rng.integers(0, 4000)), int(rng.integers(60, 900)), int(rng.integers(40, 90))) for _ in range(60)]
    track = Track.from_notes(notes)
    voices = separate_voices(track)
    assert len(voices) == 60
    assert voices.min() == 1


def test_chorales_come_apart_into_their_four_voices():
    pytest.importorskip("music21", reason="its corpus holds the chorales")
    from data.corpora import chorales

    score = chorales.read("bach/bwv66.6")
    track = merged(*([(note.onset, note.duration, note.pitch) for note in voice] for voice in score.tracks))
    assert np.mean(separate_voices(track) == track.voice) > 0.95
