"""Cadences: the pairs of chords that close phrases."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from theory.analysis.grid import Grid, Notes
from theory.analysis.region import ChordRegion
from theory.key import Key

KINDS: Final = ("perfect", "imperfect", "half", "plagal", "deceptive", "phrygian")
_MAJOR_CHORDS: Final = ("maj", "7")
_LEADING_TONE_CHORDS: Final = ("dim", "dim7", "m7b5")


class CadenceFound(NamedTuple):
    """A cadence: the tick at which its last chord arrives, its kind (one of `KINDS`) and the key."""

    tick: int
    kind: str
    key: Key


def find(
    notes: Notes, grid: Grid, chords: tuple[ChordRegion, ...], phrases: tuple[int, ...]
) -> tuple[CadenceFound, ...]:
    """The cadences that close phrases.

    Perfect: dominant to tonic, both in root position, the tonic in the highest voice (elsewhere it is imperfect, as is
    a leading-tone chord to the tonic); plagal: subdominant to tonic; half: on the dominant; phrygian: on the dominant
    of minor from iv6; deceptive: from the dominant to the sixth degree. (Aldwell, Schachter and Cadwallader, "Harmony
    and Voice Leading", 2010.)
    """
    starts = [region.tick for region in chords]
    found = []
    for end in phrases:
        index = int(np.searchsorted(starts, end)) - 1
        if index < 1:
            continue
        before, last = chords[index - 1], chords[index]
        kind = _kind(before, last, grid, _highest(notes, end))
        if kind:
            found.append(CadenceFound(last.tick, kind, last.key))
    return tuple(dict.fromkeys(found))


def _highest(notes: Notes, end: int) -> int:
    """Highest pitch that sounds in the tick before the end of a phrase; -1 if none does."""
    return int(notes.pitch[(notes.onset < end) & (notes.end >= end)].max(initial=-1))


def _kind(before: ChordRegion, last: ChordRegion, grid: Grid, highest: int) -> str | None:
    if before.chord is None or last.chord is None:
        return None
    tonic = last.key.tonic_pitch_class
    lowest = int(grid.lowest[grid.at(np.array([last.tick]))[0] - 1])
    arrival = (last.chord.root_pitch_class - tonic) % 12
    origin = (before.chord.root_pitch_class - tonic) % 12
    dominant = origin == 7 and before.chord.quality in _MAJOR_CHORDS
    grounded = dominant and (lowest - tonic) % 12 == 7
    if arrival == 0 and last.chord.quality in ("maj", "min"):
        if dominant:
            closes = grounded and not last.chord.is_inverted and highest % 12 == tonic
            return "perfect" if closes else "imperfect"
        if origin == 11 and before.chord.quality in _LEADING_TONE_CHORDS:
            return "imperfect"
        return "plagal" if origin == 5 and before.chord.quality in ("maj", "min") else None
    if arrival == 7 and last.chord.quality in _MAJOR_CHORDS and not last.chord.is_inverted:
        falls = last.key.is_minor and origin == 5 and (lowest - tonic) % 12 == 8
        return "phrygian" if falls else "half"
    sixth = (8, "maj") if last.key.is_minor else (9, "min")
    return "deceptive" if grounded and (arrival, last.chord.quality) == sixth else None
