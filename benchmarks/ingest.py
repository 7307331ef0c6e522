"""Preparing many files: time, memory of all processes, and what a second processor is worth.

    python -m benchmarks.ingest --files 2000                  # a look
    python -m benchmarks.ingest --files 10000 --files 100000  # time linear in files, memory flat
    python -m benchmarks.ingest --files 10000 --two           # two workers against two runs of one, at the same time

The files are real ones, transposed and cut at random (seeded), written into a temporary folder.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import data
from benchmarks.report import report
from data.workers import mapped
from theory.errors import CadenzaError
from theory.score import Score, Track

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
_A_FOLDER = 1000  # files
MOST_MEMORY = 1e9
LINEAR = 0.15
TWO = 0.9
_ROUNDS = 3


def main(
    files: Annotated[list[int] | None, typer.Option(help="How many; may be given twice.")] = None,
    two: Annotated[bool, typer.Option("--two", help="Weigh two workers against two independent processes.")] = False,
    chords: Annotated[str, typer.Option(help="heard, written or none.")] = "heard",
    sources: Annotated[Path, typer.Option(help="Where the real files are.")] = CORPORA,
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="cadenza-ingest-"))
    try:
        counts = files or [2000]
        for count in counts:
            _make(sources, folder / str(count), count)
        (_two if two else _scale)(folder, counts, chords)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _scale(folder: Path, counts: list[int], chords: str) -> None:
    rows: list[dict[str, Any]] = []
    for count in counts:
        out = folder / f"{count}.out"
        seconds, work, memory = _measured([_command(folder / str(count), out, chords)])
        size = sum(path.stat().st_size for path in out.iterdir())
        rows.append(
            {"files": count, "seconds": seconds, "files a second": count / seconds, "processor s": work,
             "processor ms a file": 1000 * work / count, "peak MB": memory / 1e6, "data set MB": size / 1e6}
        )  # fmt: skip
    # In processor time: on a shared machine the clock says what others did.
    costs = [row["processor ms a file"] for row in rows]
    holds = max(row["peak MB"] for row in rows) < MOST_MEMORY / 1e6 and costs[-1] <= (1 + LINEAR) * costs[0]
    claim = f"below {MOST_MEMORY / 1e6:.0f} MB in all processes; with more files a file costs at most {LINEAR:.0%} more"
    report("ingest", rows, claim, holds)


def _two(folder: Path, counts: list[int], chords: str) -> None:
    rows = []
    for count in counts:
        whole = folder / str(count)
        halves = [folder / f"{count}.{half}" for half in range(2)]
        for number, path in enumerate(sorted(whole.rglob("*.mid"))):
            half = halves[number % 2]
            half.mkdir(exist_ok=True)
            os.symlink(path, half / path.name)
        together, apart = [], []
        for turn in range(_ROUNDS):  # by turns, and the best of each: a shared machine is not always as fast
            together.append(_measured([_command(whole, folder / f"{count}.out{turn}", chords, 2)])[:2])
            apart.append(_measured([_command(half, Path(f"{half}.out{turn}"), chords, 1) for half in halves])[:2])
        (one, one_work), (other, other_work) = (map(min, zip(*runs, strict=True)) for runs in (together, apart))
        rows.append(
            {"files": count, "two workers s": one, "two runs s": other, "share": other / one,
             "share of processor time": other_work / one_work}
        )  # fmt: skip
    holds = all(row["share"] >= TWO for row in rows)
    report("ingest_two", rows, f"two workers reach {TWO:.0%} of two independent processes", holds)


def _command(folder: Path, out: Path, chords: str, workers: int | None = None) -> list[str]:
    command = [sys.executable, "-m", "composer", "prepare", str(folder), "--out-dir", str(out), "--chords", chords]
    return command + (["--workers", str(workers)] if workers else [])


def _measured(commands: list[list[str]]) -> tuple[float, float, float]:
    """Seconds until all commands are done, processor seconds, and the most memory of all processes in bytes."""
    started, before = time.monotonic(), _work()
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    peak, done = [0], threading.Event()
    watch = threading.Thread(target=_watch, args=([run.pid for run in runs], peak, done))
    watch.start()
    codes = [run.wait() for run in runs]
    seconds = time.monotonic() - started
    done.set()
    watch.join()
    if any(codes):
        raise SystemExit(f"a run failed: {codes}")
    return seconds, _work() - before, peak[0]


def _work() -> float:
    """Processor seconds of all processes below this one that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(pids: list[int], peak: list[int], done: threading.Event) -> None:
    while not done.wait(0.2):
        peak[0] = max(peak[0], sum(_memory(pid) for root in pids for pid in _family(root)))


def _family(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(member for child in children for member in _family(child))]


def _memory(pid: int) -> int:
    """Proportional set size: pages that processes share count once."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _make(sources: Path, folder: Path, count: int) -> None:
    """Write so many files."""
    paths = sorted(path for path in sources.rglob("*.mid"))
    if not paths:
        raise SystemExit(f"{sources} holds no MIDI files: give some with --sources")
    for part in range(-(-count // _A_FOLDER)):
        (folder / f"{part:03d}").mkdir(parents=True)
    for _ in mapped(partial(_write, folder, paths), range(count), queued=64):
        pass


def _write(folder: Path, paths: list[Path], number: int) -> None:
    dice = np.random.default_rng(number)
    for _ in range(100):
        try:
            score = data.read(paths[int(dice.integers(len(paths)))])
            break
        except CadenzaError:
            continue
    start = dice.random() * 0.5
    stop = start + 0.3 + dice.random() * (0.7 - start)
    data.write(
        _cut(score, start, stop, int(dice.integers(-5, 7))), folder / f"{number // _A_FOLDER:03d}" / f"{number:06d}.mid"
    )


def _cut(score: Score, start: float, stop: float, semitones: int) -> Score:
    begin, end = int(start * score.end), int(stop * score.end)
    tracks = [_part(track, begin, end, 0 if track.is_drum else semitones) for track in score.tracks]
    return Score(tuple(tracks), score.ticks_per_quarter, tempos=score.tempos[:1], meters=score.meters[:1])


def _part(track: Track, begin: int, end: int, semitones: int) -> Track:
    pitch = track.pitch.astype(np.int64) + semitones
    kept = (track.onset >= begin) & (track.onset < end) & (pitch >= 0) & (pitch < 128)
    columns: dict[str, Any] = {name: getattr(track, name)[kept] for name in ("duration", "velocity")}
    return Track(
        onset=track.onset[kept] - begin, pitch=pitch[kept], **columns, program=track.program, is_drum=track.is_drum
    )


if __name__ == "__main__":
    typer.run(main)
