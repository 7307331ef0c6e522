"""Training of a GAN: a generator that learnt by likelihood goes on against a network that tells its latents from real.

The warm start is a VAE. Its encoder reads real pieces; its prior, as the generator, makes latents of noise that are to
pass for theirs; its conductor and decoder, which stay as they are, write pieces of these (`composer.models.gan`; a GAN
in the latent space of an autoencoder, as of Engel, Hoffman & Roberts, ICLR 2018). Weights that are measured and kept
are running averages over steps (Yazici et al., ICLR 2019).

What counts is decided by music, not by losses: every so many steps pieces are drawn and set beside real ones of the
validation side. The step that is kept lies nearest to the data by Frechet distance of those that have lost no
diversity: whose share of distinct 4-grams is not below, nor self-BLEU above, that of the warm start and that of real
music. In the end it and the warm start are measured anew on other pieces. Where it is not nearer then, by MuseGAN's
metrics too, or is less diverse than its warm start, though not than real music, the adversarial phase has not earned
its place, and what is exported is marked as experimental.

Everything random is a function of the seed and the step, and a checkpoint holds all state, so that a run that was
killed and resumed ends with the same weights, byte for byte, as an unbroken one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from composer import bundle, checkpoint, run_state
from composer.adversarial_config import AdversarialConfig
from composer.batches import Piece, check_sides, fingerprint
from composer.bundle import TEMPERATURES, Bundle
from composer.checkpoint import Arrays
from composer.judge import Excerpts, Judge, Record, collapse, has_kept_diversity, shortcomings
from composer.latent_runtime import Latent
from composer.originality import trained_on as corpora_of
from composer.style import Style
from composer.train import Board, silent_libraries
from theory.atomic_file import atomic_path
from theory.errors import RequestError, SearchError, TrainingError

if TYPE_CHECKING:
    from composer.models.gan import Pairs

VERDICT = "verdict.json"
_LEAST_PIECES = 4  # of the validation side
_CHANCE = 0  # stream of what a step draws


class Reporter(Protocol):
    """Who watches a training run."""

    def start(self, at: float) -> None:
        """Training begins or goes on at a point 0 to 1 of the run."""

    def step(self, at: float, right: float, loss: float, seconds: float) -> None:
        """One step is done.

        Args:
            at: where in the run.
            right: share of pairs of a real and a generated piece that the discriminator told right.
            loss: of the generator; NaN while the discriminator learns alone.
            seconds: that it took.
        """

    def measured(self, record: Record) -> None:
        """Pieces were measured."""

    def stop(self) -> None:
        """Training is over, or broke off."""


def train(
    train_pieces: list[Piece],
    valid_pieces: list[Piece],
    style: Style,
    out: Path,
    config: AdversarialConfig,
    reporter: Reporter,
    *,
    warm_start: Bundle,
    resume: bool = False,
    trained_on: Sequence[str] = (),
) -> dict[str, Any]:
    """Train a generator against a discriminator and export what was best to `out`.

    Args:
        train_pieces: to learn from, as from `batches.prepare`.
        valid_pieces: beside which pieces are measured.
        style: what the model will be called and asked for.
        out: folder of the run: the model, `checkpoint.safetensors`, `history.json`, `verdict.json`, TensorBoard's
            events.
        config: how.
        reporter: told of every step and measurement.
        warm_start: a trained VAE to begin with.
        resume: go on from the checkpoint in `out`.
        trained_on: names of corpora that come along, where the pieces are theirs (`composer.originality`); those of the
            warm start are added.

    Returns:
        The verdict: whether the adversarial phase earned its place and why ("earned", "reason"), the step that was
        kept, and the figures of real music, of the warm start and of that step.

    Raises:
        ModelError: a checkpoint that cannot be read.
        TokenError: a warm start of other tokens.
        RequestError: a warm start that is no VAE, or of another style.
        TrainingError: nothing to train on, a checkpoint of another configuration, or a loss that is no number.
        OutputError: `out` cannot be written.
    """
    check_sides(train_pieces, valid_pieces, style)
    warm_start.check(train_pieces[0].tokenizer, "the training set")
    if not warm_start.latent or not warm_start.latent.encoder:
        raise RequestError(f"warm start {warm_start.path}: a GAN starts from a VAE, whose encoder reads real pieces")
    if warm_start.style.name != style.name:
        raise RequestError(f"warm start {warm_start.path} writes style {warm_start.style.name}, not {style.name}")
    run = _Run(train_pieces, valid_pieces, style, out, config, warm_start, trained_on)
    if resume:
        run.load()
    reporter.start(run.at)
    try:
        if not resume:
            reporter.measured(run.measure(0))
            run.save()
        _steps(run, reporter)
        return run.verdict()
    finally:
        reporter.stop()


def _steps(run: _Run, reporter: Reporter) -> None:
    config = run.config
    while run.step < config.steps and not run.reason:
        started = time.monotonic()
        run.learn()
        reporter.step(run.at, *run.latest, time.monotonic() - started)
        if run.step > 0 and (run.step % config.measure_every == 0 or run.step == config.steps):
            reporter.measured(run.measure(run.step))
            run.save()


class _Run:
    """Both networks in training with all their state.

    Attributes:
        step: of the generator, how many are done; below 0 while the discriminator has its head start.
        latest: what the last step said: right, loss.
        reason: why training stopped before its time; "" where it did not.
    """

    def __init__(
        self,
        train_pieces: list[Piece],
        valid_pieces: list[Piece],
        style: Style,
        out: Path,
        config: AdversarialConfig,
        warm_start: Bundle,
        trained_on: Sequence[str],
    ) -> None:
        assert warm_start.latent is not None
        self.config, self.out, self._style, self._warm = config, out, style, warm_start
        self._trained_on = tuple(dict.fromkeys((*trained_on, *corpora_of(warm_start.path))))
        self._pieces = fingerprint(train_pieces, valid_pieces)
        self.step, self.reason, self.latest = -config.discriminator_warmup, "", (math.nan, math.nan)
        self._latent = replace(warm_start.latent, encoder="")
        with silent_libraries():
            import keras
            import tensorflow as tf

            from composer.models import gan, vae
            from composer.models.prior import Latents
            from composer.models.shares import divide_threads

            if keras.backend.backend() != "tensorflow":
                raise TrainingError(f"a GAN needs TensorFlow: KERAS_BACKEND is {keras.backend.backend()}")
            divide_threads(config.batch_size)
            tf.config.experimental.enable_op_determinism()
            self._generator = gan.generator(self._latent, config.bars, config.seed)
            self._discriminator = gan.Discriminator(self._latent.size, config.seed)
        self._named = vae.named_around(self._generator)
        for name, weight in self._named.items():
            weight.assign(warm_start.weights[name])
        self._average = self._weights()
        self._best: Arrays = {}
        for model, rate in (
            (self._generator, config.learning_rate),
            (self._discriminator, config.discriminator_learning_rate),
        ):
            optimizer = keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99, global_clipnorm=1.0)
            model.compile(optimizer=optimizer)
            optimizer.build(model.trainable_variables)
        self._critic = gan.DiscriminatorStep(self._discriminator, self._generator, config.loss, config.gradient_penalty)
        self._learner = gan.GeneratorStep(self._generator, self._discriminator, config.loss)
        train, valid = (Excerpts(side, config.bars, style) for side in (train_pieces, valid_pieces))
        space = Latent(warm_start)
        self._latents = Latents.of([space.posterior(one.score) for one in train.every()])
        if valid.pieces < _LEAST_PIECES:
            raise TrainingError(
                f"{valid.pieces} of {len(valid_pieces)} to validate on have {config.bars} whole bars: a GAN is judged "
                f"beside at least {_LEAST_PIECES}; add pieces of that length: one in ten goes there"
            )
        self._judge = Judge(valid, train, config.bars, config.pieces, config.seed)
        self._real = self._judge.real()
        self.history: list[Record] = []
        self._seconds = 0.0
        self._since: list[tuple[float, float]] = []  # what the generator's steps said since the last measurement
        self._board = Board(out / "tensorboard", "step")

    @property
    def at(self) -> float:
        """Where in the run, 0 to 1."""
        return (self.config.discriminator_warmup + self.step) / (self.config.discriminator_warmup + self.config.steps)

    def _pairs(self, dice: np.random.Generator) -> Pairs:
        """Latents of real pieces, drawn from the posteriors, beside noise."""
        from composer.models.gan import Pairs

        chosen = dice.integers(len(self._latents.means), size=self.config.batch_size)
        real, forms = self._latents.drawn(chosen, dice).inputs
        noise = dice.standard_normal((*real.shape[:2], 1 + real.shape[2]), np.float32)
        return Pairs(forms, noise, real, dice.random(len(chosen), np.float32))

    def learn(self) -> None:
        """Take a step."""
        started = time.monotonic()
        dice = np.random.default_rng([self.config.seed, _CHANCE, self.step + self.config.discriminator_warmup])
        right, own = 0.0, math.nan
        for _ in range(self.config.discriminator_steps):
            loss, right = self._critic.take(self._pairs(dice))
            self._check(loss, "discriminator")
        if self.step >= 0:
            own = self._learner.take(self._pairs(dice))
            self._check(own, "generator")
            self._follow()
            self._since.append((right, own))
        self.step += 1
        self.latest = (right, own)
        self._seconds += time.monotonic() - started

    def _check(self, loss: float, whose: str) -> None:
        if not math.isfinite(loss):
            number = self.config.discriminator_warmup + self.step + 1
            raise TrainingError(
                f"the {whose}'s loss of step {number} is {loss}: lower --learning-rate, or train the VAE longer"
            )

    def _follow(self) -> None:
        """Move the running average."""
        share = np.float32(self.config.ema)
        for name, weight in self._weights().items():
            self._average[name] = share * self._average[name] + (1 - share) * weight

    def _weights(self) -> Arrays:
        """Of the generator."""
        return {name: np.asarray(weight, dtype=np.float32).copy() for name, weight in self._named.items()}

    def _whole(self, prior: Arrays) -> Arrays:
        """Weights of a model with such a prior, conductor and decoder the warm start's."""
        kept = {name: weight for name, weight in self._warm.weights.items() if not name.startswith("encoder.")}
        return kept | {name: weight.astype(np.float32) for name, weight in prior.items()}

    def _bundle(self, prior: Arrays) -> Bundle:
        weights, sizes, tokenizer = self._whole(prior), self._warm.decoder, self._warm.tokenizer
        temperature = TEMPERATURES["gan"]
        return Bundle(weights, sizes, self._style, "", self.out, tokenizer, self._latent, temperature=temperature)

    def measure(self, step: int) -> Record:
        """Measure the running average, note it, and export it if it is the best so far."""
        kept = {name: weight.astype(np.float16) for name, weight in self._average.items()}
        right, loss = np.mean(self._since or [(0.0, 0.0)], axis=0).tolist()
        means = {"right": right, "loss": loss}
        try:
            figures = self._judge.figures(self._bundle(kept))
        except SearchError:
            whose = f"the warm start {self._warm.path}" if step == 0 else f"the generator of step {step}"
            raise TrainingError(
                f"{whose} writes tunes that do not come to their end in {self.config.bars} bars: train the VAE longer"
            ) from None
        record = {"step": float(step), **figures, **means, "seconds": self._seconds}
        self._since.clear()
        self.history.append(record)
        self.reason = collapse(record, self.history[0], self._real)
        if self.best is record:
            self._best = kept
            self._export(is_experimental=True)  # until it is confirmed
        self._board.write(record)
        return record

    @property
    def best(self) -> Record:
        """The record after the warm start's that is nearest to the data by Frechet distance.

        Where any has lost no diversity, of these.
        """
        warm, *learnt = self.history
        diverse = [record for record in learnt if has_kept_diversity(record, warm, self._real)]
        return min(diverse or learnt, key=lambda record: record["frechet_distance"], default=warm)

    def _export(self, *, is_experimental: bool) -> None:
        bundle.export(
            self.out,
            self._whole(self._best),
            self._warm.decoder,
            self._style,
            self._warm.tokenizer,
            self._latent,
            trained_on=self._trained_on,
            is_experimental=is_experimental,
        )

    def verdict(self) -> dict[str, Any]:
        """Measure warm start and best step anew, on other pieces; export what was best."""
        real = self._judge.real(confirming=True)
        warm, chosen = (
            self._judge.figures(self._bundle(prior), confirming=True)
            for prior in ({name: self._warm.weights[name] for name in self._best}, self._best)
        )
        step = int(self.best["step"])
        short = shortcomings(chosen, warm)
        earned = step > 0 and not short
        self._export(is_experimental=not earned)
        reasons = {
            True: f"step {step} is nearer to the data than its warm start, at no loss of diversity",
            False: f"step {step}, the best, falls short of its warm start in {' and '.join(short)}"
            if step
            else "no step was measured",
        }
        found = {
            "earned": earned,
            "reason": "; ".join(filter(None, [reasons[earned], self.reason])),
            "step": step,
            "real": real,
            "warm_start": warm,
            "chosen": chosen,
        }
        with atomic_path(self.out / VERDICT) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="ascii")
        return found

    def _variables(self) -> list[Any]:
        """All state, by place."""
        networks = (self._generator, self._discriminator)
        return [variable for model in networks for variable in (*model.variables, *model.optimizer.variables)]

    def save(self) -> None:
        """Write the checkpoint and the history."""
        arrays = {f"average.{name}": weight for name, weight in self._average.items()}
        arrays |= {f"best.{name}": weight for name, weight in self._best.items()}
        meta = {"warm_start": self._warm.sha256, "step": self.step, "reason": self.reason}
        run_state.save(self.out, self._variables(), self.config, self._pieces, self.history, meta=meta, arrays=arrays)

    def load(self) -> None:
        """Read the checkpoint."""
        path = self.out / run_state.CHECKPOINT
        arrays, meta = checkpoint.load(path)
        run_state.check(path, meta, self.config, self._pieces)
        if meta.get("warm_start") != self._warm.sha256:
            raise TrainingError(f"{path} was made from another warm start: resume with the same one")
        run_state.restore(path, arrays, self._variables())
        self._best = {name: arrays[f"best.{name}"] for name in self._average}
        self._average = {name: arrays[f"average.{name}"] for name in self._average}
        self.step, self.reason, self.history = meta["step"], meta["reason"], meta["history"]
        self._seconds = self.history[-1]["seconds"]


__all__ = ["VERDICT", "AdversarialConfig", "Reporter", "train"]
