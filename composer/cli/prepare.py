"""`cadenza prepare`: a folder of music to a data set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.cli import options
from theory.errors import InputFileError, OutputError

NAME = "prepare"


def run(
    # Text: a Path would take an empty name for the current folder.
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Music, in folders of any depth.")],
    out_dir: Annotated[str, typer.Option(help="Folder of the data set; the same command goes on after a break.")],
    source: Annotated[str | None, typer.Option(help="Where the music comes from. [default: the folder's name]")] = None,
    license_: Annotated[str, typer.Option("--license", help="What its makers allow.")] = "not stated",
    chords: Annotated[str, typer.Option(help="Chords in the tokens: heard, written or none.")] = "heard",
    resolution: options.Resolution = 24,
    velocities: options.Velocities = 32,
    microtiming: options.Microtiming = False,
    controls: options.Controls = True,
    drums: options.Drums = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [default: one a processor]")] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Ray cluster that does the work.")] = None,
    json: options.Json = False,
) -> None:
    """Make training data of a folder of MIDI, MusicXML, ABC and \\*\\*kern files.

    Files that cannot be used are set aside in quarantine.jsonl with the reason. Near-duplicates (transposed, in other
    note values, at another tempo, cut) are grouped and stay in one split. report.html shows what the data set is made
    of. A file cadenza.toml (source = "...", license = "...") speaks for its folder and all below. The folder of the
    data set may stand inside FOLDER: it is not looked into.

    Examples:
        cadenza prepare my-music --out-dir datasets/mine

        cadenza prepare my-music --out-dir datasets/mine --source "Cross Keys sessions" --license "CC BY 4.0"

        cadenza train datasets/mine --out-dir runs/mine
    """
    from dataclasses import asdict

    from composer.style import STYLES
    from data.ingest import Encoding, prepare
    from data.ingest.preparation import PAGE, QUARANTINE
    from theory.tokens import Tokenizer

    if not folder:
        raise InputFileError("FOLDER is empty: name the folder that holds the music")
    if not out_dir:
        raise OutputError("--out-dir is empty: name a folder for the data set")
    place = Path(out_dir)
    tokenizer = Tokenizer(resolution, velocities, microtiming, controls, drums)
    with _Bar() as bar:
        summary = prepare(
            Path(folder),
            place,
            encoding=Encoding(tokenizer, chords),  # type: ignore[arg-type]  # it checks
            source=source,
            license=license_,
            workers=workers,
            ray=ray,
            watcher=bar,
        )
    if json:
        options.print_json(asdict(summary))
        return
    quarantined = sum(summary.quarantined.values())
    splits = ", ".join(f"{count:,} {side}" for side, count in summary.splits.items())
    print(f"{options.counted(summary.pieces, 'piece')} ({splits}) in {options.counted(summary.groups, 'group')}")
    if quarantined:
        kinds = ", ".join(f"{number} {kind}" for kind, number in summary.quarantined.items())
        print(f"{quarantined} in quarantine ({kinds}): see {place / QUARANTINE}")
    style, *others = STYLES
    print(f"look at {place / PAGE}; then: cadenza train {out_dir} --style {style} --out-dir runs/mine")
    print(f"(or --style {' or '.join(others)}, as the pieces are)")


class _Bar:
    """Progress on the standard error stream: files done, files a second, time left."""

    def __enter__(self) -> _Bar:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
        self._task: Any = None
        self._refused = 0
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def phase(self, text: str) -> None:
        """Show that something without a count begins."""
        self._show(text, total=None)

    def begin(self, done: int, total: int) -> None:
        """Start the bar; what an earlier run did is done."""
        if done:
            print(f"going on after {done:,} of {total:,} files", file=sys.stderr)
        self._show("reading", total=total, completed=done)

    def step(self, refused: bool) -> None:
        """Move the bar."""
        self._refused += refused
        task = self._progress.tasks[0]
        speed = f"{task.speed:.0f} files/s" if task.speed else ""
        text = f"reading ({self._refused} refused)" if self._refused else "reading"
        self._progress.update(self._task, advance=1, description=text, speed=speed)

    def _show(self, text: str, **state: Any) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, speed="", **state)
