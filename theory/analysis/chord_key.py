"""The key that chords suggest: that of a piece which is nothing but these chords."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from statistics import fmean

from theory.analysis.piece import estimate_key
from theory.errors import KeyNameError
from theory.event import MeterEvent
from theory.key import Key
from theory.meter import Meter
from theory.progression import PlacedChord
from theory.score import Score, Track

_TICKS_PER_QUARTER = 480
_BASS, _ABOVE = 36, 60  # MIDI numbers of the C from which each is built


def key_of_chords(chords: Sequence[PlacedChord], meter: Meter) -> Key | None:
    """The key, major or minor, in which chords are most likely meant, spelled as they are; None if none of them sounds.

    >>> from theory.progression import parse_progression
    >>> str(key_of_chords(parse_progression("D | G | A7 | D", "C", Meter(4, 4)), Meter(4, 4)))
    'D major'

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    if not any(placed.chord for placed in chords):
        return None
    bar = meter.bar_ticks(_TICKS_PER_QUARTER)
    starts = [placed.bar * bar + round(placed.quarters * _TICKS_PER_QUARTER) for placed in chords]
    notes = []
    for placed, (start, end) in zip(chords, pairwise([*starts, (chords[-1].bar + 1) * bar]), strict=True):
        if placed.chord:
            above = [_ABOVE + pitch_class for pitch_class in sorted(set(placed.chord.pitch_classes))]
            notes += [(start, end - start, pitch) for pitch in (_BASS + placed.chord.bass_pitch_class, *above)]
    key = estimate_key(Score((Track.from_notes(notes),), meters=(MeterEvent(0, meter),)))
    return min(_spellings(key), key=lambda spelled: abs(spelled.tonic - _middle(chords)))


def _spellings(key: Key) -> list[Key]:
    """A key and those that sound as it does, as far as they have a signature."""
    found = [key]
    for tonic in (key.tonic - 12, key.tonic + 12):
        with suppress(KeyNameError):
            found.append(Key(tonic, key.mode))
    return found


def _middle(chords: Sequence[PlacedChord]) -> float:
    """Where the roots lie on the line of fifths, on average."""
    return fmean(placed.chord.root for placed in chords if placed.chord)


__all__ = ["key_of_chords"]
