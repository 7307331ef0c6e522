"""Where phrases end: at the fermatas, or where the notes come to rest.

Without fermatas every beat on which the highest voice begins a note, after one of a quarter or more (of the usual
length, where that is longer), may begin a phrase: the rather the longer that note was, after a rest, where nothing
moved before it, where all voices begin together, and after a triad in root position. Phrases prefer whole bars and
about eight such lengths. The best division is found by dynamic programming: a semi-Markov model (S. Sarawagi and
W. Cohen, "Semi-Markov Conditional Random Fields for Information Extraction", NIPS 2004), whose weights are the
likeliest ones on the fermatas of half of Bach's chorales.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from theory.analysis import chord
from theory.analysis.grid import FloatArray, Grid, Notes
from theory.event import FERMATA
from theory.score import IntArray, Score

# What speaks for an end, in nats: of any, for each pulse by which the last note is longer than one (two at most), for a
# rest after it, for a last pulse without a new note, for a common beginning, and for a triad in root position.
_ANY, _LENGTH, _REST, _STILL, _TOGETHER, _GROUNDED = -8.5, 1.3, 4.1, 3.0, 2.3, 3.2
# And for a phrase: of whole bars, for each octave by which it is longer or shorter than eight pulses, below four.
_WHOLE, _UNUSUAL, _SHORT = 1.5, -1.9, -2.1
_USUAL, _SHORTEST = 8.0, 4.0
_BACK: Final = 64  # ends before an end that its phrase may begin at

_TRIADS: Final = np.array(
    [
        state < chord.SILENCE and chord.VOCABULARY[state % len(chord.VOCABULARY)] in ("maj", "min")
        for state in range(chord.STATES)
    ]
)


def ends(score: Score, notes: Notes, grid: Grid, states: IntArray) -> tuple[int, ...]:
    """Ticks at which phrases end, in order: where the note under each fermata, or before each boundary, stops.

    The last note of a piece ends a phrase. A piece without pitched notes has none.

    Args:
        score: any.
        notes: of the score.
        grid: of the score.
        states: int64 (slices,), the chord of each slice (`theory.analysis.chord`).
    """
    if not len(notes.onset):
        return ()
    fermatas = [marker.tick for marker in score.markers if marker.text == FERMATA]
    last = int(notes.end.max())
    found = _held(notes, fermatas) if fermatas else _divided(score, notes, _possible(score, notes, grid, states))
    return tuple(sorted({*(tick for tick in found if tick < last), last}))


def _held(notes: Notes, ticks: list[int]) -> list[int]:
    """When the highest note that sounds at each tick stops; the tick itself in silence."""
    result = []
    for tick in ticks:
        sounding = (notes.onset <= tick) & (notes.end > tick)
        highest = np.where(sounding, notes.pitch, -1)
        result.append(int(notes.end[highest.argmax()]) if sounding.any() else tick)
    return result


def _highest_line(notes: Notes) -> Notes:
    """The notes that are the highest at their onset, each cut short by the next: one voice."""
    ticks = np.unique(notes.onset)
    events = np.concatenate([notes.onset, notes.end])
    top_pitch = int(notes.pitch.max(initial=0))
    width = top_pitch - int(notes.pitch.min(initial=127)) + 1
    cells = np.searchsorted(ticks, events) * width + np.tile(
        top_pitch - notes.pitch, 2
    )  # the highest pitch comes first
    sign = np.repeat([1.0, -1.0], len(notes.onset))
    sounding = np.bincount(cells, sign, (len(ticks) + 1) * width).reshape(-1, width)[:-1].cumsum(axis=0) > 0
    highest = top_pitch - sounding.argmax(axis=1)
    top = np.flatnonzero(notes.pitch == highest[np.searchsorted(ticks, notes.onset)])
    onset, first = np.unique(notes.onset[top], return_index=True)
    top = top[first]
    following = np.append(onset[1:], np.iinfo(np.int64).max)
    return Notes(onset, np.minimum(notes.end[top], following), notes.pitch[top])


class _Possible(NamedTuple):
    """Where phrases may end.

    Attributes:
        ends: int64 (n,), ticks.
        starts: int64 (n,), beats on which the next phrases would begin, in ticks.
        support: float64 (n,), what speaks for the ends.
        pulse: ticks of a quarter, or of the usual note where that is longer.
    """

    ends: IntArray
    starts: IntArray
    support: FloatArray
    pulse: int


def _possible(score: Score, notes: Notes, grid: Grid, states: IntArray) -> _Possible:
    quarter = score.ticks_per_quarter
    near = quarter // 8  # performances are not exact
    line = _highest_line(notes)
    start, end, length = line.onset[1:], line.end[:-1], np.diff(line.onset)
    pulse = max(quarter, int(np.median(length))) if len(length) else quarter
    beat = grid.at(start + near)
    kept = grid.on_beat[beat] & (np.abs(start - grid.ticks[beat]) <= near) & (length >= pulse - near) & (beat > 0)
    start, end, length, beat = start[kept], end[kept], length[kept], beat[kept]
    onsets, offsets = np.sort(notes.onset), np.sort(notes.end)
    begun = np.searchsorted(onsets, np.stack([start - pulse + near, start - near, start + near]), side="right")
    together = begun[2] - begun[1] >= begun[2] - np.searchsorted(offsets, start + near, side="right")
    before, under = states[beat - 1], grid.lowest[grid.at(start - pulse)]
    support = (
        _ANY
        + _LENGTH * np.clip(length / pulse - 1, 0, 2)
        + _REST * (start - end > near)
        + _STILL * (begun[1] == begun[0])
        + _TOGETHER * together
        + _GROUNDED * (_TRIADS[before] & (under % 12 == chord.ROOT[before]))
    )
    return _Possible(end, grid.ticks[beat], support, pulse)


def _divided(score: Score, notes: Notes, possible: _Possible) -> list[int]:
    """The ends of all phrases but the last in the best division."""
    ticks = np.concatenate([[notes.onset.min()], possible.starts, [notes.end.max()]])
    support = np.concatenate([[0.0], possible.support, [0.0]])
    lines = score.bar_lines()
    bars = np.interp(ticks, lines, np.arange(len(lines)))
    before = np.maximum(np.arange(len(ticks))[:, None] - np.arange(_BACK, 0, -1), 0)  # where a phrase may have begun
    pulses = np.maximum((ticks[:, None] - ticks[before]) / possible.pulse, 1 / 8)
    whole = np.abs((bars[:, None] - bars[before] + 0.5) % 1 - 0.5) < 1 / 64
    worth, usual = _WHOLE * whole, _UNUSUAL * np.abs(np.log2(pulses / _USUAL))
    short = _SHORT * (pulses < _SHORTEST)
    best, origin = np.zeros(len(ticks)), [0] * len(ticks)
    for here in range(1, len(ticks)):
        count = min(here, _BACK)
        scores = best[here - count : here] + worth[here, -count:] + usual[here, -count:] + short[here, -count:]
        choice = int(scores.argmax())
        best[here], origin[here] = scores[choice] + support[here], here - count + choice
    found, here = list[int](), origin[-1]
    while here:
        found.append(int(possible.ends[here - 1]))
        here = origin[here]
    return found
