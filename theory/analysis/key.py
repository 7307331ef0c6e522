"""Keys: of a whole piece, and of its parts.

The key of a piece is the one whose profile correlates best with how long each pitch class sounds (Krumhansl, "Cognitive
Foundations of Musical Pitch", 1990, ch. 4). At first every beat speaks for a key by all the chords it may be, each
weighed by how often the key has it. With the keys so found the chords are read, and these tell the keys better: a
dominant that goes to its tonic says more than how long notes last. So the key of the piece is heard again, with a first
chord on its tonic and the keys that the chords alone suggest, and the keys of its parts around it. Every time a hidden
Markov model over the beats stays in a key or moves, the rather to a near one or home.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from theory.analysis import chord, profiles
from theory.analysis.grid import FloatArray, Grid
from theory.key import Key
from theory.score import IntArray, Score


class _Weights(NamedTuple):
    """How strongly what is heard speaks for a key; tuned on the tuning half, as the weights of chords.

    Attributes:
        notes: of a slice; neighbours are no independent witnesses.
        chords: of a chord after the one before it.
        home, home_chord: log probability that the key of the piece has ahead of others in each quarter, and chord.
        leave: probability to leave a key at a beat.
        far: log probability lost with each fifth between two signatures.
    """

    notes: float
    chords: float
    home: float
    home_chord: float
    leave: float
    far: float


_FIRST = _Weights(notes=0.7, chords=0.0, home=0.5, home_chord=0.0, leave=0.04, far=0.3)
_ALONE = _Weights(notes=0.17, chords=2.5, home=0.0, home_chord=0.0, leave=0.003, far=0.34)
_SECOND = _ALONE._replace(home=0.44, home_chord=0.3)
# A piece of few keys that hold long, as tunes and songs have, leans towards its neighbours without modulating.
_SETTLED = _SECOND._replace(home=1.75)
_FEW, _LONG = 3, 24.0  # keys; quarters for which one holds on average

# What counts for the key of the piece, in correlation: a first chord on its tonic, and all chords.
_OPENING, _ALL_CHORDS = 0.15, 0.5
_BRIEF = 32.0  # quarters; the chords of a shorter piece say less
_CERTAINTY = 8.0  # nats by which a key wins that has one more of correlation: as often right as it says, nearly


class KeySpan(NamedTuple):
    """Slices `start` to `stop` in one key (0 to 11 major, 12 to 23 minor), and how clearly (0 to 1)."""

    start: int
    stop: int
    key: int
    confidence: float


def pitch_class_durations(score: Score) -> FloatArray:
    """Quarters for which each pitch class sounds, drums apart: float64 (12,)."""
    result = np.zeros(12)
    for track in score.tracks:
        if not track.is_drum:
            result += np.bincount(track.pitch % 12, weights=track.duration, minlength=12)
    return result / score.ticks_per_quarter


def key_correlations(score: Score) -> list[tuple[Key, float]]:
    """All 24 keys with the correlations of their profiles, -1 to 1, the best first."""
    durations = pitch_class_durations(score)
    if durations.std() == 0:
        return [(Key(0), 0.0)]
    found = zip(named(list(range(24)), Score()), _correlations(durations).tolist(), strict=True)
    return sorted(found, key=lambda pair: -pair[1])


def _correlations(durations: FloatArray) -> FloatArray:
    """Correlation of each key's profile with how long each pitch class sounds: float64 (24,)."""
    centred = durations - durations.mean()
    result: FloatArray = _PROFILES @ (centred / np.linalg.norm(centred))
    return result


def _profiles() -> FloatArray:
    """The profile of each key, of mean zero and length one: float64 (24, 12)."""
    rows = np.array([np.roll(profiles.KEYS["minor" if key >= 12 else "major"], key % 12) for key in range(24)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    result: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


_PROFILES = _profiles()


_CHORDS = np.ascontiguousarray(np.exp(chord.IN_KEY).T)


def evidence(likelihood: FloatArray) -> FloatArray:
    """Log likelihood of each slice in each key, up to a constant: float64 (n, 24).

    Args:
        likelihood: float64 (n, states), of the slices under the chords (`theory.analysis.chord.evidence`).
    """
    best = likelihood.max(axis=1, keepdims=True)
    result: FloatArray = np.log(np.exp(likelihood - best) @ _CHORDS)
    return result


def first(grid: Grid, slices: FloatArray) -> list[KeySpan]:
    """The keys that the notes suggest, which change on beats only.

    Args:
        grid: of the piece.
        slices: float64 (n, 24), `evidence` of the grid.
    """
    if not len(grid):
        return []
    return _decode(grid, _weighed(grid, slices, [], _FIRST), int(_support(grid).argmax()), _FIRST)


def second(grid: Grid, slices: FloatArray, chords: list[chord.ChordSpan]) -> tuple[int, float, list[KeySpan]]:
    """The key of the whole piece, its probability against the others, and the keys that the chords suggest.

    These change on beats only. Without a reason for any, the key is C major and the probability 0.

    Args:
        grid: of the piece.
        slices: float64 (n, 24), `evidence` of the grid.
        chords: of the piece.
    """
    if not len(grid):
        return 0, 0.0, []
    weighed = _weighed(grid, slices, chords, _ALONE)
    alone = _decode(grid, weighed, 0, _ALONE)
    home, confidence = _overall(grid, chords, alone)
    settled = len({span.key for span in alone}) <= _FEW and grid.quarters.sum() >= _LONG * len(alone)
    stays = [span.key for span in alone] == [
        home
    ]  # where nothing speaks against it, what speaks for it changes nothing
    return home, confidence, _decode(grid, weighed, home, _SETTLED if settled else _SECOND, stays=stays)


def _support(grid: Grid) -> FloatArray:
    """Correlation of each key's profile with how long each pitch class sounds, 0 where all do alike: float64 (24,)."""
    durations = grid.quarters @ grid.presence
    return np.zeros(24) if durations.std() < 1e-9 else _correlations(durations)


def _overall(grid: Grid, chords: list[chord.ChordSpan], alone: list[KeySpan]) -> tuple[int, float]:
    """The key of the whole piece, and its probability against the others."""
    support = _support(grid)
    if not support.any():
        return 0, 0.0
    opening = next((span.state for span in chords if span.state != chord.SILENCE), chord.SILENCE)
    support[_TONIC_OF[opening]] += _OPENING
    for span in alone:
        support[span.key] += (
            _ALL_CHORDS * grid.quarters[span.start : span.stop].sum() / max(grid.quarters.sum(), _BRIEF)
        )
    odds = chord.posterior(support * _CERTAINTY)
    return int(odds.argmax()), float(odds.max())


def _tonics() -> list[list[int]]:
    """The key whose tonic triad or seventh each state is, if any."""
    modes = {"maj": 0, "7": 0, "maj7": 0, "min": 12, "m7": 12}
    found: list[list[int]] = [[] for _ in range(chord.STATES)]
    for state in range(chord.SILENCE):
        root, quality = divmod(state, len(chord.VOCABULARY))
        mode = modes.get(chord.VOCABULARY[quality])
        found[state] = [] if mode is None else [root + mode]
    return found


_TONIC_OF = _tonics()


def _following(chords: list[chord.ChordSpan]) -> tuple[IntArray, FloatArray]:
    """Slices in which chords start, and the log probability of each after the one before it, by key: (m, 24)."""
    states = np.array([span.state for span in chords], dtype=np.int64)
    starts = np.array([span.start for span in chords], dtype=np.int64)
    after = np.full((len(chords), 24), 0.0)
    if len(chords):
        after[0] = chord.IN_KEY[:, states[0]]
        roots = chord.ROOT[states]
        after[1:] = (chord.ROOT_MOVES[:, roots[:-1], roots[1:]] + chord.ON_ROOT[:, states[1:]]).T
    heard = states != chord.SILENCE
    return starts[heard], after[heard]


class _Weighed(NamedTuple):
    """What speaks for each key: in each slice, float64 (n, 24), and the slices in which chords start."""

    slices: FloatArray
    starts: IntArray


def _weighed(grid: Grid, slices: FloatArray, chords: list[chord.ChordSpan], weights: _Weights) -> _Weighed:
    starts, following = _following(chords)
    result = weights.notes * slices
    result[starts] += weights.chords * following
    return _Weighed(result, starts)


def _decode(grid: Grid, weighed: _Weighed, home: int, weights: _Weights, *, stays: bool = False) -> list[KeySpan]:
    """The keys that change on beats, or how clear it is that the home key never changes, if it is known to stay."""
    heard = weighed.slices.copy()
    heard[:, home] += weights.home * grid.quarters
    heard[weighed.starts, home] += weights.home_chord
    beats = np.flatnonzero(grid.on_beat | (np.arange(len(grid)) == 0))
    by_beat = np.add.reduceat(heard, beats)
    path = np.full(len(beats), home) if stays else _viterbi(by_beat, _moves(weights))
    changes = np.flatnonzero(np.diff(path, prepend=-1))
    opens, chosen = beats[changes], path[changes]
    confidence = chord.posterior(np.add.reduceat(by_beat, changes))[np.arange(len(changes)), chosen].tolist()
    stops = [*opens[1:].tolist(), len(grid)]
    return [KeySpan(*row) for row in zip(opens.tolist(), stops, chosen.tolist(), confidence, strict=True)]


@cache
def _moves(weights: _Weights) -> FloatArray:
    """Log probability of each key after each other: float64 (24, 24)."""
    keys = np.arange(24)
    fifths = (7 * keys - 3 * (keys >= 12)) % 12
    apart = np.abs(fifths[:, None] - fifths)
    near = np.exp(-weights.far * np.minimum(apart, 12 - apart)) * (1 - np.eye(24))
    shares = near / near.sum(axis=1, keepdims=True)
    result: FloatArray = np.log(weights.leave * shares + (1 - weights.leave) * np.eye(24))
    return result


def _viterbi(likelihood: FloatArray, moves: FloatArray) -> IntArray:
    """Best path through the keys: int64 (n,).

    Args:
        likelihood: float64 (n, 24).
        moves: float64 (24, 24), log probability to go from each key to each.
    """
    scores = np.empty_like(likelihood)
    scores[0] = likelihood[0]
    among = np.empty_like(moves)
    for before, here, heard in zip(scores[:-1, :, None], scores[1:], likelihood[1:], strict=True):
        np.add(moves, before, among)
        np.maximum.reduce(among, 0, None, here)
        np.add(here, heard, here)
    origin = (np.ascontiguousarray(moves.T) + scores[:-1, None]).argmax(axis=2).tolist()
    path = [int(scores[-1].argmax())]
    for row in reversed(origin):
        path.append(row[path[-1]])
    return np.array(path[::-1], dtype=np.int64)


def named(keys: list[int], score: Score) -> list[Key]:
    """Keys by number (0 to 11 major, 12 to 23 minor), each spelled near the piece's notes or written key.

    Where notes are spelled, they decide between enharmonic neighbours; else the first key that is written; else the
    first of these keys has fewest accidentals.
    """
    plain = [Key.from_signature(0, "minor" if key >= 12 else "major") for key in keys]
    plain = [key.transpose(number % 12 - key.tonic_pitch_class) for key, number in zip(plain, keys, strict=True)]
    if not plain:
        return []
    around = _signature(score, plain[0])
    return [_near(key, around) for key in plain]


def _signature(score: Score, first: Key) -> float:
    spelled = [track.spelling for track in score.tracks if track.spelling is not None and not track.is_drum]
    if sum(map(len, spelled)):
        return float(np.concatenate(spelled).mean()) - 2  # a scale's mean lies two fifths above its signature
    return float(score.keys[0].key.signature if score.keys else first.signature)


def _near(key: Key, signature: float) -> Key:
    fits = [other for other in (key.signature - 12, key.signature, key.signature + 12) if -7 <= other <= 7]
    return Key.from_signature(min(fits, key=lambda other: abs(other - signature)), key.mode)
