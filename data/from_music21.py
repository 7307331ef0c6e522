"""From a music21 stream to a Score.

music21 reads MusicXML, ABC and **kern into one kind of stream; this module turns that stream into columns, and counts
what a Score has no place for (lyrics, articulations, grace notes, ...). Repeats are not expanded, ties make one note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from math import lcm
from typing import Any

from data.bars import Measure, bar_meters
from data.chord_symbols import chord_of
from theory.chord import Chord
from theory.errors import ChordNameError, MeterError
from theory.key import MODES, Key
from theory.meter import Meter
from theory.pitch import fifths_of, pitch_class_of
from theory.score import (
    DEFAULT_VELOCITY,
    FERMATA,
    MAX_TEMPO,
    MIN_TEMPO,
    TICKS_PER_QUARTER,
    ChordEvent,
    KeyEvent,
    Marker,
    MeterEvent,
    Note,
    Score,
    TempoEvent,
    Track,
    last_per_tick,
    without_repeats,
)

LeftOut = dict[str, int]
"""What a reader left out: kind -> how many, in alphabetical order."""

DRUM_ID = "drum-"  # what the identity of a drum note begins with; General MIDI's number follows
FINEST_TICKS_PER_QUARTER = 10080  # exact for 128ths, triplets of 64ths, quintuplets and septuplets

# What a Score has no place for: music21 class -> the word for the report. The first that matches counts.
_NOT_HELD = {
    "Dynamic": "dynamic",
    "DynamicWedge": "dynamic",
    "Repeat": "repeat",
    "RepeatMark": "repeat",
    "RepeatBracket": "repeat",
    "Slur": "slur",
    "Ottava": "octave line",
    "PedalMark": "pedal mark",
    "TempoText": "tempo word",
    "FiguredBass": "figured bass",
}
_MODE_NAMES = {"ionian": "major", "aeolian": "minor"} | {mode: mode for mode in MODES}


@dataclass(slots=True)
class _Row:
    """A note that a tie may still lengthen; times in quarters."""

    onset: Fraction
    duration: Fraction
    pitch: int
    velocity: int
    voice: int
    spelling: int | None


@dataclass(slots=True)
class _Part:
    """What one part of the stream says; times in quarters."""

    name: str = ""
    program: int = 0
    is_drum: bool = False
    transposition: Any = None
    rows: list[_Row] = field(default_factory=list)
    texts: list[tuple[Fraction, str]] = field(default_factory=list)
    signatures: list[tuple[Fraction, int, str | None]] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    chords: list[tuple[Fraction, Chord | None]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def score_of(stream: Any, title: str = "") -> tuple[Score, LeftOut]:
    """Turn a music21 stream into a Score.

    Args:
        stream: a `music21.stream.Score` or `Part`; an Opus must be taken apart before.
        title: used where the stream states none.

    Returns:
        The score, and what it could not hold.
    """
    groups = _staves_by_part(stream)
    starts, measures = _timeline([staff for staves in groups for staff in staves])
    parts = [_read_part(staves, starts) for staves in groups]
    resolution = _resolution(parts, measures)

    def ticks(quarters: Fraction) -> int:
        return round(quarters * resolution)

    tracks = tuple(_track(part, ticks) for part in parts)
    score = Score(
        tracks=tracks,
        ticks_per_quarter=resolution,
        tempos=_tempos(parts, ticks),
        meters=last_per_tick(MeterEvent(ticks(at), meter) for at, meter in bar_meters(measures)),
        keys=_keys(parts, ticks),
        chords=_chords(parts, ticks),
        markers=_markers(parts, ticks),
        title=_title(stream) or title,
        end=max([ticks(m.start + m.length) for m in measures[-1:]] + [track.end for track in tracks], default=0),
    )
    return score, _left_out(parts, stream)


# Parts and measures


def _staves_by_part(stream: Any) -> list[list[Any]]:
    """The staves of each part: a piano's two staves are one part."""
    groups: dict[str, list[Any]] = {}
    for number, part in enumerate(stream.parts if hasattr(stream, "parts") else [stream]):
        name, is_staff, _ = str(part.id).rpartition("-Staff")  # the identity that music21 gives to staves of a part
        groups.setdefault(name if is_staff and "PartStaff" in part.classes else f"#{number}", []).append(part)
    return list(groups.values()) or [[stream]]


def _timeline(staves: list[Any]) -> tuple[list[Fraction] | None, list[Measure]]:
    """Where each measure starts, and the measures.

    A measure lasts as long as its longest staff, so that one staff with too little in it does not run ahead of the
    others. Where staves differ in their number of measures (start is None) each keeps its own time.
    """
    columns = [list(staff.getElementsByClass("Measure")) for staff in staves]
    longest = max(columns, key=len)
    aligned = len({len(column) for column in columns}) == 1
    lengths = [
        [_length(column, index) for index in range(len(column))] for column in (columns if aligned else [longest])
    ]
    bar_lengths = [max(row) for row in zip(*lengths, strict=True)]
    starts = list(accumulate(bar_lengths, initial=Fraction()))[:-1]
    meters: list[Meter | None] = []
    for index in range(len(starts)):
        stated = [_meter(column[index].timeSignature) for column in columns if index < len(column)]
        meters.append(next((meter for meter in stated if meter), meters[-1] if meters else None))
    measures = [Measure(*row) for row in zip(starts, bar_lengths, meters, strict=True)]
    return (starts if aligned and starts else None), measures


def _length(measures: list[Any], index: int) -> Fraction:
    if index + 1 < len(measures):
        return Fraction(measures[index + 1].offset) - Fraction(measures[index].offset)
    last = measures[index]
    return Fraction(last.highestTime or last.barDuration.quarterLength)


def _meter(signature: Any) -> Meter | None:
    if signature is None:
        return None
    try:
        return Meter(signature.numerator, signature.denominator)
    except (MeterError, TypeError):
        return None


def _read_part(staves: list[Any], starts: list[Fraction] | None) -> _Part:
    part = _Part(name=_part_name(staves[0]))
    _take_instrument(part, staves[0])
    voices = 0
    for staff in staves:
        elements = list(_elements(staff, starts))
        ties: dict[tuple[int, int], _Row] = {}
        for onset, voice, element in elements:
            _take(part, onset, voices + voice, element, ties)
        voices += max((voice for _, voice, _ in elements), default=1)
    return part


def _elements(staff: Any, starts: list[Fraction] | None) -> Iterator[tuple[Fraction, int, Any]]:
    """(onset in quarters, number of the voice from 1, element) of everything in a staff."""
    index = 0
    for element in staff:
        onset = Fraction(element.offset)
        if "Measure" not in element.classes:
            yield from _inside(element, onset, 1)
            continue
        start = starts[index] if starts else onset
        index += 1
        number = 0
        for inner in element:
            number += "Voice" in inner.classes
            yield from _inside(inner, start + Fraction(inner.offset), max(1, number if inner.isStream else 1))
        yield from ((start, 1, line) for line in (element.leftBarline, element.rightBarline) if line is not None)


def _inside(element: Any, onset: Fraction, voice: int) -> Iterator[tuple[Fraction, int, Any]]:
    if not element.isStream:
        yield onset, voice, element
        return
    for inner in element:
        yield from _inside(inner, onset + Fraction(inner.offset), voice)


def _part_name(staff: Any) -> str:
    return " ".join(str(staff.partName or "").split())


def _take_instrument(part: _Part, staff: Any) -> None:
    instruments = list(staff.getInstruments(returnDefault=False, recurse=True))
    if not instruments:
        return
    first = instruments[0]
    part.name = part.name or " ".join(str(first.partName or first.instrumentName or "").split())
    part.program = first.midiProgram or 0
    part.is_drum = first.midiChannel == 9
    part.transposition = first.transposition
    part.left_out["change of instrument"] += len(
        {i.midiProgram for i in instruments if i.midiProgram is not None} - {part.program}
    )


# Elements


def _take(part: _Part, onset: Fraction, voice: int, element: Any, ties: dict[tuple[int, int], _Row]) -> None:
    """Add to a part what one element says."""
    for name, take in _TAKERS.items():
        if name in element.classes:
            take(part, onset, element, voice, ties)
            return
    word = _word(element)
    if word:
        part.left_out[word] += 1


def _take_notes(part: _Part, onset: Fraction, element: Any, voice: int, ties: dict[tuple[int, int], _Row]) -> None:
    """Notes, chords, unpitched notes and rests."""
    part.left_out["lyric"] += len(element.lyrics)
    part.left_out["articulation"] += len(element.articulations)
    duration = Fraction(element.duration.quarterLength)
    members = [] if element.isRest else list(element.notes) if hasattr(element, "notes") else [element]
    if element.duration.isGrace or not duration:
        part.left_out["grace note"] += len(members)
        return
    for member in members:
        row = _row(part, onset, duration, voice, member)
        if row is not None:
            _add(part, row, member.tie, ties)
    for expression in element.expressions:
        if "Fermata" in expression.classes and members:
            part.texts.append((onset, FERMATA))
        else:
            part.left_out["ornament" if "Ornament" in expression.classes else "expression"] += 1


def _row(part: _Part, onset: Fraction, duration: Fraction, voice: int, note: Any) -> _Row | None:
    velocity = note.volume.velocity if note.hasVolumeInformation() else None
    loudness = DEFAULT_VELOCITY if velocity is None else min(127, max(1, int(velocity)))
    if not hasattr(note, "pitch"):
        part.is_drum = True
        return _Row(onset, duration, _drum(note), loudness, voice, None)
    pitch = note.pitch if part.transposition is None else part.transposition.transposePitch(note.pitch)
    midi = round(pitch.ps)
    if midi != pitch.ps:
        part.left_out["microtone"] += 1
    if not 0 <= midi <= 127:
        part.left_out["note outside MIDI's range"] += 1
        return None
    return _Row(onset, duration, midi, loudness, voice, _spelling(pitch.step, midi))


def _spelling(step: str, midi: int) -> int:
    """Place on the line of fifths of a letter, with the accidental that makes it sound as `midi`."""
    natural = fifths_of(step)
    alter = (midi - pitch_class_of(natural) + 6) % 12 - 6
    return natural + 7 * alter


def _drum(note: Any) -> int:
    """General MIDI's number where the reader left it as the note's identity, else the place on the staff."""
    identity = str(note.id)
    if identity.startswith(DRUM_ID):
        return int(identity.removeprefix(DRUM_ID))
    return int(note.displayPitch().midi)


def _add(part: _Part, row: _Row, tie: Any, ties: dict[tuple[int, int], _Row]) -> None:
    """Append a note, or lengthen the one that is tied to it: of its own voice if there is one, else of any."""
    if tie is not None and tie.type in ("stop", "continue"):
        candidates = [
            ties.get((row.voice, row.pitch)),
            *(held for (_, pitch), held in ties.items() if pitch == row.pitch),
        ]
        for held in candidates:
            if held is not None and held.onset + held.duration == row.onset:
                held.duration += row.duration
                ties[row.voice, row.pitch] = held
                return
    part.rows.append(row)
    if tie is not None and tie.type in ("start", "continue"):
        ties[row.voice, row.pitch] = row


def _take_chord_symbol(part: _Part, onset: Fraction, element: Any, *_: Any) -> None:
    try:
        part.chords.append((onset, chord_of(element)))
    except ChordNameError:
        part.left_out["chord symbol"] += 1


def _take_signature(part: _Part, onset: Fraction, element: Any, *_: Any) -> None:
    if part.transposition is None and element.sharps is not None and -7 <= element.sharps <= 7:
        part.signatures.append((onset, element.sharps, _MODE_NAMES.get(getattr(element, "mode", None) or "")))


def _take_tempo(part: _Part, onset: Fraction, element: Any, *_: Any) -> None:
    quarters_per_minute = None if element.numberImplicit else element.getQuarterBPM()
    if quarters_per_minute is not None and MIN_TEMPO <= quarters_per_minute <= MAX_TEMPO:
        part.tempos.append((onset, quarters_per_minute))
    part.left_out["tempo word"] += bool(element.text) and not element.textImplicit


def _take_text(part: _Part, onset: Fraction, element: Any, *_: Any) -> None:
    part.texts.append((onset, " ".join(str(element.content).split())))


# music21 class -> what to do with it. The first that matches takes the element.
_TAKERS: dict[str, Callable[..., None]] = {
    "Harmony": _take_chord_symbol,  # a Chord to music21: stands before the notes
    "GeneralNote": _take_notes,
    "KeySignature": _take_signature,
    "MetronomeMark": _take_tempo,
    "TextExpression": _take_text,
    "RehearsalMark": _take_text,
}


def _word(element: Any) -> str | None:
    return next((word for name, word in _NOT_HELD.items() if name in element.classes), None)


# Parts to the score


def _resolution(parts: Iterable[_Part], measures: Iterable[Measure]) -> int:
    """The least multiple of 480 ticks a quarter that makes every time exact, at most `FINEST_TICKS_PER_QUARTER`."""
    times = {value for part in parts for row in part.rows for value in (row.onset, row.duration)}
    times |= {value for measure in measures for value in (measure.start, measure.length)}
    exact = lcm(TICKS_PER_QUARTER, *(time.denominator for time in times))
    return min(exact, FINEST_TICKS_PER_QUARTER)


def _track(part: _Part, ticks: Callable[[Fraction], int]) -> Track:
    has_voices = len({row.voice for row in part.rows}) > 1
    notes = []
    for row in part.rows:
        onset = ticks(row.onset)
        duration = max(1, ticks(row.onset + row.duration) - onset)
        voice = row.voice if has_voices else None
        notes.append(Note(onset, duration, row.pitch, row.velocity, voice, None if part.is_drum else row.spelling))
    return Track.from_notes(notes, program=part.program, is_drum=part.is_drum, name=part.name)


def _tempos(parts: Iterable[_Part], ticks: Callable[[Fraction], int]) -> tuple[TempoEvent, ...]:
    """Tempo marks of the first part that has any: others repeat them."""
    marks = next((part.tempos for part in parts if part.tempos), [])
    return without_repeats(last_per_tick(TempoEvent.from_bpm(ticks(at), bpm) for at, bpm in marks))


def _chords(parts: Iterable[_Part], ticks: Callable[[Fraction], int]) -> tuple[ChordEvent, ...]:
    symbols = [ChordEvent(ticks(at), chord) for part in parts for at, chord in part.chords]
    return without_repeats(last_per_tick(symbols))


def _markers(parts: Iterable[_Part], ticks: Callable[[Fraction], int]) -> tuple[Marker, ...]:
    return tuple(Marker(*text) for text in sorted({(ticks(at), text) for part in parts for at, text in part.texts}))


def _keys(parts: list[_Part], ticks: Callable[[Fraction], int]) -> tuple[KeyEvent, ...]:
    """Key signatures with their mode: the one all parts state, else the one that the final bass note speaks for."""
    stated: dict[Fraction, list[tuple[int, str | None]]] = {}
    for part in parts:
        for at, sharps, mode in part.signatures:
            stated.setdefault(at, []).append((sharps, mode))
    events: list[KeyEvent] = []
    for at in sorted(stated):
        sharps = stated[at][0][0]
        modes = {mode for other, mode in stated[at] if mode and other == sharps}
        if not modes and events and events[-1].key.signature == sharps:
            continue  # the same signature again, as after a repeat sign: nothing new
        mode = modes.pop() if len(modes) == 1 else _mode_of_ending(parts, sharps)
        events.append(KeyEvent(ticks(at), Key.from_signature(sharps, mode)))
    return without_repeats(last_per_tick(events))


def _mode_of_ending(parts: list[_Part], sharps: int) -> str:
    """Minor if the last bass note is the minor tonic of a signature, else major."""
    rows = [row for part in parts if not part.is_drum for row in part.rows]
    if not rows:
        return "major"
    last = max(row.onset + row.duration for row in rows)
    bass = min(row.pitch for row in rows if row.onset + row.duration == last)
    return "minor" if bass % 12 == Key.from_signature(sharps, "minor").tonic_pitch_class else "major"


def _title(stream: Any) -> str:
    metadata = stream.metadata
    if metadata is None:
        return ""
    return " ".join(str(metadata.title or metadata.movementName or "").split())


def _left_out(parts: Iterable[_Part], stream: Any) -> LeftOut:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.left_out)
    counts.update(word for word in map(_word, stream.recurse().getElementsByClass("Spanner")) if word)
    return {kind: count for kind, count in sorted(counts.items()) if count}
