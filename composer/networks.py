"""What training must know of an architecture: its network, its batches, its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from composer import batches, excerpts
from composer.batches import Batch, Piece
from composer.checkpoint import Arrays

if TYPE_CHECKING:
    from composer.models.step import Step
    from composer.train import TrainConfig

Total = Callable[[Sequence[Any]], Sequence[Any]]
# From which point 0 to 1 of the run on windows have which share of their full length.
_WINDOWS = ((0.85, 1.0), (0.65, 3 / 8), (0.0, 1 / 8))
_COLLAPSED = 0.05  # a latent that says less than this share of what it may says nothing


class Epoch(Protocol):
    """Batches in order; they can be gone through again."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...


class Network(Protocol):
    """An architecture in training.

    Attributes:
        figures: how many its step's `score` gives.
    """

    figures: int

    def build(self) -> Any:
        """The Keras model."""

    def step(self, model: Any, total: Total) -> Step:
        """How the compiled model learns."""

    def weights(self, model: Any) -> Arrays:
        """The model's weights as they are exported."""

    def epoch(self, pieces: list[Piece], number: int) -> Epoch:
        """What is learnt in an epoch."""

    def evaluation(self, pieces: list[Piece]) -> Epoch:
        """What it is measured on."""

    def record(self, sums: Sequence[float], tokens: int, notes: int) -> dict[str, float]:
        """Figures of an evaluation, of sums as `composer.models.step.Step.score` gives them.

        The run is chosen by "valid_nats_per_token".
        """


class Lstm:
    """The decoder by itself."""

    figures = 1

    def __init__(self, config: TrainConfig) -> None:
        self._config = config

    def build(self) -> Any:
        """See `Network`."""
        from composer.models import decoder

        return decoder.build(self._config.decoder, self._config.seed, mixed=self._config.mixed)

    def step(self, model: Any, total: Total) -> Step:
        """See `Network`."""
        from composer.models.step import step_for

        return step_for(model, total)

    def weights(self, model: Any) -> Arrays:
        """See `Network`."""
        from composer.models import decoder

        return dict(decoder.weights(model))

    def epoch(self, pieces: list[Piece], number: int) -> Epoch:
        """See `Network`."""
        config = self._config
        at = number / config.epochs
        window = next(int(config.window * share) for start, share in _WINDOWS if at >= start)
        return batches.epoch(pieces, config.batch_size, window, config.seed, number)

    def evaluation(self, pieces: list[Piece]) -> Epoch:
        """See `Network`."""
        return batches.evaluation(pieces, self._config.batch_size)

    def record(self, sums: Sequence[float], tokens: int, notes: int) -> dict[str, float]:
        """See `Network`."""
        return {"valid_nats_per_token": sums[0] / tokens, "valid_nats_per_note": sums[0] / notes}


class Vae:
    """The decoder with encoder and conductor; its likelihoods are bounds."""

    figures = 3

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._longest = max(config.excerpts)

    def build(self) -> Any:
        """See `Network`."""
        from composer.models import vae

        config = self._config
        assert config.latent is not None
        weight = vae.FIRST_WEIGHT if config.kl_weight is None else config.kl_weight
        return vae.build(config.decoder, config.latent, config.seed, weight, mixed=config.mixed)

    def step(self, model: Any, total: Total) -> Step:
        """See `Network`."""
        from composer.models.latent_step import LatentStep

        return LatentStep(model, self.bits if self._config.kl_weight is None else None, total=total)

    def bits(self, bars: int) -> float:
        """How much the latent of so many bars may say."""
        (short, least), (long, most) = ((2, self._config.bits[0]), (16, self._config.bits[1]))
        return max(1.0, least + (most - least) * (bars - short) / (long - short))

    def weights(self, model: Any) -> Arrays:
        """See `Network`."""
        from composer.models import vae

        return dict(vae.weights(model))

    def epoch(self, pieces: list[Piece], number: int) -> Epoch:
        """See `Network`."""
        config = self._config
        at = number / config.epochs
        return excerpts.epoch(pieces, config.excerpts, config.batch_size, config.seed, number, at)

    def evaluation(self, pieces: list[Piece]) -> Epoch:
        """See `Network`."""
        return excerpts.evaluation(pieces, self._longest, self._config.batch_size)

    def record(self, sums: Sequence[float], tokens: int, notes: int) -> dict[str, float]:
        """See `Network`; also what the latent says of a piece, and whether that is next to nothing.

        What counts is the evidence bound, a bound on the likelihood. A plain autoencoder gives none: there it is what
        the pieces cost that are told their latents.
        """
        nats, divergence, rows = sums
        bits = divergence / rows / math.log(2)
        is_plain = self._config.kl_weight == 0
        collapsed = not is_plain and bits < _COLLAPSED * self.bits(self._longest)
        bound = nats if is_plain else nats + divergence
        return {
            "valid_nats_per_token": bound / tokens,
            "valid_nats_per_note": bound / notes,
            "valid_reconstruction_nats_per_note": nats / notes,
            "valid_latent_bits": bits,
            "collapsed": float(collapsed),
        }


def network_for(config: TrainConfig) -> Network:
    """The architecture of a configuration."""
    return Lstm(config) if config.latent is None else Vae(config)


__all__ = ["Epoch", "Lstm", "Network", "Vae", "network_for"]
