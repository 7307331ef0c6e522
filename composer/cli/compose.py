"""`cadenza compose`: a piece from a request."""

from __future__ import annotations

from typing import Annotated

import typer

from composer.cli import options

NAME = "compose"


def run(
    style: options.Style = "chorale",
    model: options.Model = "lstm",
    key: Annotated[str | None, typer.Option(help="As in 'D minor', 'Eb', 'f#'. [default: the style's]")] = None,
    meter: Annotated[str | None, typer.Option(help="As in 4/4 or 3/4. [default: the style's]")] = None,
    tempo: Annotated[int | None, typer.Option(help="Quarter notes a minute. [default: the style's]")] = None,
    bars: options.Bars = None,
    chords: options.Chords = None,
    between: options.Between = "scale",
    scale: options.Scale = None,
    ranges: options.Ranges = None,
    cadences: options.Cadences = None,
    leaps: options.Leaps = None,
    density: options.Density = None,
    onsets: options.Onsets = None,
    durations: options.Durations = None,
    locks: options.Locks = None,
    polyphony: options.Polyphony = None,
    rules: options.Rules = None,
    ending: options.Ending = None,
    seed: options.Seed = 0,
    temperature: options.Temperature = 1.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    title: options.Title = None,
    formats: options.Formats = None,
    out: options.Out = "out/song",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
) -> None:
    """Compose a piece: score, sound, picture and recipe.

    What is asked of the notes (chords, ranges, cadences, ...) holds in every one of them, or nothing is written.

    Examples:
        cadenza compose --key "D minor" --bars 16 --seed 11 --out out/song

        cadenza compose --key G --meter 3/4 --bars 8 --out waltz.mid

        cadenza compose --key "D minor" --chords "Dm | Gm | A7 | Dm" --bars 8 --rules four-part --out out/steered

        cadenza compose --range soprano=C4:G5 --cadence 4=half --cadence 8=perfect --bars 8 --out out/phrase

        cadenza compose --temperature 0.8 --formats mid,musicxml --out out/calm
    """
    import composer
    from composer import files
    from composer.cli.output import report

    sound = files.settle_sound(files.targets(out, options.split(formats)), soundfont, optional=formats is None)
    with options.bar_progress("composing") as progress:
        piece = composer.compose(
            style=style, model=model, key=key, meter=meter, tempo=tempo, bars=bars, seed=seed, temperature=temperature,
            top_k=top_k, top_p=top_p, title=title, chords=chords, between=between, scale=scale, ranges=ranges,
            cadences=cadences, leaps=leaps, density=density, onsets=onsets, durations=durations, locks=locks,
            polyphony=polyphony, rules=rules, ending=ending, progress=progress,
        )  # fmt: skip
    written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
    report(piece, written, sound.notes, as_json=json)
