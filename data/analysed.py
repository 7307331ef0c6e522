"""A score with its harmony written into it, as MusicXML."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from data import musicxml
from data.numerals import numeral_text
from theory.analysis import Analysis, ChordRegion
from theory.event import ChordEvent, KeyEvent, without_repeats
from theory.score import Score

_FINE, _COARSE = 8, 4  # parts of a quarter


def write(score: Score, analysis: Analysis, path: str | Path) -> None:
    """Write a score as MusicXML with chord symbols above and Roman numerals below.

    The first numeral of each key is headed by its name (a small letter for minor). Notes stay as they are, and so do
    key signatures and chord symbols, if the score has any; one without signatures gets that of the whole piece's key.

    Args:
        score: any.
        analysis: of this score.
        path: where; .mxl is zipped.

    Raises:
        OutputError: the place cannot be written.
        MeterError: a bar is no whole number of ticks.
    """
    placed = _placed(score, analysis.chords)
    if not score.chords:
        events = without_repeats(ChordEvent(tick, region.chord) for tick, region in placed.items())
        score = score.replace(chords=events[1:] if events and events[0].chord is None else events)
    if not score.keys and any(region.chord for region in placed.values()):
        score = score.replace(keys=(KeyEvent(0, analysis.key),))
    musicxml.write(score, path, numerals=tuple(_numerals(placed)))


def _placed(score: Score, chords: Iterable[ChordRegion]) -> dict[int, ChordRegion]:
    """Chords by ticks at which they can be written: those heard between the 32nds of a performance move to a 16th."""
    lines = score.bar_lines()
    placed = {}
    for region in chords:
        line = int(lines[np.searchsorted(lines, region.tick, side="right") - 1])
        quarters = Fraction(region.tick - line, score.ticks_per_quarter)
        if (quarters * _FINE).denominator > 1:
            quarters = Fraction(round(quarters * _COARSE), _COARSE)
        placed[line + round(quarters * score.ticks_per_quarter)] = region
    return placed


def _numerals(placed: dict[int, ChordRegion]) -> Iterable[tuple[int, str]]:
    key = None
    for tick, region in placed.items():
        if region.chord is not None:
            yield tick, numeral_text(region.chord, region.key, names_key=region.key != key)
            key = region.key
