"""20,000 damaged MIDI files: nothing crashes or hangs, most are read, and no note is made up.

Mutants come from the real files of shared/corpora: bytes flipped, the end cut off, a piece cut out, bytes inserted, a
piece of another file spliced in, by a seed. Every reader works in a process of its own, which is killed where one file
takes longer than five seconds. A file counts as read where a reader gives at least one note.

Three checks say that no note is made up; none of them uses Cadenza's own parser:

- bytes: for every pitch and velocity found there is a pair of such bytes in the file, each pair used once;
- cut: of a file whose end is cut off exactly those notes are found (tick, pitch, velocity, drums or not) that a small
  strict parser finds in the whole file before the cut;
- mido: where mido reads the file (data bytes clipped) and both take its structure in the same way, it finds all of the
  notes too. Where it meets a meta event that it does not know, it forgets the time before: such files do not count.

Also counted is what is lost: notes that stand in the file before the first damaged byte must all be found.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import mido
import numpy as np

from benchmarks.report import report

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
SEED = 20_000
SECONDS = 5.0
DRUMS = 9
# Repairs after which mido looks for tracks elsewhere, takes what follows a system message for another one, or gives
# numbers of more than four bytes a meaning of its own.
NOT_IN_MIDO = ("chunk", "track", "junk", "header", "running status", "number")

Row = int
"""A note as one number: onset in ticks, pitch (7 bits), velocity (7 bits), whether it is for drums (1 bit)."""


def row(onset: Any, pitch: Any, velocity: Any, is_drum: bool) -> Any:
    """A note, or columns of notes, as numbers."""
    return ((onset << 7 | pitch) << 7 | velocity) << 1 | is_drum


# Mutants


class Mutant(NamedTuple):
    """A damaged file; `intact` bytes at its beginning are as in the file it was made from."""

    kind: str
    content: bytes
    intact: int
    source: bytes


@lru_cache(maxsize=1)
def sources() -> list[Path]:
    """The files of all corpora, in a fixed order."""
    return sorted(CORPORA.rglob("*.mid"))


def mutant(number: int) -> Mutant:
    """The mutant of a number: the same on every machine."""
    rng = random.Random(SEED + number)
    source = rng.choice(sources()).read_bytes()
    kind = rng.choice(list(KINDS))
    content = KINDS[kind](source, rng)
    size = min(len(source), len(content))
    before, after = (np.frombuffer(data, dtype=np.uint8)[:size] for data in (source, content))
    changed = np.flatnonzero(before != after)
    return Mutant(kind, content, int(changed[0]) if len(changed) else size, source)


def _flip(content: bytes, rng: random.Random) -> bytes:
    result = bytearray(content)
    for _ in range(2 ** rng.randrange(7)):
        result[rng.randrange(len(result))] ^= 1 << rng.randrange(8)
    return bytes(result)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(1, len(content))]


def _cut_out(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + content[place + rng.randrange(1, 65) :]


def _insert(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.randrange(1, 65)) + content[place:]


def _splice(content: bytes, rng: random.Random) -> bytes:
    other = rng.choice(sources()).read_bytes()
    place, start = rng.randrange(len(content)), rng.randrange(len(other))
    piece = other[start : start + rng.randrange(1, 1025)]
    return content[:place] + piece + content[place + len(piece) * rng.randrange(2) :]


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flipped": _flip, "cut": _cut, "cut out": _cut_out, "inserted": _insert, "spliced": _splice,
}  # fmt: skip


# Readers, each in a process of its own


class Found(NamedTuple):
    """What a reader finds: how many notes, and for some readers which ones, and faults by name."""

    notes: int
    rows: list[Row] | None = None
    faults: dict[str, int] = {}  # noqa: RUF012  # never changed


def _cadenza(mutated: Mutant, path: Path) -> Found | None:
    from data import midi
    from theory.errors import CadenzaError

    try:
        score, told = midi.read_with_report(path)
    except CadenzaError:
        return Found(0, faults={"lost": len(_before(mutated.source, mutated.intact))})
    rows = []
    for track in score.tracks:
        rows += row(track.onset.astype(np.int64), track.pitch, track.velocity, track.is_drum).tolist()
    sure = Counter(_before(mutated.source, mutated.intact))
    faults = {
        "no such bytes": _unexplained(rows, mutated.content),
        "not before the cut": sum((Counter(rows) - sure).values()) if mutated.kind == "cut" else 0,
        "lost": sum((sure - Counter(rows)).values()),
    }
    changed = any(kind.startswith(midi.REPAIRED) and any(part in kind for part in NOT_IN_MIDO) for kind in told)
    return Found(len(rows), None if changed else rows, faults)


def _mido(mutated: Mutant, _: Path) -> Found | None:
    try:
        file = mido.MidiFile(file=io.BytesIO(mutated.content))
    except Exception:
        return None
    return Found(len(_rows_of_mido(file)))


def _mido_clipped(mutated: Mutant, _: Path) -> Found | None:
    try:
        file = mido.MidiFile(file=io.BytesIO(mutated.content), clip=True)
    except Exception:
        return None
    rows = _rows_of_mido(file)
    is_unknown = any(isinstance(message, mido.UnknownMetaMessage) for track in file.tracks for message in track)
    return Found(len(rows), None if is_unknown else rows)


def _rows_of_mido(file: Any) -> list[Row]:
    rows = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                rows.append(row(now, message.note, message.velocity, message.channel == DRUMS))
    return rows


def _pretty_midi(_: Mutant, path: Path) -> Found | None:
    import warnings

    import pretty_midi

    warnings.simplefilter("ignore")
    try:
        return Found(sum(len(part.notes) for part in pretty_midi.PrettyMIDI(str(path)).instruments))
    except Exception:
        return None


def _symusic(_: Mutant, path: Path) -> Found | None:
    import symusic

    try:
        parsed: Any = symusic.Score.from_file(path)
        return Found(sum(len(track.notes) for track in parsed.tracks))
    except Exception:
        return None


READERS: dict[str, Callable[[Mutant, Path], Found | None]] = {
    "mido": _mido, "mido, clip=True": _mido_clipped, "pretty_midi": _pretty_midi, "symusic": _symusic,
    "cadenza": _cadenza,
}  # fmt: skip


def _serve(name: str, pipe: Any) -> None:
    """Answer numbers of mutants with what a reader finds in them, or with the traceback that it raises."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.mid"
        while (number := pipe.recv()) is not None:
            mutated = mutant(number)
            path.write_bytes(mutated.content)
            start = time.perf_counter()
            try:
                found: Any = READERS[name](mutated, path)
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            pipe.send((found, time.perf_counter() - start))


@dataclass
class Tally:
    """What became of all mutants in one reader's hands."""

    files: int = 0
    notes: int = 0
    slowest: float = 0.0
    crashes: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    tracebacks: list[tuple[int, str]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def _answers(name: str, count: int, tally: Tally) -> Iterator[tuple[int, Found]]:
    """What a reader finds in each mutant; its process is started anew after a crash or a hang."""
    context = multiprocessing.get_context("spawn")
    process = None
    for number in range(count):
        if process is None:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(name, theirs), daemon=True)
            process.start()
            theirs.close()
            patience = 60.0  # it imports first
        ours.send(number)
        try:
            if not ours.poll(patience):
                raise TimeoutError
            found, seconds = ours.recv()
            patience = SECONDS
            tally.slowest = max(tally.slowest, seconds)
            if isinstance(found, str):
                tally.tracebacks.append((number, found))
            elif found is not None:
                yield number, found
        except TimeoutError:
            tally.hangs.append(number)
        except EOFError:
            tally.crashes.append(number)
        else:
            continue
        process.kill()
        process.join()
        process = None
    if process is not None:
        ours.send(None)
        process.join()


# Whether the notes are really there


def _unexplained(rows: list[Row], content: bytes) -> int:
    """Notes for whose pitch and velocity no pair of bytes is left; a velocity of 127 may be a larger byte."""
    data = np.frombuffer(content, dtype=np.uint8)
    pairs = np.bincount(data[:-1].astype(np.int64) << 7 | np.minimum(data[1:], 127), minlength=1 << 15)
    wanted = np.array(rows, dtype=np.int64) >> 1 & (1 << 14) - 1
    asked = np.bincount(wanted, minlength=1 << 15)
    return int(np.maximum(asked - pairs, 0).sum())


def _before(content: bytes, end: int) -> list[Row]:
    """The notes of a whole file whose bytes end before a place."""
    return [note for place, note in _strict_notes(content) if place <= end]


@lru_cache(maxsize=8)
def _strict_notes(content: bytes) -> list[tuple[int, Row]]:
    """Where each note-on of a whole file ends, and its note; what is not as it should be raises an error."""
    notes, place = [], 14
    while place < len(content):
        assert content[place : place + 4] == b"MTrk"
        end = place + 8 + int.from_bytes(content[place + 4 : place + 8])
        place, tick, status = place + 8, 0, 0
        while place < end:
            delta, place = _number(content, place)
            tick += delta
            if content[place] == 0xFF:
                length, place = _number(content, place + 2)
                place += length
                continue
            if content[place] >= 0xF0:
                length, place = _number(content, place + 1)
                place += length
                continue
            if content[place] >= 0x80:
                status, place = content[place], place + 1
            place += 1 if status & 0xE0 == 0xC0 else 2
            if status & 0xF0 == 0x90 and content[place - 1]:
                notes.append((place, row(tick, content[place - 2], content[place - 1], status & 0x0F == DRUMS)))
    return notes


def _number(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    while content[place] & 0x80:
        value, place = value << 7 | content[place] & 0x7F, place + 1
    return value << 7 | content[place], place + 1


# All together


def main() -> None:
    """Let every reader read every mutant, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    count = parser.parse_args().count
    tallies = {name: Tally() for name in READERS}
    heard: dict[int, list[Row]] = {}
    for name, tally in tallies.items():
        for number, found in _answers(name, count, tally):
            tally.files += found.notes > 0
            tally.notes += found.notes
            tally.faults.update(found.faults)
            if name == "mido, clip=True":
                if found.rows is not None:
                    heard[number] = found.rows
            elif found.rows is not None and number in heard:
                tally.faults["unknown to mido"] += sum((Counter(found.rows) - Counter(heard[number])).values())
                tally.faults["known to mido"] += sum((Counter(found.rows) & Counter(heard[number])).values())
        for number, text in tally.tracebacks[:3]:
            print(f"{name}, mutant {number}: {text}")
    rows = [_row(name, tally, count) for name, tally in tallies.items()]
    ours = tallies["cadenza"]
    made_up = {name: ours.faults[name] for name in ("no such bytes", "not before the cut", "unknown to mido")}
    most = max(tally.files for name, tally in tallies.items() if name != "cadenza")
    holds = not (ours.crashes or ours.hangs or ours.tracebacks or any(made_up.values())) and ours.files > most
    said = ", ".join(f"{name}: {number}" for name, number in made_up.items())
    claim = (
        f"{count} mutants without a crash, a hang over {SECONDS:g} s or a traceback, more files read than by any "
        f"other, no note made up ({said}; {ours.faults['known to mido']} notes known to mido), "
        f"{ours.faults['lost']} notes lost that stand before the damage"
    )
    report("mutants", rows, claim, holds)


def _row(name: str, tally: Tally, count: int) -> dict[str, Any]:
    return {
        "reader": name,
        "files read": tally.files,
        "percent": 100 * tally.files / count,
        "notes": tally.notes,
        "crashes": len(tally.crashes),
        "hangs": len(tally.hangs),
        "tracebacks": len(tally.tracebacks),
        "slowest, s": tally.slowest,
    }


if __name__ == "__main__":
    main()
