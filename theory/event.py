"""What happens to a whole score at a tick: tempo, meter, key, chord, marker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from theory.chord import Chord
from theory.errors import ScoreError
from theory.key import Key
from theory.meter import Meter

MIN_TEMPO, MAX_TEMPO = 4, 1000  # quarters a minute


class TempoEvent(NamedTuple):
    """A tempo from a tick on, in MIDI's own unit, so that it is exact."""

    tick: int
    microseconds_per_quarter: int

    @classmethod
    def from_bpm(cls, tick: int, quarters_per_minute: float) -> TempoEvent:
        """Nearest MIDI tempo to so many quarters a minute.

        Raises:
            ScoreError: outside 4 to 1000 quarters a minute.
        """
        if not MIN_TEMPO <= quarters_per_minute <= MAX_TEMPO:
            raise ScoreError(f"tempo {quarters_per_minute:g}: must be {MIN_TEMPO} to {MAX_TEMPO} quarters a minute")
        return cls(tick, round(60_000_000 / quarters_per_minute))

    @property
    def bpm(self) -> float:
        """Quarters a minute."""
        return 60_000_000 / self.microseconds_per_quarter


class MeterEvent(NamedTuple):
    """A meter from a tick on; the tick starts a bar, and ends one that is not yet full."""

    tick: int
    meter: Meter


class KeyEvent(NamedTuple):
    """A key from a tick on."""

    tick: int
    key: Key


class ChordEvent(NamedTuple):
    """A chord from a tick on; None is "no chord"."""

    tick: int
    chord: Chord | None


class Marker(NamedTuple):
    """A text at a tick. The text "fermata" marks the end of a phrase, as in a chorale."""

    tick: int
    text: str


FERMATA = "fermata"


Timed = TypeVar("Timed", bound=tuple[int, Any])
Event = TypeVar("Event", TempoEvent, MeterEvent, KeyEvent, ChordEvent, Marker)


def last_per_tick(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events sorted by tick; of several at one tick the last one given stays, as a player would have it."""
    return tuple(sorted({event.tick: event for event in events}.values(), key=lambda event: event.tick))


def without_repeats(events: Iterable[Timed]) -> tuple[Timed, ...]:
    """Events, or pairs of a tick and a value, without those that only say again what already holds."""
    kept: list[Timed] = []
    for event in events:
        if not kept or event[1] != kept[-1][1]:
            kept.append(event)
    return tuple(kept)
