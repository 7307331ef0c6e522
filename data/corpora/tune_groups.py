"""Groups of folk tunes that share their music: `python -m data.corpora.tune_groups` writes tune_groups.json.

One tune goes by many titles, within a book and between books: by title alone 6 % of the held-out tunes share a run of
more than 32 notes with the training side, the longest 167; by these groups none more than 16. Two tunes are linked, and
links are followed to the end, when

- they have one title (`tune_books.title_group`); or
- they share a run of 17 notes, in whatever transposition: the same intervals at the same times from onset to onset; or
- they share a run of 21 notes by their intervals alone, whatever the rhythm: dotted or even, in half the values; or
- 9 notes in a row, again by intervals alone, that stand in the other too cover two fifths of both tunes together
  (Dice's measure): versions of a tune that differ in a note here and there.

How the thresholds were chosen: groups of three tunes or four are what one expects of such books, but common turns of
phrase tie all to all when runs are too short. With intervals and times the largest group of 4,245 tunes has 2,247 at 11
notes, 558 at 13, then 15 at 15 and 10 at 17, and from there on it hardly shrinks; by intervals alone 2,314 at 13 notes,
493 at 15, 29 at 17 and 10 at 21. Coverage has two humps over the pairs of other titles, one at 0.14 and one at 1, with
a thin valley from 0.4 to 0.7. Pairs were compared by their titles ("Captain Kelly's Reel" and "Captain Kelleys"):
among those that coverage alone links most are versions above 0.44 and some from 0.36 to 0.44; runs of 16 notes are
scales and arpeggios as often as tunes, longer ones less and less. Linking too much costs little here, linking too
little leaks.

The side of a piece (`data.split`) is a hash of its group's name. So that no tune that has trained a model is ever held
out, and none that has been validated on comes to the test, a group has the name of one of its title groups: the first
of those on the training side, else of those that validate, else of all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from data import corpora
from data.corpora.tune_books import FOLK, GROUPS, title_group
from data.split import Side, split_of
from data.workers import Failure, mapped
from theory.errors import InputFileError
from theory.score import IntArray, Score, Track
from theory.tokens.vocabulary import STEPS_PER_QUARTER

RUN, RUN_OF_INTERVALS = 17, 21  # notes in a row that link two tunes
ALIKE, ALIKE_RUN = 0.4, 9  # share of both tunes that common runs of so many notes cover
_SIDES: tuple[Side, ...] = ("train", "valid", "test")
_NOWHERE = -1  # of a window that would reach beyond its tune


class Tune(NamedTuple):
    """What is compared of a tune of n notes.

    Attributes:
        interval: int64 (n - 1,), semitones from each note to the next.
        wait: int64 (n - 1,), 24ths of a quarter from onset to onset.
    """

    interval: IntArray
    wait: IntArray


def tune_of(score: Score) -> Tune:
    """The first part of a score that has notes; of those that begin together the highest."""
    track = next((track for track in score.tracks if len(track)), Track.from_notes(()))
    quarter = score.ticks_per_quarter
    steps = (2 * STEPS_PER_QUARTER * track.onset.astype(np.int64) + quarter) // (2 * quarter)  # the nearest 24th
    order = np.lexsort((track.pitch, steps))
    rows = order[np.diff(steps[order], append=-1) != 0]
    return Tune(np.diff(track.pitch[rows].astype(np.int64)), np.diff(steps[rows]))


def groups_of(tunes: Sequence[Tune], titles: Sequence[str]) -> list[int]:
    """The group of each tune, named by its first member.

    Args:
        tunes: those to compare.
        titles: the title group of each.

    Returns:
        For each tune the index of the first tune of its group.
    """
    intervals = Windows([tune.interval for tune in tunes])
    timed = Windows([_timed(tune) for tune in tunes])
    first = np.arange(len(tunes))
    for together in (
        _with_one_title(titles),
        timed.together(RUN - 1),
        intervals.together(RUN_OF_INTERVALS - 1),
        intervals.alike(ALIKE_RUN - 1, ALIKE),
    ):
        for one, other in together:
            low, high = sorted((int(first[one]), int(first[other])))
            first[first == high] = low
    return [int(index) for index in first]


def named(titles: Sequence[str], first: Sequence[int]) -> dict[str, str]:
    """Title group -> the title group that names its whole group, where that is another.

    Args:
        titles: the title group of each tune.
        first: the group of each tune, as from `groups_of`.
    """
    members: dict[int, set[str]] = {}
    for title, group in zip(titles, first, strict=True):
        members.setdefault(group, set()).add(title)
    names = {group: min(of, key=lambda title: (_SIDES.index(split_of(title)), title)) for group, of in members.items()}
    rows = zip(titles, (names[group] for group in first), strict=True)
    return dict(sorted((title, name) for title, name in rows if title != name))


class Windows:
    """All windows of some sequences: which sequences share which.

    A window is known by a number, the same for the same values: numbers of length 2 m are those of pairs of length m
    (the doubling of Karp, Miller and Rosenberg, STOC 1972), so that no hash can lie.
    """

    def __init__(self, sequences: Sequence[IntArray]) -> None:
        """Lay the sequences one after the other."""
        self._lengths = np.array([len(one) for one in sequences])
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)[:-1]])
        self._owner = np.repeat(np.arange(len(sequences)), self._lengths)
        self._left = np.repeat(self._starts + self._lengths, self._lengths) - np.arange(len(self._owner))
        self._values = np.concatenate([np.empty(0, np.int64), *sequences])

    def numbers(self, length: int) -> IntArray:
        """The number of the window that begins at each value: int64 (values,), -1 beyond the end of its sequence."""
        numbers = _ranked(self._values)
        size = 1
        while size < length:
            step = min(size, length - size)  # two windows, overlapping where the length is no power of two
            pairs = numbers[:-step] * len(numbers) + numbers[step:] if len(numbers) > step else numbers[:0]
            numbers = np.append(_ranked(pairs), np.zeros(len(numbers) - len(pairs), np.int64))
            size += step
        numbers[self._left < length] = _NOWHERE
        return numbers

    def together(self, length: int) -> Iterator[tuple[int, int]]:
        """Pairs of sequences that share a window; sequences that share one hang together by pairs of neighbours."""
        numbers = self.numbers(length)
        rows = np.unique(np.column_stack([numbers, self._owner])[numbers != _NOWHERE], axis=0)
        for row in np.flatnonzero(np.diff(rows[:, 0]) == 0):
            yield int(rows[row, 1]), int(rows[row + 1, 1])

    def alike(self, length: int, share: float) -> Iterator[tuple[int, int]]:
        """Pairs of sequences of whose values, of both together, windows that stand in both cover at least a share."""
        numbers = self.numbers(length)
        rows = np.unique(np.column_stack([numbers, self._owner])[numbers != _NOWHERE], axis=0)
        starts = np.searchsorted(rows[:, 0], np.arange(numbers.max(initial=_NOWHERE) + 2))
        owners = [rows[start:end, 1] for start, end in pairwise(starts)]
        covered = np.zeros((len(self._lengths),) * 2, np.int32)
        for one, (start, count) in enumerate(zip(self._starts, self._lengths, strict=True)):
            _cover(covered[one], numbers[start : start + count], owners, length)
        enough = share * np.maximum(np.add.outer(self._lengths, self._lengths), 1)
        for one, other in np.argwhere(np.triu(covered + covered.T >= enough, 1)):
            yield int(one), int(other)


def _cover(row: IntArray, numbers: IntArray, owners: Sequence[IntArray], length: int) -> None:
    """Write into a row (sequences,) how many values of one sequence are covered by windows of each other sequence."""
    places = np.flatnonzero(numbers != _NOWHERE)
    if not len(places):
        return
    holders = [owners[number] for number in numbers[places]]
    others, column = np.unique(np.concatenate(holders), return_inverse=True)
    covers = np.zeros((len(numbers), len(others)), bool)
    at = np.repeat(places, [len(holder) for holder in holders])
    for step in range(length):
        covers[at + step, column] = True
    row[others] = covers.sum(axis=0)


def _ranked(values: IntArray) -> IntArray:
    ranks: IntArray = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return ranks


def _timed(tune: Tune) -> IntArray:
    return (tune.interval << 32) + tune.wait


def _with_one_title(titles: Iterable[str]) -> Iterator[tuple[int, int]]:
    last: dict[str, int] = {}
    for index, title in enumerate(titles):
        if title in last:
            yield last[title], index
        last[title] = index


def _tunes(ids: Sequence[str]) -> Iterator[Tune]:
    for id_, score in zip(ids, mapped(partial(corpora.read, FOLK.name), ids), strict=True):
        if isinstance(score, Failure):
            raise InputFileError(f"{id_} {score.reason}")
        yield tune_of(score)


def report(titles: Sequence[str], first: Sequence[int], table: Mapping[str, str]) -> Iterator[str]:
    """Lines on the sides before and after, and on the largest groups."""
    before, after = (Counter(map(split_of, names)) for names in (titles, [table.get(name, name) for name in titles]))
    sizes = Counter(first)
    yield f"{len(titles)} tunes of {len(set(titles))} titles in {len(sizes)} groups"
    yield from (f"{side}: {before[side]} by title, {after[side]} by group" for side in _SIDES)
    for group, size in sizes.most_common(20):
        members = sorted({title for title, of in zip(titles, first, strict=True) if of == group})
        yield f"{size:3}  {' | '.join(title.removeprefix('tunes/') for title in members)}"


def main() -> None:
    """Build the table, write it, and print the sides and the largest groups."""
    ids = FOLK.ids()
    titles = [title_group(id_) for id_ in ids]
    first = groups_of(list(_tunes(ids)), titles)
    table = named(titles, first)
    GROUPS.write_text(json.dumps(table, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print("\n".join(report(titles, first, table)))


if __name__ == "__main__":
    main()
