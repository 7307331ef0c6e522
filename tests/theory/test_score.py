"""The score: columns, events, bars and time."""

import doctest
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import score as module
from theory.chord import Chord
from theory.errors import MeterError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick, without_repeats
from theory.key import Key
from theory.meter import Meter
from theory.score import MAX_TICK, PITCH_BEND, PRESSURE, Note, Score, Track

NOTES = st.lists(
    st.builds(
        Note,
        st.integers(0, 10_000),
        st.integers(1, 2_000),
        st.integers(0, 127),
        st.integers(1, 127),
        st.none(),
        st.none(),
    ),
    max_size=20,
)
TEMPOS = st.dictionaries(st.integers(0, 20_000), st.integers(1, 2**24 - 1), max_size=6).map(
    lambda d: tuple(TempoEvent(tick, d[tick]) for tick in sorted(d))
)


def columns(**changes: Any) -> dict[str, Any]:
    given_columns = {"onset": [0, 4], "duration": [4, 4], "pitch": [60, 62], "velocity": [80, 80]}
    return {name: np.array(column) for name, column in {**given_columns, **changes}.items()}


def test_doctests() -> None:
    assert doctest.testmod(module).failed == 0


@given(NOTES, st.randoms(use_true_random=False))
def test_tracks_do_not_depend_on_the_order_of_notes(notes: list[Note], random: Any) -> None:
    track = Track.from_notes(notes)
    shuffled = list(notes)
    random.shuffle(shuffled)
    assert Track.from_notes(shuffled) == track
    assert hash(Track.from_notes(shuffled)) == hash(track)
    assert list(track) == sorted(notes, key=lambda n: (n.onset, n.pitch, n.duration, n.velocity))
    assert track.end == max((note.end for note in notes), default=0)


def test_columns_have_their_types_and_are_read_only() -> None:
    track = Track(**columns(voice=[1, 2], spelling=[0, 2]), controls=np.array([[9, 64, 127], [0, 7, 100]]))
    types = {name: str(getattr(track, name).dtype) for name in (*columns(), "voice", "spelling", "controls")}
    assert types == {
        "onset": "int32", "duration": "int32", "pitch": "uint8", "velocity": "uint8", "voice": "int16",
        "spelling": "int8", "controls": "int32",
    }  # fmt: skip
    assert track.controls.tolist() == [[0, 7, 100], [9, 64, 127]]
    for name in types:
        with pytest.raises(ValueError, match="read-only"):
            getattr(track, name)[0] = 1


def test_optional_columns_move_with_their_notes() -> None:
    track = Track.from_notes([Note(8, 4, 60, 80, 1, 0), Note(0, 4, 66, 80, 2, 6)])
    assert track[0] == Note(0, 4, 66, 80, 2, 6)
    assert track[1].voice == 1
    assert track[-1] == track[1]
    assert Track.from_notes([Note(0, 1, 60, voice=1), Note(0, 1, 61)]).voice is None


@pytest.mark.parametrize(
    "changes",
    [{"onset": [-1, 0]}, {"duration": [0, 1]}, {"pitch": [60, 128]}, {"velocity": [0, 1]}, {"velocity": [128, 1]},
     {"pitch": [60]}, {"voice": [1]}, {"onset": [0.5, 1.0]}, {"onset": [[0, 1]]}, {"onset": [MAX_TICK, 0]},
     {"spelling": [0, 300]}, {"spelling": [0.5, 1.5]}, {"voice": [0, 40_000]}, {"onset": [2**40, 0]}],
)  # fmt: skip
def test_bad_columns_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ScoreError, match="track ''"):
        Track(**columns(**changes))


@pytest.mark.parametrize(
    "controls",
    [[(1, 2)], [(-1, 64, 0)], [(2**40, 64, 0)], [(0, 130, 0)], [(0, 64, 128)], [(0, PITCH_BEND, 9000)], [(0, 64, -1)],
     [(0.5, 64, 0)], [0, 64, 0]],
)  # fmt: skip
def test_bad_controls_are_refused(controls: Any) -> None:
    with pytest.raises(ScoreError, match="control"):
        Track.from_notes([], controls=controls)


def test_controls_keep_their_order_at_one_tick() -> None:
    rows = [[5, PITCH_BEND, -8192], [0, 64, 127], [5, PRESSURE, 127], [5, PITCH_BEND, 8191]]
    assert Track.from_notes([], controls=rows).controls.tolist() == [rows[1], rows[0], rows[2], rows[3]]


@pytest.mark.parametrize("program", [-1, 128])
def test_bad_programs_are_refused(program: int) -> None:
    with pytest.raises(ScoreError, match="program"):
        Track.empty(program=program)


def test_defaults_stand_at_tick_0() -> None:
    score = Score(tempos=(TempoEvent(9, 400_000),), meters=(MeterEvent(9, Meter(3, 4)),))
    assert score.tempos[0] == (0, 500_000)
    assert score.meters[0] == (0, Meter(4, 4))
    assert (score.end, score.bars, score.notes, score.duration) == (0, 0, 0, 0.0)


@pytest.mark.parametrize(
    "fields",
    [{"ticks_per_quarter": 0}, {"ticks_per_quarter": 32768}, {"tempos": (TempoEvent(0, 0),)}, {"end": -2},
     {"tempos": (TempoEvent(0, 2**24),)}, {"keys": (KeyEvent(5, Key(0)), KeyEvent(4, Key(0)))},
     {"keys": (KeyEvent(5, Key(0)), KeyEvent(5, Key(1)))}, {"markers": (Marker(-1, "x"),)},
     {"markers": (Marker(MAX_TICK + 1, "x"),)}, {"tracks": (Track.from_notes([(0, 9, 60)]),), "end": 8}],
)  # fmt: skip
def test_contradictions_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ScoreError) as caught:
        Score(**fields)
    assert "\n" not in str(caught.value)


def test_equality_and_hash_are_by_content() -> None:
    def build(**fields: Any) -> Score:
        return Score.from_notes([(0, 480, 60)], keys=[KeyEvent(0, Key(0))], **fields)

    chord = (ChordEvent(0, Chord(0, "maj", (), 0)),)
    assert build() == build()
    assert hash(build(chords=chord)) == hash(build(chords=chord))
    different = [build(), build(title="x"), build(end=481), build(chords=chord), build(name="p"), build(program=1)]
    different += [build(is_drum=True), build(ticks_per_quarter=96), build(markers=(Marker(0, "a"),))]
    assert len(set(different)) == len(different)
    assert build() != "score"
    assert build().tracks[0] != 1
    spelled = Track(**columns(spelling=[0, 2]))
    assert spelled != Track(**columns()) != Track(**columns(voice=[0, 2])) != spelled


def test_replace_moves_the_end_with_longer_tracks() -> None:
    score = Score.from_notes([(0, 480, 60)])
    longer = Track.from_notes([(0, 960, 60)])
    assert score.replace(tracks=(longer,)).end == 960
    assert score.replace(tracks=(longer,), end=2000).end == 2000
    assert score.replace(tracks=()).end == 480
    assert score.replace(title="x").end == 480


@pytest.mark.parametrize(
    ("end", "meters", "lines"),
    [(0, [(0, "4/4")], [0]), (1, [(0, "4/4")], [0, 1920]), (1920, [(0, "4/4")], [0, 1920]),
     (1921, [(0, "4/4")], [0, 1920, 3840]), (3000, [(0, "1/4"), (480, "4/4")], [0, 480, 2400, 4320]),
     (4000, [(0, "4/4"), (2400, "3/4")], [0, 1920, 2400, 3840, 5280]),  # the second bar is cut short
     (1000, [(0, "4/4"), (5000, "3/4")], [0, 1920]), (1000, [(0, "4/4"), (1000, "3/4")], [0, 1920]),
     (2160, [(0, "6/8"), (1440, "7/8")], [0, 1440, 3120])],
)  # fmt: skip
def test_bar_lines(end: int, meters: list[tuple[int, str]], lines: list[int]) -> None:
    score = Score(end=end, meters=tuple(MeterEvent(tick, Meter.parse(name)) for tick, name in meters))
    assert score.bar_lines().tolist() == lines
    assert score.bar_lines().dtype == np.int64
    assert score.bars == len(lines) - 1


def test_bars_that_are_no_whole_ticks_are_refused() -> None:
    score = Score(end=9, ticks_per_quarter=1, meters=(MeterEvent(0, Meter(7, 8)),))
    with pytest.raises(MeterError):
        score.bar_lines()


@pytest.mark.parametrize(
    ("meters", "pickup"),
    [([(0, "1/4"), (480, "4/4")], True), ([(0, "4/4")], False), ([(0, "1/4"), (960, "4/4")], False),
     ([(0, "4/4"), (1920, "3/4")], False)],
)  # fmt: skip
def test_pickup(meters: list[tuple[int, str]], pickup: bool) -> None:
    events = tuple(MeterEvent(tick, Meter.parse(name)) for tick, name in meters)
    assert Score.from_notes([(0, 4000, 60)], meters=events).pickup is pickup


@given(TEMPOS, st.lists(st.integers(0, 30_000), max_size=8), st.sampled_from([22_050, 44_100, 48_000]))
def test_seconds_and_frames_follow_the_tempo_map_exactly(
    tempos: tuple[TempoEvent, ...], ticks: list[int], rate: int
) -> None:
    score = Score(tempos=tempos, end=30_000)
    exact = []
    for tick in ticks:
        micro = Fraction(0)
        for index, (start, tempo) in enumerate(score.tempos):
            stop = score.tempos[index + 1].tick if index + 1 < len(score.tempos) else 10**9
            micro += Fraction(max(0, min(tick, stop) - start) * tempo, score.ticks_per_quarter)
        exact.append(micro / 1_000_000)
    np.testing.assert_allclose(score.seconds(ticks), [float(x) for x in exact], rtol=1e-14)
    assert score.frames(ticks, rate).tolist() == [int(x * rate + Fraction(1, 2)) for x in exact]


def test_frames_stay_exact_in_the_longest_piece() -> None:
    score = Score(tempos=(TempoEvent(0, 2**24 - 1),), ticks_per_quarter=32767, end=MAX_TICK)
    exact = Fraction(MAX_TICK * (2**24 - 1), 32767 * 1_000_000) * 192_000
    assert score.frames(MAX_TICK, 192_000) == int(exact + Fraction(1, 2))


def test_tempo_in_quarters_a_minute() -> None:
    assert TempoEvent.from_bpm(0, 120) == (0, 500_000)
    assert TempoEvent.from_bpm(0, 90).bpm == pytest.approx(90, rel=1e-6)
    for bad in (3.9, 1001, float("nan"), -5):
        with pytest.raises(ScoreError):
            TempoEvent.from_bpm(0, bad)
    assert Score(tempos=(TempoEvent.from_bpm(0, 4),)).tempos[0].microseconds_per_quarter == 15_000_000


def test_helpers_for_events() -> None:
    events = [KeyEvent(4, Key(1)), KeyEvent(0, Key(0)), KeyEvent(4, Key(2)), KeyEvent(9, Key(2))]
    assert last_per_tick(events) == (KeyEvent(0, Key(0)), KeyEvent(4, Key(2)), KeyEvent(9, Key(2)))
    assert without_repeats(last_per_tick(events)) == (KeyEvent(0, Key(0)), KeyEvent(4, Key(2)))


def test_markers_may_share_a_tick() -> None:
    markers = (Marker(0, "a"), Marker(0, "b"))
    assert Score(markers=markers).markers == markers


def test_views_for_people() -> None:
    score = Score.from_notes([(0, 480, 60)], name="Flute", keys=[KeyEvent(0, Key(0))], title="Song")
    assert repr(score) == "<Score 'Song' 1 tracks, 1 notes, 4/4, C major, 1 quarters>"
    assert repr(score.tracks[0]) == "<Track 'Flute' program 0, 1 notes, 0 controls>"
    assert score.tracks[0][0].end == 480
