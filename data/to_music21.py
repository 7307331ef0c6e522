"""From a Score to a music21 stream with its measures, voices, beams and accidentals made, ready to export."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, cast

from data.chord_symbols import symbol_of
from data.engraving import (
    Tone,
    Written,
    hands,
    is_wide,
    written_bar,
    written_voices,
)
from data.numerals import add_numerals
from data.written_time import Bar, WrittenTime
from theory.event import FERMATA
from theory.key import Key
from theory.pitch import Pitch
from theory.score import Score, Track

COMPOSER = "Cadenza"
DRUM_ID = "drum-"  # what the identity of a drum note begins with; General MIDI's number follows
_KEYBOARDS = frozenset((*range(24), 46))  # pianos, mallets, organs, accordions; the harp
_TENOR = re.compile(r"\btenor\b", re.IGNORECASE)
_ABBREVIATIONS = {"Soprano": "S.", "Alto": "A.", "Tenor": "T.", "Bass": "B."}
_REHEARSAL = re.compile(r"[A-Z]\d?")
# Where General MIDI's drums stand on a staff, and their note heads (Weinberg, "Guidelines for Drumset Notation", 1994).
_DRUM_PLACES: dict[int, tuple[str, str]] = {
    35: ("F4", "normal"), 36: ("F4", "normal"), 37: ("C5", "x"), 38: ("C5", "normal"), 40: ("C5", "normal"),
    39: ("C5", "x"), 41: ("A4", "normal"), 43: ("A4", "normal"), 45: ("D5", "normal"), 47: ("D5", "normal"),
    48: ("E5", "normal"), 50: ("E5", "normal"), 42: ("G5", "x"), 44: ("D4", "x"), 46: ("G5", "circle-x"),
    49: ("A5", "x"), 57: ("A5", "x"), 51: ("F5", "x"), 59: ("F5", "x"), 53: ("F5", "diamond"), 54: ("E5", "triangle"),
    56: ("E5", "triangle"),
}  # fmt: skip
_OTHER_DRUM = ("E5", "x")


def stream_of(score: Score, numerals: Sequence[tuple[int, str]] = ()) -> Any:
    """A `music21.stream.Score` whose measures are complete, for an exporter that makes no notation of its own.

    Args:
        score: any.
        numerals: (tick, text), Roman numerals for the lowest staff that has no drums.
    """
    from music21 import layout, metadata, stream

    result = stream.Score()
    result.metadata = metadata.Metadata(title=clean(score.title), composer=COMPOSER)
    time = WrittenTime.of(score)
    lowest = None
    for number, track in enumerate(score.tracks or (Track.empty(),), start=1):
        staves = _staves(score, track, time, number)
        for staff in staves:
            result.insert(0, staff)
        if len(staves) > 1:
            result.insert(0, layout.StaffGroup(staves, symbol="brace"))
        lowest = lowest if track.is_drum else staves[-1]
    _add_directions(score, time, result.parts[0])
    if lowest is not None:
        add_numerals(lowest, numerals, time)
    return result


def clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return " ".join(re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text).split())


# Staves


def _staves(score: Score, track: Track, time: WrittenTime, number: int) -> list[Any]:
    from music21 import stream

    spelled = _spelling(score, track)
    two = track.program in _KEYBOARDS and not track.is_drum and is_wide(track)
    parts = hands(track, spelled) if two else [(track, spelled)]
    staves = []
    for index, (notes, spelling) in enumerate(parts, start=1):
        staff: Any = stream.PartStaff() if two else stream.Part()
        staff.id = f"P{number}-Staff{index}" if two else f"P{number}"
        instrument = _instrument(track, number)
        staff.insert(0, instrument)
        staff.partName = instrument.partName
        _fill(staff, score, notes, spelling, time, _clef(track, notes, index if two else 0))
        staves.append(staff)
    return staves


def _spelling(score: Score, track: Track) -> list[int]:
    """Places on the line of fifths: the track's own, else as the key in force spells."""
    if track.spelling is not None:
        return [int(place) for place in track.spelling]
    keys = [(0, Key(0)), *((event.tick, event.key) for event in score.keys)]
    places = []
    for note in track:
        key = [key for tick, key in keys if tick <= note.onset][-1]
        places.append(int(key.spell(note.pitch)))
    return places


def _instrument(track: Track, number: int) -> Any:
    from music21 import instrument

    name = "Drums" if track.is_drum else _program_name(track.program)
    made: Any = instrument.Instrument(name)  # no subclass: those of music21 transpose, or play on the drum channel
    made.midiProgram = track.program
    made.midiChannel = 9 if track.is_drum else None
    made.partId, made.instrumentId = f"P{number}", f"P{number}-I1"
    made.partName = clean(track.name) or name
    made.partAbbreviation = _ABBREVIATIONS.get(track.name)
    return made


def _program_name(program: int) -> str:
    from music21 import instrument
    from music21.exceptions21 import Music21Exception

    try:
        return str(instrument.instrumentFromMidiProgram(program).instrumentName)
    except Music21Exception:  # a synthesizer or a sound effect
        return "Synthesizer"


def _clef(track: Track, notes: Track, staff: int) -> Any:
    """By range; a tenor voice reads the treble clef an octave lower."""
    from music21 import clef

    if track.is_drum:
        return clef.PercussionClef()
    middle = float(notes.pitch.mean()) if len(notes) else (48 if staff == 2 else 67)
    if staff == 0 and _TENOR.search(track.name) and 50 <= middle < 67:
        return clef.Treble8vbClef()
    return clef.TrebleClef() if middle >= 59 else clef.BassClef()


def _fill(staff: Any, score: Score, notes: Track, spelling: Sequence[int], time: WrittenTime, clef: Any) -> None:
    from music21 import bar as bars_module

    fermatas = {time.at(marker.tick) for marker in score.markers if marker.text == FERMATA}
    voices = written_voices(notes, spelling, time)
    keys = {time.at(event.tick): event.key for event in score.keys}
    signature, meter = 0, None
    first_number = 0 if score.pickup else 1
    for number, bar in enumerate(time.bars, start=first_number):
        measure = _measure(number, bar)
        if number == first_number:
            measure.clef = clef
        if bar.meter != meter:
            measure.timeSignature, meter = _time_signature(bar), bar.meter
        for at in [at for at in sorted(keys) if at < bar.end]:
            key = keys.pop(at)
            measure.insert(max(Fraction(), at - bar.start), _key_signature(key))
            signature = key.signature
        written = [written_bar(voice, bar, is_first=index == 0) for index, voice in enumerate(voices or [[]])]
        accidentals = _Accidentals(signature)
        accidentals.show([piece for pieces in written for piece in pieces])
        _add_voices(measure, written, bar, fermatas, accidentals, is_drum=clef.name == "percussion")
        staff.append(measure)
    measure.rightBarline = bars_module.Barline("final")


def _measure(number: int, bar: Bar) -> Any:
    from music21 import stream

    measure: Any = stream.Measure(number=number)
    if bar.offset:
        measure.paddingLeft = bar.offset
        measure.showNumber = stream.enums.ShowNumber.NEVER
    return measure


def _time_signature(bar: Bar) -> Any:
    from music21 import meter

    return meter.TimeSignature(str(bar.meter))


def _key_signature(key: Key) -> Any:
    from music21 import key as keys

    tonic = Pitch(60 + key.tonic_pitch_class, key.tonic)
    return keys.Key(tonic.step + _ACCIDENTALS[tonic.alter], key.mode)


_ACCIDENTALS = {-2: "--", -1: "-", 0: "", 1: "#", 2: "##"}


# Notes


def _add_voices(
    measure: Any,
    written: list[list[Written]],
    bar: Bar,
    fermatas: set[Fraction],
    accidentals: _Accidentals,
    *,
    is_drum: bool,
) -> None:
    from music21 import stream

    filled = [(number, pieces) for number, pieces in enumerate(written, start=1) if pieces]
    for number, pieces in filled:
        elements = [_element(piece, bar, fermatas, accidentals, is_drum=is_drum) for piece in pieces]
        if number > 1:
            _hide_rests(elements)
        _beam(elements, bar)
        target = measure
        if len(filled) > 1:
            target = stream.Voice(id=str(number))
            measure.insert(0, target)
        for piece, element in zip(pieces, elements, strict=True):
            target.insert(piece.onset, element)


def _element(piece: Written, bar: Bar, fermatas: set[Fraction], accidentals: _Accidentals, *, is_drum: bool) -> Any:
    from music21 import expressions, note

    if not piece.tones:
        rest: Any = note.Rest()
        rest.duration = _duration(piece)
        rest.fullMeasure = piece.value is None
        return rest
    element = _drums(piece) if is_drum else _pitched(piece, accidentals)
    if bar.start + piece.onset in fermatas and not piece.tied_from:
        fermata: Any = expressions.Fermata()
        fermata.type = "upright"
        element.expressions.append(fermata)
    return element


def _pitched(piece: Written, accidentals: _Accidentals) -> Any:
    from music21 import chord

    notes = [_note(piece, tone, accidentals) for tone in piece.tones]
    element: Any = notes[0] if len(notes) == 1 else chord.Chord(notes)
    element.duration = _duration(piece)
    for each in notes:
        each.tie = _tie(piece)
    return element


def _note(piece: Written, tone: Tone, accidentals: _Accidentals) -> Any:
    from music21 import note, pitch

    spelled = Pitch(*tone)
    made: Any = pitch.Pitch(step=cast(Any, spelled.step), octave=spelled.octave)
    shown = accidentals.shown(piece, tone)
    if spelled.alter or shown:
        made.accidental = pitch.Accidental(spelled.alter)
        made.accidental.displayStatus = shown
    return note.Note(made)


def _drums(piece: Written) -> Any:
    from music21 import note, percussion

    notes = []
    for tone in piece.tones:
        place, head = _DRUM_PLACES.get(tone.pitch, _OTHER_DRUM)
        drum: Any = note.Unpitched(displayName=place)
        drum.notehead = head
        drum.id = f"{DRUM_ID}{tone.pitch}"
        drum.tie = _tie(piece)
        notes.append(drum)
    element: Any = notes[0] if len(notes) == 1 else percussion.PercussionChord(notes)
    element.duration = _duration(piece)
    return element


def _tie(piece: Written) -> Any:
    from music21 import tie

    kinds = {(False, True): "start", (True, True): "continue", (True, False): "stop"}
    kind = kinds.get((piece.tied_from, piece.tied_to))
    return tie.Tie(kind) if kind else None


def _duration(piece: Written) -> Any:
    from music21 import duration

    if piece.value is None:
        bar_long: Any = duration.Duration(type="whole")
        bar_long.linked = False  # a rest for the whole bar, whatever that lasts
        bar_long.quarterLength = piece.quarters
        return bar_long
    made: Any = duration.Duration(type=piece.value.kind, dots=piece.value.dots)
    if piece.value.tuplet != (1, 1):
        actual, normal = piece.value.tuplet
        tuplet: Any = duration.Tuplet(actual, normal)
        tuplet.setDurationType(piece.value.kind, piece.value.dots)
        tuplet.type = piece.bracket or None
        made.appendTuplet(tuplet)
    return made


def _hide_rests(elements: Iterable[Any]) -> None:
    """The rests of a second voice only say that it is silent."""
    for element in elements:
        if element.isRest:
            element.style.hideObjectOnPrint = True


def _beam(elements: list[Any], bar: Bar) -> None:
    short = [element for element in elements if not element.isRest and element.duration.quarterLength < 1]
    if len(short) < 2:
        return
    beams = _time_signature(bar).getBeams(elements, measureStartOffset=bar.offset)
    for element, beam in zip(elements, beams, strict=True):
        if beam is not None and not element.isRest:
            element.beams = beam


class _Accidentals:
    """Which accidentals a bar shows: those that neither the signature nor an earlier note of the bar says."""

    def __init__(self, signature: int) -> None:
        self._in_key = {
            Pitch(7 * place % 12 + 60, place).step: Pitch(7 * place % 12 + 60, place).alter
            for place in range(signature - 1, signature + 6)
        }
        self._shown: set[tuple[Fraction, Tone]] = set()

    def show(self, pieces: Iterable[Written]) -> None:
        """Decide for all notes of a bar, in order of time."""
        said: dict[tuple[str, int], int] = {}
        for piece in sorted(pieces, key=lambda piece: piece.onset):
            for tone in piece.tones if not piece.tied_from else ():
                pitch = Pitch(*tone)
                place = (pitch.step, pitch.octave)
                if said.get(place, self._in_key[pitch.step]) != pitch.alter:
                    self._shown.add((piece.onset, tone))
                said[place] = pitch.alter

    def shown(self, piece: Written, tone: Tone) -> bool:
        """Whether a note shows its accidental."""
        return (piece.onset, tone) in self._shown and not piece.tied_from


# Directions


def _add_directions(score: Score, time: WrittenTime, part: Any) -> None:
    """Tempo marks, texts and chord symbols, above the first staff."""
    from music21 import expressions

    elements = list(part.getElementsByClass("Measure"))

    def put(tick: int, element: Any) -> None:
        at = time.at(tick)
        index = time.index(at)
        elements[index].insert(at - time.bars[index].start, element)

    for tick, mark in _tempo_marks(score, time):
        put(tick, mark)
    for event in score.chords:
        put(event.tick, symbol_of(event.chord))
    for marker in score.markers:
        text = clean(marker.text)
        if marker.text == FERMATA or not text:
            continue
        is_letter = _REHEARSAL.fullmatch(text)
        made: Any = expressions.RehearsalMark(text) if is_letter else expressions.TextExpression(text)
        made.placement = "above"
        put(marker.tick, made)


def _tempo_marks(score: Score, time: WrittenTime) -> list[tuple[int, Any]]:
    """At most one a bar, so that a played rubato does not cover the page."""
    from music21 import tempo

    marks: list[tuple[int, Any]] = []
    shown = None
    for bar in time.bars:
        inside = [event for event in score.tempos if bar.start <= time.at(event.tick) < bar.end]
        if not inside or inside[0].microseconds_per_quarter == shown:
            continue
        shown = inside[0].microseconds_per_quarter
        beat = bar.meter.beat_quarters if bar.meter.is_compound else Fraction(1)
        number = round(60_000_000 / shown / float(beat), 2)
        mark: Any = tempo.MetronomeMark(number=int(number) if number == int(number) else number, referent=float(beat))
        mark.placement = "above"
        marks.append((inside[0].tick, mark))
    return marks
