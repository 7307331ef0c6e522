"""Phrase dynamics."""

from __future__ import annotations

import numpy as np
import pytest

from composer.phrasing import shape
from theory.event import FERMATA, Marker, MeterEvent
from theory.meter import Meter
from theory.score import Score, Track

QUARTERS = Track.from_notes([(480 * n, 480, 60 + n % 5) for n in range(32)])  # eight bars


def velocities(score: Score, track: int = 0) -> np.ndarray:
    return shape(score).tracks[track].velocity.astype(int)


def test_a_phrase_is_softest_at_its_edges_and_fullest_in_the_middle():
    found = velocities(Score((QUARTERS,) * 3), 1)
    for phrase in (found[:16], found[16:]):  # four bars each where nothing marks phrases
        assert phrase[0] < phrase[4] < phrase[8]
        assert phrase[15] < phrase[11] < phrase[8]
    assert len(set(found.tolist())) >= 8


def test_fermatas_end_phrases():
    score = Score((QUARTERS,), markers=(Marker(480 * 5, FERMATA), Marker(480 * 20, FERMATA), Marker(0, "A"))[:2])
    found = velocities(score)
    assert found[5] < found[3] > found[6]
    assert found[20] < found[13] > found[21]
    edges = [0, 5, 6, 20, 21, 31]
    assert found[edges].max() < min(found[[3, 13, 26]])


def test_a_fermata_in_a_rest_or_after_the_end_is_passed_over():
    rest = Track.from_notes([(0, 480, 60), (1440, 480, 60), (1920, 480, 60), (2400, 480, 60)])
    with_one = Score((rest,), markers=(Marker(700, FERMATA), Marker(90_000, FERMATA)))
    whole = Score((rest,), markers=(Marker(2400, FERMATA),))
    assert shape(with_one).tracks == shape(whole).tracks


def test_downbeats_stand_out_and_the_melody_leads():
    level = Score((QUARTERS,) * 4)
    top, alto, tenor, bass = (velocities(level, index) for index in range(4))
    assert (top > alto).all()
    assert (alto == tenor).all()
    assert (top > bass).all()
    assert (bass > tenor).all()
    off_beat = Score((Track.from_notes([(240 * n, 240, 60) for n in range(64)]),))
    found = velocities(off_beat)
    assert found[8] - found[9] >= 3  # the bar's first eighth over the one after it


def test_a_compound_meter_has_its_own_beats():
    eighths = Track.from_notes([(240 * n, 240, 60) for n in range(48)])
    in_six = velocities(Score((eighths,), meters=(MeterEvent(0, Meter(6, 8)),)))
    rise = np.diff(in_six[:12])
    assert rise[2] > rise[1]  # the second dotted quarter is a beat, the eighth before it none


def test_only_velocities_change(piece):
    score = piece.score
    shaped = shape(score)
    keep = tuple(track.replace(velocity=old.velocity) for track, old in zip(shaped.tracks, score.tracks, strict=True))
    assert shaped.replace(tracks=keep) == score
    assert shape(shaped) == shaped
    for track in shaped.tracks:
        assert track.velocity.dtype == np.uint8
        assert track.velocity.min() >= 1


@pytest.mark.parametrize(
    "score",
    [
        Score(), Score((Track.empty(),)), Score((Track.empty(), QUARTERS)), Score((QUARTERS,)),
        Score((Track.from_notes([(0, 1, 60)]),)), Score((Track.empty(),), markers=(Marker(0, FERMATA),)),
        Score((QUARTERS,), ticks_per_quarter=1), Score((), markers=(Marker(0, FERMATA),), end=480),
        Score((QUARTERS,), meters=(MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))),
    ],
)  # fmt: skip
def test_odd_pieces(score):
    shaped = shape(score)
    assert shaped.notes == score.notes
    assert shaped.end == score.end
