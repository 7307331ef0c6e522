"""A whole piece: what a theorist would write over and under it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from theory.analysis import cadence, chord, key, phrase
from theory.analysis.cadence import CadenceFound
from theory.analysis.chord import ChordSpan
from theory.analysis.grid import BoolArray, Grid, Notes, grid_of
from theory.analysis.key import KeySpan
from theory.analysis.region import ChordRegion, KeyRegion
from theory.event import ChordEvent, without_repeats
from theory.key import Key
from theory.score import IntArray, Score


@dataclass(frozen=True, eq=False, slots=True)
class Analysis:
    """An analysis of a piece.

    Attributes:
        key: of the whole piece, major or minor; C major without pitched notes.
        confidence: of that key, 0 to 1: its probability against the others, as far as the model goes.
        keys: the keys it goes through, from the start to the end; empty for a piece without length.
        chords: the chords, from the start to the end, None where nothing sounds; empty for a piece without length.
        cadences: in order of ticks.
        phrases: ticks at which phrases end, in order.
        non_chord_tones: for each track bool (n,), notes foreign to the chord under their onset; none in a drum track.
    """

    key: Key
    confidence: float
    keys: tuple[KeyRegion, ...]
    chords: tuple[ChordRegion, ...]
    cadences: tuple[CadenceFound, ...]
    phrases: tuple[int, ...]
    non_chord_tones: tuple[BoolArray, ...]


def analyse(score: Score, *, grouping: tuple[int, ...] | None = None) -> Analysis:
    """Keys, chords, cadences, phrases and non-chord tones of a piece, heard from its notes and meters.

    Chords may change on half beats. Written chords are not read, written keys only for enharmonic spelling, and
    fermatas as ends of phrases.

    Args:
        score: any; drums are left out.
        grouping: beats a group in the bars that have so many beats, as in `Meter.grouping`: (2, 3) for 5/4 as 2 + 3.

    Raises:
        RequestError: it is no score.
        MeterError: a bar is no whole number of ticks.
    """
    notes = Notes.of(score)
    grid = grid_of(score, notes, grouping)
    main, confidence, key_spans, spans = _heard(grid, on_beats=False)
    names = key.named([main, *(span.key for span in key_spans)], score)
    keys = _key_regions(grid, key_spans, names[1:])
    changes = _chord_regions(grid, spans, keys)
    states = _by_slice([(span, span.state) for span in spans])
    phrases = phrase.ends(score, notes, grid, states)
    return Analysis(
        key=names[0],
        confidence=confidence,
        keys=keys,
        chords=_chord_regions(grid, chord.by_inversion(grid, spans), keys),
        cadences=cadence.find(notes, grid, changes, phrases),
        phrases=phrases,
        non_chord_tones=_foreign(score, grid, states),
    )


def estimate_key(score: Score) -> Key:
    """The key, major or minor, that the notes suggest, as `analyse` gives it; C major without a reason for any.

    Raises:
        RequestError: it is no score.
        MeterError: a bar is no whole number of ticks.
    """
    home, *_ = _heard(grid_of(score, Notes.of(score)), on_beats=False)
    return key.named([home], score)[0]


def chord_events(score: Score) -> tuple[ChordEvent, ...]:
    """The chords of a piece as events, for its chord tokens: a function of its notes and meters.

    Chords change on beats only (on quarters where beats are longer). The bass is the lowest note as the chord starts if
    that is one of its tones, else the root. Written keys and spellings decide no more than enharmonic spelling.

    Raises:
        RequestError: it is no score.
        MeterError: a bar is no whole number of ticks.
    """
    grid = grid_of(score, Notes.of(score))
    *_, key_spans, spans = _heard(grid, on_beats=True)
    keys = _key_regions(grid, key_spans, key.named([span.key for span in key_spans], score))
    events = without_repeats(ChordEvent(region.tick, region.chord) for region in _chord_regions(grid, spans, keys))
    return events[1:] if events and events[0].chord is None else events


def _heard(grid: Grid, *, on_beats: bool) -> tuple[int, float, list[KeySpan], list[ChordSpan]]:
    """The key of the piece and how clear it is, the keys it goes through, and the chords."""
    likelihood = chord.evidence(grid)
    slices = key.evidence(likelihood)
    by_slice = _by_slice([(span, span.key) for span in key.first(grid, slices)])
    chords = chord.decode(grid, likelihood, by_slice, on_beats=on_beats)
    return *key.second(grid, slices, chords), chords


def _by_slice(values: list[tuple[KeySpan, int]] | list[tuple[ChordSpan, int]]) -> IntArray:
    """The value of the span in which each slice lies."""
    lengths = [span.stop - span.start for span, _ in values]
    return np.repeat(np.array([value for _, value in values], dtype=np.int64), np.array(lengths, dtype=np.int64))


def _key_regions(grid: Grid, spans: list[KeySpan], names: list[Key]) -> tuple[KeyRegion, ...]:
    ticks = grid.ticks.tolist()
    return tuple(
        KeyRegion(ticks[span.start], ticks[span.stop], name, span.confidence)
        for span, name in zip(spans, names, strict=True)
    )


def _chord_regions(grid: Grid, spans: list[ChordSpan], keys: tuple[KeyRegion, ...]) -> tuple[ChordRegion, ...]:
    ticks = grid.ticks.tolist()
    lowest = np.where(grid.lowest < 0, -1, grid.lowest % 12).tolist()
    starts = [region.tick for region in keys]
    found: list[ChordRegion] = []
    for span in spans:
        home = keys[bisect_right(starts, ticks[span.start]) - 1].key
        name = chord.chord_of(span.state, home, lowest[span.start])
        if found and found[-1][2:4] == (name, home):  # the bass moved from a foreign note to the root
            found[-1] = found[-1]._replace(end=ticks[span.stop])
            continue
        found.append(ChordRegion(ticks[span.start], ticks[span.stop], name, home, span.confidence))
    return tuple(found)


def _foreign(score: Score, grid: Grid, states: IntArray) -> tuple[BoolArray, ...]:
    result = []
    for track in score.tracks:
        foreign = np.zeros(len(track), dtype=bool)
        if not track.is_drum and len(track):
            tones = chord.TONES[states[grid.at(track.onset.astype(np.int64))]]
            foreign = ~tones[np.arange(len(track)), track.pitch % 12]
        result.append(foreign)
    return tuple(result)
