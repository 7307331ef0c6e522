"""Bars as networks with a latent know them: the notes of each as rows of numbers, and the form as a row a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import keyview
from theory.key import Key
from theory.meter import Meter
from theory.score import Score
from theory.tokens.features import COLUMNS, PITCHES
from theory.tokens.vocabulary import LOW_STEPS, MODE_NAMES, STEPS_PER_QUARTER

TRACKS = 16
PLACE = 12  # steps: an eighth
PLACES = LOW_STEPS // PLACE  # in a bar, for which a conductor has a context each; what is later counts as the last
# Columns of a note and how many values each has.
SIZES = {
    "position": LOW_STEPS,  # in the bar, in steps of the grid; what is later counts as the last
    "track": TRACKS,  # likewise
    "pitch": 2 * PITCHES,  # as in a piece without sharps and flats (`composer.keyview`); drums in the upper half
    "duration": LOW_STEPS,  # in steps
}


# Columns of a bar's form and how many values each has, as in the plan of `theory.tokens.features`; mode and signature
# 0: no key. Pitches are known as in C, so that it is the signature that tells how high a piece may lie.
FORM = {name: COLUMNS[name] for name in ("bars_left", "numerator", "exponent", "mode", "signature")}


class BarNotes(NamedTuple):
    """The notes of a piece, by the bar they begin in.

    Attributes:
        rows: int32 (bars, most notes in a bar, columns); in order of position, then track, then pitch.
        counts: how many of them are notes, int32 (bars,).
    """

    rows: NDArray[np.int32]
    counts: NDArray[np.int32]


def place_of(bar: int, position: int) -> int:
    """The place of a moment, counted from the first bar: of every eighth, `PLACES` in all bars.

    Args:
        bar: its number, below 0 before the first.
        position: in the bar, in steps; below 0 before the first one that is said.
    """
    return max(bar, 0) * PLACES + min(max(position, 0) // PLACE, PLACES - 1)


def places_of(bar: NDArray[np.int32], position: NDArray[np.int32]) -> NDArray[np.int32]:
    """As `place_of`, of n moments."""
    result: NDArray[np.int64] = np.maximum(bar, 0) * PLACES + np.minimum(np.maximum(position, 0) // PLACE, PLACES - 1)
    return result.astype(np.int32)


def bar_notes(score: Score) -> BarNotes:
    """The notes of a score that is on the tokens' grid."""
    scale = STEPS_PER_QUARTER / score.ticks_per_quarter
    lines = score.bar_lines()
    shift = keyview.shift_of(keyview.first_signature(score))
    columns = []
    for number, track in enumerate(score.tracks):
        bar = np.searchsorted(lines, track.onset, side="right") - 1
        pitch = track.pitch.astype(np.int64)
        pitch = pitch + PITCHES if track.is_drum else (pitch + shift) % PITCHES
        position = np.rint((track.onset - lines[bar]) * scale)
        duration = np.rint(track.duration * scale)
        columns.append(np.column_stack([bar, position, np.full(len(track), min(number, TRACKS - 1)), pitch, duration]))
    table = np.concatenate(columns).astype(np.int32) if columns else np.zeros((0, 5), np.int32)
    table[:, [1, 4]] = np.clip(table[:, [1, 4]], 0, LOW_STEPS - 1)
    table = table[np.lexsort(table[:, [3, 2, 1, 0]].T)]
    bars = len(lines) - 1
    count = np.bincount(table[:, 0], minlength=bars).astype(np.int32)
    place = np.arange(len(table)) - np.repeat(np.cumsum(count) - count, count)
    rows = np.zeros((bars, max(1, int(count.max(initial=0))), len(SIZES)), np.int32)
    rows[table[:, 0], place] = table[:, 1:]
    return BarNotes(rows, count)


def bar_forms(meters: Sequence[Meter], key: Key | None) -> NDArray[np.int32]:
    """What is settled of each bar before its first note: int32 (bars, columns of `FORM`).

    Args:
        meters: of each bar; of an upbeat what it lasts.
        key: of the piece.
    """
    mode, signature = (0, 0) if key is None else (MODE_NAMES.index(key.mode) + 1, key.signature + 8)
    rows = [
        (
            min(len(meters) - bar, FORM["bars_left"] - 1),
            meter.numerator,
            meter.denominator.bit_length(),
            mode,
            signature,
        )
        for bar, meter in enumerate(meters)
    ]
    return np.array(rows, np.int32).reshape(-1, len(FORM))


def forms_of(score: Score) -> NDArray[np.int32]:
    """As `bar_forms`, of a score and the key it begins in."""
    changes = [event.tick for event in score.meters]
    at = np.maximum(np.searchsorted(changes, score.bar_lines()[:-1], side="right") - 1, 0)
    return bar_forms([score.meters[index].meter for index in at], score.keys[0].key if score.keys else None)


__all__ = [
    "FORM", "PLACE", "PLACES", "SIZES", "TRACKS", "BarNotes", "bar_forms", "bar_notes", "forms_of", "place_of",
    "places_of",
]  # fmt: skip
