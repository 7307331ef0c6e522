"""What one part of a music21 stream says, element by element; times in quarters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from data.chord_symbols import chord_of
from data.numerals import is_numeral
from theory.chord import Chord
from theory.errors import ChordNameError
from theory.event import FERMATA, MAX_TEMPO, MIN_TEMPO
from theory.key import MODES
from theory.pitch import fifths_of, pitch_class_of
from theory.score import DEFAULT_VELOCITY

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
class Row:
    """A note that a tie may still lengthen; times in quarters."""

    onset: Fraction
    duration: Fraction
    pitch: int
    velocity: int
    voice: int
    spelling: int | None


@dataclass(slots=True)
class Part:
    """What one part of the stream says; times in quarters."""

    name: str = ""
    program: int = 0
    is_drum: bool = False
    transposition: Any = None
    rows: list[Row] = field(default_factory=list)
    texts: list[tuple[Fraction, str]] = field(default_factory=list)
    signatures: list[tuple[Fraction, int, str | None]] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    chords: list[tuple[Fraction, Chord | None]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


class PartHeader(NamedTuple):
    """What a file says of a part, where music21 would guess from the instrument's name.

    Attributes:
        program: General MIDI program; None where the file states none, and music21's guess is welcome.
        is_drum: whether pitches name General MIDI drums.
        transposes: whether it is written at another pitch than it sounds.
    """

    program: int | None = None
    is_drum: bool = False
    transposes: bool = False


def read_part(staves: list[Any], starts: list[Fraction] | None, header: PartHeader) -> Part:
    """Read the staves of one part; measures start at `starts`, or where None where the stream has them."""
    part = Part(name=_part_name(staves[0]))
    _take_instrument(part, staves[0], header)
    voices = 0
    for staff in staves:
        elements = list(_elements(staff, starts))
        ties: dict[tuple[int, int], Row] = {}
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


def _inside(element: Any, onset: Fraction, voice: int) -> Iterator[tuple[Fraction, int, Any]]:
    if not element.isStream:
        yield onset, voice, element
        return
    for inner in element:
        yield from _inside(inner, onset + Fraction(inner.offset), voice)


def _part_name(staff: Any) -> str:
    return " ".join(str(staff.partName or "").split())


def _take_instrument(part: Part, staff: Any, header: PartHeader) -> None:
    part.is_drum = header.is_drum
    part.program = header.program or 0
    instruments = list(staff.getInstruments(returnDefault=False, recurse=True))
    if not instruments:
        return
    first = instruments[0]
    part.name = part.name or " ".join(str(first.partName or first.instrumentName or "").split())
    if header.program is None:
        part.program = first.midiProgram or 0
    part.transposition = first.transposition if header.transposes else None
    part.left_out["change of instrument"] += 0 if part.is_drum else len({i.midiProgram for i in instruments}) - 1


# Elements


def _take(part: Part, onset: Fraction, voice: int, element: Any, ties: dict[tuple[int, int], Row]) -> None:
    """Add to a part what one element says."""
    for name, take in _TAKERS.items():
        if name in element.classes:
            take(part, onset, element, voice, ties)
            return
    word = word_for(element)
    if word and "Spanner" not in element.classes:  # these are counted once, for the whole score
        part.left_out[word] += 1


def _take_notes(part: Part, onset: Fraction, element: Any, voice: int, ties: dict[tuple[int, int], Row]) -> None:
    """Notes, chords, unpitched notes and rests."""
    part.left_out["lyric"] += len(element.lyrics)
    part.left_out["articulation"] += len(element.articulations)
    duration = Fraction(element.duration.quarterLength)
    members = [] if element.isRest else list(element.notes) if hasattr(element, "notes") else [element]
    if element.duration.isGrace or not duration:
        part.left_out["grace note"] += len(members)
        return
    begun = onset
    for member in members:
        row = _row(part, onset, duration, voice, member)
        if row is not None:
            begun = _add(part, row, member.tie, ties).onset
    for expression in element.expressions:
        if "Fermata" in expression.classes and members:
            part.texts.append((begun, FERMATA))
        else:
            part.left_out["ornament" if "Ornament" in expression.classes else "expression"] += 1


def _row(part: Part, onset: Fraction, duration: Fraction, voice: int, note: Any) -> Row | None:
    velocity = note.volume.velocity if note.hasVolumeInformation() else None
    loudness = DEFAULT_VELOCITY if velocity is None else min(127, max(1, int(velocity)))
    if not hasattr(note, "pitch"):
        part.is_drum = True
        return Row(onset, duration, _drum(note), loudness, voice, None)
    pitch = note.pitch if part.transposition is None else part.transposition.transposePitch(note.pitch)
    midi = round(pitch.ps)
    if midi != pitch.ps:
        part.left_out["microtone"] += 1
    if not 0 <= midi <= 127:
        part.left_out["note outside MIDI's range"] += 1
        return None
    return Row(onset, duration, midi, loudness, voice, _spelling(pitch.step, midi))


def _spelling(step: str, midi: int) -> int:
    """Place on the line of fifths of a letter, with the accidental that makes it sound as `midi`."""
    natural = fifths_of(step)
    alter = (midi - pitch_class_of(natural) + 6) % 12 - 6
    return natural + 7 * alter


def _drum(note: Any) -> int:
    """A drum whose sound the file does not name: its place on the staff, as a pitch."""
    return int(note.displayPitch().midi)


def _add(part: Part, row: Row, tie: Any, ties: dict[tuple[int, int], Row]) -> Row:
    """Append a note, or lengthen the one that is tied to it (of its own voice, else of any); the note as it now is."""
    if tie is not None and tie.type in ("stop", "continue"):
        candidates = [
            ties.get((row.voice, row.pitch)),
            *(held for (_, pitch), held in ties.items() if pitch == row.pitch),
        ]
        for held in candidates:
            if held is not None and held.onset + held.duration == row.onset:
                held.duration += row.duration
                ties[row.voice, row.pitch] = held
                return held
    part.rows.append(row)
    if tie is not None and tie.type in ("start", "continue"):
        ties[row.voice, row.pitch] = row
    return row


def _take_chord_symbol(part: Part, onset: Fraction, element: Any, *_: Any) -> None:
    try:
        part.chords.append((onset, chord_of(element)))
    except ChordNameError:
        part.left_out["chord symbol"] += 1


def _take_signature(part: Part, onset: Fraction, element: Any, *_: Any) -> None:
    if part.transposition is None and element.sharps is not None and -7 <= element.sharps <= 7:
        part.signatures.append((onset, element.sharps, _MODE_NAMES.get(getattr(element, "mode", None) or "")))


def _take_tempo(part: Part, onset: Fraction, element: Any, *_: Any) -> None:
    quarters_per_minute = None if element.numberImplicit else element.getQuarterBPM()
    if quarters_per_minute is not None and MIN_TEMPO <= quarters_per_minute <= MAX_TEMPO:
        part.tempos.append((onset, quarters_per_minute))
    part.left_out["tempo word"] += bool(element.text) and not element.textImplicit


def _take_text(part: Part, onset: Fraction, element: Any, *_: Any) -> None:
    text = " ".join(str(element.content).split())
    if getattr(element, "placement", None) == "below" and is_numeral(text):  # an analysis, not what the piece says
        part.left_out["Roman numeral"] += 1
    else:
        part.texts.append((onset, text))


# music21 class -> what to do with it. The first that matches takes the element.
_TAKERS: dict[str, Callable[..., None]] = {
    "Harmony": _take_chord_symbol,  # a Chord to music21: stands before the notes
    "GeneralNote": _take_notes,
    "KeySignature": _take_signature,
    "MetronomeMark": _take_tempo,
    "TextExpression": _take_text,
    "RehearsalMark": _take_text,
}


def word_for(element: Any) -> str | None:
    """What the report calls an element that a Score has no place for; None for what needs no mention."""
    return next((word for name, word in _NOT_HELD.items() if name in element.classes), None)
