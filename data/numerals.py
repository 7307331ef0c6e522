"""Roman numerals on the page: below the lowest staff, in a row.

MuseScore drops MusicXML's own words for them (`<function>`, and `<numeral>` of 4.0) or prints them above the staff.
Lyrics it prints in a row below the staff and makes room for, as it does for no other text, but they need a note. So a
numeral is a lyric of the note that starts with it, and a text below the staff where none does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from data.written_time import WrittenTime
from theory.chord import Chord
from theory.errors import ChordNameError
from theory.key import Key
from theory.pitch import name_of
from theory.roman_numeral import RomanNumeral

# Figures as they are set: RomanText writes V65, a book V with a 6 over a 5.
_SET = {
    "64": "⁶₄", "65": "⁶₅", "43": "⁴₃", "42": "⁴₂", "13": "¹³", "11": "¹¹", "9": "⁹", "7": "⁷", "6": "⁶",
}  # fmt: skip
_FIGURE = re.compile(rf"(?<![\d#b])(?:{'|'.join(_SET)})(?!\d)")
_SIGNS = str.maketrans("#b", "♯♭")
_KEY = re.compile(r"[A-Ga-g][♯♭#b]?: ")
_BELOW = -74  # tenths of the space between staff lines, from the top line: under notes on few ledger lines


def numeral_text(chord: Chord, key: Key, *, names_key: bool = False) -> str:
    """A chord's numeral as it is set: "V⁶₅", "♭VI", "vii°⁷/V".

    Args:
        chord: any.
        key: in which it stands.
        names_key: begin with the key, a small letter for minor: "f♯: i".
    """
    numeral = _FIGURE.sub(lambda match: _SET[match[0]], str(RomanNumeral.of(chord, key)))
    text = re.sub(r"[#b]", lambda match: match[0].translate(_SIGNS), numeral)
    return f"{key_text(key)}: {text}" if names_key else text


def key_text(key: Key) -> str:
    """A key as it stands before a numeral: "A", and "f♯" for minor."""
    name = name_of(key.tonic)
    return (name[0].lower() if key.is_minor else name[0]) + name[1:].translate(_SIGNS)


def is_numeral(text: str) -> bool:
    """Whether a text is a Roman numeral, with its key or without."""
    try:
        RomanNumeral.parse(_KEY.sub("", text, count=1))
    except ChordNameError:
        return False
    return True


def add_numerals(staff: Any, numerals: Sequence[tuple[int, str]], time: WrittenTime) -> None:
    """Write numerals, (tick, text) each, below a music21 staff whose measures are complete."""
    from music21 import expressions, note

    measures = list(staff.getElementsByClass("Measure"))
    starting: dict[int, dict[Fraction, Any]] = {}
    for tick, text in numerals:
        at = time.at(tick)
        index = time.index(at)
        inside = at - time.bars[index].start
        notes = starting.setdefault(index, _starting(measures[index]))
        if inside in notes:
            notes[inside].lyrics.append(note.Lyric(text, number=1, applyRaw=True))
            continue
        words: Any = expressions.TextExpression(text)
        words.placement = "below"
        words.style.absoluteY = _BELOW
        measures[index].insert(inside, words)


def _starting(measure: Any) -> dict[Fraction, Any]:
    """The notes and chords of a measure by where they start, of several the one of the first voice."""
    found: dict[Fraction, Any] = {}
    for voice in list(measure.voices) or [measure]:
        for element in voice.notes:
            if "Harmony" not in element.classes:
                found.setdefault(Fraction(element.offset), element)
    return found
