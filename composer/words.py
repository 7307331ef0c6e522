"""Words of a request as values, and messages that quote them as they were typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from composer.style import Style
from theory.errors import RequestError, UnknownNameError

_LONGEST = 120  # characters that a message quotes
_EXAMPLES = {"range": "soprano=C4:G5", "density": "2:6"}


def quoted(text: str) -> str:
    """A text as a message quotes it: in quotation marks, the middle of a long one left out."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]}...{text[-7:]}")


@contextmanager
def about(option: str, text: str) -> Iterator[None]:
    """Let what is refused inside name the option and what was typed.

    Raises:
        RequestError: of the same kind, with both before its message.
    """
    try:
        yield
    except RequestError as error:
        said, where = str(error), f"{option} {quoted(text)}"
        raise type(error)(said if said.startswith(f"{option} ") else f"{where}: {said}") from None


def listed(option: str, texts: Iterable[str]) -> list[str]:
    """The items of some comma-separated lists, each once.

    Raises:
        RequestError: an empty one.
    """
    items = [item.strip() for text in texts for item in text.split(",")]
    if not all(items):
        raise RequestError(
            f"{option} {quoted(','.join(texts))}: something is missing, write values with commas between"
        )
    return list(dict.fromkeys(items))


def pairs(option: str, text: str) -> Iterator[tuple[str | None, str]]:
    """ "soprano=7,bass=12" as pairs; a value alone, for all parts, has the name None.

    Raises:
        RequestError: a part or a value is missing.
    """
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not (value if equals else name).strip() or (equals and not name.strip()):
            raise RequestError(f"{option} {quoted(text)}: something is missing, write PART=VALUE")
        yield (name.strip(), value.strip()) if equals else (None, name.strip())


def part_of(name: str, style: Style) -> int:
    """Index of the part of a name.

    Raises:
        UnknownNameError: the style has none such.
    """
    for index, part in enumerate(style.parts):
        if part.name.lower() == name.strip().lower():
            return index
    parts = ", ".join(part.name.lower() for part in style.parts)
    raise UnknownNameError(f"style {style.name} has no part {quoted(name)}: choose one of {parts}")


def two(option: str, text: str) -> tuple[str, str]:
    """Both sides of a colon."""
    first, colon, second = (side.strip() for side in text.partition(":"))
    if not colon or not first or not second:
        raise RequestError(f"{option} {quoted(text)}: write two values, as in {_EXAMPLES[option]}")
    return first, second


def whole(option: str, text: str) -> int:
    """A whole number, below zero too: what it may be is for the rule to say."""
    if not re.fullmatch(r"-?\d{1,9}", text.strip(), re.ASCII):
        raise RequestError(f"{option} {quoted(text)}: must be a whole number")
    return int(text)


def is_number(text: str) -> bool:
    """Whether a text is a whole number of a size that a bar may have."""
    return re.fullmatch(r"\d{1,5}", text, re.ASCII) is not None


def fraction(option: str, text: str) -> Fraction:
    """A number: "1", "2.5" or "4/3"."""
    try:
        if len(text) > 8 or not set(text) <= set("0123456789./-"):
            raise ValueError(text)
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise RequestError(f"{option} {quoted(text)}: must be a number, as in 1, 2.5 or 4/3") from None


def numbers(option: str, text: str) -> list[float]:
    """Numbers with commas between, as in "2,1.5,1".

    Raises:
        RequestError: something is none.
    """
    try:
        return [float(item) for item in text.split(",")]
    except ValueError:
        raise RequestError(f"{option} {quoted(text)}: write numbers with commas between, as in 2,1,1") from None


def note_value(text: str) -> Fraction:
    """Quarters of a note value: 1 whole, 2 half, 4 quarter, "4." dotted, "8t" of a triplet."""
    number, dotted, triplet = text.rstrip(".t"), text.count("."), text.count("t")
    if number not in ("1", "2", "4", "8", "16", "32") or dotted > 1 or triplet > 1:
        raise RequestError(
            f"durations {quoted(text)}: write note values, as in 4 for a quarter, 8 for an eighth, 4. or 8t"
        )
    return Fraction(4, int(number)) * (Fraction(3, 2) if dotted else 1) * (Fraction(2, 3) if triplet else 1)
