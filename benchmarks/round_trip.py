"""Every real file to token ids and back: nothing is lost but what the settings say.

The files are those of shared/corpora and of shared/testcases, of which those count that can be read. Under the settings
that ship and under the lossless ones

- `decode(encode(score)) == quantize(score)`: tracks, programs, meters, tempos, keys, chords, controls, fermatas, end;
- `encode(decode(ids)) == ids`;
- the grammar lets every token through (of short files: it walks token by token).

Under the lossless ones every note's onset, end, pitch and velocity is also the file's own, at 480 ticks a quarter.
Pieces that break one of these are listed.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import data
from benchmarks.report import report
from data import abc
from data.ingest.listing import Listed, Rights, listed
from data.workers import Failure, mapped
from theory.errors import CadenzaError
from theory.score import Score
from theory.tokens import State, Tokenizer, grammar_of
from theory.transform import resample

SHARED = Path(__file__).resolve().parents[2] / "shared"
FOLDERS = ("corpora", "testcases")
TOKENIZERS = {"as shipped": Tokenizer(), "lossless": Tokenizer.lossless()}
_WALKED = 4_000  # tokens


class Trip(NamedTuple):
    """What became of one piece.

    Attributes:
        notes: that it has; -1 where it cannot be read.
        broken: what does not hold, as in "lossless: decode(encode(score)) == quantize(score)".
    """

    notes: int
    broken: tuple[str, ...] = ()


def main() -> None:
    """Print how many pieces held."""
    rows, total, wrong = [], 0, 0
    for name in FOLDERS:
        folder = SHARED / name
        if not folder.is_dir():
            raise SystemExit(f"{folder} is not there: this benchmark needs its files")
        items = list(listed(folder, Rights("", "")))
        trips: list[Trip] = []
        with closing(mapped(partial(trip_of, folder), items, time_limit=600.0)) as results:
            for item, result in zip(items, results, strict=True):
                trips.append(Trip(0, (result.reason,)) if isinstance(result, Failure) else result)
                for what in trips[-1].broken:
                    print(f"{name}/{item.id}: {what}", file=sys.stderr)
        read = [trip for trip in trips if trip.notes >= 0]
        held = sum(not trip.broken for trip in read)
        total, wrong = total + len(read), wrong + len(read) - held
        rows.append({
            "folder": name, "pieces": len(trips), "read": len(read), "held": held, "notes": sum(t.notes for t in read),
            "broken": dict(Counter(what for trip in read for what in trip.broken)) or "nothing",
        })  # fmt: skip
    report("round_trip", rows, f"{total - wrong} of {total} readable pieces come back under both settings", wrong == 0)


def trip_of(folder: Path, item: Listed) -> Trip:
    """Read, encode and decode one piece."""
    try:
        path = folder / item.path
        score, _ = abc.read_with_report(path, item.tune) if item.tune else data.read_with_report(path)
    except CadenzaError:
        return Trip(-1)
    broken = [f"{name}: {what}" for name, tokenizer in TOKENIZERS.items() for what in faults(score, tokenizer)]
    return Trip(score.notes, tuple(broken))


def faults(score: Score, tokenizer: Tokenizer) -> list[str]:
    """What does not hold of a score under a tokenizer."""
    ids = tokenizer.encode(score)
    decoded = tokenizer.decode(ids)
    checks = {
        "decode(encode(score)) == quantize(score)": decoded == tokenizer.quantize(score),
        "encode(decode(ids)) == ids": np.array_equal(tokenizer.encode(decoded), ids),
        "the grammar lets it through": len(ids) > _WALKED or _doubled(decoded) or _let_through(ids.tolist(), tokenizer),
        "every note is the file's own": not tokenizer.microtiming or _same_notes(score, decoded),
    }
    return [what for what, holds in checks.items() if not holds]


def _let_through(ids: list[int], tokenizer: Tokenizer) -> bool:
    state, grammar = State(), grammar_of(tokenizer)
    for token in ids:
        if not grammar.mask(state)[token]:
            return False
        state.advance(token)
    return True


def _doubled(score: Score) -> bool:
    """Whether a track has two notes of one pitch at one tick, which the grammar does not let through."""
    pairs = (np.stack([track.onset, track.pitch]) for track in score.tracks)
    return any(np.unique(pair, axis=1).shape[1] < pair.shape[1] for pair in pairs)


def _same_notes(score: Score, decoded: Score) -> bool:
    exact = resample(score, decoded.ticks_per_quarter)
    names = ("onset", "duration", "pitch", "velocity")
    pairs = zip(exact.tracks, decoded.tracks, strict=True)
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for one, other in pairs for name in names)


if __name__ == "__main__":
    main()
