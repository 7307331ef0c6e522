"""`cadenza analyze`: what a file holds, and what a theorist hears in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli import options
from theory.errors import MeterError, RequestError

if TYPE_CHECKING:
    from theory.analysis import Analysis
    from theory.score import Score

NAME = "analyze"
_NOTATION = (".musicxml", ".xml", ".mxl")
_PICTURE = ".png"


def run(
    file: options.InputFile,
    out: Annotated[
        Path | None, typer.Option(help="Also write it into the score (.musicxml, .mxl), or draw it (.png).")
    ] = None,
    grouping: Annotated[str | None, typer.Option(help="How beats group, as in 2+3 for 5/4. [default: 3+2]")] = None,
    json: options.Json = False,
) -> None:
    """Say what a score holds, and what a theorist hears in it: keys, chords with Roman numerals, cadences, phrases.

    Scores of two to eight voices are held against the rules of four-part writing too.

    Examples:
        cadenza analyze song.mid

        cadenza analyze tune.abc --json

        cadenza analyze song.mid --out analysed.musicxml

        cadenza analyze song.mid --out analysed.png
    """
    _check(file, out)
    told = None if grouping is None else _grouping(grouping)
    import data
    from composer import facts
    from composer.cli import analysis_table
    from theory.analysis import analyse

    score = data.read(file)
    if told is not None:
        facts.check_grouping(score, told)
    analysis = analyse(score, grouping=told)
    found = facts.facts_of(score, analysis, told)
    if out is not None:
        _write(score, analysis, out)
    if json:
        options.print_json(found | ({} if out is None else {"file": str(out)}))
        return
    print("\n".join(analysis_table.lines(found)))
    if out is not None:
        print(f"  {out}")


def _check(file: Path, out: Path | None) -> None:
    from composer import files

    if out is None:
        return
    if out.suffix.lower() not in (*_NOTATION, _PICTURE):
        raise RequestError(f"--out {out}: an analysis is written as .musicxml, .mxl or .png")
    files.check_apart({"out": out}, [file])


def _grouping(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9]\d?( *\+ *[1-9]\d?)*", text.strip(), re.ASCII):
        raise MeterError(f"--grouping {text!r}: write how many beats are in each group, as in 2+3")
    return tuple(map(int, text.replace(" ", "").split("+")))


def _write(score: Score, analysis: Analysis, out: Path) -> None:
    # Imported only here: a table needs neither music21 nor Matplotlib.
    if out.suffix.lower() == _PICTURE:
        from synth import analysis_picture

        analysis_picture.draw(score, analysis, out)
    else:
        from data import analysed

        analysed.write(score, analysis, out)
