"""Meters from measures as they are written: pickups, measures cut by a repeat, odd measures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from theory.errors import MeterError
from theory.meter import Meter


class Measure(NamedTuple):
    """One written measure; times in quarters.

    Attributes:
        start: from the start of the piece.
        length: as notes and rests fill it, not as the time signature claims.
        meter: the time signature in force, None where none was ever stated.
    """

    start: Fraction
    length: Fraction
    meter: Meter | None


def bar_meters(measures: Sequence[Measure]) -> list[tuple[Fraction, Meter]]:
    """Meters, each with the time in quarters from which it holds, such that bars fall where measures do.

    An incomplete first measure is a meter of its own that lasts one bar, so that `Score.pickup` holds; incomplete
    measures that add up to one bar (3 + 1 beats around a repeat sign) are one bar; any other measure whose length is
    not its time signature's gets the meter of its length. The last measure may be incomplete without ado.
    """
    events: list[tuple[Fraction, Meter]] = []
    bars = _merged(measures)
    for index, bar in enumerate(bars):
        is_last = index + 1 == len(bars)
        meter = bar.meter
        if meter is None or (bar.length != meter.bar_quarters and not (is_last and bar.length < meter.bar_quarters)):
            meter = _meter_lasting(bar.length) or meter or Meter()
        if not events or events[-1][1] != meter or not _falls_on_a_bar(bar.start, events[-1]):
            events.append((bar.start, meter))
    return events


def _merged(measures: Sequence[Measure]) -> list[Measure]:
    """Measures, with runs of incomplete ones that add up to exactly one bar joined."""
    bars: list[Measure] = []
    index = 0
    while index < len(measures):
        first = measures[index]
        count = _run_of_one_bar(measures[index:])
        length = sum((measure.length for measure in measures[index : index + count]), Fraction())
        bars.append(Measure(first.start, length, first.meter))
        index += count
    return bars


def _run_of_one_bar(measures: Sequence[Measure]) -> int:
    """How many measures from here fill one bar together; 1 where no run does."""
    meter, length = measures[0].meter, Fraction()
    for count, measure in enumerate(measures, start=1):
        if meter is None or measure.meter != meter:
            return 1
        length += measure.length
        if length >= meter.bar_quarters:
            return count if length == meter.bar_quarters else 1
    return 1


def _meter_lasting(quarters: Fraction) -> Meter | None:
    try:
        return Meter.from_quarters(quarters)
    except MeterError:
        return None  # no note value divides it: the stated meter starts anew at the next measure


def _falls_on_a_bar(start: Fraction, event: tuple[Fraction, Meter]) -> bool:
    return (start - event[0]) % event[1].bar_quarters == 0
