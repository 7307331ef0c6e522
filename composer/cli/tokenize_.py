"""`cadenza tokenize`: a score as tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli import options

if TYPE_CHECKING:
    from theory.tokens.changes import Changes

NAME = "tokenize"
_SMALLEST = 0.05  # milliseconds that are shown


def run(
    file: options.InputFile,
    names: Annotated[bool, typer.Option("--names", help="Print names (PITCH 60) instead of ids.")] = False,
    resolution: options.Resolution = 24,
    velocities: options.Velocities = 32,
    microtiming: options.Microtiming = False,
    controls: options.Controls = True,
    drums: options.Drums = True,
    json: options.Json = False,
) -> None:
    """Print a score's token ids, one line a bar, and on the error stream what they and the reader of the file left out.

    Examples:
        cadenza tokenize song.mid --names

        cadenza tokenize performance.mid --microtiming --velocities 127

        cadenza tokenize song.mid --json > ids.json
    """
    from dataclasses import asdict

    import data
    from theory.tokens import EXPRESSIVE, Tokenizer
    from theory.tokens.vocabulary import BAR

    tokenizer = Tokenizer(resolution, velocities, microtiming, controls, drums)
    score, left_out = data.read_with_report(file)
    ids, changes = tokenizer.encode(score).tolist(), tokenizer.changes(score)
    words = [EXPRESSIVE.name(token) if names else token for token in ids]
    if json:
        facts = {"tokenizer": asdict(tokenizer), "left_out": left_out, "changes": changes._asdict()}
        options.print_json({"vocabulary": tokenizer.fingerprint, **facts, "tokens": words})
        return
    starts = [0, *(index for index, token in enumerate(ids) if token == BAR), len(ids)]
    for start, end in pairwise(starts):
        print((", " if names else " ").join(map(str, words[start:end])))
    for line in (*_of_reader(file, left_out), *_said(changes)):
        print(f"cadenza: {line}", file=sys.stderr)


def _of_reader(file: Path, left_out: dict[str, int]) -> Iterator[str]:
    """What the reader repaired, and what it did not keep, a line a kind."""
    from data.midi import REPAIRED, repairs_of

    if repaired := repairs_of(file, left_out):
        yield repaired
    for kind, count in left_out.items():
        if not kind.startswith(REPAIRED):
            yield f"left out by the reader: {count} x {kind}"


def _said(changes: Changes) -> Iterator[str]:
    """What tokens change, in words; nothing where they keep everything."""
    if changes.farthest >= _SMALLEST:
        yield f"notes move to the grid by {changes.moved:.1f} ms on average, by {changes.farthest:.1f} ms at most"
    if changes.softer:
        yield f"velocities change by at most {changes.softer}"
    for verb, counts in ("merged", changes.merged), ("left out", changes.dropped):
        if counts:
            yield f"{verb}: {', '.join(f'{number} x {what}' for what, number in counts.items())}"
