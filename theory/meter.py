"""Meters: bar and beat lengths in exact fractions of a quarter note."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from theory.errors import MeterError

MAX_NUMERATOR = 64
DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)


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

    def bar_ticks(self, ticks_per_quarter: int) -> int:
        """Length of a bar in ticks.

        Raises:
            MeterError: the resolution is too coarse to hold it exactly.
        """
        ticks = self.bar_quarters * ticks_per_quarter
        if ticks.denominator != 1:
            raise MeterError(f"a bar of {self} is no whole number of ticks at {ticks_per_quarter} ticks a quarter")
        return int(ticks)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"
