"""Chord symbols. (Skeleton: written next.)"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root, quality, degrees, bass.

    Attributes:
        root: place of the root on the line of fifths.
        quality: a key of `QUALITIES`, the stacked-third skeleton.
        degrees: alterations and additions in canonical order, each a key of `DEGREES`.
        bass: place of the bass on the line of fifths (equal to `root` in root position).
    """

    root: int
    quality: str
    degrees: tuple[str, ...]
    bass: int
