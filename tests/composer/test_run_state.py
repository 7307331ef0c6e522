"""What a run goes on from: it comes back as it was kept, and only for the same settings and pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from composer import checkpoint, run_state
from composer.adversarial_config import AdversarialConfig
from composer.config import LatentConfig
from composer.train import TrainConfig
from theory.errors import ModelError, TrainingError

CONFIG = TrainConfig(latent=LatentConfig(), excerpts=(2, 4))
HISTORY = [{"epoch": 1.0, "loss": 2.5}]


@dataclass
class Variable:
    """As Keras' are."""

    value: np.ndarray

    @property
    def shape(self):
        return self.value.shape

    def assign(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return self.value


def variables(fill: float) -> list[Variable]:
    return [Variable(np.full((2, number), fill + number, np.float32)) for number in range(1, 12)]


@pytest.fixture
def kept(tmp_path):
    arrays = {"average.kernel": np.ones(3, np.float32)}
    run_state.save(tmp_path, variables(0.5), CONFIG, "ab12", HISTORY, meta={"step": 7}, arrays=arrays)
    return tmp_path / run_state.CHECKPOINT


def test_what_was_kept_comes_back_each_in_its_place(kept):
    arrays, meta = checkpoint.load(kept)
    run_state.restore(kept, arrays, found := variables(0.0))
    assert all(np.array_equal(one.value, other.value) for one, other in zip(found, variables(0.5), strict=True))
    assert arrays["average.kernel"].tolist() == [1, 1, 1]
    assert (meta["step"], meta["history"]) == (7, HISTORY)
    assert json.loads((kept.parent / "history.json").read_text()) == HISTORY


def test_state_of_other_shapes_is_refused_and_nothing_is_put_back(kept):
    arrays, _ = checkpoint.load(kept)
    found = variables(0.0)
    found[-1] = Variable(np.zeros(1, np.float32))
    with pytest.raises(ModelError, match="another version of Keras"):
        run_state.restore(kept, arrays, found)
    assert found[0].value.max() == 1


def test_the_same_settings_and_pieces_go_on(kept):
    _, meta = checkpoint.load(kept)
    run_state.check(kept, meta, CONFIG, "ab12")
    run_state.check(kept, {"config": meta["config"]}, CONFIG, "ab12")  # as older checkpoints are


@pytest.mark.parametrize(
    ("config", "pieces", "said"),
    [
        (replace(CONFIG, epochs=5), "ab12", "other settings (epochs 50, not 5): resume with the same ones"),
        (replace(CONFIG, excerpts=(2,), seed=3), "ab12", "(excerpts [2, 4], not [2], seed 0, not 3)"),
        (replace(CONFIG, latent=LatentConfig(size=5)), "ab12", "(size 32, not 5)"),
        (TrainConfig(), "ab12", "is of another kind of model: resume with the --model that it began with"),
        (AdversarialConfig(), "ab12", "is of another kind of model"),
        (CONFIG, "cd34", "was made of other pieces: resume with the same data set"),
    ],
)
def test_others_are_refused_and_told_apart(kept, config, pieces, said):
    _, meta = checkpoint.load(Path(kept))
    with pytest.raises(TrainingError) as caught:
        run_state.check(kept, meta, config, pieces)
    assert said in str(caught.value)


def test_a_checkpoint_without_settings_is_of_others(kept):
    with pytest.raises(TrainingError, match=r"other settings \(all\)"):
        run_state.check(kept, {}, CONFIG, "ab12")
