"""Rules on when notes begin and how long they last."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory.constraint.base import Constraint, Held
from theory.constraint.domain import Domain
from theory.constraint.parts import Parts, bar_lines, chosen, of_parts, on_grid
from theory.errors import RequestError
from theory.score import Score
from theory.tokens.vocabulary import STEPS_PER_QUARTER

_GRIDS = {24: "quarters", 12: "8ths", 6: "16ths", 3: "32nds", 8: "8th triplets", 4: "16th triplets"}


def _in_quarters(times: tuple[Fraction, ...]) -> str:
    return f"{' '.join(map(str, times))} quarters"


def _name(step: int) -> str:
    return _GRIDS.get(step, f"{Fraction(step, STEPS_PER_QUARTER)} quarter")


def steps_of(quarters: Fraction) -> int:
    """Grid steps of a time in quarters.

    Raises:
        RequestError: it falls between the steps of the grid.
    """
    steps = quarters * STEPS_PER_QUARTER
    if steps.denominator != 1:
        raise RequestError(f"{quarters} of a quarter is not on the grid of {STEPS_PER_QUARTER} steps a quarter")
    return int(steps)


@dataclass(frozen=True)
class Grid(Constraint):
    """Notes begin and end on coarser grids, counted from the bar lines, and last at least a step of the finest.

    Attributes:
        steps: of each grid, in steps of the tokens' grid; every place is on one of them.
        first_bar: index of the first bar it is about.
    """

    steps: tuple[int, ...]
    first_bar: int = 0

    @property
    def label(self) -> str:
        """As in "notes on the grid of 16ths", "notes on the grid of 32nds or 16th triplets"."""
        return f"notes on the grid of {' or '.join(map(_name, self.steps))}"

    def _on(self, lines: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each step, and the end, is on a grid: bool (S + 1,)."""
        steps = np.arange(lines[-1] + 1)
        bars = np.searchsorted(lines[:-1], steps, side="right") - 1
        on: NDArray[np.bool_] = ((steps - lines[bars])[:, None] % np.array(self.steps) == 0).any(axis=1)
        on[: lines[self.first_bar]] = True
        on[-1] = True
        return on

    def narrow(self, domain: Domain) -> None:
        """Take the steps between."""
        on = self._on(np.array(domain.frame.lines))
        domain.start[:, ~on[:-1]] = False
        domain.may_end &= on
        np.maximum(domain.shortest, min(self.steps), out=domain.shortest)

    def held(self, score: Score) -> Held:
        """Notes that begin and end on one of them and last long enough."""
        on, first = self._on(lines := bar_lines(score)), lines[self.first_bar]
        notes = [on_grid(track, score) for track in score.tracks]
        begins, ends = (np.concatenate(column) for column in zip(*((n.start, n.end) for n in notes), strict=True))
        lasts = (ends - begins >= min(self.steps)) | (begins < first)
        return Held(int((on[begins] & on[ends] & lasts).sum()), len(begins))


@dataclass(frozen=True)
class Resolution(Constraint):
    """Notes begin and end where the tokens of a model can say it, counted from the start of the piece.

    Attributes:
        step: in steps of the finest grid, 24 a quarter.
    """

    step: int

    @property
    def label(self) -> str:
        """As in "notes where the model can write them, on 8th triplets"."""
        return f"notes where the model can write them, on {_name(self.step)}"

    def narrow(self, domain: Domain) -> None:
        """Take the steps between."""
        on = np.arange(domain.frame.steps + 1) % self.step == 0
        domain.start[:, ~on[:-1]] = False
        domain.may_end &= on

    def held(self, score: Score) -> Held:
        """Notes that begin and end there."""
        notes = [on_grid(track, score) for track in score.tracks]
        kept = sum(int(((voice.start % self.step == 0) & (voice.end % self.step == 0)).sum()) for voice in notes)
        return Held(kept, sum(len(voice.start) for voice in notes))


@dataclass(frozen=True)
class Onsets(Constraint):
    """In every bar, notes of a part begin exactly at these places.

    Attributes:
        quarters: from the bar line.
        parts: indices of tracks, () for all.
        first_bar: index of the first bar it is about.
        names: of these parts, for messages.

    Raises:
        RequestError: no places, or one that is not on the grid.
    """

    quarters: tuple[Fraction, ...]
    parts: Parts = ()
    first_bar: int = 0
    names: str = ""

    def __post_init__(self) -> None:
        if not self.quarters or any(place < 0 or steps_of(place) < 0 for place in self.quarters):
            raise RequestError("onsets: give at least one place in the bar, not before its first beat")

    @property
    def label(self) -> str:
        """As in "onsets at 0 1 3/2 quarters"."""
        return f"onsets at {_in_quarters(self.quarters)}{of_parts(self.names)}"

    def narrow(self, domain: Domain) -> None:
        """Demand these onsets and take all others; a place beyond the bar cannot be had."""
        lines = np.array(domain.frame.lines[self.first_bar :])
        wanted = self._steps(lines[:-1], domain.frame.steps)
        for part in chosen(self.parts, len(domain.frame.parts)):
            domain.start[part, lines[0] :] &= wanted[lines[0] :, None]
            domain.must_start[part] |= wanted
            for place in self.quarters:
                short = self.first_bar + np.flatnonzero(steps_of(place) >= np.diff(lines))
                domain.most[part, short] = 0  # asked for, and impossible
                domain.least[part, short] = 1

    def _steps(self, bars: NDArray[np.int64], steps: int) -> NDArray[np.bool_]:
        wanted = np.zeros(steps, dtype=np.bool_)
        places = bars[:, None] + np.array([steps_of(place) for place in self.quarters])
        wanted[places[places < steps]] = True
        return wanted

    def held(self, score: Score) -> Held:
        """Onsets asked for that are there, of those and all others."""
        lines = bar_lines(score)
        wanted = self._steps(lines[self.first_bar : -1], int(lines[-1]))
        kept = asked = 0
        for part in chosen(self.parts, len(score.tracks)):
            found = np.zeros_like(wanted)
            starts = on_grid(score.tracks[part], score).start
            found[starts[starts >= lines[self.first_bar]]] = True
            kept, asked = kept + int((found & wanted).sum()), asked + int((found | wanted).sum())
        return Held(kept, asked)


@dataclass(frozen=True)
class Durations(Constraint):
    """Notes of a part last only so long.

    Attributes:
        quarters: the durations that are allowed.
        parts: indices of tracks, () for all.
        names: of these parts, for messages.

    Raises:
        RequestError: no duration, or one that is not on the grid.
    """

    quarters: tuple[Fraction, ...]
    parts: Parts = ()
    names: str = ""

    def __post_init__(self) -> None:
        if not self.quarters or any(length <= 0 or steps_of(length) < 1 for length in self.quarters):
            raise RequestError("durations: give at least one, longer than nothing")

    @property
    def label(self) -> str:
        """As in "durations of 1 1/2 quarters"."""
        return f"durations of {_in_quarters(self.quarters)}{of_parts(self.names)}"

    def narrow(self, domain: Domain) -> None:
        """Take the other durations."""
        for part in chosen(self.parts, len(domain.frame.parts)):
            domain.keep_durations(part, np.array([steps_of(length) for length in self.quarters]))

    def held(self, score: Score) -> Held:
        """Notes that last one of these."""
        wanted = [steps_of(length) for length in self.quarters]
        lengths = [on_grid(score.tracks[part], score) for part in chosen(self.parts, len(score.tracks))]
        found = np.concatenate([notes.end - notes.start for notes in lengths])
        return Held(int(np.isin(found, wanted).sum()), len(found))


@dataclass(frozen=True)
class Density(Constraint):
    """In every bar so many notes begin in a part.

    Attributes:
        least, most: notes a bar.
        parts: indices of tracks, () for each of them.
        first_bar: index of the first bar it is about.
        names: of these parts, for messages.

    Raises:
        RequestError: bounds that do not rise.
    """

    least: int
    most: int
    parts: Parts = ()
    first_bar: int = 0
    names: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most <= 64:
            raise RequestError(f"density {self.least} to {self.most}: must rise, within 0 to 64 notes a bar")

    @property
    def label(self) -> str:
        """As in "2 to 4 notes a bar"."""
        return f"{self.least} to {self.most} notes a bar{of_parts(self.names)}"

    def narrow(self, domain: Domain) -> None:
        """Bound the counts."""
        first = self.first_bar
        for part in chosen(self.parts, len(domain.frame.parts)):
            domain.least[part, first:] = np.maximum(domain.least[part, first:], self.least)
            domain.most[part, first:] = np.minimum(domain.most[part, first:], self.most)

    def held(self, score: Score) -> Held:
        """Bars with so many notes, part by part."""
        lines = bar_lines(score)[self.first_bar :]
        kept = asked = 0
        for part in chosen(self.parts, len(score.tracks)):
            counts = np.histogram(on_grid(score.tracks[part], score).start, bins=lines)[0]
            kept += int(((counts >= self.least) & (counts <= self.most)).sum())
            asked += len(counts)
        return Held(kept, asked)
