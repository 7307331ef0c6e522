"""The notes of each bar as the encoder reads them: in order, in any key alike, nothing outside the tables."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import scales, tune

from composer.bar_notes import SIZES, TRACKS, bar_notes
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.transform import resample, transpose

QUARTER = 24  # steps


def test_rows_are_the_notes_of_their_bar_in_order():
    upper = Track.from_notes([(0, 480, 72), (480, 240, 74), (1920, 960, 76)])
    lower = Track.from_notes([(0, 1920, 48)])
    found = bar_notes(Score((upper, lower), end=3 * 1920))
    assert found.counts.tolist() == [3, 1, 0]
    assert found.rows.shape == (3, 3, len(SIZES))
    first, second, third = found.rows.tolist()
    assert first == [[0, 0, 72, QUARTER], [0, 1, 48, 4 * QUARTER - 1], [QUARTER, 0, 74, QUARTER // 2]]
    assert second == [[0, 0, 76, 2 * QUARTER], [0] * 4, [0] * 4]
    assert third == [[0] * 4] * 3
    assert found.rows.dtype == found.counts.dtype == np.int32


def test_chords_stand_from_low_to_high():
    found = bar_notes(Score.from_notes([(0, 480, pitch) for pitch in (67, 60, 64)]))
    assert found.rows[0, :, 2].tolist() == [60, 64, 67]


def test_a_note_belongs_to_the_bar_in_which_it_begins():
    found = bar_notes(Score.from_notes([(1440, 960, 60), (3360, 480, 62)]))
    assert found.counts.tolist() == [1, 1]
    assert found.rows[:, 0, 0].tolist() == [3 * QUARTER, 3 * QUARTER]


@pytest.mark.parametrize("semitones", range(-5, 7))
def test_the_same_piece_in_every_key(semitones):
    """Moved to the key without sharps and flats, by the nearer way: that may be an octave away."""
    piece = scales(0, key="C major")
    rows, moved = bar_notes(piece).rows, bar_notes(transpose(piece, semitones)).rows
    np.testing.assert_array_equal(np.delete(moved, 2, axis=-1), np.delete(rows, 2, axis=-1))
    octaves = np.unique(moved[:, :, 2] - rows[:, :, 2])
    assert len(octaves) == 1
    assert octaves[0] % 12 == 0


def test_without_a_key_pitches_stand_as_they_are():
    piece = tune(0)
    rows = bar_notes(piece.replace(keys=())).rows
    assert rows[0, 0, 2] == piece.tracks[0].pitch[0]
    assert bar_notes(piece).rows[0, 0, 2] == piece.tracks[0].pitch[0] - 2  # D major
    later = piece.replace(keys=(KeyEvent(240, Key.parse("D")),))
    np.testing.assert_array_equal(bar_notes(later).rows, rows)


def test_drums_have_rows_of_their_own():
    melody, drums = Track.from_notes([(0, 480, 62)]), Track.from_notes([(0, 480, 36)], is_drum=True)
    found = bar_notes(Score((melody, drums), keys=(KeyEvent(0, Key.parse("D")),)))
    assert found.rows[0, :, 1:3].tolist() == [[0, 60], [1, 128 + 36]]


def test_an_upbeat_is_a_bar():
    found = bar_notes(tune(0, bars=2, upbeat="1/8"))
    assert len(found.counts) == 3
    assert found.counts[0] == 1
    assert found.rows[1, 0, 0] == 0


def test_another_resolution_is_the_same():
    piece = tune(3)
    np.testing.assert_array_equal(bar_notes(resample(piece, 48)).rows, bar_notes(piece).rows)


def test_nothing_lies_outside_the_tables():
    long = Track.from_notes([(0, 480 * 40, 0), (480 * 16 - 20, 20, 127)])
    tracks = [Track.empty()] * TRACKS + [long]
    found = bar_notes(Score(tuple(tracks), meters=(MeterEvent(0, Meter(16, 4)),)))
    for column, size in enumerate(SIZES.values()):
        assert 0 <= found.rows[:, :, column].min() <= found.rows[:, :, column].max() < size
    assert found.rows[0, 0].tolist() == [0, TRACKS - 1, 0, SIZES["duration"] - 1]
    assert found.rows[0, 1, 0] == SIZES["position"] - 1


def test_a_piece_without_notes():
    found = bar_notes(Score((Track.empty(),), end=2 * 1920))
    assert found.counts.tolist() == [0, 0]
    assert found.rows.shape == (2, 1, len(SIZES))
