"""Styles: what a model may be asked for, and how its tracks are dressed."""

from __future__ import annotations

import pytest
from tiny_models import scales

from composer.style import CHORALE, STYLES, Style
from theory.errors import ModelError
from theory.key import Key
from theory.meter import Meter


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_styles_make_sense(style):
    assert Style.from_dict(style.to_dict()) == style
    assert STYLES[style.name] is style
    assert style.meter in style.meters
    assert Key.parse(style.key).mode in style.modes
    assert [str(Meter.parse(meter)) for meter in style.meters] == list(style.meters)
    assert all(0 <= part.lowest < part.highest <= 127 and 0 <= part.program <= 127 for part in style.parts)


def test_dressing_changes_names_and_programs_only():
    score = scales(0)
    dressed = CHORALE.dress(score)
    assert [(track.name, track.program) for track in dressed.tracks] == [
        ("Soprano", 52), ("Alto", 52), ("Tenor", 52), ("Bass", 52)
    ]  # fmt: skip
    bare = tuple(track.replace(name="", program=0) for track in dressed.tracks)
    assert dressed.replace(tracks=bare) == score


def test_a_piece_fits_as_far_as_its_outermost_notes_do():
    tracks = scales(0).tracks
    room_above = min(part.highest - int(t.pitch.max()) for t, part in zip(tracks, CHORALE.parts, strict=True))
    room_below = min(int(t.pitch.min()) - part.lowest for t, part in zip(tracks, CHORALE.parts, strict=True))
    assert CHORALE.fits(tracks, room_above)
    assert not CHORALE.fits(tracks, room_above + 1)
    assert CHORALE.fits(tracks, -room_below)
    assert not CHORALE.fits(tracks, -room_below - 1)


@pytest.mark.parametrize(
    "change",
    [
        {"grid": []}, {"grid": [0]}, {"grid": "6"}, {"grid": None}, {"grid": [1.5]}, {"parts": []}, {"parts": [{}]},
        {"parts": None}, {"meters": 5}, {"tempo": "fast"}, {"key": None}, {"colour": 1},
    ],
)  # fmt: skip
def test_damaged_styles(change):
    with pytest.raises(ModelError, match="style is damaged"):
        Style.from_dict(CHORALE.to_dict() | change)


def test_a_grid_that_is_one_number():
    values = CHORALE.to_dict()
    assert values["grid"] == (6,)
    assert Style.from_dict(values | {"grid": 6}) == CHORALE
    del values["grid"]
    assert Style.from_dict(values).grid == (1,)


@pytest.mark.parametrize("missing", [name for name in CHORALE.to_dict() if name != "grid"])
def test_missing_fields(missing):
    values = CHORALE.to_dict()
    del values[missing]
    with pytest.raises(ModelError, match="style is damaged"):
        Style.from_dict(values)
