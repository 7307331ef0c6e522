"""Training on several machines, here two processes: the figures of one, and one clear line where a worker is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import scales

import data
from composer.models.workers import Cluster, Workers
from data.split import split_of
from theory.errors import RequestError

ROOT = Path(__file__).parents[2]
CHECKPOINT = "checkpoint.safetensors"
TWO = ("10.0.0.2:2222", "10.0.0.3:2222")
# What `cadenza train` does, with a network small enough for a test, and without dropout, whose masks go by rows.
TRAIN = """
from dataclasses import replace
from composer import train
from composer.cli import main
usual = train.TrainConfig
train.TrainConfig = lambda decoder, **given: usual(replace(decoder, dropout=0.0, embedding=8, context=8), **given)
main()
"""


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    folder = tmp_path_factory.mktemp("music")
    for number in range(14):
        data.write(scales(number), folder / f"{number}.mid")
    assert {split_of(path.stem) for path in folder.iterdir()} >= {"train", "valid"}
    return folder


def addresses(number: int) -> str:
    """Addresses on this machine that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    found = ",".join(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return found


def started(music: Path, out: Path, *options: str, epochs: int = 3) -> subprocess.Popen[str]:
    settings = ["--units", "8", "--epochs", str(epochs), "--batch-size", "3", "--seed", "5"]
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, "train", str(music), "--out-dir", str(out), *settings, *options],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def together(music: Path, folder: Path, *options: str, epochs: int = 3) -> list[subprocess.Popen[str]]:
    """Two workers at work, each with a folder of its own."""
    where = addresses(2)
    return [
        started(music, folder / str(index), "--workers", where, "--worker", str(index), *options, epochs=epochs)
        for index in range(2)
    ]


def figures(folder: Path) -> list[list[float]]:
    names = ("loss", "valid_nats_per_token", "valid_nats_per_note")
    return [[record[name] for name in names] for record in json.loads((folder / "history.json").read_text())]


def until(condition, seconds: float = 120) -> None:
    for _ in range(int(seconds * 10)):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it takes too long")


@pytest.fixture(scope="module")
def alone(music, tmp_path_factory) -> Path:
    """A run of one process with all rows of every batch."""
    folder = tmp_path_factory.mktemp("alone")
    finish([started(music, folder)])
    return folder


@pytest.fixture(scope="module")
def pair(music, tmp_path_factory) -> Path:
    """The folders 0 and 1 of two workers that train together."""
    folder = tmp_path_factory.mktemp("pair")
    finish(together(music, folder))
    return folder


def finish(runs: list[subprocess.Popen[str]]) -> None:
    for run in runs:
        _, said = run.communicate(timeout=250)
        assert run.returncode == 0, said


def test_two_workers_have_the_figures_of_one(alone, pair):
    for mine, whole in zip(figures(pair / "0"), figures(alone), strict=True):
        assert mine == pytest.approx(whole, rel=1e-4)
    assert {path.name for path in (pair / "0").iterdir()} >= {"weights.safetensors", CHECKPOINT}
    assert not list((pair / "1").iterdir()), "only the chief writes"


def test_a_run_goes_on_from_the_chief_s_checkpoint(music, pair):
    """It is done, so there is nothing more to do; the other worker has got the checkpoint from the chief."""
    before = figures(pair / "0")
    finish(together(music, pair, "--resume"))
    assert figures(pair / "0") == before
    assert (pair / "1" / CHECKPOINT).read_bytes() == (pair / "0" / CHECKPOINT).read_bytes()


def test_who_waits_for_the_others_can_be_stopped(music, tmp_path):
    run = started(music, tmp_path / "run", "--workers", addresses(2), "--worker", "0")
    line = next(line for line in run.stderr if line.startswith("waiting for"))
    assert re.fullmatch(r"waiting for the other workers: 127\.0\.0\.1:\d+ \(Ctrl-C stops\)\n", line)
    time.sleep(8)  # it has reached TensorFlow
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == -signal.SIGINT


def test_a_lost_worker_ends_the_run_in_one_line(music, tmp_path):
    chief, other = together(music, tmp_path, epochs=2000)
    until((tmp_path / "0" / CHECKPOINT).exists)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    _, said = chief.communicate(timeout=100)
    assert chief.returncode == 42, said
    last = [line for line in said.splitlines() if line.strip()][-1]
    assert re.match(r"cadenza: worker 0 of 2 has lost the others \(.+\): start all of them again with --resume$", last)
    assert "Traceback" not in said
    assert len(figures(tmp_path / "0")) >= 1, "there is a checkpoint to go on from"


@pytest.mark.parametrize(
    ("given", "index", "why"),
    [
        (("10.0.0.2",), 0, "write host:port"),
        (("10.0.0.2:99999",), 0, "write host:port"),
        ((":2222",), 0, "write host:port"),
        ((TWO[0], TWO[0]), 0, "same address"),
        (TWO, 2, "there are workers 0 to 1"),
        (TWO, -1, "there are workers 0 to 1"),
    ],
)
def test_clusters_that_are_none(given, index, why):
    with pytest.raises(RequestError, match=why):
        Cluster(given, index)


def test_one_machine_needs_no_tensorflow(monkeypatch):
    """Under Keras' JAX backend there may be none."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    alone = Workers()
    assert alone.share([1, 2, 3]) == [1, 2, 3]
    assert alone.sum([4, 5]) == [4, 5]
    assert alone.from_chief(b"kept") == b"kept"


def test_the_command_line_goes_before_the_environment(monkeypatch):
    told = {"cluster": {"worker": list(TWO)}, "task": {"type": "worker", "index": 1}}
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert Cluster.told(None, None) is None
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert Cluster.told(None, None) == Cluster(TWO, 1)
    assert Cluster.told("a:1, b:2", 0) == Cluster(("a:1", "b:2"), 0)
    chief = {"cluster": {"chief": [TWO[0]], "worker": [TWO[1]]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(chief))
    assert Cluster.told(None, None) == Cluster(TWO, 1)
    monkeypatch.setenv("TF_CONFIG", json.dumps({**told, "task": {"type": "ps", "index": 0}}))
    with pytest.raises(RequestError, match="TF_CONFIG"):
        Cluster.told(None, None)
    for half in (("a:1,b:2", None), (None, 1)):
        with pytest.raises(RequestError, match="go together"):
            Cluster.told(*half)
    for text in ("{", "[]", "{}", '{"cluster": {"worker": 3}, "task": {"index": 0}}'):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(RequestError, match="TF_CONFIG"):
            Cluster.told(None, None)
