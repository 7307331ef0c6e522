"""What quantizing keeps, and how far it may move the rest, held to exact fractions."""

from collections import defaultdict
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_strategies import FEWER, MANY, METERS, RESOLUTIONS, scores, ticks

from theory.chord import Chord
from theory.errors import TokenError
from theory.event import FERMATA, ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import MAX_TICK, Score, Track
from theory.tokens.changes import changes
from theory.tokens.quantize import quantize
from theory.tokens.settings import Settings

STEPS, UNIT = 24, 20  # in a quarter; ticks in a step
Row = tuple[int, int, int, int]


def on_grid(score: Score) -> Score:
    return quantize(score, Settings())


def nearest(tick: int, resolution: int) -> int:
    """Nearest grid step, halves up, by exact fractions."""
    return floor(Fraction(tick * STEPS, resolution) + Fraction(1, 2))


def expected(track: Track, resolution: int) -> list[Row]:
    """The notes that must come out, in ticks, worked out one by one."""
    by_pitch: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for note in track:
        onset = nearest(note.onset, resolution)
        end = max(nearest(note.end, resolution), onset + 1)
        velocity = min(max((note.velocity + 2) // 4 * 4, 1), 127)
        held = by_pitch[note.pitch]
        held[onset] = max(held.get(onset, (0, 0)), (end, velocity))
    rows = []
    for pitch, held in by_pitch.items():
        onsets = sorted(held)
        for onset, following in zip(onsets, [*onsets[1:], None], strict=True):
            end, velocity = held[onset]
            end = end if following is None else min(end, following)
            rows.append((onset * UNIT, pitch, (end - onset) * UNIT, velocity))
    return sorted(rows)


@MANY
@given(scores())
def test_notes_move_to_the_nearest_step_and_keep_the_rest(score: Score) -> None:
    result = on_grid(score)
    assert result.ticks_per_quarter == 480
    assert len(result.tracks) == len(score.tracks)
    for before, after in zip(score.tracks, result.tracks, strict=True):
        assert (after.program, after.is_drum) == (before.program, before.is_drum)
        rows = [(note.onset, note.pitch, note.duration, note.velocity) for note in after]
        assert rows == expected(before, score.ticks_per_quarter)


@given(st.sampled_from(RESOLUTIONS), st.data())
def test_no_onset_and_no_end_moves_by_more_than_half_a_step(resolution: int, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.tuples(ticks(resolution, 40), ticks(resolution, 40)), min_size=1, max_size=40))
    score = Score.from_notes(
        [(onset, max(length, resolution // STEPS, 1), pitch) for pitch, (onset, length) in enumerate(spans)],
        ticks_per_quarter=resolution,
    )
    before = sorted(score.tracks[0], key=lambda note: note.pitch)
    after = sorted(on_grid(score).tracks[0], key=lambda note: note.pitch)
    assert [note.pitch for note in after] == [note.pitch for note in before]
    for old, new in zip(before, after, strict=True):
        assert abs(Fraction(new.onset, 480) - Fraction(old.onset, resolution)) <= Fraction(1, 48)
        if new.duration > UNIT:  # one that would vanish keeps one step
            assert abs(Fraction(new.end, 480) - Fraction(old.end, resolution)) <= Fraction(1, 48)


@FEWER
@given(scores())
def test_quantizing_twice_changes_nothing(score: Score) -> None:
    once = on_grid(score)
    assert on_grid(once) == once


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 6, 8, 12, 24])
def test_32nd_notes_and_triplets_are_exact(parts: int) -> None:
    length = 480 // parts
    score = Score.from_notes([(index * length, length, 60 + index % 2) for index in range(8 * parts)], end=3840)
    assert on_grid(score) == score


@pytest.mark.parametrize("resolution", [3, 12, 96, 960, 10080])
def test_triplets_are_exact_at_any_resolution_that_has_them(resolution: int) -> None:
    third = resolution // 3
    score = Score.from_notes([(i * third, third, 60 + i) for i in range(12)], ticks_per_quarter=resolution)
    assert [(note.onset, note.duration) for note in on_grid(score).tracks[0]] == [(160 * i, 160) for i in range(12)]


def test_a_note_never_vanishes() -> None:
    (note,) = on_grid(Score.from_notes([(3, 1, 60)])).tracks[0]
    assert (note.onset, note.duration) == (0, UNIT)


def test_notes_of_one_pitch_are_cut_where_the_next_begins() -> None:
    score = Score.from_notes([(0, 960, 60), (480, 960, 60), (480, 240, 60), (480, 960, 64)])
    assert [note[:3] for note in on_grid(score).tracks[0]] == [(0, 480, 60), (480, 960, 60), (480, 960, 64)]


def test_one_pitch_in_two_tracks_stays_two_notes() -> None:
    track = Track.from_notes([(0, 480, 60)])
    assert on_grid(Score(tracks=(track, track))).notes == 2


@pytest.mark.parametrize(("given_velocity", "kept"), [(1, 1), (2, 4), (5, 4), (6, 8), (80, 80), (125, 124), (127, 127)])
def test_velocities_are_multiples_of_four(given_velocity: int, kept: int) -> None:
    assert on_grid(Score.from_notes([(0, 480, 60, given_velocity)])).tracks[0].velocity.tolist() == [kept]


@FEWER
@given(scores())
def test_events_are_the_last_ones_said_at_their_step(score: Score) -> None:
    result = on_grid(score)
    for name in ("keys", "chords"):
        said = {nearest(event.tick, score.ticks_per_quarter) * UNIT: event[1] for event in getattr(score, name)}
        said = {tick: value for tick, value in said.items() if tick < result.end}
        now = None
        for tick in sorted(said):
            if name == "keys" and said[tick] == now:
                del said[tick]
            else:
                now = said[tick]
        assert {event.tick: event[1] for event in getattr(result, name)} == said
    fermatas = {nearest(m.tick, score.ticks_per_quarter) * UNIT for m in score.markers if m.text == FERMATA}
    assert result.markers == tuple(Marker(tick, FERMATA) for tick in sorted(fermatas) if tick < result.end)
    assert all(round(event.bpm) == pytest.approx(event.bpm, abs=0.01) for event in result.tempos)


@FEWER
@given(scores())
def test_the_piece_ends_with_the_bar_in_which_it_ended(score: Score) -> None:
    result = on_grid(score)
    lines = result.bar_lines()
    old_end = max([nearest(score.end, score.ticks_per_quarter) * UNIT, *(track.end for track in result.tracks)])
    assert result.end == lines[-1]
    assert result.end == 0 if old_end == 0 else lines[-2] < old_end <= lines[-1]


def test_meters_move_with_the_grid_and_cut_bars() -> None:
    meters = (MeterEvent(0, Meter(1, 4)), MeterEvent(481, Meter(6, 8)), MeterEvent(1201, Meter(6, 8)))
    result = on_grid(Score.from_notes([(0, 3000, 60)], meters=meters))
    assert [event.tick for event in result.meters] == [0, 480, 1200]
    assert result.bar_lines().tolist() == [0, 480, 1200, 2640, 4080]


def test_a_meter_that_says_nothing_new_is_left_out() -> None:
    meters = (MeterEvent(0, Meter(3, 4)), MeterEvent(2880, Meter(3, 4)), MeterEvent(4320, Meter(4, 4)))
    assert on_grid(Score.from_notes([(0, 8000, 60)], meters=meters)).meters == (meters[0], meters[2])


@pytest.mark.parametrize("meter", [meter for meter in METERS if (meter.bar_quarters * STEPS).denominator > 1])
def test_a_meter_finer_than_the_grid_is_left_out(meter: Meter) -> None:
    score = Score.from_notes([(0, 4800, 60)], meters=(MeterEvent(0, Meter(3, 4)), MeterEvent(1440, meter)))
    assert on_grid(score).meters == (MeterEvent(0, Meter(3, 4)),)


def test_tempos_stay_in_bounds() -> None:
    tempos = (TempoEvent(0, 1), TempoEvent(480, 2**24 - 1), TempoEvent(960, 500_001))
    result = on_grid(Score.from_notes([(0, 1920, 60)], tempos=tempos))
    assert [event.bpm for event in result.tempos] == [1000, 4, 120]


@pytest.mark.parametrize("meters", [(), (MeterEvent(0, Meter(6, 8)),)])
def test_a_piece_without_length_says_nothing(meters: tuple[MeterEvent, ...]) -> None:
    key, chord = KeyEvent(0, Key.parse("D")), ChordEvent(0, Chord.parse("C"))
    score = Score(tempos=(TempoEvent(0, 400_000),), meters=meters, keys=(key,), chords=(chord,))
    assert on_grid(score) == Score()


def test_more_tracks_than_tokens_hold_are_refused() -> None:
    assert len(on_grid(Score(tracks=(Track.empty(),) * 128)).tracks) == 128
    with pytest.raises(TokenError, match="129 tracks"):
        on_grid(Score(tracks=(Track.empty(),) * 129))


def test_a_piece_too_long_to_count_is_refused() -> None:
    with pytest.raises(TokenError, match="quarters"):
        on_grid(Score.from_notes([(MAX_TICK - 10, 10, 60)]))
    with pytest.raises(TokenError, match="quarters"):
        on_grid(Score.from_notes([(0, 10**7, 60)], ticks_per_quarter=1))


def test_controls_after_the_end_are_left_out_however_late() -> None:
    track = Track.from_notes([(0, 4, 60)], controls=[(0, 7, 100), (4, 7, 90), (MAX_TICK, 7, 80)])
    result = on_grid(Score(tracks=(track,), ticks_per_quarter=1))
    assert result.tracks[0].controls.tolist() == [[0, 7, 100]]


def test_tempos_that_are_moved_into_bounds_are_counted() -> None:
    tempos = (TempoEvent(0, 1), TempoEvent(480, 2**24 - 1), TempoEvent(960, 60_000), TempoEvent(1440, 15_000_000))
    score = Score.from_notes([(0, 1920, 60)], tempos=tempos)
    assert changes(score, Settings()).dropped == {"tempo outside 4 to 1000": 1}
