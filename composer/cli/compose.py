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
        str | None,
        typer.Option(help="As in 'D minor', 'Eb', 'f#'. [default: a locked tune's, the chords', or the style's]"),
    ] = None,
    meter: Annotated[
        str | None, typer.Option(help="As in 4/4 or 3/4. [default: a locked tune's, or the style's]")
    ] = None,
    tempo: Annotated[int | None, options.whole("Quarter notes a minute. [default: the style's]")] = None,
    count: Annotated[
        int, options.whole("So many pieces (10000 at most), of this seed and the next: song-01.mid, song-02.mid, ...")
    ] = 1,
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

        cadenza compose --key "D minor" --bars 16 --count 32 --formats mid --out out/many

        cadenza compose --bars 16 --original 10 --out out/own
    """
    import composer
    from composer.cli import learnt, output
    from composer.many import compose_each

    form: dict[str, Any] = {"key": key, "meter": meter, "tempo": tempo}
    if count == 1:
        places = output.settle(out, formats, soundfont, request["locks"])
        learnt.read({**form, **request})
        output.deliver(partial(composer.compose, **form, **request), places, soundfont, as_json=json)
    else:
        each = output.settle_many(out, count, formats, soundfont, request["locks"])
        learnt.read({**form, **request})
        make = partial(compose_each, workers=output.workers_for(count), **form, **request)
        output.deliver_many(make, each, soundfont, request["seed"], as_json=json)
