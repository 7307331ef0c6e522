"""The form of what is written: kinds of tokens, bars, ends of phrases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.constraint.base import Constraint, Mask, States
from theory.constraint.domain import Domain
from theory.errors import RequestError
from theory.meter import Meter
from theory.tokens.vocabulary import BAR, END, EXPRESSIVE, VOCABULARY, Kind

_NUMERATOR = VOCABULARY.span(Kind.NUMERATOR)
_FERMATA = VOCABULARY.id(Kind.FERMATA)


@dataclass(frozen=True)
class OnlyKinds(Constraint):
    """Only tokens of some kinds: what a model never saw it cannot write well."""

    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wanted", np.isin(EXPRESSIVE.kinds, self.kinds))

    def forbid(self, states: States, mask: Mask) -> None:
        """Clear all other kinds."""
        mask &= self._wanted[: mask.shape[1]]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ExactForm(Constraint):
    """So many bars, each whole and of the first one's meter, and an end at the end of the last one.

    Attributes:
        bars: in all.
        after_upbeat: the meter of all bars but the first, if that is an upbeat.

    Raises:
        RequestError: no bars.
    """

    bars: int
    after_upbeat: Meter | None = None

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
            if state.bar == 1 and self.after_upbeat is not None:
                _state_meter(self.after_upbeat, state.kind, mask[row])
            elif state.bar > 0:
                mask[row, _NUMERATOR] = False


def _state_meter(meter: Meter, kind: Kind, mask: Mask) -> None:
    """Clear, in a bar that has to state its meter, all but the next word of it; and another meter after that."""
    wanted = {Kind.BAR: (Kind.NUMERATOR, meter.numerator), Kind.NUMERATOR: (Kind.DENOMINATOR, _exponent(meter))}
    if kind in wanted:
        token = VOCABULARY.id(*wanted[kind])
        mask[:token] = mask[token + 1 :] = False
    else:
        mask[_NUMERATOR] = False


def _exponent(meter: Meter) -> int:
    return meter.denominator.bit_length() - 1


class Fermatas(Constraint):
    """Fermatas where a phrase must end, as at a cadence that is asked for, and none beside them.

    Args:
        domain: narrowed by the rules.
    """

    def __init__(self, domain: Domain) -> None:
        self._ends, self._free = domain.phrase_ends, domain.phrase_free

    @property
    def label(self) -> str:
        """As in a message."""
        return "phrases end at the cadences"

    def forbid(self, states: States, mask: Mask) -> None:
        """Once chords are said, allow nothing but a fermata where one must stand; clear it where none may."""
        for row in states.at_next:
            state = states.rows[row]
            if state.position < 0:
                continue
            if state.step in self._ends:
                if mask[row, _FERMATA]:  # a chord, if any, comes first
                    mask[row, :_FERMATA] = mask[row, _FERMATA + 1 :] = False
            elif not self._free[min(state.step, len(self._free) - 1)]:
                mask[row, _FERMATA] = False
