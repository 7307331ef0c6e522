"""The part of `cadenza train` that trains a GAN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.adversarial_config import AdversarialConfig
    from composer.batches import Piece
    from composer.bundle import Bundle
    from composer.style import Style

_UNITS = 1000  # of the progress bar


def asked(style: str, warm_start: str | None, given: Mapping[str, Any]) -> tuple[AdversarialConfig, Bundle]:
    """How a GAN is to be trained, and from what.

    Args:
        style: name of the model's.
        warm_start: as `bundle.find` takes models; None: the style's VAE.
        given: values of `AdversarialConfig` that are asked for; None: the usual ones.

    Raises:
        RequestError: a value that makes no sense.
        UnknownNameError: no such model.
        ModelError: it cannot be read.
    """
    from composer import bundle
    from composer.adversarial_config import AdversarialConfig

    config = replace(AdversarialConfig(), **{name: value for name, value in given.items() if value is not None})
    return config, bundle.load(bundle.find(style, warm_start or "vae"))


def train_gan(
    sides: tuple[list[Piece], list[Piece]],
    style: Style,
    out_dir: Path,
    config: AdversarialConfig,
    warm_start: Bundle,
    *,
    resume: bool,
    trained_on: tuple[str, ...],
) -> None:
    """Train a GAN, and say whether it came nearer to the data than what it started from: see `adversarial.train`."""
    from composer import adversarial

    found = adversarial.train(
        *sides, style, out_dir, config, _Bar(), warm_start=warm_start, resume=resume, trained_on=trained_on
    )
    for name in ("real", "warm_start", "chosen"):
        print(f"{name.replace('_', ' '):10} {_said(found[name])}")
    mark = "" if found["earned"] else ", marked as experimental"
    print(f"{found['reason']}; the model is in {out_dir}{mark}")


def _said(record: Mapping[str, float]) -> str:
    return (
        f"Frechet distance {record['frechet_distance']:.3f}, off in MuseGAN's metrics by "
        f"{record['musegan_distance']:.3f}, distinct 4-grams {record['distinct_4']:.3f}, self-BLEU "
        f"{record['self_bleu']:.3f}"
    )


class _Bar:
    """Progress of a run: how well the discriminator tells, the generator's loss, time left; a line a measurement."""

    def start(self, at: float) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("training", total=_UNITS, completed=round(_UNITS * at))
        self._progress.start()

    def step(self, at: float, right: float, loss: float, seconds: float) -> None:
        """Move the bar."""
        own = "discriminator alone" if math.isnan(loss) else f"loss {loss:.3f}"
        text = f"told right {right:.2f}  {own}  {seconds:.2f} s a step"
        self._progress.update(self._task, completed=_UNITS * at, description=text)

    def measured(self, record: dict[str, float]) -> None:
        """Print a line."""
        self._progress.console.print(
            f"step {record['step']:.0f}: {_said(record)}, {record['seconds']:.0f} s", highlight=False
        )

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()


__all__ = ["asked", "train_gan"]
