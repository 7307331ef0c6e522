"""A fixed set of steered requests: what is asked of the notes, how far it holds, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from composer.evaluation.writer import Writer
from composer.piece import Piece
from composer.style import Style
from theory.pitch import pitch_name

PIECES = 4  # of each request
_BARS = 8


@dataclass(frozen=True, slots=True)
class Steering:
    """Pieces of one steered request."""

    writer: Writer
    ask: str
    request: dict[str, Any]
    seed: int

    @property
    def size(self) -> int:
        """How many pieces."""
        return PIECES

    def key(self) -> Any:
        """See `jobs.Job`."""
        return [self.writer.key(), self.request, self.seed, PIECES]

    def run(self) -> list[Any]:
        """Of each piece: [places kept, places asked, nats a note that all rules cost]; None where none was found."""
        found = self.writer.compose(PIECES, self.seed, **self.request)
        return [_kept(one) if isinstance(one, Piece) else None for one in found]


def _kept(piece: Piece) -> list[float]:
    rules = piece.report.rules
    return [sum(rule.kept for rule in rules), sum(rule.asked for rule in rules), piece.report.price_per_note]


def asks(style: Style) -> dict[str, dict[str, Any]]:
    """The requests, by what they ask."""
    first = style.parts[0]
    middle = (first.lowest + first.highest) // 2
    narrow = f"{first.name.lower()}={pitch_name(middle - 7)}:{pitch_name(middle + 7)}"
    return {
        "chords": {"chords": "I | IV | V7 | I"},
        "cadences": {"cadences": "4=half,8=perfect"},
        "scale": {"scale": "key"},
        "range": {"ranges": narrow},
        "leaps": {"leaps": "7"},
        "density": {"density": "2:6"},
        "open ending": {"ending": "open"},
        "all together": {"chords": "I | IV | V7 | I", "cadences": "8=perfect", "ranges": narrow, "leaps": "9"},
        **({"four-part rules": {"rules": "four-part"}} if len(style.parts) == 4 else {}),
    }


def steering(writer: Writer, seed: int) -> list[Steering]:
    """The work of a writer."""
    style = writer.load()[0].style
    fields = {"key": style.key, "meter": style.meter, "bars": _BARS}
    return [Steering(writer, name, {**fields, **asked}, seed) for name, asked in asks(style).items()]


__all__ = ["PIECES", "Steering", "asks", "steering"]
