# ruff: noqa: A005  # named after the format, as its neighbours are
"""ABC (.abc), the notation of folk tunes, standard 2.1 (Walshaw, 2011), through music21.

A tune book holds many tunes, each under its number (the X: field). `read` takes the first.
"""

from __future__ import annotations

import re
from pathlib import Path

from data.from_music21 import LeftOut, score_of
from data.notation import beyond_meters, parsing, read_text
from theory.errors import FileFormatError, UnknownNameError
from theory.score import Score

_TUNE = re.compile(r"^X:[ \t]*(\S*)", re.MULTILINE)
_KEY = re.compile(r"^K:", re.MULTILINE)  # the one field that the standard asks of every tune
_LENGTH_OR_METER = re.compile(r"^[LM]:", re.MULTILINE)
_METER = re.compile(r"^[ \t]*M:[^\n%]*|\[M:[^\]\n]*\]", re.MULTILINE)
_SUM = re.compile(r"\(?(\d{1,2}(?:\s*\+\s*\d{1,2})+)\)?\s*(?=/\s*\d+[\s\]]*$)")
_ANNOTATION = re.compile(r'"[\^_<>@][^"\n]*"')  # text around the staff; music21 would drop the note under it
_SHARP_BASS = re.compile(r'(?<=/)([A-Ga-g])\+(?=")')  # the Nottingham database's way to write "A/c#"
_OF_ALL_TUNES = re.compile(r"^[A-Z]:.*$", re.MULTILINE)


def read(path: str | Path) -> Score:
    """Read an ABC file; of a tune book the first tune.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no ABC.
    """
    return read_with_report(path)[0]


def read_with_report(path: str | Path, tune: str | None = None) -> tuple[Score, LeftOut]:
    """Read one tune of an ABC file, and count what a Score cannot hold and what else the file holds.

    Args:
        path: of the file.
        tune: its number as in `tunes`; the first where None.

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no ABC.
        UnknownNameError: no such tune.
    """
    texts = tunes(path)
    number = next(iter(texts)) if tune is None else tune
    if number not in texts:
        raise UnknownNameError(f"{path} has no tune {number!r}: its tunes are {', '.join(texts)}")
    plain, annotations = _ANNOTATION.subn("", texts[number])
    plain, meters = _without_absurd_meters(plain)
    if not _LENGTH_OR_METER.search(plain):
        plain = _KEY.sub(lambda key: f"L:1/8\n{key.group()}", plain, count=1)  # the standard's default
    with parsing(path, "ABC"):
        from music21.abcFormat import ABCFile
        from music21.abcFormat.translate import abcToStreamScore

        tokens = ABCFile().readstr(_SHARP_BASS.sub(r"\1#", plain))
        score, left_out = score_of(abcToStreamScore(tokens))
    more = {"annotation": annotations, "meter": meters, "tune": 0 if tune else len(texts) - 1}
    return score, dict(sorted({**left_out, **{word: count for word, count in more.items() if count}}.items()))


def _without_absurd_meters(text: str) -> tuple[str, int]:
    """A tune without meters that no `Meter` has, and how many those were; sums are worked out.

    music21 would read 3+2/8 as 32/8.
    """
    count = 0

    def replaced(field: re.Match[str]) -> str:
        nonlocal count
        plain = _SUM.sub(lambda beats: str(sum(map(int, beats.group(1).split("+")))), field.group())
        if beyond_meters(field.group()) or "+" in plain:
            count += 1
            return ""
        return plain

    return _METER.sub(replaced, text), count


def tunes(path: str | Path) -> dict[str, str]:
    """The tunes of a file in its order: number as written -> ABC text, the file's own header repeated in each.

    Where a number comes again, ".2", ".3" follow it. A file without any X: field is one tune, number "1".

    Raises:
        InputFileError: missing or not readable.
        FileFormatError: no ABC.
    """
    text = read_text(path)
    if not _KEY.search(text):
        raise FileFormatError(f"{path} is no ABC: it has no K: field")
    starts = list(_TUNE.finditer(text))
    if not starts:
        return {"1": text}
    header = "\n".join(_OF_ALL_TUNES.findall(text[: starts[0].start()]))
    result: dict[str, str] = {}
    counts: dict[str, int] = {}
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        body = text[start.start() : following.start() if following else len(text)]
        if not _KEY.search(body):
            continue  # a stray number without a tune
        number = start.group(1) or "1"
        counts[number] = counts.get(number, 0) + 1
        line, _, rest = body.partition("\n")
        name = number if counts[number] == 1 else f"{number}.{counts[number]}"
        result[name] = "\n".join(part for part in (line, header, rest) if part)
    if not result:
        raise FileFormatError(f"{path} is no ABC: no tune of it has a K: field after its X: field")
    return result
