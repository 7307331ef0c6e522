"""`cadenza map`: a picture of a latent space."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from composer.cli import options
from composer.cli.reconstruct import Model, Style

NAME = "map"


def run(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A corpus (folk), a prepared data set, or a folder of music.")
    ],
    style: Style = "folk",
    model: Model = "vae",
    most: Annotated[int, options.whole("How many pieces are drawn, at most.")] = 2000,
    out: Annotated[Path, typer.Option(help="The picture.")] = Path("out/map.png"),
) -> None:
    """Draw where the pieces of a data set lie in a model's latent space, coloured by corpus and by key.

    The two axes are those along which pieces differ most (principal components of the mean of a piece's rows).

    Examples:
        cadenza map folk --out out/map.png

        cadenza map my-tunes/ --model runs/mine --out out/mine.png
    """
    from composer import latent_map

    with options.bar_progress("reading", "pieces") as progress:
        shown = latent_map.draw(dataset, style, model, out, most=most, progress=progress)
    for error in shown.unread:
        print(f"cadenza: left out: {error}", file=sys.stderr)
    if shown.others:
        what = "1 piece has" if shown.others == 1 else f"{shown.others} pieces have"
        print(f"cadenza: left out: {what} other parts than style {style}, or no notes", file=sys.stderr)
    print(f"{shown.pieces} pieces; the axes show {shown.share:.0%} of how they differ")
    print(f"  {out}")
