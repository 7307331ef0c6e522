"""`cadenza train`: a model from a corpus, a data set or a folder."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from composer.cli import options

if TYPE_CHECKING:
    from composer.batches import Piece
    from composer.bundle import Bundle
    from composer.style import Style
    from data.split import Side

NAME = "train"
_OF_LATENTS = ("bits", "excerpts")
_UNITS = 1000  # of the progress bar


@dataclass(frozen=True, slots=True)
class _Usual:
    """What stands in `composer.train.USUAL`, looked up only where it is shown: no other command loads what trains."""

    name: str

    def __call__(self) -> None:
        """Nothing is asked for."""

    def __str__(self) -> str:
        from composer.adversarial_config import AdversarialConfig
        from composer.train import USUAL

        values = {model: _said(config, self.name) for model, config in {**USUAL, "gan": AdversarialConfig()}.items()}
        told = [f"{value} for {model}" for model, value in values.items() if value]
        return told[0].split(" for ")[0] if len(set(filter(None, values.values()))) == 1 else "; ".join(told)


def _said(config: Any, name: str) -> str:
    """A value of a configuration as an option takes it; "" where it has none, or does nothing."""
    if name in _OF_LATENTS and getattr(config, "latent", None) is None:
        return ""
    for part in name.split("."):
        config = config and getattr(config, part, None)
    return ",".join(map(str, config)) if isinstance(config, tuple) else "" if config is None else str(config)


def _usual(name: str) -> Any:
    """Such a default."""
    return _Usual(name)


def _vae(text: str, *names: str, **more: Any) -> Any:
    """An option of the panel about VAEs."""
    return typer.Option(*names, help=text, rich_help_panel="A VAE", **more)


def _gan(text: str, **more: Any) -> Any:
    """An option of the panel about GANs."""
    return typer.Option(help=text, rich_help_panel="A GAN", **more)


def run(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A corpus (chorales), a prepared data set, or a folder of music.")
    ],
    style: Annotated[str, typer.Option(help="Ensemble and habits the model will have.")] = "chorale",
    model: Annotated[str, typer.Option(metavar="lstm|vae|gan", help="What is trained: its architecture.")] = "lstm",
    out_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run; the model is written there. [default: runs/STYLE-MODEL]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training side, at most.")] = _usual("epochs"),
    batch_size: Annotated[int | None, typer.Option(help="Sequences a step.")] = _usual("batch_size"),
    accumulate: Annotated[int | None, typer.Option(help="Batches whose gradients are summed for a step.")] = _usual(
        "accumulate"
    ),
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Large products in bfloat16: faster where the processor knows it.")
    ] = False,
    cell: Annotated[
        str | None, typer.Option(metavar="lstm|gru|rnn", help="What the decoder's recurrent layers are made of.")
    ] = _usual("decoder.cell"),
    units: Annotated[int | None, typer.Option(help="Cells in such a layer.")] = _usual("decoder.units"),
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = _usual("learning_rate"),
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better figure.")] = _usual(
        "patience"
    ),
    encoder: Annotated[str | None, _vae("What reads the notes of a bar.", metavar="lstm|cnn")] = _usual(
        "latent.encoder"
    ),
    flat: Annotated[bool, _vae("One latent for a whole piece instead of one a bar: for comparison.", "--flat")] = False,
    excerpts: Annotated[str | None, _vae("Bars that are learnt from at a time.", metavar="BARS,...")] = _usual(
        "excerpts"
    ),
    bits: Annotated[
        str | None, _vae("How much a latent of 2 and of 16 bars may say, in bits.", metavar="BITS,BITS")
    ] = _usual("bits"),
    kl_weight: Annotated[
        float | None,
        _vae("Weight of the latent's divergence, for good: 1 is the evidence bound, 0 a plain autoencoder."),
    ] = None,
    warm_start: Annotated[
        str | None,
        _gan("The VAE that it starts from: folk-vae, or a folder. [default: that of the style]", metavar="MODEL"),
    ] = None,
    steps: Annotated[int | None, _gan("Steps of the generator.")] = _usual("steps"),
    loss: Annotated[str | None, _gan("relativistic or wasserstein.")] = _usual("loss"),
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same weights on one machine.")] = _usual(
        "seed"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out-dir.")] = False,
    workers: Annotated[
        str | None, typer.Option(metavar="HOST:PORT,...", help="Machines that train together; the same list on each.")
    ] = None,
    worker: Annotated[int | None, typer.Option(help="Which of --workers this machine is; 0 writes the model.")] = None,
) -> None:
    """Train a model. The best epoch on the validation side is kept; every epoch can be resumed, also after a kill.

    Eight tenths of the pieces train, a tenth validates, a tenth is kept for a test; a hash of its name or group says
    which. Where that would leave a few pieces without a side to validate on, one piece or group moves there.

    In every epoch each piece comes in another form: transposed to a key that its parts can sing (all alike, as far as
    they go), at a tempo of 50 to 139, with its chords stated in half of the epochs, and in a fifth of them in other
    bars where that is possible (2/4 for 4/4, 6/8 for 3/4). Spelling and key signature move along.

    The model reads and writes the tokens of a prepared data set, whatever settings it was prepared with. With
    microtiming, or with all 127 loudnesses, it learns to play: its pieces have timing and dynamics of their own.

    A VAE has an encoder and a conductor around the decoder, and a latent a bar; it learns from excerpts of whole bars.
    What its latents say is held to --bits: with a fixed --kl-weight a good decoder does without them (that is said).
    After its epochs the prior, which new pieces are drawn from, is learnt anew.

    A GAN starts from a VAE: its generator makes latents of noise, and goes on against a network that tells them from
    those of real music. What is kept writes music nearer to the data than its start, at no loss of diversity; where
    nothing does, the model says that it is experimental.

    Several machines share the work with --workers and --worker, or where TF_CONFIG names them as TensorFlow's guides
    have it: each takes its rows of every batch, so the figures are those of one machine. If one of them is lost, all
    stop; the same commands with --resume go on from the chief's checkpoint.

    Watch it with `tensorboard --logdir RUN/tensorboard`. Needs the extra `train` (TensorFlow).

    Examples:
        cadenza train chorales --out-dir runs/chorale-lstm

        cadenza train chorales --out-dir runs/chorale-lstm --resume

        cadenza train datasets/mine --out-dir runs/mine

        cadenza train folk --style folk --model vae --out-dir runs/folk-vae

        cadenza train folk --style folk --model gan --out-dir runs/folk-gan --warm-start runs/folk-vae

        cadenza train datasets/mine --workers 10.0.0.2:2222,10.0.0.3:2222 --worker 0      (and --worker 1 on the other)

        cadenza compose --model runs/chorale-lstm --out out/mine
    """
    _require_training_packages()
    from composer import bundle
    from composer import train as training
    from composer.cli.adversarial import asked, train_gan
    from composer.models.workers import Cluster
    from composer.run_state import CHECKPOINT
    from composer.style import STYLES
    from composer.words import listed, numbers, quoted, whole
    from data import corpora
    from theory.errors import TrainingError, UnknownNameError

    if style not in STYLES:
        raise UnknownNameError(f"no style is called {style!r}: choose one of {', '.join(STYLES)}")
    if model not in (*training.USUAL, "gan"):
        known = ", ".join((*training.USUAL, "gan"))
        raise UnknownNameError(f"no architecture is called {quoted(model)}: choose one of {known}")
    out_dir = out_dir or Path("runs") / f"{style}-{model}"
    start = None
    of_vaes = {"encoder": encoder, "flat": flat, "excerpts": excerpts, "bits": bits, "kl_weight": kl_weight}
    of_gans = {"warm_start": warm_start, "steps": steps, "loss": loss}
    of_epochs = {
        "epochs": epochs, "accumulate": accumulate, "mixed": mixed, "cell": cell, "units": units,
        "patience": patience, "workers": workers, "worker": worker,
    }  # fmt: skip
    strangers: dict[str, dict[str, Any]] = {"lstm": of_vaes | of_gans, "vae": of_gans, "gan": of_vaes | of_epochs}
    _refuse(model, strangers[model])
    if model == "gan":
        of_both = {"batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
        own, start = asked(style, warm_start, {"steps": steps, "loss": loss, **of_both})
    config = training.USUAL.get(model, training.TrainConfig())
    given = {
        "decoder": _changed(config.decoder, units=units, cell=cell),
        "latent": config.latent and _changed(config.latent, encoder=encoder, hierarchical=False if flat else None),
        "bits": bits and _pair(numbers("--bits", bits)),
        "kl_weight": kl_weight,
        "excerpts": excerpts and tuple(whole("--excerpts", item) for item in listed("--excerpts", [excerpts])),
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "mixed": mixed,
        "learning_rate": learning_rate,
        "patience": patience,
        "seed": seed,
    }
    config = _changed(config, **given)
    cluster = Cluster.told(workers, worker)
    is_chief = cluster is None or cluster.is_chief
    if is_chief and resume and not (out_dir / CHECKPOINT).is_file():
        raise TrainingError(f"{out_dir} has no checkpoint to resume from")
    if is_chief and not resume and (out_dir / CHECKPOINT).is_file():
        raise TrainingError(f"{out_dir} already holds a run: add --resume, or choose another --out-dir")
    with _run_folder(out_dir):
        train_pieces, valid_pieces = _pieces(dataset, STYLES[style])
        print(f"{len(train_pieces)} pieces to train on, {len(valid_pieces)} to validate", file=sys.stderr)
        addresses = enumerate(cluster.addresses if cluster else ())
        if cluster and (others := [address for index, address in addresses if index != cluster.index]):
            print(f"waiting for the other workers: {', '.join(others)} (Ctrl-C stops)", file=sys.stderr)
        trained_on = (dataset,) if dataset in corpora.names() else ()
        sides = train_pieces, valid_pieces
        with _remembering(() if trained_on or not is_chief else train_pieces, STYLES[style], out_dir, start):
            if start:
                train_gan(sides, STYLES[style], out_dir, own, start, resume=resume, trained_on=trained_on)
                return
            best = training.train(
                *sides, STYLES[style], out_dir, config, _Bar(), resume=resume, cluster=cluster, trained_on=trained_on
            )
    nats = best["valid_nats_per_note"]
    said = f", its latent {max(0.0, best['valid_latent_bits']):.0f} bits a piece" if model == "vae" else ""
    if best.get("collapsed"):
        remedy = "raise --bits, or train longer" if kl_weight is None else "leave out --kl-weight"
        print(f"cadenza: the latent says next to nothing (posterior collapse): {remedy}", file=sys.stderr)
    elif model == "vae" and is_chief and not bundle.load(out_dir).heard.names:
        print("cadenza: the pieces are too few to learn attributes from: vary has no --toward with it", file=sys.stderr)
    print(
        f"best epoch {best['epoch']:.0f}: {nats:.3f} nats a note on the validation side{said}; "
        f"the model is in {out_dir}"
    )


def _refuse(model: str, strangers: dict[str, Any]) -> None:
    """Refuse options that only other architectures have."""
    from theory.errors import RequestError

    if given := [name for name, value in strangers.items() if value not in (None, False)]:
        raise RequestError(f"--{given[0].replace('_', '-')} says nothing to {model}: leave it out")


def _changed(config: Any, **values: Any) -> Any:
    """A configuration with those values that are given."""
    return replace(config, **{name: value for name, value in values.items() if value is not None})


def _pair(values: list[float]) -> tuple[float, float]:
    from theory.errors import RequestError

    if len(values) != 2:
        raise RequestError(f"--bits has {len(values)} values: write two, as in 48,256")
    return values[0], values[1]


@contextmanager
def _remembering(pieces: Sequence[Piece], style: Style, folder: Path, start: Bundle | None) -> Iterator[None]:
    """Put the notes of what is learnt inside beside the model, once there is one, for `--original`.

    Those too that a warm start remembers; of what is refused nothing is put anywhere.
    """
    try:
        yield
    except KeyboardInterrupt:
        _remember(pieces, style, folder, start)
        raise
    _remember(pieces, style, folder, start)


def _remember(pieces: Sequence[Piece], style: Style, folder: Path, start: Bundle | None) -> None:
    from composer import bundle, originality

    if not (folder / bundle.CONFIG).is_file():
        return
    found = [originality.index_of((piece.id, style.dress(piece.whole)) for piece in pieces)] if pieces else []
    if start and (start.path / originality.INDEX).is_file():
        found.append(originality.load(start.path / originality.INDEX))
    if found:
        originality.save(originality.joined(found), folder / originality.INDEX)


def _require_training_packages() -> None:
    from importlib.util import find_spec

    from theory.errors import DependencyError

    missing = [name for name in ("keras", "tensorboard") if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"training needs {', '.join(missing)}: {sys.executable} -m pip install tensorflow tensorboard"
        )


@contextmanager
def _run_folder(path: Path) -> Iterator[None]:
    """The folder of a run, made before its pieces are read so that no long work is in vain; it goes where none stayed.

    Raises:
        OutputError: it cannot be made or written.
        SystemExit: Ctrl-C, after a line about what there is to go on from.
    """
    from composer.run_state import CHECKPOINT
    from theory.atomic_file import make_folder

    new = [place for place in (path, *path.parents) if not os.path.exists(place)]
    try:
        make_folder(path)
        yield
    except BaseException as error:
        with suppress(OSError):  # not empty
            for place in new:
                place.rmdir()
        if isinstance(error, KeyboardInterrupt) and (path / CHECKPOINT).is_file():
            print("cadenza: interrupted: the same command with --resume goes on", file=sys.stderr)
            sys.exit(options.INTERRUPTED)
        raise


def _pieces(dataset: str, style: Style) -> tuple[list[Piece], list[Piece]]:
    """Pieces to train on and to validate, with a progress bar; files that cannot be read are named and left out."""
    from composer.batches import piece_of
    from data.dataset import entries, tokenizer_of
    from data.split import with_both_sides

    tokenizer = tokenizer_of(dataset)
    count, stream = entries(dataset)
    split: dict[str, Side] = {}
    found: list[tuple[str, Piece]] = []
    with options.bar_progress("reading", "pieces") as progress:
        for number, entry in enumerate(stream, 1):
            if entry.error:
                print(f"cadenza: left out: {entry.error}", file=sys.stderr)
            elif entry.side != "test" and (piece := piece_of(entry, style, tokenizer)):
                split[entry.group] = entry.side
                found.append((entry.group, piece))
            progress(number, count)
    found.sort(key=lambda row: row[1].id)
    sides = with_both_sides(split)
    learnt, validating = ([piece for group, piece in found if sides[group] == side] for side in ("train", "valid"))
    if sides != split:
        names = validating[0].id + (f" and {len(validating) - 1} more of its group" if len(validating) > 1 else "")
        print(f"cadenza: the split leaves one side of so few pieces empty: {names} validates", file=sys.stderr)
    return learnt, validating


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
            f"{self._latent(record)}{record['seconds']:.0f} s",
            highlight=False,
        )

    def second_stage(self, at: float) -> None:
        """Move the bar, from its beginning again."""
        self._progress.update(self._task, completed=_UNITS * at, description="learning the prior anew")

    @staticmethod
    def _latent(record: dict[str, float]) -> str:
        if "valid_latent_bits" not in record:
            return ""
        note = " (collapsed: it says next to nothing)" if record["collapsed"] else ""
        return f"latent {max(0.0, record['valid_latent_bits']):.0f} bits{note}, "

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()
