"""Random requests with two to six kinds of constraints each: whether every written piece keeps all that was asked.

Each piece is written as MIDI and judged by `benchmarks.constraint_checker`, which shares no code with the masks. A
request that is refused before its first token counts as unsatisfiable and another is drawn in its place. That no
request is refused wrongly is tried in two ways. Pieces that exist, asked for once more with all their notes locked,
must come out note for note. With `--witnessed` each request is read off a piece that was written without masks or model
(`benchmarks.constraint_witness`), so that all of them can be kept: then none may be refused.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import composer
from benchmarks import constraint_requests, constraint_witness
from benchmarks.constraint_checker import check
from benchmarks.constraint_requests import PARTS, Drawn
from benchmarks.hearing import Heard, hear
from benchmarks.report import report
from composer import bundle, generate
from data import midi
from theory.errors import CadenzaError, ClashError, SearchError

MOST_SECONDS = 1.0  # that a refusal may take
MOST_EXHAUSTED = 1 / 1000
_RELOCKED = 4  # one piece in so many is asked for again
_ENDS, _TONIC = "ends on ", "ends on the tonic"  # how the report calls endings


@dataclass
class Tally:
    """What has been found so far.

    Attributes:
        witnessed: whether every request can be kept, so that none may be refused.
    """

    witnessed: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    exhausted: int = 0
    notes: int = 0
    redraws: int = 0
    slowest: float = 0.0
    wrong: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Requests that can be kept, as far as is known."""
        return self.pieces + self.exhausted + self.refused * self.witnessed

    @property
    def pieces(self) -> int:
        """How many have been judged."""
        return self.asked["form"]

    def rows(self) -> list[dict[str, Any]]:
        """A table: each kind of constraint, how often it held and how often it was asked for."""
        satisfiable = self.pieces + self.exhausted
        counts = [(kind, self.held[kind], asked) for kind, asked in self.asked.items()]
        counts += [("exhausted", self.exhausted, satisfiable), ("refused", self.refused, satisfiable + self.refused)]
        return [{"constraint": kind, "held": held, "of": asked} for kind, held, asked in counts]

    def judge(self, index: int, arguments: dict[str, Any], found: dict[str, list[str]]) -> None:
        """Count kinds of constraints that hold, and keep what is broken with its request."""
        for kind, faults in found.items():
            self.asked[kind] += 1
            self.held[kind] += not faults
            if faults:
                self.fail(index, kind, faults[0], arguments)

    def fail(self, index: int, kind: str, fault: str, arguments: dict[str, Any]) -> None:
        """Keep and print a failure."""
        self.wrong.append({"index": index, "kind": kind, "fault": fault, "arguments": arguments})
        words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        print(f"request {index}: {kind}: {fault}\n    compose({words})", flush=True)


def main() -> None:
    """Draw, compose, write, read back, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--requests", type=int, default=1000, help="satisfiable ones")
    many.add_argument("--witnessed", type=int, help="so many, each read off a piece that keeps it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--only", type=int, help="the number of one request")
    options = parser.parse_args()
    tally = _run(options)
    satisfiable = tally.pieces + tally.exhausted
    claim = (
        f"{tally.pieces} pieces, {tally.notes} notes, {tally.redraws / max(tally.pieces, 1):.2f} redraws a piece: all "
        f"constraints hold; {tally.exhausted} of {satisfiable} requests exhausted, {tally.refused} refused, the "
        f"slowest in {tally.slowest:.2f} s"
    )
    holds = not tally.wrong and tally.exhausted <= MOST_EXHAUSTED * satisfiable
    report("constraints_witnessed" if options.witnessed else "constraints", tally.rows(), claim, holds)


def _run(options: argparse.Namespace) -> Tally:
    """Try requests until enough of them were satisfiable."""
    meters = generate.load(bundle.find("chorale", options.model))[0].style.meters
    composer.compose(bars=1, model=options.model)  # read the model before anything is timed
    tally = Tally(witnessed=options.witnessed is not None)
    name, draw = ("witness ", constraint_witness.draw) if tally.witnessed else ("", constraint_requests.draw)
    numbers = count() if options.only is None else iter([options.only])
    with tempfile.TemporaryDirectory() as folder:
        for index in numbers:
            drawn = draw(Random(f"{name}{options.seed}/{index}"), meters, Path(folder))
            drawn.arguments["model"] = options.model
            attempt(index, drawn, Path(folder) / "piece.mid", tally)
            if tally.tried >= (options.witnessed or options.requests):
                break
    return tally


def attempt(index: int, drawn: Drawn, path: Path, tally: Tally) -> None:
    """Compose one request and judge the piece."""
    started = time.process_time()
    try:
        piece = composer.compose(**drawn.arguments)
    except ClashError as error:
        seconds = time.process_time() - started
        tally.refused += 1
        tally.slowest = max(tally.slowest, seconds)
        if seconds > MOST_SECONDS:
            tally.fail(index, "refusal", f"{seconds:.2f} s", drawn.arguments)
        if tally.witnessed:
            tally.fail(index, "refused", str(error), drawn.arguments)
        return
    except SearchError:
        tally.exhausted += 1
        print(f"request {index}: exhausted after {time.process_time() - started:.1f} s: {drawn.arguments}", flush=True)
        return
    except Exception as error:
        tally.fail(index, "crash", f"{type(error).__name__}: {error}", drawn.arguments)
        tally.asked["form"] += 1
        return
    midi.write(piece.score, path)
    heard = hear(path)
    # The style's own ending gives way where what is asked for excludes it; the report then does not name it.
    endings = [rule.rule for rule in piece.report.rules if rule.rule.startswith(_ENDS)]
    drawn.wish.ends |= _TONIC in endings
    drawn.wish.ends_on_chord = any(ending != _TONIC for ending in endings)
    found = check(heard, drawn.wish)
    found["report"] = [
        f"{rule.rule}: {rule.kept}/{rule.asked}" for rule in piece.report.rules if rule.kept < rule.asked
    ]
    if index % _RELOCKED == 0:
        found["composed again"] = _again(drawn.arguments, heard, path)
    tally.judge(index, drawn.arguments, found)
    tally.notes += piece.report.notes
    tally.redraws += piece.report.redraws


def _again(arguments: dict[str, Any], heard: Heard, path: Path) -> list[str]:
    """Ask for a piece once more with all its notes locked; a part that was silent may sing now."""
    locks = tuple(f"{part}={path}" for part, notes in zip(PARTS, heard.parts, strict=True) if notes)
    try:
        piece = composer.compose(**{**arguments, "locks": locks, "seed": arguments["seed"] + 1})
    except CadenzaError as error:
        return [f"refused: {error}"]
    midi.write(piece.score, path)
    pairs = zip(heard.parts, hear(path).parts, strict=True)
    return [] if all(before == after for before, after in pairs if before) else ["other notes"]


if __name__ == "__main__":
    main()
