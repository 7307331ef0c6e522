"""What can be said of a score, as plain data: numbers, texts, lists and dictionaries. Bars count as musicians count."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from composer.faults import faults_of
from synth import instrument_name
from theory.analysis import Analysis, ChordRegion
from theory.errors import MeterError
from theory.event import KeyEvent
from theory.meter import Meter
from theory.score import Score, Track
from theory.voice_leading import violations

_MOST_VOICES = 8
_EARLY = Fraction(1, 5)  # quarters, less than a 16th: so near before a bar line, a performance means the next bar


class _Bars:
    """Ticks as places that musicians name: an upbeat is bar 0, the first full bar 1."""

    def __init__(self, score: Score) -> None:
        self._lines = score.bar_lines()
        self._first = 0 if score.pickup else 1
        self._early = int(_EARLY * score.ticks_per_quarter)
        self._last = self._first + max(0, len(self._lines) - 2)

    def at(self, tick: int) -> int:
        """Number of the bar in which something begins."""
        return self._number(tick + self._early)

    def until(self, tick: int) -> int:
        """Number of the bar in which something ends."""
        return self._number(tick - 1 - self._early)

    def _number(self, tick: int) -> int:
        index = int(np.searchsorted(self._lines, tick, side="right")) - 1
        return min(self._last, max(0, index) + self._first)


def facts_of(score: Score, analysis: Analysis, grouping: tuple[int, ...] | None = None) -> dict[str, Any]:
    """All facts of a score and its analysis.

    Args:
        score: any.
        analysis: of this score.
        grouping: beats a group in the bars that have so many beats, as the analysis was told.

    Raises:
        MeterError: a bar is no whole number of ticks.
    """
    bars = _Bars(score)
    return {
        "title": score.title,
        "bars": score.bars,
        "pickup": score.pickup,
        "seconds": round(score.duration, 3),
        "ticks_per_quarter": score.ticks_per_quarter,
        "meters": [_place(bars, event.tick) | _meter(event.meter, grouping) for event in score.meters],
        "tempos": [_place(bars, event.tick) | {"tempo": round(event.bpm, 2)} for event in score.tempos],
        "keys": [_place(bars, event.tick) | {"key": str(event.key)} for event in score.keys],
        "key_heard": _key_heard(analysis),
        "key_regions": [
            _span(bars, region.tick, region.end) | {"key": str(region.key), "confidence": round(region.confidence, 3)}
            for region in analysis.keys
        ],
        "chords": [_span(bars, region.tick, region.end) | _chord(region) for region in analysis.chords],
        "cadences": [
            _place(bars, cadence.tick) | {"kind": cadence.kind, "key": str(cadence.key)}
            for cadence in analysis.cadences
        ],
        "phrase_ends": [{"bar": bars.until(tick), "tick": tick} for tick in analysis.phrases],
        "non_chord_tones": _non_chord_tones(score, analysis),
        "voice_leading": _voice_leading(score, analysis, bars),
        "tracks": [_track(track) for track in score.tracks],
    }


def check_grouping(score: Score, grouping: tuple[int, ...]) -> None:
    """See that some bars of a score have as many beats as a grouping.

    Raises:
        MeterError: none has.
    """
    meters = dict.fromkeys(event.meter for event in score.meters)
    if not any(meter.beats == sum(grouping) for meter in meters):
        told, written = "+".join(map(str, grouping)), ", ".join(map(str, meters))
        raise MeterError(
            f"--grouping {told} groups {sum(grouping)} beats, but no bar has so many: the meter is {written}"
        )


def _place(bars: _Bars, tick: int) -> dict[str, Any]:
    return {"bar": bars.at(tick), "tick": tick}


def _span(bars: _Bars, tick: int, end: int) -> dict[str, Any]:
    first = bars.at(tick)
    return {"bar": first, "last_bar": max(first, bars.until(end)), "tick": tick, "end": end}


def _meter(meter: Meter, grouping: tuple[int, ...] | None) -> dict[str, Any]:
    told = grouping if grouping is not None and sum(grouping) == meter.beats else None
    strong = [1 + int(place * meter.denominator / 4) for place in meter.strong_quarters(told)]
    return {"meter": str(meter), "grouping": list(meter.grouping(told)), "strong": strong}


def _key_heard(analysis: Analysis) -> dict[str, Any] | None:
    if not analysis.confidence:  # nothing sounds
        return None
    return {"key": str(analysis.key), "confidence": round(analysis.confidence, 3)}


def _chord(region: ChordRegion) -> dict[str, Any]:
    return {
        "chord": None if region.chord is None else str(region.chord),
        "numeral": None if region.numeral is None else str(region.numeral),
        "key": str(region.key),
        "confidence": round(region.confidence, 3),
    }


def _non_chord_tones(score: Score, analysis: Analysis) -> dict[str, Any]:
    pitched = sum(len(track) for track in score.tracks if not track.is_drum)
    foreign = int(sum(column.sum() for column in analysis.non_chord_tones))
    return {"notes": foreign, "of": pitched, "share": round(foreign / pitched, 4) if pitched else None}


def _voice_leading(score: Score, analysis: Analysis, bars: _Bars) -> dict[str, Any] | None:
    """Rules of four-part writing that the tracks break, if each is a voice; the highest on average is on top."""
    sounding = [track for track in score.tracks if len(track) and not track.is_drum]
    if not 2 <= len(sounding) <= _MOST_VOICES or not all(map(_is_single, sounding)):
        return None
    voices = tuple(sorted(sounding, key=lambda track: -float(track.pitch.mean())))
    alone = score.replace(tracks=voices, chords=(), keys=score.keys or (KeyEvent(0, analysis.key),))
    found = violations(alone)
    return {
        "voices": [track.name for track in voices],
        "faults": [asdict(fault) | {"rate": round(fault.rate, 2)} for fault in faults_of(alone, found)],
        "violations": [
            {"bar": violation.bar, "tick": violation.tick, "rule": violation.rule, "text": violation.text}
            for violation in found
        ],
    }


def _is_single(track: Track) -> bool:
    """Whether a track has one note at a time."""
    return bool((track.onset[:-1].astype(np.int64) + track.duration[:-1] <= track.onset[1:]).all())


def _track(track: Track) -> dict[str, Any]:
    return {
        "name": track.name,
        "instrument": instrument_name(track.program, track.is_drum),
        "notes": len(track),
        "lowest": int(track.pitch.min()) if len(track) else None,
        "highest": int(track.pitch.max()) if len(track) else None,
    }


__all__ = ["check_grouping", "facts_of"]
