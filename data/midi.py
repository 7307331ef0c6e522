"""MIDI files (.mid, .midi, .smf): reading through symusic, writing through mido.

A track chunk becomes one track for each pair of channel and program in it, as symusic has it: a type-0 file comes apart
into its channels, and a track that changes its program into one track a program (controls before a track's first note
are then in each of them). The first chunk of a type-1 file, when it holds no notes, is the conductor track: its name is
the piece's title and its end the piece's end. A chunk without notes but with messages on one channel is a track without
notes. What else a reader may wonder about:

- a note of no length lasts one tick; a note that is never ended is dropped; of two notes of one pitch that overlap the
  first note-off ends the first one;
- a program holds in its own chunk only, and without one it is 0; channel 10 is drums;
- names and texts are UTF-8, or Latin-1 where they are not;
- at one tick the last tempo and meter count, but the key of the first chunk that gives one: later chunks may hold the
  transposed keys of transposing instruments;
- controls keep their order; at one tick they come before pitch bends, and those before pressure;
- a text "chord: Am7" is a chord event (see `write`).

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import symusic
from numpy.typing import NDArray

from data._midi_skim import Control, Skim, is_plain, skim
from data._midi_writer import CHORD_PREFIX, NO_CHORD, write
from data.notation import read_bytes
from theory.chord import Chord
from theory.errors import ChordNameError, FileFormatError, KeyNameError, MeterError, ScoreError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.meter import Meter
from theory.score import MAX_TICK, PITCH_BEND, Score, Track

_DRUM_CHANNEL = 9
_BAD_TEXT = "\ufffd"  # what symusic puts where a text is not UTF-8


class _Chunk(NamedTuple):
    """One track chunk: what symusic reads in it and what it leaves out."""

    parsed: Any  # a symusic score in ticks
    skim: Skim


def read(path: str | Path) -> Score:
    """Read a MIDI file of type 0, 1 or 2 (its sequences then sound together); ticks a quarter as in the file.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, cut short, damaged, or in SMPTE time.
    """
    return read_with_report(path)[0]


def read_with_report(path: str | Path) -> tuple[Score, dict[str, int]]:
    """Read a MIDI file, and count what a Score cannot hold: {"lyric": 112, "meter": 1}, kinds in alphabetical order.

    The kinds: control (in a conductor track, or in a chunk of several channels without notes), copyright, cue point,
    instrument name, key, key pressure, lyric, meter, pressure (in a chunk of several sounds), system exclusive, tempo,
    text. Keys, meters and tempos are left out when they are none: 7/0, nine sharps, no microseconds a quarter.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, cut short, damaged, or in SMPTE time.
    """
    content = read_bytes(path)
    ticks_per_quarter, bodies = _track_chunks(content, path)
    parsed = [_parsed(content, body, path, index) for index, body in enumerate(bodies, start=1)]
    chunks = [_Chunk(notes, _skim(notes, body, len(bodies))) for notes, body in zip(parsed, bodies, strict=True)]
    report: Counter[str] = Counter()
    try:
        score = _score(chunks, ticks_per_quarter, report)
    except ScoreError as error:
        raise FileFormatError(f"{path} is damaged: {error}") from None
    return score, {kind: report[kind] for kind in sorted(report)}


def read_private(path: str | Path) -> tuple[str, ...]:
    """What `write` put into the file as `private`: usually one text, none in files of other programs.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, cut short, or in SMPTE time.
    """
    _, bodies = _track_chunks(read_bytes(path), path)
    return tuple(text for body in bodies for text in skim(body).private)


def _track_chunks(content: bytes, path: str | Path) -> tuple[int, list[bytes]]:
    """Ticks a quarter, and the content of every MTrk chunk; chunks of other types are passed over."""
    if content[:4] != b"MThd" or len(content) < 14:
        raise FileFormatError(f"{path} is no MIDI file: it does not begin with a MIDI header")
    declared, division = (int.from_bytes(content[place : place + 2], "big") for place in (10, 12))
    if not 0 < division < 0x8000:
        unit = "SMPTE time" if division else "0 ticks a quarter"
        raise FileFormatError(f"{path} counts in {unit}: only ticks a quarter can be read")
    place = 8 + int.from_bytes(content[4:8], "big")
    bodies: list[bytes] = []
    while len(bodies) < declared:
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "big")
        place += 8 + length
        if place > len(content):
            raise FileFormatError(f"{path} is cut short: it holds {len(bodies)} whole tracks of {declared}")
        if kind == b"MTrk":
            bodies.append(content[place - length : place])
    if not bodies:
        raise FileFormatError(f"{path} holds no tracks")
    return division, bodies


def _parsed(content: bytes, body: bytes, path: str | Path, number: int) -> Any:
    """What symusic reads in one chunk, as a file of its own: of a whole file it does not say what came from where."""
    header = b"MThd\0\0\0\x06\0\0\0\x01" + content[12:14]
    try:
        return symusic.Score.from_midi(header + b"MTrk" + len(body).to_bytes(4, "big") + body)
    except Exception as error:  # whatever its C++ code throws
        reason = " ".join(str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error").split())
        raise FileFormatError(f"{path} is damaged in track {number} of the file: {reason}") from None


def _skim(parsed: Any, body: bytes, chunks: int) -> Skim:
    """What symusic leaves out of a chunk; nothing, as in most, if it is a plain one of notes among others."""
    sounds = any(track.notes for track in parsed.tracks)
    named = all(_BAD_TEXT not in track.name for track in parsed.tracks)
    return Skim(has_notes=True) if chunks > 1 and sounds and named and is_plain(body) else skim(body)


def _score(chunks: list[_Chunk], ticks_per_quarter: int, report: Counter[str]) -> Score:
    for chunk in chunks:
        report.update(chunk.skim.left_out)
        _count(report, "lyric", sum(len(track.lyrics) for track in chunk.parsed.tracks))
    first = chunks[0].skim
    is_conductor = not first.has_notes and (len(chunks) > 1 or not first.channels)
    players = chunks[1:] if is_conductor else chunks
    if is_conductor:
        _count(report, "control", len(first.controls) + len(first.pressures))
    tracks = tuple(track for chunk in players for track in _tracks(chunk, report))
    last = max((track.end for track in tracks), default=0)
    return Score(
        tracks=tracks,
        ticks_per_quarter=ticks_per_quarter,
        tempos=last_per_tick(_tempos(chunks, report)),
        meters=last_per_tick(_meters(chunks, report)),
        keys=last_per_tick(_keys(chunks[::-1], report)),
        chords=last_per_tick(_chords(chunks, report)),
        markers=tuple(sorted(_markers(chunks), key=lambda marker: marker.tick)),
        title=first.name if is_conductor or len(chunks) == 1 else "",
        end=min(max(last, first.end), MAX_TICK) if is_conductor else last,
    )


def _tracks(chunk: _Chunk, report: Counter[str]) -> list[Track]:
    found = chunk.skim
    sounding = [track for track in chunk.parsed.tracks if len(track.notes)]
    if len(sounding) == 1:
        return [_track(sounding[0], found, found.pressures)]
    if sounding:
        _count(report, "pressure", len(found.pressures))
        return [_track(track, found, []) for track in sounding]
    if len(found.channels) != 1:
        _count(report, "control", len(found.controls) + len(found.pressures))
        return []
    silent = Track.empty(program=found.program, is_drum=found.channels == {_DRUM_CHANNEL}, name=found.name)
    return [silent.replace(controls=_ordered(_rows(found.controls + found.pressures)))]


def _track(track: Any, found: Skim, pressures: list[Control]) -> Track:
    notes = track.notes.numpy()
    return Track(
        onset=notes["time"],
        duration=np.maximum(notes["duration"], 1),
        pitch=notes["pitch"],
        velocity=notes["velocity"],
        controls=_controls(track, pressures),
        program=track.program,
        is_drum=track.is_drum,
        name=found.name if _BAD_TEXT in track.name else track.name,
    )


def _controls(track: Any, pressures: list[Control]) -> NDArray[Any]:
    if not (track.controls or track.pitch_bends or pressures):
        return _rows([])
    controls, bends = track.controls.numpy(), track.pitch_bends.numpy()
    rows = [
        np.column_stack([controls["time"], controls["number"], controls["value"]]),
        np.column_stack([bends["time"], np.full(len(bends["time"]), PITCH_BEND), bends["value"]]),
        _rows(pressures),
    ]
    return _ordered(np.concatenate(rows))


def _rows(controls: list[Control]) -> NDArray[Any]:
    return np.array(controls, dtype=np.int64).reshape(-1, 3)


def _ordered(rows: NDArray[Any]) -> NDArray[Any]:
    """Controls by tick: first control changes in the order given, then pitch bends, then pressure."""
    return rows[np.lexsort([np.maximum(rows[:, 1], PITCH_BEND - 1), rows[:, 0]])]


def _count(report: Counter[str], kind: str, number: int) -> None:
    if number:
        report[kind] += number


def _tempos(chunks: list[_Chunk], report: Counter[str]) -> Iterator[TempoEvent]:
    for event in (event for chunk in chunks for event in chunk.parsed.tempos):
        if event.mspq > 0:
            yield TempoEvent(event.time, event.mspq)
        else:
            report["tempo"] += 1


def _meters(chunks: list[_Chunk], report: Counter[str]) -> Iterator[MeterEvent]:
    for event in (event for chunk in chunks for event in chunk.parsed.time_signatures):
        try:
            yield MeterEvent(event.time, Meter(event.numerator, event.denominator))
        except MeterError:
            report["meter"] += 1


def _keys(chunks: list[_Chunk], report: Counter[str]) -> Iterator[KeyEvent]:
    for event in (event for chunk in chunks for event in chunk.parsed.key_signatures):
        try:
            yield KeyEvent(event.time, Key.from_signature(event.key, {0: "major", 1: "minor"}[event.tonality]))
        except (KeyNameError, KeyError):
            report["key"] += 1


def _chords(chunks: list[_Chunk], report: Counter[str]) -> Iterator[ChordEvent]:
    for tick, text in (row for chunk in chunks for row in chunk.skim.texts):
        symbol = text.removeprefix(CHORD_PREFIX)
        if symbol != text:
            with contextlib.suppress(ChordNameError):
                yield ChordEvent(tick, None if symbol == NO_CHORD else Chord.parse(symbol))
                continue
        report["text"] += 1


def _markers(chunks: list[_Chunk]) -> Iterator[Marker]:
    return (Marker(event.time, event.text) for chunk in chunks for event in chunk.parsed.markers)


__all__ = ["read", "read_private", "read_with_report", "write"]
