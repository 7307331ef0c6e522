"""What a latent space is good for, on held-out tunes: reconstruction, ways from tune to tune, and attributes.

- Reconstruction: excerpts of 2 and of 16 bars are encoded, a latent is drawn from the posterior, and the likeliest
  tokens are written; the share of 16th steps that come out alike, with the measured divergence in bits. Beside it the
  same from the posterior's mean, and of a flat model where one is given.
- Interpolation: random pairs of one form, eight steps; Spearman's correlation of density, range and pitch-class entropy
  with the way, in the direction in which the ends differ (pairs whose ends are equal in one say nothing of it).
- Attributes: each is dialled by one standard deviation either way; how far the one that is asked for moves in the
  written pieces, and how far the others do, in standard deviations (half the difference of the two sides).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import report
from composer import bundle, latent
from composer.bundle import Bundle
from composer.decode import write_many
from composer.evaluation.likelihoods import alike
from composer.excerpts import whole_bars
from composer.generate import prepared
from composer.latent_runtime import Latent
from composer.runtime import Runtime
from composer.style import Style
from data.dataset import entries
from theory.analysis.attributes import ATTRIBUTES
from theory.score import Score

_WAY = ("density", "range", "pitch-classes")
_STEPS = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style", default="folk")
    parser.add_argument("--model", default="vae", help="an architecture that ships, or a model's folder")
    parser.add_argument("--flat", help="folder of a flat model for comparison")
    parser.add_argument("--dataset", default="folk")
    parser.add_argument("--side", default="test", choices=("valid", "test"))
    parser.add_argument("--pieces", type=int, default=1000, help="held-out pieces, at most")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--dialled", type=int, default=20, help="pieces that are dialled")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = bundle.load(bundle.find(options.style, options.model))
    scores = _held_out(options.dataset, options.side, model)[: options.pieces]
    asked = {"style": options.style, "model": options.model}
    cuts = {bars: [cut for cut in whole_bars(scores, bars) if _can_be_asked(model.style, cut)] for bars in (2, 16)}
    some = cuts[16][:: max(1, len(cuts[16]) // max(1, options.dialled))][: options.dialled]
    report("latent_attributes", list(_dialled(some, model, asked)), "one moves by a deviation, the others stay")
    ways = _interpolations(_pairs(cuts[16], options.pairs, options.seed), asked)
    least = min(row["median correlation"] for row in ways)
    report("latent_ways", ways, f"what differs between two tunes changes one way between them: {least:.2f}")
    rows = [
        _reconstruction(options.model, model, asked, cuts[bars], bars, options.seed, mean)
        for bars in cuts
        for mean in (False, True)
    ]
    if options.flat:
        flat, asked = bundle.load(bundle.find(options.style, options.flat)), {**asked, "model": options.flat}
        rows.append(_reconstruction(f"flat: {options.flat}", flat, asked, cuts[16], 16, options.seed, mean=False))
    two, sixteen = rows[0], rows[2]
    claim = (
        f"sampled reconstruction of {options.side} tunes {two['alike']:.3f} (2 bars, {two['bits']:.0f} bits) and "
        f"{sixteen['alike']:.3f} (16 bars, {sixteen['bits']:.0f} bits); ways {least:.2f}"
    )
    holds = two["alike"] >= 0.95 and two["bits"] <= 48 and sixteen["alike"] >= 0.75 and sixteen["bits"] <= 256
    report("latent_space", rows, claim, holds and least >= 0.9)


def _held_out(dataset: str, side: str, model: Bundle) -> list[Score]:
    """Held-out pieces as the model knows music."""
    found = []
    for entry in entries(dataset)[1]:
        if entry.side == side and entry.score is not None and model.style.writes_for(entry.score) and entry.score.notes:
            found.append(model.style.undress(model.tokenizer.quantize(entry.score)))
    return found


def _can_be_asked(style: Style, cut: Score) -> bool:
    """Whether the style writes such music: one meter and one key, both of its own."""
    meters, modes = [str(event.meter) for event in cut.meters], [event.key.mode for event in cut.keys]
    return len(meters) == 1 and meters[0] in style.meters and all(mode in style.modes for mode in modes)


def _reconstruction(
    name: str, model: Bundle, asked: dict[str, Any], cuts: list[Score], bars: int, seed: int, mean: bool
) -> dict[str, Any]:
    space, runtime = Latent(model), Runtime(model)
    hits, bits = [], []
    ready = sorted(((_form(cut), number, cut) for number, cut in enumerate(cuts)), key=lambda row: row[:2])
    for _, group in groupby(ready, key=lambda row: row[0]):
        members = list(group)
        posteriors = {seed + number: space.posterior(cut) for _, number, cut in members}
        latents = {at: each.mean if mean else each.draw(at) for at, each in posteriors.items()}
        told = {at: runtime.told(space.contexts(each)) for at, each in latents.items()}
        if len(told) == 1:
            told[max(told) + 1] = next(iter(told.values()))  # two or more are written side by side
        task = prepared(latent.place(members[0][2], asked).wanted).task._replace(told=told.__getitem__)
        for (_, number, cut), draft in zip(members, write_many(task, list(told)), strict=False):
            again = None if isinstance(draft, Exception) else runtime.tokenizer.decode(draft.ids)
            hits.append(alike(cut, again))
            posterior = posteriors[seed + number]
            bits.append(space.nats(posterior, posterior.draw(seed + number)) / np.log(2))
    right, total = np.array(hits).T
    rates = right / total
    return {
        "model": name, "bars": bars, "latent": "mean" if mean else "drawn", "alike": float(right.sum() / total.sum()),
        "standard error": float(rates.std() / np.sqrt(len(rates))), "bits": float(np.mean(bits)),
        "pieces": len(rates),
    }  # fmt: skip


def _form(score: Score) -> str:
    return f"{score.meters[0].meter} {score.keys[0].key if score.keys else ''} {round(score.tempos[0].bpm)}"


def _pairs(cuts: list[Score], count: int, seed: int) -> list[tuple[Score, Score]]:
    """Random pairs of one meter."""
    dice = np.random.default_rng(seed)
    found: list[tuple[Score, Score]] = []
    while len(found) < count:
        one, other = (cuts[int(place)] for place in dice.choice(len(cuts), 2, replace=False))
        if one.meters[0].meter == other.meters[0].meter:
            found.append((one, other))
    return found


def _interpolations(pairs: list[tuple[Score, Score]], asked: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[str, list[float]] = {name: [] for name in _WAY}
    for one, other in pairs:
        path = [piece.score for piece in latent.interpolate(one, other, steps=_STEPS, **asked)]
        for name in _WAY:
            values = np.array([ATTRIBUTES[name](score) for score in path])
            if values[0] != values[-1]:
                found[name].append(float(np.sign(values[-1] - values[0])) * _spearman(values))
    return [
        {"attribute": name, "median correlation": float(np.median(values)), "pairs": len(values)}
        for name, values in found.items()
    ]


def _spearman(values: NDArray[np.float64]) -> float:
    """Rank correlation with 0, 1, 2, ...; ties share their mean rank."""
    ranks = np.array([((values < value).sum() + (values <= value).sum() - 1) / 2 for value in values])
    return float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])


def _dialled(cuts: list[Score], model: Bundle, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """How far each attribute moves when one is dialled down and up by a standard deviation: half the difference."""
    heard, spread = model.heard.names, model.heard.deviations
    for name in heard:
        sides = []
        for amount in (-1.0, 1.0):
            made = [latent.vary(cut, toward={name: amount}, **asked).score for cut in cuts]
            sides.append(np.mean([[ATTRIBUTES[other](score) for other in heard] for score in made], axis=0))
        moved = (sides[1] - sides[0]) / 2 / spread
        yield {"dialled": name, **{other: float(value) for other, value in zip(heard, moved, strict=True)}}


if __name__ == "__main__":
    main()
