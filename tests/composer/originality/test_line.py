"""Lines of a piece: its melodies, whatever its tempo, loudness and articulation."""

from __future__ import annotations

from melodies import melody, score

from composer.originality import index_of
from composer.originality.line import lines_of
from theory.event import MeterEvent, TempoEvent
from theory.meter import Meter
from theory.score import Score, Track


def test_a_line_is_the_highest_of_what_begins_together_and_no_drum():
    chords = Track.from_notes([(0, 480, 60), (0, 480, 67), (481, 480, 62), (479, 480, 65), (960, 480, 64)])
    (line,) = lines_of(score(chords, Track.from_notes([(0, 10, 36), (480, 10, 38)], is_drum=True), Track.empty()))
    assert line.pitch.tolist() == [67, 65, 64]
    assert line.wait.tolist() == [24, 24, 0]
    assert line.part == "part 1"


def test_bars_are_counted_as_musicians_do():
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(480, Meter(3, 4)))
    (line,) = lines_of(score(melody((60, 62, 64, 65), (480, 1440, 480, 480), name="Tune"), meters=meters))
    assert (line.part, line.bar.tolist()) == ("Tune", [0, 1, 2, 2])
    (line,) = lines_of(score(melody((60, 62), (1920, 480))))
    assert line.bar.tolist() == [1, 2]


def test_tempo_resolution_loudness_and_detached_playing_do_not_matter():
    tune = score(melody())
    index = index_of([("tune", tune)])
    notes = [(round(note.onset / 5), 10, note.pitch, 33) for note in tune.tracks[0]]
    played = Score((Track.from_notes(notes),), ticks_per_quarter=96, tempos=(TempoEvent.from_bpm(0, 200),))
    assert index.shared(played).notes == (15, 15)
