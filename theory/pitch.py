"""Pitches with a spelling: a MIDI number and a place on the line of fifths.

The line of fifths gives every spelled pitch class one integer (C = 0, G = 1, F = -1, F# = 6, Bb = -2),
so that spelling is arithmetic: a fifth up is +1, a sharp is +7, the pitch class is 7 f mod 12.
(Temperley, "The Cognition of Basic Musical Structures", 2001, ch. 5.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import PitchError

_LETTERS = "FCGDAEB"  # by fifths, F = -1
_PATTERN = re.compile(r"([A-Ga-g])(#{1,4}|b{1,4}|x|♯{1,4}|♭{1,4}|-(?=\D|$))?")


def fifths_of(name: str) -> int:
    """Place of a note name on the line of fifths.

    >>> fifths_of("C"), fifths_of("F#"), fifths_of("Bb")
    (0, 6, -2)

    Raises:
        PitchError: `name` is no note name.
    """
    match = _PATTERN.fullmatch(name.strip())
    if match is None:
        raise PitchError(f"{name!r} is no note name: write a letter A to G, then # or b, as in F# or Bb")
    letter, accidental = match.group(1).upper(), match.group(2) or ""
    sign = {"": 0, "#": 1, "♯": 1, "x": 2, "b": -1, "♭": -1, "-": -1}[accidental[:1]]
    return _LETTERS.index(letter) - 1 + 7 * sign * max(1, len(accidental))


def name_of(fifths: int) -> str:
    """Note name of a place on the line of fifths: 6 -> "F#", -2 -> "Bb"."""
    alter, letter = divmod(fifths + 1, 7)
    return _LETTERS[letter] + ("#" * alter if alter > 0 else "b" * -alter)


def pitch_class_of(fifths: int) -> int:
    """Pitch class (0 to 11, C = 0) of a place on the line of fifths."""
    return 7 * fifths % 12


def spell(pitches: ArrayLike, signature: int, *, minor: bool = False) -> NDArray[np.int8]:
    """Spell MIDI pitches as a musician in that key would, one place on the line of fifths each.

    A key uses twelve neighbours on the line: from the minor third above a major tonic (Eb in C major) to its raised
    fifth (G#); in minor from the Neapolitan second (Bb in A minor) to the raised fourth (D#).

    Args:
        pitches: MIDI numbers, any shape.
        signature: sharps (positive) or flats (negative) in the key signature.
        minor: whether the key is minor (leading tones are sharpened).

    Returns:
        int8, same shape: places on the line of fifths.
    """
    lowest = signature - 2 if minor else signature - 3
    by_class = np.empty(12, dtype=np.int8)
    window = np.arange(lowest, lowest + 12)
    by_class[7 * window % 12] = window
    result: NDArray[np.int8] = by_class[np.asarray(pitches, dtype=np.int64) % 12]
    return result


def pitch_name(midi: int) -> str:
    """Name of a MIDI pitch in no key: sharps for black keys but for Bb and Eb, as in "F#4"."""
    return f"{name_of(int(spell(midi, 0)))}{midi // 12 - 1}"


@total_ordering
@dataclass(frozen=True, slots=True)
class Pitch:
    """A spelled pitch.

    Attributes:
        midi: MIDI number, 0 to 127 (60 = C4).
        fifths: place on the line of fifths (C = 0, G = 1, F = -1).
    """

    midi: int
    fifths: int

    def __post_init__(self) -> None:
        if not 0 <= self.midi <= 127:
            raise PitchError(f"pitch {self.midi} is outside MIDI's 0 to 127")
        if (self.midi - 7 * self.fifths) % 12:
            raise PitchError(f"MIDI pitch {self.midi} cannot be spelled {name_of(self.fifths)}")

    @classmethod
    def parse(cls, text: str) -> Pitch:
        """Read scientific pitch notation: "C4" is middle C, "Bb-1" the lowest B flat but one.

        Raises:
            PitchError: no pitch, or outside MIDI's range.
        """
        match = re.fullmatch(r"(\D+?)(-?\d+)", text.strip())
        if match is None:
            raise PitchError(f"{text!r} is no pitch: write a name and an octave, as in C4, F#3 or Bb5")
        fifths, octave = fifths_of(match.group(1)), int(match.group(2))
        alter, letter = divmod(fifths + 1, 7)
        natural = 7 * (letter - 1) % 12
        midi = 12 * (octave + 1) + natural + alter
        if not 0 <= midi <= 127:
            raise PitchError(f"{text!r} is outside MIDI's range, C-1 to G9")
        return cls(midi, fifths)

    @property
    def alter(self) -> int:
        """Sharps (positive) or flats (negative)."""
        return (self.fifths + 1) // 7

    @property
    def step(self) -> str:
        """Letter, "A" to "G"."""
        return _LETTERS[(self.fifths + 1) % 7]

    @property
    def octave(self) -> int:
        """Scientific octave of the written note: B#3 sounds as C4 and stands in octave 3."""
        return (self.midi - self.alter) // 12 - 1

    @property
    def name(self) -> str:
        """Scientific pitch notation: "F#4"."""
        return f"{name_of(self.fifths)}{self.octave}"

    @property
    def frequency(self) -> float:
        """Hz, equal temperament, A4 = 440 Hz (ISO 16)."""
        return float(440.0 * 2.0 ** ((self.midi - 69) / 12))

    def __lt__(self, other: Pitch) -> bool:
        return (self.midi, self.fifths) < (other.midi, other.fifths)

    def __str__(self) -> str:
        return self.name
