"""Voicings: which pitches a chord's voices sing, and the ways from chord to chord that cost least.

A voicing is a row of MIDI pitches, the highest voice first; its lowest voice has the chord's bass. It sounds the third,
the seventh, altered and added degrees and the root, as far as it has voices; a perfect fifth may be missing. Styles:

- "close": the upper voices (all but the lowest) lie within an octave.
- "open": they reach beyond an octave, neighbours within one.
- "drop-2": the second highest note of a close position goes down an octave and is the lowest.
- "four-part": close or open, as in a chorale.

`lead` chooses one voicing for each chord so that the sum of costs is least (dynamic programming over all voicings, the
algorithm of Viterbi, 1967): semitones moved, and penalties for what Aldwell, Schachter and Cadwallader, "Harmony and
Voice Leading", advise against. Consecutive fifths and octaves cost so much that they are chosen only where nothing else
is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from theory import pitch
from theory.chord import Chord
from theory.errors import ChordNameError, RequestError, UnknownNameError
from theory.instrument import VOICES, Range
from theory.key import Key
from theory.roman_numeral import key_of
from theory.score import IntArray
from theory.voice_leading import DOMINANT

SATB = tuple(VOICES[name] for name in ("soprano", "alto", "tenor", "bass"))

_OCTAVE, _TWELFTH, _LEAP = 12, 19, 5  # semitones
# Costs, in semitones moved.
_CONSECUTIVE = 10_000  # fifths or octaves
_DIRECT = 4  # outer voices that move the same way into a fifth or octave, the upper one by leap
_OVERLAP = 3  # beyond a neighbour's former pitch
_UNRESOLVED = 8  # a leading tone or a seventh
_DOUBLED_TENDENCY = 20  # two leading tones or sevenths
_NO_FIFTH, _DOUBLED_THIRD, _UNISON, _WIDE_BASS = 3, 2, 2, 2
_FAR = 0.25  # for each semitone that a voice lies from the middle of its range
# Voicings of one chord that are compared with all of the next, the best by themselves; all of them where these leave
# consecutive fifths or octaves.
_KEPT = 160

Mask = NDArray[np.bool_]
Costs = NDArray[np.float32]
Moves = NDArray[np.int16]


def voicings(chord: Chord | str, ranges: Sequence[Range] = SATB, *, style: str = "four-part") -> IntArray:
    """All voicings of a chord without crossing voices, in order of pitches from the lowest voice up.

    Args:
        chord: its bass is in the lowest voice; a chord or its symbol.
        ranges: of the voices, the highest first.
        style: one of `STYLES`.

    Returns:
        int64 (voicings, voices), MIDI pitches; no rows where the ranges hold none.

    Raises:
        UnknownNameError: no such style; the message lists them.
        ChordNameError: no chord symbol.
        RequestError: no ranges.
    """
    chord = _chord_of(chord)
    if style not in STYLES:
        raise UnknownNameError(f"no style of voicing is called {style!r}: choose one of {', '.join(STYLES)}")
    if not ranges:
        raise RequestError("a voicing needs one voice at least: give their ranges, the highest first")
    upper = _tones(chord, len(ranges))
    rows = _in_range(ranges[-1], (chord.bass_pitch_class,))[:, None]
    for index, limits in enumerate(ranges[-2::-1]):
        above = _in_range(limits, upper)
        rows = np.concatenate([np.repeat(above[None], len(rows), 0).reshape(-1, 1), np.repeat(rows, len(above), 0)], 1)
        gap = rows[:, 0] - rows[:, 1]
        rows = rows[(gap >= 0) & (gap <= (2 * _OCTAVE if index == 0 else _OCTAVE))]
    for pitch_class in _needed(chord, len(ranges)):
        rows = rows[(rows % 12 == pitch_class).any(axis=1)]
    chosen: IntArray = rows[STYLES[style](rows)]
    return chosen


def lead(
    chords: str | Sequence[Chord | str],
    ranges: Sequence[Range] = SATB,
    *,
    style: str = "four-part",
    key: Key | str | None = None,
) -> IntArray:
    """Voice chords one after the other at least cost.

    Args:
        chords: in order of time: chords, their symbols, or all symbols in one text ("C G7 C").
        ranges: of the voices, the highest first.
        style: one of `STYLES`.
        key: whose leading tone is resolved and not doubled; None: that of each dominant seventh or diminished chord.

    Returns:
        int64 (chords, voices), MIDI pitches, the highest voice first.

    Raises:
        RequestError: a chord that has no voicing in these ranges; the message names it.
        ChordNameError, KeyNameError: no chord symbol, no key.
        UnknownNameError: no such style.
    """
    row = [_chord_of(chord) for chord in (chords.split() if isinstance(chords, str) else chords)]
    key = None if key is None else key_of(key)
    if not row:
        return np.empty((0, len(ranges)), dtype=np.int64)
    choices = {chord: _Choices.of(chord, ranges, style, key) for chord in dict.fromkeys(row)}
    kept = {chord: choice.best(_KEPT) for chord, choice in choices.items()}
    path, cost = _cheapest(row, kept)
    return path if cost < _CONSECUTIVE or kept == choices else _cheapest(row, choices)[0]


def _chord_of(chord: Chord | str) -> Chord:
    if isinstance(chord, str):
        return Chord.parse(chord)
    if not isinstance(chord, Chord):
        raise ChordNameError(f"{chord!r} is no chord: give chords or their symbols, as in 'Dm7'")
    return chord


def _all(rows: IntArray) -> Mask:
    return np.ones(len(rows), dtype=bool)


def _close(rows: IntArray) -> Mask:
    within: Mask = rows[:, 0] - rows[:, max(0, rows.shape[1] - 2)] <= _OCTAVE
    return within


def _open(rows: IntArray) -> Mask:
    return ~_close(rows)


def _drop_2(rows: IntArray) -> Mask:
    """Whether the lowest note, an octave higher, is the second of a close position."""
    if rows.shape[1] < 3:
        return _all(rows)
    lifted = rows[:, -1] + _OCTAVE
    distinct = (np.diff(rows, axis=1) < 0).all(axis=1)
    is_second = (lifted < rows[:, 0]) & (lifted > rows[:, 1])
    result: Mask = distinct & is_second & _close(rows)
    return result


STYLES = {"close": _close, "open": _open, "drop-2": _drop_2, "four-part": _all}


def _in_range(limits: Range, pitch_classes: Sequence[int]) -> IntArray:
    """Pitches of some pitch classes in a range, the lowest first."""
    pitches = np.arange(limits.lowest, limits.highest + 1)
    return pitches[np.isin(pitches % 12, pitch_classes)]


def _ranked(chord: Chord) -> list[int]:
    """Pitch classes from what a voicing needs most: third, altered fifth, seventh, what is added, root, fifth."""
    fifth = chord.root + 1
    ranked = sorted(chord.spelled, key=lambda place: (place == fifth, place == chord.root))
    return list(dict.fromkeys(pitch.pitch_class_of(place) for place in ranked))


def _needed(chord: Chord, voices: int) -> list[int]:
    """Pitch classes without which a voicing is not this chord: all but a perfect fifth, as many as there are voices."""
    ranked = _ranked(chord)
    fifth = pitch.pitch_class_of(chord.root + 1)
    needed = [tone for tone in ranked if tone != fifth or len(ranked) < 3]
    return needed[: voices if chord.bass_pitch_class in needed[:voices] else voices - 1]


def _tones(chord: Chord, voices: int) -> list[int]:
    """Pitch classes that the upper voices may have."""
    ranked = _ranked(chord)
    return ranked if len(ranked) <= voices else _needed(chord, voices)


@dataclass(frozen=True, eq=False)
class _Choices:
    """The voicings of a chord with what their costs depend on.

    Attributes:
        chord: the chord.
        rows: int64 (n, voices), as `voicings`.
        costs: float32 (n,), of each voicing by itself.
        leading_tone, seventh: pitch classes that want to rise and to fall; None for a chord without.
    """

    chord: Chord
    rows: IntArray
    costs: Costs
    leading_tone: int | None
    seventh: int | None

    @classmethod
    def of(cls, chord: Chord, ranges: Sequence[Range], style: str, key: Key | None) -> _Choices:
        rows = voicings(chord, ranges, style=style)
        if not len(rows):
            raise RequestError(f"{chord} has no {style} voicing for {len(ranges)} voices in these ranges: widen them")
        leading_tone, seventh = _leading_tone(chord, key), chord.seventh
        middles = np.array([(limits.lowest + limits.highest) / 2 for limits in ranges])
        costs = _FAR * np.abs(rows - middles).sum(axis=1)
        classes = rows % 12
        for tone in (leading_tone, seventh):
            if tone is not None:
                costs += _DOUBLED_TENDENCY * ((classes == tone).sum(axis=1) > 1)
        if {0, 1, 4} <= {place - chord.root for place in chord.spelled}:
            costs += _DOUBLED_THIRD * ((classes == (chord.root_pitch_class + 4) % 12).sum(axis=1) > 1)
        costs += _NO_FIFTH * (classes != pitch.pitch_class_of(chord.root + 1)).all(axis=1)
        costs += _UNISON * (np.diff(rows, axis=1) == 0).sum(axis=1)
        if len(ranges) > 1:
            costs += _WIDE_BASS * (rows[:, -2] - rows[:, -1] > _TWELFTH)
        return cls(chord, rows, costs.astype(np.float32), leading_tone, seventh)

    def best(self, count: int) -> _Choices:
        """The so many voicings that cost least by themselves."""
        if len(self.rows) <= count:
            return self
        chosen = np.sort(np.argsort(self.costs, kind="stable")[:count])
        return replace(self, rows=self.rows[chosen], costs=self.costs[chosen])


def _leading_tone(chord: Chord, key: Key | None) -> int | None:
    """Pitch class that wants to rise: a dominant's of the key, else a dominant seventh's third or a vii°'s root."""
    if key is not None:
        around = {(tone - key.tonic_pitch_class) % 12 for tone in chord.pitch_classes}
        if around <= set(DOMINANT) and 11 in around:
            return (key.tonic_pitch_class + 11) % 12
    interval = {"7": 4, "dim": 0, "dim7": 0, "m7b5": 0}.get(chord.quality)
    return None if interval is None else (chord.root_pitch_class + interval) % 12


def _cheapest(chords: Sequence[Chord], choices: dict[Chord, _Choices]) -> tuple[IntArray, float]:
    """The path through the choices that costs least, int64 (chords, voices), and its cost."""
    steps = {pair: _step_costs(*(choices[chord] for chord in pair)) for pair in dict.fromkeys(pairwise(chords))}
    total = choices[chords[0]].costs
    back = []
    for pair in pairwise(chords):
        sums = total[:, None] + steps[pair]
        back.append(sums.argmin(axis=0))
        total = sums.min(axis=0) + choices[pair[1]].costs
    index = int(total.argmin())
    path = [choices[chords[-1]].rows[index]]
    for chord, origins in zip(chords[-2::-1], reversed(back), strict=True):
        index = origins[index]
        path.append(choices[chord].rows[index])
    return np.array(path[::-1], dtype=np.int64), float(total.min())


def _step_costs(first: _Choices, second: _Choices) -> Costs:
    """Cost of going from each voicing of one chord to each of another: float32 (voicings, voicings)."""
    before, after = first.rows.T[:, :, None], second.rows.T[:, None, :]
    moves = [(b - a).astype(np.int16) for a, b in zip(before, after, strict=True)]
    costs = np.zeros(moves[0].shape, dtype=np.float32)
    for move in moves:
        size = np.abs(move)
        costs += size + np.maximum(size - _LEAP, 0)
    for upper, lower in combinations(range(len(moves)), 2):
        was, now = before[upper] - before[lower], after[upper] - after[lower]
        for interval in (0, 7):
            same = (was % 12 == interval) & (now % 12 == interval)
            costs += _CONSECUTIVE * (same & (moves[upper] != 0) & (moves[lower] != 0))
    for upper in range(len(moves) - 1):
        beyond = (after[upper] < before[upper + 1]) | (after[upper + 1] > before[upper])
        costs += _OVERLAP * beyond
    return costs + _direct(moves, second) + _unresolved(first, second, moves)


def _direct(moves: list[Moves], second: _Choices) -> Costs:
    """Cost of outer voices that move the same way into a fifth or octave, the upper one by leap."""
    perfect = np.isin((second.rows[:, 0] - second.rows[:, -1]) % 12, (0, 7))
    same_way = (np.sign(moves[0]) == np.sign(moves[-1])) & (np.abs(moves[0]) > 2)
    result: Costs = (_DIRECT * (perfect & same_way)).astype(np.float32)
    return result


def _unresolved(first: _Choices, second: _Choices, moves: list[Moves]) -> Costs:
    """Cost of leading tones that do not rise to the tonic of the next chord, and of sevenths that do not fall."""
    costs = np.zeros(moves[0].shape, dtype=np.float32)
    if first.chord == second.chord:
        return costs
    classes = first.rows.T[:, :, None] % 12
    tonic = None if first.leading_tone is None else (first.leading_tone + 1) % 12
    for has, move in zip(classes, moves, strict=True):
        if tonic in second.chord.pitch_classes:
            costs += _UNRESOLVED * ((has == first.leading_tone) & (move != 1) & (move != 0))
        if first.seventh is not None:
            costs += _UNRESOLVED * ((has == first.seventh) & ((move > 0) | (move < -2)))
    return costs
