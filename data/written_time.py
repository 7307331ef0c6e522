"""From ticks to times that can be written: measures, and the grid on which the notes of each quarter lie.

Times are exact fractions of a quarter from the start of the piece.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise

from theory.meter import Meter
from theory.score import Score

_GRIDS = (8, 6, 16, 12, 5, 7, 10, 14, 24)  # parts of a quarter that note values can say, the plainest first
_FINEST = Fraction(1, 16)  # every bar is a whole number of these


@dataclass(frozen=True, slots=True)
class Bar:
    """One measure.

    Attributes:
        start, end: quarters from the start of the piece.
        meter: what it is written in.
        offset: how far into a full bar it starts; not 0 in a pickup.
    """

    start: Fraction
    end: Fraction
    meter: Meter
    offset: Fraction = Fraction()

    @property
    def is_full(self) -> bool:
        """Whether it is as long as its meter says."""
        return self.end - self.start == self.meter.bar_quarters


@dataclass(frozen=True, slots=True)
class WrittenTime:
    """The measures of a score, and ticks as times in them.

    A bar that is no whole number of 64ths (cut short by a meter change at an odd tick) is rounded to one, so that what
    follows can still be written.

    Attributes:
        bars: at least one. A pickup is written in the meter that follows it, and the last bar lacks what it took.
        ticks: at which they start.
        ticks_per_quarter: of the score.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[int, ...]
    ticks_per_quarter: int

    @classmethod
    def of(cls, score: Score) -> WrittenTime:
        """The measures of a score."""
        resolution = score.ticks_per_quarter
        lines = [int(tick) for tick in score.bar_lines()]
        if len(lines) == 1:
            lines.append(score.meters[0].meter.bar_ticks(resolution))
        result: list[Bar] = []
        start = Fraction()
        for line, following in pairwise(lines):
            end = start + max(_FINEST, _rounded(Fraction(following - line, resolution), 16))
            meter = [event.meter for event in score.meters if event.tick <= line][-1]
            result.append(Bar(start, end, meter))
            start = end
        if score.pickup and len(result) > 1:
            result = _with_pickup(result, Fraction(lines[-1] - score.end, resolution))
        return cls(tuple(result), tuple(lines[:-1]), resolution)

    def index(self, time: Fraction) -> int:
        """Number of the bar that a time falls in; the last one's for what comes after it."""
        return max(0, bisect_right(self.bars, time, key=lambda bar: bar.start) - 1)

    def at(self, tick: int) -> Fraction:
        """Time of a tick at which something starts: before the end of its bar."""
        bar, time = self._unrounded(tick, bisect_right(self.ticks, tick))
        return min(time, bar.end - _FINEST)

    def end(self, tick: int) -> Fraction:
        """Time of a tick at which something ends: by the end of its bar."""
        bar, time = self._unrounded(tick, bisect_left(self.ticks, tick))
        return min(time, bar.end)

    def _unrounded(self, tick: int, number: int) -> tuple[Bar, Fraction]:
        index = max(0, number - 1)
        bar = self.bars[index]
        return bar, bar.start + Fraction(tick - self.ticks[index], self.ticks_per_quarter)

    def grids(self, onsets: Iterable[Fraction]) -> dict[tuple[int, int], int]:
        """Grid of each quarter in which notes start: (bar, quarter in it) -> into how many equal parts it divides.

        The first of 32nds, triplet 16ths, 64ths, triplet 32nds, quintuplets, septuplets and mixtures that holds all of
        a quarter's onsets. Where a good part of all onsets lies on neither of the first two, it was played by hand: its
        quarters divide into 16ths, 32nds where it is crowded, or triplets where these fit much better.
        """
        ordered = sorted(set(onsets))
        is_played = sum(not _lies_on(_GRIDS[:2], [self._inside(onset)]) for onset in ordered) > len(ordered) // 5
        grids = {}
        for quarter, group in groupby(ordered, key=self._quarter):
            inside = [self._inside(onset) for onset in group]
            exact = None if is_played else _lies_on(_GRIDS, inside)
            grids[quarter] = exact or _nearest_grid([onset - quarter[1] for onset in inside])
        return grids

    def on_grid(self, time: Fraction, grids: dict[tuple[int, int], int]) -> Fraction:
        """The nearest time on the grid of its quarter (16ths where it has none), in the same bar or at its end."""
        index = self.index(time)
        bar = self.bars[index]
        return min(bar.end, bar.start + _rounded(time - bar.start, grids.get(self._quarter(time), 4)))

    def can_end(self, time: Fraction, grids: dict[tuple[int, int], int]) -> bool:
        """Whether note values can say that a note ends here, beside those that start in its quarter."""
        return _lies_on(_beside(grids.get(self._quarter(time))), [self._inside(time)]) is not None

    def _inside(self, time: Fraction) -> Fraction:
        return time - self.bars[self.index(time)].start

    def _quarter(self, time: Fraction) -> tuple[int, int]:
        return self.index(time), int(self._inside(time) // 1)


def _with_pickup(bars: Sequence[Bar], left: Fraction) -> list[Bar]:
    """Bars, the first one written in the second one's meter; `left` is what the piece leaves empty in the last one."""
    first, *others = bars
    full = others[0].meter
    if left == first.end:
        others[-1] = replace(others[-1], end=others[-1].end - left)
    return [replace(first, meter=full, offset=full.bar_quarters - first.end), *others]


def _rounded(time: Fraction, parts: int) -> Fraction:
    return Fraction(round(time * parts), parts)


def _lies_on(grids: Iterable[int], times: Sequence[Fraction]) -> int | None:
    return next((parts for parts in grids if all((parts * time).denominator == 1 for time in times)), None)


def _nearest_grid(times: Sequence[Fraction]) -> int:
    straight, triplet = (sum(abs(time - _rounded(time, parts)) for time in times) for parts in (4, 3))
    if len(times) > 1 and 3 * triplet < straight:
        return 3
    crowded = any(0 < after - before < Fraction(3, 16) for before, after in pairwise(times))
    return 8 if crowded else 4


def _beside(grid: int | None) -> Sequence[int]:
    """Grids on which notes may end in a quarter where they start on this one: fives and sevens do not mix."""
    if grid is None:
        return _GRIDS
    if grid % 5 == 0 or grid % 7 == 0:
        return (grid,)
    return [other for other in _GRIDS if other % 5 and other % 7]
