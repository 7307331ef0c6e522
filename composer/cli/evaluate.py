"""`cadenza evaluate`: models beside each other and beside held-out real music."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli import options

if TYPE_CHECKING:
    from composer.evaluation import Evaluated, Settings

NAME = "evaluate"
_KEPT = "kept"

_Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL...", help="Models that come along (chorale-lstm) or folders; @0.9 behind one sets a temperature."
    ),
]


def run(
    models: _Models,
    against: Annotated[
        str, typer.Option(help="A corpus, a prepared data set or a folder of music, with :test (or :valid) behind it.")
    ],
    out_dir: Annotated[Path, typer.Option(help="Folder of report.html and report.json.")],
    count: Annotated[int, options.whole("Pieces of each model.")] = 500,
    bars: Annotated[
        int | None, options.whole("Bars of each piece. [default: 16, or what most held-out pieces have]")
    ] = None,
    seed: Annotated[int, options.whole("The same seed gives the same report.")] = 0,
    workers: Annotated[int | None, options.whole("Processes that share the work. [default: all processors]")] = None,
    listening: Annotated[
        Path | None, typer.Option(help="Also write a blind listening test into this folder, its key beside it.")
    ] = None,
    soundfont: options.Soundfont = None,
    json: options.Json = False,
) -> None:
    """Evaluate models against real music that they never saw: one table, one page with plots and sound.

    Beside the models stand a 5-gram and the real music itself. What is composed is kept in the folder: broken off, the
    same command goes on.

    Examples:
        cadenza evaluate chorale-lstm --against chorales:test --out-dir report

        cadenza evaluate chorale-lstm@0.8 chorale-lstm@1 --against chorales:valid --count 100 --out-dir report

        cadenza evaluate runs/mine --against datasets/mine --out-dir report --listening report/test
    """
    from composer.evaluation import Settings, evaluate, report
    from composer.evaluation import listening as test
    from composer.files import settle_sound
    from data.workers import processors
    from theory.atomic_file import make_folder
    from theory.errors import RequestError

    settings = Settings(tuple(models), against, count, bars, seed)
    settings.check()
    if workers is not None and workers < 1:
        raise RequestError(f"--workers {workers}: must be 1 or more")
    for folder in filter(None, (out_dir, listening)):
        _check_apart(folder, settings)
        make_folder(folder)
    wav = {name: out_dir / f"piece.{name}" for name in ("mid", "wav")}
    notes = settle_sound(wav, soundfont, optional=listening is None).notes
    try:
        found = evaluate(settings, out_dir / _KEPT, workers=workers or processors(), show=options.bar_progress)
        written = list(report.write(found, out_dir, options.bar_progress, soundfont))
        if listening is not None:
            written += test.write(found, listening, options.bar_progress, soundfont)
    except KeyboardInterrupt:
        is_kept = any(path.is_file() for path in (out_dir / _KEPT).rglob("*"))
        done = f"what is done is kept in {out_dir}; the same command goes on" if is_kept else "nothing was done yet"
        print(f"cadenza: interrupted: {done}", file=sys.stderr)
        sys.exit(options.INTERRUPTED)
    for line in (*notes, *found.notices):
        print(f"cadenza: {line}", file=sys.stderr)
    if json:
        options.print_json({"files": [str(path) for path in written], **found.to_dict()})
        return
    _print_table(found)
    for path in written:
        print(f"  {path}")


def _check_apart(folder: Path, settings: Settings) -> None:
    """See that a folder to write into is none that is read: a data set has a report of its own."""
    from composer.evaluation import Split
    from theory.errors import RequestError

    read = [Split.parse(settings.against).source, *settings.models]
    if any(folder.resolve() == Path(path).resolve() for path in read):
        raise RequestError(f"{folder} is read for this: give another folder to write into")


def _print_table(found: Evaluated) -> None:
    from rich.console import Console
    from rich.table import Table

    from composer.evaluation import SUMMARY, shown, written

    held = found.held_out
    table = Table(title=f"{found.style.name}, {found.settings.count} pieces each beside {held.split}, {held.bars} bars")
    table.add_column("")
    for row in found.rows:
        table.add_column(row.heading, justify="right")
    for column in shown(SUMMARY, found.rows):
        table.add_row(column.heading, *(written(column.of(row), column.digits) for row in found.rows))
    Console(highlight=False).print(table)
