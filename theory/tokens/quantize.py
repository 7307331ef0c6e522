"""What tokens can hold of a score, computed on its columns.

This is the yardstick of the codec and shares no code with it: `decode(encode(score)) == quantize(score)`. Every note
keeps its track, program and pitch; onset and end move to the nearest grid step, so neither moves by more than half a
step. (Only a note that would vanish gets a later end: it keeps one step.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import TokenError
from theory.event import FERMATA, MAX_TEMPO, MIN_TEMPO, Marker, MeterEvent, TempoEvent, last_per_tick, without_repeats
from theory.meter import MAX_NUMERATOR, Meter
from theory.score import MAX_TICK, TICKS_PER_QUARTER, IntArray, Score, Track

MAX_TRACKS = 128
_VELOCITY_STEP = 4
_LAST_END = MAX_TICK - 2 * int(Meter(MAX_NUMERATOR, 1).bar_quarters) * TICKS_PER_QUARTER  # leaves room for a last bar

Clock = Callable[[ArrayLike], IntArray]


def quantize(score: Score, steps_per_quarter: int) -> Score:
    """Move the score to what tokens will give back: on the grid, at 480 ticks a quarter.

    Names, voices, spellings and markers other than fermatas are not kept, the piece ends at a bar line, tempos are
    whole quarters a minute, velocities multiples of four (the outermost 1 and 127). Notes of one pitch and track that
    meet are cut at the later onset, and of those with one onset only the longest stays. A meter whose bar is no whole
    number of steps (3/64) is left out, as are events after the end.

    Args:
        score: any score.
        steps_per_quarter: grid, a divisor of 480.

    Raises:
        TokenError: more than 128 tracks, or a piece that is too long to count at 480 ticks a quarter.
    """
    if len(score.tracks) > MAX_TRACKS:
        raise TokenError(f"{len(score.tracks)} tracks: tokens hold at most {MAX_TRACKS}")
    if score.end * TICKS_PER_QUARTER > _LAST_END * score.ticks_per_quarter:
        quarters, most = score.end // score.ticks_per_quarter, _LAST_END // TICKS_PER_QUARTER
        raise TokenError(f"the piece lasts {quarters} quarters: tokens hold at most {most}")
    unit = TICKS_PER_QUARTER // steps_per_quarter

    def clock(ticks: ArrayLike) -> IntArray:
        doubled = 2 * np.asarray(ticks, dtype=np.int64) * steps_per_quarter + score.ticks_per_quarter
        steps: IntArray = doubled // (2 * score.ticks_per_quarter)
        return steps * unit

    tracks = [_track(track, clock, unit) for track in score.tracks]
    end = max([int(clock(score.end)), *(track.end for track in tracks)])
    meters = _meters(_moved(score.meters, clock), end, unit)
    end = int(Score(meters=meters, end=end).bar_lines()[-1])
    inside = {name: [e for e in _moved(getattr(score, name), clock) if e.tick < end] for name in ("keys", "chords")}
    tempos = (TempoEvent.from_bpm(e.tick, _bpm(e)) for e in _moved(score.tempos, clock) if e.tick < end)
    fermatas = {int(clock(marker.tick)) for marker in score.markers if marker.text == FERMATA}
    return Score(
        tracks=tuple(track.replace(controls=track.controls[track.controls[:, 0] < end]) for track in tracks),
        tempos=without_repeats(last_per_tick(tempos)),
        meters=meters,
        keys=without_repeats(last_per_tick(inside["keys"])),
        chords=last_per_tick(inside["chords"]),
        markers=tuple(Marker(tick, FERMATA) for tick in sorted(fermatas) if tick < end),
        end=end,
    )


def _track(track: Track, clock: Clock, unit: int) -> Track:
    onset = clock(track.onset)
    end = np.maximum(clock(track.onset.astype(np.int64) + track.duration), onset + unit)
    order = np.lexsort((track.velocity, end, onset, track.pitch))
    onset, end, pitch, velocity = onset[order], end[order], track.pitch[order], track.velocity[order]
    same_pitch = pitch[1:] == pitch[:-1]
    end[:-1] = np.where(same_pitch & (onset[1:] > onset[:-1]), np.minimum(end[:-1], onset[1:]), end[:-1])
    keep = np.append(~(same_pitch & (onset[1:] == onset[:-1])), True)[: len(onset)]
    loudness = (velocity.astype(np.int64) + _VELOCITY_STEP // 2) // _VELOCITY_STEP * _VELOCITY_STEP
    return Track(
        onset=onset[keep],
        duration=(end - onset)[keep],
        pitch=pitch[keep],
        velocity=np.clip(loudness, 1, 127)[keep],
        controls=_controls(track, clock),
        program=track.program,
        is_drum=track.is_drum,
    )


def _controls(track: Track, clock: Clock) -> NDArray[np.int32]:
    tick = clock(track.controls[:, 0])
    rows = np.column_stack([tick, track.controls[:, 1:]])
    return rows[tick <= MAX_TICK].astype(np.int32)


def _meters(events: Iterable[MeterEvent], end: int, unit: int) -> tuple[MeterEvent, ...]:
    kept = [MeterEvent(0, Score().meters[0].meter)]
    for event in last_per_tick(events):
        bar = event.meter.bar_quarters * TICKS_PER_QUARTER
        if bar % unit or event.tick >= end:
            continue
        previous = kept[-1]
        if event.tick == previous.tick:
            kept[-1] = event
        elif event.meter != previous.meter or (event.tick - previous.tick) % int(bar):
            kept.append(event)
    return tuple(kept)


def _moved(events: Iterable[Any], clock: Clock) -> list[Any]:
    events = list(events)
    ticks = clock([event.tick for event in events]).tolist()
    return [event._replace(tick=tick) for event, tick in zip(events, ticks, strict=True)]


def _bpm(event: TempoEvent) -> int:
    return min(max(round(event.bpm), MIN_TEMPO), MAX_TEMPO)
