"""What a data set is made of, in numbers that add up: tables of counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from theory.score import Score

Tally = dict[str, Counter[str]]  # table -> entry -> count
STEPS_PER_QUARTER = 24  # in which note values are counted
_LONGEST = 8 * 4 * STEPS_PER_QUARTER  # longer notes count as this long


def of_piece(score: Score, key: str, tokens: int, left_out: Mapping[str, int]) -> Tally:
    """One piece in numbers.

    The tables: notes by "pitches" (drums apart) and "drums", both MIDI numbers; notes by "durations" in 24ths of a
    quarter; bars by "meters"; chords by "chords" (their qualities); tracks by "programs" (General MIDI numbers, or
    "drums"); what readers could not keep or had to repair by "left_out"; pieces by "keys", "tracks", "bars", "notes",
    "seconds" (whole), "tokens" and "tempos" (the first, in quarters a minute).

    Args:
        score: the piece.
        key: its name as the data set has it.
        tokens: how many it was encoded to.
        left_out: what its reader says of what it left out or repaired.
    """
    players = [track for track in score.tracks if len(track)]
    pitched = [track for track in players if not track.is_drum]
    return {
        "pitches": _counted([track.pitch for track in pitched]),
        "drums": _counted([track.pitch for track in players if track.is_drum]),
        "durations": _counted([_steps(track.duration, score.ticks_per_quarter) for track in pitched]),
        "meters": _meters(score),
        "chords": Counter("no chord" if event.chord is None else event.chord.quality for event in score.chords),
        "programs": Counter("drums" if track.is_drum else str(track.program) for track in players),
        "left_out": Counter(left_out),
        "keys": Counter([key]),
        "tracks": Counter([str(len(players))]),
        "bars": Counter([str(score.bars)]),
        "notes": Counter([str(score.notes)]),
        "seconds": Counter([str(round(score.duration))]),
        "tokens": Counter([str(tokens)]),
        "tempos": Counter([str(round(score.tempos[0].bpm))]),
    }


def added(total: Tally, more: Mapping[str, Mapping[str, int]]) -> None:
    """Add to `total`, in place."""
    for table, counts in more.items():
        total.setdefault(table, Counter()).update(counts)


def ordered(tally: Tally) -> dict[str, dict[str, int]]:
    """Plain values for JSON: numbers rise, names go by their counts."""
    return {
        table: dict(sorted(counts.items(), key=lambda row: (0, int(row[0])) if row[0].isdigit() else (1, row[0])))
        if any(entry.isdigit() for entry in counts)
        else dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
        for table, counts in sorted(tally.items())
    }


def _steps(durations: Any, ticks_per_quarter: int) -> Any:
    steps = (durations.astype(np.int64) * STEPS_PER_QUARTER + ticks_per_quarter // 2) // ticks_per_quarter
    return np.clip(steps, 1, _LONGEST)


def _counted(columns: Iterable[Any]) -> Counter[str]:
    columns = [np.asarray(column) for column in columns]
    if not columns:
        return Counter()
    values, counts = np.unique(np.concatenate(columns), return_counts=True)
    return Counter(dict(zip(map(str, values.tolist()), counts.tolist(), strict=True)))


def _meters(score: Score) -> Counter[str]:
    lines = score.bar_lines()[:-1]
    starts = np.array([event.tick for event in score.meters])
    bars = np.bincount(np.searchsorted(starts, lines, side="right") - 1, minlength=len(starts))
    counts: Counter[str] = Counter()
    for event, number in zip(score.meters, bars.tolist(), strict=True):
        if number:
            counts[str(event.meter)] += number
    return counts


__all__ = ["STEPS_PER_QUARTER", "Tally", "added", "of_piece", "ordered"]
