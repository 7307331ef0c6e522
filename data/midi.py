"""MIDI files (.mid, .midi, .smf): reading, and writing through mido.

A track chunk becomes one track for each pair of channel and program in it: a type-0 file comes apart
into its channels, and a track that changes its program into one track a program (controls before a track's first note
are then in it). The first chunk of a type-1 file, when it holds no notes, is the conductor track: its name is
the piece's title and its end the piece's end. A chunk without notes but with messages on one channel is a track without
notes. What else a reader may wonder about:

- a note of no length lasts one tick; of two notes of one pitch that overlap the first note-off ends the first one;
- a program holds in its own chunk only, and without one it is 0; channel 10 is drums;
- names and texts are UTF-8, or Latin-1 where they are not;
- at one tick the last tempo and meter count, but the key of the first chunk that gives one: later chunks may hold the
  transposed keys of transposing instruments;
- controls keep their order; at one tick they come before pitch bends, and those before pressure;
- SMPTE time becomes quarters of a second at one tempo (60 a minute), as no tempo of such a file concerns its notes;
- a text "chord: Am7" is a chord event (see `write`).

A damaged file is read as far as a player would play it. `read` warns of what was repaired, `read_with_report` counts
it: see `data._midi_file` for the file and its chunks, `data._midi_events` for what is in a chunk. A note without an end
sounds to the end of its track, or until the next note of its pitch and channel begins. No note is made up.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data._midi_chunk import DRUM_CHANNEL, Chunk, Part, read_chunks
from data._midi_events import events
from data._midi_file import take_apart
from data._midi_skim import Control, skim
from data._midi_writer import CHORD_PREFIX, NO_CHORD, write
from data.notation import read_bytes
from theory.chord import Chord
from theory.errors import ChordNameError, FileFormatError, KeyNameError, MeterError, RepairWarning
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick
from theory.key import Key
from theory.meter import Meter
from theory.score import PITCH_BEND, Score, Track

REPAIRED = "repaired: "
"""How the kinds begin under which a report counts repairs."""


def read(path: str | Path) -> Score:
    """Read a MIDI file of type 0, 1 or 2 (its sequences then sound together); ticks a quarter as in the file.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, or so damaged that no note is left.

    Warns:
        RepairWarning: the file is damaged; the message says what was repaired.
    """
    score, report = read_with_report(path)
    if repaired := repairs_of(path, report):
        warnings.warn(repaired, RepairWarning, stacklevel=2)
    return score


def repairs_of(path: str | Path, report: Mapping[str, int]) -> str:
    """What a report of `read_with_report` says was repaired, in one line; empty where nothing was."""
    repaired = [f"{kind.removeprefix(REPAIRED)} ({count})" for kind, count in report.items() if REPAIRED in kind]
    return f"{path} is damaged; repaired: {', '.join(repaired)}" if repaired else ""


def read_with_report(path: str | Path) -> tuple[Score, dict[str, int]]:
    """Read a MIDI file, and count what a Score cannot hold: {"lyric": 112, "meter": 1}, kinds in alphabetical order.

    The kinds: control (in a conductor track, or in a chunk of several channels without notes), copyright, cue point,
    instrument name, key, key pressure, lyric, meter, pressure (in a chunk of several sounds), system exclusive, tempo,
    text. Keys, meters and tempos are left out when they are none: 7/0, nine sharps, no microseconds a quarter; tempos
    also in SMPTE time. Repairs of a damaged file are counted beside them: {"repaired: end of track": 1}.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, or so damaged that no note is left.
    """
    content = take_apart(read_bytes(path), path)
    chunks = read_chunks(content.bodies)
    repairs = sum((chunk.repairs for chunk in chunks if chunk.repairs), content.repairs)
    if repairs and not any(chunk.parts for chunk in chunks):
        raise FileFormatError(f"{path} is damaged: no note of it can be read")
    report = Counter({REPAIRED + kind: count for kind, count in repairs.items()})
    score = _score(chunks, content.ticks_per_quarter, report)
    if content.tempo is not None:
        report["tempo"] = sum(len(chunk.tempos) for chunk in chunks)
        score = score.replace(tempos=(TempoEvent(0, content.tempo),))
    return score, {kind: report[kind] for kind in sorted(+report)}


def read_private(path: str | Path) -> tuple[str, ...]:
    """What `write` put into the file as `private`: usually one text, none in files of other programs.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no MIDI file, or one without tracks.
    """
    bodies = take_apart(read_bytes(path), path).bodies
    return tuple(text for body in bodies for text in skim(events(body, Counter())).private)


def _score(chunks: list[Chunk], ticks_per_quarter: int, report: Counter[str]) -> Score:
    for chunk in chunks:
        for kind, number in (*chunk.skim.left_out.items(), ("lyric", chunk.lyrics)):
            _count(report, kind, number)
    first = chunks[0].skim
    is_conductor = not chunks[0].parts and (len(chunks) > 1 or not first.channels)
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
        end=max(last, first.end) if is_conductor else last,
    )


def _tracks(chunk: Chunk, report: Counter[str]) -> list[Track]:
    found = chunk.skim
    if len(chunk.parts) == 1:
        return [_track(chunk.parts[0], chunk.name, found.pressures)]
    if chunk.parts:
        _count(report, "pressure", len(found.pressures))
        return [_track(part, chunk.name, []) for part in chunk.parts]
    if len(found.channels) != 1:
        _count(report, "control", len(found.controls) + len(found.pressures))
        return []
    silent = Track.empty(program=found.program, is_drum=found.channels == {DRUM_CHANNEL}, name=found.name)
    return [silent.replace(controls=_ordered(_rows(found.controls + found.pressures)))]


def _track(part: Part, name: str, pressures: list[Control]) -> Track:
    controls = np.concatenate([part.controls, _rows(pressures)]) if pressures else part.controls
    return Track.unchecked(part.notes, _ordered(controls), program=part.program, is_drum=part.is_drum, name=name)


def _rows(controls: list[Control]) -> NDArray[Any]:
    return np.array(controls, dtype=np.int32).reshape(-1, 3)


def _ordered(rows: NDArray[Any]) -> NDArray[Any]:
    """Controls by tick: first control changes in the order given, then pitch bends, then pressure."""
    if len(rows) < 2 or ((rows[1:, 0] > rows[:-1, 0]).all()):
        return rows
    return rows[np.lexsort([np.maximum(rows[:, 1], PITCH_BEND - 1), rows[:, 0]])]


def _count(report: Counter[str], kind: str, number: int) -> None:
    if number:
        report[kind] += number


def _tempos(chunks: list[Chunk], report: Counter[str]) -> Iterator[TempoEvent]:
    for tick, tempo in (event for chunk in chunks for event in chunk.tempos):
        if tempo > 0:
            yield TempoEvent(tick, tempo)
        else:
            report["tempo"] += 1


def _meters(chunks: list[Chunk], report: Counter[str]) -> Iterator[MeterEvent]:
    for tick, numerator, denominator in (event for chunk in chunks for event in chunk.meters):
        try:
            yield MeterEvent(tick, Meter(numerator, denominator))
        except MeterError:
            report["meter"] += 1


def _keys(chunks: list[Chunk], report: Counter[str]) -> Iterator[KeyEvent]:
    for tick, sharps, mode in (event for chunk in chunks for event in chunk.keys):
        try:
            yield KeyEvent(tick, Key.from_signature(sharps, {0: "major", 1: "minor"}[mode]))
        except (KeyNameError, KeyError):
            report["key"] += 1


def _chords(chunks: list[Chunk], report: Counter[str]) -> Iterator[ChordEvent]:
    for tick, text in (row for chunk in chunks for row in chunk.skim.texts):
        symbol = text.removeprefix(CHORD_PREFIX)
        if symbol != text:
            with contextlib.suppress(ChordNameError):
                yield ChordEvent(tick, None if symbol == NO_CHORD else Chord.parse(symbol))
                continue
        report["text"] += 1


def _markers(chunks: list[Chunk]) -> Iterator[Marker]:
    return (Marker(*event) for chunk in chunks for event in chunk.markers)


__all__ = ["REPAIRED", "read", "read_private", "read_with_report", "repairs_of", "write"]
