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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .json or .mid of a piece that Cadenza wrote.")],
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
    sound = files.settle_sound(files.targets(out, options.split(formats)), soundfont, optional=formats is None)
    written = files.write_piece(Piece.from_recipe(recipe), sound.files, soundfont)
    for line in (*sound.notes, *written.notes, *_differences(recipe, sound.facts)):
        print(f"cadenza: {line}", file=sys.stderr)
    for path in written.files.values():
        print(f"  {path}")


def _differences(recipe: Recipe, facts: dict[str, Any]) -> list[str]:
    """Why some bytes may differ from the original's."""
    from composer.piece import installed_versions

    here = installed_versions()
    lines = [
        f"made with {name} {version}, here is {here.get(name)}: its files may differ in detail"
        for name, version in recipe.versions.items()
        if here.get(name) != version
    ]
    if facts and recipe.sound:
        lines += [
            f"the sound was made with {name} {recipe.sound.get(name)}, here is {value}"
            for name, value in facts.items()
            if recipe.sound.get(name) != value
        ]
    return lines
