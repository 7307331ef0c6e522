"""Options that several commands share, and what they have in common when they print."""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

_SECONDS_A_LINE = 60.0
INTERRUPTED = 130  # exit code after Ctrl-C: 128 + SIGINT, as shells have it


def whole(text: str) -> Any:
    """An option whose value is a whole number, refused in our own words: typer's change from version to version."""
    return typer.Option(help=text, parser=_whole, metavar="<int>")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r:.40} is no whole number") from None


def fraction(text: str) -> Any:
    """An option whose value is a number, likewise."""
    return typer.Option(help=text, parser=_number, metavar="<float>")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r:.40} is no number") from None


Soundfont = Annotated[str | None, typer.Option(help="An .sf2 or .sf3 file to play with.")]
Formats = Annotated[str | None, typer.Option(help="Comma-separated, among mid,wav,musicxml,png,json. [default: all]")]
Out = Annotated[str, typer.Option(help="A file (song.mid), or a stem (song) to which each format adds its suffix.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for programs.")]
# Whether the file can be read is for the reader to say, with its own exit code.
InputFile = Annotated[Path, typer.Argument(metavar="FILE", help="MIDI, MusicXML, ABC or **kern.", readable=False)]
# Settings of the tokenizer.
Resolution = Annotated[int, whole("Grid steps a quarter: 24, 12, 8, 6, 4, 3, 2 or 1.")]
Velocities = Annotated[int, whole("Loudnesses told apart: 127, 32, 16, 8, 4, 2 or 1.")]
Microtiming = Annotated[bool, typer.Option("--microtiming", help="Keep onsets and ends exact, as played.")]
Controls = Annotated[bool, typer.Option(help="Keep pedal, bends and other controls.")]
Drums = Annotated[bool, typer.Option(help="Keep drum tracks.")]


def _kept(text: str, *names: str, **more: Any) -> Any:
    """An option of the panel about notes."""
    return typer.Option(*names, help=text, rich_help_panel="What the notes keep to", **more)


_Texts = list[str] | None


def _request(
    style: Annotated[str, typer.Option(help="What to write. `cadenza doctor` lists the styles.")] = "chorale",
    model: Annotated[str, typer.Option(help="Architecture that comes with the style, or a model's folder.")] = "lstm",
    bars: Annotated[int | None, whole("Bars to write. [default: the chords', a locked tune's, or the style's]")] = None,
    seed: Annotated[int, whole("The same seed gives the same piece.")] = 0,
    temperature: Annotated[float | None, fraction("Below 1 is safer, above 1 bolder. [default: the model's]")] = None,
    top_k: Annotated[int, whole("Draw among the k likeliest tokens only; 0 for all.")] = 0,
    top_p: Annotated[float, fraction("Draw among the likeliest tokens that share this probability; 1 for all.")] = 1.0,
    title: Annotated[str | None, typer.Option(help="Title of the piece.")] = None,
    chords: Annotated[str | None, _kept('By bar, as in "Dm | Gm | A7 | Dm" or "i | iv | V7 | i".')] = None,
    between: Annotated[str, _kept("Between strong beats of the chords: chord, scale or any.")] = "scale",
    scale: Annotated[str | None, _kept("Notes keep to it: key, or as in 'D dorian'.")] = None,
    cadences: Annotated[_Texts, _kept("Bar and kind, as in 4=half,8=perfect.", "--cadence")] = None,
    ending: Annotated[str | None, _kept("tonic or open. [default: tonic, or the last chord, if it can]")] = None,
    rules: Annotated[_Texts, _kept("Of voice leading: four-part, or no-parallels.", "--rules")] = None,
    ranges: Annotated[_Texts, _kept("As in soprano=C4:G5,bass=E2:C4.", "--range")] = None,
    leaps: Annotated[_Texts, _kept("Most semitones from note to note: 7, or soprano=7.", "--leap")] = None,
    density: Annotated[_Texts, _kept("Notes a bar: 2:6 for each part, or bass=1:4.", "--density")] = None,
    onsets: Annotated[_Texts, _kept('Beats on which notes begin: "soprano=1 2 2.5 3".', "--onsets")] = None,
    durations: Annotated[_Texts, _kept('Note values: "bass=4 2" (8 eighth, 4. dotted).', "--durations")] = None,
    polyphony: Annotated[int | None, _kept("How many parts may sound at once.", parser=_whole, metavar="<int>")] = None,
    locks: Annotated[
        _Texts, _kept("Notes to keep: soprano=tune.mid, or bars of it: soprano:1-4=tune.mid.", "--lock")
    ] = None,
    original: Annotated[
        int | None,
        _kept(
            "Most notes in a row, in any key, that a piece may share with one that the model learnt from.",
            parser=_whole,
            metavar="<int>",
        ),
    ] = None,
    formats: Formats = None,
    out: Out = "out/song",
    soundfont: Soundfont = None,
    json: Json = False,
) -> None:
    """The options of every command that composes; the request's have the names that `composer.Request` gives them."""


def composing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in place of its `**request`; those that it names itself are its own."""
    own, shared = (inspect.signature(function, eval_str=True).parameters for function in (command, _request))
    first = {name: option for name, option in own.items() if option.kind is not option.VAR_KEYWORD}
    options = {**{name: option for name, option in first.items() if name not in shared}, **shared, **first}
    command.__signature__ = inspect.Signature(list(options.values()))  # type: ignore[attr-defined]
    command.__annotations__ = {name: option.annotation for name, option in options.items()}
    return command


def of_a_piece(command: Callable[..., None]) -> Callable[..., None]:
    """As `composing`, for commands that take the form from a piece: without the number of bars, ending open."""
    command = composing(command)
    signature = inspect.signature(command)
    ending = Annotated[str | None, _kept("tonic or open. [default: open, as the piece may be]")]
    kept = [
        option.replace(annotation=ending) if name == "ending" else option
        for name, option in signature.parameters.items()
        if name != "bars"
    ]
    command.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    command.__annotations__.pop("bars", None)
    command.__annotations__["ending"] = ending
    return command


def split(formats: str | None) -> list[str] | None:
    """The names in "mid, wav" (a comma may end them); None stays None."""
    return None if formats is None else [name.strip() for name in formats.strip().removesuffix(",").split(",")]


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 bar", "2 bars"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_json(answer: dict[str, Any]) -> None:
    """Print an answer for a program, ASCII, keys in the order given."""
    print(json.dumps(answer, indent=1))


@contextmanager
def bar_progress(verb: str, noun: str = "bars") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal that calls can move with (done, all); elsewhere, as in a log, a line a minute."""
    if not sys.stderr.isatty():
        yield _line_progress(verb, noun)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn(noun), TimeRemainingColumn())
    # What is printed meanwhile goes above the bar, but for an answer that goes elsewhere: into a file, a pipe.
    console, here = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=here) as progress:
        task = progress.add_task(verb)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _line_progress(verb: str, noun: str) -> Callable[[int, int], None]:
    began = told = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _SECONDS_A_LINE and done:
            told = now
            left = (now - began) * (total - done) / done
            print(f"cadenza: {verb}: {done} of {total} {noun}, about {left / 60:.0f} min left", file=sys.stderr)

    return show
