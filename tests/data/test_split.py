"""The side of a group is fixed for ever."""

from __future__ import annotations

from collections import Counter

from data.split import split_of, with_both_sides


def test_sides_never_change() -> None:
    sides = {"chorales/bwv244.15": "train", "chorales/bwv121.6": "valid", "chorales/bwv116.6": "test", "": "test"}
    assert {group: split_of(group) for group in sides} == sides


def test_eight_tenths_train_one_tests() -> None:
    counts = Counter(split_of(str(number)) for number in range(20_000))
    assert counts.keys() == {"train", "valid", "test"}
    assert abs(counts["train"] - 16_000) < 300
    assert abs(counts["valid"] - 2_000) < 200


def test_sides_of_a_training_stay_where_both_have_a_group_or_where_there_is_one_group_only():
    for sides in ({"a": "train", "b": "valid", "c": "train"}, {"a": "train"}, {"a": "valid"}, {}):
        assert with_both_sides(sides) == sides


def test_one_group_validates_where_a_side_is_empty():
    """That of the smallest hash, in whatever order they come, so that it is the same on every machine."""
    names = [str(number) for number in range(12)]
    for order in (names, names[::-1]):
        for side in ("train", "valid"):
            sides = with_both_sides(dict.fromkeys(order, side))
            assert sides == {name: "valid" if name == "9" else "train" for name in names}
