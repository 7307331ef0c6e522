"""What a piece shares with another: a run of notes, where it stands in both, and how it is said and written down."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a run stands in a piece.

    Attributes:
        part: as the track is called, or its number, as in "part 2".
        bar, last_bar: in which its first and its last note begin, as musicians count: an upbeat is bar 0.
    """

    part: str
    bar: int
    last_bar: int

    def __str__(self) -> str:
        bars = f"bar {self.bar}" if self.bar == self.last_bar else f"bars {self.bar} to {self.last_bar}"
        return f"{self.part.lower()}, {bars}"


@dataclass(frozen=True, slots=True)
class Run:
    """Notes in a row that two pieces share.

    Attributes:
        notes: how many, at least 2.
        here: where they stand in the piece that was looked at.
        piece: id of the piece that has them too.
        title: of that piece, "" if it has none.
        there: where they stand in it.
    """

    notes: int
    here: Place
    piece: str
    title: str
    there: Place

    def __str__(self) -> str:
        return f"{self.notes} notes ({self.here}) with {self.named} ({self.there})"

    @property
    def named(self) -> str:
        """The other piece by its id, and by its title where that says more."""
        says_more = self.title and _letters(self.title) not in _letters(self.piece)
        return f'{self.piece} "{self.title}"' if says_more else self.piece

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "here": self.here._asdict(), "there": self.there._asdict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Run:
        """Read what `to_dict` wrote.

        Raises:
            TypeError, KeyError: it is not that.
        """
        places = {name: _place(values[name]) for name in ("here", "there")}
        run = cls(**{**values, **places})
        if [type(value) for value in (run.notes, run.piece, run.title)] != [int, str, str]:
            raise TypeError(f"{values!r} is no run")
        return run


def _place(values: dict[str, Any]) -> Place:
    place = Place(**values)
    if [type(value) for value in place] != [str, int, int]:
        raise TypeError(f"{values!r} is no place")
    return place


def _letters(text: str) -> str:
    return re.sub(r"\W|_", "", text).lower()


class Shared(NamedTuple):
    """The longest runs that a piece shares with any other.

    Attributes:
        exact: with the same pitches, at the same times from onset to onset; None: not even two notes.
        transposed: with the same intervals, at the same times.
    """

    exact: Run | None
    transposed: Run | None

    @property
    def notes(self) -> tuple[int, int]:
        """Notes of the longest exact and of the longest transposed run, 0 without one."""
        return (self.exact.notes if self.exact else 0), (self.transposed.notes if self.transposed else 0)


__all__ = ["Place", "Run", "Shared"]
