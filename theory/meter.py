"""Meters: bar and beat lengths in exact fractions of a quarter note."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from theory.errors import MeterError

MAX_NUMERATOR = 64
DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)
# How the beats of a bar fall into groups, whose first beats stand out; other bars: pairs, and three at the end if odd.
GROUPINGS: dict[int, tuple[int, ...]] = {1: (1,), 2: (2,), 3: (3,), 4: (2, 2), 5: (3, 2), 6: (3, 3), 7: (2, 2, 3)}


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature.

    Attributes:
        numerator: 1 to 64.
        denominator: 1, 2, 4, 8, 16, 32 or 64.
    """

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= MAX_NUMERATOR:
            raise MeterError(f"meter {self}: the upper number must be 1 to {MAX_NUMERATOR}")
        if self.denominator not in DENOMINATORS:
            raise MeterError(f"meter {self}: the lower number must be one of {', '.join(map(str, DENOMINATORS))}")

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read "6/8", "C" (4/4) or "C|" (2/2).

        Raises:
            MeterError: no meter.
        """
        text = {"C": "4/4", "c": "4/4", "C|": "2/2", "c|": "2/2"}.get(text.strip(), text.strip())
        match = re.fullmatch(r"(\d{1,4})\s*/\s*(\d{1,4})", text)
        if match is None:
            raise MeterError(f"{text!r} is no meter: write two numbers, as in 4/4 or 6/8")
        return cls(int(match.group(1)), int(match.group(2)))

    @classmethod
    def from_quarters(cls, quarters: Fraction) -> Meter:
        """The meter of a bar that lasts so many quarters, with the longest note value that divides it.

        Raises:
            MeterError: no meter lasts that long.
        """
        for denominator in (4, 8, 16, 32, 64):
            numerator = quarters * denominator / 4
            if numerator.denominator == 1:
                return cls(int(numerator), denominator)
        raise MeterError(f"no meter has a bar of {quarters} quarters")

    @property
    def bar_quarters(self) -> Fraction:
        """Length of a bar in quarters."""
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def is_compound(self) -> bool:
        """Whether the beat divides by three: 6/8, 9/8, 12/8, 6/4, ..."""
        return self.numerator > 3 and self.numerator % 3 == 0 and self.denominator >= 4

    @property
    def beat_quarters(self) -> Fraction:
        """Length of a beat in quarters: 3/2 in 6/8, 1 in 4/4, 2 in 2/2."""
        return Fraction(4, self.denominator) * (3 if self.is_compound else 1)

    @property
    def beats(self) -> int:
        """Beats in a bar: 2 in 6/8, 4 in 4/4."""
        return self.numerator // 3 if self.is_compound else self.numerator

    def grouping(self, told: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """Beats a group: (2, 2) in 4/4, (3, 2) in 5/4 unless told otherwise, (1, 1) in 6/8, whose two beats are alike.

        Args:
            told: beats a group, as in (2, 3) for 5/4.

        Raises:
            MeterError: what is told does not add up to the bar.
        """
        if told is not None:
            if sum(told) != self.beats or min(told) < 1:
                parts = "+".join(map(str, told))
                raise MeterError(f"{parts} does not group the {self.beats} beats of {self}")
            return told
        if self.is_compound and self.beats == 2:
            return (1, 1)
        odd = self.beats % 2
        return GROUPINGS.get(self.beats) or (2,) * (self.beats // 2 - odd) + (3,) * odd

    def strong_quarters(self, told: tuple[int, ...] | None = None) -> tuple[Fraction, ...]:
        """Where the strong beats are, in quarters from the bar line: 0 and 2 in 4/4, 0 and 3/2 in 6/8, 0 and 3 in 5/4.

        Args:
            told: see `grouping`.
        """
        groups = self.grouping(told)
        return tuple(sum(groups[:index]) * self.beat_quarters for index in range(len(groups)))

    def strength(self, quarters: Fraction, told: tuple[int, ...] | None = None) -> int:
        """How much a place in the bar stands out: 3 the bar line, 2 another strong beat, 1 a beat, 0 between beats.

        Args:
            quarters: from the bar line.
            told: see `grouping`.
        """
        if quarters == 0:
            return 3
        if quarters in self.strong_quarters(told):
            return 2
        return 0 if quarters % self.beat_quarters else 1

    def beat_ticks(self, ticks_per_quarter: int) -> int:
        """Length of a beat in ticks, rounded down."""
        return 4 * (3 if self.is_compound else 1) * ticks_per_quarter // self.denominator

    def bar_ticks(self, ticks_per_quarter: int) -> int:
        """Length of a bar in ticks.

        Raises:
            MeterError: the resolution is too coarse to hold it exactly.
        """
        ticks, rest = divmod(4 * self.numerator * ticks_per_quarter, self.denominator)
        if rest:
            raise MeterError(f"a bar of {self} is no whole number of ticks at {ticks_per_quarter} ticks a quarter")
        return ticks

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"
