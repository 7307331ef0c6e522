"""What is ahead of a track: what it can do so that all that is asked of it still works out."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.constraint.backward import FIELD_BYTES, NO_PITCH, ONE_FIELD, Backward, Bits
from theory.constraint.domain import PITCHES, Lane

NEVER = 2**30

Packed = NDArray[np.uint8]

_DISTANCE = np.abs(np.arange(PITCHES) - np.arange(PITCHES)[:, None])
_MOST_OUTLOOKS = 20_000


class Outlook(NamedTuple):
    """A track's bar: integers whose bits are the positions in it.

    Attributes:
        waits: up to which it may go without beginning a note.
        begins: at which it may begin one.
        rests: at which it may stay silent, or sings on.
        crosses: whether it may go without beginning a note up to the bar line.
    """

    waits: int
    begins: int
    rests: int
    crosses: bool


class Prospects:
    """What is ahead of one track.

    Args:
        lane: what is asked of it.
        goes_on: whether the music goes on after the last step, so that a note may be held beyond it.
    """

    def __init__(self, lane: Lane, *, goes_on: bool = False) -> None:
        back = Backward(lane, goes_on)
        # The lane itself is not kept: its columns are large.
        self._lines, self._leap, self._rhythm = lane.lines, lane.leap, lane.rhythm()
        self._counts, self._least, self._latest, self._lasts = back.counts, back.least, back.latest, back.lasts
        self._alive_sets, self._begin_sets, self._good_sets, self._held = back.alive, back.begins, back.good, back.held
        self._sound_sets = back.sound
        # Steps, and lengths, as the bits of integers.
        self._must, self._must_start = bits(lane.must_start | lane.must_sound), bits(lane.must_start)
        self._waits, self._may_end = bits(~(lane.must_start | lane.must_sound)), bits(lane.may_end)
        self._lengths = (-1 if lane.durations is None else bits(lane.durations)) & -1 << lane.shortest
        self._outlooks: dict[tuple[int, int, int, int], Outlook] = {}

    def begins_well(self, step: int) -> bool:
        """Whether all works out for a track that has sung nothing before a step, the first one of a bar."""
        return bool(self._alive_sets[step] >> NO_PITCH & 1)

    def last_lost(self, step: int) -> int:
        """The last step, from one on, at which nothing works out for a free track; that step if there is none."""
        alive = self._alive_sets
        return max((later for later in range(step, len(alive)) if not alive[later]), default=step)

    def last_lost_bar(self) -> int | None:
        """The last bar that the track cannot enter, be it free or in a note; None if there is none."""
        alive, held = self._alive_sets, self._held
        bars = enumerate(self._lines[:-1])
        return max((bar for bar, line in bars if not (alive[line] | held[bar]) & ONE_FIELD), default=None)

    def flows_like(self, other: Prospects) -> bool:
        """Whether the outlooks are the same as another track's, and notes that can be held equally long end alike."""
        return (
            (self._counts, self._least, self._rhythm) == (other._counts, other._least, other._rhythm)
            and self._alive_sets == other._alive_sets
            and self._begin_sets == other._begin_sets
        )

    @cached_property
    def able(self) -> Bits:
        """Whether a note may begin at a step, however it is reached, and all works out: bool (S,)."""
        return np.array([begins != 0 for begins in self._begin_sets])

    def outlook(self, bar: int, free_at: int, begun: int, last: int) -> Outlook:
        """What the track can do in a bar if it begins no further note before; remembered.

        Args:
            bar: index.
            free_at: the step at which its note ends.
            begun: notes that it has begun in the bar.
            last: its last pitch, -1 for none.
        """
        start, line = self._lines[bar], self._lines[bar + 1]
        key = bar, min(max(free_at, start), line), *self._index(begun, last)
        found = self._outlooks.get(key)
        if found is None:
            if len(self._outlooks) > _MOST_OUTLOOKS:
                self._outlooks.clear()
            found = self._outlooks[key] = self._look_out(*key)
        return found

    def _look_out(self, bar: int, free_at: int, count: int, last: int) -> Outlook:
        start, line = self._lines[bar], self._lines[bar + 1]
        size = line - start
        whole = (1 << size) - 1
        beyond = count >= self._least[bar] and bool(self._alive.at(0, last) >> line & 1)
        begin = self._begins.at(count, last) >> start & whole
        works = self._alive.at(count, last) >> start + 1 & whole >> 1
        rest = (works | beyond << size - 1) & self._waits >> start
        busy = (1 << free_at - start) - 1
        patience = min(_first(self._must, free_at), line)
        return Outlook(
            waits=busy | (begin | rest) & (2 << patience - start) - 1,
            begins=begin & ~busy,
            rests=rest | busy,
            crosses=free_at >= line or (beyond and patience == line),
        )

    def pitches(self, step: int, begun: int, last: int) -> Bits:
        """The pitches that may begin at a step, after so many notes of its bar and a last pitch: bool (128,)."""
        count, last = self._index(begun, last)
        good = self._good[step, count] & self._near[last]
        return np.unpackbits(good, bitorder="little").view(np.bool_)

    def ends(self, bar: int, step: int, begun: int, pitch: int) -> int:
        """How long a note may be that begins at a step, as the bits of an integer; `begun` counts it already."""
        line = self._lines[bar + 1]
        count, last = self._index(begun, pitch)
        latest = self.reach(step, pitch)
        works = self._alive.at(count, last)
        if latest >= line:
            works &= (1 << line) - 1
            if count >= self._least[bar]:
                works |= self._alive.at(0, last) >> line << line
            latest = min(latest, self._latest[bar])
        ends = (works & self._may_end & (2 << latest) - 1) >> step & self._lengths
        exact = self._lasts[step]
        return ends & 1 << exact if exact else ends

    def reach(self, step: int, pitch: int) -> int:
        """The last step at which a note of a pitch that begins at a step may end, whatever comes then."""
        return min(_first(~self._sounds.at(0, pitch), step), _first(self._must_start, step + 1))

    def _index(self, begun: int, last: int) -> tuple[int, int]:
        """The count and the last pitch that stand for others too."""
        return min(begun, self._counts - 1), last if self._leap < PITCHES - 1 and last >= 0 else NO_PITCH

    @cached_property
    def _alive(self) -> _Columns:
        """At which steps all works out for a free track."""
        return _Columns(self._alive_sets, self._counts)

    @cached_property
    def _begins(self) -> _Columns:
        """At which steps it can begin a note."""
        return _Columns(self._begin_sets, self._counts)

    @cached_property
    def _sounds(self) -> _Columns:
        """At which steps a pitch may sound."""
        return _Columns([sets & ONE_FIELD for sets in self._sound_sets], 1)

    @cached_property
    def _good(self) -> Packed:
        """The pitches that may begin, by count: (S, C, 16)."""
        return _packed(self._good_sets, self._counts)[:, :, :-1]

    @cached_property
    def _near(self) -> Packed:
        """The pitches within a leap of each last one, of NO_PITCH all: (129, 16)."""
        near = np.ones((PITCHES + 1, PITCHES), dtype=np.bool_)
        near[:NO_PITCH] = self._leap >= _DISTANCE
        return np.packbits(near, axis=1, bitorder="little")


class _Columns:
    """Sets at steps, read by what is in them: for a count and a pitch the steps, as the bits of an integer.

    Args:
        sets: one for each step, as of `Backward`.
        counts: that they tell apart.
    """

    def __init__(self, sets: list[int], counts: int) -> None:
        self._rows = _packed(sets, counts)
        self._known: dict[tuple[int, int], int] = {}

    def at(self, count: int, pitch: int) -> int:
        """The steps whose sets hold a count with a pitch."""
        found = self._known.get((count, pitch))
        if found is None:
            byte, bit = divmod(pitch, 8)
            found = self._known[count, pitch] = bits((self._rows[:, count, byte] >> bit & 1).view(np.bool_))
        return found


def bits(flags: Bits) -> int:
    """Flags as the bits of an integer, the first the lowest."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def _packed(sets: list[int], counts: int) -> Packed:
    """Integers as bytes: (n, counts, bytes of a field)."""
    joined = b"".join([one.to_bytes(counts * FIELD_BYTES, "little") for one in sets])
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(sets), counts, FIELD_BYTES)


def _first(flags: int, start: int) -> int:
    """The first bit that is set, from one on, or one that never comes."""
    left = flags >> start
    return start + (left & -left).bit_length() - 1 if left else NEVER
