"""Frame tokens: rolls come back, scores sound as their rolls do, and the shared benchmarks are such rolls."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from theory.errors import TokenError
from theory.score import Score, Track
from theory.tokens import frames

ROLLS = arrays.arrays(np.bool_, st.tuples(st.integers(0, 12), st.just(frames.KEYS)), elements=st.booleans())
BENCHMARKS = Path(__file__).resolve().parents[4] / "shared" / "benchmarks" / "polyphonic"


@given(ROLLS)
def test_a_roll_comes_back(roll: np.ndarray) -> None:
    ids = frames.encode(roll)
    assert ids.dtype == np.int32
    assert (frames.decode(ids) == roll).all()
    assert (ids == frames.END_OF_FRAME).sum() == len(roll)


@given(ROLLS, st.sampled_from([1, 2, 4, 24]))
def test_a_score_sounds_as_its_roll(roll: np.ndarray, steps_per_quarter: int) -> None:
    assert (frames.roll_of(frames.score_of(roll, steps_per_quarter), steps_per_quarter) == roll).all()


def test_a_bar_step_by_step() -> None:
    melody = Track.from_notes([(0, 240, 60), (240, 240, 62), (600, 120, 64)])
    bass = Track.from_notes([(0, 480, 48), (240, 480, 62)])  # the D sounds on where the melody leaves it
    roll = frames.roll_of(Score((melody, bass, Track.from_notes([(0, 480, 36)], is_drum=True))), 2)
    sounding = [(np.flatnonzero(row) + frames.LOWEST_KEY).tolist() for row in roll]
    assert sounding == [[48, 60], [48, 62], [62], [64]]  # 600 lies between two steps and goes up
    keys = [[pitch - frames.LOWEST_KEY for pitch in step] for step in sounding]
    assert frames.encode(roll).tolist() == [token for step in keys for token in (*step, frames.END_OF_FRAME)]


def test_a_note_keeps_a_step_even_at_the_end() -> None:
    roll = frames.roll_of(Score.from_notes([(0, 480, 60), (475, 5, 72)]), 1)
    assert [np.flatnonzero(row).tolist() for row in roll] == [[39], [51]]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([39, 88, 89], "token 2: id 89 is not in the vocabulary of 89"),
        ([-1, 88], "token 0: id -1"),
        ([40, 39, 88], "token 1: key 39 is not above the one before it"),
        ([39, 39, 88], "token 1: key 39"),
        ([39, 88, 40], "token 2: the last frame has no end"),
        ([[39, 88]], "must be one row of integers"),
        ([0.5], "must be one row of integers"),
    ],
)
def test_ids_that_spell_no_roll_are_refused(ids: list[int], message: str) -> None:
    with pytest.raises(TokenError, match=message):
        frames.decode(ids)


def test_what_is_no_roll_is_refused() -> None:
    with pytest.raises(TokenError, match="88 columns"):
        frames.encode(np.zeros((3, 87)))
    with pytest.raises(TokenError, match="88 columns"):
        frames.encode(np.full((3, 88), 2))
    with pytest.raises(TokenError, match="7 steps a quarter"):
        frames.score_of(np.zeros((3, 88)), 7)
    with pytest.raises(TokenError, match="beyond the 88 keys"):
        frames.roll_of(Score.from_notes([(0, 480, 20)]), 4)


@pytest.mark.parametrize("name", ["JSB_Chorales", "Nottingham", "Piano_midi", "MuseData"])
def test_the_shared_benchmarks_come_back(name: str) -> None:
    io = pytest.importorskip("scipy.io", reason="scipy reads the benchmarks' files")
    path = BENCHMARKS / f"{name}.mat"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    pieces = [roll for side in ("traindata", "validdata", "testdata") for roll in io.loadmat(path)[side][0]]
    assert len(pieces) > 100
    for roll in pieces:
        assert (frames.decode(frames.encode(roll)) == roll).all()
