"""Frame tokens: a piano roll as the notes that sound in each step, one step after the other.

The form in which the polyphonic benchmarks of N. Boulanger-Lewandowski, Y. Bengio and P. Vincent ("Modeling Temporal
Dependencies in High-Dimensional Sequences", ICML 2012) give music: steps of equal length, 88 keys, and nothing of
whether a note is struck anew or held. A frame is its keys from the lowest up, then an end token, so that a likelihood
over tokens is exactly one over frames: each frame has one spelling, and every sequence of frames has one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import TokenError
from theory.score import DEFAULT_VELOCITY, TICKS_PER_QUARTER, IntArray, Score, Track

LOWEST_KEY, KEYS = 21, 88  # the piano's, A0 to C8
END_OF_FRAME = KEYS
SIZE = KEYS + 1  # of the vocabulary: keys from the lowest up, and the end of a frame

Roll = NDArray[np.bool_]


def roll_of(score: Score, steps_per_quarter: int) -> Roll:
    """Which keys sound in each step, bool (frames, 88).

    Onsets and ends go to the nearest step (halves up), and a note keeps at least one. Drums are left out.

    Args:
        score: any.
        steps_per_quarter: 4 for 16th notes.

    Raises:
        TokenError: a note is beyond the piano's keys.
    """
    tracks = [track for track in score.tracks if not track.is_drum]
    empty = np.empty(0, dtype=np.int64)
    onset = np.concatenate([empty, *(track.onset for track in tracks)])
    key = np.concatenate([empty, *(track.pitch for track in tracks)]) - LOWEST_KEY
    if len(key) and not 0 <= key.min() <= key.max() < KEYS:
        raise TokenError("a note is beyond the 88 keys of a piano: transpose the piece, or leave the track out")
    first = _steps(onset, score, steps_per_quarter)
    end = onset + np.concatenate([empty, *(track.duration for track in tracks)])
    last = np.maximum(_steps(end, score, steps_per_quarter), first + 1)
    frames = max(int(_steps(score.end, score, steps_per_quarter)), int(last.max(initial=0)))
    change = np.zeros((frames + 1, KEYS), dtype=np.int64)  # how many notes more sound than in the step before
    np.add.at(change, (first, key), 1)
    np.add.at(change, (last, key), -1)
    roll: Roll = np.cumsum(change, axis=0)[:-1] > 0
    return roll


def score_of(roll: ArrayLike, steps_per_quarter: int) -> Score:
    """A score of one track that sounds like a roll, bool (frames, 88): keys that go on sounding are held.

    Raises:
        TokenError: no such roll, or steps that are no whole number of ticks at 480 a quarter.
    """
    keys = _checked(roll)
    step, rest = divmod(TICKS_PER_QUARTER, steps_per_quarter)
    if rest:
        raise TokenError(f"{steps_per_quarter} steps a quarter: choose a divisor of {TICKS_PER_QUARTER}")
    edges = np.zeros((len(keys) + 2, KEYS), dtype=np.int8)
    edges[1:-1] = keys
    change = np.diff(edges, axis=0).T
    key, first = np.nonzero(change == 1)
    _, last = np.nonzero(change == -1)
    track = Track(
        onset=(first * step).astype(np.int32),
        duration=((last - first) * step).astype(np.int32),
        pitch=(key + LOWEST_KEY).astype(np.uint8),
        velocity=np.full(len(key), DEFAULT_VELOCITY, dtype=np.uint8),
    )
    return Score((track,), end=len(keys) * step)


def encode(roll: ArrayLike) -> NDArray[np.int32]:
    """Tokens of a roll, bool (frames, 88): int32 (n,).

    Raises:
        TokenError: no such roll.
    """
    keys = _checked(roll)
    with_ends = np.column_stack([keys, np.ones(len(keys), dtype=np.bool_)])
    return np.nonzero(with_ends)[1].astype(np.int32)


def decode(ids: ArrayLike) -> Roll:
    """The roll, bool (frames, 88), that tokens spell.

    Raises:
        TokenError: ids outside 0 to 88, keys that do not rise in a frame, or a last frame without its end.
    """
    tokens = np.asarray(ids)
    if tokens.ndim != 1 or (len(tokens) and tokens.dtype.kind not in "iu"):
        raise TokenError("frame tokens must be one row of integers")
    tokens = tokens.astype(np.int64)
    outside = np.flatnonzero((tokens < 0) | (tokens >= SIZE))
    if len(outside):
        raise TokenError(f"token {outside[0]}: id {tokens[outside[0]]} is not in the vocabulary of {SIZE}")
    is_end = tokens == END_OF_FRAME
    falls = np.flatnonzero((tokens[1:] <= tokens[:-1]) & ~is_end[:-1])
    if len(falls):
        raise TokenError(f"token {falls[0] + 1}: key {tokens[falls[0] + 1]} is not above the one before it")
    if len(tokens) and not is_end[-1]:
        raise TokenError(f"token {len(tokens) - 1}: the last frame has no end")
    frame = np.cumsum(is_end) - is_end
    roll = np.zeros((int(is_end.sum()), KEYS), dtype=np.bool_)
    roll[frame[~is_end], tokens[~is_end]] = True
    return roll


def _steps(ticks: ArrayLike, score: Score, steps_per_quarter: int) -> IntArray:
    doubled = 2 * np.asarray(ticks, dtype=np.int64) * steps_per_quarter + score.ticks_per_quarter
    result: IntArray = doubled // (2 * score.ticks_per_quarter)
    return result


def _checked(roll: ArrayLike) -> Roll:
    keys = np.asarray(roll)
    if keys.ndim != 2 or keys.shape[1] != KEYS or not np.isin(keys, (0, 1)).all():
        raise TokenError(f"a roll has {KEYS} columns of zeros and ones, one a key: this has the shape {keys.shape}")
    return keys.astype(np.bool_)
