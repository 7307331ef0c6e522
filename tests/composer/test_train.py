"""Training: it learns, it stops when it has learnt, and a run that was killed ends as one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tiny_models import scales

import composer
import data
from composer import batches, bundle, checkpoint
from composer.config import DecoderConfig
from composer.runtime import Reader, Runtime
from composer.style import CHORALE
from data.dataset import Entry, entries, tokenizer_of
from data.ingest import Encoding, prepare
from data.split import split_of
from theory.errors import ModelError, RequestError, TrainingError
from theory.score import Score
from theory.tokens import Tokenizer

ROOT = Path(__file__).parents[2]
SETTINGS = {"epochs": 30, "batch_size": 1, "learning_rate": 0.05, "patience": 2, "seed": 3}
UNITS = 8
WEIGHTS, CHECKPOINT = bundle.WEIGHTS, "checkpoint.safetensors"


class Watch:
    """A reporter that notes what it is told."""

    def __init__(self):
        self.begun, self.losses, self.records, self.stopped = None, [], [], 0

    def start(self, at):
        self.begun = at

    def step(self, at, loss, tokens, seconds):
        assert self.begun <= at < 1
        assert tokens > 0
        assert seconds > 0
        self.losses.append(loss)

    def epoch(self, record):
        self.records.append(record)

    def second_stage(self, at):
        assert 0 <= at <= 1

    def stop(self):
        self.stopped += 1


class Run(NamedTuple):
    """A finished run."""

    folder: Path
    best: dict[str, float]
    watch: Watch


def noise(seed: int) -> Score:
    """A piece of which nobody can learn how it goes on."""
    score, dice = scales(seed), np.random.default_rng(seed)
    return score.replace(
        tracks=tuple(track.replace(pitch=track.pitch + dice.integers(0, 5, len(track))) for track in score.tracks)
    )


@pytest.fixture(scope="module")
def training():
    """The module that trains."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    from composer import train

    return train


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """A folder of small MIDI files: six to train on, and two of noise to validate, which soon get worse."""
    folder = tmp_path_factory.mktemp("music")
    for side, number, make in (("train", 6, scales), ("valid", 2, noise)):
        for name in islice((f"{stem}.mid" for stem in map(str, count()) if split_of(stem) == side), number):
            data.write(make(int(name[:-4])), folder / name)
    return folder


@pytest.fixture(scope="module")
def sides(music):
    entries = [Entry(path.name, split_of(path.stem), data.read(path)) for path in music.iterdir()]
    return [batches.prepare([entry for entry in entries if entry.side == side], CHORALE) for side in ("train", "valid")]


@pytest.fixture(scope="module")
def config(training):
    return training.TrainConfig(decoder=DecoderConfig(units=UNITS), **SETTINGS)


@pytest.fixture(scope="module")
def run(training, sides, config, tmp_path_factory) -> Run:
    """A run that nothing breaks."""
    folder, watch = tmp_path_factory.mktemp("runs") / "whole", Watch()
    return Run(folder, training.train(*sides, CHORALE, folder, config, watch), watch)


def test_the_loss_goes_down(run):
    records = run.watch.records
    assert run.watch.begun == 0
    assert len(run.watch.losses) >= 6 * len(records)
    assert records[-1]["loss"] < records[0]["loss"] - 1
    assert np.isfinite(run.watch.losses).all()
    assert run.watch.stopped == 1


def test_it_stops_when_nothing_gets_better(run):
    nats = [record["valid_nats_per_token"] for record in run.watch.records]
    best = int(np.argmin(nats)) + 1
    assert len(nats) == best + SETTINGS["patience"] < SETTINGS["epochs"]
    assert run.best == run.watch.records[best - 1]


def test_what_a_run_leaves_behind(run):
    history = json.loads((run.folder / "history.json").read_text())
    assert history == run.watch.records
    assert [record["epoch"] for record in history] == list(range(1, len(history) + 1))
    assert list(history[0]) == ["epoch", "loss", "valid_nats_per_token", "valid_nats_per_note", "seconds"]
    (events,) = (run.folder / "tensorboard").iterdir()
    assert events.name.startswith("events.out.tfevents")
    assert b"valid_nats_per_token" in events.read_bytes()
    assert {path.name for path in run.folder.iterdir()} == {
        WEIGHTS, bundle.CONFIG, CHECKPOINT, "history.json", "tensorboard"
    }  # fmt: skip


def nats(runtime, score):
    """Negative log-likelihood of all that training scores, chords too, by the runtime that composes."""
    ids, reader = Tokenizer().encode(score).tolist(), Reader(runtime, score.bars)
    logits = [reader.read(token).astype(np.float64) for token in ids[:-1]]
    losses = [np.log(np.exp(row).sum()) - row[target] for row, target in zip(logits, ids[1:], strict=True)]
    return float(np.array(losses)[batches.sequence(score).scored].sum())


def test_the_exported_model_is_the_best_one_and_composes(run, sides):
    loaded = bundle.load(run.folder)
    assert loaded.decoder == DecoderConfig(units=UNITS)
    heard = [piece.score.replace(chords=chords) for piece in sides[1] for chords in ((), piece.chords)]
    nats_per_note = sum(nats(Runtime(loaded), score) for score in heard) / sum(score.notes for score in heard)
    assert nats_per_note == pytest.approx(run.best["valid_nats_per_note"], rel=1e-3)
    assert composer.compose(model=str(run.folder), bars=2).score.bars == 2


def test_a_killed_run_ends_with_the_same_bytes(run, training, sides, config, music, tmp_path):
    folder = tmp_path / "killed"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    command = [sys.executable, "-m", "composer", "train", music, "--style=chorale", f"--out-dir={folder}", *options]
    with subprocess.Popen([*command, f"--units={UNITS}"], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("epoch 2:"):
                time.sleep(0.02)  # into the third epoch
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    assert process.returncode == -signal.SIGKILL, said
    assert "6 pieces to train on, 2 to validate\n" in said
    watch = Watch()
    best = training.train(*sides, CHORALE, folder, config, watch, resume=True)
    assert 2 <= round(watch.begun * SETTINGS["epochs"]) < len(run.watch.records)
    assert (folder / WEIGHTS).read_bytes() == (run.folder / WEIGHTS).read_bytes()
    assert (folder / bundle.CONFIG).read_bytes() == (run.folder / bundle.CONFIG).read_bytes()
    assert {**best, "seconds": 0} == {**run.best, "seconds": 0}
    arrays, others = (checkpoint.load(item / CHECKPOINT)[0] for item in (folder, run.folder))
    assert arrays.keys() == others.keys()
    assert all(np.array_equal(arrays[name], others[name]) for name in arrays)
    assert not [path for path in folder.iterdir() if path.name.startswith(".cadenza")]


def test_a_finished_run_has_nothing_to_resume(run, training, sides, config):
    before = {name: (run.folder / name).read_bytes() for name in (WEIGHTS, CHECKPOINT)}
    watch = Watch()
    assert training.train(*sides, CHORALE, run.folder, config, watch, resume=True) == run.best
    assert watch.losses == []
    assert before == {name: (run.folder / name).read_bytes() for name in before}


def test_other_settings_or_a_damaged_checkpoint_are_refused(run, training, sides, config, tmp_path):
    seed = config.seed
    with pytest.raises(TrainingError, match=rf"other settings \(seed {seed}, not {seed + 1}\)"):
        training.train(*sides, CHORALE, run.folder, replace(config, seed=seed + 1), Watch(), resume=True)
    fewer = sides[0][1:], sides[1]
    with pytest.raises(TrainingError, match="made of other pieces"):
        training.train(*fewer, CHORALE, run.folder, config, Watch(), resume=True)
    (tmp_path / CHECKPOINT).write_bytes((run.folder / CHECKPOINT).read_bytes()[:-100])
    with pytest.raises(ModelError, match="no readable checkpoint"):
        training.train(*sides, CHORALE, tmp_path, config, Watch(), resume=True)
    arrays, meta = checkpoint.load(run.folder / CHECKPOINT)
    checkpoint.save(tmp_path / CHECKPOINT, dict(list(arrays.items())[:-1]), meta)
    with pytest.raises(ModelError, match="another version"):
        training.train(*sides, CHORALE, tmp_path, config, Watch(), resume=True)


@pytest.mark.parametrize(
    "tokenizer",
    [Tokenizer(resolution=2), Tokenizer(velocities=8), Tokenizer.lossless()],
    ids=["coarse", "soft", "played"],
)
def test_from_a_folder_to_a_piece_in_the_data_sets_tokens(training, config, tmp_path, tokenizer):
    pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
    for side, number in (("train", 4), ("valid", 1)):
        for stem in islice((f"{n}" for n in count() if split_of(f"{n}") == side), number):
            data.write(performed(int(stem)), tmp_path / "music" / f"{stem}.mid")
    prepare(tmp_path / "music", tmp_path / "set", encoding=Encoding(tokenizer), workers=1)
    assert tokenizer_of(str(tmp_path / "set")) == tokenizer
    found = list(entries(str(tmp_path / "set"))[1])
    both = [
        batches.prepare([entry for entry in found if entry.side == side], CHORALE, tokenizer)
        for side in ("train", "valid")
    ]
    run, brief = tmp_path / "run", replace(config, epochs=1)
    training.train(*both, CHORALE, run, brief, Watch())
    assert bundle.load(run).tokenizer == tokenizer
    piece = composer.compose(model=str(run), bars=2, seed=1, chords="C | G", ranges=("soprano=C4:G5",))
    assert tokenizer.quantize(piece.score).tracks == tuple(track.replace(name="") for track in piece.score.tracks)
    assert all(rule.kept == rule.asked for rule in piece.report.rules)
    other = batches.prepare(found, CHORALE, Tokenizer(resolution=12))
    with pytest.raises(TrainingError, match=r"trained on other tokens than the pieces' \(.*resolution \d+, not 12"):
        training.train(other, other, CHORALE, run, brief, Watch(), resume=True)
    with pytest.raises(TrainingError, match=r"is in other tokens than .* \(resolution 12, not \d+"):
        training.train(both[0], other, CHORALE, tmp_path / "mixed", brief, Watch())


def performed(seed: int) -> Score:
    """Scales as somebody plays them: neither on the grid nor equally loud."""
    score, dice = scales(seed), np.random.default_rng(seed)
    tracks = []
    for track in score.tracks:
        late, loud = dice.integers(0, 9, len(track)), dice.integers(40, 120, len(track))
        tracks.append(track.replace(onset=track.onset + late, duration=track.duration - late, velocity=loud))
    return score.replace(tracks=tuple(tracks))


def test_several_batches_a_step_are_one_larger_batch(training, sides, tmp_path):
    losses = []
    for batch_size, accumulate in ((100, 1), (1, 100)):  # an epoch is one step
        watch = Watch()
        decoder = DecoderConfig(units=UNITS, dropout=0.0)
        config = training.TrainConfig(decoder, epochs=3, batch_size=batch_size, accumulate=accumulate, seed=3)
        training.train(*sides, CHORALE, tmp_path / str(accumulate), config, watch)
        assert len(watch.losses) == len(watch.records) == 3
        losses.append([record["loss"] for record in watch.records])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][2] < losses[0][1]


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_every_cell_learns_and_composes(training, sides, tmp_path, cell):
    decoder, watch = DecoderConfig(units=UNITS, cell=cell), Watch()
    config = training.TrainConfig(decoder, epochs=4, batch_size=2, learning_rate=0.05, seed=3)
    best = training.train(*sides, CHORALE, tmp_path, config, watch)
    assert watch.records[-1]["loss"] < watch.records[0]["loss"] - 0.5
    loaded = bundle.load(tmp_path)
    assert loaded.decoder == decoder
    heard = [piece.score.replace(chords=chords) for piece in sides[1] for chords in ((), piece.chords)]
    nats_per_note = sum(nats(Runtime(loaded), score) for score in heard) / sum(score.notes for score in heard)
    assert nats_per_note == pytest.approx(best["valid_nats_per_note"], rel=1e-3)
    assert composer.compose(model=str(tmp_path), bars=2).score.bars == 2


def test_without_pieces_there_is_no_training(training, sides, config, tmp_path):
    for given in (([], sides[1]), (sides[0], [])):
        with pytest.raises(TrainingError, match="both are needed"):
            training.train(*given, CHORALE, tmp_path / "run", config, Watch())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 0}, {"batch_size": 0}, {"accumulate": 0}, {"patience": -1}, {"window": 511}, {"learning_rate": 0.0},
        {"learning_rate": float("nan")}, {"learning_rate": float("inf")}, {"seed": -1}, {"seed": 2**32},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(setting):
    from composer.train import TrainConfig  # needs no TensorFlow

    with pytest.raises(RequestError, match=next(iter(setting)).replace("_", " ")):
        TrainConfig(**setting)
