"""What a user asks for, checked and completed before the first token."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from numbers import Real
from typing import Any, NamedTuple, SupportsIndex

from composer.sampler import Sampling
from composer.style import Style
from theory.analysis import key_of_chords
from theory.constraint import BETWEEN
from theory.errors import RequestError
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.key import Key
from theory.meter import Meter
from theory.progression import PlacedChord, has_numerals, parse_progression

ENDINGS = ("tonic", "open")
MAX_BARS = 256
_LONGEST_TITLE = 200
_LONGEST_WORD = 40
_SHORT = ("key", "meter", "chords", "scale")  # texts of short words
_MOST_PARTS = 128
_FEWEST_SHARED = 2  # notes: a run has no fewer
_TEXT, _WHOLE, _NONE = (str,), (int,), (type(None),)
_LISTS = ("ranges", "cadences", "leaps", "density", "onsets", "durations", "locks", "rules")
_KINDS: dict[str, tuple[type, ...]] = {
    "style": _TEXT, "model": _TEXT, "key": _TEXT + _NONE, "meter": _TEXT + _NONE, "title": _TEXT + _NONE,
    "tempo": _WHOLE + _NONE, "bars": _WHOLE + _NONE, "seed": _WHOLE, "top_k": _WHOLE,
    "temperature": (float, int, type(None)), "top_p": (float, int), "chords": _TEXT + _NONE, "between": _TEXT,
    "scale": _TEXT + _NONE, "polyphony": _WHOLE + _NONE, "ending": _TEXT + _NONE, "original": _WHOLE + _NONE,
    **dict.fromkeys(_LISTS, (tuple,)),
}  # fmt: skip
_WORDS = {str: "a text", int: "a whole number", float: "a number", tuple: "a text, or a row of texts"}


def _plain(value: Any) -> Any:
    """A NumPy scalar, or what else counts as a number, as Python's own; anything else as it is."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, SupportsIndex):
        return operator.index(value)
    return float(value) if isinstance(value, Real) else value


class Form(NamedTuple):
    """The frame of a piece: what stands before its first note."""

    key: Key
    meter: Meter
    tempo: int
    bars: int


@dataclass(frozen=True, slots=True)
class Request:
    """What to write; None leaves it to the style.

    Attributes:
        style: name of a style ("chorale").
        model: an architecture that comes with Cadenza for the style ("lstm"), or a model's folder.
        key: as in "D minor".
        meter: as in "3/4".
        tempo: quarters a minute, whole.
        bars: how many to write.
        seed: of every choice; the same seed gives the same piece. 0 or more, below 2**64.
        temperature: see `composer.sampler.Sampling`. None: the model's own (`composer.bundle.Bundle.temperature`).
        top_k, top_p: see `composer.sampler.Sampling`.
        title: of the piece.
        chords: chord symbols or Roman numerals by bar, as in "Dm | Gm | A7 | Dm" (`theory.progression`); repeated until
            the piece is full. Without `bars` the piece is as long as they are.
        between: with chords only: what may sound between the strong beats of given chords: "chord", "scale" or "any".
        scale: that notes keep to: "key", or as in "D dorian".
        ranges: as in "soprano=C4:G5".
        cadences: as in "8=perfect" or "4=half,8=perfect" (`theory.constraint.CADENCES`).
        leaps: most semitones from note to note: "7" for all parts, or "soprano=7".
        density: notes a bar: "2:6" for each part, or "bass=1:4".
        onsets: beats of every bar at which notes begin: "soprano=1 2 2.5 3".
        durations: note values that a part may use: "bass=4 2" (8 an eighth, 4. dotted, 8t of a triplet).
        locks: notes to keep, as in "soprano=tune.mid" or "soprano:1-4=tune.mid"; a new piece takes over the upbeat of a
            tune that it keeps whole, before its bars, and its meter, key and bars where it states none.
        polyphony: how many parts may sound at once.
        rules: of voice leading: "four-part", "no-parallels". Given chords have their thirds under "four-part", where
            more than two parts may sound.
        ending: "tonic" or "open"; None: the tonic or the last given chord, where nothing that is asked excludes it.
        original: most notes in a row, 2 or more, that what is composed may share with a piece that the model learnt
            from, in whatever transposition (`composer.originality`); a piece that shares more is drawn again.

    Texts of which there may be several are given as one text or a sequence of them.

    Raises:
        RequestError: a value that makes no sense, whatever the style.
    """

    style: str = "chorale"
    model: str = "lstm"
    key: str | None = None
    meter: str | None = None
    tempo: int | None = None
    bars: int | None = None
    seed: int = 0
    temperature: float | None = None
    top_k: int = 0
    top_p: float = 1.0
    title: str | None = None
    chords: str | None = None
    between: str = "scale"
    scale: str | None = None
    ranges: tuple[str, ...] = ()
    cadences: tuple[str, ...] = ()
    leaps: tuple[str, ...] = ()
    density: tuple[str, ...] = ()
    onsets: tuple[str, ...] = ()
    durations: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    polyphony: int | None = None
    rules: tuple[str, ...] = ()
    ending: str | None = None
    original: int | None = None

    def __post_init__(self) -> None:
        for name in _LISTS:
            given = getattr(self, name) or ()
            texts = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else given
            object.__setattr__(self, name, texts)
            if type(texts) is tuple and any(type(text) is not str for text in texts):
                raise RequestError(f"{name} {given!r}: must be a text, or a row of texts")
        for name, kinds in _KINDS.items():
            value = _plain(getattr(self, name))
            if type(value) not in kinds:
                raise RequestError(f"{name.replace('_', '-')} {value!r}: must be {_WORDS[kinds[0]]}")
            object.__setattr__(self, name, value)
        for name in _SHORT:
            if long := [word for word in (getattr(self, name) or "").split() if len(word) > _LONGEST_WORD]:
                raise RequestError(f"{name}: {long[0][:20]}... has {len(long[0])} characters, too many for a name")
        if self.bars is not None and not 1 <= self.bars <= MAX_BARS:
            raise RequestError(f"{self.bars} bars: must be 1 to {MAX_BARS}")
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise RequestError(f"tempo {self.tempo}: must be {MIN_TEMPO} to {MAX_TEMPO} quarters a minute")
        if self.title is not None and not (self.title.isprintable() and len(self.title) <= _LONGEST_TITLE):
            raise RequestError(f"a title is one line of at most {_LONGEST_TITLE} characters")
        if not 0 <= self.seed < 2**64:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**64")
        if self.polyphony is not None and not 1 <= self.polyphony <= _MOST_PARTS:
            raise RequestError(f"polyphony {self.polyphony}: must be 1 to {_MOST_PARTS} parts")
        if self.original is not None and self.original < _FEWEST_SHARED:
            raise RequestError(f"original {self.original}: must be {_FEWEST_SHARED} notes or more")
        if self.ending not in (None, *ENDINGS):
            raise RequestError(f"ending {self.ending!r}: choose one of {', '.join(ENDINGS)}")
        if self.between not in BETWEEN:
            raise RequestError(f"between {self.between!r}: choose one of {', '.join(BETWEEN)}")
        if self.between != "scale" and self.chords is None:
            raise RequestError(f"between {self.between}: it is about given chords, so give chords too")
        _ = self.sampling

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Request:
        """The request of some fields.

        Raises:
            RequestError: no such field, or as the request itself.
        """
        names = [field.name for field in fields(cls)]
        if unknown := [name for name in values if name not in names]:
            near = get_close_matches(unknown[0], names, 1, cutoff=0)[0]
            raise RequestError(f"{unknown[0]}: a request has no such field; the nearest is {near}")
        return cls(**values)

    @property
    def sampling(self) -> Sampling:
        """How tokens are drawn."""
        return Sampling(1.0 if self.temperature is None else self.temperature, self.top_k, self.top_p)

    def chord_bars(self, key: Key, meter: Meter) -> int:
        """For how many bars chords are given."""
        return self._placed(key, meter)[-1].bar + 1 if self.chords is not None else 0

    def chord_key(self, meter: Meter) -> Key | None:
        """The key that chord symbols suggest; None where there are none, or degrees of a key among them."""
        if self.chords is None or has_numerals(self.chords):
            return None
        return key_of_chords(self._placed(Key(0), meter), meter)

    def _placed(self, key: Key, meter: Meter) -> tuple[PlacedChord, ...]:
        placed = parse_progression(self.chords or "", key, meter)
        if (bars := placed[-1].bar + 1) > MAX_BARS:
            raise RequestError(f"chords for {bars} bars: must be at most {MAX_BARS}")
        return placed

    def form(self, style: Style, meter: Meter | None = None, key: Key | None = None, bars: int | None = None) -> Form:
        """The frame of the piece, with the style's habits where the request is silent.

        Args:
            style: of the model.
            meter: to write in where the request states none; None: the style's.
            key: in its place, likewise; then what the chords suggest.
            bars: in their place where there are no chords either, likewise.

        Raises:
            KeyNameError, MeterError: no key, no meter.
            RequestError: a meter or mode that the style does not write.
        """
        meter = Meter.parse(self.meter) if self.meter is not None else meter or Meter.parse(style.meter)
        key = Key.parse(self.key) if self.key is not None else key or self.chord_key(meter) or Key.parse(style.key)
        bars = self.bars or self.chord_bars(key, meter) or bars or style.bars
        form = Form(key, meter, self.tempo or style.tempo, bars)
        if str(form.meter) not in style.meters:
            raise RequestError(f"style {style.name} writes no {form.meter}: choose one of {', '.join(style.meters)}")
        if form.key.mode not in style.modes:
            raise RequestError(f"style {style.name} writes no {form.key.mode}: choose one of {', '.join(style.modes)}")
        return form
