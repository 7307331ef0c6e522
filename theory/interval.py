"""Intervals: the distance between two spelled pitches, with a direction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from theory.errors import PitchError
from theory.pitch import Pitch

_PATTERN = re.compile(r"([+-]?)(P|M|m|A{1,4}|d{1,4})([1-9]\d?)")
_MAJOR_OR_PERFECT = (0, 2, 4, -1, 1, 3, 5)  # fifths up to the 1st, 2nd, ... 7th of a major scale
_PERFECT = (0, 3, 4)  # steps: unison, fourth, fifth


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; down is negative.

    Attributes:
        fifths: distance on the line of fifths: 1 for a fifth up or a fourth down, 7 for a chromatic semitone.
        semitones: distance in semitones.

    Raises:
        PitchError: fifths and semitones that contradict each other.
    """

    fifths: int
    semitones: int

    def __post_init__(self) -> None:
        if (self.semitones - 7 * self.fifths) % 12:
            raise PitchError(f"no interval is {self.fifths} fifths and {self.semitones} semitones")

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read "P5", "m3", "A4", "d7", "M10", or downwards "-M2".

        >>> Interval.parse("m3")
        Interval(fifths=-3, semitones=3)

        Raises:
            PitchError: no interval.
        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise PitchError(f"{text!r} is no interval: write a quality (P M m A d) and a number, as in P5 or -m3")
        sign, quality, number = match.groups()
        steps = int(number) - 1
        perfect = steps % 7 in _PERFECT
        if quality in ("M", "m") if perfect else quality == "P":
            raise PitchError(f"{text!r} is no interval: {number} is {'perfect' if perfect else 'major or minor'}")
        sharps = {"P": 0, "M": 0, "m": -1, "A": len(quality), "d": -len(quality) - (not perfect)}[quality[0]]
        fifths = _MAJOR_OR_PERFECT[steps % 7] + 7 * sharps
        up = cls(fifths, 7 * fifths + 12 * ((steps - 4 * fifths) // 7))
        return -up if sign == "-" else up

    @property
    def steps(self) -> int:
        """Letters from one note to the other: 2 for any third up."""
        return 4 * self.fifths + 7 * ((self.semitones - 7 * self.fifths) // 12)

    @property
    def name(self) -> str:
        """Quality and number, after a minus if the interval goes down: "m3", "-P5", "AA4"."""
        if (self.steps, self.semitones) < (0, 0):
            return f"-{-self}"
        if -1 <= self.fifths <= 1:
            quality = "P"
        elif abs(self.fifths) <= 5:
            quality = "M" if self.fifths > 0 else "m"
        else:
            quality = ("A" if self.fifths > 0 else "d") * ((abs(self.fifths) + 1) // 7)
        return f"{quality}{self.steps + 1}"

    @property
    def simple(self) -> Interval:
        """Without its octaves: M10 becomes M3, an octave a unison."""
        octaves = abs(self.steps) // 7 * (1 if self.steps > 0 else -1)
        return Interval(self.fifths, self.semitones - 12 * octaves)

    @property
    def inversion(self) -> Interval:
        """What fills the simple interval up to an octave, in the same direction: M3 becomes m6, -P5 becomes -P4."""
        simple = self.simple
        octave = -12 if self.name.startswith("-") else 12
        return Interval(-simple.fifths, octave - simple.semitones)

    def __neg__(self) -> Interval:
        return Interval(-self.fifths, -self.semitones)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.fifths + other.fifths, self.semitones + other.semitones)

    def __str__(self) -> str:
        return self.name


def between(first: Pitch, second: Pitch) -> Interval:
    """Interval from one pitch to another, negative when the second is lower."""
    return Interval(second.fifths - first.fifths, second.midi - first.midi)


def transpose(pitch: Pitch, interval: Interval) -> Pitch:
    """Pitch an interval away.

    >>> str(transpose(Pitch.parse("B3"), Interval.parse("m3")))
    'D4'

    Raises:
        PitchError: it would leave MIDI's range.
    """
    return Pitch(pitch.midi + interval.semitones, pitch.fifths + interval.fifths)
