"""The vocabulary: ids are for ever. A test here that fails is no reason to change the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.chord import DEGREES, PLACES, QUALITIES
from theory.key import MODES
from theory.meter import DENOMINATORS, MAX_NUMERATOR
from theory.score import DEFAULT_VELOCITY, TICKS_PER_QUARTER
from theory.tokens import VOCABULARY, Kind, Tokenizer, Vocabulary
from theory.tokens.vocabulary import (
    BLOCKS,
    CHORD_DEGREES,
    CHORD_QUALITIES,
    EXPRESSIVE,
    HIGHEST_FIFTHS,
    LOWEST_FIFTHS,
    STEPS_PER_QUARTER,
    VELOCITY_STEP,
    Block,
)

FINGERPRINT = "9e5c642500bbe4385b25997b5476de13bffa1a6095608cae2c84a72fb18b01d5"
# One member of each kind, most of them the last: a block that grew, shrank or moved shows.
PINNED = {
    "PAD": 0, "START": 1, "END": 2, "BAR": 3, "NUMERATOR 64": 67, "DENOMINATOR 6": 74, "SIGNATURE 7": 89,
    "MODE locrian": 96, "TEMPO_HIGH 1008": 160, "TEMPO_LOW 15": 176, "TRACK 127": 304, "DRUMS": 305, "PROGRAM 127": 433,
    "POSITION_HIGH 6": 440, "POSITION_LOW 95": 536, "DURATION_HIGH 20": 557, "DURATION_LOW 1": 558,
    "DURATION_LOW 96": 653, "VELOCITY 32": 686, "PITCH 60": 747, "PITCH 127": 814, "DRUM 127": 942, "FERMATA": 943,
    "CONTROL": 944, "BEND": 945, "PRESSURE": 946, "VALUE 127": 1074, "NO_CHORD": 1075, "CHORD_ROOT C": 1091,
    "CHORD_ROOT B##": 1110, "CHORD_QUALITY maj7sus2": 1129, "CHORD_DEGREE no5": 1140, "CHORD_BASS B##": 1175,
    "VELOCITY_OFFSET 1": 1179, "ONSET_OFFSET 9": 1199, "END_OFFSET 9": 1238,
}  # fmt: skip


def test_the_fingerprint_is_for_ever() -> None:
    assert VOCABULARY.fingerprint == FINGERPRINT
    assert Tokenizer().fingerprint == FINGERPRINT


@pytest.mark.parametrize(("name", "token"), PINNED.items())
def test_ids_are_for_ever(name: str, token: int) -> None:
    assert EXPRESSIVE.name(token) == name
    assert token >= VOCABULARY.size or VOCABULARY.name(token) == name


def test_every_kind_is_pinned() -> None:
    assert {name.split()[0] for name in PINNED} == {kind.name for kind in Kind}


def test_every_id_has_one_meaning() -> None:
    assert len({VOCABULARY.name(token) for token in range(VOCABULARY.size)}) == VOCABULARY.size == len(VOCABULARY)
    for token in range(VOCABULARY.size):
        kind, value = Kind(VOCABULARY.kinds[token]), int(VOCABULARY.values[token])
        assert VOCABULARY.id(kind, value) == token
        assert token in range(VOCABULARY.size)[VOCABULARY.span(kind)]


@given(st.sampled_from(BLOCKS), st.data())
def test_ids_of_columns_are_the_single_ids(block: Block, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, block.size - 1))) or [0]
    values = [block.first + block.step * value for value in values]
    assert VOCABULARY.ids(block.kind, np.array(values)).tolist() == [VOCABULARY.id(block.kind, v) for v in values]


@pytest.mark.parametrize(
    ("kind", "value"), [(Kind.PITCH, 128), (Kind.PITCH, -1), (Kind.TEMPO_HIGH, 8), (Kind.BAR, 1), (Kind.NUMERATOR, 0)]
)
def test_a_value_that_a_kind_lacks_is_refused(kind: Kind, value: int) -> None:
    with pytest.raises(KeyError, match=kind.name):
        VOCABULARY.id(kind, value)


def test_chord_words_are_the_first_of_the_chord_tables() -> None:
    """The tables of theory.chord may grow, at their ends; then encoding needs a block for the newcomers."""
    assert tuple(QUALITIES)[: len(CHORD_QUALITIES)] == CHORD_QUALITIES
    assert tuple(DEGREES)[: len(CHORD_DEGREES)] == CHORD_DEGREES
    assert range(LOWEST_FIFTHS, HIGHEST_FIFTHS + 1) == PLACES


def test_modes_keep_their_order() -> None:
    assert tuple(MODES) == ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")
    assert VOCABULARY.span(Kind.MODE).stop - VOCABULARY.span(Kind.MODE).start == len(MODES)


def test_numbers_that_the_grid_rests_on() -> None:
    assert TICKS_PER_QUARTER % STEPS_PER_QUARTER == 0
    assert DEFAULT_VELOCITY % VELOCITY_STEP == 0
    assert VOCABULARY.values[VOCABULARY.span(Kind.NUMERATOR)].tolist() == list(range(1, MAX_NUMERATOR + 1))
    assert tuple(1 << e for e in VOCABULARY.values[VOCABULARY.span(Kind.DENOMINATOR)].tolist()) == DENOMINATORS


def test_another_vocabulary_has_another_fingerprint() -> None:
    assert Vocabulary().fingerprint == FINGERPRINT
    assert Vocabulary(BLOCKS[:-1]).fingerprint != FINGERPRINT
    assert Vocabulary((BLOCKS[1], BLOCKS[0], *BLOCKS[2:])).fingerprint != FINGERPRINT
    assert Vocabulary((*BLOCKS[:-1], Block(Kind.CHORD_BASS, 35, first=-14))).fingerprint != FINGERPRINT


def test_tables_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        VOCABULARY.values[0] = 1
