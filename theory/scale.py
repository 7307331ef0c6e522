"""Scales: a tonic and a row of degrees."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import pitch
from theory.errors import PitchError, UnknownNameError

# Degrees as musicians count them: against the major scale.
SCALES = {
    "major": "1 2 3 4 5 6 7",
    "dorian": "1 2 b3 4 5 6 b7",
    "phrygian": "1 b2 b3 4 5 b6 b7",
    "lydian": "1 2 3 #4 5 6 7",
    "mixolydian": "1 2 3 4 5 6 b7",
    "minor": "1 2 b3 4 5 b6 b7",
    "locrian": "1 b2 b3 4 b5 b6 b7",
    "harmonic minor": "1 2 b3 4 5 b6 7",
    "melodic minor": "1 2 b3 4 5 6 7",  # as it ascends
    "harmonic major": "1 2 3 4 5 b6 7",
    "major pentatonic": "1 2 3 5 6",
    "minor pentatonic": "1 b3 4 5 b7",
    "blues": "1 b3 4 b5 5 b7",
    "major blues": "1 2 b3 3 5 6",
    "whole tone": "1 2 3 #4 #5 b7",
    "half-whole octatonic": "1 b2 b3 3 #4 5 6 b7",
    "whole-half octatonic": "1 2 b3 4 b5 b6 6 7",
    "phrygian dominant": "1 b2 3 4 5 b6 b7",
    "lydian dominant": "1 2 3 #4 5 6 b7",
    "altered": "1 b2 b3 b4 b5 b6 b7",
    "double harmonic": "1 b2 3 4 5 b6 7",
    "hungarian minor": "1 2 b3 #4 5 b6 7",
    "hungarian major": "1 #2 3 #4 5 6 b7",
    "hirajoshi": "1 2 b3 5 b6",
    "chromatic": "1 b2 2 b3 3 4 #4 5 b6 6 b7 7",
}
_ALIASES = {
    "": "major", "ionian": "major", "aeolian": "minor", "natural minor": "minor",
    "melodic minor ascending": "melodic minor",
    "pentatonic": "major pentatonic", "octatonic": "half-whole octatonic", "diminished": "whole-half octatonic",
    "half-whole": "half-whole octatonic", "whole-half": "whole-half octatonic", "whole-tone": "whole tone",
    "minor blues": "blues", "spanish": "phrygian dominant", "acoustic": "lydian dominant",
}  # fmt: skip
_PATTERN = re.compile(r"([A-Ga-g](?:##|bb|[#b♯♭x])?)(?:[\s_]+(.*))?", re.DOTALL)


def _fifths(degree: str) -> int:
    """Place of a degree such as "b3" on the line of fifths, from the tonic."""
    return (2 * int(degree[-1]) - 1) % 7 - 1 + 7 * (degree.count("#") - degree.count("b"))


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale.

    Attributes:
        tonic: place of the tonic on the line of fifths (C = 0, G = 1, F = -1).
        name: one of `SCALES`.

    Raises:
        UnknownNameError: no such scale; the message lists them.
    """

    tonic: int
    name: str = "major"

    def __post_init__(self) -> None:
        if self.name not in SCALES:
            raise UnknownNameError(f"{self.name!r} is no scale: choose one of {', '.join(SCALES)}")

    @classmethod
    def parse(cls, text: str) -> Scale:
        """Read a note and a name: "D dorian", "F# harmonic minor", "C" (major).

        Raises:
            PitchError: it does not begin with a note.
            UnknownNameError: no such scale; the message lists them.
        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise PitchError(f"{text!r} is no scale: write a note and a name, as in 'D dorian'")
        name = " ".join((match.group(2) or "").lower().split())
        return cls(pitch.fifths_of(match.group(1)), _ALIASES.get(name, name))

    @property
    def spelled(self) -> tuple[int, ...]:
        """The degrees from the tonic up, as places on the line of fifths."""
        return tuple(self.tonic + _fifths(degree) for degree in SCALES[self.name].split())

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The degrees from the tonic up, as pitch classes."""
        return tuple(pitch.pitch_class_of(place) for place in self.spelled)

    def contains(self, pitches: ArrayLike) -> NDArray[np.bool_]:
        """Whether MIDI pitches belong to the scale, same shape."""
        return np.isin(np.asarray(pitches) % 12, self.pitch_classes)

    def degree_of(self, midi: int) -> int | None:
        """Degree of a MIDI pitch, 1 for the tonic; None outside the scale."""
        pitch_class = midi % 12
        return self.pitch_classes.index(pitch_class) + 1 if pitch_class in self.pitch_classes else None

    def __str__(self) -> str:
        return f"{pitch.name_of(self.tonic)} {self.name}"
