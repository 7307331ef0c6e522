"""Encoder, prior and conductor in NumPy: from a score to its latent, and from a latent to what the decoder is told.

Same arithmetic as `composer.models.vae`. A latent is an array, float32 (bars, size): a row a bar (one row in all where
the model is flat), each drawn from the prior if nobody says otherwise.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.bar_notes import FORM, PLACES, SIZES, bar_notes, forms_of
from composer.bundle import Bundle
from composer.config import LAGS
from composer.one_thread import one_thread
from composer.runtime import Vector
from composer.sampler import Dice
from theory.errors import ModelError
from theory.score import Score

LOG_VARIANCE = (-12.0, 4.0)  # bounds of what encoder and prior say
NOT_THERE = -1e9  # logit of what cannot be
_NO_ARC = 1e-6  # sine of the angle of one direction, or of two opposite ones, between which no arc is the shortest
_LATENTS = 1  # which of a seed's streams of numbers latents are drawn from


class Posterior(NamedTuple):
    """Where a piece lies in the latent space.

    Attributes:
        mean: float32 (bars, size).
        deviation: likewise, of each number.
        form: of the piece's bars, int32 (bars, columns of `composer.bar_notes.FORM`).
    """

    mean: Vector
    deviation: Vector
    form: NDArray[np.int32]

    def draw(self, seed: int) -> Vector:
        """A latent of the piece: float32 (bars, size)."""
        return self.mean + self.deviation * normal(self.mean.shape, seed)


def normal(shape: tuple[int, ...], seed: int) -> Vector:
    """Numbers from the standard normal distribution, the same for a seed for ever: float32 of a shape."""
    dice, distribution = Dice(seed, _LATENTS), NormalDist()
    least = 2.0**-54  # of 53 bits of chance 0 may come, whose place is minus infinity
    values = [distribution.inv_cdf(max(dice.roll(), least)) for _ in range(int(np.prod(shape)))]
    return np.array(values, dtype=np.float32).reshape(shape)


class Latent:
    """What stands around a decoder with a latent.

    Args:
        bundle: a loaded model.

    Raises:
        ModelError: its decoder has none.

    Attributes:
        sizes: of its parts.
    """

    def __init__(self, bundle: Bundle) -> None:
        if bundle.latent is None:
            raise ModelError(f"{bundle.path} has no latent space: choose a VAE, as in --model vae")
        self.sizes = bundle.latent
        self._weights, self._path, self._tokenizer = bundle.weights, bundle.path, bundle.tokenizer.learnt

    def rows(self, bars: int) -> int:
        """How many rows the latent of so many bars has."""
        return bars if self.sizes.hierarchical else 1

    def drawn(self, form: NDArray[np.int32], seed: int, known: Vector | None = None) -> Vector:
        """A latent from the prior: float32 (rows, size).

        A row that returns is that row again, not one near it: played, such bars are alike, as in real music.

        Args:
            form: of each bar, int32 (bars, columns of `composer.bar_notes.FORM`).
            seed: of what is drawn.
            known: its first rows, where they are given: the others go on from there.
        """
        noise = self.noise(len(form), seed)
        latent = np.empty_like(noise[:, 1:])
        given = np.zeros_like(latent[:0]) if known is None else known[: len(latent)]
        kernel, recurrent, bias = (self._weights[f"prior.reader.{part}"] for part in ("kernel", "recurrent", "bias"))
        state = (np.zeros((1, len(recurrent)), np.float32),) * 2
        with one_thread():
            for row, inputs in enumerate(self._of_form(form[: len(latent)])):
                before = [latent[row - lag] if row >= lag else np.zeros_like(latent[0]) for lag in LAGS]
                read = np.concatenate([*before, inputs])
                state = _after(state, read[None] @ kernel + bias + state[0] @ recurrent)
                means, deviations, shares = self._mixture(state[0], [each[None] for each in before], np.array([row]))
                point = NormalDist().cdf(float(noise[row, 0]))
                which = int((np.cumsum(np.exp(shares[0].astype(np.float64)))[:-1] <= point).sum())
                new = means[0, 0] + deviations[0, 0] * noise[row, 1:]
                latent[row] = given[row] if row < len(given) else (new, *before)[which]
        return latent

    def noise(self, bars: int, seed: int) -> Vector:
        """What a seed's latent is made of: float32 (rows, 1 + size), normal numbers.

        The first of a row tells of which of the prior's mixture it is, the others how far from its mean.
        """
        return normal((self.rows(bars), 1 + self.sizes.size), seed)

    def nats(self, posterior: Posterior, latent: Vector) -> float:
        """How much more a latent is expected by a posterior than by the prior, in nats.

        The mean over latents drawn from the posterior is its divergence: how much the latent of the piece says.
        """
        with one_thread():
            rows = np.arange(len(latent))
            before = [np.concatenate([np.zeros_like(latent[:lag]), latent[:-lag]])[: len(latent)] for lag in LAGS]
            inputs = np.concatenate([*before, self._of_form(posterior.form[: len(latent)])], axis=1)
            means, deviations, shares = self._mixture(self._lstm("prior.reader", inputs[None])[0], before, rows)
        each = shares + _log_density(latent[:, None], means, deviations)
        most = each.max(axis=1, keepdims=True)
        expected = most[:, 0] + np.log(np.exp(each - most).sum(axis=1))
        return float((_log_density(latent, posterior.mean, posterior.deviation) - expected).sum())

    def posterior(self, score: Score) -> Posterior:
        """Where a piece lies.

        Args:
            score: as the model knows music (`Style.undress`); what is off the grid goes to its nearest place.

        Raises:
            ModelError: the model has no encoder.
        """
        if "encoder.mean.kernel" not in self._weights:
            raise ModelError(f"{self._path} has no encoder: it can write, but not say where a piece lies; choose a VAE")
        score = self._tokenizer.quantize(score)
        rows, counts = bar_notes(score)
        with one_thread():
            read = self._both_ways("encoder.bars", self._notes(rows, counts))
            if not self.sizes.hierarchical:
                read = read.mean(axis=0, keepdims=True)
            mean, spread = (self._dense(f"encoder.{name}", read) for name in ("mean", "log_variance"))
        return Posterior(mean, _deviation(spread), forms_of(score))

    def contexts(self, latent: Vector) -> Vector:
        """What the decoder is told at each place: float32 (bars x `composer.bar_notes.PLACES`, context).

        Of a flat model: float32 (1, context).
        """
        with one_thread():
            if not self.sizes.hierarchical:
                return self._dense("conductor.output", latent)
            read = np.concatenate([latent, self._both_ways("conductor.bars", latent)], axis=1)
            told = self._dense("conductor.output", np.tanh(self._dense("conductor.bar", read)))
            return told.reshape(len(latent) * PLACES, -1)

    def _of_form(self, form: NDArray[np.int32]) -> Vector:
        """What the prior knows of each bar: (bars, size)."""
        read = sum(self._weights[f"prior.{name}"][form[:, index]] for index, name in enumerate(FORM))
        return np.asarray(read, dtype=np.float32)

    def _mixture(
        self, hidden: Vector, before: list[Vector], row: NDArray[np.int64]
    ) -> tuple[Vector, Vector, NDArray[np.float64]]:
        """What the prior expects of n rows: means and deviations (n, 1 + lags, size), logarithms of shares.

        Args:
            hidden: what was read, (n, units).
            before: the rows that each of the lags leads back to, (n, size) each.
            row: their numbers, (n,).
        """
        said = np.split(self._dense("prior", hidden), np.cumsum(self.sizes.prior_outputs)[:-1], axis=1)
        mean, spread, others, logits = said
        spreads = np.concatenate([spread, others], axis=1).reshape(len(hidden), 1 + len(LAGS), self.sizes.size)
        logits = np.where(row[:, None] >= np.array((0, *LAGS)), logits, NOT_THERE).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        again = np.stack(before, axis=1) * self._weights["prior.again.scale"] + self._weights["prior.again.shift"]
        return np.concatenate([mean[:, None], again], axis=1), _deviation(spreads), shares

    def _notes(self, rows: NDArray[np.int32], counts: NDArray[np.int32]) -> Vector:
        """What is in each bar: notes (bars, n, columns) -> (bars, 2 units)."""
        read = sum(self._weights[f"encoder.notes.{name}"][rows[:, :, index]] for index, name in enumerate(SIZES))
        assert isinstance(read, np.ndarray)
        there = counts > 0
        if self.sizes.encoder == "cnn":
            real = (np.arange(rows.shape[1]) < counts[:, None])[:, :, None]
            for index in range(2):
                read = self._convolved(f"encoder.notes.conv{index}", read * real)
            return np.asarray((read * real).max(axis=1), dtype=np.float32)
        last = np.maximum(counts - 1, 0)
        back = np.maximum(last[:, None] - np.arange(rows.shape[1]), 0)
        bars = np.arange(len(rows))
        ends = [
            self._lstm(f"encoder.notes.{name}", each)[bars, last]
            for name, each in (("forward", read), ("backward", read[bars[:, None], back]))
        ]
        return np.asarray(np.concatenate(ends, axis=1) * there[:, None], dtype=np.float32)

    def _convolved(self, name: str, rows: Vector) -> Vector:
        """A convolution over three notes: (n, time, features) -> (n, time, channels)."""
        kernel, padded = self._weights[f"{name}.kernel"], np.pad(rows, ((0, 0), (1, 1), (0, 0)))
        time = rows.shape[1]
        found = sum(padded[:, at : at + time] @ kernel[at] for at in range(3)) + self._weights[f"{name}.bias"]
        return np.asarray(np.maximum(found, 0), dtype=np.float32)

    def _both_ways(self, name: str, rows: Vector) -> Vector:
        """Bars read forwards and backwards: (bars, n) -> (bars, 2 units)."""
        ahead = self._lstm(f"{name}.forward", rows[None])[0]
        back = self._lstm(f"{name}.backward", rows[None, ::-1])[0, ::-1]
        return np.concatenate([ahead, back], axis=1)

    def _lstm(self, name: str, rows: Vector) -> Vector:
        """Hidden states: (n, time, features) -> (n, time, units)."""
        inputs = rows @ self._weights[f"{name}.kernel"] + self._weights[f"{name}.bias"]
        recurrent = self._weights[f"{name}.recurrent"]
        state = (np.zeros((len(rows), len(recurrent)), np.float32),) * 2
        result = np.empty((*rows.shape[:2], len(recurrent)), np.float32)
        for step in range(rows.shape[1]):
            state = _after(state, inputs[:, step] + state[0] @ recurrent)
            result[:, step] = state[0]
        return result

    def _dense(self, name: str, rows: Vector) -> Vector:
        result: Vector = rows @ self._weights[f"{name}.kernel"] + self._weights[f"{name}.bias"]
        return result


def _deviation(log_variance: Vector) -> Vector:
    result: Vector = np.exp(np.float32(0.5) * np.clip(log_variance, *LOG_VARIANCE))
    return result


def _log_density(rows: Vector, mean: Vector, deviation: Vector) -> NDArray[np.float64]:
    """Of normal distributions, in nats: (..., size) -> (...)."""
    apart = (rows.astype(np.float64) - mean) / deviation
    result: NDArray[np.float64] = -0.5 * (apart**2 + 2 * np.log(deviation) + np.log(2 * np.pi)).sum(axis=-1)
    return result


def _after(state: tuple[Vector, Vector], gates: Vector) -> tuple[Vector, Vector]:
    """Hidden state and cell of LSTMs after a step: (n, units) each, gates (n, 4 units)."""
    i, f, candidate, o = np.split(gates, 4, axis=1)
    cell = _sigmoid(f) * state[1] + _sigmoid(i) * np.tanh(candidate)
    return _sigmoid(o) * np.tanh(cell), cell


def _sigmoid(values: Vector) -> Vector:
    result: Vector = np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * values))
    return result


def slerp(first: Vector, second: Vector, at: float) -> Vector:
    """A point on the arc from one latent to another, at 0 to 1 of it (Shoemake, SIGGRAPH 1985).

    Direction and length change evenly. A straight line would pass where lengths are seldom: those of latents hardly
    differ.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    lengths = np.sqrt((one**2).sum()), np.sqrt((other**2).sum())
    if min(lengths) == 0:
        return np.asarray((1 - at) * one + at * other, dtype=np.float32)
    one, other = one / lengths[0], other / lengths[1]
    angle = float(np.arccos(np.clip((one * other).sum(), -1.0, 1.0)))
    length = (1 - at) * lengths[0] + at * lengths[1]
    if np.sin(angle) < _NO_ARC:
        shares = (1 - at) * lengths[0] / length, at * lengths[1] / length
    else:
        shares = np.sin((1 - at) * angle) / np.sin(angle), np.sin(at * angle) / np.sin(angle)
    return np.asarray(length * (shares[0] * one + shares[1] * other), dtype=np.float32)


__all__ = ["LOG_VARIANCE", "NOT_THERE", "Latent", "Posterior", "normal", "slerp"]
