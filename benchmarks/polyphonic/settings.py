"""What is trained for each data set, and how its figure is averaged. TRIALS.md has what else was tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from benchmarks.polyphonic.data import VOICES, Piece
from benchmarks.polyphonic.features import Examples
from benchmarks.polyphonic.network import Dropout
from benchmarks.polyphonic.rolls import of_roll
from benchmarks.polyphonic.training import Plan
from benchmarks.polyphonic.voices import of_voices


@dataclass(frozen=True)
class Member:
    """One network of an ensemble.

    Attributes:
        plan: how it is trained.
        sizes: of its shape, those that are not the usual ones.
        mirrored: it reads the keyboard from the highest key down, so it names notes (voices) in the other order.
    """

    plan: Plan
    sizes: Mapping[str, int] = field(default_factory=dict)
    mirrored: bool = False


@dataclass(frozen=True)
class Benchmark:
    """A data set's networks and its unit.

    Attributes:
        members: the ensemble.
        goal: the figure to reach, nats a unit.
        reach: test is averaged over transpositions by up to so many keys.
        features: of a piece.
        units: in a frame: 4 for four voices.
        kept: weights may be kept: not those made from MuseData, whose data may not be passed on.
    """

    members: tuple[Member, ...]
    goal: float
    reach: int = 5
    features: Callable[[Piece], Examples] = of_roll
    units: int = 1
    kept: bool = True

    @property
    def unit(self) -> str:
        """What a figure is divided by."""
        return "voice and step" if self.units > 1 else "frame"


def _pair(plan: Plan, sizes: Mapping[str, int]) -> tuple[Member, ...]:
    """One that names notes from the lowest (voices from the soprano), one that names them the other way."""
    return Member(plan, sizes), Member(replace(plan, seed=plan.seed + 1), sizes, mirrored=True)


_MORE_OF_KEYS = {"key_hidden": 48, "key_size": 24}
_MOST_OF_KEYS = {"key_hidden": 64, "key_size": 32}
_JSB = Plan(epochs=60, lanes=8, dropout=Dropout(inputs=0.2, recurrent=0.4, state=0.5, hidden=0.5))
_JSB_MIRRORED = replace(_JSB, epochs=80, seed=1)
_JSB16 = Plan(epochs=24, lanes=8, every=2, dropout=Dropout(inputs=0.1, recurrent=0.3, state=0.4, hidden=0.4))
_NOTTINGHAM = Plan(epochs=8, lanes=8, every=1, dropout=Dropout(inputs=0.05, recurrent=0.2, state=0.3, hidden=0.3))
_PIANO = Plan(epochs=10, lanes=4, every=2, dropout=Dropout(inputs=0.05, recurrent=0.2, state=0.3, hidden=0.3))
_MUSE = Plan(epochs=5, lanes=8, every=1, dropout=Dropout(inputs=0.0, recurrent=0.1, state=0.2, hidden=0.2))

SETTINGS = {
    "jsb": Benchmark((Member(_JSB), Member(_JSB_MIRRORED, _MORE_OF_KEYS, mirrored=True)), goal=4.74),
    "nottingham": Benchmark((Member(_NOTTINGHAM, _MORE_OF_KEYS),), goal=1.40),
    "piano": Benchmark(_pair(_PIANO, _MOST_OF_KEYS), goal=4.90),
    "muse": Benchmark((Member(_MUSE, _MOST_OF_KEYS),), goal=3.90, kept=False),
    "jsb16": Benchmark(_pair(_JSB16, {"heard": 4}), goal=0.335, features=of_voices, units=VOICES),
}
