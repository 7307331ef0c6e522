"""A style: which parts a model writes for, how they are called and heard, and what it may be asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from theory.errors import ModelError
from theory.event import KeyEvent
from theory.key import Key
from theory.score import DEFAULT_VELOCITY, Score, Track


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the ensemble.

    Attributes:
        name: what a musician calls it.
        program: General MIDI program, 0 to 127.
        lowest, highest: range, MIDI numbers.
    """

    name: str
    program: int
    lowest: int
    highest: int


_PLAIN = {"name": str, "key": str, "meter": str, "tempo": int, "bars": int, "fermatas": bool}


@dataclass(frozen=True, slots=True)
class Style:
    """What a model learnt to write.

    Attributes:
        name: as in `--style chorale`.
        parts: in score order; each sings one note at a time.
        key, meter, tempo, bars: what a piece is like when the request leaves it open.
        meters, modes: those it was trained on.
        fermatas: whether "fermata" markers end its phrases.
    """

    name: str
    parts: tuple[Part, ...]
    key: str
    meter: str
    tempo: int
    bars: int
    meters: tuple[str, ...]
    modes: tuple[str, ...]
    fermatas: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Style:
        """Read what `to_dict` wrote.

        Raises:
            ModelError: it is not that.
        """
        try:
            parts = tuple(Part(**part) for part in values["parts"])
            wrong = [name for name, kind in _PLAIN.items() if type(values[name]) is not kind]
            if wrong or not parts:
                raise TypeError(f"look at {', '.join(wrong) or 'parts'}")
            lists = {name: tuple(values[name]) for name in ("meters", "modes")}
            return cls(**{**values, **lists, "parts": parts})
        except (KeyError, TypeError) as error:
            raise ModelError(f"the model's style is damaged: {error}") from None

    def dress(self, score: Score) -> Score:
        """The score with the style's part names and programs on its tracks, in order."""
        tracks = [
            track.replace(name=part.name, program=part.program)
            for track, part in zip(score.tracks, self.parts, strict=True)
        ]
        return score.replace(tracks=tuple(tracks))

    def undress(self, score: Score, key: Key | None = None) -> Score:
        """The score as the model knows music: this style's parts and programs, no dynamics, controls, chords or names.

        Args:
            score: with as many tracks as the style has parts.
            key: from the start on, where the score states none.
        """
        tracks = tuple(
            Track(track.onset, track.duration, track.pitch, np.full(len(track), DEFAULT_VELOCITY))
            for track in score.tracks
        )
        keys = score.keys or (() if key is None else (KeyEvent(0, key),))
        return self.dress(score.replace(tracks=tracks, keys=keys, chords=()))

    def writes_for(self, score: Score) -> bool:
        """Whether a score has the style's parts: as many tracks, none of them drums."""
        return len(score.tracks) == len(self.parts) and not any(track.is_drum for track in score.tracks)

    def fits(self, tracks: tuple[Track, ...], semitones: int = 0) -> bool:
        """Whether every track, moved by so many semitones, stays in its part's range."""
        return all(
            not len(track)
            or (
                int(track.pitch.min()) + semitones >= part.lowest and int(track.pitch.max()) + semitones <= part.highest
            )
            for track, part in zip(tracks, self.parts, strict=True)
        )


_CHOIR_AAHS = 52
CHORALE = Style(
    name="chorale",
    parts=(
        Part("Soprano", _CHOIR_AAHS, 57, 81),
        Part("Alto", _CHOIR_AAHS, 52, 76),
        Part("Tenor", _CHOIR_AAHS, 46, 70),
        Part("Bass", _CHOIR_AAHS, 35, 64),
    ),
    key="C major",
    meter="4/4",
    tempo=72,
    bars=16,
    meters=("4/4", "3/4"),
    modes=("major", "minor", "dorian", "phrygian", "mixolydian"),
    fermatas=True,
)
STYLES = {style.name: style for style in (CHORALE,)}
