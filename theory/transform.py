"""Scores into other scores: resampled, transposed, cut out, joined. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.chord import PLACES
from theory.errors import RequestError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.rhythm import rescale
from theory.score import MAX_TICK, IntArray, Score, Track

Event = TypeVar("Event", TempoEvent, MeterEvent, KeyEvent, ChordEvent, Marker)
_STATES = ("tempos", "meters", "keys", "chords")  # events that hold until the next one


def resample(score: Score, ticks_per_quarter: int) -> Score:
    """Say the same music at another resolution.

    Exact where the new ticks can say it, else every onset and end goes to the nearest tick (halves up) and a note keeps
    at least one. Of several events that fall on one tick the last stays; markers and controls all stay.

    Raises:
        ScoreError: a resolution outside 1 to 32767, or a piece too long for it.
    """
    old, new = score.ticks_per_quarter, ticks_per_quarter
    if new == old:
        return score
    if not 1 <= new <= 32767:
        raise ScoreError(f"{new} ticks a quarter: must be 1 to 32767")

    def move(ticks: ArrayLike) -> IntArray:
        moved = rescale(ticks, old, new)
        if moved.size and moved.max() >= MAX_TICK:
            raise ScoreError(f"the piece is too long for {new} ticks a quarter: choose fewer")
        return moved

    tracks = tuple(_resample_track(track, move) for track in score.tracks)
    return score.replace(
        tracks=tracks,
        ticks_per_quarter=new,
        end=max([int(move(score.end)), *(track.end for track in tracks)]),
        markers=_moved(score.markers, move),
        **{name: last_per_tick(_moved(getattr(score, name), move)) for name in _STATES},
    )


def transpose(score: Score, semitones: int) -> Score:
    """Transpose everything but drums: notes with their spelling, keys and chords.

    A key takes the spelling with fewest accidentals (`Key.transpose`); spellings and chords under it move by the same
    distance on the line of fifths. A piece without keys moves as the major key does around which it is spelled.

    Raises:
        ScoreError: a note would leave MIDI's 0 to 127.
    """
    keys = score.keys or (KeyEvent(0, _key_around(score)),)
    ticks = np.array([event.tick for event in keys])
    distances = np.array([event.key.transpose(semitones).tonic - event.key.tonic for event in keys])

    def distance_at(tick: ArrayLike) -> IntArray:
        result: IntArray = distances[np.maximum(np.searchsorted(ticks, tick, side="right") - 1, 0)]
        return result

    chords = tuple(
        ChordEvent(tick, chord and chord.transpose_fifths(int(distance_at(tick)))) for tick, chord in score.chords
    )
    return score.replace(
        tracks=tuple(_transpose_track(track, semitones, distance_at) for track in score.tracks),
        keys=tuple(KeyEvent(tick, key.transpose(semitones)) for tick, key in score.keys),
        chords=chords,
    )


def excerpt(score: Score, first_bar: int, last_bar: int) -> Score:
    """Cut out the bars from `first_bar` up to, not including, `last_bar`; bars count from 0.

    Notes that reach over an edge are cut there. What is in force at the start (tempo, meter, key, chord, controls) is
    said again there.

    Raises:
        RequestError: the piece has no such bars.
    """
    lines = score.bar_lines()
    bars = len(lines) - 1
    if not 0 <= first_bar < last_bar <= bars:
        raise RequestError(
            f"bars {first_bar} to {last_bar}: the piece has bars 0 to {bars}, and at least one is needed"
        )
    start = int(lines[first_bar])
    stop = int(lines[last_bar]) if last_bar < bars else MAX_TICK  # what stands after the last bar line stays with it
    return score.replace(
        tracks=tuple(_cut_track(track, start, stop) for track in score.tracks),
        end=min(stop, score.end) - start,
        markers=tuple(Marker(tick - start, text) for tick, text in score.markers if start <= tick < stop),
        **{name: _cut_states(getattr(score, name), start, stop) for name in _STATES},
    )


def concatenate(first: Score, second: Score) -> Score:
    """Append the second piece after the last bar line of the first.

    The title is the first's. What is in force at its end (a key, a pedal) stays so until the second says otherwise;
    only chords end with it.

    Raises:
        ScoreError: the pieces differ in ticks a quarter (`resample` one), or in number, program or kind of tracks.
    """
    if first.ticks_per_quarter != second.ticks_per_quarter:
        raise ScoreError(
            f"{first.ticks_per_quarter} and {second.ticks_per_quarter} ticks a quarter: resample one piece first"
        )
    if [(t.program, t.is_drum) for t in first.tracks] != [(t.program, t.is_drum) for t in second.tracks]:
        raise ScoreError("the two pieces have not the same tracks (number, programs, drums) in the same order")
    seam = int(first.bar_lines()[-1])
    if first.chords and not (second.chords and second.chords[0].tick == 0):
        second = second.replace(chords=(ChordEvent(0, None), *second.chords))
    shifted = {name: _moved(getattr(second, name), lambda tick: tick + seam) for name in (*_STATES, "markers")}
    return first.replace(
        tracks=tuple(_join_tracks(*pair, seam) for pair in zip(first.tracks, second.tracks, strict=True)),
        end=seam + second.end,
        markers=(*(marker for marker in first.markers if marker.tick <= seam), *shifted["markers"]),
        **{name: _join_states(getattr(first, name), shifted[name], seam) for name in _STATES},
    )


def _moved(events: Iterable[Event], move: Callable[[int], Any]) -> tuple[Event, ...]:
    return tuple(event._replace(tick=int(move(event.tick))) for event in events)


def _moved_rows(controls: NDArray[np.int32], ticks: IntArray) -> NDArray[np.int32]:
    return np.column_stack([ticks, controls[:, 1:]]).astype(np.int32)


def _resample_track(track: Track, move: Callable[[ArrayLike], IntArray]) -> Track:
    onset, end = move(track.onset), move(track.onset.astype(np.int64) + track.duration)
    controls = _moved_rows(track.controls, move(track.controls[:, 0]))
    return track.replace(onset=onset, duration=np.maximum(end - onset, 1), controls=controls)


def _key_around(score: Score) -> Key:
    """Major key whose scale lies nearest to the spellings and roots of a piece; C major without any."""
    roots = [event.chord.root for event in score.chords if event.chord]
    places = np.concatenate([roots, *(track.spelling for track in score.tracks if track.spelling is not None)])
    centre = round(float(places.mean())) - 2 if len(places) else 0  # a scale's mean lies two fifths above its tonic
    return Key(min(max(centre, -7), 7))


def _transpose_track(track: Track, semitones: int, distance_at: Callable[[ArrayLike], IntArray]) -> Track:
    if track.is_drum or not len(track):
        return track
    pitches = track.pitch.astype(np.int64) + semitones
    if pitches.min() < 0 or pitches.max() > 127:
        raise ScoreError(f"track {track.name!r}: {semitones:+d} semitones take notes outside MIDI's 0 to 127")
    if track.spelling is None:
        return track.replace(pitch=pitches)
    places = track.spelling + distance_at(track.onset)
    # More than two accidentals serve nobody: those notes change to their enharmonic neighbours.
    places += 12 * ((places < PLACES.start).astype(int) - (places >= PLACES.stop))
    return track.replace(pitch=pitches, spelling=places)


def _cut_track(track: Track, start: int, stop: int) -> Track:
    ends = track.onset.astype(np.int64) + track.duration
    heard = (ends > start) & (track.onset < stop)
    onset = np.maximum(track.onset[heard], start)
    columns = {name: getattr(track, name) for name in ("pitch", "velocity", "voice", "spelling")}
    return track.replace(
        onset=onset - start,
        duration=np.minimum(ends[heard], stop) - onset,
        controls=_cut_controls(track.controls, start, stop),
        **{name: column[heard] for name, column in columns.items() if column is not None},
    )


def _cut_controls(controls: NDArray[np.int32], start: int, stop: int) -> NDArray[np.int32]:
    """Rows from start to stop, after the last row of each kind before the start (if none of its kind stands there)."""
    ticks, kinds = controls[:, 0], controls[:, 1]
    before = np.flatnonzero(ticks < start)
    _, last = np.unique(kinds[before][::-1], return_index=True)
    in_force = np.sort(before[::-1][last])
    in_force = in_force[~np.isin(kinds[in_force], kinds[ticks == start])]
    rows = controls[np.concatenate([in_force, np.flatnonzero((ticks >= start) & (ticks < stop))])]
    return _moved_rows(rows, np.maximum(rows[:, 0].astype(np.int64) - start, 0))


def _cut_states(events: tuple[Event, ...], start: int, stop: int) -> tuple[Event, ...]:
    return last_per_tick(event._replace(tick=max(event.tick - start, 0)) for event in events if event.tick < stop)


def _join_tracks(first: Track, second: Track, seam: int) -> Track:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("duration", "pitch", "velocity")
    }
    for name in ("voice", "spelling"):
        parts = [getattr(track, name) for track in (first, second) if len(track)]
        columns[name] = np.concatenate(parts) if parts and all(part is not None for part in parts) else None
    columns["onset"] = np.concatenate([first.onset, second.onset.astype(np.int64) + seam])
    later = _moved_rows(second.controls, second.controls[:, 0].astype(np.int64) + seam)
    return first.replace(controls=np.concatenate([first.controls, later]), **columns)


def _join_states(first: tuple[Event, ...], second: tuple[Event, ...], seam: int) -> tuple[Event, ...]:
    """Events of both, without one at the seam that only says again what already holds."""
    before = tuple(event for event in first if event.tick < seam)
    if before and second and second[0].tick == seam and second[0][1] == before[-1][1]:
        second = second[1:]
    return before + second
