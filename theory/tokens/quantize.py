"""What tokens can hold of a score, computed on its columns.

This is the yardstick of the codec: `decode(encode(score)) == quantize(score)`. Encoding moves events as it does, but
works on the notes of all tracks at once, with code of its own. Every note
keeps its track, program and pitch; onset and end move to the nearest grid step, so neither moves by more than half a
step. (Only a note that would vanish gets a later end: it keeps one step.) With microtiming a step is a tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from theory.errors import TokenError
from theory.event import FERMATA, MAX_TEMPO, MIN_TEMPO, Marker, MeterEvent, TempoEvent, last_per_tick, without_repeats
from theory.meter import MAX_NUMERATOR, Meter
from theory.score import MAX_TICK, TICKS_PER_QUARTER, IntArray, Score, Track
from theory.tokens.settings import Settings
from theory.tokens.vocabulary import STEPS_PER_QUARTER, TICKS_PER_STEP

MAX_TRACKS = 128
_LAST_END = MAX_TICK - 2 * int(Meter(MAX_NUMERATOR, 1).bar_quarters) * TICKS_PER_QUARTER  # leaves room for a last bar


class Grid(NamedTuple):
    """A score's way onto the grid.

    Attributes:
        score: any score.
        settings: what is kept of it, and how finely.
    """

    score: Score
    settings: Settings

    def nearest(self, ticks: ArrayLike, steps_per_quarter: int) -> IntArray:
        """Nearest steps (halves up) of the score's ticks on a grid, same shape."""
        old = self.score.ticks_per_quarter
        here = np.asarray(ticks, dtype=np.int64)
        unit, rest = divmod(old, steps_per_quarter)
        result: IntArray
        result = (2 * here * steps_per_quarter + old) // (2 * old) if rest else (here + unit // 2) // unit
        return result

    @property
    def unit(self) -> int:
        """Ticks, at 480 a quarter, of which a note's onset and end are multiples."""
        return 1 if self.settings.microtiming else TICKS_PER_QUARTER // self.settings.resolution

    def ticks(self, ticks: ArrayLike) -> IntArray:
        """Nearest ticks for notes, at 480 a quarter."""
        return self.nearest(ticks, TICKS_PER_QUARTER // self.unit) * self.unit

    def steps(self, ticks: ArrayLike) -> IntArray:
        """Nearest steps for controls, at 24 a quarter."""
        return self.nearest(ticks, self.settings.resolution) * (STEPS_PER_QUARTER // self.settings.resolution)

    def on_grid(self, ticks: ArrayLike) -> IntArray:
        """Nearest ticks for events, at 480 a quarter."""
        return self.nearest(ticks, STEPS_PER_QUARTER) * TICKS_PER_STEP

    @staticmethod
    def holds(meter: Meter) -> bool:
        """Whether a bar is a whole number of steps."""
        return (meter.bar_quarters * STEPS_PER_QUARTER).denominator == 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The score's tracks, as far as they are kept."""
        kept = (track for track in self.score.tracks if self.settings.drums or not track.is_drum)
        return tuple(track if self.settings.controls else track.replace(controls=None) for track in kept)

    def events(self, last: int) -> Score:
        """The quantized score without its tracks; `last` is the tick at which its last note ends."""
        score = self.score
        end = max(int(self.on_grid(score.end)), -(-last // TICKS_PER_STEP) * TICKS_PER_STEP)
        meters = _meters([event for event in self._moved(score.meters) if self.holds(event.meter)], end)
        end = int(Score(meters=meters, end=end).bar_lines()[-1])
        keys, chords, tempos = (
            [event for event in self._moved(events) if event.tick < end]
            for events in (score.keys, score.chords, score.tempos)
        )
        fermatas = {int(self.on_grid(marker.tick)) for marker in score.markers if marker.text == FERMATA}
        return Score(
            tempos=without_repeats(last_per_tick(TempoEvent.from_bpm(event.tick, _bpm(event)) for event in tempos)),
            meters=meters,
            keys=without_repeats(last_per_tick(keys)),
            chords=last_per_tick(chords),
            markers=tuple(Marker(tick, FERMATA) for tick in sorted(fermatas) if tick < end),
            end=end,
        )

    def _moved(self, events: Sequence[Any]) -> list[Any]:
        ticks = self.on_grid([event.tick for event in events]).tolist()
        return [event._replace(tick=tick) for event, tick in zip(events, ticks, strict=True)]


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
    frame = grid.events(max((track.end for track in tracks), default=0))
    kept = (track.replace(controls=track.controls[track.controls[:, 0] < frame.end]) for track in tracks)
    return frame.replace(tracks=tuple(kept))


def _track(track: Track, grid: Grid) -> Track:
    onset = grid.ticks(track.onset)
    end = np.maximum(grid.ticks(track.onset.astype(np.int64) + track.duration), onset + grid.unit)
    order = np.lexsort((track.velocity, end, onset, track.pitch))
    onset, end, pitch, velocity = onset[order], end[order], track.pitch[order], track.velocity[order]
    keep = np.ones(len(onset), dtype=np.bool_)
    if not grid.settings.microtiming:
        same_pitch = pitch[1:] == pitch[:-1]
        end[:-1] = np.where(same_pitch & (onset[1:] > onset[:-1]), np.minimum(end[:-1], onset[1:]), end[:-1])
        keep[:-1] = ~(same_pitch & (onset[1:] == onset[:-1]))
    tick = grid.steps(track.controls[:, 0]) * TICKS_PER_STEP
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


def _meters(events: Iterable[MeterEvent], end: int) -> tuple[MeterEvent, ...]:
    kept = [MeterEvent(0, Score().meters[0].meter)]
    for event in last_per_tick(events):
        bar = event.meter.bar_quarters * TICKS_PER_QUARTER
        if event.tick >= end:
            continue
        previous = kept[-1]
        if event.tick == previous.tick:
            kept[-1] = event
        elif event.meter != previous.meter or (event.tick - previous.tick) % int(bar):
            kept.append(event)
    return tuple(kept)


def _bpm(event: TempoEvent) -> int:
    return min(max(round(event.bpm), MIN_TEMPO), MAX_TEMPO)
