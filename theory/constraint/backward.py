"""A pass over the grid from the end of a piece to its start: with what a track can still do all that is asked of it.

A track is a voice that sings one note at a time (dynamic programming over its lane). A set of counts of notes begun in
a bar and of pitches is one integer: a field of bits for each count, in it a bit for each pitch. What a step takes is
then a few operations on integers, whatever the sets hold.
"""

from __future__ import annotations

from functools import reduce
from itertools import zip_longest
from operator import and_

import numpy as np
from numpy.typing import NDArray

from theory.constraint.domain import ANY_NUMBER, PITCHES, Lane

NO_PITCH = PITCHES  # the last pitch of a track that has not sung yet
FIELD_BYTES = PITCHES // 8 + 1

Bits = NDArray[np.bool_]

_FIELD = 8 * FIELD_BYTES  # bits of a field: the pitches and NO_PITCH; the others stay clear
ONE_FIELD = (1 << _FIELD) - 1
_ALL_PITCHES = (1 << PITCHES) - 1


class Backward:
    """The pass.

    Args:
        lane: what is asked of the track.
        goes_on: whether the music goes on after the last step, so that a note may be held beyond it.

    Attributes:
        counts: how many counts of notes in a bar are told apart; the last one stands for all beyond.
        least: for each bar how many notes must begin in it, as far as it makes a difference.
        lasts: for each of S steps the exact duration of a note that begins there; 0 leaves it open.
        sound: for each step the pitches that may sound, for every count.
        latest: for each bar the last step at which its notes may end so that no bar that needs notes is held through.
        alive: for each of S + 1 steps the counts and last pitches with which all works out for a free track.
        begins: for each of S steps those of which it can begin a note.
        good: for each step the counts and pitches with which a note may begin there.
        held: for each bar and its end the counts and pitches with which a note may sound on from the bar before.
    """

    def __init__(self, lane: Lane, goes_on: bool) -> None:
        self._lane, self._goes_on = lane, goes_on
        self.least, self._most = _limits(lane)
        self.counts = 1 + max([*self.least, *(most for most in self._most if most < ANY_NUMBER)])
        self.latest = _latest_ends(lane)
        self._must_start = [*lane.must_start.tolist(), False]
        self._fields = self._counts_from(0)
        self._pitches, self._nobody = self._fields * _ALL_PITCHES, self._fields << NO_PITCH
        self._top = ONE_FIELD << _FIELD * (self.counts - 1)
        self._strides = [(size, *self._masks(size)) for size in _strides(lane.leap)]
        self._begin_of: dict[int, int] = {}
        steps, bars = len(lane.start), len(lane.least)
        self.alive = [0] * steps + [self._pitches | self._nobody]
        self.begins, self.good = [0] * steps, [0] * steps
        self.held = [0] * bars + [self._pitches if goes_on else 0]
        self.sound, self._start = _sets(lane.sound, self._fields), _sets(lane.start & lane.sound, self._fields)
        self._may_end, self.lasts = lane.may_end.tolist(), lane.lasts.tolist()
        self._lengths: list[int] | None = None if lane.durations is None else np.flatnonzero(lane.durations).tolist()
        self._at_least = _runs(self.sound, lane.shortest)
        self._sounds_on = [0] * steps
        self._runs = {length: _runs(self.sound, length) for length in self._lengths or ()}
        self._run()

    def _run(self) -> None:
        lane, sound, start = self._lane, self.sound, self._start
        may_end, must_start = self._may_end, self._must_start
        waits = (~(lane.must_start | lane.must_sound)).tolist()
        for bar in range(len(lane.least) - 1, -1, -1):
            first, line = lane.lines[bar], lane.lines[bar + 1]
            enough = self._enough(bar)
            room = self._pitches if self._most[bar] == ANY_NUMBER else self._pitches_up_to(self._most[bar])
            # As seen from this bar: where all works out at the next step for a free track, and for one in a note.
            alive = (self.alive[line] & ONE_FIELD) * enough
            held = (self.held[bar + 1] & ONE_FIELD) * enough
            for step in range(line - 1, first - 1, -1):
                held = sound[step] & ((alive if may_end[step + 1] else 0) | (0 if must_start[step + 1] else held))
                self._sounds_on[step] = held
                begin = 0
                if choice := start[step] & room:
                    is_open = self._lengths is None and not self.lasts[step]
                    good = choice & (
                        self._one_more(self._held(step, bar)) if is_open else self._ended(step, bar, enough)
                    )
                    self.good[step] = good
                    self.begins[step] = begin = self._begin_of.get(good) or self._begins(good)
                alive = begin | alive if waits[step] else begin
                if alive == self.alive[step + 1]:
                    alive = self.alive[step + 1]  # one integer for both
                self.alive[step] = alive
            self.held[bar] = held

    def _counts_from(self, least: int) -> int:
        """The lowest bit of the fields of all counts from one on."""
        return sum(1 << _FIELD * count for count in range(least, self.counts))

    def _pitches_up_to(self, most: int) -> int:
        """The pitches of all counts to which one more may be added."""
        return _ALL_PITCHES * sum(1 << _FIELD * count for count in range(most))

    def _one_more(self, sets: int) -> int:
        """What holds for a count, moved to the count before it; the last one stands for all beyond."""
        return sets >> _FIELD | sets & self._top

    def _begins(self, good: int) -> int:
        """The counts and last pitches after which one of the good pitches is within reach."""
        some = good + self._pitches & self._nobody  # whatever a field holds carries into its NO_PITCH
        near = some - (some >> PITCHES)
        if self._lane.leap < PITCHES - 1:
            near = good
            for size, upper, lower in self._strides:
                near |= near << size & upper | near >> size & lower
        self._begin_of[good] = begins = near | some
        return begins

    def _held(self, step: int, bar: int) -> int:
        """Counts and pitches with which a note may sound from a step on, for the shortest time or longer."""
        last = step + self._lane.shortest - 1
        if any(self._must_start[step + 1 : last + 1]):
            return 0
        lines, at = self._lane.lines, bar
        while last >= lines[at + 1] and at + 1 < len(self.least):
            at += 1
        found = self._sounds_on[last] if last < lines[at + 1] else (self.held[-1] & ONE_FIELD) * self._enough(at)
        for before in range(at - 1, bar - 1, -1):
            found = (found & ONE_FIELD) * self._enough(before)
        return self._at_least[step] & found

    def _enough(self, bar: int) -> int:
        """The lowest bit of the fields of all counts with which a bar may be left."""
        return self._counts_from(self.least[bar])

    def _masks(self, size: int) -> tuple[int, int]:
        """Where pitches are, in every field, after a move up and down."""
        room = _ALL_PITCHES >> size
        return self._fields * (room << size), self._fields * room

    def _ended(self, step: int, bar: int, enough: int) -> int:
        """Counts and pitches with which a note may begin at a step and have one of its exact lengths."""
        line, latest, last = self._lane.lines[bar + 1], self.latest[bar], len(self.good)
        exact, lengths = self.lasts[step], self._lengths
        if exact:
            lengths = [exact] if lengths is None or exact in lengths else []
        found = 0
        for length in lengths or ():
            if length < self._lane.shortest:
                continue
            end = step + length
            if self._goes_on and end > last == latest:
                end = last
            elif end > latest or not self._may_end[end]:
                continue
            if any(self._must_start[step + 1 : end]):
                break
            held = self._runs[length][step] if length in self._runs else reduce(and_, self.sound[step:end])
            after = self._one_more
            alive = after(self.alive[end]) if end < line else (self.alive[end] & ONE_FIELD) * after(enough)
            found |= held & alive
        return found


def _runs(sets: list[int], length: int) -> list[int]:
    """For each place what is in all of so many sets from there on."""
    if length == 1:
        return sets
    longer = _runs(sets, length - length // 2)
    return [one & other for one, other in zip_longest(longer, longer[length // 2 :], fillvalue=-1)]


def _latest_ends(lane: Lane) -> list[int]:
    """For each bar the last step at which its notes may end so that no bar that needs notes is held through."""
    found, latest = [], lane.lines[-1]
    for least, line in zip(lane.least[::-1].tolist(), lane.lines[:0:-1], strict=True):
        found.append(latest)
        if least:
            latest = line - 1
    return found[::-1]


def _limits(lane: Lane) -> tuple[list[int], list[int]]:
    """Fewest and most notes of each bar, as far as its steps make a difference."""
    places = np.add.reduceat(np.any(lane.start & lane.sound, axis=1), lane.lines[:-1], dtype=np.int32)
    most = np.where(lane.most < places, lane.most, ANY_NUMBER)
    return np.minimum(lane.least, places + 1).tolist(), most.tolist()


def _strides(leap: int) -> list[int]:
    """Moves that, each made or left out, come to all numbers up to a leap."""
    strides: list[int] = []
    while (left := leap - sum(strides)) > 0:
        strides.append(min(1 << len(strides), left))
    return strides


def _sets(flags: Bits, fields: int = 1) -> list[int]:
    """Rows of flags, (S, 128), as integers, in all the fields whose lowest bits are given."""
    low, high = np.packbits(flags, axis=1, bitorder="little").view("<u8").T
    known: dict[tuple[int, int], int] = {}
    found = []
    for pair in zip(low.tolist(), high.tolist(), strict=True):
        if (bits := known.get(pair)) is None:
            bits = known[pair] = (pair[0] | pair[1] << 64) * fields
        found.append(bits)
    return found
