"""Where a composed piece goes, and what a command says about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer import files
from composer.cli.options import bar_progress, counted, print_json, split
from composer.files import Sound, Written
from composer.locks import file_of
from composer.piece import Piece
from composer.report import Report
from theory.score import Score


def settle(out: str, formats: str | None, soundfont: str | None, locks: Sequence[str] | None, *read: Path) -> Sound:
    """The files to write and how they will sound, known before anything is composed.

    Raises:
        RequestError: see `composer.files.targets`; or a file to be written is one that is read: a lock's, or in `read`.
        SoundError: see `composer.files.settle_sound`.
    """
    places = files.targets(out, split(formats))
    files.check_apart(places, [*read, *filter(None, map(file_of, locks or ()))])
    return files.settle_sound(places, soundfont, optional=formats is None)


def deliver(make: Callable[..., Piece], sound: Sound, soundfont: str | None, *, as_json: bool) -> None:
    """Compose, write and report."""
    with bar_progress("composing") as progress:
        piece = make(progress=progress)
    written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
    silent = silences(piece.score, piece.recipe.request["bars"])
    report(piece, written, (*sound.notes, *piece.report.notices, *silent), as_json=as_json)


def silences(score: Score, bars: int) -> list[str]:
    """Lines about parts that are silent in more than half of the bars that were composed: so many at the end."""
    first = score.bars - bars
    bar_lines = score.bar_lines()[first:]
    found: dict[str, list[str]] = {}
    for track in score.tracks:
        sounds = (track.onset[:, None] < bar_lines[1:]) & ((track.onset + track.duration)[:, None] > bar_lines[:-1])
        silent = np.flatnonzero(~sounds.any(axis=0))
        if not len(track):
            found.setdefault("from beginning to end", []).append(track.name)
        elif 2 * len(silent) > bars:
            found.setdefault(_bars_of(silent + first + 1 - score.pickup, bars), []).append(track.name)
    return [f"{', '.join(names)}: silent {where}" for where, names in found.items()]


def _bars_of(silent: NDArray[np.int64], bars: int) -> str:
    """Where a part is silent, bars as musicians count them: in one stretch, or here and there."""
    first, last = int(silent[0]), int(silent[-1])
    if last - first + 1 > len(silent):
        return f"in {len(silent)} of the {bars} bars that were written"
    return f"from bar {first} to {last}" if first < last else f"in bar {first}"


def report(piece: Piece, written: Written, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Print where the files are and what the model thought; notes go to the standard error stream."""
    notes = (*notes, *written.notes)
    for note in notes:
        print(f"cadenza: {note}", file=sys.stderr)
    if as_json:
        files = {name: str(path) for name, path in written.files.items()}
        print_json({"title": piece.score.title, "files": files, "messages": list(notes), **piece.report.to_dict()})
        return
    facts = piece.report
    meter, tempo = piece.score.meters[-1].meter, round(piece.score.tempos[0].bpm)
    pickup = piece.score.pickup
    length, size = counted(facts.bars - pickup, "bar"), counted(facts.notes, "note")
    print(f"{piece.score.title}: {length} of {meter}{' and an upbeat' if pickup else ''} at {tempo}, {size}")
    if written.seconds:
        print(f"sound: {written.seconds:.1f} s")
    print(f"likelihood: {facts.nats_per_note:.2f} nats a note; masks cost {facts.price_per_note:.3f}")
    _print_rules(facts)
    for path in written.files.values():
        print(f"  {path}")


def _print_rules(report: Report) -> None:
    """Tables of what was kept, and of the faults that are left."""
    width = max((len(kept.rule) for kept in report.rules), default=0)
    print(f"  {'constraint':{width}}  {'kept':>11}  {'price alone, nats a note':>24}")
    for kept in report.rules:
        print(f"  {kept.rule:{width}}  {f'{kept.kept} of {kept.asked}':>11}  {kept.price_per_note:24.3f}")
    left = [fault for fault in report.faults if fault.found]
    if left:
        said = (f"{fault.rule.replace('_', ' ')} {fault.found} ({fault.rate:.1f}, {fault.bach:.1f})" for fault in left)
        print(f"faults of four-part writing (for 100 changes, in Bach's): {', '.join(said)}")
