"""`cadenza interpolate`: pieces on the way from one to another."""

from __future__ import annotations

from typing import Annotated, Any

from composer.cli import options
from composer.cli.reconstruct import Model, Style, Temperature

NAME = "interpolate"


@options.of_a_piece
def run(
    first: options.InputFile,
    second: options.InputFile,
    steps: Annotated[int, options.whole("How many pieces, both ends included.")] = 8,
    style: Style = "folk",
    model: Model = "vae",
    temperature: Temperature = 0.0,
    formats: options.Formats = None,
    out: options.Out = "out/path",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Write pieces on the way from one to another of the same meter and number of bars: path-01.mid, path-02.mid, ...

    Key and tempo are the first one's. Every step is a whole piece, and whatever is asked of the notes holds in each.

    Examples:
        cadenza interpolate a.mid b.mid --steps 8 --out out/path

        cadenza interpolate a.mid b.mid --steps 5 --formats mid --scale key --out out/in-key
    """
    import composer.latent
    from composer.cli import learnt, output

    bounds: dict[str, Any] = {"option": "--steps", "least": 2, "most": composer.latent.MOST_STEPS}
    places = output.settle_many(out, steps, formats, soundfont, request["locks"], first, second, **bounds)
    request |= {"style": style, "model": model, "temperature": temperature}
    learnt.read(request)
    path = composer.latent.path(first, second, steps=steps, **request)
    output.deliver_path(path, places, soundfont, as_json=json)
