"""What a VAE learns once its encoder stays as it is: its prior anew, and what one hears along its latent space."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from composer import attributes, bundle, excerpts
from composer.batches import Piece
from composer.config import MOST_BARS
from composer.latent_runtime import Latent, Posterior
from theory.errors import ModelError, TrainingError
from theory.score import Score

if TYPE_CHECKING:
    from composer.models.prior import Latents
    from composer.train import TrainConfig

_HEARD = 2000  # pieces that attributes are learnt from, at most
_READ = 4000  # excerpts of a length that the prior is learnt from, unless there are more pieces
_MOST_ROUNDS = 8  # in each of which an excerpt is drawn of every piece
_READING = 0.3  # share of the time that reading takes


def learn(
    folder: Path,
    train: list[Piece],
    valid: list[Piece],
    config: TrainConfig,
    export: Callable[..., None],
    show: Callable[[float], None],
) -> None:
    """Learn the prior of a trained VAE anew (`composer.models.prior`), and attributes (`composer.attributes`).

    Args:
        folder: of the model, which is exported anew.
        train: pieces to learn from.
        valid: pieces to choose by.
        config: how the model was trained.
        export: as `composer.bundle.export`, but for the folder.
        show: told how far it is, 0 to 1.

    Raises:
        TrainingError: a loss that is no number.
    """
    from composer.models import prior

    model = bundle.load(folder)
    assert model.latent is not None
    space = Latent(model)
    read = _latents(space, train, config, config.epochs, lambda at: show(_READING * at))
    beside = _latents(space, valid, config, config.epochs + _MOST_ROUNDS, lambda at: show(_READING))
    learnt = prior.learn(model.latent, read, beside, config.seed, lambda at: show(_READING + (1 - _READING) * at))
    export(weights=model.weights | learnt, decoder=model.decoder)
    _listen(folder, train, config)


def _latents(
    space: Latent, pieces: list[Piece], config: TrainConfig, number: int, show: Callable[[float], None]
) -> list[Latents]:
    """Where excerpts lie, those of one number of rows together.

    They are drawn as in training, upbeats and other meters among them; some are twice as long as its longest, for a
    prior that knows how longer pieces go.
    """
    from composer.models.prior import Latents

    lengths = sorted({*config.excerpts, min(2 * max(config.excerpts), MOST_BARS)})
    rounds = min(_MOST_ROUNDS, max(1, _READ // len(pieces)))
    found: dict[int, list[Posterior]] = {}
    for done, bars in enumerate(lengths):
        for nth in range(rounds):
            for score in _drawn(pieces, bars, config, number + nth):
                posterior = space.posterior(score)
                found.setdefault(len(posterior.mean), []).append(posterior)
        show((done + 1) / len(lengths))
    return [Latents.of(found[rows]) for rows in sorted(found)]


def _drawn(pieces: list[Piece], bars: int, config: TrainConfig, number: int) -> Iterable[Score]:
    """An excerpt of so many bars of every piece that has them."""
    with suppress(TrainingError):  # none has
        return excerpts.epoch(pieces, (bars,), config.batch_size, config.seed, number, 1.0).scores()
    return ()


def _listen(folder: Path, pieces: list[Piece], config: TrainConfig) -> None:
    """Put what the latent space knows of attributes beside the model, where there are enough pieces to hear."""
    model = bundle.load(folder)
    some = (piece.score for piece in pieces[:: -(-len(pieces) // _HEARD)])
    with suppress(ModelError):  # too few
        found = attributes.learn(Latent(model), excerpts.whole_bars(some, max(config.excerpts)))
        bundle.add_heard(folder, found)


__all__ = ["learn"]
