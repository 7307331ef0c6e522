"""Files to token ids and back: ours beside MidiTok's REMI and symusic's bare parsing, one process, one thread.

Every file goes through all of them in turn. MidiTok gets what our tokens hold as well: programs, tempos and meters in
one sequence, and with chords its own chord tokens, on its default grid (8 steps a quarter).
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import gc
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import symusic

import data
from benchmarks.report import report
from theory.analysis.by_beat import chords_by_beat
from theory.tokens import Tokenizer

POP909 = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "pop909"
GOALS = {"ids": 30.0, "ids, chords": 40.0, "score": 30.0, "parsing": 4.0}


def main() -> None:
    """Print the times a file and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    files = sorted(POP909.rglob("*.mid"))[: options.files]
    if not files:
        raise SystemExit(f"{POP909} is not there: this benchmark needs the POP909 files")
    jobs, tokens, notes = _jobs(files)
    times = {name: _timed(job, files, options.runs) for name, job in jobs.items()}
    rows = [
        {"what": name, "ms a file": value * 1000, "notes/s": notes / len(files) / value}
        for name, value in times.items()
    ]
    ratios = {
        "ids": times["MidiTok: file to ids"] / times["file to ids"],
        "ids, chords": times["MidiTok: file to ids, chords"] / times["file to ids, chords"],
        "score": times["MidiTok: ids to score"] / times["ids to score"],
        "parsing": times["file to ids"] / times["symusic: parse"],
    }
    claim = (
        f"{len(files)} files, {notes} notes, {tokens} tokens: file to ids {ratios['ids']:.1f} x as fast as MidiTok, "
        f"with chords {ratios['ids, chords']:.1f} x, ids to score {ratios['score']:.1f} x; file to ids takes "
        f"{ratios['parsing']:.1f} x as long as symusic takes to parse"
    )
    holds = ratios["parsing"] <= GOALS["parsing"] and all(
        ratios[name] >= goal for name, goal in GOALS.items() if name != "parsing"
    )
    report("tokenize", rows, claim, holds)


def _jobs(files: list[Path]) -> tuple[dict[str, Callable[[Path], Any]], int, int]:
    """What is timed, by name, and how many tokens and notes there are."""
    try:
        import miditok
    except ImportError:
        raise SystemExit("this benchmark needs MidiTok: pip install 'cadenza[benchmarks]'") from None

    def remi(chords: bool) -> Any:
        settings = {"use_programs": True, "use_tempos": True, "use_time_signatures": True, "use_chords": chords}
        return miditok.REMI(miditok.TokenizerConfig(**settings))

    ours, plain, chordal = Tokenizer(), remi(chords=False), remi(chords=True)
    ids = {path: ours.encode(data.read(path)) for path in files}
    theirs = {path: plain(path) for path in files}

    def with_chords(path: Path) -> Any:
        score = data.read(path)
        return ours.encode(score.replace(chords=chords_by_beat(score)))

    jobs: dict[str, Callable[[Path], Any]] = {
        "symusic: parse": lambda path: symusic.Score(path),
        "file to ids": lambda path: ours.encode(data.read(path)),
        "file to ids, chords": with_chords,
        "ids to score": lambda path: ours.decode(ids[path]),
        "MidiTok: file to ids": plain,
        "MidiTok: file to ids, chords": chordal,
        "MidiTok: ids to score": lambda path: plain.decode(theirs[path]),
    }
    return jobs, sum(len(row) for row in ids.values()), sum(data.read(path).notes for path in files)


def _timed(job: Callable[[Path], Any], files: list[Path], runs: int) -> float:
    """Median over runs of the seconds of processor time that a file takes, the first run not counted."""
    seconds = []
    for _ in range(runs + 1):
        gc.collect()
        started = time.process_time()
        for path in files:
            job(path)
        seconds.append((time.process_time() - started) / len(files))
    return statistics.median(seconds[1:])


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
