import io

import mido
import numpy as np
import pytest

from data import midi
from data.pretty import from_pretty_midi, to_pretty_midi
from theory.errors import RequestError, ScoreError
from theory.event import KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import PITCH_BEND, PRESSURE, Score, Track

pretty_midi = pytest.importorskip("pretty_midi")

PIECE = Score(
    tracks=(
        Track.from_notes(
            [(0, 480, 60, 70), (480, 1, 64, 71), (481, 959, 67, 72), (2000, 333, 72, 73)],
            controls=[(0, 7, 100), (100, PITCH_BEND, -8192), (2000, 64, 127)],
            program=40,
            name="Flöte",
        ),
        Track.from_notes([(0, 240, 36), (240, 240, 38)], is_drum=True, program=8, name="Kit"),
        Track.empty(program=3, name="Silent"),
    ),
    tempos=(TempoEvent(0, 461_538), TempoEvent(481, 500_001), TempoEvent(1999, 333_333)),
    meters=(MeterEvent(0, Meter(6, 8)), MeterEvent(1440, Meter(3, 4))),
    keys=(KeyEvent(0, Key.parse("F# minor")), KeyEvent(1440, Key.parse("Eb"))),
    markers=(Marker(480, "fermata"),),
)


@pytest.mark.parametrize("ticks_per_quarter", [480, 220, 1024])
def test_there_and_back_is_exact(ticks_per_quarter):
    score = PIECE.replace(ticks_per_quarter=ticks_per_quarter)
    assert from_pretty_midi(to_pretty_midi(score)) == score


def test_times_are_the_scores_seconds():
    pretty = to_pretty_midi(PIECE)
    first = PIECE.tracks[0]
    np.testing.assert_array_equal([note.start for note in pretty.instruments[0].notes], PIECE.seconds(first.onset))
    assert pretty.get_end_time() == pytest.approx(PIECE.duration, abs=1e-9)
    np.testing.assert_allclose(pretty.get_tempo_changes()[1], [tempo.bpm for tempo in PIECE.tempos])
    names = [pretty_midi.key_number_to_key_name(change.key_number) for change in pretty.key_signature_changes]
    assert names == ["F# minor", "Eb Major"]


def test_a_long_piece_keeps_every_tick():
    rng = np.random.default_rng(5)
    onsets = np.sort(rng.choice(200_000, 2000, replace=False))
    notes = [(int(onset), 1 + int(onset) % 700, 60) for onset in onsets]
    tempos = tuple(TempoEvent(tick, 200_001 + tick % 900_000) for tick in range(0, 200_000, 777))
    score = Score.from_notes(notes, name="x", tempos=tempos)
    assert from_pretty_midi(to_pretty_midi(score)) == score


@pytest.mark.filterwarnings("ignore:Tempo, Key or Time signature")
def test_pretty_midi_writes_and_reads_what_we_hold(tmp_path):
    """Its own file, read by us, and our file, read by it, hold the same notes."""
    sounding = PIECE.replace(tracks=PIECE.tracks[:2])
    to_pretty_midi(sounding).write(str(tmp_path / "theirs.mid"))
    theirs = midi.read(tmp_path / "theirs.mid")
    midi.write(sounding, tmp_path / "ours.mid")
    ours = from_pretty_midi(pretty_midi.PrettyMIDI(str(tmp_path / "ours.mid")))
    for other in (theirs, ours):
        assert other.tempos == sounding.tempos
        assert other.meters == sounding.meters
        assert sorted(list(track) for track in other.tracks) == sorted(list(track) for track in sounding.tracks)


def test_what_pretty_midi_does_not_know_is_left_out():
    track = PIECE.tracks[0].replace(controls=[(5, PRESSURE, 3)])
    back = from_pretty_midi(to_pretty_midi(PIECE.replace(tracks=(track,), title="Title", end=9600)))
    assert (back.title, back.end, len(back.tracks[0].controls)) == ("", 2333, 0)


def test_minor_modes_keep_their_signature():
    dorian = Score.from_notes([(0, 480, 62)], keys=(KeyEvent(0, Key.parse("D dorian")),))
    assert from_pretty_midi(to_pretty_midi(dorian)).keys == (KeyEvent(0, Key.parse("A minor")),)


def test_notes_of_no_length_last_a_tick():
    pretty = pretty_midi.PrettyMIDI(resolution=480)
    pretty.instruments.append(pretty_midi.Instrument(0))
    pretty.instruments[0].notes.append(pretty_midi.Note(80, 60, 0.5, 0.5))
    assert from_pretty_midi(pretty).tracks[0][0][:3] == (480, 1, 60)


def test_what_no_score_can_hold():
    pretty = pretty_midi.PrettyMIDI()
    pretty.instruments.append(pretty_midi.Instrument(0))
    pretty.instruments[0].notes.append(pretty_midi.Note(80, 60, 0.0, float("nan")))
    with pytest.raises(ScoreError, match="nan"):
        from_pretty_midi(pretty)
    with pytest.raises(RequestError, match="ticks"):
        to_pretty_midi(Score.from_notes([(10**8, 1, 60)]))


def test_the_object_works_on():
    pretty = to_pretty_midi(PIECE)
    assert pretty.get_piano_roll(fs=10).shape[0] == 128
    buffer = io.BytesIO()
    pretty.write(buffer)
    buffer.seek(0)
    assert mido.MidiFile(file=buffer).ticks_per_beat == 480
