"""Train, valid, test: a piece's side is fixed for ever by a hash of its group.

The group, not the piece, because near-duplicates (the same tune in another key, the same harmonisation under another
number) must not stand on both sides; never the window, because windows of one piece overlap.
"""

from __future__ import annotations

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
    return _TENTHS[int.from_bytes(sha256(group_id.encode()).digest()) % len(_TENTHS)]
