"""How many notes find a place where only so many parts may sound at once.

A bar is a timetable: its places are pairs of a step and one of the parts that may sound there, and each note that still
has to come needs one of them. By Hall's theorem ("On Representatives of Subsets", 1935) all find one if, and only if,
every set of parts has as many places as it needs notes. That is for notes of one step; so that longer ones find
theirs, every set also needs as much time, in steps, as its notes take at least. What is found impossible is so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.constraint.domain import Domain

Bits = NDArray[np.bool_]
Counts = NDArray[np.int64]


class Places:
    """The places of a piece, counted in two ways for each set of parts: where notes may begin, and steps of time.

    Args:
        domain: narrowed by the rules.
        most: parts that may sound at once.
        able: bool (T, S), whether a note of a part may begin at a step; None: as the domain says.
    """

    def __init__(self, domain: Domain, most: int, able: Bits | None = None) -> None:
        self._able: Bits = np.any(domain.start & domain.sound, axis=2) if able is None else able
        self._audible: Bits = np.any(domain.sound, axis=2)
        self._must, self._most = domain.must_sound | domain.must_start, most
        parts = len(self._able)
        self._sets = (np.arange(1, 1 << parts)[:, None] >> np.arange(parts) & 1).astype(np.int64)
        self.shortest = np.array([_shortest(domain, part, np.flatnonzero(self._able[part])) for part in range(parts)])

    def offered(self, start: int, stop: int, free_at: Counts | None = None, first: int = 0) -> Counts:
        """Places that each set of parts has at each step, and its time there: int64 (2 * sets, stop - start).

        Args:
            start: grid step.
            stop: grid step.
            free_at: int64 (T,), up to when each part sounds; None: no part does.
            first: at the first step only parts from this one on may still begin.
        """
        able, audible, must = (each[:, start:stop] for each in (self._able, self._audible, self._must))
        if free_at is not None:
            silent = free_at[:, None] <= np.arange(start, stop)
            able, audible, must = able & silent, audible & silent, must | ~silent
        if first:
            able = able.copy()
            able[:first, :1] = False
        spare = np.maximum(self._most - must.sum(axis=0), 0)
        both = np.concatenate([able, audible], axis=1)
        own, others = self._sets @ (both & np.tile(must, 2)), self._sets @ (both & ~np.tile(must, 2))
        counts = own + np.minimum(others, np.tile(spare, 2))
        return np.concatenate([counts[:, : stop - start], counts[:, stop - start :]])

    def needed(self, notes: Counts, start: int, stop: int) -> Counts:
        """What notes of each part, int64 (T,), need if they begin in a stretch: as `offered`, (2 * sets,).

        Of each part the last one may sound on after it, but not of more parts than may sound at once, and not after
        the end of the piece.
        """
        if not notes.any():
            return np.zeros(2 * len(self._sets), dtype=np.int64)
        counts, time = self._sets @ notes, self._sets @ (notes * self.shortest)
        if stop < self._able.shape[1]:
            left = np.argmax(self._able[:, start:stop][:, ::-1], axis=1) + 1  # steps from where the last one may begin
            beyond = np.where(notes > 0, np.maximum(self.shortest - left, 0), 0)
            time -= np.sort(self._sets * beyond, axis=1)[:, -self._most :].sum(axis=1)
        return np.concatenate([counts, time])


def _shortest(domain: Domain, part: int, starts: NDArray[np.int64]) -> int:
    """The steps that a note of a part takes at least."""
    if not len(starts):
        return 1
    ends = np.flatnonzero(domain.may_end[part])
    following = np.minimum(np.searchsorted(ends, starts, side="right"), len(ends) - 1)
    shortest = max(int((ends[following] - starts).min()), int(domain.shortest[part]))
    durations = domain.durations[part]
    if durations is not None and durations.any():
        shortest = max(shortest, int(np.argmax(durations)))
    exact = domain.lasts[part, starts]
    return min(shortest, int(exact[exact > 0].min())) if exact.any() else shortest
