"""Arrays and a little JSON in one file, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.atomic_file import atomic_path
from theory.errors import ModelError

Arrays = dict[str, NDArray[Any]]


def save(path: Path, arrays: Arrays, meta: dict[str, Any]) -> None:
    """Write a safetensors file with `meta` in its header; the same input gives the same bytes.

    Raises:
        OutputError: the place cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    contiguous = {name: np.asarray(array, order="C") for name, array in sorted(arrays.items())}
    blob = to_bytes(contiguous, metadata={"cadenza": json.dumps(meta, sort_keys=True)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(blob)


def content(path: Path) -> bytes:
    """The bytes of what `save` wrote.

    Raises:
        ModelError: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} is no readable checkpoint: {error}") from None


def load(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read what `save` wrote.

    Raises:
        ModelError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            meta = json.loads((file.metadata() or {}).get("cadenza", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(f"{path} is no readable checkpoint: {error}") from None
