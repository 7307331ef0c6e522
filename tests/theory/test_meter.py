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
