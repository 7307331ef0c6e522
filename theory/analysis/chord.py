"""Chords: what sounds in each slice of time, weighed against what chords sound like.

A hidden Markov model. Its states are the roots times the qualities of `theory.analysis.profiles`, and silence. A slice
speaks for a chord by the pitch classes that sound in it and by its lowest note; a new chord begins the more readily the
stronger the beat, and is the more likely the more often its key has it. The most probable path is Viterbi's.

After C. Raphael and J. Stoddard, "Functional Harmonic Analysis Using Probabilistic Models", Computer Music Journal
28(3), 2004, and A. Sheh and D. Ellis, "Chord Segmentation and Recognition Using EM-Trained Hidden Markov Models", ISMIR
2003; the tables are our own.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from theory.analysis import profiles
from theory.analysis.grid import BoolArray, FloatArray, Grid
from theory.chord import PLACES, QUALITIES, Chord
from theory.key import Key
from theory.pitch import pitch_class_of
from theory.score import IntArray

VOCABULARY: Final = tuple(profiles.PITCHES)
SILENCE: Final = 12 * len(VOCABULARY)  # the last state; a chord is root pitch class * len(VOCABULARY) + quality
STATES: Final = SILENCE + 1

# Tuned by hand, with the others of this package, on the tuning half.
PITCH_WEIGHT = 1.6  # notes of a slice are no independent witnesses, and half a quarter counts as one
BASS_WEIGHT = 0.8
_KEY_WEIGHT = 1.4
_MOST = 2.0  # half quarters; a longer slice says no more
_POLYPHONIC = 1.5  # voices from which on the lowest is a bass
_FOREIGN = -3.5  # log probability of any note in "silence"
_RESTING = -0.5  # of a chord in half a quarter of silence: about two bars of it end a chord

# Lowest place above a key's signature to spell a root with, by quality: in C major Db to F# for major chords
# (Neapolitan, borrowed), Bb to D# for minor ones, F to A# for diminished ones, which lead upwards.
_LOWEST_ROOT: Final = {"min": -2, "m7": -2, "dim": -1, "m7b5": -1, "dim7": -1}
_LOWEST_MAJOR: Final = -5


class ChordSpan(NamedTuple):
    """Slices `start` to `stop` that one chord holds: its state, and how clearly (0 to 1)."""

    start: int
    stop: int
    state: int
    confidence: float


def _by_root(table: dict[str, tuple[int, ...]]) -> FloatArray:
    """Log probabilities of pitch classes under all chords: float64 (12, 12 * qualities)."""
    rows = np.array([table[quality] for quality in VOCABULARY], dtype=np.float64)
    logs = np.log(rows / rows.sum(axis=1, keepdims=True))
    return np.stack([np.roll(logs, root, axis=1) for root in range(12)]).reshape(SILENCE, 12).T


def _by_key() -> FloatArray:
    """Log probability of each state as a new chord, by key (major ones, then minor ones): float64 (24, states)."""
    result = np.full((24, STATES), -np.log(STATES))
    for key in range(24):
        table = profiles.CHORDS["minor" if key >= 12 else "major"]
        rows = np.array([table[quality] for quality in VOCABULARY], dtype=np.float64)
        result[key, :-1] = np.roll(np.log(rows / rows.sum()), key % 12, axis=1).T.ravel()
    return result


PITCHES = _by_root(profiles.PITCHES)
BASSES = _by_root(profiles.BASSES)
IN_KEY: Final = _by_key()
_CHANGE = np.array(profiles.CHANGE)
ROOT: Final = np.arange(STATES) // len(VOCABULARY)  # of each state, 12 for silence


def _on_root() -> FloatArray:
    """Log probability of each state on its root, by key: float64 (24, states)."""
    of_root = np.stack([np.bincount(ROOT, np.exp(row)) for row in IN_KEY])
    result: FloatArray = IN_KEY - np.log(of_root)[:, ROOT]
    return result


def _moves() -> FloatArray:
    """Log probability of each root after each other, 12 standing for silence, by key: float64 (24, 13, 13)."""
    result = np.full((24, 13, 13), -np.log(STATES))
    for key in range(24):
        counts = np.array(profiles.MOVES["minor" if key >= 12 else "major"], dtype=np.float64)
        logs = np.log(counts / counts.sum(axis=1, keepdims=True))
        result[key, :12, :12] = np.roll(logs, (key % 12, key % 12), axis=(0, 1))
        result[key, 12] = np.log(np.bincount(ROOT, np.exp(IN_KEY[key])))
    return result


ON_ROOT: Final = _on_root()
ROOT_MOVES: Final = _moves()
_MOVES = _KEY_WEIGHT * ROOT_MOVES


def evidence(grid: Grid) -> FloatArray:
    """Log likelihood of each slice under each state: float64 (n, states)."""
    silent = grid.lowest < 0
    weight = np.where(silent, grid.quarters * 2, np.minimum(grid.quarters * 2, _MOST))[:, None]
    result = np.empty((len(grid), STATES))
    result[:, :-1] = PITCH_WEIGHT * (grid.presence @ PITCHES)
    with_bass = grid.voices > _POLYPHONIC
    result[with_bass, :-1] += BASS_WEIGHT * BASSES[grid.lowest[with_bass] % 12]
    result[silent, :-1] = _RESTING
    result[:, -1] = PITCH_WEIGHT * _FOREIGN * grid.presence.sum(axis=1)
    return result * weight


def decode(grid: Grid, likelihood: FloatArray, keys: IntArray, *, on_beats: bool) -> list[ChordSpan]:
    """The most probable chords.

    Args:
        grid: of the piece.
        likelihood: `evidence` of the grid.
        keys: int64 (n,), key of each slice, 0 to 11 major, 12 to 23 minor.
        on_beats: whether chords change on beats only.
    """
    if not len(grid):
        return []
    silent = grid.lowest < 0
    may_change = (grid.attacked | silent) & (grid.on_beat | (not on_beats))
    path = _viterbi(likelihood, _CHANGE[grid.strength] * may_change, keys, silent)
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    states = path[starts]
    clear = posterior(np.add.reduceat(likelihood, starts) + _KEY_WEIGHT * IN_KEY[keys[starts]])
    confidence = clear[np.arange(len(starts)), states].tolist()
    stops = [*starts[1:].tolist(), len(grid)]
    return [ChordSpan(*row) for row in zip(starts.tolist(), stops, states.tolist(), confidence, strict=True)]


def posterior(likelihood: FloatArray) -> FloatArray:
    """Probabilities from log likelihoods, the last axis adding up to one."""
    odds = np.exp(likelihood - likelihood.max(axis=-1, keepdims=True))
    result: FloatArray = odds / odds.sum(axis=-1, keepdims=True)
    return result


def _viterbi(likelihood: FloatArray, change: FloatArray, keys: IntArray, silent: BoolArray) -> IntArray:
    """Best path through the states: int64 (n,).

    A new chord looks no further back than to the root before it, so a step compares the best chords on each root. What
    each came from is worked out on the way back.

    Args:
        likelihood: float64 (n, states).
        change: float64 (n,), probability that a new chord begins.
        keys: int64 (n,).
        silent: bool (n,), where no chord begins.
    """
    stay = likelihood + np.log1p(-change)[:, None]
    with np.errstate(divide="ignore"):
        begin = likelihood + np.log(change)[:, None] + _KEY_WEIGHT * ON_ROOT[keys]
    begin[silent, :-1] = -np.inf
    scores = np.empty_like(likelihood)
    scores[0] = likelihood[0] + _KEY_WEIGHT * IN_KEY[keys[0]]
    if silent[0]:
        scores[0, :-1] = -np.inf
    may_change, by_key = (change > 0).tolist(), keys.tolist()
    best, among, new = np.empty((13, 1)), np.empty((13, 13)), np.empty(STATES)
    for step, (before, now) in enumerate(pairwise(scores), start=1):
        np.add(before, stay[step], now)
        if may_change[step]:
            np.maximum.reduce(before[:-1].reshape(12, -1), axis=1, out=best[:-1, 0])
            best[-1] = before[-1]
            onto = np.maximum.reduce(np.add(best, _MOVES[by_key[step]], among), 0)
            np.maximum(now, np.add(onto.take(ROOT), begin[step], new), out=now)
    path = np.empty(len(scores), dtype=np.int64)
    path[-1] = scores[-1].argmax()
    for step in range(len(scores) - 1, 0, -1):
        state, before = path[step], scores[step - 1]
        if before[state] + stay[step, state] < scores[step, state]:
            state = (before + _MOVES[by_key[step]][ROOT, ROOT[state]]).argmax()
        path[step - 1] = state
    return path


def by_inversion(grid: Grid, spans: list[ChordSpan]) -> list[ChordSpan]:
    """The same spans, cut at beats where the bass moves to another tone of the chord, its fifth apart.

    A bass that alternates between root and fifth accompanies; it does not invert the chord.
    """
    if not spans:
        return []
    starts = np.array([span.start for span in spans])
    states = np.repeat([span.state for span in spans], [span.stop - span.start for span in spans])
    bass = np.where(grid.lowest < 0, 0, grid.lowest % 12)
    marks = grid.on_beat & grid.attacked & (grid.lowest >= 0) & _INVERTING[states, bass]
    marks[starts] = True
    at = np.flatnonzero(marks)
    cuts = np.union1d(at[np.flatnonzero(np.diff(bass[at], prepend=-1))], starts)
    of = np.searchsorted(starts, cuts, side="right") - 1
    stops = [*cuts[1:].tolist(), len(grid)]
    return [
        spans[index]._replace(start=start, stop=stop)
        for index, start, stop in zip(of.tolist(), cuts.tolist(), stops, strict=True)
    ]


@lru_cache(maxsize=65536)
def chord_of(state: int, key: Key, lowest: int) -> Chord | None:
    """The chord of a state as its key spells it (None: silence), over the lowest pitch class if that is a tone."""
    if state == SILENCE:
        return None
    root_class, index = divmod(state, len(VOCABULARY))
    quality = VOCABULARY[index]
    edge = key.signature + _LOWEST_ROOT.get(quality, _LOWEST_MAJOR)
    root = edge + (7 * root_class - edge) % 12
    tones = {pitch_class_of(root + interval): root + interval for interval in QUALITIES[quality]}
    bass = tones.get(lowest, root)
    return Chord(root, quality, (), bass if bass in PLACES else bass - 12)


def _tones(members: slice) -> BoolArray:
    """Pitch classes of the members of each state's chord, all of them in silence: bool (states, 12)."""
    result = np.ones((STATES, 12), dtype=bool)
    for state in range(SILENCE):
        root, index = divmod(state, len(VOCABULARY))
        result[state] = False
        places = QUALITIES[VOCABULARY[index]]
        result[state, [(root + pitch_class_of(place)) % 12 for place in places[members]]] = True
    return result


TONES: Final = _tones(slice(None))
_INVERTING = TONES & ~_tones(slice(2, 3))
