"""Rules on the pitches of single parts: range, scale, leaps, locked notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.constraint.base import Constraint, Held
from theory.constraint.domain import Domain
from theory.constraint.parts import Parts, chosen, of_parts, on_grid
from theory.errors import RequestError
from theory.pitch import pitch_name
from theory.score import Score


@dataclass(frozen=True)
class Range(Constraint):
    """A part stays between two pitches.

    Attributes:
        part: index of the track.
        lowest, highest: MIDI numbers, both allowed.
        name: of the part, for messages.

    Raises:
        RequestError: a range without pitches.
    """

    part: int
    lowest: int
    highest: int
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.lowest <= self.highest <= 127:
            raise RequestError(
                f"range {self.lowest} to {self.highest} of {self.name or self.part}: must rise, within 0 to 127"
            )

    @property
    def label(self) -> str:
        """As in "range Soprano C4 to G5"."""
        return f"range {self.name or self.part} {pitch_name(self.lowest)} to {pitch_name(self.highest)}"

    def narrow(self, domain: Domain) -> None:
        """Take the pitches outside."""
        for column in (domain.start, domain.sound):
            column[self.part, :, : self.lowest] = False
            column[self.part, :, self.highest + 1 :] = False

    def held(self, score: Score) -> Held:
        """Notes in range."""
        pitch = score.tracks[self.part].pitch
        return Held(int(((pitch >= self.lowest) & (pitch <= self.highest)).sum()), len(pitch))


@dataclass(frozen=True)
class MaxLeap(Constraint):
    """From one note of a part to its next at most so many semitones.

    Attributes:
        semitones: 0 to 127.
        parts: indices of tracks, () for all.
        names: of these parts, for messages.

    Raises:
        RequestError: out of bounds.
    """

    semitones: int
    parts: Parts = ()
    names: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.semitones <= 127:
            raise RequestError(f"a leap of {self.semitones} semitones: must be 0 to 127")

    @property
    def label(self) -> str:
        """As in "leaps up to 7"."""
        return f"leaps up to {self.semitones}{of_parts(self.names)}"

    def narrow(self, domain: Domain) -> None:
        """Bound the leaps."""
        for part in chosen(self.parts, len(domain.leap)):
            domain.leap[part] = min(int(domain.leap[part]), self.semitones)

    def held(self, score: Score) -> Held:
        """Steps from note to note within bounds."""
        leaps = [np.diff(score.tracks[part].pitch.astype(int)) for part in chosen(self.parts, len(score.tracks))]
        sizes = np.abs(np.concatenate(leaps))
        return Held(int((sizes <= self.semitones).sum()), len(sizes))


@dataclass(frozen=True)
class Locked(Constraint):
    """A part sings these notes, and no others, from one grid step to another.

    Attributes:
        part: index of the track.
        notes: (start, end, pitch) in grid steps, in order, none overlapping the one before.
        first, last: the span of grid steps that is locked; rests between the notes are locked too.
        name: of the part, for messages.

    Raises:
        RequestError: notes outside the span or on top of each other.
    """

    part: int
    notes: tuple[tuple[int, int, int], ...]
    first: int
    last: int
    name: str = ""

    def __post_init__(self) -> None:
        free_at = self.first
        for start, end, pitch in self.notes:
            if start < free_at or end <= start or end > self.last or not 0 <= pitch <= 127:
                raise RequestError(f"locked notes of {self.name or self.part} must follow each other in their span")
            free_at = end

    @property
    def label(self) -> str:
        """As in "locked Soprano, 12 notes"."""
        return f"locked {self.name or self.part}, {len(self.notes)} notes"

    def narrow(self, domain: Domain) -> None:
        """Allow the locked notes only, and demand them."""
        span = slice(self.first, self.last)
        starts = np.zeros_like(domain.start[self.part, span])
        sounds = np.zeros_like(starts)
        for start, end, pitch in self.notes:
            starts[start - self.first, pitch] = True
            sounds[start - self.first : end - self.first, pitch] = True
            domain.must_start[self.part, start] = True
            domain.must_sound[self.part, start:end] = True
            before = domain.lasts[self.part, start]
            if before and before != end - start:  # two locks on one place: no note can be both
                starts[start - self.first] = False
            domain.lasts[self.part, start] = end - start
        domain.start[self.part, span] &= starts
        domain.sound[self.part, span] &= sounds

    def held(self, score: Score) -> Held:
        """Locked notes that are there, and no others with them."""
        notes = on_grid(score.tracks[self.part], score)
        inside = (notes.start >= self.first) & (notes.start < self.last)
        found = {tuple(row) for row in np.stack(notes, axis=1)[inside].tolist()}
        wanted = set(self.notes)
        return Held(len(found & wanted), len(found | wanted))
