import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_bytes import encoded, off, on, rows
from mido import Message, MetaMessage

import data
from data import midi
from data._midi_chunk import from_events, from_runs, read_chunks
from data._midi_events import events
from data._midi_file import take_apart
from data._midi_plain import run_of
from data._midi_skim import skim
from theory.errors import FileFormatError, RepairWarning
from theory.event import KeyEvent
from theory.key import Key
from theory.score import MAX_TICK, PITCH_BEND, Score, Track

SHARED = Path(__file__).parents[3] / "shared"


NOTE, END = "00 90 3c 40 60 80 3c 40", "00 ff 2f 00"
ONE = [(0, 96, 60, 64)]
LATER = [(0, 96, 60, 64), (96, 96, 60, 64)]
# The content of a track in hexadecimal digits, its notes, and what was repaired.
DAMAGED = {
    "end of track missing": (NOTE, ONE, {"end of track": 1}),
    "end of track too long": (f"{NOTE} 00 ff 2f 05", ONE, {}),
    "more after the end": (f"{NOTE} {END} {NOTE}", ONE, {"bytes after the end of track": 1}),
    "zeros after the end": (f"{NOTE} {END} 00 00", ONE, {}),
    "cut in a message": (f"{NOTE} 00 90 3c", ONE, {"cut event": 1}),
    "cut in a time": (f"{NOTE} 81", ONE, {"cut event": 1}),
    "cut in a text": (f"{NOTE} 00 ff 06 05 61", ONE, {"cut event": 1}),
    "loud": (f"00 90 3c c0 60 80 3c 40 {END}", [(0, 96, 60, 127)], {"data byte": 1}),
    "loud note-off": (f"00 90 3c 40 60 80 3c c0 {END}", ONE, {"data byte": 1}),
    "no such pitch": (f"00 90 bc 40 {NOTE} {END}", ONE, {"data byte": 1}),
    "no such program": (f"00 c0 85 {NOTE} {END}", ONE, {"data byte": 1}),
    "no such bend": (f"00 e0 80 00 {NOTE} {END}", ONE, {"data byte": 1}),
    "no status": (f"00 3c 40 {NOTE} {END}", ONE, {"running status": 1}),
    "status after a system message": (
        f"00 90 3c 40 00 f0 01 f7 60 3c 00 {END}", ONE, {"running status": 1, "system exclusive": 1}
    ),
    "system messages": (f"00 f8 00 f1 01 00 f2 01 02 {NOTE} {END}", ONE, {"system message": 3}),
    "long number": (f"80 80 80 80 {NOTE} {END}", ONE, {"number": 1}),
    "long system message": (f"00 f0 7f 7e f7 {NOTE} {END}", ONE, {"system exclusive": 1}),
    "tempo of two bytes": (f"00 ff 51 02 01 02 {NOTE} {END}", ONE, {"meta event": 1}),
    "tempo longer than the track": (f"00 ff 51 7f 07 a1 20 {NOTE} {END}", ONE, {"meta event": 1}),
    "key of one byte": (f"00 ff 59 01 03 {NOTE} {END}", ONE, {"meta event": 1}),
    "no end": (f"{NOTE} 00 90 3c 40 60 ff 2f 00", LATER, {"note without an end": 1}),
    "no end before the next": (
        "00 90 3c 40 60 90 3c 40 60 ff 2f 00", LATER, {"note without an end": 2}
    ),
    "tempo of 0": (f"00 ff 51 03 00 00 00 {NOTE} {END}", ONE, {"tempo": 1}),
    "meter of 255/128": (f"00 ff 58 04 ff 07 18 08 {NOTE} {END}", ONE, {"meter": 1}),
}  # fmt: skip


def one_track(body):
    return b"MThd\0\0\0\x06\0\1\0\1\1\xe0MTrk" + len(body).to_bytes(4) + body


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_track_is_read_as_far_as_it_plays(read, case):
    body, notes, wanted = DAMAGED[case]
    score, report = read(one_track(bytes.fromhex(body)))
    assert rows(score.tracks[0]) == notes
    left_out = ("tempo", "meter", "system exclusive")
    assert {kind.removeprefix(midi.REPAIRED): count for kind, count in report.items()} | {
        kind: count for kind, count in report.items() if kind in left_out
    } == wanted | ({"system exclusive": 1} if "f0" in body else {})


TWO = encoded([MetaMessage("track_name", name="One"), on(60), off(60, 9)], [on(62), off(62, 9)])
FIRST, SECOND = TWO.index(b"MTrk"), TWO.rindex(b"MTrk")
# Files of two tracks, and what was repaired.
PIECES = {
    "cut short": (TWO[:-3], {"cut event": 1, "track cut short": 1}),
    "bytes in front": (b"\0" * 128 + TWO, {"bytes before the header": 1}),
    "in a RIFF file": (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + TWO, {}),
    "no header name": (b"MXhd" + TWO[4:], {"header": 1}),
    "no header": (TWO[FIRST:], {"header": 1, "ticks a quarter": 1, "track count": 1}),
    "header length": (TWO[:7] + b"\x66" + TWO[8:], {"header": 1}),
    "kind": (TWO[:8] + b"\7" + TWO[9:], {"header": 1}),
    "more tracks": (TWO[:11] + b"\1" + TWO[12:], {"track count": 1}),
    "fewer tracks": (TWO[:11] + b"\x33" + TWO[12:], {"track count": 1}),
    "0 ticks a quarter": (TWO[:12] + b"\0\0" + TWO[14:], {"ticks a quarter": 1}),
    "odd frames": (TWO[:12] + b"\x81\xe0" + TWO[14:], {"ticks a quarter": 1}),
    "short length": (TWO[: FIRST + 7] + b"\4" + TWO[FIRST + 8 :], {"chunk length": 1}),
    "long length": (TWO[: FIRST + 4] + b"\x7f" + TWO[FIRST + 5 :], {"chunk length": 1}),
    "long last length": (TWO[: SECOND + 4] + b"\x7f" + TWO[SECOND + 5 :], {"track cut short": 1}),
    "junk": (TWO[:SECOND] + b"\1\2\3" + TWO[SECOND:], {"junk between chunks": 1}),
    "another file behind": (TWO + TWO, {}),
    "chunk name": (TWO[:SECOND] + b"MTr\xeb" + TWO[SECOND + 4 :], {"chunk name": 1}),
}


@pytest.mark.parametrize("case", PIECES)
def test_a_damaged_file_gives_its_tracks(read, case):
    content, wanted = PIECES[case]
    score, report = read(content)
    assert [rows(track)[0][0::2] for track in score.tracks] == [(0, 60), (0, 62)]
    assert (score.tracks[0].name, score.ticks_per_quarter) == ("One", 480)
    if case != "cut short":
        assert [track.end for track in score.tracks] == [9, 9]
    assert report == {midi.REPAIRED + kind: count for kind, count in sorted(wanted.items())}


def test_a_track_longer_than_a_score_can_be_ends_there(read):
    score, report = read(encoded([message for _ in range(9) for message in (on(60, 2**28 - 2), off(60, 1))]))
    assert (len(score.tracks[0]), report) == (8, {"repaired: late event": 1})
    assert score.end < MAX_TICK


def test_reading_warns_of_repairs_in_one_line(tmp_path):
    (tmp_path / "cut.mid").write_bytes(TWO[:-3])
    with pytest.warns(RepairWarning) as caught:
        data.read(tmp_path / "cut.mid")
    wanted = f"{tmp_path / 'cut.mid'} is damaged; repaired: cut event (1), track cut short (1)"
    assert [str(warning.message) for warning in caught] == [wanted]


# Two ways to read


def by_hand(body):
    repairs = Counter()
    found = list(events(body, repairs))
    return from_events(found, skim(found), repairs)


def heard(chunk):
    """All that a chunk holds, in an order that does not depend on how it was read."""
    parts = []
    for part in chunk.parts:
        controls = np.asarray(part.controls)
        in_order = controls[np.lexsort([controls[:, 1] >= PITCH_BEND, controls[:, 0]])].tolist()
        parts.append((part.program, part.is_drum, [column.tolist() for column in part.notes], in_order))
    return parts, chunk.name if parts else "", *chunk[2:7], chunk.skim.texts, chunk.repairs


def check_both_ways(*bodies):
    """Whether the chunks read as columns, all at once, are those read event by event; how many are plain."""
    assert [heard(chunk) for chunk in read_chunks(bodies)] == [heard(by_hand(body)) for body in bodies]
    runs = [run_of(body) for body in bodies]
    return sum(run is not None and from_runs([run]) is not None for run in runs)


def samples(folder, count):
    files = sorted((SHARED / folder).rglob("*.mid"))
    return files[:: max(1, len(files) // count)]


@pytest.mark.parametrize("folder", ["corpora/nottingham", "corpora/pop909", "corpora/js_fakes", "testcases/midi"])
def test_both_ways_of_reading_agree_on_real_files(folder):
    files = samples(folder, 30)
    if not files:
        pytest.skip(f"no files in shared/{folder}")
    plain = sum(check_both_ways(*take_apart(path.read_bytes(), path).bodies) for path in files)
    assert plain >= len(files) / 2, "columns are hardly ever used"


DATA = st.integers(0, 127)
MESSAGES = st.one_of(
    st.builds(
        Message,
        st.sampled_from(["note_on", "note_off"]),
        channel=st.integers(8, 10),
        note=st.integers(60, 63),
        velocity=DATA,
    ),
    st.builds(Message, st.just("control_change"), channel=st.integers(8, 10), control=DATA, value=DATA),
    st.builds(Message, st.just("pitchwheel"), channel=st.integers(8, 10), pitch=st.integers(-8192, 8191)),
    st.builds(Message, st.just("program_change"), channel=st.integers(8, 10), program=st.integers(0, 2)),
    st.builds(Message, st.just("aftertouch"), channel=st.integers(8, 10), value=DATA),
    st.builds(Message, st.just("sysex"), data=st.lists(DATA, max_size=3)),
    st.builds(MetaMessage, st.sampled_from(["text", "marker", "lyrics"]), text=st.text("aé\x7f", max_size=3)),
    st.builds(MetaMessage, st.just("track_name"), name=st.text("aé\x7f", max_size=3)),
    st.builds(MetaMessage, st.just("set_tempo"), tempo=st.integers(0, 2**24 - 1)),
    st.builds(MetaMessage, st.just("key_signature"), key=st.sampled_from(["C", "F#m", "Cb"])),
    st.builds(
        MetaMessage, st.just("time_signature"), numerator=st.integers(0, 255), denominator=st.sampled_from([1, 4, 128])
    ),
)
TIMED = st.builds(lambda message, time: message.copy(time=time), MESSAGES, st.sampled_from([0, 1, 200, 20_000]))


@settings(max_examples=150)
@given(st.lists(TIMED, max_size=25))
def test_both_ways_of_reading_agree_on_any_messages(messages):
    check_both_ways(take_apart(encoded(messages), "x").bodies[0])


# Anything

WHOLE = Score(
    tracks=(
        Track.from_notes([(0, 480, 72, 90), (480, 240, 74, 91), (1440, 360, 76, 92)], program=73, name="A"),
        Track.from_notes([(0, 720, 64), (0, 720, 67), (720, 720, 64)], controls=[(0, 7, 90), (9, PITCH_BEND, 5)]),
        Track.from_notes([(0, 120, 36), (720, 120, 38), (3840, 120, 42)], is_drum=True, name="Drums"),
    ),
    keys=(KeyEvent(0, Key.parse("Eb")),),
    title="Whole",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.mid"
    midi.write(WHOLE, path, private="x" * 20)
    return path.read_bytes()


def recovered(content, path):
    """The notes (onset, pitch, velocity) of each track that can be read, None for a refusal; a score can be written."""
    path.write_bytes(content)
    try:
        score, _ = midi.read_with_report(path)
    except FileFormatError:
        return None
    midi.write(score, path)
    return [[(note.onset, note.pitch, note.velocity) for note in track] for track in score.tracks]


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


def test_damage_is_read_or_refused(tmp_path, whole):
    rng = random.Random(11)
    results = [recovered(damaged(whole, rng), tmp_path / "damaged.mid") for _ in range(500)]
    assert sum(result is not None for result in results) > 450


def test_what_is_left_of_a_file_is_what_it_began_with(tmp_path, whole):
    before = recovered(whole, tmp_path / "x.mid")
    read = 0
    for size in range(len(whole)):
        after = recovered(whole[:size], tmp_path / "x.mid") or []
        assert after[:-1] == before[: max(len(after) - 1, 0)]
        assert not after or after[-1] == before[len(after) - 1][: len(after[-1])]
        read += bool(after)
    assert read > len(whole) / 2


def test_a_byte_in_one_track_changes_no_other(tmp_path, whole):
    before = recovered(whole, tmp_path / "x.mid")
    rng = random.Random(5)
    last = whole.rindex(b"MTrk")
    for place in range(last + 8, len(whole)):
        content = whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :]
        assert recovered(content, tmp_path / "x.mid")[:2] == before[:2]


@settings(max_examples=200)
@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, is_track):
    path = tmp_path_factory.getbasetemp() / "any.mid"
    notes = recovered(one_track(content) if is_track else content, path) or []
    assert sum(map(len, notes)) <= len(content) / 3
