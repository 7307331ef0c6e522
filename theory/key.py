"""Keys: a tonic and a mode."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory import pitch
from theory.errors import KeyNameError, PitchError

# Fifths between a mode's tonic and the major tonic of the same signature.
MODES = {"major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1, "locrian": 5}
_ALIASES = {
    "": "major", "maj": "major", "ionian": "major", "dur": "major", "M": "major",
    "m": "minor", "min": "minor", "aeolian": "minor", "moll": "minor",
    "dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "loc": "locrian",
}  # fmt: skip
_PATTERN = re.compile(r"([A-Ga-g](?:##|bb|[#b♯♭x]|-sharp|-flat)?)[\s_-]*([A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        tonic: place of the tonic on the line of fifths (C = 0, G = 1, F = -1).
        mode: one of `MODES`.
    """

    tonic: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise KeyNameError(f"{self.mode!r} is no mode: choose one of {', '.join(MODES)}")
        if not -7 <= self.signature <= 7:
            name = pitch.name_of(self.tonic)
            raise KeyNameError(
                f"{name} {self.mode} would need {abs(self.signature)} sharps or flats: use its enharmonic neighbour"
            )

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read "D minor", "Dm", "d", "Eb major", "F# dorian" (a lone small letter means minor).

        Raises:
            KeyNameError: no key.
        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise KeyNameError(f"{text!r} is no key: write a note and a mode, as in 'C major', 'F# minor' or 'Bb'")
        name, mode = match.groups()
        name = name.replace("-sharp", "#").replace("-flat", "b")
        mode = _ALIASES.get(mode, _ALIASES.get(mode.lower(), mode.lower()))
        if not match.group(2) and name[0].islower():
            mode = "minor"
        if mode not in MODES:
            raise KeyNameError(f"{text!r} is no key: choose a mode among {', '.join(MODES)}")
        try:
            return cls(pitch.fifths_of(name), mode)
        except PitchError as error:
            raise KeyNameError(f"{text!r} is no key: {error}") from None

    @classmethod
    def from_signature(cls, signature: int, mode: str = "major") -> Key:
        """Key of a mode with so many sharps (positive) or flats (negative)."""
        if mode not in MODES:
            raise KeyNameError(f"{mode!r} is no mode: choose one of {', '.join(MODES)}")
        return cls(signature + MODES[mode], mode)

    @property
    def signature(self) -> int:
        """Sharps (positive) or flats (negative), -7 to 7."""
        return self.tonic - MODES[self.mode]

    @property
    def is_minor(self) -> bool:
        """Whether the third above the tonic is minor."""
        return MODES[self.mode] >= 2

    @property
    def tonic_pitch_class(self) -> int:
        """0 to 11, C = 0."""
        return pitch.pitch_class_of(self.tonic)

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven scale degrees from the tonic up, as places on the line of fifths."""
        natural = range(self.signature - 1, self.signature + 6)
        return tuple(sorted(natural, key=lambda f: 7 * (f - self.tonic) % 12))

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The seven scale degrees from the tonic up, as pitch classes."""
        return tuple(pitch.pitch_class_of(f) for f in self.scale)

    def spell(self, pitches: ArrayLike) -> NDArray[np.int8]:
        """Spell MIDI pitches in this key: places on the line of fifths, same shape."""
        return pitch.spell(pitches, self.signature, minor=self.is_minor)

    def transpose(self, semitones: int) -> Key:
        """Transpose by semitones, to the spelling with fewest accidentals (six: flats for major, sharps for minor).

        By whole octaves a key stays as it is spelled.
        """
        if semitones % 12 == 0:
            return self
        around = -1 if self.is_minor else 0
        signature = (self.signature + 7 * semitones + 6 + around) % 12 - 6 - around
        return Key.from_signature(signature, self.mode)

    def __str__(self) -> str:
        return f"{pitch.name_of(self.tonic)} {self.mode}"
