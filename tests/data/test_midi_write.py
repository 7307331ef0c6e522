from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_bytes import rows
from mido import Message, MetaMessage

from data import midi
from theory.chord import Chord
from theory.errors import OutputError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.meter import Meter
from theory.score import BANK, PITCH_BEND, PRESSURE, Score, Track
from theory.transform import resample

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def again(tmp_path):
    def writer(score, **options):
        midi.write(score, tmp_path / "again.mid", **options)
        return midi.read(tmp_path / "again.mid")

    return writer


# Writing


def messages(score, path, **options):
    midi.write(score, path, **options)
    return mido.MidiFile(path, charset="utf-8")


def test_the_file_as_mido_sees_it(tmp_path):
    score = Score(
        tracks=(
            Track.from_notes([(0, 720, 60, 90), (720, 720, 62)], controls=[(0, 7, 99), (0, BANK, 8)], program=73),
            Track.from_notes([(0, 240, 36)], is_drum=True, program=16, name="Kit"),
        ),
        meters=(MeterEvent(0, Meter(6, 8)),),
        keys=(KeyEvent(0, Key.parse("D dorian")),),
        tempos=(TempoEvent(0, 400_000),),
        title="Übung ♫",
        end=2880,
    )
    file = messages(score, tmp_path / "song.mid", private='{"seed": 7}')
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 480, 3)
    key = MetaMessage("key_signature", key="Am")
    assert list(file.tracks[0]) == [
        MetaMessage("track_name", name="Übung ♫"),
        MetaMessage("sequencer_specific", data=(0x7D, *b'cadenza {"seed": 7}')),
        MetaMessage("time_signature", numerator=6, denominator=8, clocks_per_click=36, notated_32nd_notes_per_beat=8),
        key,
        MetaMessage("set_tempo", tempo=400_000),
        MetaMessage("end_of_track", time=2880),
    ]
    assert list(file.tracks[1]) == [
        MetaMessage("track_name", name="Track 1"),
        key,
        Message("control_change", control=BANK, value=8),
        Message("program_change", program=73),
        Message("control_change", control=7, value=99),
        Message("note_on", note=60, velocity=90),
        Message("note_off", note=60, velocity=0, time=720),
        Message("note_on", note=62, velocity=80),
        Message("note_off", note=62, velocity=0, time=720),
        MetaMessage("end_of_track", time=1440),
    ]
    assert list(file.tracks[2])[:2] == [
        MetaMessage("track_name", name="Kit"),
        Message("program_change", program=16, channel=9),
    ]


def test_metronome_clicks_fit_the_beat(tmp_path):
    meters = [(4, 4), (2, 2), (9, 8), (5, 8), (6, 4), (3, 64), (64, 1), (3, 8)]
    events = tuple(MeterEvent(index * 480, Meter(*meter)) for index, meter in enumerate(meters))
    file = messages(Score(meters=events, end=9600), tmp_path / "song.mid")
    clicks = [message.clocks_per_click for message in file.tracks[0] if message.type == "time_signature"]
    assert clicks == [24, 48, 36, 12, 72, 2, 96, 12]


def test_notes_of_one_pitch_never_overlap(again):
    track = Track.from_notes(
        [(0, 960, 60, 70), (480, 480, 60, 71), (480, 960, 60, 72), (480, 960, 60, 60), (0, 2000, 61, 73), (1440, 9, 60)]
    )
    assert rows(again(Score(tracks=(track,))).tracks[0]) == [
        (0, 480, 60, 70), (0, 2000, 61, 73), (480, 960, 60, 72), (1440, 9, 60, 80)
    ]  # fmt: skip


def test_forty_tracks_keep_their_channels_apart(tmp_path):
    tracks = tuple(
        Track.from_notes([(0, 480, 40 + index)], program=index, is_drum=index == 20, name=f"T{index}")
        for index in range(40)
    )
    file = messages(Score(tracks=tracks), tmp_path / "song.mid")
    places = []
    for track in file.tracks[1:]:
        port = next((message.port for message in track if message.type == "midi_port"), 0)
        places.append((port, next(message.channel for message in track if message.type == "note_on")))
    melodic = [place for index, place in enumerate(places) if index != 20]
    assert places[20] == (0, 9)
    assert len(set(melodic)) == 39
    assert all(channel != 9 for _, channel in melodic)
    assert melodic[:16] == [(0, channel) for channel in range(16) if channel != 9] + [(1, 0)]
    assert midi.read(tmp_path / "song.mid").tracks == tracks


@pytest.mark.parametrize("ticks_per_quarter", [96, 960, 1024])
def test_other_resolutions_are_resampled(again, ticks_per_quarter):
    notes = [(index * ticks_per_quarter // 3, ticks_per_quarter // 4, 60 + index) for index in range(9)]
    score = Score.from_notes(notes, ticks_per_quarter=ticks_per_quarter, name="x")
    assert again(score) == resample(score, 480)


def test_texts_of_any_kind_are_written(again):
    score = Score.from_notes([(0, 9, 60)], name="a\ud800b", title="\U0001d11e 夜\n\0", markers=(Marker(3, "\u3042 é"),))
    back = again(score, private="ü\udfff")
    assert (back.title, back.tracks[0].name, back.markers) == (score.title, "a?b", score.markers)


def test_a_private_text_comes_back_and_is_no_text_for_others(tmp_path):
    midi.write(FOUR, tmp_path / "song.mid", private='{"é": 1}')
    assert midi.read_private(tmp_path / "song.mid") == ('{"é": 1}',)
    assert midi.read_with_report(tmp_path / "song.mid") == (FOUR, {})
    midi.write(FOUR, tmp_path / "song.mid")
    assert midi.read_private(tmp_path / "song.mid") == ()


def test_what_a_midi_file_cannot_hold(tmp_path):
    notes = [(0, 480, 60)]
    with pytest.raises(ScoreError, match="too long a silence"):
        midi.write(Score.from_notes(notes, end=2**28 + 480), tmp_path / "song.mid")
    with pytest.raises(OutputError, match="is a folder"):
        midi.write(Score.from_notes(notes), tmp_path)
    assert list(tmp_path.iterdir()) == []


# There and back

TICK = st.integers(0, 9600)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = [Key.from_signature(signature, mode) for signature in range(-7, 8) for mode in ("major", "minor")]
CONTROL_RANGES = {
    BANK: (0, 127),
    7: (0, 127),
    11: (0, 127),
    64: (0, 127),
    PITCH_BEND: (-8192, 8191),
    PRESSURE: (0, 127),
}


@st.composite
def tracks(draw):
    notes = draw(st.lists(st.tuples(TICK, st.integers(1, 2000), st.integers(0, 127), st.integers(1, 127)), max_size=12))
    free: dict[int, int] = {}
    kept = []
    for onset, duration, pitch, velocity in sorted(notes):
        if onset >= free.get(pitch, 0):
            kept.append((onset, duration, pitch, velocity))
            free[pitch] = onset + duration
    kinds = draw(st.lists(st.tuples(TICK, st.sampled_from(sorted(CONTROL_RANGES))), max_size=6))
    controls = [(tick, kind, draw(st.integers(*CONTROL_RANGES[kind]))) for tick, kind in sorted(kinds)]
    return Track.from_notes(
        kept,
        controls=controls,
        program=draw(st.integers(0, 127)),
        is_drum=draw(st.booleans()),
        name=draw(TEXT.filter(bool)),
    )


def events(kind, values):
    return st.lists(st.builds(kind, TICK, values), max_size=4).map(last_per_tick)


SCORES = st.builds(
    Score,
    tracks=st.lists(tracks(), max_size=4) | st.lists(tracks(), min_size=17, max_size=18),
    tempos=events(TempoEvent, st.integers(1, 2**24 - 1)),
    meters=events(MeterEvent, st.builds(Meter, st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))),
    keys=events(KeyEvent, st.sampled_from(KEYS)),
    chords=events(ChordEvent, st.sampled_from([None, Chord.parse("Am7"), Chord.parse("C13b9/E")])),
    markers=st.lists(st.builds(Marker, TICK, TEXT.filter(bool)), max_size=3).map(
        lambda markers: sorted(markers, key=lambda marker: marker.tick)
    ),
    title=TEXT,
    end=st.integers(12_000, 20_000),
)


@settings(max_examples=100)
@given(SCORES)
def test_a_score_comes_back_as_it_was(tmp_path_factory, score):
    path = tmp_path_factory.getbasetemp() / "property.mid"
    midi.write(score, path)
    assert midi.read(path) == score


@settings(max_examples=50)
@given(SCORES, st.integers(1, 3000))
def test_writing_is_deterministic_and_settles(tmp_path_factory, score, ticks_per_quarter):
    """Whatever the resolution, what was read from our file is written as the same bytes."""
    first, second = (tmp_path_factory.getbasetemp() / name for name in ("first.mid", "second.mid"))
    midi.write(score.replace(ticks_per_quarter=ticks_per_quarter), first)
    midi.write(midi.read(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_controls_that_rounding_brings_to_one_tick_settle(tmp_path):
    track = Track.from_notes([(0, 3000, 60)], controls=[(24, PRESSURE, 9), (25, 64, 127), (26, PITCH_BEND, 5)])
    midi.write(Score((track,), ticks_per_quarter=3000), tmp_path / "first.mid")
    midi.write(midi.read(tmp_path / "first.mid"), tmp_path / "second.mid")
    assert (tmp_path / "first.mid").read_bytes() == (tmp_path / "second.mid").read_bytes()


# Other readers

# Every part plays to the end, because music21 moves a tempo that stands after a part's last note.
FOUR = Score(
    tracks=(
        Track.from_notes(
            [(0, 480, 72, 90), (480, 240, 74, 91), (1440, 360, 76, 92), (3840, 960, 72)], program=73, name="A"
        ),
        Track.from_notes(
            [(0, 720, 64, 64), (0, 720, 67, 64), (720, 720, 65, 64), (1440, 960, 64), (2880, 960, 64)],
            program=40,
            name="B",
        ),
        Track.from_notes([(0, 1440, 48), (1440, 960, 43), (2880, 480, 43)], program=32, name="C"),
        Track.from_notes([(0, 120, 36), (720, 120, 38), (1440, 120, 36), (3840, 120, 42)], is_drum=True, name="Drums"),
    ),
    tempos=(TempoEvent(0, 500_000), TempoEvent(1440, 400_000), TempoEvent(2880, 600_000)),
    meters=(MeterEvent(0, Meter(6, 8)), MeterEvent(1440, Meter(3, 4)), MeterEvent(2880, Meter(2, 2))),
    keys=(KeyEvent(0, Key.parse("Eb")), KeyEvent(2880, Key.parse("E minor"))),
    title="Four parts",
    end=4800,
)


def _with_mido(path):
    file, parts, tempos, meters, keys = mido.MidiFile(path), [], [], [], []
    for track in file.tracks:
        tick, sounding, notes, program, is_drum = 0, {}, [], 0, False
        for message in track:
            tick += message.time
            if message.type == "note_on":
                sounding[message.note], is_drum = (tick, message.velocity), message.channel == 9
            elif message.type == "note_off":
                start, velocity = sounding.pop(message.note)
                notes.append((start, tick - start, message.note, velocity))
            elif message.type == "program_change":
                program = message.program
            elif message.type == "set_tempo":
                tempos.append((tick, message.tempo))
            elif message.type == "time_signature":
                meters.append((tick, message.numerator, message.denominator))
            elif message.type == "key_signature":
                keys.append((tick, str(Key.parse(message.key))))
        if notes:
            parts.append((program, is_drum, sorted(notes)))
    return parts, tempos, meters, keys


def _with_symusic(path):
    import symusic

    score = symusic.Score.from_file(path)
    parts = [
        (
            track.program,
            track.is_drum,
            sorted((note.time, note.duration, note.pitch, note.velocity) for note in track.notes),
        )
        for track in score.tracks
    ]
    modes = ("major", "minor")
    keys = [(event.time, str(Key.from_signature(event.key, modes[event.tonality]))) for event in score.key_signatures]
    meters = [(event.time, event.numerator, event.denominator) for event in score.time_signatures]
    return parts, [(event.time, event.mspq) for event in score.tempos], meters, keys


def _with_pretty_midi(path):
    import pretty_midi

    pretty = pretty_midi.PrettyMIDI(str(path))
    tick = pretty.time_to_tick
    parts = [
        (
            part.program,
            part.is_drum,
            sorted((tick(n.start), tick(n.end) - tick(n.start), n.pitch, n.velocity) for n in part.notes),
        )
        for part in pretty.instruments
    ]
    tempos = [(tick(time), round(6e7 / tempo)) for time, tempo in zip(*pretty.get_tempo_changes(), strict=True)]
    meters = [(tick(event.time), event.numerator, event.denominator) for event in pretty.time_signature_changes]
    names = [(tick(e.time), pretty_midi.key_number_to_key_name(e.key_number)) for e in pretty.key_signature_changes]
    return parts, tempos, meters, [(time, str(Key.parse(name))) for time, name in names]


def _with_music21(path):
    import music21

    score = music21.converter.parse(path)
    parts, tempos, meters, keys = [], set(), set(), set()
    for part in score.parts:
        flat, notes = part.flatten(), []
        for element in flat.notes:
            start, length = round(element.offset * 480), round(element.quarterLength * 480)
            for note in getattr(element, "notes", [element]):
                is_drum = isinstance(note, music21.note.Unpitched)
                pitch = note.storedInstrument.percMapPitch if is_drum else note.pitch.midi
                notes.append((start, length, pitch, note.volume.velocity))
        program = max(instrument.midiProgram or 0 for instrument in part.getInstruments(recurse=True))
        parts.append((0 if is_drum else program, is_drum, sorted(notes)))
        tempos |= {(round(m.offset * 480), round(6e7 / m.number)) for m in flat.getElementsByClass("MetronomeMark")}
        meters |= {
            (round(m.offset * 480), m.numerator, m.denominator) for m in flat.getElementsByClass("TimeSignature")
        }
        keys |= {
            (round(k.offset * 480), f"{k.tonic.name.replace('-', 'b')} {k.mode}")
            for k in flat.getElementsByClass("Key")
        }
    return parts, sorted(tempos), sorted(meters), sorted(keys)


# It warns of keys outside the first track; `midi.write` says why they are there.
@pytest.mark.filterwarnings("ignore:Tempo, Key or Time signature:RuntimeWarning")
@pytest.mark.parametrize("reader", [_with_mido, _with_symusic, _with_pretty_midi, _with_music21])
def test_other_readers_see_the_same_piece(tmp_path, reader):
    midi.write(FOUR, tmp_path / "four.mid")
    parts, tempos, meters, keys = reader(tmp_path / "four.mid")
    assert parts == [(track.program, track.is_drum, sorted(rows(track))) for track in FOUR.tracks]
    assert tempos == list(FOUR.tempos)
    assert meters == [(tick, meter.numerator, meter.denominator) for tick, meter in FOUR.meters]
    assert sorted(set(keys)) == [(tick, str(key)) for tick, key in FOUR.keys]


# Real files


def samples(folder, count):
    files = sorted((SHARED / folder).rglob("*.mid"))
    return files[:: max(1, len(files) // count)]


@pytest.mark.parametrize("folder", ["corpora/nottingham", "corpora/pop909", "corpora/js_fakes", "testcases/midi"])
def test_real_files_come_back(tmp_path, folder):
    files = samples(folder, 15)
    if not files:
        pytest.skip(f"no files in shared/{folder}")
    for path in files:
        score, report = midi.read_with_report(path)
        if "corrupted" in str(path):
            assert report["repaired: data byte"] == 1
            continue
        assert score.notes
        midi.write(score, tmp_path / "again.mid")
        back, wanted = midi.read(tmp_path / "again.mid"), resample(score, 480)
        assert (back.tempos, back.meters, back.keys, back.markers, back.end) == (
            wanted.tempos, wanted.meters, wanted.keys, wanted.markers, wanted.end
        )  # fmt: skip
        for before, after in zip(wanted.tracks, back.tracks, strict=True):
            # Overlapping notes of one pitch are cut, as the writer says; onsets and pitches stay.
            np.testing.assert_array_equal(_places(before), _places(after))
            np.testing.assert_array_equal(before.controls, after.controls)


def _places(track):
    return np.unique(np.column_stack([track.onset, track.pitch]), axis=0)
