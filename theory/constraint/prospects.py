"""What can still work out: a pass over the grid from the end of the piece to its start.

Every track is a voice that sings one note at a time. For each track, step, number of notes begun in the bar and last
pitch it is worked out whether the track can still do all that is asked of it (dynamic programming over the domain).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.constraint.domain import ANY_NUMBER, PITCHES, Domain

NEVER = 2**30
NO_PITCH = PITCHES  # the last pitch of a track that has not sung yet

Bits = NDArray[np.bool_]
Steps = NDArray[np.int64]


class Prospects(NamedTuple):
    """What is ahead, over S + 1 steps, T tracks, C counts of notes in the bar, P last pitches.

    Attributes:
        begin: bool (S + 1, T, C, P), whether a note may begin and all still works out.
        rest: bool (S + 1, T, C, P), whether the track, being free, may stay silent for a step.
        good: bool (S, T, C, 128), the pitches that may begin.
        reach: int32 (S, T, 128), the step up to which a pitch may be held.
        next_start: int32 (T, S + 2), the first step from there on at which a note must begin.
        next_must: int32 (T, S + 2), the first step from there on at which the track must not be silent.
    """

    begin: Bits
    rest: Bits
    good: Bits
    reach: NDArray[np.int32]
    next_start: NDArray[np.int32]
    next_must: NDArray[np.int32]

    @property
    def counts(self) -> int:
        """How many counts of notes in a bar are told apart; the last one stands for all beyond."""
        return int(self.begin.shape[2])

    @property
    def by_pitch(self) -> bool:
        """Whether the last pitch matters."""
        return int(self.begin.shape[3]) > 1


def prospects(domain: Domain) -> Prospects:
    """Work out what is ahead in a domain."""
    return _Pass(domain).run()


def latest_end(domain: Domain, track: int, bar: int) -> int:
    """Last step at which a note of a bar may end so that no bar that needs notes is held through."""
    needy = np.flatnonzero(domain.least[track, bar + 1 :])
    return domain.frame.lines[bar + 2 + int(needy[0])] - 1 if len(needy) else domain.frame.steps


class _Pass:
    """The backward pass: from the last step to the first, all tracks, counts and last pitches at once."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._bar_of = domain.bar_of()
        self._next_start = _next_true(domain.must_start)
        tracks, steps = domain.must_start.shape
        counts = _counts(domain)
        lasts = PITCHES + 1 if (domain.leap < PITCHES - 1).any() else 1
        self._begin = np.zeros((steps + 1, tracks, counts, lasts), dtype=np.bool_)
        self._rest = np.zeros_like(self._begin)
        self._rest[steps] = True
        self._good = np.zeros((steps, tracks, counts, PITCHES), dtype=np.bool_)
        self._reach = np.full((steps + 1, tracks, PITCHES), steps, dtype=np.int32)
        # The first step at which a note may end so that all works out: in this bar, or beyond it.
        self._near = np.full((tracks, counts, lasts), NEVER, dtype=np.int32)
        self._far = np.full((tracks, lasts), steps, dtype=np.int32)

    def run(self) -> Prospects:
        """From the last step to the first."""
        steps = len(self._bar_of)
        easy = self._easy_steps()
        for step in range(steps - 1, easy - 1, -1):
            self._take(step)
        if (self._begin[easy] | self._rest[easy]).all():
            self._fill(easy)
        else:  # something must be begun before, and held
            for step in range(easy - 1, -1, -1):
                self._take(step)
        next_must = _next_true(self._domain.must_start | self._domain.must_sound)
        return Prospects(self._begin, self._rest, self._good, self._reach[:-1], self._next_start, next_must)

    def _easy_steps(self) -> int:
        """Steps from the start before which nothing is asked: the same holds at all of them."""
        domain = self._domain
        if (
            (domain.leap < PITCHES - 1).any()
            or (domain.least > 0).any()
            or (domain.most < ANY_NUMBER).any()
            or any(d is not None for d in domain.durations)
        ):
            return 0
        asked: Bits = np.any(domain.must_start | domain.must_sound | (domain.lasts > 0), axis=0)
        first = int(np.argmax(asked)) if asked.any() else len(asked)
        ends = np.flatnonzero(domain.may_end[:, : first + 1].all(axis=0))
        return int(ends[-1]) if len(ends) else 0

    def _fill(self, easy: int) -> None:
        """All steps before `easy`, at which a free track may always wait, and a note end wherever it may."""
        for step in range(easy - 1, -1, -1):
            self._reach[step] = np.where(self._domain.sound[:, step], self._reach[step + 1], step)
        self._rest[:easy] = True
        next_end = _next_true(self._domain.may_end[:, : easy + 1])[:, 1 : easy + 1]
        may_start = self._domain.start[:, :easy].transpose(1, 0, 2) & (self._reach[:easy] >= next_end.T[:, :, None])
        self._good[:easy] = may_start[:, :, None]
        self._begin[:easy] = np.any(self._good[:easy], axis=3, keepdims=True)

    def _take(self, step: int) -> None:
        domain, bar = self._domain, int(self._bar_of[step])
        line = self._domain.frame.lines[bar + 1]
        if step == line - 1:
            self._cross(bar)
        self._reach[step] = np.where(domain.sound[:, step], self._reach[step + 1], step)
        good = self._startable(step, bar)
        self._good[step] = good
        self._begin[step] = self._after_leaps(good)
        waits = ~(domain.must_start[:, step] | domain.must_sound[:, step])
        alive = self._begin[step + 1] | self._rest[step + 1]
        if step == line - 1:
            enough = np.arange(alive.shape[1]) >= domain.least[:, bar, None]
            alive = enough[:, :, None] & alive[:, :1]
        self._rest[step] = waits[:, None, None] & alive
        works = (self._begin[step] | self._rest[step]) & domain.may_end[:, step, None, None]
        self._near[works] = step

    def _cross(self, bar: int) -> None:
        """Going back over the bar line that ends a bar: what was near is now far."""
        if bar + 1 < self._domain.frame.bars:
            passable = (self._domain.least[:, bar + 1] == 0)[:, None]
            self._far = np.minimum(self._near[:, 0], np.where(passable, self._far, NEVER))
        self._near = np.full_like(self._near, NEVER)

    def _startable(self, step: int, bar: int) -> Bits:
        """Pitches that may begin, bool (T, C, 128)."""
        domain = self._domain
        counts = self._near.shape[1]
        cap = np.minimum(self._reach[step], self._next_start[:, step + 1, None])
        after = np.minimum(np.arange(counts) + 1, counts - 1)
        near = self._near[:, after, :PITCHES] <= cap[:, None]
        enough = (np.arange(counts) + 1 >= domain.least[:, bar, None])[:, :, None]
        ends: Bits = np.logical_or(near, (self._far[:, :PITCHES] <= cap)[:, None] & enough)
        for track in range(len(ends)):
            lengths = self._lengths(track, step)
            if lengths is not None:
                ends[track] = self._exact_ends(track, step, bar, lengths, cap[track])
        room = (np.arange(counts) + 1 <= domain.most[:, bar, None])[:, :, None]
        ends &= room & (domain.start[:, step] & domain.sound[:, step])[:, None]
        return ends

    def _lengths(self, track: int, step: int) -> list[int] | None:
        """Lengths that a note may have; None: any."""
        exact, durations = int(self._domain.lasts[track, step]), self._domain.durations[track]
        if durations is None:
            return [exact] if exact else None
        lengths: list[int] = np.flatnonzero(durations).tolist()
        return [length for length in lengths if length == exact] if exact else lengths

    def _exact_ends(self, track: int, step: int, bar: int, lengths: list[int], cap: NDArray[np.int32]) -> Bits:
        """Pitches that may begin with one of these lengths, bool (C, 128)."""
        domain, line = self._domain, self._domain.frame.lines[bar + 1]
        counts = self._near.shape[1]
        after = np.minimum(np.arange(counts) + 1, counts - 1)
        result = np.zeros((counts, PITCHES), dtype=np.bool_)
        latest = latest_end(domain, track, bar)
        for length in lengths:
            end = step + length
            if end > latest or not domain.may_end[track, end]:
                continue
            alive = self._begin[end, track] | self._rest[end, track]
            if end < line:
                flags = alive[after]
            else:
                enough = np.arange(counts) + 1 >= domain.least[track, bar]
                flags = enough[:, None] & alive[:1]
            wide = flags[:, :PITCHES] if flags.shape[1] > 1 else np.broadcast_to(flags, (counts, PITCHES))
            result |= wide & (cap >= end)
        return result

    def _after_leaps(self, good: Bits) -> Bits:
        """For each last pitch whether any good pitch is within reach, bool (T, C, P)."""
        anything: Bits = np.any(good, axis=2, keepdims=True)
        if self._near.shape[2] == 1:
            return anything
        sums = np.zeros((*good.shape[:2], PITCHES + 1), dtype=np.int32)
        np.cumsum(good, axis=2, out=sums[..., 1:])
        lowest = np.maximum(np.arange(PITCHES) - self._domain.leap[:, None], 0)
        highest = np.minimum(np.arange(PITCHES) + self._domain.leap[:, None] + 1, PITCHES)
        shape = (*good.shape[:2], PITCHES)
        above = np.take_along_axis(sums, np.broadcast_to(highest[:, None], shape), axis=2)
        below = np.take_along_axis(sums, np.broadcast_to(lowest[:, None], shape), axis=2)
        return np.concatenate([above > below, anything], axis=2)


def _next_true(flags: Bits) -> NDArray[np.int32]:
    """For each row and step the first step from there on with a flag, or a step that never comes: (T, S + 2)."""
    tracks, steps = flags.shape
    result = np.full((tracks, steps + 2), NEVER, dtype=np.int32)
    where = np.where(flags, np.arange(steps), NEVER)
    result[:, :steps] = np.minimum.accumulate(where[:, ::-1], axis=1)[:, ::-1]
    return result


def _counts(domain: Domain) -> int:
    """How many counts of notes in a bar must be told apart: 1 where nobody counts."""
    limits = domain.most[domain.most < ANY_NUMBER]
    return 1 + max(int(domain.least.max(initial=0)), int(limits.max(initial=0)))
