"""`cadenza continue`: the bars that follow."""

from __future__ import annotations

from functools import partial
from typing import Any

from composer.cli import options

NAME = "continue"


@options.composing
def run(
    primer: options.InputFile,
    formats: options.Formats = None,
    out: options.Out = "out/continued",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
    **request: Any,
) -> None:
    """Compose the bars that follow a piece. Its own notes, key, meter and tempo stay.

    --bars, --chords, --density and --onsets are about the new bars; --cadence and --lock name bars of the whole piece.

    Examples:
        cadenza continue out/song.mid --bars 8 --out out/longer

        cadenza continue sketch.musicxml --bars 4 --seed 3 --out sketch-2.mid

        cadenza continue sketch.musicxml --chords "vi | IV | V7 | I" --rules four-part --out sketch-3.mid
    """
    import composer
    from composer.cli import learnt, output

    places = output.settle(out, formats, soundfont, request["locks"], primer)
    make = partial(composer.continue_piece, composer.read(primer), **request)
    learnt.read(request)
    output.deliver(make, places, soundfont, as_json=json)
