from music21 import meter, note, stream

from data.from_music21 import score_of
from theory.event import MeterEvent
from theory.meter import Meter


def part(*measures):
    """A part whose measures are lists of (pitch or None for a rest, quarters); each begins where the last one ends."""
    result = stream.Part()
    for number, elements in enumerate(measures, start=1):
        measure = stream.Measure(number=number)
        if number == 1:
            measure.append(meter.TimeSignature("4/4"))
        for pitch, quarters in elements:
            measure.append(
                note.Rest(quarterLength=quarters) if pitch is None else note.Note(pitch, quarterLength=quarters)
            )
        result.append(measure)
    return result


def read(*parts):
    return score_of(stream.Score(parts))[0]


FULL = [(60, 4)]


def test_a_bar_of_rest_that_is_written_twice_lasts_one_bar():
    score = read(part(FULL, [(None, 4), (None, 4)], FULL), part([(None, 4), (None, 4)], FULL, FULL))
    assert score.meters == (MeterEvent(0, Meter(4, 4)),)
    assert [[note.onset // 480 for note in track] for track in score.tracks] == [[0, 8], [4, 8]]
    assert score.end == 12 * 480


def test_a_long_bar_of_notes_keeps_its_length():
    score = read(part([(60, 4), (62, 2)], [(60, 4), (None, 2), (62, 1), (None, 1)], FULL))
    assert [note.onset // 480 for note in score.tracks[0]] == [0, 4, 6, 12, 14]
    assert score.end == 18 * 480
