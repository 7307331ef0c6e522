"""Features, held to a slow reading of the decoded score."""

import numpy as np
import pytest
from hypothesis import given
from token_strategies import MANY, scores, walk

from theory.score import Score
from theory.tokens import VOCABULARY, Kind, State, Tokenizer
from theory.tokens.features import COLUMNS, PITCHES, features, moment
from theory.tokens.vocabulary import LOW_STEPS

TOKENIZER = Tokenizer()
UNIT = 20  # ticks in a step


def slow_rows(ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same rows from the score: only how many bars, meters, keys and notes were said so far comes from the ids."""
    score = TOKENIZER.decode(ids)
    lines = score.bar_lines() // UNIT
    plan, heard = np.zeros((len(ids), len(COLUMNS)), int), np.zeros((len(ids), PITCHES), int)
    bars = meters = keys = number = 0
    position, track = -1, -1
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
            for part, count in zip(score.tracks, notes, strict=True)
            for note in list(part)[:count]
            if not part.is_drum and note.onset <= step * UNIT < note.end
        ]
        meter = score.meters[meters - 1].meter if meters else None
        key = score.keys[keys - 1].key if keys else None
        in_voice = track >= 0 and track < len(score.tracks) and kind is not Kind.PROGRAM
        is_melody = in_voice and not _is_drum(ids, row, track)
        plan[row] = [
            min(score.bars - max(bars - 1, 0), 63),
            min(position, LOW_STEPS - 1) + 1,
            key.signature + 8 if key else 0,
            ["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"].index(key.mode) + 1 if key else 0,
            meter.numerator if meter else 0,
            [1, 2, 4, 8, 16, 32, 64].index(meter.denominator) + 1 if meter else 0,
            last[track] + 1 if is_melody else 0,
            min([LOW_STEPS, *(note.end // UNIT - step for note in sounding)]) if sounding else 0,
        ]
        heard[row, [note.pitch for note in sounding]] = 1
    return plan, heard
