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
from composer.models import workers
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
small = replace(train.USUAL["lstm"].decoder, dropout=0.0, embedding=8, context=8)
train.USUAL["lstm"] = replace(train.USUAL["lstm"], decoder=small)
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


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as trial:
        return trial.connect_ex((host, int(port))) == 0


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
    where = addresses(2)
    run = started(music, tmp_path / "run", "--workers", where, "--worker", "0")
    line = next(line for line in run.stderr if line.startswith("waiting for"))
    assert re.fullmatch(r"waiting for the other workers: 127\.0\.0\.1:\d+ \(Ctrl-C stops\)\n", line)
    until(lambda: listens(where.partition(",")[0]))  # it has reached TensorFlow
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
    assert re.match(
        r"cadenza: worker 0 of 2 has lost the others \(worker 1 at 127\.0\.0\.1:\d+ has ended or cannot be reached\): "
        r"start all of them again with --resume$",
        last,
    )
    assert "Traceback" not in said
    assert len(figures(tmp_path / "0")) >= 1, "there is a checkpoint to go on from"


def test_a_port_that_is_taken_is_said_with_the_address_and_the_remedy(music, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = f"127.0.0.1:{taken.getsockname()[1]}"
        run = started(music, tmp_path / "new" / "run", "--workers", f"{own},{addresses(1)}", "--worker", "0")
        _, said = run.communicate(timeout=100)
    assert run.returncode == 42, said
    last = [line for line in said.splitlines() if line.strip()][-1]
    assert last.startswith(f"cadenza: worker 0 cannot listen at its own address {own} (address already in use): end ")
    assert "another port" in last
    assert not (tmp_path / "new").exists(), "no folder stays where none was trained in"


# What TensorFlow 2.21 says, shortened where dots are.
GONE = """{{function_node __inference_<lambda>_33}} Collective ops is aborted by: recvmsg:Connection reset by peer
Additional GRPC error information from remote target /job:worker/replica:0/task:1 while calling /tensorflow...:
:UNKNOWN:Error received from peer  {grpc_message:"recvmsg:Connection reset by peer", grpc_status:14}"""
PASSED_ON = f"""{{{{function_node __inference_<lambda>_33}}}} Collective ops is aborted by: {GONE}
Additional GRPC error information from remote target /job:worker/replica:0/task:0 while calling /tensorflow...:"""
UNHEALTHY = """Collective ops is aborted by: ... The following tasks are unhealthy (stopped sending heartbeats):
/job:worker/replica:0/task:1
The tasks have crashed. Check the task logs for an earlier error, ..."""
LATE = "{{function_node __inference_<lambda>_33}} Collective has timed out during execution.\n\t [[{{node ...}}]]"
SHAPES = """Collective ops is aborted by: Shape mismatch in the collective instance 121. Op at device ...
Additional GRPC error information from remote target /job:worker/replica:0/task:0 while calling /tensorflow...:"""
SIZES = (
    "Collective ops is aborted by: Device ... is joining a group with size3, but that group has size 2 (group_key=1)"
)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (GONE, "(worker 1 at 10.0.0.3:2222 has ended"), (PASSED_ON, "(worker 1 at 10.0.0.3:2222 has ended"),
        (UNHEALTHY, "(worker 1 at 10.0.0.3:2222 has ended"),
        (GONE.replace("task:1", "task:9"), "(one of them has ended"),
        ("Collective ops is aborted by: Socket closed", "(one of them has ended"),
        (LATE, "(no answer for 600 seconds)"),
        (SHAPES, "who have other pieces, options or versions"), (SIZES, "give all of them the same list"),
    ],
)  # fmt: skip
def test_why_a_sum_failed_is_said_in_our_words(said, means):
    words = workers._why_lost(said, TWO)
    assert means in words
    assert not re.search(r"[{}\n]|GRPC|[Cc]ollective", words)


def test_of_what_is_not_known_only_the_beginning_is_said():
    text = (
        "{{function_node __inference_<lambda>_33}} Collective ops is aborted by: first line\nsecond line " + "x" * 5000
    )
    words = workers._why_lost(text, TWO)
    assert words.startswith("has lost the others (first line second line xxx")
    assert len(words) < 200
    assert "\n" not in words


def test_workers_that_sum_other_things_are_told_what_to_give(tmp_path):
    """TensorFlow's own words are still those that the table knows."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'cadenza[train]'")
    code = (
        "import sys; from composer.models.workers import Cluster, Workers; import tensorflow as tf\n"
        "index = int(sys.argv[2])\n"
        "Workers(Cluster(tuple(sys.argv[1].split(',')), index)).sum([tf.zeros(5 + index)])"
    )
    where = addresses(2)
    runs = [
        subprocess.Popen([sys.executable, "-c", code, where, str(index)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for index in range(2)
    ]
    said = [run.communicate(timeout=100)[1] for run in runs]
    unlike = ["of 2 does not fit the others, who have other pieces, options or versions" in text for text in said]
    gone = ["of 2 has lost the others (worker" in text for text in said]  # one may see the other end before that
    assert any(unlike), said
    assert all(map(max, unlike, gone)), said


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


@pytest.mark.parametrize("given", ["a:1,b:2,", ",a:1,b:2", "a:1,,b:2", "a:1, ,b:2", ""])
def test_a_comma_too_many_is_one_clear_line(given):
    with pytest.raises(RequestError) as caught:
        Cluster.told(given, 0)
    assert str(caught.value) == f"--workers {given!r}: an address is missing; write host:port,host:port"


def config(cluster: object, kind: object = "worker", index: object = 0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "'{' is no JSON"), ("[" * 50_000, "is no JSON"), ("[]", '"cluster" and a "task"'),
        ("{}", '"cluster" and a "task"'), ('{"cluster": {}}', '"cluster" and a "task"'),
        (config({"worker": 3}), 'a list of "host:port"'), (config({"worker": "a:1,b:2"}), 'a list of "host:port"'),
        (config({"worker": TWO, "chief": [1]}), '"chief" of its cluster must be a list'),
        (config({}), 'no "worker"'), (config({"worker": TWO}, "ps"), "its task has the type 'ps'"),
        (config({"worker": TWO}, ["worker"]), "its task has the type"),
        (config({"worker": TWO}, "chief"), 'its task is chief 0; its cluster has 0 under "chief"'),
        (config({"worker": TWO}, index=2), 'its task is worker 2; its cluster has 2 under "worker"'),
        (config({"worker": TWO}, index=-1), "its task is worker -1"),
        (config({"worker": TWO}, index=0.5), "worker 0.5"),
        (config({"worker": ["10.0.0.2", TWO[1]]}), "worker '10.0.0.2': write host:port"),
        (config({"worker": [TWO[0], TWO[0]]}), "two workers have the same address"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_environment_is_said(monkeypatch, text, why):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(RequestError) as caught:
        Cluster.told(None, None)
    said = str(caught.value)
    assert said.startswith("TF_CONFIG: ")
    assert why in said
    assert said.endswith("; or unset it)")
    assert len(said) < 250
