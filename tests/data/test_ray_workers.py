"""The same over a Ray cluster of two nodes on this machine: same results, same order, also when a node goes away."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'cadenza[cluster]'"
)

# In a process of its own: Ray leaves threads, signals and environment variables behind.
PROGRAM = """
import importlib.util, json, sys
from functools import partial
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
import worker_functions as functions
from music import fill
from data.workers import Failure, mapped

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
said = {}

def listed(function, *items, **options):
    return [list(result) if isinstance(result, Failure) else result
            for result in mapped(function, *items, ray=cluster.address, **options)]

said["order"] = listed(functions.slow_first, range(20))
said["once"] = listed(partial(functions.dies_once, sys.argv[1]), range(12))
said["twice"] = listed(functions.dies, range(12))
said["slow"] = listed(functions.hangs, range(8), time_limit=0.5)
try:
    listed(functions.refuses, range(10))
except ValueError as error:
    said["raised"] = str(error)

if importlib.util.find_spec("pyarrow"):
    from data.ingest import prepare
    music, out = Path(sys.argv[1]) / "music", Path(sys.argv[1])
    fill(music, 20)
    prepare(music, out / "here", workers=1)
    prepare(music, out / "there", ray=cluster.address)
    contents = [{path.name: path.read_bytes() for path in (out / name).iterdir()} for name in ("here", "there")]
    said["prepared"] = [len(contents[0]) > 5, contents[0] == contents[1]]

results = []
for number, result in enumerate(mapped(functions.naps, range(40), ray=cluster.address)):
    results.append(result)
    if number == 5:
        cluster.remove_node(second, allow_graceful=False)
said["node"] = results
cluster.shutdown()
try:
    list(mapped(functions.squared, [1], ray="127.0.0.1:1"))
except Exception as error:
    said["nobody"] = [type(error).__name__, str(error)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parent, Path(__file__).parent / "ingest", ROOT))),
    }
    folder = str(tmp_path_factory.mktemp("ray"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_results_stand_in_order(said):
    assert said["order"] == list(range(20))


def test_a_killed_worker_loses_nothing(said):
    assert said["once"] == list(range(12))


def test_an_item_that_kills_its_worker_twice_is_a_failure(said):
    assert said["twice"] == [*range(6), ["ended its worker process twice"], *range(7, 12)]


def test_an_item_that_takes_too_long_is_a_failure(said):
    assert said["slow"] == [*range(6), ["took longer than 0.5 s"], 7]


def test_what_the_function_raises_is_raised(said):
    assert said["raised"] == "five is right out"


def test_a_folder_is_prepared_to_the_same_bytes(said):
    if "prepared" not in said:
        pytest.skip("needs pyarrow: pip install 'cadenza[train]'")
    assert said["prepared"] == [True, True]


def test_a_node_that_goes_away_loses_nothing(said):
    assert said["node"] == list(range(40))


def test_a_cluster_that_does_not_answer(said):
    assert said["nobody"] == ["WorkerError", "no Ray cluster answers at 127.0.0.1:1: Connection refused"]
