"""What an analysis says."""

from __future__ import annotations

from typing import NamedTuple

from theory.chord import Chord
from theory.key import Key
from theory.roman_numeral import RomanNumeral


class KeyRegion(NamedTuple):
    """A key from `tick` to `end`; `confidence` (0 to 1) is its probability against the other keys."""

    tick: int
    end: int
    key: Key
    confidence: float


class ChordRegion(NamedTuple):
    """A chord (None: silence) from `tick` to `end` in a key; `confidence` (0 to 1), against the other chords."""

    tick: int
    end: int
    chord: Chord | None
    key: Key
    confidence: float

    @property
    def numeral(self) -> RomanNumeral | None:
        """The chord by its degree in the key; None in silence."""
        return None if self.chord is None else RomanNumeral.of(self.chord, self.key)
