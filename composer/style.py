"""A style: which parts a model writes for, how they are called and heard, and what it may be asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from theory.errors import ModelError, RequestError
from theory.event import KeyEvent, TempoEvent
from theory.key import MODES, Key
from theory.meter import Meter
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


@dataclass(frozen=True, slots=True)
class Style:
    """What a model learnt to write.

    Attributes:
        name: as in `--style chorale`.
        parts: in score order; each sings one note at a time.
        key, meter, tempo, bars: what a piece is like when the request leaves it open.
        meters, modes: those it writes.
        fermatas: whether "fermata" markers end its phrases.
        grid: its notes begin and end at multiples of any of these from the bar line, in steps of the tokens' grid.
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
    grid: tuple[int, ...] = (1,)

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
            lists = {name: tuple(values[name]) for name in ("meters", "modes")}
            grid = values.get("grid", 1)  # one number in models that know one grid alone
            lists["grid"] = (grid,) if isinstance(grid, int) else tuple(grid)
            style = cls(**{**values, **lists, "parts": parts})
            style._check()
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the model's style is damaged: {error}") from None
        return style

    def _check(self) -> None:
        """Raise a ValueError or TypeError if a field is not what it should be."""
        for name, kind in (
            ("name", str),
            ("key", str),
            ("meter", str),
            ("tempo", int),
            ("bars", int),
            ("fermatas", bool),
        ):
            if type(getattr(self, name)) is not kind:
                raise TypeError(f"{name} is {getattr(self, name)!r}")
        Key.parse(self.key)
        TempoEvent.from_bpm(0, self.tempo)
        if self.meter not in [str(Meter.parse(meter)) for meter in self.meters]:
            raise ValueError(f"meter {self.meter} is not among {self.meters}")
        if not self.grid or any(type(step) is not int or step < 1 for step in self.grid):
            raise ValueError(f"grid is {self.grid!r}")
        if self.bars < 1 or not set(self.modes) <= set(MODES) or not self.parts:
            raise ValueError("bars, modes or parts make no sense")
        for part in self.parts:
            numbers = (part.program, part.lowest, part.highest)
            if type(part.name) is not str or any(type(number) is not int for number in numbers):
                raise TypeError(f"part {part.name!r} has fields of the wrong kind")
            if not (0 <= part.program <= 127 and 0 <= part.lowest <= part.highest <= 127):
                raise ValueError(f"part {part.name!r} has a program or range that does not exist")

    def dress(self, score: Score) -> Score:
        """The score with the style's part names and programs on its tracks, in order."""
        tracks = [
            track.replace(name=part.name, program=part.program)
            for track, part in zip(score.tracks, self.parts, strict=True)
        ]
        return score.replace(tracks=tuple(tracks))

    def undress(self, score: Score, key: Key | None = None, *, dynamics: bool = False) -> Score:
        """The score as the model knows music: this style's parts and programs, no controls, chords or names.

        Args:
            score: with as many tracks as the style has parts.
            key: from the start on, where the score states none.
            dynamics: whether the model knows loudness (`theory.tokens.Settings.expressive`).
        """
        tracks = tuple(
            Track(
                track.onset,
                track.duration,
                track.pitch,
                track.velocity if dynamics else np.full(len(track), DEFAULT_VELOCITY),
            )
            for track in score.tracks
        )
        keys = score.keys or (() if key is None else (KeyEvent(0, key),))
        return self.dress(score.replace(tracks=tracks, keys=keys, chords=()))

    def writes_for(self, score: Score) -> bool:
        """Whether a score has the style's parts: as many tracks, none of them drums."""
        return len(score.tracks) == len(self.parts) and not any(track.is_drum for track in score.tracks)

    def check(self, score: Score, whose: str, others: Collection[str]) -> None:
        """See that a score has notes, and the style's parts.

        Args:
            score: that is given.
            whose: it is, for the message.
            others: names of styles that would do as well, if they have the parts.

        Raises:
            RequestError: it has none, or other parts; names a style that has them.
        """
        if not score.notes:
            raise RequestError(f"{whose} has no notes")
        if self.writes_for(score):
            return
        count = len(score.tracks)
        drums = " with drums" if any(track.is_drum for track in score.tracks) else ""
        parts = ", ".join(part.name for part in self.parts)
        fit = [name for name, style in STYLES.items() if name in others and style.writes_for(score)]
        other = f"; --style {fit[0]} would do" if fit else ""
        raise RequestError(
            f"{whose} has {count} {'track' if count == 1 else 'tracks'}{drums}: style {self.name} knows {parts}{other}"
        )

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
    meters=("4/4", "3/4", "2/4", "6/8", "5/4"),
    modes=("major", "minor", "dorian", "phrygian", "mixolydian"),
    fermatas=True,
    grid=(6,),
)
_VIOLIN = 40
FOLK = Style(
    name="folk",
    parts=(Part("Melody", _VIOLIN, 55, 88),),
    key="G major",
    meter="6/8",
    tempo=100,
    bars=16,
    meters=("6/8", "2/2", "2/4", "4/4", "3/4", "9/8", "3/8"),
    modes=("major", "minor", "dorian", "mixolydian"),
    fermatas=False,
    grid=(3, 4),
)
STYLES = {style.name: style for style in (CHORALE, FOLK)}
