"""Scores into type-1 MIDI files, message by message, through mido."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mido
import numpy as np
from numpy.typing import NDArray

from data._midi_skim import OURS
from theory.atomic_file import atomic_path
from theory.errors import ScoreError
from theory.key import Key
from theory.meter import Meter
from theory.score import BANK, PITCH_BEND, PRESSURE, TICKS_PER_QUARTER, Score, Track
from theory.transform import resample

CHORD_PREFIX, NO_CHORD = "chord: ", "N.C."

_DRUM_CHANNEL = 9
_MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_BANK_LSB = 32
_MAX_DELTA = 2**28 - 1  # a variable-length number has at most four bytes
_CLOCKS_PER_QUARTER = 24
_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")

# At one tick: what ends, what describes, what selects a sound, what controls it, what begins.
_NOTE_OFF, _META, _SELECT, _CONTROL, _NOTE_ON = range(5)


class _Event(NamedTuple):
    tick: int
    rank: int
    message: Any  # a mido message without its time


def write(score: Score, path: str | Path, *, private: str | None = None) -> None:
    """Write a type-1 MIDI file at 480 ticks a quarter, whole or not at all; missing folders are made.

    The conductor track is named after the piece and ends where the piece ends. It holds tempos, meters, keys, markers,
    chords (as texts "chord: Am7") and `private`. Then one track follows for each of the score's, "Track 2" where it has
    no name: bank and program at tick 0, controls and notes, and the keys once more unless it is drums, because
    MuseScore 3 heeds a key only in the track itself (other readers then list each key often). Modes other than major
    and minor are written as the major or minor key of the same signature.

    Drums are on channel 10, the others on channels 1 to 9 and 11 to 16 in order; every further fifteen get the next
    MIDI port (meta event 33). What ignores ports reads the notes of such tracks right all the same, for each has a
    chunk of its own, but plays them on shared channels.

    No two notes of one pitch overlap in a track: a note is cut where the next begins, and of several that begin
    together the longest stays. Voices and spellings are not written. Names are UTF-8.

    Args:
        score: what to write.
        path: where to.
        private: a text for Cadenza's own use, such as a recipe in JSON. It goes into a sequencer-specific meta event at
            tick 0, because notation programs print texts of the ordinary kind into the first bar.

    Raises:
        ScoreError: a silence of more than 2^28 - 1 ticks, or a piece too long for 480 ticks a quarter.
        OutputError: the place cannot be written.
    """
    content = _encoded(score, private)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _encoded(score: Score, private: str | None) -> bytes:
    score = resample(score, TICKS_PER_QUARTER)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks.append(_chunk(_conductor(score, private), score.end))
    counts = {True: 0, False: 0}
    for index, track in enumerate(score.tracks):
        port, place = divmod(counts[track.is_drum], len(_MELODIC_CHANNELS))
        counts[track.is_drum] += not track.is_drum
        channel = _DRUM_CHANNEL if track.is_drum else _MELODIC_CHANNELS[place]
        name = track.name or f"Track {index + 1}"
        head = [_meta(0, "track_name", name=_clean(name))] + ([_meta(0, "midi_port", port=port)] if port else [])
        keys = () if track.is_drum else _keys(score)
        file.tracks.append(_chunk([*head, *keys, *_channel_events(track, channel)], score.end))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _chunk(events: Iterable[_Event], end: int) -> Any:
    """A mido track: events sorted by tick and rank, times as differences, ended at `end` or its last event."""
    ordered = sorted(events, key=lambda event: event[:2])
    last = max(end, ordered[-1].tick if ordered else 0)
    ordered.append(_meta(last, "end_of_track"))
    track, before = mido.MidiTrack(), 0
    for event in ordered:
        if event.tick - before > _MAX_DELTA:
            raise ScoreError(f"nothing happens from tick {before} to {event.tick}: too long a silence for a MIDI file")
        event.message.time = event.tick - before
        track.append(event.message)
        before = event.tick
    return track


def _meta(tick: int, kind: str, **fields: Any) -> _Event:
    return _Event(tick, _META, mido.MetaMessage(kind, **fields))


def _clean(text: str) -> str:
    """The text without what UTF-8 cannot say (lone halves of a surrogate pair)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _conductor(score: Score, private: str | None) -> Iterator[_Event]:
    if score.title:
        yield _meta(0, "track_name", name=_clean(score.title))
    if private is not None:
        yield _meta(0, "sequencer_specific", data=tuple(OURS + private.encode("utf-8", "replace")))
    yield from (_meta(tick, "time_signature", **_time_signature(meter)) for tick, meter in score.meters)
    yield from _keys(score)
    yield from (_meta(tick, "set_tempo", tempo=tempo) for tick, tempo in score.tempos)
    yield from (_meta(tick, "text", text=f"{CHORD_PREFIX}{chord or NO_CHORD}") for tick, chord in score.chords)
    yield from (_meta(tick, "marker", text=_clean(marker)) for tick, marker in score.markers)


def _time_signature(meter: Meter) -> dict[str, int]:
    clocks = max(1, round(_CLOCKS_PER_QUARTER * meter.beat_quarters))  # a metronome click: 36 in 6/8
    return {
        "numerator": meter.numerator,
        "denominator": meter.denominator,
        "clocks_per_click": clocks,
        "notated_32nd_notes_per_beat": 8,  # in a quarter of 24 clocks
    }


def _keys(score: Score) -> Iterator[_Event]:
    return (_meta(tick, "key_signature", key=_key_name(key)) for tick, key in score.keys)


def _key_name(key: Key) -> str:
    return (_MINOR if key.is_minor else _MAJOR)[key.signature + 7]


def _channel_events(track: Track, channel: int) -> Iterator[_Event]:
    program = mido.Message("program_change", channel=channel, program=track.program)
    controls = list(_controls(track, channel))
    yield from (event for event in controls if event.rank == _SELECT)
    yield _Event(0, _SELECT, program)
    yield from (event for event in controls if event.rank != _SELECT)
    for onset, end, pitch, velocity in _separate_notes(track).tolist():
        yield _Event(onset, _NOTE_ON, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity))
        yield _Event(end, _NOTE_OFF, mido.Message("note_off", channel=channel, note=pitch, velocity=0))


def _controls(track: Track, channel: int) -> Iterator[_Event]:
    # At one tick in the order in which they are read; rounding may have brought them to one.
    for tick, kind, value in sorted(track.controls.tolist(), key=lambda row: (row[0], max(row[1], PITCH_BEND - 1))):
        rank = _SELECT if tick == 0 and kind in (BANK, _BANK_LSB) else _CONTROL
        yield _Event(tick, rank, _control(kind, value, channel))


def _control(kind: int, value: int, channel: int) -> Any:
    if kind == PITCH_BEND:
        return mido.Message("pitchwheel", channel=channel, pitch=value)
    if kind == PRESSURE:
        return mido.Message("aftertouch", channel=channel, value=value)
    return mido.Message("control_change", channel=channel, control=kind, value=value)


def _separate_notes(track: Track) -> NDArray[np.int64]:
    """Rows (onset, end, pitch, velocity) by onset in which no two notes of one pitch overlap."""
    columns = (track.onset, track.onset.astype(np.int64) + track.duration, track.pitch, track.velocity)
    rows = np.column_stack([column.astype(np.int64) for column in columns])
    rows = rows[np.lexsort([rows[:, 3], rows[:, 1], rows[:, 0], rows[:, 2]])]
    same_pitch = rows[1:, 2] == rows[:-1, 2]
    longest = np.append(~(same_pitch & (rows[1:, 0] == rows[:-1, 0])), True)[: len(rows)]
    rows = rows[longest]
    follows = rows[1:, 2] == rows[:-1, 2]
    rows[:-1, 1] = np.where(follows, np.minimum(rows[:-1, 1], rows[1:, 0]), rows[:-1, 1])
    by_onset: NDArray[np.int64] = rows[np.lexsort([rows[:, 2], rows[:, 0]])]
    return by_onset


__all__ = ["CHORD_PREFIX", "NO_CHORD", "write"]
