"""Training of a sequence GAN: a generator that learnt by likelihood goes on against a network that tells it from real.

A step: the generator draws pieces in one form under the masks of the grammar, in NumPy, with the weights of that step;
the discriminator learns to tell them from real excerpts in the same form; the generator learns what would have misled
it: to make other latents of noise, and to tell its decoder of them otherwise; the decoder itself stays as it was
(`composer.models.gan`). Weights that are measured and kept are running averages over steps (Yazici et al., ICLR
2019).

What counts is decided by music, not by losses: every so many steps pieces are drawn and set beside real ones of the
validation side. The step that is kept lies nearest to the data by Frechet distance of those that have lost no
diversity: whose share of distinct 4-grams is not below, nor self-BLEU above, that of the warm start and that of real
music. In the end it and the warm start are measured anew on other pieces. Where it is not nearer then, by MuseGAN's
metrics too, the adversarial phase has not earned its place, and what is exported is marked as experimental.

Everything random is a function of the seed and the step, and a checkpoint holds all state, so that a run that was
killed and resumed ends with the same weights, byte for byte, as an unbroken one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from composer import bundle, checkpoint
from composer.batches import Piece
from composer.bundle import Bundle
from composer.checkpoint import Arrays
from composer.config import LatentConfig
from composer.decode import WIDTH
from composer.rollouts import Drawn, Excerpt, Forms, Player, choices, known_tokens, reading, seeds
from composer.style import Style
from composer.train import CHECKPOINT, silent_libraries
from theory.atomic_file import atomic_path
from theory.errors import ModelError, RequestError, SearchError, TrainingError

if TYPE_CHECKING:
    from composer.metrics import Measured
    from composer.models.gan import Rollout

VERDICT = "verdict.json"
_SLACK = 0.01  # of a diversity, a share: what sets of pieces differ in by chance
_COLLAPSED = 0.7  # a generator with so small a share of the distinct 4-grams that it ought to have, or
_REPEATING = 0.15  # with a self-BLEU higher by so much, says the same again and again
_LOSSES = ("relativistic", "wasserstein")
_FORM, _REAL, _NOISE, _GUMBEL, _VALID, _TRAIN, _POINTS = range(7)  # streams of chance
_JUDGED, _CONFIRMED = 1, 2  # seeds of the pieces that are measured on the way and in the end


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """How to train.

    Attributes:
        bars: of each piece.
        rows: pieces drawn a step, 2 to 32.
        steps: of the generator.
        head_start: steps before, in which the discriminator alone learns.
        critiques: steps of the discriminator a step.
        every: steps between two measurements, after which a checkpoint is written too.
        pieces: measured each time, or as many as the validation side has.
        loss: "relativistic" or "wasserstein".
        penalty: weight of the penalty on the discriminator's slope.
        learning_rate: of the generator.
        discriminator_rate: of the discriminator.
        temperature: of the Gumbel-softmax.
        draws: of Gumbel noise that are averaged.
        average: share of the running average that stays, a step.
        latent: sizes of prior and conductor where the warm start has none.
        seed: of everything random.

    Raises:
        RequestError: a value that makes no sense.
    """

    bars: int = 8
    rows: int = WIDTH
    steps: int = 400
    head_start: int = 40
    critiques: int = 2
    every: int = 25
    pieces: int = 256
    loss: str = "relativistic"
    penalty: float = 0.01
    learning_rate: float = 3e-4
    discriminator_rate: float = 1e-3
    temperature: float = 1.0
    draws: int = 4
    average: float = 0.95
    latent: LatentConfig = field(default_factory=partial(LatentConfig, encoder=""))
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("bars", 1, 64),
            ("rows", 2, WIDTH),
            ("steps", 1, 10**6),
            ("head_start", 0, 10**6),
            ("critiques", 1, 100),
            ("every", 1, 10**6),
            ("pieces", 4, 10**5),
            ("draws", 1, 100),
        ):
            if not least <= getattr(self, name) <= most:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name)}: must be {least} to {most}")
        for name in ("learning_rate", "discriminator_rate", "temperature"):
            if not 0 < getattr(self, name) <= 10:
                raise RequestError(f"{name.replace('_', ' ')} {getattr(self, name):g}: must be above 0, at most 10")
        if not 0 <= self.penalty <= 1000:
            raise RequestError(f"penalty {self.penalty:g}: must be 0 to 1000")
        if not 0 <= self.average < 1:
            raise RequestError(f"average {self.average:g}: must be 0 to below 1")
        if self.loss not in _LOSSES:
            raise RequestError(f"loss {self.loss!r:.40}: choose one of {', '.join(_LOSSES)}")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**32")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


Record = dict[str, float]


class Reporter(Protocol):
    """Who watches a training run."""

    def start(self, at: float) -> None:
        """Training begins or goes on at a point 0 to 1 of the run."""

    def step(self, at: float, right: float, loss: float, surprise: float, seconds: float) -> None:
        """One step is done.

        Args:
            at: where in the run.
            right: share of pairs of a real and a generated piece that the discriminator told right.
            loss: of the generator; NaN while the discriminator learns alone.
            surprise: of the generator by its own tokens, in nats each; likewise.
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
        warm_start: a trained model to begin with. Of a VAE decoder and conductor are taken; to a decoder by itself a
            conductor is added that says nothing yet.
        resume: go on from the checkpoint in `out`.
        trained_on: names of corpora that come along, where the pieces are theirs (`composer.originality`).

    Returns:
        The verdict: whether the adversarial phase earned its place and why ("earned", "reason"), the step that was
        kept, and the figures of real music, of the warm start and of that step.

    Raises:
        ModelError: a checkpoint that cannot be read.
        TokenError: a warm start of other tokens.
        TrainingError: nothing to train on, a checkpoint of another configuration, or a loss that is no number.
        OutputError: `out` cannot be written.
    """
    if not train_pieces or not valid_pieces:
        raise TrainingError(f"{len(train_pieces)} pieces to train on, {len(valid_pieces)} to validate: both are needed")
    warm_start.check(train_pieces[0].tokenizer, "the training set")
    run = _Run(train_pieces, valid_pieces, style, out, config, warm_start, trained_on)
    reporter.start(0.0)
    try:
        if resume:
            run.load()
        else:
            reporter.measured(run.measure(0))
            run.save()
        try:
            _steps(run, reporter)
        except SearchError as error:
            run.reason = f"the generator has lost the grammar: {error}"
            run.save()
        return run.verdict()
    finally:
        reporter.stop()


def _steps(run: _Run, reporter: Reporter) -> None:
    config = run.config
    while run.step < config.steps and not run.reason:
        started = time.monotonic()
        run.learn()
        at = (config.head_start + run.step) / (config.head_start + config.steps)
        reporter.step(at, *run.latest, time.monotonic() - started)
        if run.step > 0 and (run.step % config.every == 0 or run.step == config.steps):
            reporter.measured(run.measure(run.step))
            run.save()


class Judge:
    """Sets pieces that a model draws beside real ones.

    Args:
        valid: real pieces to be beside.
        train: real pieces whose figures are what can be reached.
        config: how many, of how many bars.
    """

    def __init__(self, valid: Forms, train: Forms, config: AdversarialConfig) -> None:
        from composer.metrics import measure

        self._config = config
        self._every = valid.sample(valid.pieces, np.random.default_rng([config.seed, _VALID]))
        self._like = self._every[: config.pieces]
        self._real = measure([one.score for one in self._every])
        others = train.sample(len(self._every), np.random.default_rng([config.seed, _TRAIN]))
        self._others = measure([one.score for one in others])

    def figures(self, model: Bundle, *, confirming: bool = False) -> Record:
        """What pieces of a model are like: other pieces, and one for each real one, when `confirming`."""
        from composer.metrics import measure

        like = self._every if confirming else self._like
        seed = _CONFIRMED if confirming else _JUDGED
        player = Player(model, self._config.bars)
        return self._figures(measure(list(player.scores(like, seed))))

    def real(self, *, confirming: bool = False) -> Record:
        """The same figures of as many real pieces of the training side."""
        count = len(self._every if confirming else self._like)
        return self._figures(self._others.only(range(min(count, len(self._others)))))

    def _figures(self, made: Measured) -> Record:
        from composer.metrics import METRICS, SET_METRICS

        figures = {name: metric.function(made, self._real) for name, metric in SET_METRICS.items()}
        far = []
        for column, (name, metric) in enumerate(METRICS.items()):
            if metric.source.startswith("MuseGAN"):
                here, there = made.metrics[:, column], self._real.metrics[:, column]
                if np.isfinite(here).any() and np.isfinite(there).any():
                    figures[name] = float(np.nanmean(here))
                    far.append(abs(figures[name] - np.nanmean(there)) / max(float(np.nanstd(there)), 1e-3))
        return {**figures, "musegan_distance": float(np.mean(far)), "pieces": float(len(made))}


def has_kept_diversity(record: Record, warm: Record, real: Record) -> bool:
    """Whether pieces are as diverse as those of the warm start, or as real ones where these are less so."""
    distinct = min(warm["distinct_4"], real["distinct_4"])
    repeated = max(warm["self_bleu"], real["self_bleu"])
    return record["distinct_4"] >= distinct - _SLACK and record["self_bleu"] <= repeated + _SLACK


def collapse(record: Record, warm: Record, real: Record) -> str:
    """Why a generator is to be called collapsed: it says the same again and again; "" where it does not."""
    least = _COLLAPSED * min(warm["distinct_4"], real["distinct_4"])
    most = max(warm["self_bleu"], real["self_bleu"]) + _REPEATING
    if not record["distinct_4"] >= least:  # nothing to count is nothing said
        return f"mode collapse: a share of {record['distinct_4']:.3f} of the 4-grams is distinct, below {least:.3f}"
    if record["self_bleu"] > most:
        return f"mode collapse: self-BLEU is {record['self_bleu']:.3f}, above {most:.3f}"
    return ""


def is_nearer(record: Record, warm: Record, real: Record) -> bool:
    """Whether pieces are nearer to the data than the warm start's by both measures, at no loss of diversity."""
    nearer = all(record[name] < warm[name] for name in ("frechet_distance", "musegan_distance"))
    return nearer and has_kept_diversity(record, warm, real)


class _Run:
    """Both networks in training with all their state.

    Attributes:
        step: of the generator, how many are done; below 0 while the discriminator has its head start.
        latest: what the last step said: right, loss, surprise.
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
        self.config, self.out, self._style, self._warm = config, out, style, warm_start
        self._trained_on = tuple(trained_on)
        self.step, self.reason, self.latest = -config.head_start, "", (math.nan, math.nan, math.nan)
        latent = warm_start.latent or config.latent
        self._sizes, self._latent = warm_start.decoder, replace(latent, encoder="")
        with silent_libraries():
            import keras
            import tensorflow as tf

            from composer.models import gan, vae
            from composer.models.shares import divide_threads

            if keras.backend.backend() != "tensorflow":
                raise TrainingError(f"a GAN needs TensorFlow: KERAS_BACKEND is {keras.backend.backend()}")
            divide_threads(config.rows)
            tf.config.experimental.enable_op_determinism()
            self._generator = gan.generator(self._sizes, self._latent, config.bars, config.seed)
            self._discriminator = gan.Discriminator(self._sizes.vocabulary, config.seed)
        vae.set_weights(self._generator, first_weights(vae.weights(self._generator), warm_start))
        self._average: Arrays = dict(vae.weights(self._generator))
        self._best: Arrays = {}
        for model, rate in (
            (self._generator, config.learning_rate),
            (self._discriminator, config.discriminator_rate),
        ):
            optimizer = keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99, global_clipnorm=1.0)
            model.compile(optimizer=optimizer)
            optimizer.build(model.trainable_variables)
        self._critic = gan.DiscriminatorStep(self._discriminator, config.loss, config.penalty)
        self._learner = gan.GeneratorStep(
            self._generator,
            self._discriminator,
            config.loss,
            config.temperature,
            config.draws,
        )
        self._tokenizer = train_pieces[0].tokenizer
        self._forms = Forms(train_pieces, config.bars, style)
        self._judge = Judge(Forms(valid_pieces, config.bars, style), self._forms, config)
        self._real = self._judge.real()
        self.history: list[Record] = []
        self._seconds, self._sums = 0.0, np.zeros(3)
        self._board = _Board(out / "tensorboard")

    def _chance(self, stream: int, *more: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, stream, self.step + self.config.head_start, *more])

    def learn(self) -> None:
        """Take a step."""
        from composer.models.gan import Real

        started = time.monotonic()
        form = self._forms.form(self._chance(_FORM))
        real = self._forms.excerpts(form, self.config.rows * self.config.critiques, self._chance(_REAL))
        drawn = self._drawn(real[int(self._chance(_FORM, 1).integers(len(real)))])
        made = known_tokens(drawn, self._sizes.vocabulary)
        right = 0.0
        for number in range(self.config.critiques):
            own = real[number * self.config.rows : (number + 1) * self.config.rows]
            its, others = _as_long(known_tokens(own, self._sizes.vocabulary), made)
            points = self._chance(_POINTS, number).random(len(own), np.float32)
            loss, right = self._critic.take(its, others, points)
            self._check(loss, "discriminator")
        loss = surprise = math.nan
        if self.step >= 0:
            numbers = self._chance(_GUMBEL).integers(2**31, size=(len(drawn), 2)).astype(np.int32)
            beside = Real(*known_tokens(real[: len(drawn)], self._sizes.vocabulary))
            loss, surprise = self._learner.take(self._rollout(drawn), beside, numbers)
            self._check(loss, "generator")
            self._follow()
        self.step += 1
        self.latest = (right, loss, surprise)
        self._sums += np.nan_to_num(self.latest)
        self._seconds += time.monotonic() - started

    def _check(self, loss: float, whose: str) -> None:
        if not math.isfinite(loss):
            raise TrainingError(f"the {whose}'s loss of step {self.step + 1} is {loss}: lower --learning-rate")

    def _drawn(self, like: Excerpt) -> list[Drawn]:
        """Pieces that the generator draws as it stands."""
        player = Player(self._bundle(self._weights()), self.config.bars)
        numbers = seeds([self.config.seed, _NOISE, self.step + self.config.head_start], self.config.rows)
        return player.drawn(like, numbers)

    def _rollout(self, drawn: list[Drawn]) -> Rollout:
        from composer.models.gan import Rollout

        batch = reading(drawn, self._tokenizer.learnt)
        form, noise = (np.array([getattr(piece, name) for piece in drawn]) for name in ("form", "noise"))
        allowed = choices(drawn, batch.targets.shape[1])
        return Rollout((*batch.inputs, form, noise), batch.targets, batch.weights, allowed)

    def _follow(self) -> None:
        """Move the running average."""
        share = np.float32(self.config.average)
        for name, weight in self._weights().items():
            self._average[name] = share * self._average[name] + (1 - share) * weight

    def _weights(self) -> Arrays:
        from composer.models import vae

        return dict(vae.weights(self._generator))

    def _bundle(self, weights: Arrays) -> Bundle:
        return Bundle(weights, self._sizes, self._style, "", self.out, self._tokenizer, self._latent)

    def measure(self, step: int) -> Record:
        """Measure the running average, note it, and export it if it is the best so far."""
        kept = _widened({name: weight.astype(np.float16) for name, weight in self._average.items()})
        means = dict(zip(("right", "loss", "surprise"), self._sums / max(1, self.config.every), strict=True))
        record = {"step": float(step), **self._judge.figures(self._bundle(kept)), **means, "seconds": self._seconds}
        self._sums[:] = 0.0
        self.history.append(record)
        self.reason = collapse(record, self.history[0], self._real)
        if self.best is record:
            self._best = {name: weight.astype(np.float16) for name, weight in self._average.items()}
            self._export(self._best, is_experimental=True)  # until it is confirmed
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

    def _export(self, weights: Arrays, *, is_experimental: bool) -> None:
        bundle.export(
            self.out,
            weights,
            self._sizes,
            self._style,
            self._tokenizer,
            self._latent,
            trained_on=self._trained_on,
            is_experimental=is_experimental,
        )

    def verdict(self) -> dict[str, Any]:
        """Measure warm start and best step anew, on other pieces; export what has earned its place."""
        first, real = first_weights(self._average, self._warm), self._judge.real(confirming=True)
        warm, chosen = (
            self._judge.figures(self._bundle(weights), confirming=True) for weights in (first, _widened(self._best))
        )
        step = int(self.best["step"])
        earned = step > 0 and is_nearer(chosen, warm, real)
        self._export(self._best, is_experimental=not earned)
        farther = [
            said
            for name, said in (("frechet_distance", "Frechet distance"), ("musegan_distance", "MuseGAN's metrics"))
            if not chosen[name] < warm[name]
        ]
        lost = [] if has_kept_diversity(chosen, warm, real) else ["diversity"]
        reasons = {
            True: f"step {step} is nearer to the data than its warm start, at no loss of diversity",
            False: f"step {step}, the best, is no better than its warm start in {' and '.join(farther + lost)}"
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
        arrays = {f"{index:03d}": np.asarray(variable) for index, variable in enumerate(self._variables())}
        arrays |= {f"average.{name}": weight for name, weight in self._average.items()}
        arrays |= {f"best.{name}": weight for name, weight in self._best.items()}
        meta = {
            "config": self.config.to_dict(),
            "warm_start": self._warm.sha256,
            "step": self.step,
            "reason": self.reason,
            "history": self.history,
        }
        checkpoint.save(self.out / CHECKPOINT, arrays, meta)
        with atomic_path(self.out / "history.json") as temporary:
            temporary.write_text(json.dumps(self.history, indent=1) + "\n", encoding="ascii")

    def load(self) -> None:
        """Read the checkpoint."""
        path = self.out / CHECKPOINT
        arrays, meta = checkpoint.load(path)
        if meta.get("config") != self.config.to_dict():
            raise TrainingError(f"{path} was made with other settings: resume with the same ones")
        if meta.get("warm_start") != self._warm.sha256:
            raise TrainingError(f"{path} was made from another warm start: resume with the same one")
        variables = self._variables()
        values = [arrays[name] for name in sorted(arrays) if name.isdecimal()]
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise ModelError(f"{path} was made by another version of Keras: train again")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self._best = {name: arrays[f"best.{name}"] for name in self._average}
        self._average = {name: arrays[f"average.{name}"] for name in self._average}
        self.step, self.reason, self.history = meta["step"], meta["reason"], meta["history"]
        self._seconds = self.history[-1]["seconds"]


def first_weights(random: Arrays, warm_start: Bundle) -> Arrays:
    """Weights of a generator before its first step.

    Args:
        random: as it was built.
        warm_start: whose it gets; what it has and the warm start has not stays, but says nothing at first.
    """
    known = warm_start.weights
    silent = {name: np.zeros_like(random[name]) for name in ("conductor.output.kernel", "conductor.output.bias")}
    return {name: known.get(name, silent.get(name, weight)) for name, weight in random.items()}


def _widened(weights: Arrays) -> Arrays:
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def _as_long(*pairs: Any) -> Any:
    """Pairs of (batch, time), padded to the longest time."""
    time = max(pair[0].shape[1] for pair in pairs)
    return [tuple(np.pad(part, ((0, 0), (0, time - part.shape[1]))) for part in pair) for pair in pairs]


class _Board:
    """TensorBoard's event file."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder))

    def write(self, record: Record) -> None:
        for name, value in record.items():
            self._writer.add_scalar(name, value, int(record["step"]))
        self._writer.flush()


__all__ = [
    "VERDICT", "AdversarialConfig", "Judge", "Reporter", "collapse", "first_weights", "has_kept_diversity", "is_nearer",
    "train",
]  # fmt: skip
