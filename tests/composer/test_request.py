"""Requests: what makes no sense is refused before anything is read or written."""

from __future__ import annotations

import math

import numpy as np
import pytest

from composer.request import MAX_BARS, Request
from composer.style import CHORALE, FOLK
from theory.errors import KeyNameError, MeterError, RequestError
from theory.key import Key
from theory.meter import Meter


@pytest.mark.parametrize(
    "field",
    [
        {"bars": 0}, {"bars": -1}, {"bars": MAX_BARS + 1}, {"bars": 10**30},
        {"tempo": 0}, {"tempo": -5}, {"tempo": 3}, {"tempo": 1001},
        {"seed": -1}, {"seed": 2**64},
        {"temperature": -1}, {"temperature": math.nan}, {"temperature": math.inf}, {"temperature": -math.inf},
        {"top_p": 0}, {"top_p": -0.1}, {"top_p": 1.1}, {"top_p": math.nan},
        {"top_k": -1},
    ],
)  # fmt: skip
def test_values_out_of_bounds(field):
    with pytest.raises(RequestError, match="must be") as caught:
        Request(**field)
    assert type(caught.value) is RequestError
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "field",
    [
        {"bars": 1}, {"bars": MAX_BARS}, {"tempo": 4}, {"tempo": 1000}, {"seed": 0}, {"seed": 2**64 - 1},
        {"temperature": 0}, {"temperature": 10}, {"top_p": 1e-9}, {"top_p": 1}, {"top_k": 10**9},
    ],
)  # fmt: skip
def test_the_bounds_themselves_are_fine(field):
    Request(**field)


@pytest.mark.parametrize(
    ("field", "error", "says"),
    [
        ({"key": "H# minor"}, KeyNameError, "H# minor"),
        ({"key": ""}, KeyNameError, "no key"),
        ({"key": "C lydian"}, RequestError, "writes no lydian: choose one of major, minor"),
        ({"meter": "4/0"}, MeterError, "4/0"),
        ({"meter": ""}, MeterError, "no meter"),
        ({"meter": "waltz"}, MeterError, "no meter"),
        ({"meter": "7/8"}, RequestError, "writes no 7/8: choose one of 4/4, 3/4, 2/4, 6/8, 5/4"),
    ],
)
def test_forms_that_do_not_exist_or_that_the_style_does_not_write(field, error, says):
    with pytest.raises(error, match=says):
        Request(**field).form(CHORALE)


def test_what_is_left_open_is_the_styles():
    assert Request().form(CHORALE) == (Key.parse("C major"), Meter(4, 4), 72, 16)
    asked = Request(key="f#", meter="3/4", tempo=100, bars=5)
    assert asked.form(CHORALE) == (Key.parse("F# minor"), Meter(3, 4), 100, 5)


def test_what_a_tune_says_comes_after_the_request_and_before_the_style():
    tune = (Meter(3, 4), Key.parse("G"), 9)
    assert Request().form(CHORALE, *tune) == (Key.parse("G"), Meter(3, 4), 72, 9)
    assert Request(key="d", meter="2/4", bars=4).form(CHORALE, *tune) == (Key.parse("d"), Meter(2, 4), 72, 4)
    assert Request(chords="I | V | I").form(CHORALE, *tune).bars == 3
    assert Request(chords="D | A7").form(CHORALE, *tune).key == Key.parse("G")


def test_chords_suggest_a_key_where_none_is_stated():
    assert Request(chords="D | G | A7 | D").form(CHORALE).key == Key.parse("D")
    assert Request(chords="Dm | Gm | A7 | %").form(CHORALE).key == Key.parse("D minor")
    assert Request(chords="Dm | Gm | A7 | %", key="C").form(CHORALE).key == Key.parse("C")
    for silent in ("i | iv | V", "D | V7/V", "N.C. | NC"):  # degrees are of the key, none of which is known
        assert Request(chords=silent).form(FOLK).key == Key.parse(FOLK.key)


def test_numbers_of_numpy_are_numbers():
    given = Request(bars=np.int64(4), seed=np.uint32(7), top_k=np.int8(5), temperature=np.float32(0.5))
    assert given == Request(bars=4, seed=7, top_k=5, temperature=0.5)
    assert [type(value) for value in (given.bars, given.seed, given.temperature)] == [int, int, float]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ({"bars": np.float64(4)}, "a whole number"), ({"bars": np.bool_(True)}, "a whole number"),
        ({"bars": True}, "a whole number"), ({"bars": "2"}, "a whole number"), ({"seed": 1.0}, "a whole number"),
        ({"temperature": "1"}, "a number"), ({"title": 5}, "a text"), ({"leaps": 7}, "a text, or a row of texts"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind(field, wanted):
    with pytest.raises(RequestError, match=f": must be {wanted}$"):
        Request(**field)


@pytest.mark.parametrize(
    ("name", "near"), [("foo", ""), ("bar", "bars"), ("range", "ranges"), ("cadence", "cadences"), ("temp", "tempo")]
)
def test_a_field_that_there_is_not(name, near):
    with pytest.raises(RequestError, match=f"^{name}: a request has no such field; the nearest is {near}"):
        Request.of({"bars": 2, name: 1})
    assert Request.of({"bars": 2}) == Request(bars=2)


@pytest.mark.parametrize("name", ["key", "meter", "chords", "scale"])
def test_a_message_does_not_repeat_what_is_endless(name):
    with pytest.raises(RequestError) as caught:
        Request(**{name: "b" * 5000})
    assert str(caught.value).startswith(f"{name}: bbb")
    assert len(str(caught.value)) < 100
