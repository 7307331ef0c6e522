"""`cadenza vary`: a piece changed through a latent space."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from composer.cli import options
from composer.cli.reconstruct import Model, Style, Temperature
from theory.errors import RequestError

NAME = "vary"


@options.of_a_piece
def run(
    piece: options.InputFile,
    toward: Annotated[
        str | None, typer.Option(help='Attributes to move, as in "+density -syncopation=0.5": standard deviations.')
    ] = None,
    dial: Annotated[
        float | None, options.fraction("How many times as far; -1 goes the other way. [default: 1]")
    ] = None,
    spread: Annotated[
        float | None,
        options.fraction("How far from the piece a seed may lead. [default: 1, or 0 with --toward]"),
    ] = None,
    style: Style = "folk",
    model: Model = "vae",
    temperature: Temperature = 0.0,
    formats: options.Formats = None,
    out: options.Out = "out/varied",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Change a piece: denser, higher, less syncopated, ... or a variation that the seed draws near it.

    Attributes: density (notes a bar), register (mean pitch), range, leaps, syncopation, pitch-classes and rhythm (how
    many kinds are used how evenly). A model says which of them it knows.

    Examples:
        cadenza vary tune.mid --toward "+density -syncopation" --out out/livelier

        cadenza vary tune.mid --toward +register --dial 2 --out out/higher

        cadenza vary tune.mid --seed 3 --spread 1.5 --out out/variation
    """
    import composer.latent
    from composer.attributes import parsed
    from composer.cli import learnt, output

    places = output.settle(out, formats, soundfont, request["locks"], piece)
    request |= {"style": style, "model": model, "temperature": temperature}
    learnt.read(request)
    if toward is None and dial is not None:
        raise RequestError(f"--dial {dial:g}: it is about --toward, so give that too")
    moves = None if toward is None else parsed(toward, 1.0 if dial is None else dial)
    make = partial(composer.latent.vary, piece, toward=moves, spread=spread, **request)
    output.deliver(make, places, soundfont, as_json=json, before=piece)
