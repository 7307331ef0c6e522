"""The pieces of `published` as scores, and small sets to compare."""

from __future__ import annotations

from collections.abc import Sequence

from published import DRUM_TRACK, STEPS, Chance, Row, pieces

from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.score import Score, Track

TICKS = 480
METERS = {96: Meter(4, 4), 72: Meter(3, 4)}
NAMES = tuple(pieces())


def score_of(rows: Sequence[Row], bar: int = 96) -> Score:
    """A score in D minor of notes on the grid."""
    factor = TICKS // STEPS
    tracks = []
    for track in sorted({row.track for row in rows}):
        notes = [
            (row.onset * factor, (row.end - row.onset) * factor, row.pitch, 64) for row in rows if row.track == track
        ]
        tracks.append(Track.from_notes(notes, is_drum=track == DRUM_TRACK))
    keys = (KeyEvent(0, Key.parse("D minor")),)
    return Score(tuple(tracks), TICKS, meters=(MeterEvent(0, METERS[bar]),), keys=keys)


def published_score(name: str) -> Score:
    bar, rows = pieces()[name]
    return score_of(rows, bar)


def melodies(count: int, seed: int, *, widest: int = 4, bars: int = 8, phrase: int = 8) -> list[Score]:
    """Melodies that walk by steps no wider than told; each phrase of so many bars is heard again until the end."""
    chance = Chance(seed)
    scores = []
    for _ in range(count):
        rows: list[Row] = []
        onset, pitch = 0, 66 + chance.below(8)
        while onset < phrase * 96:
            length = (12, 24, 24, 36, 48)[chance.below(5)]
            end = min(onset + length, phrase * 96)
            pitch = max(48, min(90, pitch + chance.below(2 * widest + 1) - widest))
            rows.append(Row(0, onset, end, pitch))
            onset = end
        again = [
            row._replace(onset=row.onset + start, end=row.end + start)
            for start in range(0, bars * 96, phrase * 96)
            for row in rows
        ]
        scores.append(score_of(again))
    return scores
