"""Where a composed piece goes, and what a command says about it."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

import data
from composer import files
from composer.attributes import Changes, changes_of
from composer.cli.options import INTERRUPTED, bar_progress, counted, print_json, split
from composer.files import Sound, Written
from composer.locks import file_of
from composer.many import Found
from composer.piece import Piece
from composer.report import Report
from data.workers import processors
from theory.errors import RequestError
from theory.score import Score

_PIECES_A_PROCESS = 16


def settle(out: str, formats: str | None, soundfont: str | None, locks: Sequence[str] | None, *read: Path) -> Sound:
    """The files to write and how they will sound, known before anything is composed.

    Raises:
        RequestError: see `composer.files.targets`; or a file to be written is one that is read: a lock's, or in `read`.
        SoundError: see `composer.files.settle_sound`.
        OutputError: see `composer.files.check_writable`.
    """
    sound = files.settle_sound(files.targets(out, split(formats)), soundfont, optional=formats is None)
    _check([sound], locks, read)
    return sound


def settle_many(
    out: str,
    count: int,
    formats: str | None,
    soundfont: str | None,
    locks: Sequence[str] | None,
    *read: Path,
    option: str = "--count",
    least: int = 1,
    most: int = 10_000,
) -> list[Sound]:
    """The same for several pieces, whose files are numbered: "song-01.mid", ...

    Raises:
        CadenzaError: as `settle`; too few or too many pieces.
    """
    if not least <= count <= most:
        raise RequestError(f"{option} {count}: must be {least} to {most}")
    sound = files.settle_sound(files.targets(out, split(formats)), soundfont, optional=formats is None)
    digits = max(2, len(str(count)))
    ends = [f"-{number:0{digits}}" for number in range(1, count + 1)]
    each = [
        sound._replace(files={name: path.with_stem(path.stem + end) for name, path in sound.files.items()})
        for end in ends
    ]
    _check(each, locks, read)
    return each


def _check(sounds: Iterable[Sound], locks: Sequence[str] | None, read: Sequence[Path]) -> None:
    """See that what is to be written can be, and leaves what is read alone."""
    inputs = [*read, *filter(None, map(file_of, locks or ()))]
    for sound in sounds:
        files.check_apart(sound.files, inputs)
        files.check_writable(sound.files.values())


def deliver(
    make: Callable[..., Piece], sound: Sound, soundfont: str | None, *, as_json: bool, before: Path | None = None
) -> None:
    """Compose, write and report; of a changed piece, also how it sounded before."""
    with bar_progress("composing") as progress:
        piece = make(progress=progress)
    written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
    changes = changes_of(data.read(before), piece.score) if before else None
    report(piece, written, (*sound.notes, *notices(piece)), as_json=as_json, changes=changes)


def notices(piece: Piece) -> tuple[str, ...]:
    """What a user should know of a piece."""
    return (*piece.report.notices, *silences(piece.score, piece.recipe.request["bars"]))


def workers_for(count: int) -> int:
    """Processes that so many pieces are worth: starting one takes as long as a few pieces."""
    return min(processors(), -(-count // _PIECES_A_PROCESS))


def deliver_many(
    make: Callable[..., Generator[Found, None, None]],
    sounds: Sequence[Sound],
    soundfont: str | None,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Compose a piece for each of some places, write and report it; where none was found, say so and go on.

    Args:
        make: `composer.many.compose_each` of a request.
        sounds: the files of each piece.
        soundfont: to play with.
        seed: of the first piece.
        as_json: print the answer as JSON.

    Raises:
        Exit: pieces are missing: with the exit code of the first one's error.
        SystemExit: Ctrl-C, after a line about what is written and what is not.
    """
    for note in sounds[0].notes:
        print(f"cadenza: {note}", file=sys.stderr)
    answers: list[dict[str, Any]] = []
    missing: list[int] = []
    try:
        with bar_progress("composing") as progress, closing(make(count=len(sounds), progress=progress)) as found:
            for number, (piece, sound) in enumerate(zip(found, sounds, strict=True), seed):
                with _uninterrupted():
                    answers.append(_answered(piece, sound, soundfont, ("seed", number), missing, as_json=as_json))
    except KeyboardInterrupt:
        print(f"cadenza: interrupted: {_standing(sounds, answers)}{_rest(sounds, answers, seed)}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    if as_json:
        print_json({"pieces": answers})
    else:
        print(f"{len(answers) - len(missing)} of {len(answers)} pieces, seeds {seed} to {seed + len(answers) - 1}")
    if missing:
        raise typer.Exit(missing[0])


def deliver_path(path: Iterator[Found], sounds: Sequence[Sound], soundfont: str | None, *, as_json: bool) -> None:
    """Write and report pieces as they come, one for each of some places; where none was found, say so and go on.

    Raises:
        Exit: as `deliver_many`.
    """
    for note in sounds[0].notes:
        print(f"cadenza: {note}", file=sys.stderr)
    answers: list[dict[str, Any]] = []
    missing: list[int] = []
    try:
        with bar_progress("composing", "pieces") as progress:
            for number, (piece, sound) in enumerate(zip(path, sounds, strict=True), 1):
                with _uninterrupted():
                    answers.append(_answered(piece, sound, soundfont, ("step", number), missing, as_json=as_json))
                progress(number, len(sounds))
    except KeyboardInterrupt:
        print(f"cadenza: interrupted: {_standing(sounds, answers)}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    if as_json:
        print_json({"pieces": answers})
    if missing:
        raise typer.Exit(missing[0])


def _answered(
    piece: Found, sound: Sound, soundfont: str | None, which: tuple[str, int], missing: list[int], *, as_json: bool
) -> dict[str, Any]:
    """Write and report one of several pieces, or say why there is none and note the exit code."""
    what, number = which
    if isinstance(piece, Piece):
        return {what: number, **_deliver_one(piece, sound, soundfont, f"{what} {number}", as_json=as_json)}
    print(f"cadenza: {what} {number}: {piece}", file=sys.stderr)
    missing.append(piece.exit_code)
    return {what: number, "error": str(piece)}


def _deliver_one(piece: Piece, sound: Sound, soundfont: str | None, name: str, *, as_json: bool) -> dict[str, Any]:
    """Write and report one of several pieces; returns what a program is told of it."""
    written = files.write_piece(piece.with_sound(sound.facts), sound.files, soundfont)
    notes = (*notices(piece), *written.notes)
    for note in notes:
        print(f"cadenza: {name}: {note}", file=sys.stderr)
    if not as_json:
        facts = piece.report
        places = ", ".join(str(path) for path in written.files.values())
        run = facts.originality and facts.originality.transposed
        shared = f", shares {counted(run.notes, 'note')} with {run.named}" if run else ""
        print(f"  {places}: {counted(facts.notes, 'note')}, {facts.nats_per_note:.2f} nats a note{shared}")
    return _answer(piece, written, notes)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block is done, so that a piece is written and counted, or neither; a second one does not.

    Only the main thread of a program hears of Ctrl-C; in others there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal waiting
        if waiting:
            raise KeyboardInterrupt
        waiting = True

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        raise KeyboardInterrupt


def _standing(sounds: Sequence[Sound], answers: Sequence[dict[str, Any]]) -> str:
    """How far the pieces have come.

    Args:
        sounds: the files of each piece.
        answers: about those that were composed, or not found.
    """
    names = [_name(sound) for sound, answer in zip(sounds, answers, strict=False) if "error" not in answer]
    said = f"{len(names) or 'none'} of {len(sounds)} pieces {'are' if len(names) > 1 else 'is'} written"
    if names:
        said += f" ({names[0]}{f' to {names[-1]}' if len(names) > 1 else ''})"
    return said


def _rest(sounds: Sequence[Sound], answers: Sequence[dict[str, Any]], seed: int) -> str:
    """The options that give the pieces of further seeds; nothing where all or none are there."""
    done = len(answers)
    if not 0 < done < len(sounds):
        return ""
    rest = f"--seed {seed + done} --count {len(sounds) - done} --out {shlex.quote(_name(sounds[done]))}"
    return f"; for the rest give the same command with {rest}"


def _name(sound: Sound) -> str:
    """The files of a piece, as `--out` names them."""
    first, *others = sound.files.values()
    return str(first.with_suffix("") if others else first)


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


def report(
    piece: Piece, written: Written, notes: tuple[str, ...], *, as_json: bool, changes: Changes | None = None
) -> None:
    """Print where the files are and what the model thought; notes go to the standard error stream."""
    notes = (*notes, *written.notes)
    for note in notes:
        print(f"cadenza: {note}", file=sys.stderr)
    if as_json:
        print_json(_answer(piece, written, notes) | ({"attributes": changes} if changes else {}))
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
    if changes:
        print(
            "before and after: " + ", ".join(f"{name} {old:.3g} to {new:.3g}" for name, (old, new) in changes.items())
        )
    if facts.originality:
        print(f"longest run shared with what the model learnt from: {facts.originality}")
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
