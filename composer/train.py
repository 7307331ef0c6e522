"""Training: epochs over batches, the best weights on the validation side exported, every epoch resumable.

Everything random is a function of the seed, the epoch and the step, and a checkpoint holds all state (weights,
optimizer, dropout generators), so that a run that was killed and resumed ends with the same weights, byte for byte, as
an unbroken one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from composer import bundle, checkpoint, run_state, second_stage
from composer.batches import Batch, Piece, check_sides, fingerprint
from composer.config import MOST_BARS, DecoderConfig, LatentConfig
from composer.excerpts import LENGTHS
from composer.networks import Epoch, network_for
from composer.style import Style
from theory.atomic_file import atomic_path
from theory.errors import RequestError, TrainingError
from theory.tokens import Tokenizer

if TYPE_CHECKING:
    from composer.models.step import Examples, Step
    from composer.models.workers import Cluster, Workers

_MOST_BITS, _MOST_KL_WEIGHT = 100_000, 100
_LEAST_WINDOW = 512  # half of an eighth of it, the shortest first window, is longer than a prompt, which is not scored


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    Attributes:
        decoder: sizes of the decoder.
        latent: sizes of what stands around it in a VAE; None for the decoder by itself.
        bits: how much the latent of 2 and of 16 bars may say; of other numbers in proportion.
        kl_weight: of the latent's divergence, for good; None where it follows the bits. 1 is the plain evidence bound,
            0 makes a plain autoencoder.
        excerpts: bars that a VAE learns from at a time (`composer.excerpts`).
        epochs: passes over the training side, at most.
        batch_size: sequences at a time; of a VAE excerpts of 8 bars, and of others about as many notes.
        accumulate: batches a step; their gradients are summed, for as many sequences a step as memory does not hold.
        mixed: compute large products in bfloat16 (see `composer.models.decoder.build`).
        window: longest sequence in tokens; longer pieces are cut, at other places in every epoch. Training begins with
            windows of an eighth and goes on with three eighths (see `_WINDOWS`): many quick steps before few long ones.
        learning_rate: peak; warmed up over the first 2 %, then a half cosine down to a hundredth.
        weight_decay: AdamW's.
        patience: epochs without a better validation figure after which training stops.
        seed: of everything random. 0 or more, below 2**32 (NumPy's and TensorFlow's seeds are no longer).

    Raises:
        RequestError: a value that makes no sense.
    """

    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    latent: LatentConfig | None = None
    bits: tuple[float, float] = (47.0, 248.0)  # before the second stage, which saves a tenth
    kl_weight: float | None = None
    excerpts: tuple[int, ...] = LENGTHS
    epochs: int = 50
    batch_size: int = 32
    accumulate: int = 1
    mixed: bool = False
    window: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    patience: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("batch_size", 1),
            ("accumulate", 1),
            ("patience", 1),
            ("window", _LEAST_WINDOW),
        ):
            if getattr(self, name) < least:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name)}: must be {least} or more")
        if not 0 < self.bits[0] <= self.bits[1] <= _MOST_BITS:
            raise RequestError(f"bits {self.bits[0]:g} and {self.bits[1]:g}: must rise, above 0")
        if self.kl_weight is not None and not 0 <= self.kl_weight <= _MOST_KL_WEIGHT:
            raise RequestError(f"KL weight {self.kl_weight:g}: must be 0 to {_MOST_KL_WEIGHT}")
        if not self.excerpts or not all(1 <= bars <= MOST_BARS for bars in self.excerpts):
            raise RequestError(f"excerpts of {self.excerpts} bars: must be 1 to {MOST_BARS}")
        if self.latent and self.accumulate > 1:
            raise RequestError(f"accumulate {self.accumulate}: a VAE steps after every batch; choose the batch size")
        if not 0 < self.learning_rate <= 1:
            raise RequestError(f"learning rate {self.learning_rate:g}: must be above 0, at most 1")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**32")


# What is trained where nobody says otherwise: what the models that ship were trained with.
USUAL = {
    "lstm": TrainConfig(),
    "vae": TrainConfig(
        decoder=DecoderConfig(embedding=128, context=192, units=320, dropout=0.15), latent=LatentConfig(), epochs=20
    ),
}


class Reporter(Protocol):
    """Who watches a training run."""

    def start(self, at: float) -> None:
        """Training begins or goes on at a point 0 to 1 of the run."""

    def step(self, at: float, loss: float, tokens: int, seconds: float) -> None:
        """One step is done: where in the run, mean loss in nats a token, tokens scored, seconds it took."""

    def epoch(self, record: dict[str, float]) -> None:
        """One epoch is done."""

    def second_stage(self, at: float) -> None:
        """Epochs are done; what comes after them (`composer.second_stage`) is done so far, 0 to 1."""

    def stop(self) -> None:
        """Training is over, or broke off."""


def train(
    train_pieces: list[Piece],
    valid_pieces: list[Piece],
    style: Style,
    out: Path,
    config: TrainConfig,
    reporter: Reporter,
    *,
    resume: bool = False,
    cluster: Cluster | None = None,
    trained_on: Sequence[str] = (),
) -> dict[str, float]:
    """Train a model and export the best one to `out`.

    Args:
        train_pieces: to learn from, as from `batches.prepare`.
        valid_pieces: to choose the best epoch on.
        style: what the model will be called and asked for.
        out: folder of the run: the model (`weights.safetensors`, `config.json`), `checkpoint.safetensors`,
            `history.json` and TensorBoard's events.
        config: how.
        reporter: told of every step and epoch.
        resume: go on from the checkpoint in `out`, which only the chief of a cluster needs to have.
        cluster: machines that train together, each of which calls this with the same pieces and settings; the chief
            writes `out`.
        trained_on: names of corpora that come along, where the pieces are theirs (`composer.originality`).

    Returns:
        The best epoch's record; of a VAE, with the figures that its second stage led to.

    Raises:
        ModelError: a checkpoint that cannot be read.
        TrainingError: nothing to train on, pieces or a checkpoint of other tokens, a checkpoint of another
            configuration, a loss that is no number, or workers that do not come together or are gone.
        OutputError: `out` cannot be written.
    """
    check_sides(train_pieces, valid_pieces, style)
    tokenizer = train_pieces[0].tokenizer
    for piece in (*train_pieces, *valid_pieces):
        if unlike := piece.tokenizer.unlike(tokenizer):
            raise TrainingError(f"{piece.id} is in other tokens than {train_pieces[0].id} ({unlike})")
    config = replace(config, decoder=replace(config.decoder, vocabulary=tokenizer.vocabulary.size))
    run = _Run(config, tokenizer, fingerprint(train_pieces, valid_pieces), out, resume, cluster)
    export = partial(bundle.export, out, style=style, tokenizer=tokenizer, latent=config.latent, trained_on=trained_on)
    reporter.start(run.done / config.epochs)
    try:
        _epochs(run, train_pieces, valid_pieces, export, reporter)
        if not config.latent or not run.workers.is_chief:
            return run.best
        second_stage.learn(out, train_pieces, valid_pieces, config, export, reporter.second_stage)
        return run.settled(valid_pieces)
    finally:
        reporter.stop()


def _epochs(
    run: _Run,
    train_pieces: list[Piece],
    valid_pieces: list[Piece],
    export: Callable[..., None],
    reporter: Reporter,
) -> None:
    config = run.config
    validation = run.network.evaluation(valid_pieces)
    for number in range(run.done, config.epochs):
        if run.stale >= config.patience:
            break
        started = time.monotonic()
        loss = run.fit(run.network.epoch(train_pieces, number), number, reporter)
        figures = run.network.record(*evaluate(run.step, run.workers, run.network.figures, validation))
        record = {"epoch": number + 1, "loss": loss, **figures, "seconds": time.monotonic() - started}
        is_best = run.keep(record)
        if run.workers.is_chief:
            if is_best:
                export(weights=run.weights(), decoder=config.decoder)
            run.save()
        reporter.epoch(record)


class _Run:
    """A model in training with all its state."""

    def __init__(
        self,
        config: TrainConfig,
        tokenizer: Tokenizer,
        pieces: str,
        out: Path,
        resume: bool,
        cluster: Cluster | None,
    ) -> None:
        self._pieces = pieces
        with silent_libraries():
            import keras

            from composer.models.workers import Workers

            if config.latent and keras.backend.backend() != "tensorflow":
                raise TrainingError(f"a VAE needs TensorFlow: KERAS_BACKEND is {keras.backend.backend()}")
            if cluster and keras.backend.backend() != "tensorflow":
                raise TrainingError(f"several workers need TensorFlow: KERAS_BACKEND is {keras.backend.backend()}")
            if keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                from composer.models.shares import divide_threads

                divide_threads(config.batch_size)
                tf.config.experimental.enable_op_determinism()
            self.config, self.tokenizer, self.out = config, tokenizer, out
            self.workers = Workers(cluster)
            self.network = network_for(config)
            self.model = self.network.build()
        self.model.compile(
            optimizer=keras.optimizers.AdamW(
                config.learning_rate, weight_decay=config.weight_decay, global_clipnorm=1.0
            ),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile="auto" if keras.backend.backend() == "jax" else False,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.step: Step = self.network.step(self.model, self.workers.sum)
        self.history: list[dict[str, float]] = []
        if resume:
            self._load()
        self._board = Board(out / "tensorboard", "epoch") if self.workers.is_chief else None

    @property
    def done(self) -> int:
        """Epochs that are done."""
        return len(self.history)

    @property
    def best(self) -> dict[str, float]:
        """Record of the best epoch so far."""
        return min(self.history, key=lambda record: record["valid_nats_per_token"])

    @property
    def stale(self) -> int:
        """Epochs since the best one."""
        return self.done - int(self.best["epoch"]) if self.history else 0

    def fit(self, epoch: Epoch, number: int, reporter: Reporter) -> float:
        """Train one epoch; return the mean loss in nats a token."""
        total = count = 0.0
        coming = iter(epoch)
        for index in range(math.ceil(len(epoch) / self.config.accumulate)):
            started = time.monotonic()
            at = (number + index * self.config.accumulate / len(epoch)) / self.config.epochs
            self.model.optimizer.learning_rate = self.config.learning_rate * _schedule(at)
            together = [_examples(batch) for batch in islice(coming, self.config.accumulate)]
            scored = sum(float(examples.weights.sum()) for examples in together)
            loss = self.step.train([self.workers.share(examples) for examples in together])
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss of epoch {number + 1}, step {index + 1} is {loss}: lower --learning-rate"
                )
            total, count = total + loss * scored, count + scored
            reporter.step(at, loss, int(scored), time.monotonic() - started)
        return total / count

    def keep(self, record: dict[str, float]) -> bool:
        """Note an epoch's record; return whether it is the best so far."""
        self.history.append(record)
        if self._board:
            self._board.write(record)
        return self.best is record

    def settled(self, valid_pieces: list[Piece]) -> dict[str, float]:
        """The best epoch's record with the figures of the VAE that was exported in the end."""
        from composer.models import vae
        from composer.models.workers import Workers

        vae.set_weights(self.model, bundle.load(self.out).weights)
        sums = evaluate(self.step, Workers(None), self.network.figures, self.network.evaluation(valid_pieces))
        return {**self.best, **self.network.record(*sums)}

    def weights(self) -> checkpoint.Arrays:
        """The network's weights by name, float32."""
        return self.network.weights(self.model)

    def _variables(self) -> list[Any]:
        """All state, by place."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def save(self) -> None:
        """Write the checkpoint and the history."""
        meta = {"tokenizer": asdict(self.tokenizer)}
        run_state.save(self.out, self._variables(), self.config, self._pieces, self.history, meta=meta)

    def _load(self) -> None:
        path = self.out / run_state.CHECKPOINT
        if self.workers.count > 1:
            content = self.workers.from_chief(checkpoint.content(path) if self.workers.is_chief else b"")
            if not self.workers.is_chief:
                with atomic_path(path) as temporary:
                    temporary.write_bytes(content)
        arrays, meta = checkpoint.load(path)
        if unlike := Tokenizer.of(meta.get("tokenizer", {})).unlike(self.tokenizer):
            raise TrainingError(f"{path} was trained on other tokens than the pieces' ({unlike})")
        run_state.check(path, meta, self.config, self._pieces)
        run_state.restore(path, arrays, self._variables())
        self.history = meta["history"]


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Keep what TensorFlow's C++ says while it starts off the terminal; Python's own errors still come through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Board:
    """TensorBoard's event file.

    Args:
        folder: for it.
        by: name of the figure that counts records.
    """

    def __init__(self, folder: Path, by: str) -> None:
        self._folder, self._by = folder, by
        self._writer: Any = None

    def write(self, record: dict[str, float]) -> None:
        """Add the figures of a record; the first makes the folder."""
        if self._writer is None:
            from tensorboard.summary import Writer

            self._writer = Writer(str(self._folder))
        for name, value in record.items():
            self._writer.add_scalar(name, value, int(record[self._by]))
        self._writer.flush()


def _examples(batch: Batch) -> Examples:
    from composer.models.step import Examples

    return Examples(list(batch.inputs), batch.targets, batch.weights)


def evaluate(step: Step, workers: Workers, figures: int, data: Iterable[Batch]) -> tuple[list[float], int, int]:
    """So many sums as `Step.score` gives them, scored tokens, notes; of all workers together."""
    sums: Any = np.zeros(figures)
    tokens = notes = 0
    for batch in data:
        mine = workers.share(_examples(batch))
        if len(mine.targets):
            sums = sums + np.array(step.score(mine))
        tokens, notes = tokens + int(batch.weights.sum()), notes + batch.notes
    (sums,) = workers.sum([sums])
    return [float(value) for value in sums], tokens, notes


_WARMUP = 0.02  # share of the run in which the learning rate rises


def _schedule(at: float) -> float:
    """Share of the peak learning rate at a point 0 to 1 of the run: one half cosine (Loshchilov & Hutter, 2017)."""
    if at < _WARMUP:
        return at / _WARMUP + 1e-3
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (at - _WARMUP) / (1 - _WARMUP)))
