"""`cadenza train`: a model from a corpus, a data set or a folder."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from composer.batches import Piece
    from composer.style import Style

NAME = "train"
_UNITS = 1000  # of the progress bar


def run(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A corpus (chorales), a prepared data set, or a folder of music.")
    ],
    style: Annotated[str, typer.Option(help="Ensemble and habits the model will have.")] = "chorale",
    out_dir: Annotated[Path, typer.Option(help="Folder of the run; the model is written there.")] = Path("runs/lstm"),
    epochs: Annotated[int | None, typer.Option(help="Passes over the training side, at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Sequences a step.")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches whose gradients are summed for a step.")] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Large products in bfloat16: faster where the processor knows it.")
    ] = False,
    units: Annotated[int | None, typer.Option(help="Cells in an LSTM layer.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better figure.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights on one machine.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out-dir.")] = False,
    workers: Annotated[
        str | None, typer.Option(metavar="HOST:PORT,...", help="Machines that train together; the same list on each.")
    ] = None,
    worker: Annotated[int | None, typer.Option(help="Which of --workers this machine is; 0 writes the model.")] = None,
) -> None:
    """Train an LSTM. The best epoch on the validation side is kept; every epoch can be resumed, also after a kill.

    In every epoch each piece comes in another form: transposed to a key that its parts can sing (all alike, as far as
    they go), at a tempo of 50 to 139, with its chords stated in half of the epochs, and in a fifth of them in other
    bars where that is possible (2/4 for 4/4, 6/8 for 3/4). Spelling and key signature move along.

    The model reads and writes the tokens of a prepared data set, whatever settings it was prepared with. With
    microtiming, or with all 127 loudnesses, it learns to play: its pieces have timing and dynamics of their own.

    Several machines share the work with --workers and --worker, or where TF_CONFIG names them as TensorFlow's guides
    have it: each takes its rows of every batch, so the figures are those of one machine. If one of them is lost, all
    stop; the same commands with --resume go on from the chief's checkpoint.

    Watch it with `tensorboard --logdir RUN/tensorboard`. Needs the extra `train` (TensorFlow).

    Examples:
        cadenza train chorales --out-dir runs/chorale-lstm

        cadenza train chorales --out-dir runs/chorale-lstm --resume

        cadenza train datasets/mine --out-dir runs/mine

        cadenza train datasets/mine --workers 10.0.0.2:2222,10.0.0.3:2222 --worker 0      (and --worker 1 on the other)

        cadenza compose --model runs/chorale-lstm --out out/mine
    """
    _require_training_packages()
    from composer import train as training
    from composer.config import DecoderConfig
    from composer.models.workers import Cluster
    from composer.style import STYLES
    from theory.atomic_file import make_folder
    from theory.errors import TrainingError, UnknownNameError

    if style not in STYLES:
        raise UnknownNameError(f"no style is called {style!r}: choose one of {', '.join(STYLES)}")
    sizes = DecoderConfig() if units is None else replace(DecoderConfig(), units=units)
    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "learning_rate": learning_rate,
        "patience": patience,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    config = replace(training.TrainConfig(decoder=sizes, mixed=mixed, seed=seed), **changes)
    cluster = Cluster.told(workers, worker)
    is_chief = cluster is None or cluster.is_chief
    if is_chief and resume and not (out_dir / training.CHECKPOINT).is_file():
        raise TrainingError(f"{out_dir} has no checkpoint to resume from")
    if is_chief and not resume and (out_dir / training.CHECKPOINT).is_file():
        raise TrainingError(f"{out_dir} already holds a run: add --resume, or choose another --out-dir")
    make_folder(out_dir)
    train_pieces, valid_pieces = _pieces(dataset, STYLES[style])
    print(f"{len(train_pieces)} pieces to train on, {len(valid_pieces)} to validate", file=sys.stderr)
    if cluster:
        others = ", ".join(address for index, address in enumerate(cluster.addresses) if index != cluster.index)
        print(f"waiting for the other workers: {others} (Ctrl-C stops)", file=sys.stderr)
    best = training.train(
        train_pieces, valid_pieces, STYLES[style], out_dir, config, _Bar(), resume=resume, cluster=cluster
    )
    nats = best["valid_nats_per_note"]
    print(f"best epoch {best['epoch']:.0f}: {nats:.3f} nats a note on the validation side; the model is in {out_dir}")


def _require_training_packages() -> None:
    from importlib.util import find_spec

    from theory.errors import DependencyError

    missing = [name for name in ("keras", "tensorboard") if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"training needs {', '.join(missing)}: {sys.executable} -m pip install tensorflow tensorboard"
        )


def _pieces(dataset: str, style: Style) -> tuple[list[Piece], list[Piece]]:
    """Pieces to train on and to validate, with a progress bar; files that cannot be read are named and left out."""
    from rich.console import Console
    from rich.progress import track

    from composer.batches import piece_of
    from data.dataset import entries, tokenizer_of

    tokenizer = tokenizer_of(dataset)
    count, stream = entries(dataset)
    sides: dict[str, list[Piece]] = {"train": [], "valid": [], "test": []}
    for entry in track(stream, "reading", total=count, console=Console(stderr=True), transient=True):
        if entry.error:
            print(f"cadenza: left out: {entry.error}", file=sys.stderr)
        elif entry.side != "test" and (piece := piece_of(entry, style, tokenizer)):
            sides[entry.side].append(piece)
    for pieces in sides.values():
        pieces.sort(key=lambda piece: piece.id)
    return sides["train"], sides["valid"]


class _Bar:
    """Progress of a training run: loss, perplexity, tokens a second and time left, and a line an epoch."""

    def start(self, at: float) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("training", total=_UNITS, completed=round(_UNITS * at))
        self._progress.start()
        self._tokens = self._seconds = 0.0

    def step(self, at: float, loss: float, tokens: int, seconds: float) -> None:
        """Move the bar."""
        self._tokens, self._seconds = self._tokens + tokens, self._seconds + seconds
        speed = self._tokens / self._seconds
        text = f"loss {loss:.3f}  perplexity {math.exp(min(loss, 20)):.2f}  {speed:.0f} tokens/s"
        self._progress.update(self._task, completed=_UNITS * at, description=text)

    def epoch(self, record: dict[str, float]) -> None:
        """Print a line."""
        valid = record["valid_nats_per_token"]
        self._progress.console.print(
            f"epoch {record['epoch']:.0f}: loss {record['loss']:.4f}, validation {valid:.4f} nats a token "
            f"(perplexity {math.exp(valid):.3f}), {record['valid_nats_per_note']:.3f} a note, "
            f"{record['seconds']:.0f} s",
            highlight=False,
        )

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()
