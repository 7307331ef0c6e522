"""Where phrases end: at the fermatas, or where the melody itself makes a boundary.

Without fermatas it is E. Cambouropoulos's local boundary detection model ("The Local Boundary Detection Model (LBDM)
and its Application in the Study of Expressive Timing", ICMC 2001) over the highest line: a boundary is the stronger the
more a leap, a time between onsets or a rest stands out from those before and after it.
"""

from __future__ import annotations

import numpy as np

from theory.analysis.grid import FloatArray, Notes
from theory.event import FERMATA
from theory.score import Score

_LEAP, _BETWEEN, _REST = 0.25, 0.5, 0.25  # weights of leaps, times between onsets, and rests: the model's own
_STRONG = 0.3  # tuned on the fermatas of every second chorale
_SHORTEST = 4.0  # quarters between two boundaries


def ends(score: Score, notes: Notes) -> tuple[int, ...]:
    """Ticks at which phrases end, in order: where the note under each fermata, or before each boundary, stops.

    The last note of a piece ends a phrase. A piece without pitched notes has none.

    Args:
        score: any.
        notes: of the score.
    """
    if not len(notes.onset):
        return ()
    fermatas = [marker.tick for marker in score.markers if marker.text == FERMATA]
    last = int(notes.end.max())
    found = _held(notes, fermatas) if fermatas else _boundaries(_highest_line(notes), score.ticks_per_quarter)
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
    cells = np.searchsorted(ticks, events) * 128 + np.tile(notes.pitch, 2)
    sign = np.repeat([1.0, -1.0], len(notes.onset))
    sounding = np.bincount(cells, sign, (len(ticks) + 1) * 128).reshape(-1, 128)[:-1].cumsum(axis=0) > 0
    highest = 127 - sounding[:, ::-1].argmax(axis=1)
    top = np.flatnonzero(notes.pitch == highest[np.searchsorted(ticks, notes.onset)])
    onset, first = np.unique(notes.onset[top], return_index=True)
    top = top[first]
    following = np.append(onset[1:], np.iinfo(np.int64).max)
    return Notes(onset, np.minimum(notes.end[top], following), notes.pitch[top])


def _boundaries(line: Notes, ticks_per_quarter: int) -> list[int]:
    """Ticks at which the notes before a boundary stop, the strongest boundaries chosen first."""
    if len(line.onset) < 4:
        return []
    leaps, rests = np.abs(np.diff(line.pitch)) + 1, line.onset[1:] - line.end[:-1]
    leap, between, rest = (_stands_out(row.astype(np.float64)) for row in (leaps, np.diff(line.onset), rests))
    strength = _LEAP * leap + _BETWEEN * between + _REST * rest
    kept: list[int] = []
    for index in np.argsort(-strength, kind="stable").tolist():
        if strength[index] < _STRONG:
            break
        tick = int(line.end[index])
        if all(abs(tick - other) >= _SHORTEST * ticks_per_quarter for other in kept):
            kept.append(tick)
    return kept


def _stands_out(values: FloatArray) -> FloatArray:
    """How much each value differs from its neighbours, times itself; the greatest is 1."""
    total = values[1:] + values[:-1]
    change = np.abs(np.diff(values)) / np.where(total == 0, 1, total)
    strength: FloatArray = values * (np.append(0, change) + np.append(change, 0))
    return strength / max(float(strength.max()), 1e-9)
