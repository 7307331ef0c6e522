"""Pieces that are one and the same, or nearly, as groups; a group stands on one side of a split.

Two pieces are held for near-duplicates where two fifths of the turns of the shorter one (`data.ingest.sketch`) are in
the other, and at least eight; where fewer can be compared nearly all, and at least four. Whom to compare is found by
sorting all hashes: pieces that share some stand beside each other there. Time grows as n log n, and memory by some
hundred bytes a piece.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.ingest.sketch import Hashes
from theory.score import IntArray

SHARE, TURNS = 0.4, 8  # of the shorter piece's turns, and how many at least
SHARE_OF_FEW, FEW = 0.85, 4  # the same where there are not so many
_NEIGHBOURS = 2  # places to look ahead among the pieces that share a hash
_MET = 2  # hashes that must be shared for a closer look


def groups_of(sketches: Sequence[Hashes], *labels: Sequence[str]) -> IntArray:
    """The group of each piece, as the index of its first member: int64 (n,).

    Args:
        sketches: of each piece, from `sketch`.
        labels: lists of a text for each piece; pieces with the same text in one list are one group, as those with one
            `content_hash` should be.
    """
    first = np.arange(len(sketches), dtype=np.int64)
    for label in labels:
        seen: dict[str, int] = {}
        for index, text in enumerate(label):
            _join(first, seen.setdefault(text, index), index)
    for a, b in _candidates(sketches).tolist():
        if _root(first, a) != _root(first, b) and _are_near(sketches[a], sketches[b]):
            _join(first, a, b)
    return np.array([_root(first, index) for index in range(len(first))], dtype=np.int64)


def _candidates(sketches: Sequence[Hashes]) -> NDArray[np.int64]:
    """Pairs of pieces that share hashes, those that share most first: int64 (m, 2)."""
    if not len(sketches):
        return np.empty((0, 2), np.int64)
    owners = np.repeat(np.arange(len(sketches), dtype=np.uint64), [len(one) for one in sketches])
    rows = np.concatenate(sketches).astype(np.uint64) << np.uint64(32) | owners
    rows.sort()
    hashes, owners = rows >> np.uint64(32), rows & np.uint64(0xFFFFFFFF)
    met = [
        owners[:-ahead][same] << np.uint64(32) | owners[ahead:][same]
        for ahead in range(1, _NEIGHBOURS + 1)
        if (same := hashes[ahead:] == hashes[:-ahead]).any()
    ]
    if not met:
        return np.empty((0, 2), np.int64)
    pairs, counts = np.unique(np.concatenate(met), return_counts=True)
    pairs, counts = pairs[counts >= _MET], counts[counts >= _MET]
    pairs = pairs[np.argsort(-counts, kind="stable")].astype(np.int64)
    return np.column_stack([pairs >> 32, pairs & 0xFFFFFFFF])


def _are_near(one: Hashes, other: Hashes) -> bool:
    """Whether the shorter piece is largely in the other, as far as both sketches reach."""
    reach = min(one[-1], other[-1])
    one, other = one[one <= reach], other[other <= reach]
    shared = len(np.intersect1d(one, other, assume_unique=True))
    share = shared / min(len(one), len(other))
    return (share >= SHARE_OF_FEW and shared >= FEW) or (share >= SHARE and shared >= TURNS)


def _root(first: IntArray, index: int) -> int:
    while first[index] != index:
        first[index] = first[first[index]]
        index = int(first[index])
    return index


def _join(first: IntArray, a: int, b: int) -> None:
    low, high = sorted((_root(first, a), _root(first, b)))
    first[high] = low


__all__ = ["groups_of"]
