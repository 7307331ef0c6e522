"""Scores to and from pretty_midi, the object that much music software in Python passes around."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.errors import MeterError, RequestError, ScoreError
from theory.event import KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.meter import Meter
from theory.score import PITCH_BEND, PRESSURE, Score, Track

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI


def to_pretty_midi(score: Score) -> PrettyMIDI:
    """The score as a `pretty_midi.PrettyMIDI` of the same resolution and tempo map, times in seconds.

    Markers become text events, and modes other than major and minor the major or minor key of the same signature. What
    pretty_midi does not know is left out: title, chords, voices, spellings, pressure, an end after the last note.

    Raises:
        RequestError: the piece is longer than pretty_midi's 10^7 ticks.
    """
    import pretty_midi

    if score.end >= pretty_midi.pretty_midi.MAX_TICK:
        raise RequestError(f"the piece has {score.end} ticks: pretty_midi goes to {pretty_midi.pretty_midi.MAX_TICK:g}")
    midi = pretty_midi.PrettyMIDI(resolution=score.ticks_per_quarter)
    # pretty_midi has no public way to set a tempo map: these two calls are what its own reader does.
    ticks_a_second = 1e6 * score.ticks_per_quarter
    midi._tick_scales = [(tick, tempo / ticks_a_second) for tick, tempo in score.tempos]
    midi._update_tick_to_time(score.end)
    midi.time_signature_changes = [
        pretty_midi.TimeSignature(meter.numerator, meter.denominator, float(score.seconds(tick)))
        for tick, meter in score.meters
    ]
    midi.key_signature_changes = [
        pretty_midi.KeySignature(_key_number(key), float(score.seconds(tick))) for tick, key in score.keys
    ]
    midi.text_events = [pretty_midi.Text(marker.text, float(score.seconds(marker.tick))) for marker in score.markers]
    midi.instruments = [_instrument(score, track) for track in score.tracks]
    return midi


def from_pretty_midi(midi: PrettyMIDI) -> Score:
    """The score of a `pretty_midi.PrettyMIDI`, at its resolution; every time goes to the nearest tick.

    That is exact for what `to_pretty_midi` made and for what pretty_midi read from a file. Text events become markers;
    a note of no length lasts one tick; lyrics are left out, and so are meters that are none.

    Raises:
        ScoreError: times, pitches or velocities that no score can hold.
    """
    times, tempos = midi.get_tempo_changes()
    markers = [Marker(_tick(midi, text.time), text.text) for text in midi.text_events]
    return Score(
        tracks=tuple(_track(midi, instrument) for instrument in midi.instruments),
        ticks_per_quarter=midi.resolution,
        tempos=last_per_tick(
            TempoEvent(_tick(midi, time), round(6e7 / tempo)) for time, tempo in zip(times, tempos, strict=True)
        ),
        meters=last_per_tick(_meters(midi)),
        keys=last_per_tick(
            KeyEvent(_tick(midi, change.time), _key(change.key_number)) for change in midi.key_signature_changes
        ),
        markers=tuple(sorted(markers, key=lambda marker: marker.tick)),
    )


def _tick(midi: PrettyMIDI, time: float) -> int:
    if not math.isfinite(time):
        raise ScoreError(f"this pretty_midi object holds the time {time}: times must be numbers of seconds")
    return int(midi.time_to_tick(time))


def _key_number(key: Key) -> int:
    """Numbers as in pretty_midi: 0 to 11 major from C up, 12 to 23 minor."""
    major = Key.from_signature(key.signature)
    return 12 + (major.tonic_pitch_class + 9) % 12 if key.is_minor else major.tonic_pitch_class


def _key(number: int) -> Key:
    base = Key.from_signature(0, "minor" if number >= 12 else "major")
    return base.transpose(number - base.tonic_pitch_class)


def _instrument(score: Score, track: Track) -> Any:
    import pretty_midi

    instrument = pretty_midi.Instrument(track.program, track.is_drum, track.name)
    starts, ends = score.seconds(track.onset), score.seconds(track.onset.astype(np.int64) + track.duration)
    columns = (track.velocity.tolist(), track.pitch.tolist(), starts.tolist(), ends.tolist())
    instrument.notes = [pretty_midi.Note(*row) for row in zip(*columns, strict=True)]
    for time, (_, kind, value) in zip(
        score.seconds(track.controls[:, 0]).tolist(), track.controls.tolist(), strict=True
    ):
        if kind == PITCH_BEND:
            instrument.pitch_bends.append(pretty_midi.PitchBend(value, time))
        elif kind != PRESSURE:
            instrument.control_changes.append(pretty_midi.ControlChange(kind, value, time))
    return instrument


def _track(midi: PrettyMIDI, instrument: Any) -> Track:
    notes = [
        (start := _tick(midi, note.start), max(_tick(midi, note.end) - start, 1), note.pitch, note.velocity)
        for note in instrument.notes
    ]
    controls = [(_tick(midi, change.time), change.number, change.value) for change in instrument.control_changes]
    bends = [(_tick(midi, bend.time), PITCH_BEND, bend.pitch) for bend in instrument.pitch_bends]
    return Track.from_notes(
        notes,
        controls=controls + bends,
        program=instrument.program,
        is_drum=instrument.is_drum,
        name=instrument.name,
    )


def _meters(midi: PrettyMIDI) -> Iterator[MeterEvent]:
    for change in midi.time_signature_changes:
        with contextlib.suppress(MeterError):
            yield MeterEvent(_tick(midi, change.time), Meter(change.numerator, change.denominator))


__all__ = ["from_pretty_midi", "to_pretty_midi"]
