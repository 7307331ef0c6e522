"""What one synthesizer is told, and when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.schedule import CONTROL, DRUM_BANK, DRUM_CHANNEL, NOTE_OFF, NOTE_ON, Schedule, schedule
from theory.errors import ScoreError
from theory.event import TempoEvent
from theory.score import BANK, PITCH_BEND, SUSTAIN, Score, Track

RATE = 48_000  # at 120 quarters a minute and 480 ticks, a tick is 50 frames


def plan(notes: list[tuple[int, ...]], **fields: object) -> Schedule:
    track = Track.from_notes(notes, **fields)  # type: ignore[arg-type]
    return schedule(Score((track,)), track, RATE)


def rows(events: Schedule, *kinds: int) -> list[tuple[int, ...]]:
    columns = zip(events.frames, events.kinds, events.numbers, events.values, strict=True)
    return [tuple(map(int, row)) for row in columns if row[1] in kinds]


def test_a_restruck_key_is_released_just_before_it_is_struck_again():
    assert rows(plan([(0, 480, 60), (480, 480, 60)]), NOTE_OFF, NOTE_ON) == [
        (0, NOTE_ON, 60, 80), (24000, NOTE_OFF, 60, 0), (24000, NOTE_ON, 60, 80), (48000, NOTE_OFF, 60, 0),
    ]  # fmt: skip


def test_overlapping_notes_of_a_pitch_sound_until_the_last_one_ends():
    events = rows(plan([(0, 960, 60), (480, 240, 60), (480, 240, 64)]), NOTE_OFF, NOTE_ON)
    assert [row[:3] for row in events if row[2] == 60] == [
        (0, NOTE_ON, 60), (24000, NOTE_OFF, 60), (24000, NOTE_ON, 60), (48000, NOTE_OFF, 60),
    ]  # fmt: skip


def test_notes_of_one_pitch_and_onset_are_one_stroke():
    events = rows(plan([(0, 480, 60, 50), (0, 960, 60, 40)]), NOTE_OFF, NOTE_ON)
    assert events == [(0, NOTE_ON, 60, 50), (48000, NOTE_OFF, 60, 0)]


def test_offs_come_before_controls_and_controls_before_ons():
    events = plan([(0, 480, 60), (480, 480, 62)], controls=[(480, SUSTAIN, 127), (480, PITCH_BEND, -8192)])
    at_second_note = [row[1:] for row in rows(events, NOTE_OFF, CONTROL, NOTE_ON) if row[0] == 24000]
    assert at_second_note == [
        (NOTE_OFF, 60, 0), (CONTROL, SUSTAIN, 127), (CONTROL, PITCH_BEND, -8192), (NOTE_ON, 62, 80),
    ]  # fmt: skip


def test_a_pedal_still_down_is_lifted_where_the_piece_ends():
    track = Track.from_notes([(0, 480, 60)], controls=[(0, SUSTAIN, 127)])
    events = schedule(Score((track,), end=1920), track, RATE)
    assert rows(events, CONTROL)[-1] == (96000, CONTROL, SUSTAIN, 0)
    assert plan([(0, 480, 60)]).end == 24000


def test_drums_keep_their_channel_and_bank():
    events = plan([(0, 1, 36)], is_drum=True, program=8, controls=[(0, BANK, 3)])
    assert (events.channel, events.bank, events.program) == (DRUM_CHANNEL, DRUM_BANK, 8)
    assert BANK not in [row[2] for row in rows(events, CONTROL)]


@pytest.mark.parametrize(
    "control", [(0, 130, 0), (0, -1, 0), (0, 7, 128), (0, 7, -1), (0, PITCH_BEND, 8192), (-1, 7, 0)]
)
def test_what_is_no_control_is_one_clear_line(control):
    with pytest.raises(ScoreError, match=r"^track 'Horn': control .*$"):
        plan([(0, 480, 60)], name="Horn", controls=[control])


notes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(60, 62), st.integers(1, 127)), max_size=30
)


@given(notes, st.integers(1, 2**24 - 1))
def test_every_pitch_is_struck_and_released_in_turn_and_sounds_when_a_note_says_so(notes, tempo):
    score = Score.from_notes(notes, tempos=[TempoEvent(0, tempo)])
    events = schedule(score, score.tracks[0], RATE)
    assert (np.diff(events.frames) >= 0).all()
    for pitch in (60, 61, 62):
        strokes = [row for row in rows(events, NOTE_OFF, NOTE_ON) if row[2] == pitch]
        assert [row[1] for row in strokes] == [NOTE_ON, NOTE_OFF] * (len(strokes) // 2)
        wanted = [note for note in notes if note[2] == pitch]
        onsets = {int(score.frames(note[0], RATE)) for note in wanted}
        assert [row[0] for row in strokes if row[1] == NOTE_ON] == sorted(onsets)
        if wanted:
            end = int(score.frames(max(note[0] + note[1] for note in wanted), RATE))
            assert strokes[-1][0] == max(end, max(onsets) + 1)
