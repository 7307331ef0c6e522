import io
import random
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message, MetaMessage

from data import midi
from theory.chord import Chord
from theory.errors import CadenzaError, FileFormatError, InputFileError, OutputError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.meter import Meter
from theory.score import BANK, PITCH_BEND, PRESSURE, Score, Track
from theory.transform import resample

SHARED = Path(__file__).parents[3] / "shared"


def encoded(*tracks, kind=1, ticks_per_quarter=480):
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks_per_quarter)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def on(pitch, time=0, velocity=80, channel=0):
    return Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch, time=0, channel=0):
    return Message("note_off", note=pitch, time=time, channel=channel)


def rows(track):
    return [note[:4] for note in track]


@pytest.fixture
def read(tmp_path):
    def reader(content):
        (tmp_path / "test.mid").write_bytes(content)
        return midi.read_with_report(tmp_path / "test.mid")

    return reader


@pytest.fixture
def again(tmp_path):
    def writer(score, **options):
        midi.write(score, tmp_path / "again.mid", **options)
        return midi.read(tmp_path / "again.mid")

    return writer


# Reading


def test_ticks_a_quarter_are_kept(read):
    score, report = read(encoded([on(60), off(60, 7)], ticks_per_quarter=1023))
    assert (score.ticks_per_quarter, rows(score.tracks[0]), report) == (1023, [(0, 7, 60, 80)], {})


def test_type_0_comes_apart_by_channel_and_program(read):
    control = Message("control_change", control=7, value=99, channel=1)
    score, _ = read(
        encoded(
            [
                MetaMessage("track_name", name="All"),
                Message("program_change", program=5),
                control,
                on(60),
                on(36, channel=9),
                on(62, channel=1),
                off(60, 10),
                off(36, channel=9),
                off(62, channel=1),
                Message("program_change", program=6),
                on(60),
                off(60, 5),
            ],
            kind=0,
        )
    )
    found = [(track.program, track.is_drum, rows(track), track.controls.tolist()) for track in score.tracks]
    assert found == [
        (5, False, [(0, 10, 60, 80)], []),
        (6, False, [(10, 5, 60, 80)], []),
        (0, False, [(0, 10, 62, 80)], [[0, 7, 99]]),
        (0, True, [(0, 10, 36, 80)], []),
    ]
    assert score.title == "All"


def test_odd_notes(read):
    no_length = read(encoded([on(60), off(60), on(60, 480), off(60, 480)]))[0]
    assert rows(no_length.tracks[0]) == [(0, 1, 60, 80), (480, 480, 60, 80)]
    never_ended = read(encoded([on(60), on(62), off(62, 480)]))[0]
    assert rows(never_ended.tracks[0]) == [(0, 480, 62, 80)]
    overlapping = read(encoded([on(60), on(60, 100, 90), off(60, 50), off(60, 100)]))[0]
    assert rows(overlapping.tracks[0]) == [(0, 150, 60, 80), (100, 150, 60, 90)]
    touching = read(encoded([on(60), on(60, 100, 90), off(60), off(60, 100)]))[0]
    assert rows(touching.tracks[0]) == [(0, 100, 60, 80), (100, 100, 60, 90)]


def test_controls_are_neither_doubled_nor_lost(read):
    def pedal(value, time=0):
        return Message("control_change", control=64, value=value, time=time)

    bend, pressure = Message("pitchwheel", pitch=-8192, time=5), Message("aftertouch", value=5)
    score, report = read(encoded([pedal(127), on(60), pedal(0, 5), pressure, bend, off(60, 5), pedal(127), pedal(0)]))
    assert score.tracks[0].controls.tolist() == [
        [0, 64, 127], [5, 64, 0], [5, PRESSURE, 5], [10, PITCH_BEND, -8192], [15, 64, 127], [15, 64, 0]
    ]  # fmt: skip
    assert report == {}


def test_what_is_none_is_left_out_and_counted(read):
    content = encoded(
        [
            MetaMessage("time_signature", numerator=255, denominator=128),
            MetaMessage("time_signature", numerator=7, denominator=8, time=480),
            MetaMessage("key_signature", key="C"),
            MetaMessage("set_tempo", tempo=0),
            MetaMessage("lyrics", text="la"),
            MetaMessage("copyright", text="me"),
            MetaMessage("text", text="chord: nonsense"),
            Message("sysex", data=(1, 2)),
        ],
        [MetaMessage("lyrics", text="li"), on(60), Message("polytouch", note=60, value=9), off(60, 480)],
    )
    score, report = read(content.replace(b"\xff\x59\x02\x00\x00", b"\xff\x59\x02\x09\x00"))
    assert report == {
        "copyright": 1, "key": 1, "key pressure": 1, "lyric": 2, "meter": 1, "system exclusive": 1, "tempo": 1,
        "text": 1,
    }  # fmt: skip
    assert list(report) == sorted(report)
    assert score.meters == (MeterEvent(0, Meter(4, 4)), MeterEvent(480, Meter(7, 8)))
    assert score.tempos == (TempoEvent(0, 500_000),)
    assert score.keys == ()


def test_a_meter_of_zero(read):
    content = encoded([MetaMessage("time_signature", numerator=3, denominator=4), on(60), off(60, 9)])
    score, report = read(content.replace(b"\xff\x58\x04\x03\x02", b"\xff\x58\x04\x00\xff"))
    assert (score.meters, report) == ((MeterEvent(0, Meter(4, 4)),), {"meter": 1})


def test_the_concert_key_wins_over_transposing_instruments(read):
    score, report = read(
        encoded(
            [MetaMessage("key_signature", key="Bb"), MetaMessage("set_tempo", tempo=400_000)],
            [MetaMessage("key_signature", key="C"), on(60), off(60, 9)],
        )
    )
    assert score.keys == (KeyEvent(0, Key.parse("Bb")),)
    assert report == {}


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_names_in_either_encoding(read, charset):
    name = "Flöte".encode(charset).decode("latin-1")
    title = "Übung".encode(charset).decode("latin-1")
    score, _ = read(
        encoded([MetaMessage("track_name", name=title)], [MetaMessage("track_name", name=name), on(60), off(60, 9)])
    )
    assert (score.title, score.tracks[0].name) == ("Übung", "Flöte")


def test_a_track_without_notes(read):
    silent = [
        MetaMessage("track_name", name="Tacet"),
        Message("program_change", program=4),
        Message("aftertouch", value=1),
    ]
    comment = [MetaMessage("track_name", name="written by hand")]
    score, _ = read(encoded([MetaMessage("track_name", name="T")], silent, comment, [on(60), off(60, 9)]))
    assert [(track.name, track.program, len(track)) for track in score.tracks] == [("Tacet", 4, 0), ("", 0, 1)]
    assert score.tracks[0].controls.tolist() == [[0, PRESSURE, 1]]


def test_unknown_chunks_and_trailing_bytes_are_passed_over(read):
    content = encoded([on(60), off(60, 9)])
    plain = read(content)
    assert read(content[:14] + b"XFIH\0\0\0\x03abc" + content[14:] + b"\0\0\0") == plain
    assert read(b"MThd\0\0\0\x08" + content[8:14] + b"ab" + content[14:]) == plain


BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"dear diary, today I wrote no music", "is no MIDI file"),
    "header cut": (b"MThd\0\0", "is no MIDI file"),
    "header only": (b"MThd\0\0\0\x06\0\1\0\2\1\xe0", "holds 0 whole tracks of 2"),
    "no tracks": (b"MThd\0\0\0\x06\0\1\0\0\1\xe0", "holds no tracks"),
    "cut short": (encoded([on(60), off(60, 9)], [on(60), off(60, 9)])[:-5], "holds 1 whole tracks of 2"),
    "smpte": (encoded([on(60), off(60, 9)]).replace(b"\x01\xe0MTrk", b"\xe7\x28MTrk"), "SMPTE"),
    "zero ticks": (encoded([on(60), off(60, 9)]).replace(b"\x01\xe0MTrk", b"\0\0MTrk"), "0 ticks a quarter"),
    "bad data": (encoded([Message("control_change", value=1)]).replace(b"\xb0\x00\x01", b"\xb0\x00\xa8"), "in track 1"),
    "too long without notes": (encoded([Message("pitchwheel", time=2**28 - 1)] * 9), "damaged"),
    "too long": (encoded([m for _ in range(9) for m in (on(60, 2**28 - 1), off(60, 1))]), "damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused_in_one_line(read, case):
    content, message = BROKEN[case]
    with pytest.raises(FileFormatError, match=message) as caught:
        read(content)
    assert "test.mid" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_places_that_are_no_files(tmp_path):
    for path in (tmp_path, tmp_path / "none.mid"):
        with pytest.raises(InputFileError, match=str(path)):
            midi.read(path)


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


# Damage, and real files


def damaged(content, rng):
    """The content with a few bytes changed, taken out, put in, or its end cut off."""
    result = bytearray(content)
    place = rng.randrange(len(result))
    match rng.choice("cccccdit"):
        case "c":
            for _ in range(rng.choice([1, 1, 2, 5])):
                result[rng.randrange(len(result))] = rng.randrange(256)
        case "d":
            del result[place : place + rng.randrange(1, 9)]
        case "i":
            result[place:place] = rng.randbytes(rng.randrange(1, 9))
        case "t":
            del result[place:]
    return bytes(result)


def test_damage_is_read_or_refused(tmp_path):
    rng = random.Random(11)
    midi.write(FOUR.replace(chords=(ChordEvent(0, Chord.parse("Eb")),)), tmp_path / "whole.mid", private="x" * 50)
    whole, refusals = (tmp_path / "whole.mid").read_bytes(), []
    readable = 0
    for _ in range(500):
        (tmp_path / "damaged.mid").write_bytes(damaged(whole, rng))
        try:
            midi.write(midi.read(tmp_path / "damaged.mid"), tmp_path / "again.mid")
            readable += 1
        except CadenzaError as error:
            refusals.append(str(error))
    assert not any("\n" in refusal for refusal in refusals)
    assert min(readable, len(refusals)) > 50


def samples(folder, count):
    files = sorted((SHARED / folder).rglob("*.mid"))
    return files[:: max(1, len(files) // count)]


@pytest.mark.parametrize("folder", ["corpora/nottingham", "corpora/pop909", "corpora/js_fakes", "testcases/midi"])
def test_real_files_come_back(tmp_path, folder):
    files = samples(folder, 15)
    if not files:
        pytest.skip(f"no files in shared/{folder}")
    for path in files:
        if "corrupted" in str(path):
            with pytest.raises(FileFormatError, match="damaged in track 4"):
                midi.read(path)
            continue
        score = midi.read(path)
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
