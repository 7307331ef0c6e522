"""Weights of the benchmark's networks: a safetensors file each, float16, its metadata say of what shape."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.polyphonic.network import Network, Shape
from theory.atomic_file import atomic_path
from theory.errors import ModelError

Arrays = dict[str, np.ndarray]
FOLDER = Path(__file__).parent / "weights"


def halved(network: Network) -> Arrays:
    """The weights as they are kept: float16."""
    return {name: weight.numpy().astype(np.float16) for name, weight in network.weights.items()}


def restored(shape: Shape, arrays: Arrays) -> Network:
    """A network with weights that were kept."""
    network = Network(shape)
    for name, weight in network.weights.items():
        weight.assign(arrays[name].astype(np.float32))
    return network


def save(path: Path, shape: Shape, arrays: Arrays) -> None:
    """Write weights, whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    from safetensors.numpy import save_file

    with atomic_path(path) as beside:
        save_file(arrays, beside, {"shape": json.dumps(asdict(shape))})


def load(path: Path) -> Network:
    """The network of a file.

    Raises:
        ModelError: there is no such file.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise ModelError(f"{path}: no weights are kept for this data set; train first (without --evaluate)")
    with safe_open(path, framework="numpy") as file:
        about = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return restored(Shape(**json.loads(about["shape"])), arrays)
