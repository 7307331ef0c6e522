"""The rules of four-part writing that a score breaks, beside what Bach's chorales do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from theory.score import Score
from theory.voice_leading import BACH_RATES, Violation, rates


@dataclass(frozen=True, slots=True)
class Fault:
    """How often a rule of four-part writing is broken.

    Attributes:
        rule: one of `theory.voice_leading.RULES`.
        found: how often in the whole piece.
        rate: for 100 changes of sonority.
        bach: the same in Bach's chorales (`theory.voice_leading.BACH_RATES`).
    """

    rule: str
    found: int
    rate: float
    bach: float


def faults_of(score: Score, violations: Iterable[Violation]) -> tuple[Fault, ...]:
    """The rules in order, broken or not, counted from a score's violations.

    Raises:
        RequestError: its tracks are no voices.
    """
    found, rate = Counter(violation.rule for violation in violations), rates(score)
    return tuple(Fault(rule, found[rule], rate[rule], bach) for rule, bach in BACH_RATES.items())
