"""Notes and form of each bar as networks read them: in order, in any key alike, nothing outside the tables."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import scales, tune

from composer.bar_notes import FORM, SIZES, TRACKS, bar_forms, bar_notes, forms_of
from theory.event import KeyEvent, MeterEvent
from theory.key import Key
from theory.meter import DENOMINATORS, MAX_NUMERATOR, Meter
from theory.score import Score, Track
from theory.tokens import EXPRESSIVE, Kind, Tokenizer
from theory.tokens.features import COLUMNS, features
from theory.tokens.vocabulary import MODE_NAMES
from theory.transform import resample, transpose

QUARTER = 24  # steps


def test_rows_are_the_notes_of_their_bar_in_order():
    upper = Track.from_notes([(0, 480, 72), (480, 240, 74), (1920, 960, 76)])
    lower = Track.from_notes([(0, 1920, 48)])
    found = bar_notes(Score((upper, lower), end=3 * 1920))
    assert found.counts.tolist() == [3, 1, 0]
    assert found.rows.shape == (3, 3, len(SIZES))
    first, second, third = found.rows.tolist()
    assert first == [[0, 0, 72, QUARTER], [0, 1, 48, 4 * QUARTER - 1], [QUARTER, 0, 74, QUARTER // 2]]
    assert second == [[0, 0, 76, 2 * QUARTER], [0] * 4, [0] * 4]
    assert third == [[0] * 4] * 3
    assert found.rows.dtype == found.counts.dtype == np.int32


def test_chords_stand_from_low_to_high():
    found = bar_notes(Score.from_notes([(0, 480, pitch) for pitch in (67, 60, 64)]))
    assert found.rows[0, :, 2].tolist() == [60, 64, 67]


def test_a_note_belongs_to_the_bar_in_which_it_begins():
    found = bar_notes(Score.from_notes([(1440, 960, 60), (3360, 480, 62)]))
    assert found.counts.tolist() == [1, 1]
    assert found.rows[:, 0, 0].tolist() == [3 * QUARTER, 3 * QUARTER]


@pytest.mark.parametrize("semitones", range(-5, 7))
def test_the_same_piece_in_every_key(semitones):
    """Moved to the key without sharps and flats, by the nearer way: that may be an octave away."""
    piece = scales(0, key="C major")
    rows, moved = bar_notes(piece).rows, bar_notes(transpose(piece, semitones)).rows
    np.testing.assert_array_equal(np.delete(moved, 2, axis=-1), np.delete(rows, 2, axis=-1))
    octaves = np.unique(moved[:, :, 2] - rows[:, :, 2])
    assert len(octaves) == 1
    assert octaves[0] % 12 == 0


def test_without_a_key_pitches_stand_as_they_are():
    piece = tune(0)
    rows = bar_notes(piece.replace(keys=())).rows
    assert rows[0, 0, 2] == piece.tracks[0].pitch[0]
    assert bar_notes(piece).rows[0, 0, 2] == piece.tracks[0].pitch[0] - 2  # D major
    later = piece.replace(keys=(KeyEvent(240, Key.parse("D")),))
    np.testing.assert_array_equal(bar_notes(later).rows, rows)


def test_drums_have_rows_of_their_own():
    melody, drums = Track.from_notes([(0, 480, 62)]), Track.from_notes([(0, 480, 36)], is_drum=True)
    found = bar_notes(Score((melody, drums), keys=(KeyEvent(0, Key.parse("D")),)))
    assert found.rows[0, :, 1:3].tolist() == [[0, 60], [1, 128 + 36]]


def test_an_upbeat_is_a_bar():
    found = bar_notes(tune(0, bars=2, upbeat="1/8"))
    assert len(found.counts) == 3
    assert found.counts[0] == 1
    assert found.rows[1, 0, 0] == 0


def test_another_resolution_is_the_same():
    piece = tune(3)
    np.testing.assert_array_equal(bar_notes(resample(piece, 48)).rows, bar_notes(piece).rows)


def test_nothing_lies_outside_the_tables():
    long = Track.from_notes([(0, 480 * 40, 0), (480 * 16 - 20, 20, 127)])
    tracks = [Track.empty()] * TRACKS + [long]
    found = bar_notes(Score(tuple(tracks), meters=(MeterEvent(0, Meter(16, 4)),)))
    for column, size in enumerate(SIZES.values()):
        assert 0 <= found.rows[:, :, column].min() <= found.rows[:, :, column].max() < size
    assert found.rows[0, 0].tolist() == [0, TRACKS - 1, 0, SIZES["duration"] - 1]
    assert found.rows[0, 1, 0] == SIZES["position"] - 1


def test_a_piece_without_notes():
    found = bar_notes(Score((Track.empty(),), end=2 * 1920))
    assert found.counts.tolist() == [0, 0]
    assert found.rows.shape == (2, 1, len(SIZES))


# Form


def rows(found):
    """Forms by the names of their columns."""
    return [dict(zip(FORM, row, strict=True)) for row in found.tolist()]


def test_a_bars_form():
    """Bars are counted down, an upbeat has its own meter, and the mode is that of the piece."""
    found = bar_forms([Meter(1, 8), Meter(6, 8), Meter(6, 8)], Key.parse("A dorian"))
    assert found.dtype == np.int32
    mode = MODE_NAMES.index("dorian") + 1
    assert rows(found) == [
        {"bars_left": 3, "numerator": 1, "exponent": 4, "mode": mode, "signature": 9},
        {"bars_left": 2, "numerator": 6, "exponent": 4, "mode": mode, "signature": 9},
        {"bars_left": 1, "numerator": 6, "exponent": 4, "mode": mode, "signature": 9},
    ]
    assert rows(bar_forms([Meter(2, 2)], None)) == [
        {"bars_left": 1, "numerator": 2, "exponent": 2, "mode": 0, "signature": 0}
    ]


CHANGING = tune(0, bars=6, meter="6/8").replace(
    meters=(MeterEvent(0, Meter(6, 8)), MeterEvent(2 * 1440, Meter(3, 4)), MeterEvent(4 * 1440 + 480, Meter(2, 4)))
)


@pytest.mark.parametrize(
    "score",
    [
        tune(0, bars=3), tune(1, bars=3, upbeat="1/8"), tune(2, bars=2, meter="9/8", key="E minor"),
        tune(3, bars=70, meter="2/4", key="A dorian"), tune(4).replace(keys=()), scales(0), CHANGING,
        resample(tune(1, bars=3, upbeat="1/8"), 48),
    ],
    ids=["plain", "upbeat", "minor", "long", "no key", "four parts", "changing", "coarse"],
)  # fmt: skip
def test_the_decoder_reads_the_same_form(score):
    """In each bar, from its first note on."""
    ids = Tokenizer().encode(score)
    kinds, plan = EXPRESSIVE.kinds[ids], features(ids).plan
    ends = np.append(np.flatnonzero(kinds == Kind.BAR)[1:], len(ids) - 1) - 1
    columns = [list(COLUMNS).index(name) for name in FORM]
    np.testing.assert_array_equal(forms_of(score), plan[ends][:, columns])


def test_no_form_lies_outside_the_tables():
    meters = [Meter(numerator, denominator) for numerator in (1, MAX_NUMERATOR) for denominator in DENOMINATORS]
    for key in (
        None,
        *(Key.parse(f"{tonic} {mode}") for mode in MODE_NAMES for tonic in "DFA"),
        Key.parse("C# major"),
        Key.parse("Cb major"),
    ):
        found = bar_forms(meters * 20, key)
        assert len(found) == len(meters) * 20
        for column, size in enumerate(FORM.values()):
            assert 0 <= found[:, column].min() <= found[:, column].max() < size
    assert bar_forms(meters, Key.parse("C major"))[0, 0] == len(meters)
    assert bar_forms(meters * 20, Key.parse("C major"))[:, 0].tolist()[-64:] == [63, *range(63, 0, -1)]


def test_forms_differ_with_meter_and_key():
    keys = [None, *(Key.parse(f"{tonic} {mode}") for mode in MODE_NAMES for tonic in ("D", "E"))]
    every = [bar_forms([Meter.parse(meter)], key) for meter in ("4/4", "4/8", "3/4") for key in keys]
    assert len({form.tobytes() for form in every}) == len(every)


def test_a_piece_without_bars_has_no_form():
    assert forms_of(Score(())).shape == bar_forms([], None).shape == (0, len(FORM))
