"""What a user asks for, checked and completed before the first token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from composer.sampler import Sampling
from composer.style import Style
from theory.errors import RequestError
from theory.event import MAX_TEMPO, MIN_TEMPO
from theory.key import Key
from theory.meter import Meter

MAX_BARS = 256
_LONGEST_TITLE = 200
_TEXT, _WHOLE, _NONE = (str,), (int,), (type(None),)
_KINDS: dict[str, tuple[type, ...]] = {
    "style": _TEXT, "model": _TEXT, "key": _TEXT + _NONE, "meter": _TEXT + _NONE, "title": _TEXT + _NONE,
    "tempo": _WHOLE + _NONE, "bars": _WHOLE + _NONE, "seed": _WHOLE, "top_k": _WHOLE,
    "temperature": (int, float), "top_p": (int, float),
}  # fmt: skip


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
        temperature, top_k, top_p: see `composer.sampler.Sampling`.
        title: of the piece.

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
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    title: str | None = None

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            if type(getattr(self, name)) not in kinds:
                raise RequestError(f"{name.replace('_', '-')} {getattr(self, name)!r}: a value of the wrong kind")
        if self.bars is not None and not 1 <= self.bars <= MAX_BARS:
            raise RequestError(f"{self.bars} bars: must be 1 to {MAX_BARS}")
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise RequestError(f"tempo {self.tempo}: must be {MIN_TEMPO} to {MAX_TEMPO} quarters a minute")
        if self.title is not None and not (self.title.isprintable() and len(self.title) <= _LONGEST_TITLE):
            raise RequestError(f"a title is one line of at most {_LONGEST_TITLE} characters")
        if not 0 <= self.seed < 2**64:
            raise RequestError(f"seed {self.seed}: must be 0 or more, below 2**64")
        _ = self.sampling

    @property
    def sampling(self) -> Sampling:
        """How tokens are drawn."""
        return Sampling(self.temperature, self.top_k, self.top_p)

    def form(self, style: Style) -> Form:
        """The frame of the piece, with the style's habits where the request is silent.

        Raises:
            KeyNameError, MeterError: no key, no meter.
            RequestError: a meter or mode that the style does not write.
        """
        form = Form(
            key=Key.parse(style.key if self.key is None else self.key),
            meter=Meter.parse(style.meter if self.meter is None else self.meter),
            tempo=self.tempo or style.tempo,
            bars=self.bars or style.bars,
        )
        if str(form.meter) not in style.meters:
            raise RequestError(f"style {style.name} writes no {form.meter}: choose one of {', '.join(style.meters)}")
        if form.key.mode not in style.modes:
            raise RequestError(f"style {style.name} writes no {form.key.mode}: choose one of {', '.join(style.modes)}")
        return form
