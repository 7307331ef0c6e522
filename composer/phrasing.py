"""Phrase dynamics: velocities that breathe.

A model trained on scores without dynamics writes none, and equal velocities sound dead. Each phrase swells towards its
middle and falls to its end (Todd, "The dynamics of dynamics", J. Acoust. Soc. Am. 91, 1992: a parabola over the
phrase), strong beats stand out a little, the top voice leads and the bass carries. Integers only: the same everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.event import FERMATA
from theory.score import Score

_SOFTEST, _SWELL = 58, 26  # at a phrase's edges; added at its height
_DOWNBEAT, _BEAT = 5, 2  # accents
_LEAD = {"top": 5, "bass": 2, "inner": -4}
_BARS_A_PHRASE = 4  # where nothing marks phrases


def shape(score: Score) -> Score:
    """The score with velocities drawn from its phrases; everything else stays."""
    edges = _phrase_edges(score)
    bar_lines = score.bar_lines()
    beat = int(score.meters[0].meter.beat_quarters * score.ticks_per_quarter)
    tracks = []
    for index, track in enumerate(score.tracks):
        role = "top" if index == 0 else "bass" if index == len(score.tracks) - 1 else "inner"
        onset = track.onset.astype(np.int64)
        velocity = _SOFTEST + _arch(onset, edges) + _LEAD[role] + _accent(onset, bar_lines, beat)
        tracks.append(track.replace(velocity=np.clip(velocity, 1, 127)))
    return score.replace(tracks=tuple(tracks))


def _phrase_edges(score: Score) -> NDArray[np.int64]:
    """Ticks at which phrases begin, and the end of the piece."""
    fermatas = [marker.tick for marker in score.markers if marker.text == FERMATA]
    if not fermatas or not score.tracks:
        lines = score.bar_lines()
        return np.unique(np.append(lines[::_BARS_A_PHRASE], max(score.end, 1)))
    top = score.tracks[0]
    ends = top.onset.astype(np.int64) + top.duration
    edges = [0, max(score.end, 1)]
    for tick in fermatas:
        held = (top.onset <= tick) & (ends > tick)
        if held.any():
            edges.append(int(ends[held].max()))
    return np.unique(edges)


def _arch(onset: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Parabola over each phrase, 0 at its edges: 4 x (1 - x), exact integers."""
    phrase = np.clip(np.searchsorted(edges, onset, side="right") - 1, 0, len(edges) - 2)
    start, length = edges[phrase], np.diff(edges)[phrase]
    into = onset - start
    swell = 4 * _SWELL * into * (length - into) // (length * length)
    result: NDArray[np.int64] = swell
    return result


def _accent(onset: NDArray[np.int64], bar_lines: NDArray[np.int64], beat: int) -> NDArray[np.int64]:
    into_bar = onset - bar_lines[np.clip(np.searchsorted(bar_lines, onset, side="right") - 1, 0, None)]
    result: NDArray[np.int64] = np.where(into_bar == 0, _DOWNBEAT, np.where(into_bar % beat == 0, _BEAT, 0))
    return result
