"""The form of what is written: kinds of tokens, bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.constraint.base import Constraint, Mask, States
from theory.errors import RequestError
from theory.tokens.vocabulary import BAR, END, VOCABULARY, Kind

_NUMERATOR = VOCABULARY.span(Kind.NUMERATOR)


@dataclass(frozen=True)
class OnlyKinds(Constraint):
    """Only tokens of some kinds: what a model never saw it cannot write well."""

    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wanted", np.isin(VOCABULARY.kinds, self.kinds))

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear all other kinds."""
        mask &= self._wanted  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ExactForm(Constraint):
    """So many bars, each whole and of the first one's meter, and an end at the end of the last one.

    Raises:
        RequestError: no bars.
    """

    bars: int

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise RequestError(f"{self.bars} bars: a piece has at least 1")

    @property
    def label(self) -> str:
        """As in "16 bars"."""
        return f"{self.bars} bars" if self.bars > 1 else "1 bar"

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear early ends, late bars, cut bars and changes of meter."""
        for row, state in enumerate(states.rows):
            last = state.bar + 1 >= self.bars
            if last or state.kind is Kind.POSITION_LOW:
                mask[row, BAR] = False
            if not last:
                mask[row, END] = False
            if state.bar > 0:
                mask[row, _NUMERATOR] = False
