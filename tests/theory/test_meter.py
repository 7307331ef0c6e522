"""Meters, against music21."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import MeterError
from theory.meter import DENOMINATORS, Meter

METERS = st.builds(Meter, st.integers(1, 64), st.sampled_from(DENOMINATORS))


@given(METERS)
def test_names_read_back(meter: Meter) -> None:
    assert Meter.parse(str(meter)) == meter


@pytest.mark.parametrize(
    "text", ["2/4", "3/4", "4/4", "6/8", "9/8", "12/8", "2/2", "6/4", "5/4", "12/16", "3/2", "4/8"]
)
def test_bars_and_beats_agree_with_music21(text: str) -> None:
    from music21.meter import TimeSignature

    ours, theirs = Meter.parse(text), TimeSignature(text)
    assert ours.bar_quarters == Fraction(theirs.barDuration.quarterLength)
    if text != "5/4":  # music21 beats it as 2 + 3
        assert ours.beats == theirs.beatCount
        assert ours.beat_quarters == Fraction(theirs.beatDuration.quarterLength)


@given(METERS)
def test_beats_fill_the_bar(meter: Meter) -> None:
    assert meter.beats * meter.beat_quarters == meter.bar_quarters


@given(METERS)
def test_from_quarters_lasts_as_long(meter: Meter) -> None:
    try:
        found = Meter.from_quarters(meter.bar_quarters)
    except MeterError:
        assert meter.bar_quarters > 64  # no bar of quarters is that long
        return
    assert found.bar_quarters == meter.bar_quarters
    assert found.denominator >= 4


@pytest.mark.parametrize(
    ("quarters", "name"), [("4", "4/4"), ("3/2", "3/8"), ("1", "1/4"), ("7/4", "7/16"), ("1/16", "1/64")]
)
def test_from_quarters(quarters: str, name: str) -> None:
    assert str(Meter.from_quarters(Fraction(quarters))) == name


@pytest.mark.parametrize("quarters", ["0", "1/3", "65", "-1", "1/32"])
def test_lengths_no_meter_has(quarters: str) -> None:
    with pytest.raises(MeterError):
        Meter.from_quarters(Fraction(quarters))


@given(METERS, st.integers(1, 32767))
def test_bar_ticks_are_exact_or_refused(meter: Meter, ticks_per_quarter: int) -> None:
    exact = meter.bar_quarters * ticks_per_quarter
    if exact.denominator == 1:
        assert meter.bar_ticks(ticks_per_quarter) == exact
    else:
        with pytest.raises(MeterError, match="whole number of ticks"):
            meter.bar_ticks(ticks_per_quarter)


def test_common_and_cut_time() -> None:
    assert (str(Meter.parse("C")), str(Meter.parse("C|")), str(Meter.parse(" 6 / 8 "))) == ("4/4", "2/2", "6/8")


@pytest.mark.parametrize("text", ["", "4", "4/3", "0/4", "65/4", "4/0", "-3/4", "4/4/4", "waltz", "3.5/4", "٣/٤ x"])
def test_bad_meters_say_so_in_one_line(text: str) -> None:
    with pytest.raises(MeterError) as caught:
        Meter.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("meter", "strong"),
    [
        ("2/4", "0"), ("3/4", "0"), ("4/4", "0 2"), ("6/8", "0 3/2"), ("5/4", "0 3"), ("9/8", "0"), ("12/8", "0 3"),
        ("7/8", "0 1 2"), ("3/8", "0"), ("2/2", "0"), ("11/8", "0 1 2 3 4"),
    ],
)  # fmt: skip
def test_strong_beats(meter: str, strong: str) -> None:
    assert Meter.parse(meter).strong_quarters() == tuple(map(Fraction, strong.split()))


def test_another_grouping_can_be_told() -> None:
    assert Meter(5, 4).strong_quarters((2, 3)) == (0, 2)
    with pytest.raises(MeterError, match=r"2\+2 does not group the 5 beats of 5/4"):
        Meter(5, 4).grouping((2, 2))


@given(st.integers(1, 64), st.sampled_from(DENOMINATORS))
def test_groups_fill_the_bar(numerator: int, denominator: int) -> None:
    meter = Meter(numerator, denominator)
    assert sum(meter.grouping()) == meter.beats
    assert meter.strength(Fraction(0)) == 3


def test_strength_tells_bar_lines_beats_and_what_lies_between() -> None:
    assert [Meter(4, 4).strength(Fraction(n, 2)) for n in range(8)] == [3, 0, 1, 0, 2, 0, 1, 0]
    assert [Meter(6, 8).strength(Fraction(n, 2)) for n in range(6)] == [3, 0, 0, 2, 0, 0]
