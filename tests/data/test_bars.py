"""Meters from measures as they are written."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest

from data.bars import Measure, bar_meters
from theory.meter import Meter

# Measures as length/meter, and the meter events that must come out as start:meter.
WRITTEN = [
    ("full measures", "4:4/4 4:4/4", "0:4/4"),
    ("pickup", "1:4/4 4:4/4 4:4/4", "0:1/4 1:4/4"),
    ("pickup of an eighth", "1/2:6/8 3:6/8", "0:1/8 1/2:6/8"),
    ("short last bar", "1:4/4 4:4/4 3:4/4", "0:1/4 1:4/4"),
    ("cut by a repeat, 3 + 1", "1:4/4 4:4/4 3:4/4 1:4/4 4:4/4 3:4/4", "0:1/4 1:4/4"),
    ("cut in three", "2:4/4 1:4/4 1:4/4 4:4/4", "0:4/4"),
    ("short and nothing that fills it", "4:4/4 3:4/4 4:4/4", "0:4/4 4:3/4 7:4/4"),
    ("long", "4:4/4 10:4/4 4:4/4", "0:4/4 4:10/4 14:4/4"),
    ("short and long do not add up", "4:4/4 3:4/4 5:4/4 4:4/4", "0:4/4 4:3/4 7:5/4 12:4/4"),
    ("a change of meter", "4:4/4 3:3/4 3:3/4", "0:4/4 4:3/4"),
    ("halves across a change are no bar", "4:4/4 2:4/4 2:3/4 3:3/4", "0:4/4 4:2/4 8:3/4"),
    ("no meter stated", "4:- 3:-", "0:4/4 4:3/4"),
    ("no note value divides it", "4:4/4 1/3:4/4 4:4/4", "0:4/4 13/3:4/4"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("measures", "expected"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_meters_follow_the_measures(measures: str, expected: str) -> None:
    pairs = [measure.split(":") for measure in measures.split()]
    lengths = [Fraction(length) for length, _ in pairs]
    starts = accumulate(lengths, initial=Fraction())
    given = [
        Measure(start, length, None if meter == "-" else Meter.parse(meter))
        for start, length, (_, meter) in zip(starts, lengths, pairs, strict=False)
    ]
    events = " ".join(f"{start}:{meter}" for start, meter in bar_meters(given))
    assert events == expected
