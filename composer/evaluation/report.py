"""A report as files: the page, and the figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from composer.evaluation.composing import Made
from composer.evaluation.page import Example, Heard, page
from composer.evaluation.rows import REAL
from composer.evaluation.run import Evaluated, Show
from composer.evaluation.sound import Clip, encoded, midi_bytes, rendered
from composer.style import Style
from theory.atomic_file import atomic_paths
from theory.errors import FluidSynthMissingError
from theory.score import Score

PAGE, FIGURES = "report.html", "report.json"
EXAMPLES = 3  # requests that can be heard
_RATE = 32_000  # frames a second, one channel


def write(found: Evaluated, out_dir: Path, show: Show, soundfont: str | None = None) -> tuple[Path, Path]:
    """Write the page and the figures into a folder.

    Args:
        found: the report.
        out_dir: the folder.
        show: as `run.evaluate` takes it.
        soundfont: to play with.

    Raises:
        OutputError: the folder cannot be written.
        SoundError: the soundfont fails; without libfluidsynth the page has no sound.
    """
    html = page(found, examples(found, show, soundfont))
    figures = json.dumps(found.to_dict(), indent=1)
    places = {"page": out_dir / PAGE, "figures": out_dir / FIGURES}
    with atomic_paths(places) as beside:
        beside["page"].write_text(html, encoding="utf-8")
        beside["figures"].write_text(figures + "\n", encoding="ascii")
    return places["page"], places["figures"]


def examples(found: Evaluated, show: Show, soundfont: str | None) -> list[Example]:
    """Some requests, spread over all, with what each writer and the real music have for them."""
    rows = chosen(found, EXAMPLES)
    result = []
    with show("playing", "requests") as progress:
        for number, place in enumerate(rows):
            if progress:
                progress(number, len(rows))
            scores = of_request(found, place)
            pieces = {
                name: Heard(_clip(score, found.style, soundfont), midi_bytes(score, found.style))
                for name, score in scores.items()
            }
            result.append(Example(title(found, place), pieces))
    return result


def chosen(found: Evaluated, count: int) -> list[int]:
    """Places of so many requests, spread evenly over all for which every writer found a piece, or of fewer; no two are
    like the same real piece."""
    made = list(found.made.values())
    first: dict[int, int] = {}
    for place, one in enumerate(made[0]):
        if all(each[place].piece for each in made):
            first.setdefault(one.wanted.excerpt, place)
    whole = sorted(first.values())
    number = min(count, len(whole))
    return [whole[int(at)] for at in (np.arange(number) + 0.5) * len(whole) / max(number, 1)]


def of_request(found: Evaluated, place: int) -> dict[str, Score]:
    """The pieces of a request, by who wrote them; the real one is that which the request is like."""
    made: dict[str, Made] = {name: each[place] for name, each in found.made.items()}
    scores = {name: one.piece.score for name, one in made.items() if one.piece}
    source = next(iter(made.values())).wanted.excerpt
    return {**scores, REAL: found.held_out.excerpts[source].score}


def title(found: Evaluated, place: int) -> str:
    """What was asked, as in "G major, 6/8, 16 bars"."""
    request = next(iter(found.made.values()))[place].wanted.request
    return f"{request['key']}, {request['meter']}, {request['bars']} bars"


def _clip(score: Score, style: Style, soundfont: str | None) -> Clip | None:
    try:
        samples = rendered(score, style, _RATE, soundfont)
    except FluidSynthMissingError:
        return None
    return encoded(samples.mean(axis=1), _RATE)


__all__ = ["EXAMPLES", "FIGURES", "PAGE", "chosen", "examples", "of_request", "title", "write"]
