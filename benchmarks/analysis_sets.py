"""Pieces whose keys and chords someone wrote down: the truth that analyses are judged by.

Every loader yields cases of one set. What an analyser may see is notes, meters and tempos: keys, chords, markers and
spellings are taken out of the score, so that nobody reads the answer off it. Times are ticks of the case's score;
chord labels follow Harte's syntax (C. Harte, "Towards Automatic Extraction of Harmony Information from Music Signals",
2010, as `mir_eval.chord` reads it). What truth does not cover is not scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import data
from data import abc
from data.corpora.corpus import package_folder
from data.from_music21 import score_of
from theory.chord import Chord
from theory.key import MODES, Key
from theory.pitch import fifths_of, name_of, pitch_class_of
from theory.score import Score, Track

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"

Span = tuple[int, int, str]
KeySpan = tuple[int, int, Key]


@dataclass(frozen=True, slots=True)
class Case:
    """One piece with what is true of it.

    Attributes:
        id: name of the piece inside its set.
        score: notes, meters and tempos, nothing else: what an analyser may see.
        spelled: the same with the notes spelled, for analysers that need it.
        keys: (start, end, key) in ticks, in order; may leave gaps, empty where the set states none.
        chords: (start, end, label) in ticks, in order; may leave gaps, empty where the set states none.
    """

    id: str
    score: Score
    spelled: Score
    keys: tuple[KeySpan, ...]
    chords: tuple[Span, ...]


def bach() -> Iterator[Case]:
    """The first 20 chorales of Riemenschneider's collection; each analysis names its author and proofreader."""
    for path in sorted((package_folder() / "bach" / "choraleAnalyses").glob("*.rntxt")):
        number = re.search(r"^BWV:\s*(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        name = number.group(1) if number else ""
        music = package_folder() / "bach" / f"bwv{_OTHER_NAMES.get(name, name)}.mxl"
        if music.stem not in LEFT_OUT:
            yield _roman_case(path, music)


def monteverdi() -> Iterator[Case]:
    """Madrigals of books 3 to 5."""
    for path in sorted((package_folder() / "monteverdi").glob("*.rntxt"), key=_natural):
        if path.stem not in LEFT_OUT:
            yield _roman_case(path, path.with_suffix(".mxl"))


def _natural(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.stem)]


# Roman numerals

_OTHER_NAMES = {"248(2).12": "248.12-2", "41.6s": "41.6"}  # as an analysis calls a chorale -> as its file is called
# Places on the line of fifths from the analysis to the file, where a file is in another key.
_TRANSPOSED = {"bwv145.5": 2, "bwv184.5": 1}
# Pairs of an analysis and a file that do not count the same bars.
LEFT_OUT = {
    "bwv41.6": "the file has interludes of trumpets that the analysis leaves out",
    "bwv277": "the file writes out a repeat that the analysis counts once",
    "madrigal.4.2": "the analysis leaves out eleven bars, and counts on",
}


def _roman_case(analysis: Path, music: Path) -> Case:
    from music21 import converter

    fifths = _TRANSPOSED.get(music.stem, 0)
    stream: Any = converter.parse(music, forceSource=True)
    _mend_bars(stream)
    score, _ = score_of(stream)
    starts = _measure_starts(stream)
    rows = []
    numerals: Any = converter.parse(analysis, forceSource=True)
    for measure in numerals.parts[0].getElementsByClass("Measure"):
        if measure.number not in starts:
            continue
        for numeral in measure.getElementsByClass("RomanNumeral"):
            quarters = starts[measure.number] + measure.paddingLeft + numeral.offset
            rows.append(
                (round(quarters * score.ticks_per_quarter), _label(numeral, fifths), _key_of(numeral.key, fifths))
            )
    rows = sorted((row for row in rows if row[0] >= 0), key=lambda row: row[0])
    chords = _until_next([(tick, label) for tick, label, _ in rows], score.end)
    keys = _until_next([(tick, key) for tick, _, key in rows], score.end)
    return case_of(music.stem, score, keys, chords)


def _mend_bars(stream: Any) -> None:
    """Put bars where they belong in files that write a bar of rest twice (19 of the madrigals).

    A rest that starts after the end of the bar is taken out, and the bars that follow it move back.
    """
    for part in stream.parts:
        shift = 0.0
        measures = list(part.getElementsByClass("Measure"))
        offsets = [float(measure.offset) for measure in measures]
        for measure, step in zip(measures, [*np.diff(offsets), 0.0], strict=True):
            part.setElementOffset(measure, measure.offset - shift)
            full = float(measure.barDuration.quarterLength)
            late = [rest for rest in measure.recurse().getElementsByClass("Rest") if _offset_in(rest, measure) >= full]
            for rest in late:
                rest.activeSite.remove(rest)
            if late and step > full:
                shift += step - full


def _offset_in(element: Any, measure: Any) -> float:
    return float(element.getOffsetInHierarchy(measure))


def _measure_starts(stream: Any) -> dict[int, float]:
    """Number of a measure -> quarters at which its first beat stands, or would stand before a pickup.

    Of measures with one number (a bar that a repeat sign splits) the first holds.
    """
    measures = list(stream.parts[0].getElementsByClass("Measure"))
    starts: dict[int, float] = {}
    for measure in measures:
        starts.setdefault(measure.number, float(measure.offset))
    if len(measures) > 1:
        first, length = measures[0], float(measures[1].offset)
        starts[first.number] = min(0.0, length - float(first.barDuration.quarterLength))
    return starts


def _label(numeral: Any, fifths: int) -> str:
    """Chord label of a `music21.roman.RomanNumeral`: its notes from the root up, and its bass."""
    root = numeral.root()
    steps = tuple(sorted({(pitch.pitchClass - root.pitchClass) % 12 for pitch in numeral.pitches}))
    return _harte(
        fifths_of(root.name.replace("-", "b")) + fifths, steps, (numeral.bass().pitchClass - root.pitchClass) % 12
    )


_SHORTHANDS = {
    (0, 4, 7): "maj", (0, 3, 7): "min", (0, 3, 6): "dim", (0, 4, 8): "aug", (0, 5, 7): "sus4", (0, 2, 7): "sus2",
    (0, 4, 7, 10): "7", (0, 4, 7, 11): "maj7", (0, 3, 7, 10): "min7", (0, 3, 7, 11): "minmaj7",
    (0, 3, 6, 10): "hdim7", (0, 3, 6, 9): "dim7", (0, 4, 7, 9): "maj6", (0, 3, 7, 9): "min6", (0, 7): "5", (0,): "1",
}  # fmt: skip
_DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")


def _harte(root: int, steps: tuple[int, ...], bass: int) -> str:
    name = _SHORTHANDS.get(steps, "(" + ",".join(_DEGREES[step] for step in steps) + ")")
    return f"{name_of(root)}:{name}" + (f"/{_DEGREES[bass]}" if bass else "")


def _key_of(key: Any, fifths: int) -> Key:
    return Key(fifths_of(key.tonic.name.replace("-", "b")) + fifths, "minor" if key.mode == "minor" else "major")


# Nottingham


def nottingham() -> Iterator[Case]:
    """Folk tunes with a block chord for every symbol; the symbols and the K: field are true.

    Notes come from the set's MIDI files (melody and accompaniment, repeats played), truth from the ABC text with its
    repeats expanded. A tune is left out where the two melodies or accompaniments differ: four in ten, most because the
    MIDI file plays parts in another order or more often than music21 expands them.
    """
    folder = CORPORA / "nottingham"
    for path in sorted((folder / "ABC_cleaned").glob("*.abc")):
        for number, text in abc.tunes(path).items():
            midi = folder / "MIDI" / f"{path.stem}{number}.mid"
            if midi.exists() and (case := _nottingham_case(text, midi)):
                yield case


def nottingham_melody() -> Iterator[Case]:
    """The same tunes without their accompaniment: truth that a single line only suggests."""
    for case in nottingham():
        score, spelled = (part.replace(tracks=part.tracks[:1], end=part.end) for part in (case.score, case.spelled))
        yield replace(case, score=score, spelled=spelled)


_SHARP_BASS = re.compile(r'(?<=/)([A-Ga-g])\+(?=")')  # the database's way to write "A/c#"


@cache  # the melodies alone are of the same tunes
def _nottingham_case(text: str, midi: Path) -> Case | None:
    from music21.abcFormat import ABCFile
    from music21.abcFormat.translate import abcToStreamScore
    from music21.exceptions21 import Music21Exception

    played = data.read(midi)
    try:
        stream = abcToStreamScore(ABCFile().readstr(_SHARP_BASS.sub(r"\1#", text)))
        written, _ = score_of(stream.expandRepeats())
    except Music21Exception:
        return None  # repeat signs that do not pair
    if len(played.tracks) < 2 or not written.chords or not _same_melody(written, played):
        return None
    shift = _start(played) - _start(written)

    def tick(at: int) -> int:
        return max(0, round((at / written.ticks_per_quarter + shift) * played.ticks_per_quarter))

    keys = _until_next([(tick(event.tick), event.key) for event in written.keys], played.end)
    symbols = [(tick(event.tick), event.chord) for event in written.chords]
    chords = _until_next([(at, label_of(chord)) for at, chord in symbols], played.end)
    if not _same_chords(symbols, played.tracks[1]):
        return None
    return case_of(midi.stem, _spelled_in(played, keys), keys, chords)


def _start(score: Score) -> float:
    """Quarters at which the melody, the first track, starts."""
    return int(score.tracks[0].onset[0]) / score.ticks_per_quarter


def _same_melody(written: Score, played: Score) -> bool:
    """Whether at least 95 in 100 notes of the melodies have the same pitch at the same time, from the first one on."""
    sounds = []
    for score in (written, played):
        track = score.tracks[0]
        if not len(track):
            return False
        # to 1/12 quarter: the MIDI files round triplets
        onsets = np.round(12 * (track.onset / score.ticks_per_quarter - _start(score))).astype(int)
        sounds.append(set(zip(onsets.tolist(), track.pitch.tolist(), strict=True)))
    return len(sounds[0] & sounds[1]) >= 0.95 * max(map(len, sounds))


def _same_chords(symbols: Sequence[tuple[int, Chord | None]], track: Track) -> bool:
    """Whether at least 9 in 10 notes of the accompaniment belong to the symbol over them."""
    chord = np.searchsorted([tick for tick, _ in symbols], track.onset, side="right") - 1
    belongs = [
        number < 0 or ((found := symbols[number][1]) is not None and pitch % 12 in _sounding(found))
        for number, pitch in zip(chord.tolist(), track.pitch.tolist(), strict=True)
    ]
    return len(belongs) > 0 and sum(belongs) >= 0.9 * len(belongs)


def _sounding(chord: Chord) -> tuple[int, ...]:
    return (*chord.pitch_classes, chord.bass_pitch_class)


# As `theory.chord.QUALITIES` calls a chord -> as Harte does.
_QUALITIES = {
    "6": "maj6", "m6": "min6", "m7": "min7", "mmaj7": "minmaj7", "m7b5": "hdim7",
    "7sus4": "sus4(b7)", "maj7sus4": "sus4(7)", "7sus2": "sus2(b7)", "maj7sus2": "sus2(7)",
}  # fmt: skip


def label_of(chord: Chord | None) -> str:
    """Label of a chord, by root, quality and bass: degrees above the seventh are no part of any score."""
    if chord is None:
        return "N"
    bass = _DEGREES[(chord.bass_pitch_class - chord.root_pitch_class) % 12] if chord.is_inverted else ""
    quality = _QUALITIES.get(chord.quality, chord.quality)
    return f"{name_of(chord.root)}:{quality}" + (f"/{bass}" if bass else "")


# POP909


def pop909(step: int = 1) -> Iterator[Case]:
    """Piano arrangements of pop songs, every `step`-th one.

    Truth is what algorithms found: chords in the MIDI notes (`chord_midi.txt`), keys in the audio (`key_audio.txt`).
    """
    folders = sorted(path for path in (CORPORA / "pop909").iterdir() if path.is_dir())
    for folder in folders[::step]:
        score = data.read(folder / f"{folder.name}.mid")
        keys = [
            (start, end, _respelled(*name.split(":"))) for start, end, name in _timed(folder / "key_audio.txt", score)
        ]
        yield case_of(folder.name, _spelled_in(score, keys), keys, _timed(folder / "chord_midi.txt", score))


def _timed(path: Path, score: Score) -> list[Span]:
    """Rows of start, end (seconds) and label as ticks."""
    known = np.array([*(event.tick for event in score.tempos), score.end])
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    ticks = [np.interp([float(start), float(end)], score.seconds(known), known) for start, end, _ in rows]
    return [(round(start), round(end), row[2]) for (start, end), row in zip(ticks, rows, strict=True)]


def _respelled(tonic: str, mode: str) -> Key:
    """A key, by its enharmonic neighbour where it would need more than seven accidentals (Gb minor)."""
    fifths = fifths_of(tonic)
    name = "minor" if mode == "min" else "major"
    return Key.from_signature(0, name).transpose(pitch_class_of(fifths - MODES[name]))


# What all share


def _until_next(events: list[tuple[int, Any]], end: int) -> list[tuple[int, int, Any]]:
    ends = [tick for tick, _ in events[1:]] + [end]
    return [(tick, until, value) for (tick, value), until in zip(events, ends, strict=True)]


def _spelled_in(score: Score, keys: Sequence[KeySpan]) -> Score:
    """The score with notes spelled as in the key that is true where they start."""
    if not keys:
        return score
    starts = [start for start, _, _ in keys]

    def spell(track: Track) -> Track:
        region = np.maximum(np.searchsorted(starts, track.onset, side="right") - 1, 0)
        places = np.array([keys[index][2].spell(track.pitch) for index in range(len(keys))])
        return track if track.is_drum else track.replace(spelling=places[region, np.arange(len(track))])

    return score.replace(tracks=[spell(track) for track in score.tracks])


def case_of(name: str, score: Score, keys: Iterable[KeySpan], chords: Iterable[Span]) -> Case:
    """A case whose score holds nothing that tells keys or chords."""
    spelled = score.replace(keys=(), chords=(), markers=())
    plain = spelled.replace(tracks=[track.replace(spelling=None) for track in score.tracks])
    return Case(name, plain, spelled, _joined(keys), _joined(chords))


def _joined(spans: Iterable[tuple[int, int, Any]]) -> tuple[tuple[int, int, Any], ...]:
    """Spans without empty ones; neighbours that say the same are one."""
    result: list[tuple[int, int, Any]] = []
    for start, end, value in spans:
        if end <= start:
            continue
        if result and result[-1][1] == start and result[-1][2] == value:
            start = result.pop()[0]
        result.append((start, end, value))
    return tuple(result)
