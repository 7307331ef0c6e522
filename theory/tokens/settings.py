"""What a tokenizer keeps of a score, and how finely."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from theory.errors import TokenError
from theory.score import DEFAULT_VELOCITY
from theory.tokens.vocabulary import EXPRESSIVE, STEPS_PER_QUARTER, VELOCITY_STEP, VOCABULARY, Vocabulary

RESOLUTIONS = (24, 12, 8, 6, 4, 3, 2, 1)
VELOCITIES = (127, 32, 16, 8, 4, 2, 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """How fine tokens are, and what they leave out. The values at first are those of the models that ship.

    Attributes:
        resolution: steps a quarter that notes and controls fall on: 24 or a divisor of it (12 has no 32nds, 4 no
            triplets). Meters, keys, tempos and chords stay on 24.
        velocities: how many loudnesses are told apart: 127 (all), 32, 16, 8, 4, 2, or 1 (every note is 80).
        microtiming: whether every onset and end is exact to 1/480 of a quarter, as expressive performances need. Then
            no note is merged with another of its pitch, or cut by it.
        controls: whether control changes (pedal), pitch bends and pressure are kept.
        drums: whether drum tracks are kept.

    Raises:
        TokenError: no such resolution or number of velocities, or microtiming on a coarser grid than 24.
    """

    resolution: int = STEPS_PER_QUARTER
    velocities: int = 32
    microtiming: bool = False
    controls: bool = True
    drums: bool = True

    def __post_init__(self) -> None:
        for name, known in (("resolution", RESOLUTIONS), ("velocities", VELOCITIES)):
            if getattr(self, name) not in known:
                raise TokenError(f"{name} {getattr(self, name)}: choose one of {', '.join(map(str, known))}")
        if self.microtiming and self.resolution != STEPS_PER_QUARTER:
            raise TokenError(f"resolution {self.resolution}: microtiming needs {STEPS_PER_QUARTER}")

    @property
    def expressive(self) -> bool:
        """Whether notes say more than the grid holds, in the larger vocabulary."""
        return self.microtiming or self.velocities > 128 // VELOCITY_STEP

    @property
    def vocabulary(self) -> Vocabulary:
        """What ids mean."""
        return EXPRESSIVE if self.expressive else VOCABULARY

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what ids mean and of the settings; models carry it, and refuse what has another."""
        said = [f"{field.name} {getattr(self, field.name)}" for field in fields(Settings)]
        plain = all(getattr(self, field.name) == field.default for field in fields(Settings))
        text = "\n".join([self.vocabulary.fingerprint, *said])
        return VOCABULARY.fingerprint if plain else hashlib.sha256(text.encode()).hexdigest()

    def loudness(self, velocity: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Velocities as tokens hold them, same shape: the nearest multiple of 4, or the middle of a wider class."""
        result: NDArray[np.uint8] = _loudness(self.velocities)[velocity]
        return result


@cache
def _loudness(classes: int) -> NDArray[np.uint8]:
    """What becomes of each velocity, uint8 (128,)."""
    every = np.arange(128)
    if classes > 128 // VELOCITY_STEP:
        return every.astype(np.uint8)
    if classes == 1:
        return np.full(128, DEFAULT_VELOCITY, dtype=np.uint8)
    width = 128 // classes
    shift = width // 2 if width == VELOCITY_STEP else 0
    near = (every + shift) // width * width + width // 2 - shift
    return np.clip(near, 1, 127).astype(np.uint8)
