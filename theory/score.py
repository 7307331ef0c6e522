"""The one currency: a frozen, columnar score.

A track's notes are NumPy columns and its controls rows (tick, kind, value); tempo, meter, key, chord and marker
events belong to the score. All times are integer ticks from the start of the piece; `ticks_per_quarter` says how
many make a quarter note (in 6/8 the beat is not a quarter). For people it reads like objects: iterating a track
yields `Note` views, `Score.from_notes` builds a score from them, equality and hash are by content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import le, lt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent
from theory.meter import Meter

TICKS_PER_QUARTER = 480
MAX_TICK = 2**31 - 1

# Control kinds: 0 to 127 are MIDI's control changes; the two others that a channel knows follow.
SUSTAIN, VOLUME, PAN, EXPRESSION, BANK = 64, 7, 10, 11, 0
PITCH_BEND = 128  # value -8192 to 8191
PRESSURE = 129  # value 0 to 127

DEFAULT_VELOCITY = 80


class Note(NamedTuple):
    """One note, as a view on a row of a track.

    Attributes:
        onset: ticks from the start of the piece.
        duration: ticks, at least 1.
        pitch: MIDI number, 0 to 127 (in a drum track: the General MIDI drum).
        velocity: 1 to 127.
        voice: number of the voice inside the track, or None.
        spelling: place on the line of fifths (C = 0, G = 1, F = -1), or None.
    """

    onset: int
    duration: int
    pitch: int
    velocity: int = DEFAULT_VELOCITY
    voice: int | None = None
    spelling: int | None = None

    @property
    def end(self) -> int:
        """Tick at which the note stops."""
        return self.onset + self.duration


_COLUMNS = ("onset", "duration", "pitch", "velocity")
_TYPES = {
    "onset": np.int32, "duration": np.int32, "pitch": np.uint8, "velocity": np.uint8,
    "voice": np.int16, "spelling": np.int8, "controls": np.int32,
}  # fmt: skip
_BOUNDS = {
    "onset": (0, MAX_TICK), "duration": (1, MAX_TICK), "pitch": (0, 127), "velocity": (1, 127),
    "voice": (-(2**15), 2**15 - 1), "spelling": (-128, 127),
}  # fmt: skip

_SIGNED_BITS = 63
_UNSAID = {"voice": None, "spelling": None, "program": 0, "is_drum": False, "name": ""}

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Track:
    """One instrument's notes and controls.

    Columns are read-only and sorted by onset, then pitch, duration and velocity; they may be given in any order.

    Attributes:
        onset, duration: int32 (n,), ticks.
        pitch, velocity: uint8 (n,).
        voice: int16 (n,) or None.
        spelling: int8 (n,), places on the line of fifths, or None.
        controls: int32 (m, 3), rows (tick, kind, value) in order of ticks; kinds are MIDI's control numbers 0 to 127,
            `PITCH_BEND` and `PRESSURE`.
        program: General MIDI program, 0 to 127 (in a drum track: the kit).
        is_drum: whether pitches name General MIDI drums.
        name: what a musician calls the part.

    Raises:
        ScoreError: columns of unequal length, or values (of controls too) out of bounds.
    """

    onset: NDArray[np.int32]
    duration: NDArray[np.int32]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    voice: NDArray[np.int16] | None = None
    spelling: NDArray[np.int8] | None = None
    controls: NDArray[np.int32] = None  # type: ignore[assignment]  # an empty (0, 3) array when not given
    program: int = 0
    is_drum: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127:
            raise ScoreError(f"track {self.name!r}: program {self.program} is outside 0 to 127")
        columns = {name: self._checked(name) for name in _COLUMNS}
        for name in ("voice", "spelling"):
            if getattr(self, name) is not None:
                columns[name] = self._checked(name)
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ScoreError(f"track {self.name!r}: columns of unequal length {lengths}")
        ends = columns["onset"].astype(np.int64) + columns["duration"]
        if len(ends) and np.maximum.reduce(ends) > MAX_TICK:
            raise ScoreError(f"track {self.name!r}: a note ends after tick {MAX_TICK}")
        order = rows_in_order(*(columns[name] for name in ("onset", "pitch", "duration", "velocity")))
        for name, column in columns.items():
            _freeze(self, name, column[order])
        rows = self._checked_controls()
        _freeze(self, "controls", rows[np.argsort(rows[:, 0], kind="stable")] if len(rows) else rows)

    def _checked(self, name: str) -> NDArray[Any]:
        column = np.asarray(getattr(self, name))
        if column.ndim != 1 or (len(column) and column.dtype.kind not in "iu"):
            raise ScoreError(f"track {self.name!r}: {name} must be one column of integers")
        low, high = _BOUNDS[name]
        if len(column) and (np.minimum.reduce(column) < low or np.maximum.reduce(column) > high):
            raise ScoreError(f"track {self.name!r}: {name} must lie in {low} to {high}")
        return column.astype(_TYPES[name], copy=False)

    @classmethod
    def unchecked(cls, columns: Sequence[NDArray[Any]], controls: NDArray[np.int32], **fields: Any) -> Track:
        """A track of what is known to be in order and in bounds: for readers and decoders, who made it so.

        Args:
            columns: onset, duration, pitch and velocity, of their types.
            controls: int32 (m, 3).
            fields: program, is_drum, name.
        """
        track, set_field = object.__new__(cls), object.__setattr__
        for name, column in zip((*_COLUMNS, "controls"), (*columns, controls), strict=True):
            column.flags.writeable = False
            set_field(track, name, column)
        for name, value in {**_UNSAID, **fields}.items():
            set_field(track, name, value)
        return track

    @classmethod
    def empty(cls, *, program: int = 0, is_drum: bool = False, name: str = "") -> Track:
        """A track without notes."""
        return cls.from_notes((), program=program, is_drum=is_drum, name=name)

    def _checked_controls(self) -> NDArray[np.int32]:
        rows = np.empty((0, 3)) if self.controls is None else np.asarray(self.controls)
        if rows.size == 0:
            return np.empty((0, 3), dtype=np.int32)
        if rows.ndim != 2 or rows.shape[1] != 3 or rows.dtype.kind not in "iu":
            raise ScoreError(f"track {self.name!r}: controls must be rows of three integers (tick, kind, value)")
        ticks, kinds, values = rows.T
        bends = kinds == PITCH_BEND
        if ticks.min() < 0 or ticks.max() > MAX_TICK or kinds.min() < 0 or kinds.max() > PRESSURE:
            raise ScoreError(f"track {self.name!r}: control ticks must be 0 to {MAX_TICK}, kinds 0 to {PRESSURE}")
        if ((values < np.where(bends, -8192, 0)) | (values > np.where(bends, 8191, 127))).any():
            raise ScoreError(f"track {self.name!r}: control values must be 0 to 127, pitch bends -8192 to 8191")
        return rows.astype(np.int32)

    @classmethod
    def from_notes(
        cls,
        notes: Iterable[Note | Sequence[int]],
        *,
        controls: ArrayLike | None = None,
        program: int = 0,
        is_drum: bool = False,
        name: str = "",
    ) -> Track:
        """Build a track from notes or (onset, duration, pitch[, velocity]) rows, in any order."""
        rows = [note if isinstance(note, Note) else Note(*note) for note in notes]
        fields: dict[str, Any] = {"controls": controls, "program": program, "is_drum": is_drum, "name": name}
        for field in (*_COLUMNS, "voice", "spelling"):
            values = [getattr(row, field) for row in rows]
            if field in _COLUMNS or (values and None not in values):
                fields[field] = np.array(values)
        return cls(**fields)

    @property
    def end(self) -> int:
        """Tick at which the last note stops; 0 without notes."""
        return int((self.onset + self.duration).max()) if len(self) else 0  # no overflow: see __post_init__

    def replace(self, **changes: Any) -> Track:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def __len__(self) -> int:
        return len(self.onset)

    def __getitem__(self, index: int) -> Note:
        return Note(
            int(self.onset[index]),
            int(self.duration[index]),
            int(self.pitch[index]),
            int(self.velocity[index]),
            None if self.voice is None else int(self.voice[index]),
            None if self.spelling is None else int(self.spelling[index]),
        )

    def __iter__(self) -> Iterator[Note]:
        return (self[index] for index in range(len(self)))

    def _content(self) -> tuple[Any, ...]:
        optional = (None if column is None else column.tobytes() for column in (self.voice, self.spelling))
        columns = (getattr(self, name).tobytes() for name in (*_COLUMNS, "controls"))
        return (self.name, self.program, self.is_drum, *columns, *optional)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Track) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        kind = "drums" if self.is_drum else f"program {self.program}"
        return f"<Track {self.name!r} {kind}, {len(self)} notes, {len(self.controls)} controls>"


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """A piece of music.

    Attributes:
        tracks: the parts, in score order.
        ticks_per_quarter: ticks in a quarter note.
        tempos, meters: events in order of ticks; one of each stands at tick 0 (MIDI's defaults, 120 quarters a minute
            and 4/4, when none is given).
        keys, chords, markers: events in order of ticks, possibly none.
        title: of the piece.
        end: tick at which the piece ends, at least the end of the last note (which it is when not given).

    Raises:
        ScoreError: events out of order or out of bounds, or an end before the last note's.
    """

    tracks: tuple[Track, ...] = ()
    ticks_per_quarter: int = TICKS_PER_QUARTER
    tempos: tuple[TempoEvent, ...] = ()
    meters: tuple[MeterEvent, ...] = ()
    keys: tuple[KeyEvent, ...] = ()
    chords: tuple[ChordEvent, ...] = ()
    markers: tuple[Marker, ...] = ()
    title: str = ""
    end: int = -1

    def __post_init__(self) -> None:
        if not 1 <= self.ticks_per_quarter <= 32767:
            raise ScoreError(f"{self.ticks_per_quarter} ticks a quarter: must be 1 to 32767")
        set_field = object.__setattr__
        set_field(self, "tracks", tuple(self.tracks))
        for name in ("tempos", "meters", "keys", "chords", "markers"):
            set_field(self, name, _in_order(name, getattr(self, name)))
        if not self.tempos or self.tempos[0].tick:
            set_field(self, "tempos", (TempoEvent(0, 500_000), *self.tempos))
        if not self.meters or self.meters[0].tick:
            set_field(self, "meters", (MeterEvent(0, Meter(4, 4)), *self.meters))
        if any(not 1 <= tempo.microseconds_per_quarter < 2**24 for tempo in self.tempos):
            raise ScoreError("a tempo must be 1 to 16777215 microseconds a quarter")
        last = max((track.end for track in self.tracks), default=0)
        if self.end == -1:
            set_field(self, "end", last)
        if not last <= self.end <= MAX_TICK:
            raise ScoreError(f"the piece ends at tick {self.end}: must be {last} (its last note's end) to {MAX_TICK}")

    @classmethod
    def from_notes(
        cls,
        notes: Iterable[Note | Sequence[int]],
        *,
        program: int = 0,
        is_drum: bool = False,
        name: str = "",
        **fields: Any,
    ) -> Score:
        """A score of one track from notes or (onset, duration, pitch[, velocity]) rows.

        >>> from theory.key import Key
        >>> Score.from_notes([(0, 480, 60), (480, 480, 62)], keys=[KeyEvent(0, Key.parse("C"))]).end
        960
        """
        return cls(tracks=(Track.from_notes(notes, program=program, is_drum=is_drum, name=name),), **fields)

    @property
    def notes(self) -> int:
        """Number of notes in all tracks."""
        return sum(len(track) for track in self.tracks)

    def replace(self, **changes: Any) -> Score:
        """A copy with some fields changed. New tracks that end later move the end, unless it is given."""
        if "tracks" in changes:
            changes["tracks"] = tuple(changes["tracks"])
            changes.setdefault("end", max([self.end, *(track.end for track in changes["tracks"])]))
        return replace(self, **changes)

    def bar_lines(self) -> IntArray:
        """Ticks at which bars start, and the end of the last bar: int64 (bars + 1,).

        A meter event starts a bar and cuts short one that is not yet full. The last bar is always full, so its end may
        lie after `end`. A piece without length has no bars: the array is [0].

        Raises:
            MeterError: a bar is no whole number of ticks.
        """
        return bar_lines(self.meters, self.ticks_per_quarter, self.end)

    @property
    def bars(self) -> int:
        """Number of bars, the last one counted whole."""
        return len(self.bar_lines()) - 1

    @property
    def pickup(self) -> bool:
        """Whether the piece starts with an upbeat: a first meter that lasts one bar and is shorter than the next."""
        if len(self.meters) < 2:
            return False
        first, second = self.meters[0].meter.bar_quarters, self.meters[1].meter.bar_quarters
        return first < second and self.meters[1].tick == first * self.ticks_per_quarter

    def _microticks(self, ticks: ArrayLike) -> IntArray:
        """Time in units of (microseconds / ticks_per_quarter), exact."""
        starts = np.array([tempo.tick for tempo in self.tempos], dtype=np.int64)
        rates = np.array([tempo.microseconds_per_quarter for tempo in self.tempos], dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(np.diff(starts) * rates[:-1])])
        wanted = np.asarray(ticks, dtype=np.int64)
        region = np.searchsorted(starts, wanted, side="right") - 1
        result: IntArray = before[region] + (wanted - starts[region]) * rates[region]
        return result

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Seconds from the start at which ticks fall, same shape, under the tempo map."""
        return self._microticks(ticks) / (self.ticks_per_quarter * 1e6)

    def frames(self, ticks: ArrayLike, sample_rate: int) -> IntArray:
        """Nearest audio frames at which ticks fall, same shape; exact integer arithmetic (halves go up)."""
        unit = self.ticks_per_quarter * 1_000_000
        whole, rest = np.divmod(self._microticks(ticks), unit)
        result: IntArray = whole * sample_rate + (2 * rest * sample_rate + unit) // (2 * unit)
        return result

    @property
    def duration(self) -> float:
        """Length in seconds, without the tail of the sound."""
        return float(self.seconds(self.end))

    def _content(self) -> tuple[Any, ...]:
        events = (self.tempos, self.meters, self.keys, self.chords, self.markers)
        return (self.tracks, self.ticks_per_quarter, *events, self.title, self.end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Score) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        key = f", {self.keys[0].key}" if self.keys else ""
        return (
            f"<Score {self.title!r} {len(self.tracks)} tracks, {self.notes} notes, {self.meters[0].meter}{key}, "
            f"{self.end / self.ticks_per_quarter:g} quarters>"
        )


def bar_lines(meters: Sequence[tuple[int, Meter]], ticks_per_quarter: int, end: int) -> IntArray:
    """See `Score.bar_lines`; the first meter stands at 0."""
    lines: list[IntArray] = []
    for index, (tick, meter) in enumerate(meters):
        bar = meter.bar_ticks(ticks_per_quarter)
        is_last = index + 1 == len(meters) or meters[index + 1][0] >= end
        stop = tick + -(-(end - tick) // bar) * bar + 1 if is_last else meters[index + 1][0]
        lines.append(np.arange(tick, stop, bar, dtype=np.int64))
        if is_last:
            break
    return np.concatenate(lines)


def _in_order(name: str, events: Iterable[Any]) -> tuple[Any, ...]:
    ordered = tuple(events)
    ticks = [event.tick for event in ordered]
    if ticks and not 0 <= min(ticks) <= max(ticks) <= MAX_TICK:
        raise ScoreError(f"{name}: ticks must lie in 0 to {MAX_TICK}")
    if not all(map(le if name == "markers" else lt, ticks, ticks[1:])):
        raise ScoreError(f"{name}: events must stand in order of ticks, one at a tick")
    return ordered


def rows_in_order(*columns: NDArray[Any]) -> IntArray:
    """Where to find rows in order of their columns, int64 (n,): of the first one, then of the next.

    Args:
        columns: integers (n,) of 0 or more.
    """
    bits = [int(np.maximum.reduce(column, initial=0)).bit_length() for column in columns]
    bits.append(len(columns[0]).bit_length())
    if sum(bits) > _SIGNED_BITS:
        return np.lexsort(columns[::-1])
    key = columns[0].astype(np.int64)  # numbers that carry their place are sorted many times faster than an index
    for column, width in zip((*columns[1:], np.arange(len(key))), bits[1:], strict=True):
        key <<= width
        key |= column
    key.sort()
    key &= (1 << bits[-1]) - 1
    return key


def _freeze(track: Track, name: str, column: NDArray[Any]) -> None:
    column = np.ascontiguousarray(column)
    column.setflags(write=False)
    object.__setattr__(track, name, column)
