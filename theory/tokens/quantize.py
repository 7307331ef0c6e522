"""What tokens can hold of a score, computed on its columns.

This is the yardstick of the codec: `decode(encode(score)) == quantize(score)`. Encoding moves events as it does, but
works on the notes of all tracks at once, with code of its own. Every note
keeps its track, program and pitch; onset and end move to the nearest grid step, so neither moves by more than half a
step. (Only a note that would vanish gets a later end: it keeps one step.) With microtiming a step is a tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np

from theory.chord import Chord
from theory.errors import TokenError
from theory.event import (
    FERMATA,
    MAX_TEMPO,
    MIN_TEMPO,
    ChordEvent,
    KeyEvent,
    Marker,
    MeterEvent,
    TempoEvent,
    without_repeats,
)
from theory.key import Key
from theory.meter import MAX_NUMERATOR, Meter
from theory.score import MAX_TICK, TICKS_PER_QUARTER, IntArray, Score, Track, bar_lines
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import STEPS_PER_QUARTER, TICKS_PER_STEP

MAX_TRACKS = 128
Ticks = TypeVar("Ticks", int, IntArray)
Value = TypeVar("Value")
_FEW = 16  # events that are moved faster one by one
_LAST_END = MAX_TICK - 2 * int(Meter(MAX_NUMERATOR, 1).bar_quarters) * TICKS_PER_QUARTER  # leaves room for a last bar


class Frame(NamedTuple):
    """What concerns all tracks, on the grid: values with the tick, at 480 a quarter, from which on they hold.

    Attributes:
        tempos: whole quarters a minute.
        meters, keys, chords: as in a score.
        fermatas: their ticks.
        lines: ticks of the bar lines, the end of the last bar included, int64 (bars + 1,).
    """

    tempos: tuple[tuple[int, int], ...]
    meters: list[tuple[int, Meter]]
    keys: tuple[tuple[int, Key], ...]
    chords: list[tuple[int, Chord | None]]
    fermatas: list[int]
    lines: IntArray

    @property
    def end(self) -> int:
        """Tick at which the last bar ends."""
        return int(self.lines[-1])


class Grid(NamedTuple):
    """A score's way onto the grid.

    Attributes:
        score: any score.
        settings: what is kept of it, and how finely.
    """

    score: Score
    settings: Settings

    def nearest(self, ticks: Ticks, steps_per_quarter: int) -> Ticks:
        """Nearest steps (halves up) of the score's ticks, a number or int64, on a grid."""
        old = self.score.ticks_per_quarter
        unit, rest = divmod(old, steps_per_quarter)
        return (2 * ticks * steps_per_quarter + old) // (2 * old) if rest else (ticks + unit // 2) // unit

    @property
    def unit(self) -> int:
        """Ticks, at 480 a quarter, of which a note's onset and end are multiples."""
        return 1 if self.settings.microtiming else TICKS_PER_QUARTER // self.settings.resolution

    def ticks(self, ticks: Ticks) -> Ticks:
        """Nearest ticks for notes, at 480 a quarter."""
        return self.nearest(ticks, TICKS_PER_QUARTER // self.unit) * self.unit

    def steps(self, ticks: Ticks) -> Ticks:
        """Nearest steps for controls, at 24 a quarter."""
        return self.nearest(ticks, self.settings.resolution) * (STEPS_PER_QUARTER // self.settings.resolution)

    def on_grid(self, ticks: Ticks) -> Ticks:
        """Nearest ticks for events, at 480 a quarter."""
        return self.nearest(ticks, STEPS_PER_QUARTER) * TICKS_PER_STEP

    @staticmethod
    def holds(meter: Meter) -> bool:
        """Whether a bar is a whole number of steps."""
        return (meter.bar_quarters * STEPS_PER_QUARTER).denominator == 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The score's tracks, as far as they are kept."""
        tracks = self.score.tracks
        if not self.settings.drums:
            tracks = tuple(track for track in tracks if not track.is_drum)
        return tracks if self.settings.controls else tuple(track.replace(controls=None) for track in tracks)

    def frame(self, last: int) -> Frame:
        """The frame of a piece whose last note ends, on the grid, at the tick `last`."""
        score = self.score
        until = max(self.on_grid(score.end), -(-last // TICKS_PER_STEP) * TICKS_PER_STEP)
        meters = _meters(self._moved(event for event in score.meters if self.holds(event.meter)), until)
        lines = bar_lines(meters, TICKS_PER_QUARTER, until)
        end = int(lines[-1])
        tempos = ((event.tick, _bpm(event)) for event in score.tempos)
        fermatas = {self.on_grid(marker.tick) for marker in score.markers if marker.text == FERMATA}
        return Frame(
            tempos=without_repeats(_before(end, self._moved(tempos))),
            meters=meters,
            keys=without_repeats(_before(end, self._moved(score.keys))),
            chords=_before(end, self._moved(score.chords)),
            fermatas=sorted(tick for tick in fermatas if tick < end),
            lines=lines,
        )

    def _moved(self, events: Iterable[tuple[int, Value]]) -> dict[int, Value]:
        """Values by the tick that they move to; the last one of each stays."""
        if len(listed := list(events)) < _FEW:
            return {self.on_grid(tick): value for tick, value in listed}
        ticks, values = zip(*listed, strict=True)
        return dict(zip(self.on_grid(np.array(ticks, dtype=np.int64)).tolist(), values, strict=True))


def _before(end: int, values: dict[int, Value]) -> list[tuple[int, Value]]:
    return [event for event in values.items() if event[0] < end]


def grid_of(score: Score, settings: Settings) -> Grid:
    """The grid for a score that tokens can hold.

    Raises:
        TokenError: more than 128 tracks, or a piece that is too long to count at 480 ticks a quarter.
    """
    if len(score.tracks) > MAX_TRACKS:
        raise TokenError(f"{len(score.tracks)} tracks: tokens hold at most {MAX_TRACKS}")
    if score.end * TICKS_PER_QUARTER > _LAST_END * score.ticks_per_quarter:
        quarters, most = score.end // score.ticks_per_quarter, _LAST_END // TICKS_PER_QUARTER
        raise TokenError(f"the piece lasts {quarters} quarters: tokens hold at most {most}")
    return Grid(score, settings)


def quantize(score: Score, settings: Settings) -> Score:
    """Move the score to what tokens will give back: on the grid, at 480 ticks a quarter.

    Names, voices, spellings and markers other than fermatas are not kept, the piece ends at a bar line, tempos are
    whole quarters a minute, velocities multiples of four (the outermost 1 and 127) unless told otherwise. Notes of one
    pitch and track that meet are cut at the later onset, and of those with one onset only the longest stays, but for
    microtiming. A meter whose bar is no whole number of steps (3/64) is left out, as are events after the end.

    Args:
        score: any score.
        settings: what is kept, and how finely.

    Raises:
        TokenError: more than 128 tracks, or a piece that is too long to count at 480 ticks a quarter.
    """
    grid = grid_of(score, settings)
    tracks = [_track(track, grid) for track in grid.tracks]
    frame = grid.frame(max((track.end for track in tracks), default=0))
    return Score(
        tracks=tuple(track.replace(controls=track.controls[track.controls[:, 0] < frame.end]) for track in tracks),
        tempos=tuple(TempoEvent.from_bpm(*event) for event in frame.tempos),
        meters=tuple(MeterEvent(*event) for event in frame.meters),
        keys=tuple(KeyEvent(*event) for event in frame.keys),
        chords=tuple(ChordEvent(*event) for event in frame.chords),
        markers=tuple(Marker(tick, FERMATA) for tick in frame.fermatas),
        end=frame.end,
    )


def _track(track: Track, grid: Grid) -> Track:
    begun = track.onset.astype(np.int64)
    onset = grid.ticks(begun)
    end = np.maximum(grid.ticks(begun + track.duration), onset + grid.unit)
    order = np.lexsort((track.velocity, end, onset, track.pitch))
    onset, end, pitch, velocity = onset[order], end[order], track.pitch[order], track.velocity[order]
    keep = np.ones(len(onset), dtype=np.bool_)
    if not grid.settings.microtiming:
        same_pitch = pitch[1:] == pitch[:-1]
        end[:-1] = np.where(same_pitch & (onset[1:] > onset[:-1]), np.minimum(end[:-1], onset[1:]), end[:-1])
        keep[:-1] = ~(same_pitch & (onset[1:] == onset[:-1]))
    tick = grid.steps(track.controls[:, 0].astype(np.int64)) * TICKS_PER_STEP
    controls = np.column_stack([tick, track.controls[:, 1:]])
    return Track(
        onset=onset[keep].astype(np.int32),
        duration=(end - onset)[keep].astype(np.int32),
        pitch=pitch[keep],
        velocity=grid.settings.loudness(velocity[keep]),
        controls=controls[tick <= MAX_TICK].astype(np.int32),
        program=track.program,
        is_drum=track.is_drum,
    )


def _meters(values: dict[int, Meter], end: int) -> list[tuple[int, Meter]]:
    """Meters with where they begin; the first one at 0, none at or after the end, none where nothing changes."""
    kept = [(0, Meter(4, 4))]
    for tick, meter in values.items():
        if tick >= end:
            continue
        since, before = kept[-1]
        if tick == since:
            kept[-1] = tick, meter
        elif meter != before or (tick - since) % meter.bar_ticks(TICKS_PER_QUARTER):
            kept.append((tick, meter))
    return kept


def _bpm(event: TempoEvent) -> int:
    return min(max(round(event.bpm), MIN_TEMPO), MAX_TEMPO)
