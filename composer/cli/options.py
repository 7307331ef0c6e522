"""Options that several commands share, and what they have in common when they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

Style = Annotated[str, typer.Option(help="What to write. `cadenza doctor` lists the styles.")]
Model = Annotated[str, typer.Option(help="Architecture that comes with the style, or a model's folder.")]
Bars = Annotated[int | None, typer.Option(help="Bars to write. [default: the style's]")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same piece.")]
Temperature = Annotated[float, typer.Option(help="Below 1 is safer, above 1 bolder.")]
TopK = Annotated[int, typer.Option(help="Draw among the k likeliest tokens only; 0 for all.")]
TopP = Annotated[float, typer.Option(help="Draw among the likeliest tokens that share this probability; 1 for all.")]
Title = Annotated[str | None, typer.Option(help="Title of the piece.")]
Formats = Annotated[str | None, typer.Option(help="Comma-separated, among mid,wav,musicxml,png,json. [default: all]")]
Out = Annotated[str, typer.Option(help="A file (song.mid), or a stem (song) to which each format adds its suffix.")]
Soundfont = Annotated[str | None, typer.Option(help="An .sf2 or .sf3 file to play with.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for programs.")]
_KEPT = "What the notes keep to"
Chords = Annotated[
    str | None, typer.Option(help='By bar, as in "Dm | Gm | A7 | Dm" or "i | iv | V7 | i".', rich_help_panel=_KEPT)
]
Between = Annotated[
    str, typer.Option(help="Between strong beats of the chords: chord, scale or any.", rich_help_panel=_KEPT)
]
Scale = Annotated[str | None, typer.Option(help="Notes keep to it: key, or as in 'D dorian'.", rich_help_panel=_KEPT)]
Ranges = Annotated[
    list[str] | None, typer.Option("--range", help="As in soprano=C4:G5,bass=E2:C4.", rich_help_panel=_KEPT)
]
Cadences = Annotated[
    list[str] | None, typer.Option("--cadence", help="Bar and kind, as in 8=perfect.", rich_help_panel=_KEPT)
]
Leaps = Annotated[
    list[str] | None,
    typer.Option("--leap", help="Most semitones from note to note: 7, or soprano=7.", rich_help_panel=_KEPT),
]
Density = Annotated[
    list[str] | None,
    typer.Option("--density", help="Notes a bar: 2:6 for each part, or bass=1:4.", rich_help_panel=_KEPT),
]
Onsets = Annotated[
    list[str] | None,
    typer.Option("--onsets", help='Beats on which notes begin: "soprano=1 2 2.5 3".', rich_help_panel=_KEPT),
]
Durations = Annotated[
    list[str] | None,
    typer.Option("--durations", help='Note values: "bass=4 2" (8 eighth, 4. dotted).', rich_help_panel=_KEPT),
]
Locks = Annotated[
    list[str] | None,
    typer.Option("--lock", help="Notes to keep: soprano=tune.mid, soprano:1-4=tune.mid.", rich_help_panel=_KEPT),
]
Polyphony = Annotated[int | None, typer.Option(help="How many parts may sound at once.", rich_help_panel=_KEPT)]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rules", help="Of voice leading: four-part, or no-parallels.", rich_help_panel=_KEPT),
]
Ending = Annotated[
    str | None, typer.Option(help="tonic or open. [default: tonic, unless chords say otherwise]", rich_help_panel=_KEPT)
]
# Whether the file can be read is for the reader to say, with its own exit code.
InputFile = Annotated[Path, typer.Argument(metavar="FILE", help="MIDI, MusicXML, ABC or **kern.", readable=False)]


def split(formats: str | None) -> list[str] | None:
    """The names in "mid, wav"; None stays None."""
    return None if formats is None else [name.strip() for name in formats.split(",") if name.strip()]


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 bar", "2 bars"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_json(answer: dict[str, Any]) -> None:
    """Print an answer for a program, ASCII, keys in the order given."""
    print(json.dumps(answer, indent=1))


@contextmanager
def bar_progress(verb: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal that calls can move with (done, all); None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn("bars"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(verb)
        yield lambda done, total: progress.update(task, completed=done, total=total)
