"""The key of a score."""

from __future__ import annotations

import numpy as np
import pytest

from theory.analysis import estimate_key, key_correlations, pitch_class_durations
from theory.key import Key
from theory.score import Score, Track
from theory.transform import transpose

KEYS = [Key.from_signature(0, mode).transpose(semitones) for mode in ("major", "minor") for semitones in range(12)]
# Tonic, subdominant, dominant, tonic as semitones above the tonic; the minor dominant has its leading tone.
CADENCES = {
    "major": [(0, 4, 7, 12), (5, 9, 12, 17), (7, 11, 14, 17), (0, 4, 7, 12)],
    "minor": [(0, 3, 7, 12), (5, 8, 12, 17), (7, 11, 14, 17), (0, 3, 7, 12)],
}


def cadence(key: Key) -> Score:
    base = 48 + key.tonic_pitch_class
    chords = CADENCES[key.mode]
    return Score.from_notes([(960 * n, 960, base + step) for n, chord in enumerate(chords) for step in chord])


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_cadences(key):
    assert estimate_key(cadence(key)) == key


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_scales_with_their_tonic_at_both_ends(key):
    steps = [(pitch_class - key.tonic_pitch_class) % 12 for pitch_class in key.pitch_classes]
    if key.mode == "minor":
        steps[6] = 11
    notes = [(480 * n, 480, 60 + key.tonic_pitch_class + step) for n, step in enumerate([*steps, 12])]
    assert estimate_key(Score.from_notes([*notes, (0, 1920, 48 + key.tonic_pitch_class)])) == key


def test_a_melody_keeps_its_key_however_it_is_moved():
    tune = [(60, 2), (62, 1), (64, 1), (65, 2), (64, 1), (62, 1), (67, 2), (67, 2), (64, 2), (60, 4), (59, 1), (60, 3)]
    starts = np.cumsum([0, *(length for _, length in tune)])
    score = Score.from_notes([(480 * int(start), 480 * n, p) for (p, n), start in zip(tune, starts, strict=False)])
    assert estimate_key(score) == Key.parse("C major")
    best = key_correlations(score)[0][1]
    for semitones in range(-11, 12):
        moved = transpose(score, semitones)
        assert estimate_key(moved) == Key.parse("C major").transpose(semitones)
        assert key_correlations(moved)[0][1] == pytest.approx(best)


def test_of_enharmonic_keys_the_one_with_fewer_accidentals():
    assert {str(estimate_key(cadence(key))) for key in KEYS} >= {
        "Db major",
        "B major",
        "Ab major",
        "G# minor",
        "Bb minor",
    }
    assert all(abs(estimate_key(cadence(key)).signature) <= 6 for key in KEYS)


def test_correlations_are_sorted_and_those_of_all_keys():
    found = key_correlations(cadence(Key.parse("A minor")))
    values = [value for _, value in found]
    assert len({key for key, _ in found}) == 24
    assert values == sorted(values, reverse=True)
    assert -1 <= values[-1] < 0 < values[0] <= 1
    assert estimate_key(cadence(Key.parse("A minor"))) == found[0][0]


@pytest.mark.parametrize(
    "score",
    [
        Score(), Score((Track.empty(),)), Score.from_notes([(0, 480, 36), (480, 480, 38)], is_drum=True),
        Score.from_notes([(480 * n, 480, 60 + n) for n in range(12)]),
    ],
)  # fmt: skip
def test_without_a_reason_for_any_key_it_is_c_major_without_correlation(score):
    assert estimate_key(score) == Key.parse("C major")
    assert key_correlations(score) == [(Key.parse("C major"), 0.0)]


def test_durations_count_in_quarters_and_drums_do_not():
    tune = Track.from_notes([(0, 48, 60), (0, 24, 72), (48, 96, 61)])
    drums = Track.from_notes([(0, 960, 36)]).replace(is_drum=True)
    found = pitch_class_durations(Score((tune, drums), ticks_per_quarter=48))
    assert found.tolist() == [1.5, 2.0, *[0.0] * 10]
    assert found.dtype == np.float64


def test_chorales_mostly_sound_in_the_key_they_are_written_in():
    pytest.importorskip("music21", reason="its corpus holds the chorales")
    from data.corpora import chorales

    right = []
    for name in chorales.ids()[::40]:
        score = chorales.read(name)
        key, heard = score.keys[-1].key, estimate_key(score)
        # Modal chorales sound like the major or minor key of their mode's third, or of their signature.
        near = {Key.from_signature(key.signature, mode) for mode in ("major", "minor")} | {key}
        right.append(
            heard in near
            if key.mode in ("major", "minor")
            else heard.signature in range(key.signature - 1, key.signature + 2)
        )
    assert len(right) >= 8
    assert np.mean(right) >= 0.75
