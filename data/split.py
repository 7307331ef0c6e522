"""Train, valid, test: a piece's side is fixed for ever by a hash of its group.

The group, not the piece, because near-duplicates (the same tune in another key, the same harmonisation under another
number) must not stand on both sides; never the window, because windows of one piece overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

Side = Literal["train", "valid", "test"]

_TENTHS: tuple[Side, ...] = (*("train",) * 8, "valid", "test")


def split_of(group_id: str) -> Side:
    """The side of all pieces of a group: eight tenths of groups train, one is for validation, one for the test.

    The tenth is the SHA-256 of the id (UTF-8) modulo 10: the same on every machine and in every version.

    >>> split_of("chorales/bwv244.15")
    'train'
    """
    return _TENTHS[_hash(group_id) % len(_TENTHS)]


def with_both_sides(sides: Mapping[str, Side]) -> dict[str, Side]:
    """Sides of the groups of a training, so that it has something to learn from and something to validate on.

    They stay as they are where both sides have a group, or where there is one group only. Else, as is likely of a few
    pieces, the group of the smallest hash validates and the others train. What is kept for the test never moves.

    Args:
        sides: "train" or "valid" of each group.
    """
    if len(sides) < 2 or len(set(sides.values())) > 1:
        return dict(sides)
    chosen = min(sides, key=_hash)
    return {group: "valid" if group == chosen else "train" for group in sides}


def _hash(group_id: str) -> int:
    return int.from_bytes(sha256(group_id.encode()).digest())
