"""`cadenza compose`: a piece from a request."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from composer.cli import options

NAME = "compose"


@options.composing
def run(
    key: Annotated[
        str | None, typer.Option(help="As in 'D minor', 'Eb', 'f#'. [default: a locked tune's, or the style's]")
    ] = None,
    meter: Annotated[
        str | None, typer.Option(help="As in 4/4 or 3/4. [default: a locked tune's, or the style's]")
    ] = None,
    tempo: Annotated[int | None, typer.Option(help="Quarter notes a minute. [default: the style's]")] = None,
    formats: options.Formats = None,
    out: options.Out = "out/song",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Compose a piece: score, sound, picture and recipe.

    What is asked of the notes (chords, ranges, cadences, ...) holds in every one of them, or nothing is written.

    Examples:
        cadenza compose --key "D minor" --bars 16 --seed 11 --out out/song

        cadenza compose --key G --meter 3/4 --bars 8 --out waltz.mid

        cadenza compose --key "D minor" --chords "Dm | Gm | A7 | Dm" --bars 8 --rules four-part --out out/steered

        cadenza compose --range soprano=C4:G5 --cadence 4=half,8=perfect --bars 8 --out out/phrase

        cadenza compose --temperature 0.8 --formats mid,musicxml --out out/calm
    """
    import composer
    from composer.cli import output

    make = partial(composer.compose, key=key, meter=meter, tempo=tempo, **request)
    places = output.settle(out, formats, soundfont, request["locks"])
    output.deliver(make, places, soundfont, as_json=json)
