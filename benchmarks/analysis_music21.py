"""music21's own analyses of a case: its key finders, and chordify with each chord's root and quality.

Every way that music21 offers is tried, and notes come to it spelled, so that its best stands beside ours. A stream is
made before the clock starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.analysis_sets import Case, KeySpan, Span
from theory.key import Key
from theory.pitch import Pitch
from theory.score import Score, Track

KEY_FINDERS = ("KrumhanslSchmuckler", "AardenEssen", "BellmanBudge", "TemperleyKostkaPayne", "SimpleWeights")


def stream_of(score: Score) -> Any:
    """A `music21.stream.Score` of parts and measures; a note over a bar line is cut there."""
    from music21 import stream

    result = stream.Score()
    for track in score.tracks:
        if not track.is_drum:
            result.insert(0, _part(score, track))
    return result


def _part(score: Score, track: Track) -> Any:
    from music21 import meter, stream

    part = stream.Part()
    lines = score.bar_lines()
    meters = {event.tick: event.meter for event in score.meters}
    for number, (start, end) in enumerate(pairwise(lines.tolist()), start=1):
        measure = stream.Measure(number=number)
        if start in meters:
            measure.insert(0, meter.TimeSignature(str(meters[start])))
        ends = track.onset + track.duration
        for index in np.flatnonzero((track.onset < end) & (ends > start)):
            onset, until = max(start, int(track.onset[index])), min(end, int(ends[index]))
            measure.insert(_quarters(onset - start, score), _note(track, index, _quarters(until - onset, score)))
        part.insert(_quarters(start, score), measure)
    return part


def _quarters(ticks: int, score: Score) -> Any:
    from music21.common import opFrac

    return opFrac(ticks / score.ticks_per_quarter)


def _note(track: Track, index: int, quarters: Any) -> Any:
    from music21 import note

    midi = int(track.pitch[index])
    if track.spelling is None:
        return note.Note(midi, quarterLength=quarters)
    return note.Note(str(Pitch(midi, int(track.spelling[index]))).replace("b", "-"), quarterLength=quarters)


# Keys


def whole_keys(stream: Any) -> Iterator[tuple[str, Key, float]]:
    """Name of each key finder, its key of the whole piece, and the seconds that it took."""
    from music21.analysis import discrete

    for name in KEY_FINDERS:
        stream.coreElementsChanged()  # forget what the finder before has kept
        started = time.process_time()
        found = getattr(discrete, name)().getSolution(stream)
        yield name, _key(found), time.process_time() - started


WINDOWS = {f"floatingKey, {window} bars": window for window in (1, 2, 4, 8, 16)}


def key_regions(case: Case, stream: Any) -> Iterator[tuple[str, list[KeySpan], float]]:
    """Name of each window (bars to both sides) of `music21.analysis.floatingKey`, its keys by bar, and the seconds."""
    from music21.analysis.floatingKey import KeyAnalyzer

    stream.coreElementsChanged()
    started = time.process_time()
    raw = KeyAnalyzer(stream).getRawKeyByMeasure()
    shared = time.process_time() - started
    for name, window in WINDOWS.items():
        started = time.process_time()
        analyzer = KeyAnalyzer(stream)
        analyzer.rawKeyByMeasure = raw
        analyzer.windowSize = window
        found = analyzer.smoothInterpretationByMeasure()
        seconds = shared + time.process_time() - started
        bars = [index for index, key in enumerate(raw) if key is not None]  # a bar of rests has none
        starts = case.score.bar_lines()[bars].tolist()
        ends = [*starts[1:], case.score.end]
        spans = [(start, end, _key(key)) for start, end, key in zip(starts, ends, found, strict=True)]
        yield name, spans, seconds


def _key(found: Any) -> Key:
    signature = Key.from_signature(0, found.mode)
    return signature.transpose(found.tonic.pitchClass - signature.tonic_pitch_class)


# Chords

_QUALITIES = {"major": "maj", "minor": "min", "diminished": "dim", "augmented": "aug"}


# Offset and end in quarters, and the chord of a slice: wherever a note begins or ends.
_Slice = tuple[float, float, Any]


def chords(case: Case, stream: Any) -> Iterator[tuple[str, list[Span], float]]:
    """Name of each way to read chordify's chords, its chords, and the seconds that it took with chordify."""
    stream.coreElementsChanged()
    started = time.process_time()
    chordified = stream.chordify()
    found = chordified.recurse().getElementsByClass("Chord")
    offsets = [(float(chord.getOffsetInHierarchy(chordified)), chord) for chord in found]
    slices = [(offset, offset + float(chord.quarterLength), chord) for offset, chord in offsets]
    shared = time.process_time() - started
    for name, read in CHORD_FINDERS.items():
        started = time.process_time()
        labels = read(case, slices)
        yield name, _spans(case, labels), shared + time.process_time() - started


def _every_slice(case: Case, slices: list[_Slice]) -> list[tuple[float, str]]:
    return [(offset, _label(chord)) for offset, _, chord in slices]


def _once_a_beat(case: Case, slices: list[_Slice]) -> list[tuple[float, str]]:
    """The chord that sounds on each beat, or sounded last."""
    beats = _beats(case.score)
    places = np.searchsorted([offset for offset, _, _ in slices], beats + 1e-6, side="right") - 1
    return [(beat, _label(slices[place][2])) for beat, place in zip(beats, places, strict=True) if place >= 0]


def _all_of_a_beat(case: Case, slices: list[_Slice]) -> list[tuple[float, str]]:
    """The chord of all that sounds during each beat."""
    from music21 import chord

    onsets, ends = [offset for offset, _, _ in slices], [end for _, end, _ in slices]
    found = []
    for beat, after in pairwise([*_beats(case.score).tolist(), case.score.end / case.score.ticks_per_quarter]):
        first, last = int(np.searchsorted(ends, beat + 1e-6, side="right")), int(np.searchsorted(onsets, after - 1e-6))
        if first < last:
            pitches = {pitch for _, _, one in slices[first:last] for pitch in one.pitches}
            found.append((beat, _label(chord.Chord(sorted(pitches)))))
    return found


CHORD_FINDERS = {"every slice": _every_slice, "once a beat": _once_a_beat, "all of a beat": _all_of_a_beat}


def _beats(score: Score) -> Any:
    """Quarters at which beats fall."""
    found = []
    lines = score.bar_lines()
    ticks = [event.tick for event in score.meters]
    for start, end in pairwise(lines.tolist()):
        meter = score.meters[int(np.searchsorted(ticks, start, side="right")) - 1].meter
        found.append(np.arange(start, end, float(meter.beat_quarters) * score.ticks_per_quarter))
    return np.concatenate(found) / score.ticks_per_quarter


def _label(chord: Any) -> str:
    """Root and quality as music21 names them; the quality is that of the triad."""
    root = chord.root().name.replace("-", "b")
    return f"{root}:{_QUALITIES.get(chord.quality, '1')}"


def _spans(case: Case, found: list[tuple[float, str]]) -> list[Span]:
    """Chords as spans of ticks, each held until the next."""
    ticks = [round(offset * case.score.ticks_per_quarter) for offset, _ in found]
    ends = [*ticks[1:], case.score.end]
    return [(tick, end, label) for tick, end, (_, label) in zip(ticks, ends, found, strict=True)]
