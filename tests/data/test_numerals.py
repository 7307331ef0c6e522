"""Roman numerals on the page."""

from __future__ import annotations

import pytest

from data.numerals import is_numeral, key_text, numeral_text
from theory.chord import Chord
from theory.key import Key


@pytest.mark.parametrize(
    ("chord", "key", "text"),
    [
        ("C", "C", "I"),
        ("G7/B", "C", "V⁶₅"),
        ("C/E", "C", "I⁶"),
        ("C/G", "C", "I⁶₄"),
        ("F#dim7", "C", "vii°⁷/V"),
        ("Bm7b5/D", "A minor", "iiø⁶₅"),
        ("Ab", "C", "♭VI"),
        ("Db/F", "C", "N⁶"),
        ("G9", "C", "V⁹"),
        ("G7(b9)", "C", "V⁷♭9"),
        ("Gsus4", "C", "Vsus4"),
    ],
)
def test_figures_are_set_high_and_low(chord, key, text):
    assert numeral_text(Chord.parse(chord), Key.parse(key)) == text
    assert is_numeral(text)


def test_a_new_key_goes_before_it():
    assert numeral_text(Chord.parse("F#m"), Key.parse("F# minor"), names_key=True) == "f♯: i"
    assert key_text(Key.parse("Bb")) == "B♭"
    assert is_numeral("f♯: i")


@pytest.mark.parametrize("text", ["dolce", "A", "Fine", "", "f: dolce", "12", "Verse I"])
def test_other_texts_are_no_numerals(text):
    assert not is_numeral(text)
