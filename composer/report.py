"""What is said of a finished piece: how likely it is, which rules it keeps, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.decode import Draft, reread
from composer.faults import Fault, faults_of
from composer.lockstep import ERROR
from composer.originality.run import Run, Shared
from composer.plan import Plan
from composer.price import Prices
from theory.constraint import Constraint
from theory.errors import RequestError
from theory.score import Score
from theory.voice_leading import violations


@dataclass(frozen=True, slots=True)
class Kept:
    """One rule in the report.

    Attributes:
        rule: what it asks, in words.
        kept, asked: how often it holds, of how many times it applies.
        price_per_note: what it costs alone: the sum over the drawn tokens of -ln(probability that it leaves of what
            grammar, bars and voices allow), in nats over new notes.
    """

    rule: str
    kept: int
    asked: int
    price_per_note: float


@dataclass(frozen=True, slots=True)
class Originality:
    """How far the piece is one of its own.

    Attributes:
        most: notes in a row that it may share with a piece that the model learnt from (`Request.original`).
        exact: the longest run of its composed notes that is in such a piece, pitch by pitch; None: not even two notes.
        transposed: the longest, in whatever transposition.
    """

    most: int
    exact: Run | None
    transposed: Run | None

    @classmethod
    def of(cls, most: int, shared: Shared) -> Originality:
        """How far a piece is, by what it shares."""
        return cls(most, shared.exact, shared.transposed)

    def __str__(self) -> str:
        """As in "9 notes (tenor, bars 1 to 3) with ...; at the same pitches 7 notes (bass, bar 2) with ..."."""
        return f"{self.transposed or 'none'}; at the same pitches {self.exact or 'none'}"

    @property
    def is_copy(self) -> bool:
        """Whether it shares more notes than it may."""
        return self.transposed is not None and self.transposed.notes > self.most

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"most": self.most, **{name: run and run.to_dict() for name, run in self._runs()}}

    def _runs(self) -> tuple[tuple[str, Run | None], ...]:
        return ("exact", self.exact), ("transposed", self.transposed)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Originality:
        """Read what `to_dict` wrote.

        Raises:
            TypeError, KeyError: it is not that.
        """
        runs = (None if values[name] is None else Run.from_dict(values[name]) for name in ("exact", "transposed"))
        return cls(_checked(cls, values)["most"], *runs)


@dataclass(frozen=True, slots=True)
class Report:
    """What the model thought of the piece, and what it kept.

    Attributes:
        bars, notes: in the whole piece.
        new_notes: that were composed (all, but for a continuation).
        nats_per_note: negative log-likelihood of the drawn tokens under the model, before any mask, over new notes.
        price_per_note: what all masks together cost: -ln(probability they allow), summed, over new notes.
        redraws: how often the search for notes went back.
        rules: every constraint that applies anywhere, how far it holds and its price.
        faults: the rules of four-part writing, however the piece was asked for; () if its parts are no such voices.
        notices: lines for the user: habits that gave way, attributes that hardly moved, tunes whose notes the grid
            moved, pieces that were drawn and refused as copies; left out of JSON if empty.
        originality: what it shares with the pieces that the model learnt from, where that was asked for; else None, and
            left out of JSON.
    """

    bars: int
    notes: int
    new_notes: int
    nats_per_note: float
    price_per_note: float
    redraws: int = 0
    rules: tuple[Kept, ...] = ()
    faults: tuple[Fault, ...] = ()
    notices: tuple[str, ...] = ()
    originality: Originality | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; figures to four digits, on which processors agree but for one in some thousand."""
        rows = {name: [_rounded(asdict(row)) for row in getattr(self, name)] for name in _ROWS}
        originality = self.originality and self.originality.to_dict()
        values = {**_rounded(asdict(self)), **rows, "notices": list(self.notices), "originality": originality}
        return {name: value for name, value in values.items() if value or name not in ("notices", "originality")}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Read what `to_dict` wrote.

        Raises:
            TypeError, ValueError, KeyError: it is not that.
        """
        rows: dict[str, Any] = {
            name: tuple(kind(**_checked(kind, row)) for row in values.get(name, ())) for name, kind in _ROWS.items()
        }
        notices = tuple(_checked(cls, values).get("notices", ()))
        if any(type(line) is not str for line in notices):
            raise TypeError(f"notices are {notices!r}")
        told = values.get("originality")
        originality = None if told is None else Originality.from_dict(told)
        plain = {name: value for name, value in values.items() if name not in (*_ROWS, "notices", "originality")}
        return cls(**_checked(cls, plain), **rows, notices=notices, originality=originality)


# How far a token's share of a figure may be off where logits are, off in the same direction only by chance.
_OFF = ERROR / 2
DIGITS = 4  # after the point, of nats and prices
_ROWS: dict[str, type] = {"rules": Kept, "faults": Fault}


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in values.items()}


_TYPES = {"int": int, "float": float, "str": str}


def _checked(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values, each of the type that its field says."""
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} is no table")
    fields = {name: field.type for name, field in kind.__dataclass_fields__.items()}  # type: ignore[attr-defined]
    for name, value in values.items():
        wanted = _TYPES.get(fields[name])
        if wanted is not None and type(value) is not wanted:
            raise TypeError(f"{name} is {value!r}")
    return values


def report_on(score: Score, draft: Draft, plan: Plan, new: Score) -> Report:
    """Report on a finished piece, the same whether it was drawn by itself or beside others.

    Args:
        score: the piece.
        draft: what was drawn.
        plan: the constraints that it was drawn under.
        new: the piece with its composed notes only.
    """
    held = [(rule, held) for rule in plan.rules if (held := rule.held(new)) is not None and held.asked]
    rules = [rule for rule, _ in held]
    notes = max(new.notes, 1)
    figures = _figures(draft, plan, rules) / notes
    if not draft.alone and _are_on_edge(figures, _OFF * len(draft.top) ** 0.5 / notes):
        figures = _figures(reread(draft), plan, rules) / notes
    nats, price, *prices = np.round(figures, DIGITS).tolist()
    kept = [Kept(rule.label, *held, alone) for (rule, held), alone in zip(held, prices, strict=True)]
    faults = _faults(score)
    return Report(score.bars, score.notes, new.notes, nats, price, draft.redraws, tuple(kept), faults, plan.notices)


def _figures(draft: Draft, plan: Plan, rules: Sequence[Constraint]) -> NDArray[np.float64]:
    """Nats of a draft, the price of all masks, and that of each rule alone."""
    prices = Prices(draft, plan)
    return np.array([draft.nats, prices.together(), *(prices.alone(rule) for rule in rules)])


def _are_on_edge(figures: NDArray[np.float64], off: float) -> bool:
    """Whether figures that may be so far off could round to others."""
    lasts = figures * 10**DIGITS
    return bool((np.round(lasts - off * 10**DIGITS) != np.round(lasts + off * 10**DIGITS)).any())


def _faults(score: Score) -> tuple[Fault, ...]:
    """Counted as in `BACH_RATES`: every sonority is its own harmony, whatever chords the score states."""
    if len(score.tracks) < 2:  # one voice alone has no part-writing
        return ()
    plain = score.replace(chords=())
    try:
        return faults_of(plain, violations(plain))
    except RequestError:  # a primer with two notes at a time in one part
        return ()
