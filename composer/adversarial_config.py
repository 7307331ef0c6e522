"""How a GAN is trained: settings of `composer.adversarial`."""

from __future__ import annotations

from dataclasses import dataclass

from composer.config import MOST_BARS
from theory.errors import RequestError

LOSSES = ("relativistic", "wasserstein")
_MOST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """How to train.

    Attributes:
        bars: of each piece.
        batch_size: pairs of a real and a generated piece a step.
        steps: of the generator.
        discriminator_warmup: steps before, in which the discriminator alone learns.
        discriminator_steps: of the discriminator before each of the generator's.
        measure_every: steps between two measurements, after which a checkpoint is written too.
        pieces: measured each time, or as many as the validation side has.
        loss: "relativistic" or "wasserstein".
        gradient_penalty: weight of the penalty on the discriminator's slope.
        learning_rate: of the generator.
        discriminator_learning_rate: of the discriminator.
        ema: decay of the running average of the generator's weights, a step.
        seed: of everything random.

    Raises:
        RequestError: a value that makes no sense.
    """

    bars: int = 16
    batch_size: int = 64
    steps: int = 3000
    discriminator_warmup: int = 200
    discriminator_steps: int = 1
    measure_every: int = 500
    pieces: int = 256
    loss: str = "relativistic"
    gradient_penalty: float = 1.0
    learning_rate: float = 2e-4
    discriminator_learning_rate: float = 3e-4
    ema: float = 0.995
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("bars", 1, MOST_BARS),
            ("batch_size", 2, _MOST_ROWS),
            ("steps", 1, 10**6),
            ("discriminator_warmup", 0, 10**6),
            ("discriminator_steps", 1, 100),
            ("measure_every", 1, 10**6),
            ("pieces", 4, 10**5),
        ):
            if not least <= getattr(self, name) <= most:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name)}: must be {least} to {most}")
        for name in ("learning_rate", "discriminator_learning_rate"):
            if not 0 < getattr(self, name) <= 10:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name):g}: must be above 0, at most 10")
        if not 0 <= self.gradient_penalty <= 1000:
            raise RequestError(f"gradient penalty {self.gradient_penalty:g}: must be 0 to 1000")
        if not 0 <= self.ema < 1:
            raise RequestError(f"ema {self.ema:g}: must be 0 to below 1")
        if self.loss not in LOSSES:
            raise RequestError(f"loss {self.loss!r:.40}: choose one of {', '.join(LOSSES)}")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**32")


__all__ = ["LOSSES", "AdversarialConfig"]
