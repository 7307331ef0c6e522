"""`cadenza continue`: the bars that follow."""

from __future__ import annotations

from composer.cli import options

NAME = "continue"


def run(
    primer: options.InputFile,
    style: options.Style = "chorale",
    model: options.Model = "lstm",
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
    out: options.Out = "out/continued",
    soundfont: options.Soundfont = None,
    json: options.Json = False,
) -> None:
    """Compose the bars that follow a piece. Its own notes, key, meter and tempo stay.

    Examples:
        cadenza continue out/song.mid --bars 8 --out out/longer

        cadenza continue sketch.musicxml --bars 4 --seed 3 --out sketch-2.mid

        cadenza continue sketch.musicxml --chords "vi | IV | V7 | I" --rules four-part --out sketch-3.mid
    """
    import composer
    from composer import files
    from composer.cli.output import report

    sound = files.settle_sound(files.targets(out, options.split(formats)), soundfont, optional=formats is None)
    score = composer.read(primer)
    with options.bar_progress("composing") as progress:
        piece = composer.continue_piece(
            score, style=style, model=model, bars=bars, seed=seed, temperature=temperature, top_k=top_k, top_p=top_p,
            title=title, chords=chords, between=between, scale=scale, ranges=ranges, cadences=cadences, leaps=leaps,
            density=density, onsets=onsets, durations=durations, locks=locks, polyphony=polyphony, rules=rules,
            ending=ending, progress=progress,
        )  # fmt: skip
    written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
    report(piece, written, sound.notes, as_json=json)
