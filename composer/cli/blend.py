"""`cadenza blend`: one piece between several."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.cli import options
from composer.cli.reconstruct import Model, Style, Temperature

NAME = "blend"


@options.of_a_piece
def run(
    pieces: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="MIDI, MusicXML, ABC or **kern.", readable=False)
    ],
    weights: Annotated[str | None, typer.Option(help="How much of each, as in 2,1,1. [default: all alike]")] = None,
    style: Style = "folk",
    model: Model = "vae",
    temperature: Temperature = 0.0,
    formats: options.Formats = None,
    out: options.Out = "out/blend",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Write one piece between several of the same meter and number of bars; key and tempo are the first one's.

    Examples:
        cadenza blend a.mid b.mid c.mid --out out/between

        cadenza blend a.mid b.mid --weights 3,1 --out out/mostly-a
    """
    import composer.latent
    from composer.cli import learnt, output
    from composer.words import numbers

    places = output.settle(out, formats, soundfont, request["locks"], *pieces)
    shares = None if weights is None else numbers("weights", weights)
    request |= {"style": style, "model": model, "temperature": temperature}
    learnt.read(request)
    make = partial(composer.latent.blend, pieces, weights=shares, **request)
    output.deliver(make, places, soundfont, as_json=json)
