"""The rules of four-part writing: each lists where a score breaks it.

The rules are those of Aldwell, Schachter and Cadwallader, "Harmony and Voice Leading", defined so that they can be
counted. A score's pitched tracks are its voices, the highest first, one note at a time. A sonority lasts from one
instant at which any voice begins or ends a note to the next; a voice moves where its pitch changes without a rest.

Bach breaks all of them now and then: `BACH_RATES` says how often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.errors import RequestError, UnknownNameError
from theory.pitch import Pitch, pitch_name
from theory.score import IntArray, Score, Track

REST = -1
# Violations for 100 changes of sonority (29,445 of them) in Bach's 365 four-part chorales of music21's corpus, each in
# the one key that it states; `python -m benchmarks.voice_leading` counts them again.
BACH_RATES = {
    "parallel_fifths": 0.15, "parallel_octaves": 0.07, "antiparallel": 0.27, "hidden_fifths": 0.35,
    "hidden_octaves": 0.17, "crossing": 1.36, "overlap": 2.66, "spacing": 0.76, "doubling": 0.55, "leading_tone": 2.92,
    "seventh": 0.27,
}  # fmt: skip

_OCTAVE, _FIFTH = 0, 7
_STEP = 2  # semitones
_WIDEST = 12  # semitones between neighbours of the upper voices
_LEADING_TONE = 11  # semitones above the tonic
# Semitones above the tonic of what sounds in V, V7, V9, vii° and vii°7 of major or minor.
DOMINANT = (7, 11, 2, 5, 8, 9)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a rule is broken.

    Attributes:
        rule: its name in `RULES`.
        bar: as musicians count, 1 for the first full bar; a pickup is bar 0.
        tick: where the fault is complete: the second of two sonorities.
        voices: indexes of the tracks, the higher voice first.
        text: one line for people.
    """

    rule: str
    bar: int
    tick: int
    voices: tuple[int, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Texture:
    """A score as sonorities.

    Attributes:
        score: the score.
        voices: (voices,) indexes of its pitched tracks, the highest voice first.
        ticks: int64 (sonorities,), where each sonority begins.
        pitches: int64 (sonorities, voices), `REST` for a voice that rests.
    """

    score: Score
    voices: IntArray
    ticks: IntArray
    pitches: IntArray

    @classmethod
    def of(cls, score: Score) -> Texture:
        """Cut a score at every beginning and end of a note.

        Raises:
            RequestError: a track with two notes at a time.
        """
        voices = [index for index, track in enumerate(score.tracks) if not track.is_drum]
        tracks = [score.tracks[index] for index in voices]
        for track in tracks:
            _check_single(track, score)
        cuts = [column for track in tracks for column in (track.onset, track.onset + track.duration)]
        ticks = np.unique(np.concatenate(cuts)).astype(np.int64) if cuts else np.empty(0, dtype=np.int64)
        pitches = np.full((len(ticks), len(voices)), REST, dtype=np.int64)
        for column, track in enumerate(tracks):
            pitches[:, column] = _sounding(track, ticks)
        return cls(score, np.array(voices, dtype=np.int64), ticks, pitches)

    @property
    def moments(self) -> int:
        """How often the sonority changes, the first one and what follows a silence apart: the base of rates."""
        sounding = (self.pitches != REST).any(axis=1)
        return int((sounding[1:] & sounding[:-1]).sum())

    @cached_property
    def moves(self) -> IntArray:
        """Semitones by which each voice moves into each sonority but the first, 0 after or before a rest."""
        before, after = self.pitches[:-1], self.pitches[1:]
        return np.where((before != REST) & (after != REST), after - before, 0)

    @cached_property
    def tonics(self) -> IntArray:
        """Pitch class of the key's tonic in each sonority.

        Raises:
            RequestError: the score names no key.
        """
        if not self.score.keys:
            raise RequestError("the score names no key: give it one before asking for rules about the leading tone")
        keys = self.score.keys
        return np.array([event.key.tonic_pitch_class for event in keys])[self._current([event.tick for event in keys])]

    @cached_property
    def harmonies(self) -> tuple[Mask, IntArray]:
        """Harmony of each sonority: pitch classes bool (sonorities, 12) and the chord's seventh, -1 for none.

        That of the score's chords. Without chords a sonority is its own harmony, and only a complete dominant seventh
        chord, or one without its fifth, has a seventh.
        """
        if not self.score.chords:
            return _own_harmonies(self.pitches)
        classes = np.zeros((len(self.score.chords), 12), dtype=bool)
        sevenths = np.full(len(self.score.chords), -1)
        for index, (_, chord) in enumerate(self.score.chords):
            if chord is not None:
                classes[index, list(chord.pitch_classes)] = True
                sevenths[index] = -1 if chord.seventh is None else chord.seventh
        row = self._current([event.tick for event in self.score.chords])
        is_early = self.ticks < self.score.chords[0].tick
        return classes[row] & ~is_early[:, None], np.where(is_early, -1, sevenths[row])

    def _current(self, starts: list[int]) -> IntArray:
        """Which of some events holds in each sonority (before the first: the first)."""
        return np.maximum(np.searchsorted(starts, self.ticks, side="right") - 1, 0)

    def found(self, rule: str, sonorities: IntArray, voices: IntArray, text: str) -> tuple[Violation, ...]:
        """Violations in some sonorities (n,) by some columns of `pitches` (n, voices in each)."""
        lines = self.score.bar_lines()
        bars = np.searchsorted(lines, self.ticks[sonorities], side="right") - self.score.pickup
        return tuple(
            Violation(
                rule,
                int(bar),
                int(self.ticks[row]),
                tuple(self.voices[columns].tolist()),
                f"bar {bar}: {' and '.join(self._sung(row, column) for column in columns)} {text}",
            )
            for row, columns, bar in zip(sonorities, voices, bars, strict=True)
        )

    def _sung(self, row: int, column: int) -> str:
        """A voice's name with the pitches before and in a sonority, as in "Bass (F3 to G3)"."""
        track = self.score.tracks[self.voices[column]]
        name = track.name or f"voice {column + 1}"
        numbers = [int(self.pitches[index, column]) for index in (row - 1, row) if index >= 0]
        notes = dict.fromkeys(self._spelled(number) for number in numbers if number != REST)
        return f"{name} ({' to '.join(notes)})"

    def _spelled(self, number: int) -> str:
        """Name of a pitch in the piece's first key, if it has one."""
        if not self.score.keys:
            return pitch_name(number)
        return str(Pitch(number, int(self.score.keys[0].key.spell(number))))


def parallel_fifths(texture: Texture) -> tuple[Violation, ...]:
    """Two voices a perfect fifth (twelfth, ...) apart that both move the same way to another one."""
    return _consecutive(texture, "parallel_fifths", (_FIFTH,), 1, "move in parallel fifths")


def parallel_octaves(texture: Texture) -> tuple[Violation, ...]:
    """Two voices in unison or octaves that both move the same way and stay so."""
    return _consecutive(texture, "parallel_octaves", (_OCTAVE,), 1, "move in parallel octaves")


def antiparallel(texture: Texture) -> tuple[Violation, ...]:
    """Two voices in fifths or in octaves that move in contrary motion to the same interval, octaves apart."""
    return _consecutive(texture, "antiparallel", (_FIFTH, _OCTAVE), -1, "move by contrary motion in fifths or octaves")


def hidden_fifths(texture: Texture) -> tuple[Violation, ...]:
    """Outer voices that move the same way into a fifth, the upper one by leap."""
    return _hidden(texture, "hidden_fifths", _FIFTH, "move in the same direction to a fifth")


def hidden_octaves(texture: Texture) -> tuple[Violation, ...]:
    """Outer voices that move the same way into an octave or unison, the upper one by leap."""
    return _hidden(texture, "hidden_octaves", _OCTAVE, "move in the same direction to an octave")


def crossing(texture: Texture) -> tuple[Violation, ...]:
    """A voice that goes below a lower one; once for each time that they cross."""
    upper, lower = _pairs(texture)
    crossed = _both(texture.pitches, upper, lower) & (texture.pitches[:, upper] < texture.pitches[:, lower])
    return _in_pairs(texture, "crossing", _beginning(crossed), 0, "cross")


def overlap(texture: Texture) -> tuple[Violation, ...]:
    """A voice that moves beyond the pitch that its neighbour has just left, without crossing it."""
    before, after = texture.pitches[:-1], texture.pitches[1:]
    upper, lower = _neighbours(texture)
    heard: Mask = _both(before, upper, lower) & _both(after, upper, lower)
    beyond: Mask = (after[:, upper] < before[:, lower]) | (after[:, lower] > before[:, upper])
    uncrossed: Mask = (before[:, upper] >= before[:, lower]) & (after[:, upper] >= after[:, lower])
    return _found_in(texture, "overlap", heard & beyond & uncrossed, upper, lower, 1, "overlap")


def spacing(texture: Texture) -> tuple[Violation, ...]:
    """Neighbours of the upper voices (all but the lowest) more than an octave apart; once for each time."""
    upper, lower = (index[:-1] for index in _neighbours(texture))
    pitches = texture.pitches
    wide = _both(pitches, upper, lower) & (pitches[:, upper] - pitches[:, lower] > _WIDEST)
    return _found_in(texture, "spacing", _beginning(wide), upper, lower, 0, "are more than an octave apart")


def doubling(texture: Texture) -> tuple[Violation, ...]:
    """Two voices that have the leading tone of a dominant; once for each time."""
    leading = _sounding_leading_tone(texture)
    upper, lower = _pairs(texture)
    return _in_pairs(
        texture, "doubling", _beginning(leading[:, upper] & leading[:, lower]), 0, "double the leading tone"
    )


def leading_tone(texture: Texture) -> tuple[Violation, ...]:
    """A voice that leaves the leading tone of a dominant for a chord with the tonic, but does not step up to it."""
    leading, tonics = _sounding_leading_tone(texture), texture.tonics
    harmony, _ = texture.harmonies
    goes_to_tonic = harmony[np.arange(len(tonics)), tonics] & ~_is_dominant(texture)
    wrong = leading[:-1] & goes_to_tonic[1:, None] & (texture.moves != 0) & (texture.moves != 1)
    return _alone(texture, "leading_tone", wrong, "leaves the leading tone without rising to the tonic")


def seventh(texture: Texture) -> tuple[Violation, ...]:
    """A voice that leaves the seventh of a chord as the harmony changes, but does not step down."""
    harmony, sevenths = texture.harmonies
    has_seventh: Mask = (
        (texture.pitches % 12 == sevenths[:, None]) & (sevenths >= 0)[:, None] & (texture.pitches != REST)
    )
    changes: Mask = np.any(harmony[1:] & ~harmony[:-1], axis=1)
    moves = texture.moves
    wrong = has_seventh[:-1] & changes[:, None] & (moves != 0) & ((moves > 0) | (moves < -_STEP))
    return _alone(texture, "seventh", wrong, "leaves the seventh without stepping down")


RULES: dict[str, Callable[[Texture], tuple[Violation, ...]]] = {
    rule.__name__: rule
    for rule in (
        parallel_fifths, parallel_octaves, antiparallel, hidden_fifths, hidden_octaves, crossing, overlap, spacing,
        doubling, leading_tone, seventh,
    )
}  # fmt: skip


def violations(score: Score, rules: Iterable[str] | None = None) -> tuple[Violation, ...]:
    """Where a score breaks some rules (None: all), in order of time.

    Raises:
        UnknownNameError: no such rule; the message lists them.
        RequestError: a track with two notes at a time, or no key for rules about the leading tone.
    """
    names = tuple(RULES) if rules is None else tuple(rules)
    for name in names:
        if name not in RULES:
            raise UnknownNameError(f"no rule is called {name!r}: choose among {', '.join(RULES)}")
    texture = Texture.of(score)
    found = [violation for name in names for violation in RULES[name](texture)]
    return tuple(sorted(found, key=lambda violation: violation.tick))


def rates(score: Score, rules: Iterable[str] | None = None) -> dict[str, float]:
    """Violations of each rule (None: all) for 100 changes of sonority, to hold beside `BACH_RATES`.

    Raises:
        UnknownNameError, RequestError: as `violations`.
    """
    names = tuple(RULES) if rules is None else tuple(rules)
    found = [violation.rule for violation in violations(score, names)]
    moments = max(1, Texture.of(score).moments)
    return {name: 100 * found.count(name) / moments for name in names}


def _check_single(track: Track, score: Score) -> None:
    ends = track.onset[:-1].astype(np.int64) + track.duration[:-1]
    late = np.flatnonzero(ends > track.onset[1:])
    if len(late):
        bar = int(np.searchsorted(score.bar_lines(), track.onset[late[0] + 1], side="right")) - score.pickup
        name = repr(track.name) if track.name else f"{score.tracks.index(track) + 1}"
        raise RequestError(f"track {name} has two notes at a time in bar {bar}: give each voice a track of its own")


def _sounding(track: Track, ticks: IntArray) -> IntArray:
    """Pitch of a track at some ticks, `REST` where it is silent: int64, same shape."""
    if not len(track):
        return np.full(len(ticks), REST)
    note = np.searchsorted(track.onset, ticks, side="right") - 1
    is_on = (note >= 0) & (ticks < track.onset[note].astype(np.int64) + track.duration[note])
    return np.where(is_on, track.pitch[note].astype(np.int64), REST)


def _pairs(texture: Texture) -> tuple[IntArray, IntArray]:
    """Columns of the upper and lower voice of each pair."""
    return np.triu_indices(len(texture.voices), 1)


def _neighbours(texture: Texture) -> tuple[IntArray, IntArray]:
    """Columns of the upper and lower voice of each pair of neighbours."""
    upper = np.arange(max(0, len(texture.voices) - 1))
    return upper, upper + 1


def _both(pitches: IntArray, upper: IntArray, lower: IntArray) -> Mask:
    """Whether both voices of each pair sound: bool (sonorities, pairs)."""
    both: Mask = (pitches[:, upper] != REST) & (pitches[:, lower] != REST)
    return both


def _beginning(state: Mask) -> Mask:
    """Where a state begins that did not hold in the sonority before."""
    begins = state.copy()
    begins[1:] &= ~state[:-1]
    return begins


def _found_in(
    texture: Texture, rule: str, wrong: Mask, upper: IntArray, lower: IntArray, later: int, text: str
) -> tuple[Violation, ...]:
    """Violations of pairs of voices from a mask (sonorities, pairs) whose first row is sonority `later`."""
    rows, pairs = np.nonzero(wrong)
    return texture.found(rule, rows + later, np.stack([upper[pairs], lower[pairs]], axis=1), text)


def _in_pairs(texture: Texture, rule: str, wrong: Mask, later: int, text: str) -> tuple[Violation, ...]:
    return _found_in(texture, rule, wrong, *_pairs(texture), later, text)


def _alone(texture: Texture, rule: str, wrong: Mask, text: str) -> tuple[Violation, ...]:
    """Violations of single voices from a mask (sonorities - 1, voices)."""
    rows, columns = np.nonzero(wrong)
    return texture.found(rule, rows + 1, columns[:, None], text)


def _distances(texture: Texture, upper: IntArray, lower: IntArray) -> IntArray:
    """Intervals of pairs of voices without their octaves, 0 to 11 semitones: int64 (sonorities, pairs)."""
    distances: IntArray = np.abs(texture.pitches[:, upper] - texture.pitches[:, lower]) % 12
    return distances


def _consecutive(
    texture: Texture, rule: str, intervals: tuple[int, ...], direction: int, text: str
) -> tuple[Violation, ...]:
    """Pairs that move from one of the intervals to the same, in parallel (direction 1) or contrary motion (-1)."""
    upper, lower = _pairs(texture)
    moves, distances = texture.moves, _distances(texture, upper, lower)
    same = (distances[:-1] == distances[1:]) & np.isin(distances[1:], intervals)
    wrong = same & (np.sign(moves[:, upper]) * np.sign(moves[:, lower]) == direction)
    return _in_pairs(texture, rule, wrong, 1, text)


def _hidden(texture: Texture, rule: str, interval: int, text: str) -> tuple[Violation, ...]:
    upper = np.arange(min(1, len(texture.voices) - 1))  # none where there is one voice
    lower = upper + len(texture.voices) - 1
    moves, distances = texture.moves, _distances(texture, upper, lower)
    into = (distances[1:] == interval) & (distances[:-1] != interval)
    leaps = (np.sign(moves[:, upper]) == np.sign(moves[:, lower])) & (np.abs(moves[:, upper]) > _STEP)
    return _found_in(texture, rule, into & leaps, upper, lower, 1, text)


def _own_harmonies(pitches: IntArray) -> tuple[Mask, IntArray]:
    """Pitch classes of sonorities, bool (n, 12), and the seventh of those that are dominant seventh chords, or -1."""
    classes = (pitches[:, :, None] % 12 == np.arange(12)) & (pitches != REST)[:, :, None]
    harmony: Mask = classes.any(axis=1)
    numbers = harmony @ (1 << np.arange(12))
    sevenths = np.full(4096, -1)
    for root in range(12):
        for notes in ((0, 4, 7, 10), (0, 4, 10)):
            sevenths[sum(1 << (root + note) % 12 for note in notes)] = (root + 10) % 12
    return harmony, sevenths[numbers]


def _is_dominant(texture: Texture) -> Mask:
    """Whether each sonority's harmony has the leading tone and is a dominant of the key: bool (sonorities,)."""
    harmony, _ = texture.harmonies
    around = (texture.tonics[:, None] + np.arange(12)) % 12
    degrees = np.take_along_axis(harmony, around, axis=1)  # semitones above the tonic
    foreign = [degree for degree in range(12) if degree not in DOMINANT]
    result: Mask = degrees[:, _LEADING_TONE] & ~degrees[:, foreign].any(axis=1)
    return result


def _sounding_leading_tone(texture: Texture) -> Mask:
    """Which voices have the leading tone of a dominant: bool (sonorities, voices)."""
    leading = (texture.tonics[:, None] + _LEADING_TONE) % 12
    has: Mask = (texture.pitches % 12 == leading) & (texture.pitches != REST)
    return has & _is_dominant(texture)[:, None]
