"""The round trip of real files: the checks see what breaks, and a spread of files holds. (All: the benchmark.)"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.round_trip import FOLDERS, SHARED, TOKENIZERS, faults, trip_of
from data.ingest.listing import Listed, Rights, listed
from theory.event import ChordEvent
from theory.score import PITCH_BEND, Score, Track
from theory.tokens import Tokenizer

SPREAD = 25  # files of each folder
SCORE = Score(
    (
        Track.from_notes(
            [(0, 480, 60, 90), (470, 240, 62), (1000, 7, 62)], controls=[(0, 64, 127), (480, PITCH_BEND, 5)]
        ),
        Track.from_notes([(0, 100, 36)], is_drum=True),
    ),
    chords=(ChordEvent(0, None),),
)


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
def test_nothing_is_lost(tokenizer: Tokenizer) -> None:
    assert faults(SCORE, tokenizer) == []


class Forgetful(Tokenizer):
    """Loses controls on the way to ids."""

    def encode(self, score: Score) -> Any:
        return super().encode(score.replace(tracks=tuple(track.replace(controls=None) for track in score.tracks)))


class Late(Tokenizer):
    """Gives notes back a step late."""

    def decode(self, ids: Any) -> Score:
        score = super().decode(ids)
        late = [track.replace(onset=track.onset + np.int32(20)) for track in score.tracks]
        return score.replace(tracks=tuple(late))


def test_what_is_lost_is_said() -> None:
    assert faults(SCORE, Forgetful()) == ["decode(encode(score)) == quantize(score)"]
    late = faults(SCORE, Late(velocities=127, microtiming=True))
    assert late == [
        "decode(encode(score)) == quantize(score)", "encode(decode(ids)) == ids", "every note is the file's own",
    ]  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_spread_of_real_files_comes_back(name: str) -> None:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/{name}")
    items: list[Listed] = [
        item for item in listed(folder, Rights("", "")) if (folder / item.path).stat().st_size < 30_000
    ]
    for item in items[:: max(len(items) // SPREAD, 1)]:
        assert trip_of(folder, item).broken == (), item.id
