"""`cadenza train`: what cannot be trained is said before TensorFlow is loaded. (Training itself: ../test_train.py.)"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import export_vae, scales
from tiny_models import tune as folk

import data
from composer import train
from composer.cli.train import _pieces, _run_folder
from composer.config import DecoderConfig, LatentConfig
from composer.run_state import CHECKPOINT
from composer.style import CHORALE
from composer.train import TrainConfig
from data.ingest.preparation import prepare
from theory.score import Score

needs_training = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow: pip install 'cadenza[train]'"
)


@needs_training
@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--style", "jazz"), 14, "choose one of chorale"),
        (("--model", "gru"), 14, "no architecture is called 'gru': choose one of lstm, vae"),
        (("--model", "vae", "--encoder", "tcn"), 2, "encoder 'tcn': choose one of lstm, cnn"),
        (("--model", "vae", "--bits", "5"), 2, "write two"), (("--model", "vae", "--bits", "5,4"), 2, "must rise"),
        (("--model", "vae", "--kl-weight", -1), 2, "KL weight -1"),
        (("--model", "vae", "--excerpts", "0"), 2, "excerpts of (0,) bars"),
        (("--model", "gan", "--epochs", 3), 2, "--epochs says nothing to gan"),
        (("--model", "gan", "--bits", "4,5"), 2, "--bits says nothing to gan"),
        (("--model", "gan", "--loss", "hinge"), 2, "loss 'hinge': choose one of relativistic, wasserstein"),
        (("--bits", "4,5"), 2, "--bits says nothing to lstm"), (("--flat",), 2, "--flat says nothing to lstm"),
        (("--model", "vae", "--steps", 3), 2, "--steps says nothing to vae"),
        (("--model", "gan", "--steps", 0), 2, "steps 0"),
        (("--model", "gan", "--warm-start", "nowhere"), 14, "no model 'nowhere' for style chorale"),
        (("--epochs", 0), 2, "epochs 0"), (("--batch-size", -1), 2, "batch size -1"), (("--units", 0), 2, "units 0"),
        (("--cell", "tcn"), 2, "cell 'tcn': choose one of lstm, gru, rnn"),
        (("--learning-rate", "nan"), 2, "learning rate nan"), (("--patience", 0), 2, "patience 0"),
        (("--seed", -1), 2, "seed -1"), (("--resume",), 42, "no checkpoint to resume from"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(cadenza, tmp_path, options, code, says):
    said = cadenza("train", tmp_path, "--out-dir", tmp_path / "run", *options)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@needs_training
def test_a_run_is_not_overwritten(cadenza, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_text("mine")
    said = cadenza("train", tmp_path, "--out-dir", tmp_path)
    assert said.code == 42
    assert "already holds a run: add --resume" in said.err
    assert (tmp_path / "checkpoint.safetensors").read_text() == "mine"


@needs_training
@pytest.mark.parametrize("source", ["no such corpus", "", "x" * 5000])
def test_neither_a_corpus_nor_a_folder(cadenza, tmp_path, source):
    said = cadenza("train", source, "--out-dir", tmp_path / "run")
    assert said.code == 31
    assert "neither a corpus (chorales" in said.err or "holds no file" in said.err
    assert said.err.count("\n") == 1


@needs_training
def test_a_folder_without_music(cadenza, tmp_path):
    (tmp_path / "notes.txt").write_text("la la la")
    said = cadenza("train", tmp_path, "--out-dir", tmp_path / "run")
    assert said.code == 31
    assert "holds no file that can be read" in said.err


@needs_training
@pytest.mark.parametrize("options", [(), ("--workers", "a:1,b:2,", "--worker", 0)])
def test_no_folder_stays_where_nothing_was_trained(cadenza, tmp_path, options):
    (tmp_path / "music").mkdir()
    data.write(scales(0), tmp_path / "music" / "0.mid")
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "deep" / "run", tmp_path / "empty"):
        assert cadenza("train", tmp_path / "music", "--out-dir", place, *options).code in (2, 42)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "music"], "a folder of one's own stays"


def tune(seed: int) -> Score:
    """A piece that is like no other, also to who looks for near-duplicates."""
    score, dice = scales(seed, bars=9), np.random.default_rng(seed)
    return score.replace(
        tracks=tuple(track.replace(pitch=track.pitch + dice.integers(0, 5, len(track))) for track in score.tracks)
    )


@needs_training
@pytest.mark.parametrize("prepared", [False, True])
def test_one_group_of_a_few_pieces_validates(tmp_path, capsys, prepared):
    """Whose hashes all say "train"; the same tune in two formats stays together."""
    for name in ("0", "1", "2", "4"):
        for suffix in (".mid", ".musicxml"):
            data.write(tune(int(name)), tmp_path / "music" / (name + suffix))
    source = tmp_path / "music"
    if prepared:
        pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'cadenza[train]'")
        source = tmp_path / "set"
        prepare(tmp_path / "music", source, workers=1)
    learnt, validating = _pieces(str(source), CHORALE)
    assert [piece.id for piece in learnt] == [name + suffix for name in "012" for suffix in (".mid", ".musicxml")]
    assert [piece.id for piece in validating] == ["4.mid", "4.musicxml"]
    said = "cadenza: the split leaves one side of so few pieces empty: 4.mid and 1 more of its group validates\n"
    assert said in capsys.readouterr().err


@needs_training
def test_pieces_of_both_sides_stay_where_they_are(tmp_path, capsys):
    for name in "034":
        data.write(scales(int(name)), tmp_path / f"{name}.mid")
    learnt, validating = _pieces(str(tmp_path), CHORALE)
    assert ([piece.id for piece in learnt], [piece.id for piece in validating]) == (["0.mid", "4.mid"], ["3.mid"])
    assert "validates" not in capsys.readouterr().err


def test_the_help_has_the_defaults_of_every_architecture(cadenza, monkeypatch):
    usual = TrainConfig(DecoderConfig(units=771), epochs=772, patience=773)
    other = replace(usual, latent=LatentConfig(encoder="cnn"), excerpts=(2, 3), bits=(4.0, 5.5), epochs=774)
    monkeypatch.setattr(train, "USUAL", {"lstm": usual, "vae": other})
    monkeypatch.setenv("COLUMNS", "200")
    said = cadenza("train", "--help").out
    given = dict(re.findall(r"--([a-z-]+) .*\n.*\[default: ([^]]+)\]", said))
    assert given.items() >= {
        "style": "chorale", "model": "lstm", "epochs": "772 for lstm; 774 for vae", "cell": "lstm", "units": "771",
        "learning-rate": "0.003 for lstm; 0.003 for vae; 0.0002 for gan", "patience": "773",
        "batch-size": "32 for lstm; 32 for vae; 64 for gan",
        "encoder": "cnn", "excerpts": "2,3", "bits": "4.0,5.5",
        **{name: str(getattr(usual, name.replace("-", "_"))) for name in
           ("accumulate", "seed")},
    }.items()  # fmt: skip


@needs_training
@pytest.mark.parametrize(("attributes", "told"), [((), 1), (("density",), 0)])
def test_a_vae_that_learnt_no_attributes_says_so(cadenza, tmp_path, monkeypatch, attributes, told):
    for name in range(8):
        data.write(folk(name), tmp_path / "music" / f"{name}.mid")

    def trained(*arguments, **_):
        export_vae(arguments[3], attributes=attributes)
        return {"epoch": 1, "valid_nats_per_note": 2.0, "valid_latent_bits": 9.0, "collapsed": False}

    monkeypatch.setattr(train, "train", trained)
    said = cadenza("train", tmp_path / "music", "--style", "folk", "--model", "vae", "--out-dir", tmp_path / "run")
    assert said.code == 0
    assert said.err.count("cadenza: the pieces are too few to learn attributes from") == told


def interrupted(folder, *names):
    """A run that Ctrl-C ends when it has written some files."""
    with _run_folder(folder):
        for name in names:
            (folder / name).touch()
        raise KeyboardInterrupt


def test_an_interrupted_run_says_how_it_goes_on(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        interrupted(tmp_path / "run", CHECKPOINT)
    assert ended.value.code == 130
    assert capsys.readouterr().err == "cadenza: interrupted: the same command with --resume goes on\n"


def test_an_interrupted_run_that_kept_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "runs" / "mine")
    assert not (tmp_path / "runs").exists()
