"""Features, held to a slow reading of the decoded score."""

import numpy as np
import pytest
from hypothesis import given
from token_strategies import FEWER, scores, walk

from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.features import COLUMNS, PITCHES, features, moment
from theory.tokens.vocabulary import LOW_STEPS

TOKENIZER = Tokenizer()
UNIT = 20  # ticks in a step
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")


def slow_rows(ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same rows from the score: only how many bars, meters, keys and notes were said so far comes from the ids."""
    score = TOKENIZER.decode(ids)
    lines = score.bar_lines() // UNIT
    plan, heard = np.zeros((len(ids), len(COLUMNS)), int), np.zeros((len(ids), PITCHES), int)
    bars = meters = keys = number = 0
    position, track = -1, -1
    parts = [[] if part.is_drum else list(part) for part in score.tracks]
    notes = [0] * len(score.tracks)  # finished ones, of each track
    last = [-1] * len(score.tracks)
    for row, token in enumerate(ids):
        kind, value = Kind(VOCABULARY.kinds[token]), int(VOCABULARY.values[token])
        bars += kind is Kind.BAR
        meters += kind is Kind.DENOMINATOR
        keys += kind is Kind.MODE
        number += LOW_STEPS << value if kind is Kind.POSITION_HIGH else 0
        if kind is Kind.POSITION_LOW:
            position, number, track = number + value, 0, -1
        elif kind is Kind.BAR:
            position, track = -1, -1
        elif kind is Kind.TRACK:
            track = value
        elif kind in (Kind.PITCH, Kind.DRUM):
            last[track] = value
        elif kind is Kind.DURATION_LOW:
            notes[track] += 1
        step = int(lines[max(bars - 1, 0)]) + max(position, 0)
        sounding = [
            note
            for part, count in zip(parts, notes, strict=True)
            for note in part[:count]
            if note.onset <= step * UNIT < note.end
        ]
        meter = score.meters[meters - 1].meter if meters else None
        key = score.keys[keys - 1].key if keys else None
        is_melody = track >= 0 and not score.tracks[track].is_drum
        plan[row] = [
            min(score.bars - max(bars - 1, 0), 63),
            min(position, LOW_STEPS - 1) + 1,
            key.signature + 8 if key else 0,
            MODES.index(key.mode) + 1 if key else 0,
            meter.numerator if meter else 0,
            [1, 2, 4, 8, 16, 32, 64].index(meter.denominator) + 1 if meter else 0,
            last[track] + 1 if is_melody else 0,
            min([LOW_STEPS, *(note.end // UNIT - step for note in sounding)]) if sounding else 0,
        ]
        heard[row, [note.pitch for note in sounding]] = 1
    return plan, heard


def agrees(ids: list[int]) -> None:
    plan, heard = slow_rows(ids)
    rows = features(ids)
    assert (rows.plan.dtype, rows.heard.dtype) == (np.int32, np.uint8)
    assert rows.plan.tolist() == plan.tolist()
    assert rows.heard.tolist() == heard.tolist()


@pytest.mark.parametrize("seed", range(15))
def test_rows_are_what_the_decoded_score_says(seed: int) -> None:
    agrees(walk(seed, 150))


@FEWER
@given(scores())
def test_rows_of_any_score_are_what_the_score_says(score: Score) -> None:
    agrees(TOKENIZER.encode(score).tolist())


def test_values_fit_their_columns() -> None:
    sizes = np.array(list(COLUMNS.values()))
    for seed in range(8):
        plan, heard = features(walk(seed, 150))
        assert plan.shape[1] == len(sizes)
        assert (plan >= 0).all()
        assert (plan < sizes).all()
        assert heard.max() <= 1


def test_rows_in_words() -> None:
    score = Score(
        tracks=(
            Track.from_notes([(0, 960, 60), (960, 960, 62)]),
            Track.from_notes([(0, 480, 48)]),
            Track.from_notes([(0, 960, 38)], is_drum=True),
        ),
        meters=(MeterEvent(0, Meter(3, 4)),),
        keys=(KeyEvent(0, Key.parse("d minor")),),
        end=2880,
    )
    ids = TOKENIZER.encode(score).tolist()
    plan, heard = features(ids)
    last_note = max(row for row, token in enumerate(ids) if VOCABULARY.kinds[token] == Kind.DURATION_LOW)
    columns = dict(zip(COLUMNS, plan[last_note].tolist(), strict=True))
    assert columns == {
        "bars_left": 2, "position": 49, "signature": 7, "mode": 2, "numerator": 3, "exponent": 3, "last_pitch": 63,
        "next_end": 48,
    }  # fmt: skip
    assert np.flatnonzero(heard[last_note]).tolist() == [62]
    assert np.flatnonzero(heard[last_note - 6]).tolist() == [48, 60]  # after the drum, which is not heard
    assert plan[last_note + 1, 0] == 1  # the last bar
    assert np.flatnonzero(heard[last_note + 1]).tolist() == [62]  # tied over the bar line


@pytest.mark.parametrize("seed", range(4))
def test_a_moment_is_a_row(seed: int) -> None:
    ids = walk(seed, 150)
    rows, state = features(ids), State()
    bars = ids.count(VOCABULARY.id(Kind.BAR))
    for row, token in enumerate(ids):
        state.advance(token)
        plan, pitches = moment(state, bars)
        assert plan == rows.plan[row].tolist()
        assert sorted(set(pitches)) == np.flatnonzero(rows.heard[row]).tolist()


def test_no_ids_have_no_rows() -> None:
    rows = features([])
    assert (rows.plan.shape, rows.heard.shape) == ((0, len(COLUMNS)), (0, PITCHES))
