"""Keys and chords found in the notes, ours beside music21's, against what musicians wrote over the same pieces.

Chords: mir_eval's `root` and `majmin`, weighted by duration over the whole set (C. Raffel et al., "mir_eval", ISMIR
2014). Keys: the MIREX score (1 for the key, 0.5 a fifth above, 0.3 the relative, 0.2 the parallel key): of the key at
each moment, weighted by duration, and of the piece, whose true key is the one that holds longest. Of music21's five key
finders, its keys by bar, and three ways to read chordify's chords, the best on the set by each measure stands in the
table.

Times are the processor's, of analysis alone, and music21's those of its fastest ways: once for what ours finds too,
keys as they change and chords, and once with one key for the whole piece.

The statistics of our analysis come from half of the pieces: the other half, which they have not seen, has rows of its
own.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, TypeVar
from zlib import crc32

from benchmarks import analysis_music21, analysis_sets
from benchmarks.analysis_sets import CORPORA, Case, KeySpan, Span, label_of
from benchmarks.report import report
from theory.analysis import analyse
from theory.key import Key

MEASURES = ("root", "majmin", "key now", "key of piece")
MILLISECONDS = "ms a piece"  # keys as they change, and chords
RATIO, RATIO_ONE_KEY = "x music21", "x its chords and one key"
Value = TypeVar("Value")

# Of POP909 every fifth piece: music21 takes ten seconds a piece.
SETS: dict[str, Callable[[], Iterable[Case]]] = {
    "bach": analysis_sets.bach,
    "monteverdi": analysis_sets.monteverdi,
    "nottingham": analysis_sets.nottingham,
    "nottingham, melody alone": analysis_sets.nottingham_melody,
    "pop909": lambda: analysis_sets.pop909(step=5),
}
_NEEDED = {"nottingham": "nottingham", "nottingham, melody alone": "nottingham", "pop909": "pop909"}


@dataclass
class Tally:
    """Sums over the pieces of a set, for one analyser."""

    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    weights: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, measure: str, score: float, weight: float) -> None:
        """Add one score."""
        self.sums[measure] += score * weight
        self.weights[measure] += weight

    def update(self, other: Tally) -> None:
        """Add another tally's sums."""
        self.seconds += other.seconds
        for measure in other.sums:
            self.sums[measure] += other.sums[measure]
            self.weights[measure] += other.weights[measure]

    def mean(self, measure: str) -> float:
        """The weighted mean of a measure."""
        return self.sums[measure] / self.weights[measure] if self.weights[measure] else float("nan")


# Scores


def add_chords(tally: Tally, case: Case, found: Sequence[Span]) -> None:
    """Add the chord scores of one piece."""
    from mir_eval import chord

    rows = list(overlaps(case.chords, found))
    if not rows:
        return
    truth, guess = [true for _, true, _ in rows], [label or "N" for _, _, label in rows]
    for measure in ("root", "majmin"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = getattr(chord, measure)(truth, guess)
        for (ticks, _, _), score in zip(rows, scores, strict=True):
            if score >= 0:  # negative: a chord that the measure does not know
                tally.add(measure, float(score), ticks / case.score.ticks_per_quarter)


def add_regions(tally: Tally, case: Case, found: Sequence[KeySpan]) -> None:
    """Add the key scores of one piece at every moment."""
    for ticks, true, key in overlaps(case.keys, found):
        tally.add("key now", _mirex(true, key), ticks / case.score.ticks_per_quarter)


def add_piece(tally: Tally, case: Case, found: Key) -> None:
    """Add the score of one piece's key."""
    if case.keys:
        tally.add("key of piece", _mirex(main_key(case), found), 1)


def main_key(case: Case) -> Key:
    """The key that holds longest; of equals the first."""
    lengths: dict[Key, int] = defaultdict(int)
    for start, end, key in case.keys:
        lengths[key] += end - start
    return max(lengths, key=lambda key: lengths[key])


def overlaps(
    truth: Sequence[tuple[int, int, Value]], found: Sequence[tuple[int, int, Value]]
) -> Iterator[tuple[int, Value, Value | None]]:
    """Every stretch of the truth in which one value was found (or none): its length in ticks, and both values."""
    cuts = sorted({tick for start, end, _ in [*truth, *found] for tick in (start, end)})
    true, guess = 0, 0
    for start, end in pairwise(cuts):
        while true < len(truth) and truth[true][1] <= start:
            true += 1
        while guess < len(found) and found[guess][1] <= start:
            guess += 1
        if true < len(truth) and truth[true][0] <= start:
            is_found = guess < len(found) and found[guess][0] <= start
            yield end - start, truth[true][2], found[guess][2] if is_found else None


_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def _mirex(true: Key, found: Key | None) -> float:
    from mir_eval.key import weighted_score

    return float(weighted_score(_words(true), _words(found))) if found else 0.0


def _words(key: Key) -> str:
    return f"{_NAMES[key.tonic_pitch_class]} {'minor' if key.is_minor else 'major'}"


# Analysers


def add_ours(tally: Tally, case: Case) -> None:
    """Analyse one piece with `theory.analysis`."""
    started = time.process_time()
    found = analyse(case.score)
    tally.seconds += time.process_time() - started
    add_chords(tally, case, [(row.tick, row.end, label_of(row.chord)) for row in found.chords])
    add_regions(tally, case, [(row.tick, row.end, row.key) for row in found.keys])
    add_piece(tally, case, found.key)


def add_music21(tallies: dict[str, Tally], case: Case) -> None:
    """Analyse one piece in every way that music21 has."""
    stream = analysis_music21.stream_of(case.spelled)
    for name, key, seconds in analysis_music21.whole_keys(stream):
        tallies[name].seconds += seconds
        add_regions(tallies[name], case, [(0, case.score.end, key)])
        add_piece(tallies[name], case, key)
    for name, regions, seconds in analysis_music21.key_regions(case, stream):
        tallies[name].seconds += seconds
        add_regions(tallies[name], case, regions)
    for name, spans, seconds in analysis_music21.chords(case, stream):
        tallies[name].seconds += seconds
        add_chords(tallies[name], case, spans)


@dataclass
class Part:
    """A set, or its pieces that our analysis has not seen, with the sums of both analyses."""

    ours: Tally = field(default_factory=Tally)
    theirs: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    pieces: int = 0

    def best(self, measure: str) -> tuple[str, float]:
        """The way of music21 that scores most by a measure, and its score."""
        scores = {name: tally.mean(measure) for name, tally in self.theirs.items() if tally.weights[measure]}
        name = max(scores, key=lambda name: scores[name])
        return name, scores[name]

    def seconds(self, *kinds: Iterable[str]) -> float:
        """Of music21's fastest way of each kind, together."""
        return sum(min(self.theirs[way].seconds for way in ways) for ways in kinds)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Our row of the table and music21's."""
        one_key = self.seconds(analysis_music21.KEY_FINDERS, analysis_music21.CHORD_FINDERS)
        keys_by_bar = self.seconds(analysis_music21.WINDOWS, analysis_music21.CHORD_FINDERS)
        winners = {measure: self.best(measure) for measure in MEASURES}
        ours = {measure: self.ours.mean(measure) for measure in MEASURES}
        theirs = {measure: score for measure, (_, score) in winners.items()}
        start = {"pieces": name, "number": self.pieces}
        return [
            {
                **start, "by": "ours", **ours, MILLISECONDS: 1000 * self.ours.seconds / self.pieces,
                RATIO: keys_by_bar / self.ours.seconds, RATIO_ONE_KEY: one_key / self.ours.seconds, "best of": "",
            },
            {
                **start, "by": "music21", **theirs, MILLISECONDS: 1000 * keys_by_bar / self.pieces,
                RATIO: 1.0, RATIO_ONE_KEY: 1.0,
                "best of": "; ".join(f"{measure}: {way}" for measure, (way, _) in winners.items()),
            },
        ]  # fmt: skip


def run(name: str, cases: Iterable[Case]) -> list[dict[str, Any]]:
    """Both analyses of a set, and of its unseen half."""
    whole, unseen = Part(), Part()
    for number, case in enumerate(cases):
        if number == 0:  # what a first call alone costs is left out, of both
            add_ours(Tally(), case)
            add_music21(defaultdict[str, Tally](Tally), case)
        for part in (whole, unseen)[: 1 + is_unseen(case)]:
            add_ours(part.ours, case)
            part.pieces += 1
        found = defaultdict[str, Tally](Tally)
        add_music21(found, case)
        for part in (whole, unseen)[: 1 + is_unseen(case)]:
            for way, tally in found.items():
                part.theirs[way].update(tally)
    return whole.rows(name) + (unseen.rows(f"{name}, unseen half") if unseen.pieces else [])


def is_unseen(case: Case) -> bool:
    """Whether the statistics in `theory.analysis.profiles` were counted without this piece."""
    return crc32(case.id.encode()) % 2 == 1


def is_above(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether our row is the better in every measure; a full score can only be equalled."""
    return all(ours[measure] > theirs[measure] or ours[measure] == 1 for measure in MEASURES)


def main() -> None:
    """Run the sets that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=tuple(SETS), help="one set only")
    parser.add_argument("--limit", type=int, help="the first so many pieces of each set")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in [arguments.set] if arguments.set else SETS:
        folder = CORPORA / _NEEDED[name] if name in _NEEDED else None
        if folder and not folder.is_dir():
            print(f"{name}: skipped, {folder} is not there")
            continue
        rows += run(name, islice(SETS[name](), arguments.limit))
    if not rows:
        return
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    ratio, one_key = (min(ours[column] for ours, _ in pairs) for column in (RATIO, RATIO_ONE_KEY))
    above = sum(is_above(*pair) for pair in pairs)
    claim = (
        f"above music21's best in every measure in {above} of {len(pairs)} rows, and at least {ratio:.0f} x as fast "
        f"({one_key:.0f} x beside its chords and one key for the whole piece)"
    )
    report("analysis", rows, claim, above == len(pairs) and ratio >= 200)


if __name__ == "__main__":
    main()
