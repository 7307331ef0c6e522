"""From a music21 stream to a Score.

music21 reads MusicXML, ABC and **kern into one kind of stream; this module turns that stream into columns, and counts
what a Score has no place for (lyrics, articulations, grace notes, ...). Repeats are not expanded, ties make one note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import accumulate
from math import lcm
from typing import Any

from data.bars import Measure, bar_meters
from data.music21_part import Part, PartHeader, read_part, word_for
from theory.errors import MeterError
from theory.event import ChordEvent, KeyEvent, Marker, MeterEvent, TempoEvent, last_per_tick, without_repeats
from theory.key import Key
from theory.meter import Meter
from theory.score import TICKS_PER_QUARTER, Note, Score, Track

LeftOut = dict[str, int]
"""What a reader left out: kind -> how many, in alphabetical order."""

FINEST_TICKS_PER_QUARTER = 10080  # exact for 128ths, triplets of 64ths, quintuplets and septuplets


def score_of(stream: Any, headers: Mapping[str, PartHeader] | None = None) -> tuple[Score, LeftOut]:
    """Turn a music21 stream into a Score.

    Args:
        stream: a `music21.stream.Score` or `Part`; an Opus must be taken apart before.
        headers: what the file says of its parts, by their identity.

    Returns:
        The score, and what it could not hold.
    """
    groups = _staves_by_part(stream)
    starts, measures = _timeline([staff for staves in groups for staff in staves])
    headers = headers or {}
    parts = [read_part(staves, starts, headers.get(_identity(staves[0]), PartHeader())) for staves in groups]
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
        title=_title(stream),
        end=max([ticks(m.start + m.length) for m in measures[-1:]] + [track.end for track in tracks], default=0),
    )
    return score, _left_out(parts, stream)


# Parts and measures


def _staves_by_part(stream: Any) -> list[list[Any]]:
    """The staves of each part: a piano's two staves are one part."""
    groups: dict[str, list[Any]] = {}
    for number, part in enumerate(stream.parts if hasattr(stream, "parts") else [stream]):
        is_staff = "PartStaff" in part.classes
        groups.setdefault(_identity(part) if is_staff else f"#{number}", []).append(part)
    return list(groups.values()) or [[stream]]


def _identity(staff: Any) -> str:
    """What the file calls a part: music21 keeps it as a group, or adds the number of the staff where it has several."""
    return str(staff.id).rpartition("-Staff")[0] or str(next(iter(staff.groups), staff.id))


def _timeline(staves: list[Any]) -> tuple[list[Fraction] | None, list[Measure]]:
    """Where each measure starts, and the measures.

    A measure lasts as long as its longest staff, so that one staff with too little in it does not run ahead of the
    others. Where staves differ in their number of measures (start is None) each keeps its own time.
    """
    columns = [list(staff.getElementsByClass("Measure")) for staff in staves]
    longest = max(columns, key=len)
    aligned = len({len(column) for column in columns}) == 1
    meters: list[Meter | None] = []
    for index in range(len(longest)):
        stated = [_meter(column[index].timeSignature) for column in columns if index < len(column)]
        meters.append(next((meter for meter in stated if meter), meters[-1] if meters else None))
    lengths = [
        [_length(column, index, meters[index]) for index in range(len(column))]
        for column in (columns if aligned else [longest])
    ]
    bar_lengths = [_tidy(max(row), meter) for row, meter in zip(zip(*lengths, strict=True), meters, strict=True)]
    starts = list(accumulate(bar_lengths, initial=Fraction()))[:-1]
    if not longest:  # music without bar lines
        return None, [Measure(Fraction(at), meter.bar_quarters, meter) for at, meter in _unbarred_meters(staves[0])]
    measures = [Measure(*row) for row in zip(starts, bar_lengths, meters, strict=True)]
    return (starts if aligned and starts else None), measures


def _unbarred_meters(staff: Any) -> list[tuple[Fraction, Meter]]:
    signatures = [(Fraction(sign.offset), _meter(sign)) for sign in staff.getElementsByClass("TimeSignature")]
    return [(at, meter) for at, meter in signatures if meter]


def _length(measures: list[Any], index: int, meter: Meter | None) -> Fraction:
    """Length of a measure of one staff; rests after its bar do not count: some files write a bar of rest twice."""
    measure = measures[index]
    if index + 1 < len(measures):
        length = Fraction(measures[index + 1].offset) - Fraction(measure.offset)
    else:
        length = Fraction(measure.highestTime or measure.barDuration.quarterLength)
    if meter is None or length <= meter.bar_quarters:
        return length
    elements = [(element.getOffsetInHierarchy(measure), element) for element in measure.recurse().notesAndRests]
    late = [element for at, element in elements if at >= meter.bar_quarters]
    if not late or not all(element.isRest for element in late):
        return length
    ends = (Fraction(at + element.quarterLength) for at, element in elements if at < meter.bar_quarters)
    return max([meter.bar_quarters, *ends])


def _tidy(length: Fraction, meter: Meter | None) -> Fraction:
    """Length of a measure without slips of less than a 32nd (an ornament or a tuplet that the file counts wrong).

    It is the meter's where it is so near, else a whole number of 64ths or the nearest of 16ths.
    """
    if meter and abs(length - meter.bar_quarters) < Fraction(1, 8):
        return meter.bar_quarters
    return length if (16 * length).denominator == 1 else max(Fraction(1, 4), Fraction(round(4 * length), 4))


def _meter(signature: Any) -> Meter | None:
    if signature is None:
        return None
    try:
        return Meter(signature.numerator, signature.denominator)
    except (MeterError, TypeError):
        return None


# Parts to the score


def _resolution(parts: Iterable[Part], measures: Iterable[Measure]) -> int:
    """The least multiple of 480 ticks a quarter that makes every time exact, at most `FINEST_TICKS_PER_QUARTER`."""
    times = {value for part in parts for row in part.rows for value in (row.onset, row.duration)}
    times |= {value for measure in measures for value in (measure.start, measure.length)}
    exact = lcm(TICKS_PER_QUARTER, *(time.denominator for time in times))
    return min(exact, FINEST_TICKS_PER_QUARTER)


def _track(part: Part, ticks: Callable[[Fraction], int]) -> Track:
    has_voices = len({row.voice for row in part.rows}) > 1
    notes = []
    for row in part.rows:
        onset = ticks(row.onset)
        duration = max(1, ticks(row.onset + row.duration) - onset)
        voice = row.voice if has_voices else None
        notes.append(Note(onset, duration, row.pitch, row.velocity, voice, None if part.is_drum else row.spelling))
    return Track.from_notes(notes, program=part.program, is_drum=part.is_drum, name=part.name)


def _tempos(parts: Iterable[Part], ticks: Callable[[Fraction], int]) -> tuple[TempoEvent, ...]:
    """Tempo marks of the first part that has any: others repeat them."""
    marks = next((part.tempos for part in parts if part.tempos), [])
    return without_repeats(last_per_tick(TempoEvent.from_bpm(ticks(at), bpm) for at, bpm in marks))


def _chords(parts: Iterable[Part], ticks: Callable[[Fraction], int]) -> tuple[ChordEvent, ...]:
    symbols = [ChordEvent(ticks(at), chord) for part in parts for at, chord in part.chords]
    return without_repeats(last_per_tick(symbols))


def _markers(parts: Iterable[Part], ticks: Callable[[Fraction], int]) -> tuple[Marker, ...]:
    return tuple(Marker(*text) for text in sorted({(ticks(at), text) for part in parts for at, text in part.texts}))


def _keys(parts: list[Part], ticks: Callable[[Fraction], int]) -> tuple[KeyEvent, ...]:
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


def _mode_of_ending(parts: list[Part], sharps: int) -> str:
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


def _left_out(parts: Iterable[Part], stream: Any) -> LeftOut:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.left_out)
    if "repeat" in counts:  # every part has its own signs
        counts["repeat"] = max(part.left_out["repeat"] for part in parts)
    counts.update(word for word in map(word_for, stream.recurse().getElementsByClass("Spanner")) if word)
    return {kind: count for kind, count in sorted(counts.items()) if count}
