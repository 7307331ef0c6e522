"""What a tokenizer keeps of a score, and how finely."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Self

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

    @classmethod
    def of(cls, values: Any) -> Self:
        """Settings that `dataclasses.asdict` made plain; what is not named is as at first.

        Raises:
            TokenError: it is none of that, or settings that do not exist.
        """
        types = {field.name: type(field.default) for field in fields(Settings)}
        if not isinstance(values, dict):
            raise TokenError(f"tokenizer settings are {values!r:.40}")
        for name, value in values.items():
            if type(value) is not types.get(name):
                raise TokenError(f"{name} {value!r:.40} is no setting of a tokenizer")
        return cls(**values)

    def unlike(self, other: Settings) -> str:
        """In what these differ from others, as in "resolution 12, not 24; velocities 8, not 32"; "" if in nothing."""
        rows = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(Settings))
        return "; ".join(f"{name} {here}, not {there}" for name, here, there in rows if here != there)

    @property
    def learnt(self) -> Self:
        """The settings under which models read music: without loudness, but where tokens are of performances."""
        return self if self.expressive else replace(self, velocities=1)

    @property
    def step(self) -> int:
        """Steps of the grid of 24 a quarter from one place at which notes may begin or end to the next."""
        return STEPS_PER_QUARTER // self.resolution

    @property
    def exact_velocities(self) -> bool:
        """Whether loudness is said to the last."""
        return self.velocities > 128 // VELOCITY_STEP

    @property
    def expressive(self) -> bool:
        """Whether notes say more than the grid holds, in the larger vocabulary."""
        return self.microtiming or self.exact_velocities

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


SHIPPED = Settings()  # of the models that ship


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
