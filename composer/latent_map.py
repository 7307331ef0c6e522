"""A picture of a latent space: a dot for every piece of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer import bundle
from composer.decode import Progress
from composer.files import check_writable
from composer.latent_runtime import Latent
from data.dataset import entries, tokenizer_of
from theory.atomic_file import atomic_path
from theory.errors import RequestError

_SIZE, _DPI = (13.0, 6.2), 110
_COLOURS = 10  # told apart; what is rarer is grey
_FEWEST = 3


class Shown(NamedTuple):
    """What a map shows.

    Attributes:
        pieces: how many.
        share: of the variance among their places that its two axes have.
        unread: what is wrong with each file that could not be read.
        others: how many pieces have other parts than the style, or no notes.
    """

    pieces: int
    share: float
    unread: tuple[str, ...]
    others: int


def draw(
    dataset: str, style: str, model: str, path: Path, *, most: int = 2000, progress: Progress | None = None
) -> Shown:
    """Draw where pieces lie, coloured by the corpus or folder they are from, and by key.

    Args:
        dataset: a corpus, a data set or a folder.
        style: of the model.
        model: one with an encoder.
        path: of the PNG.
        most: how many pieces are drawn; of more, so many that stand evenly among the others.
        progress: called with (pieces read, pieces in all).

    Raises:
        RequestError: too few pieces of the style, or a place that is named as no PNG is.
        CadenzaError: the model or the data set cannot be read, the picture cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise RequestError(f"--out {path}: a map is written as .png")
    if most < _FEWEST:
        raise RequestError(f"most {most}: must be {_FEWEST} pieces or more")
    check_writable([path])
    known = bundle.load(bundle.find(style, model))
    if known.style.name != style:
        raise RequestError(f"model {model} writes style {known.style.name}, not {style}")
    space = Latent(known)
    tokenizer = tokenizer_of(dataset)
    known.check(tokenizer, dataset)
    count, stream = entries(dataset)
    found, unread, others = [], [], 0
    for number, entry in enumerate(stream, 1):
        if entry.error:
            unread.append(str(entry.error))
        elif entry.score and entry.score.notes and known.style.writes_for(entry.score):
            score = known.style.undress(tokenizer.quantize(entry.score), dynamics=tokenizer.expressive)
            found.append((_origin(entry.id), score))
        else:
            others += 1
        if progress:
            progress(number, count)
    if len(found) < _FEWEST:
        raise RequestError(f"{len(found)} pieces of style {style} in {dataset}: at least {_FEWEST} are needed")
    found = [found[index] for index in np.unique(np.linspace(0, len(found) - 1, most).astype(int))]
    places = np.array([space.posterior(score).mean.mean(axis=0) for _, score in found], dtype=np.float64)
    points, share = plane(places)
    keys = [str(score.keys[0].key) if score.keys else "no key" for _, score in found]
    _drawn(points, {"corpus": [origin for origin, _ in found], "key": keys}, share, path)
    return Shown(len(found), share, tuple(unread), others)


def plane(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Places on their first two principal components, and what share of their variance these have.

    Each axis points to where its greatest weight is positive, so that the picture does not turn over.
    """
    centred = np.pad(places - places.mean(axis=0), ((0, 0), (0, max(0, 2 - places.shape[1]))))
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    total = float((lengths**2).sum())
    return centred @ axes.T, float((lengths[:2] ** 2).sum()) / total if total else 0.0


def _origin(name: str) -> str:
    """The corpus or folder in a piece's name."""
    first, slash, _ = name.partition("/")
    return first if slash else "here"


def _drawn(points: NDArray[np.float64], colours: dict[str, Sequence[str]], share: float, path: Path) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    for place, (what, names) in enumerate(colours.items(), 1):
        axes = figure.add_subplot(1, len(colours), place)
        common = [name for name, _ in sorted(Counter(names).items(), key=lambda row: (-row[1], row[0]))]
        every = np.array(names)
        for index, name in enumerate([None, *common[:_COLOURS]]):
            rows = ~np.isin(every, common[:_COLOURS]) if name is None else every == name
            if not rows.any():
                continue
            colour = "#bbbbbb" if name is None else matplotlib.colormaps["tab10"]((index - 1) % _COLOURS)
            label = f"{name or 'others'} ({rows.sum()})"
            axes.scatter(points[rows, 0], points[rows, 1], s=9, alpha=0.7, linewidths=0, color=colour, label=label)
        axes.set_title(f"by {what}", loc="left", fontsize=11)
        axes.set_xlabel("first principal component", fontsize=9)
        axes.set_ylabel("second principal component", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False, markerscale=2, loc="best")
    figure.suptitle(f"{len(points)} pieces in the latent space ({share:.0%} of how they differ)", fontsize=12)
    with atomic_path(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})


__all__ = ["Shown", "draw", "plane"]
