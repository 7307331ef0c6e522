"""Attributes that can be heard, on pieces whose numbers are counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.analysis.attributes import (
    ATTRIBUTES,
    density,
    leaps,
    pitch_class_entropy,
    pitch_range,
    register,
    rhythm_entropy,
    syncopation,
)
from theory.event import MeterEvent
from theory.meter import Meter
from theory.score import Score, Track
from theory.transform import resample, transpose

Q = 480


def line(pitches, length=Q, **fields):
    return Score.from_notes([(n * length, length, pitch) for n, pitch in enumerate(pitches)], **fields)


def in_meter(meter, notes):
    return Score.from_notes(notes, meters=[MeterEvent(0, Meter.parse(meter))])


def test_density_counts_notes_of_all_parts_a_bar():
    assert density(line([60] * 8)) == 4
    assert density(line([60] * 3)) == 3
    two = Score((line([60] * 8).tracks[0], line([48] * 2, 4 * Q).tracks[0]))
    assert density(two) == 5


def test_register_weighs_by_duration():
    assert register(Score.from_notes([(0, 3 * Q, 60), (3 * Q, Q, 72)])) == 63


def test_range_and_leaps():
    piece = line([60, 64, 57, 57])
    assert pitch_range(piece) == 7
    assert leaps(piece) == pytest.approx(11 / 3)
    two = Score((piece.tracks[0], line([40, 40]).tracks[0]))
    assert pitch_range(two) == 24
    assert leaps(two) == pytest.approx(11 / 4)  # within each part


def test_entropies():
    assert pitch_class_entropy(line([60, 72, 48])) == 0
    assert pitch_class_entropy(line([60, 62, 64, 65])) == 2
    assert pitch_class_entropy(line(range(60, 72))) == pytest.approx(math.log2(12))
    assert rhythm_entropy(line([60, 62])) == 0
    assert rhythm_entropy(Score.from_notes([(0, Q, 60), (Q, 2 * Q, 60), (3 * Q, Q, 60), (4 * Q, 2 * Q, 60)])) == 1


@pytest.mark.parametrize(
    ("meter", "notes", "share"),
    [
        ("4/4", [(0, Q), (Q, Q), (2 * Q, Q), (3 * Q, Q)], 0),
        ("4/4", [(0, 4 * Q)], 0),
        ("4/4", [(Q, 2 * Q)], 1),  # over the third beat
        ("4/4", [(3 * Q, 2 * Q)], 1),  # over a bar line
        ("4/4", [(2 * Q, 2 * Q)], 0),
        ("4/4", [(0, Q // 2), (Q // 2, Q), (Q + Q // 2, Q // 2)], 1 / 3),
        ("4/4", [(Q // 2, Q // 2), (Q, Q // 4), (Q + Q // 4, Q // 4)], 0),
        ("4/4", [(Q // 4, Q // 2)], 1),  # a 16th that is held over an eighth
        ("3/4", [(Q, 2 * Q)], 0),  # the second and third beat are alike
        ("6/8", [(0, Q + Q // 2), (Q + Q // 2, Q + Q // 2)], 0),
        ("6/8", [(Q, Q)], 1),  # over the second half of the bar
        ("6/8", [(0, Q), (Q, Q // 2)], 0),
    ],
)
def test_syncopation_is_to_be_held_over_a_stronger_place(meter, notes, share):
    assert syncopation(in_meter(meter, [(*note, 60) for note in notes])) == pytest.approx(share)


def test_syncopation_knows_upbeats():
    """A quarter before the bar, and one that is held into it."""
    meters = [MeterEvent(0, Meter(1, 4)), MeterEvent(Q, Meter(4, 4))]
    plain = Score.from_notes([(0, Q, 60), (Q, 4 * Q, 62)], meters=meters)
    tied = Score.from_notes([(0, 2 * Q, 60), (2 * Q, 3 * Q, 62)], meters=meters)
    assert (syncopation(plain), syncopation(tied)) == (0, 1)  # of the latter both notes


def test_drums_are_left_out():
    drums = Track.from_notes([(n * Q // 2, Q // 2, 36 + n) for n in range(16)], is_drum=True)
    piece = line([60, 64, 67, 60])
    both = Score((*piece.tracks, drums.replace(onset=drums.onset // 2, duration=drums.duration // 2)))
    assert {name: hear(both) for name, hear in ATTRIBUTES.items()} == {
        name: hear(piece) for name, hear in ATTRIBUTES.items()
    }


@pytest.mark.parametrize(
    "piece", [Score(()), Score((Track.empty(),)), Score((Track.empty(),), end=4 * 1920)], ids=["none", "track", "bars"]
)
def test_without_notes_there_is_nothing_of_anything(piece):
    assert {hear(piece) for hear in ATTRIBUTES.values()} == {0.0}


notes = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(20, 100)), min_size=1, max_size=30).map(
    lambda rows: [(onset * 120, length * 120, pitch) for onset, length, pitch in rows]
)


@given(notes, st.sampled_from(["4/4", "6/8", "3/4", "5/4", "2/2", "9/8", "7/8"]), st.integers(-12, 12))
def test_what_does_not_hang_on_pitch_or_resolution(rows, meter, semitones):
    piece = in_meter(meter, rows)
    finer, moved = resample(piece, 960), transpose(piece, semitones)
    for name, hear in ATTRIBUTES.items():
        value = hear(piece)
        assert type(value) is float
        assert np.isfinite(value)
        assert value >= 0
        assert hear(finer) == pytest.approx(value)
        assert hear(moved) == pytest.approx(value + (semitones if name == "register" else 0))
    assert syncopation(piece) <= 1
    assert pitch_class_entropy(piece) <= math.log2(12) + 1e-9


@pytest.mark.parametrize("ticks", [1, 2, 3, 5, 7, 24, 1000])
def test_any_resolution_can_be_heard(ticks):
    piece = Score.from_notes([(0, ticks, 60), (ticks, 2 * ticks, 64)], ticks_per_quarter=ticks)
    assert 0 <= syncopation(piece) <= 1
    assert density(piece) == 2
