"""Where a composed piece goes, and what a command says about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from composer import files
from composer.cli.options import bar_progress, counted, print_json, split
from composer.files import Sound, Written
from composer.locks import file_of
from composer.many import Found
from composer.piece import Piece
from composer.report import Report
from data.workers import processors
from theory.score import Score

_PIECES_A_PROCESS = 16


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
    report(piece, written, (*sound.notes, *notices(piece)), as_json=as_json)


def notices(piece: Piece) -> tuple[str, ...]:
    """What a user should know of a piece."""
    return (*piece.report.notices, *silences(piece.score, piece.recipe.request["bars"]))


def numbered(out: str, count: int) -> list[str]:
    """Where each of several pieces goes: "song-01", ... or "song-01.mid", ..."""
    suffix = Path(out).suffix
    stem, suffix = (out.removesuffix(suffix), suffix) if suffix.lstrip(".").lower() in files.FORMATS else (out, "")
    return [f"{stem}-{number:0{max(2, len(str(count)))}}{suffix}" for number in range(1, count + 1)]


def workers_for(count: int) -> int:
    """Processes that so many pieces are worth: starting one takes as long as a few pieces."""
    return min(processors(), -(-count // _PIECES_A_PROCESS))


def deliver_many(
    make: Callable[..., list[Found]], sounds: Sequence[Sound], soundfont: str | None, seed: int, *, as_json: bool
) -> None:
    """Compose a piece for each of some places, write and report; where none was found, say so and go on.

    Args:
        make: `composer.compose_many` of a request.
        sounds: the files of each piece.
        soundfont: to play with.
        seed: of the first piece.
        as_json: print the answer as JSON.

    Raises:
        Exit: pieces are missing: with the exit code of the first one's error.
    """
    for note in sounds[0].notes:
        print(f"cadenza: {note}", file=sys.stderr)
    with bar_progress("composing") as progress:
        found = make(count=len(sounds), progress=progress)
    answers: list[dict[str, Any]] = []
    for number, (piece, sound) in enumerate(zip(found, sounds, strict=True), seed):
        if not isinstance(piece, Piece):
            print(f"cadenza: seed {number}: {piece}", file=sys.stderr)
            answers.append({"seed": number, "error": str(piece)})
            continue
        written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
        notes = (*notices(piece), *written.notes)
        for note in notes:
            print(f"cadenza: seed {number}: {note}", file=sys.stderr)
        answers.append({"seed": number, **_answer(piece, written, notes)})
        if not as_json:
            facts = piece.report
            places = ", ".join(str(path) for path in written.files.values())
            print(f"  {places}: {counted(facts.notes, 'note')}, {facts.nats_per_note:.2f} nats a note")
    missing = [error for error in found if not isinstance(error, Piece)]
    if as_json:
        print_json({"pieces": answers})
    else:
        print(f"{len(found) - len(missing)} of {len(found)} pieces, seeds {seed} to {seed + len(found) - 1}")
    if missing:
        raise typer.Exit(missing[0].exit_code)


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
        print_json(_answer(piece, written, notes))
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


def _answer(piece: Piece, written: Written, notes: tuple[str, ...]) -> dict[str, Any]:
    """What a program is told of a piece."""
    places = {name: str(path) for name, path in written.files.items()}
    return {"title": piece.score.title, "files": places, "messages": list(notes), **piece.report.to_dict()}


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
