"""The side of a group is fixed for ever."""

from __future__ import annotations

from collections import Counter

from data.split import split_of


def test_sides_never_change() -> None:
    sides = {"chorales/bwv244.15": "train", "chorales/bwv121.6": "valid", "chorales/bwv116.6": "test", "": "test"}
    assert {group: split_of(group) for group in sides} == sides


def test_eight_tenths_train_one_tests() -> None:
    counts = Counter(split_of(str(number)) for number in range(20_000))
    assert counts.keys() == {"train", "valid", "test"}
    assert abs(counts["train"] - 16_000) < 300
    assert abs(counts["valid"] - 2_000) < 200
