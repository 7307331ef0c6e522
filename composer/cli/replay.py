"""`cadenza replay`: a piece again from its recipe, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from composer.cli import options

if TYPE_CHECKING:
    from composer.piece import Recipe

NAME = "replay"


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .json or .mid of a piece.", readable=False)],
    formats: options.Formats = None,
    out: options.Out = "out/replayed",
    soundfont: options.Soundfont = None,
) -> None:
    """Write a piece again from the recipe in its .json or .mid: the same bytes, no model needed.

    Example:
        cadenza replay out/song.json --out out/again
    """
    from composer import files
    from composer.piece import Piece

    recipe = files.read_recipe(file)
    piece = Piece.from_recipe(recipe)
    wanted = files.targets(out, options.split(formats))
    chosen = soundfont or files.same_soundfont(recipe)
    sound = files.settle_sound(wanted, chosen, optional=formats is None)
    differences = _differences(recipe, sound.facts)
    if recipe.sound and sound.facts:  # the same facts, unless the sound is another now: then the new recipe says so
        piece = piece.with_sound(sound.facts)
    written = files.write_piece(piece, sound.files, chosen)
    for line in (*sound.notes, *written.notes, *differences):
        print(f"cadenza: {line}", file=sys.stderr)
    for path in written.files.values():
        print(f"  {path}")


def _differences(recipe: Recipe, facts: dict[str, Any]) -> list[str]:
    """Why some bytes may differ from the original's."""
    from composer.piece import installed_versions

    here = installed_versions()
    other = [f"{name} {version}" for name, version in recipe.versions.items() if here.get(name) != version]
    lines = [f"made with {', '.join(other)}, not what is here: files may differ in detail"] if other else []
    changed = [name for name, value in facts.items() if recipe.sound and recipe.sound.get(name) != value]
    if changed:
        made_with = f"{recipe.sound.get('soundfont')} on FluidSynth {recipe.sound.get('fluidsynth')}"
        lines.append(f"made with {made_with}, not what is here: the sound differs")
    return lines
