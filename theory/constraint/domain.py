"""The notes a piece may be made of, before the first is chosen: what rules narrow and the automaton reads."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.chord import Chord
from theory.key import Key
from theory.meter import Meter
from theory.tokens.vocabulary import LOW_STEPS, STEPS_PER_QUARTER

PITCHES = 128
ANY_NUMBER = 10_000  # more notes than a bar has steps


class Frame(NamedTuple):
    """The empty piece.

    Attributes:
        parts: name of each track, from the top voice down.
        lines: grid steps at which bars begin, and the end of the last bar: bars + 1 of them, rising.
        meters: of each bar.
        key: of the piece.
        first_bar: the first bar that is to be composed (0, but after a primer).
        pickup: whether the first bar is an upbeat, which musicians count as bar 0.
    """

    parts: tuple[str, ...]
    lines: tuple[int, ...]
    meters: tuple[Meter, ...]
    key: Key
    first_bar: int = 0
    pickup: bool = False

    @classmethod
    def regular(cls, parts: tuple[str, ...], meter: Meter, bars: int, key: Key) -> Frame:
        """So many bars of one meter."""
        length = meter.bar_ticks(STEPS_PER_QUARTER)
        return cls(parts, tuple(range(0, (bars + 1) * length, length)), (meter,) * bars, key)

    @property
    def bars(self) -> int:
        """Number of bars."""
        return len(self.meters)

    @property
    def steps(self) -> int:
        """Number of grid steps."""
        return self.lines[-1]

    def bar_index(self, number: int) -> int:
        """Index of the bar that musicians call by a number."""
        return number - (not self.pickup)

    def strong_steps(self) -> NDArray[np.int64]:
        """Grid steps of all strong beats, rising: int64 (n,)."""
        starts = zip(self.lines, self.meters, strict=False)
        steps = [line + quarters * STEPS_PER_QUARTER for line, meter in starts for quarters in meter.strong_quarters()]
        return np.array([int(step) for step in steps if step == int(step) and step < self.steps], dtype=np.int64)


class Lane(NamedTuple):
    """What is asked of one track: columns of a `Domain` over S grid steps.

    Attributes:
        lines: grid steps at which bars begin, and the end of the last bar; the first is 0.
        start, sound: bool (S, 128).
        may_end: bool (S + 1,).
        must_start, must_sound: bool (S,).
        lasts: int32 (S,).
        durations: bool (longest + 1,) or None.
        shortest: steps that a note lasts at least.
        least, most: int32 (bars,).
        leap: semitones.
    """

    lines: tuple[int, ...]
    start: NDArray[np.bool_]
    sound: NDArray[np.bool_]
    may_end: NDArray[np.bool_]
    must_start: NDArray[np.bool_]
    must_sound: NDArray[np.bool_]
    lasts: NDArray[np.int32]
    durations: NDArray[np.bool_] | None
    shortest: int
    least: NDArray[np.int32]
    most: NDArray[np.int32]
    leap: int

    def digest(self) -> bytes:
        """The same for equal lanes, and no others."""
        found = blake2b(self.rhythm())
        for column in (self.start, self.sound, self.least, self.most, np.array(self.leap)):
            found.update(_bytes(column))
        return found.digest()

    def rhythm(self) -> bytes:
        """The same for lanes in which notes begin and end alike, whatever their pitches and number."""
        durations = () if self.durations is None else np.flatnonzero(self.durations).tolist()
        columns = (self.may_end, self.must_start, self.must_sound, self.lasts)
        lengths = (self.lines, self.durations is None, durations, self.shortest)
        return repr(lengths).encode() + b"".join(map(_bytes, columns))


def _bytes(column: NDArray[Any]) -> bytes:
    return (np.packbits(column) if column.dtype == np.bool_ else column).tobytes()


@dataclass
class Domain:
    """What may happen, as columns over T tracks and S grid steps. Rules narrow it in place.

    Attributes:
        frame: the empty piece.
        start: bool (T, S, 128), whether a note of a pitch may begin at a step.
        sound: bool (T, S, 128), whether a pitch may sound during a step, begun there or held.
        may_end: bool (T, S + 1), whether a note may end at a step.
        must_start: bool (T, S), whether a note must begin.
        must_sound: bool (T, S), whether the track may not rest.
        lasts: int32 (T, S), the exact duration of a note that begins there; 0 leaves it open.
        durations: for each track the allowed durations in steps, bool (longest + 1,); None allows all.
        shortest: int32 (T,), how many steps a note lasts at least.
        least, most: int32 (T, bars), how many notes may begin in a bar.
        leap: int32 (T,), most semitones from one note of a track to its next; 127 leaves it open.
        chords: step -> the chord that the piece states there.
        chord_free: bool (S,), whether the model may state chords of its own at a step.
        phrase_ends: steps at which a phrase must end, with a fermata where the style has them.
        phrase_free: bool (S,), whether the model may end phrases of its own at a step.
    """

    frame: Frame

    def __post_init__(self) -> None:
        tracks, steps, bars = len(self.frame.parts), self.frame.steps, self.frame.bars
        self.start: NDArray[np.bool_] = np.ones((tracks, steps, PITCHES), dtype=np.bool_)
        self.sound: NDArray[np.bool_] = np.ones((tracks, steps, PITCHES), dtype=np.bool_)
        self.may_end: NDArray[np.bool_] = np.ones((tracks, steps + 1), dtype=np.bool_)
        self.must_start: NDArray[np.bool_] = np.zeros((tracks, steps), dtype=np.bool_)
        self.must_sound: NDArray[np.bool_] = np.zeros((tracks, steps), dtype=np.bool_)
        self.lasts: NDArray[np.int32] = np.zeros((tracks, steps), dtype=np.int32)
        self.durations: list[NDArray[np.bool_] | None] = [None] * tracks
        self.shortest: NDArray[np.int32] = np.ones(tracks, dtype=np.int32)
        self.least: NDArray[np.int32] = np.zeros((tracks, bars), dtype=np.int32)
        self.most: NDArray[np.int32] = np.full((tracks, bars), ANY_NUMBER, dtype=np.int32)
        self.leap: NDArray[np.int32] = np.full(tracks, PITCHES - 1, dtype=np.int32)
        self.chords: dict[int, Chord | None] = {}
        self.chord_free: NDArray[np.bool_] = np.ones(steps, dtype=np.bool_)
        self.phrase_ends: set[int] = set()
        self.phrase_free: NDArray[np.bool_] = np.ones(steps, dtype=np.bool_)

    def lane(self, track: int, first: int = 0, last: int | None = None) -> Lane:
        """What is asked of one track, from a bar up to another (both counted; None: the last)."""
        last = self.frame.bars - 1 if last is None else last
        start, stop = self.frame.lines[first], self.frame.lines[last + 1]
        steps, bars = slice(start, stop), slice(first, last + 1)
        return Lane(
            tuple(line - start for line in self.frame.lines[first : last + 2]),
            self.start[track, steps],
            self.sound[track, steps],
            self.may_end[track, start : stop + 1],
            self.must_start[track, steps],
            self.must_sound[track, steps],
            self.lasts[track, steps],
            self.durations[track],
            int(self.shortest[track]),
            self.least[track, bars],
            self.most[track, bars],
            int(self.leap[track]),
        )

    def keep_durations(self, track: int, steps: NDArray[np.integer]) -> None:
        """Allow a track only these durations."""
        wanted = np.zeros(max(int(steps.max()) + 1, LOW_STEPS), dtype=np.bool_)
        wanted[steps] = True
        before = self.durations[track]
        if before is not None:
            size = min(len(wanted), len(before))
            wanted = wanted[:size] & before[:size]
        self.durations[track] = wanted

    def bar_of(self) -> NDArray[np.int64]:
        """Bar of each step: int64 (S,)."""
        lengths = [after - before for before, after in pairwise(self.frame.lines)]
        return np.repeat(np.arange(self.frame.bars), lengths)
