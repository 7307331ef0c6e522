"""Voices inside a polyphonic track.

E. Chew and X. Wu, "Separating Voices in Polyphonic Music: A Contig Mapping Approach", CMMR 2004. A piece is cut into
contigs, stretches in which the number of sounding notes stays the same. Where most notes sound all voices are there, in
the order of their pitches; from these contigs on, their neighbours are joined to them on both sides so that voices do
not cross, keep the notes that they hold, and leap as little as possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.analysis.grid import FloatArray
from theory.score import IntArray, Track

_HELD = -1000.0  # cost of a held note that stays in its voice; leaps cost their semitones


@dataclass(frozen=True, slots=True)
class _Contigs:
    """Stretches with the same number of notes.

    Attributes:
        opening, closing: for each contig the notes that sound as it begins and ends, as indices, the highest first.
        start: int64 (notes,), contig in which a note begins.
        rank: int64 (notes,), its place from the top as it begins.
    """

    opening: list[IntArray]
    closing: list[IntArray]
    start: IntArray
    rank: IntArray


def separate_voices(track: Track) -> NDArray[np.int16]:
    """The voice of each note, 1 for the highest: int16 (n,).

    There are as many voices as notes ever sound at once. A drum track is one voice.
    """
    if track.is_drum or not len(track):
        return np.ones(len(track), dtype=np.int16)
    contigs = _contigs(track)
    pitch = track.pitch.astype(np.float64)
    sizes = np.array([len(notes) for notes in contigs.opening])
    full = np.flatnonzero(sizes == sizes.max()).tolist()
    voices: list[IntArray] = [np.arange(size) for size in sizes]
    for before, after in zip([None, *full], [*full, None], strict=True):
        # Between two full contigs each is joined to the nearer one.
        meet = len(sizes) if after is None else 0 if before is None else (before + after + 1) // 2
        if before is not None:
            _join(before, range(before + 1, meet), (contigs.opening, contigs.closing), pitch, voices)
        if after is not None:
            _join(after, range(after - 1, meet - 1, -1), (contigs.closing, contigs.opening), pitch, voices)
    place = (np.cumsum(sizes) - sizes)[contigs.start] + contigs.rank
    result: NDArray[np.int16] = (np.concatenate(voices)[place] + 1).astype(np.int16)
    return result


def _join(
    full: int,
    path: Iterable[int],
    sides: tuple[list[IntArray], list[IntArray]],
    pitch: FloatArray,
    voices: list[IntArray],
) -> None:
    """Give the notes of the contigs along a path away from a full one their voices, in place.

    Args:
        full: a contig in which all voices sound.
        path: contigs, one after another.
        sides: notes of each contig on the side that the path comes from, and on the one it goes to.
        pitch: float64 (notes,).
        voices: for each contig the voices of its notes, from the highest.
    """
    near, far = sides
    last = far[full].copy()  # note last heard in each voice
    for contig in path:
        cost = np.abs(pitch[near[contig]][:, None] - pitch[last])
        cost[near[contig][:, None] == last] = _HELD
        voices[contig] = _cheapest(cost)
        last[voices[contig]] = far[contig]


def _cheapest(cost: FloatArray) -> IntArray:
    """The voice of each note, in ascending order, so that the sum of costs (notes, voices) is least."""
    notes, voices = cost.shape
    if notes == voices:
        return np.arange(voices)
    total = np.full((notes + 1, voices + 1), np.inf)  # least cost of the first notes in the first voices
    total[0] = 0
    for note in range(notes):
        for voice in range(note, voices):
            total[note + 1, voice + 1] = min(total[note + 1, voice], total[note, voice] + cost[note, voice])
    chosen = np.empty(notes, dtype=np.int64)
    voice = voices
    for note in range(notes, 0, -1):
        while total[note, voice] == total[note, voice - 1]:
            voice -= 1
        voice -= 1
        chosen[note - 1] = voice
    return chosen


def _contigs(track: Track) -> _Contigs:
    onset, end = track.onset.astype(np.int64), track.onset.astype(np.int64) + track.duration
    cuts = np.unique(np.concatenate([onset, end]))
    begin, stop = np.searchsorted(cuts, onset), np.searchsorted(cuts, end)
    lengths = stop - begin
    note = np.repeat(np.arange(len(track)), lengths)
    segment = np.arange(len(note)) - np.repeat(np.cumsum(lengths) - lengths - begin, lengths)
    order = np.lexsort([-track.pitch[note].astype(np.int64), segment])
    note, segment = note[order], segment[order]
    counts = np.bincount(segment, minlength=len(cuts) - 1)
    starts = np.cumsum(counts) - counts
    opens = np.flatnonzero(np.diff(counts, prepend=-1))
    closes = np.append(opens[1:], len(counts)) - 1
    here = segment == begin[note]
    rank = np.empty(len(track), dtype=np.int64)
    rank[note[here]] = (np.arange(len(note)) - starts[segment])[here]
    return _Contigs(
        opening=[note[starts[index] : starts[index] + counts[index]] for index in opens],
        closing=[note[starts[index] : starts[index] + counts[index]] for index in closes],
        start=np.searchsorted(opens, begin, side="right") - 1,
        rank=rank,
    )
