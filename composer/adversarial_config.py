"""How a GAN is trained: settings of `composer.adversarial`."""

from __future__ import annotations

from dataclasses import dataclass

from theory.errors import RequestError

LOSSES = ("relativistic", "wasserstein")
_MOST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """How to train.

    Attributes:
        bars: of each piece.
        rows: pairs of a real and a generated piece a step.
        steps: of the generator.
        head_start: steps before, in which the discriminator alone learns.
        critiques: steps of the discriminator a step.
        every: steps between two measurements, after which a checkpoint is written too.
        pieces: measured each time, or as many as the validation side has.
        loss: "relativistic" or "wasserstein".
        penalty: weight of the penalty on the discriminator's slope.
        learning_rate: of the generator.
        discriminator_rate: of the discriminator.
        average: share of the running average that stays, a step.
        seed: of everything random.

    Raises:
        RequestError: a value that makes no sense.
    """

    bars: int = 16
    rows: int = 64
    steps: int = 3000
    head_start: int = 200
    critiques: int = 1
    every: int = 500
    pieces: int = 256
    loss: str = "relativistic"
    penalty: float = 1.0
    learning_rate: float = 2e-4
    discriminator_rate: float = 3e-4
    average: float = 0.995
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("bars", 1, 64),
            ("rows", 2, _MOST_ROWS),
            ("steps", 1, 10**6),
            ("head_start", 0, 10**6),
            ("critiques", 1, 100),
            ("every", 1, 10**6),
            ("pieces", 4, 10**5),
        ):
            if not least <= getattr(self, name) <= most:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name)}: must be {least} to {most}")
        for name in ("learning_rate", "discriminator_rate"):
            if not 0 < getattr(self, name) <= 10:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name):g}: must be above 0, at most 10")
        if not 0 <= self.penalty <= 1000:
            raise RequestError(f"penalty {self.penalty:g}: must be 0 to 1000")
        if not 0 <= self.average < 1:
            raise RequestError(f"average {self.average:g}: must be 0 to below 1")
        if self.loss not in LOSSES:
            raise RequestError(f"loss {self.loss!r:.40}: choose one of {', '.join(LOSSES)}")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**32")


__all__ = ["LOSSES", "AdversarialConfig"]
