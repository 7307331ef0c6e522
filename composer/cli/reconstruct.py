"""`cadenza reconstruct`: a piece as a latent space keeps it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from composer.cli import options

NAME = "reconstruct"
Style = Annotated[str, typer.Option(help="Style of the piece.")]
Model = Annotated[str, typer.Option(help="A model with an encoder: vae, or a model's folder.")]
Temperature = Annotated[float, options.fraction("0 writes what is likeliest; 1 draws as the model learnt.")]


@options.of_a_piece
def run(
    piece: options.InputFile,
    style: Style = "folk",
    model: Model = "vae",
    temperature: Temperature = 0.0,
    formats: options.Formats = None,
    out: options.Out = "out/reconstructed",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Encode a piece and write it again from what its latent says: how well does the model know such music?

    Key, meter, tempo, upbeat and bars are the piece's; whatever else is asked of the notes holds.

    Examples:
        cadenza reconstruct tune.abc --out out/again

        cadenza reconstruct tune.mid --range melody=D4:B5 --out out/narrow
    """
    import composer.latent
    from composer.cli import learnt, output

    places = output.settle(out, formats, soundfont, request["locks"], piece)
    request |= {"style": style, "model": model, "temperature": temperature}
    learnt.read(request)
    output.deliver(partial(composer.latent.reconstruct, piece, **request), places, soundfont, as_json=json)
