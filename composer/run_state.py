"""What a training run needs to go on, in its folder: `checkpoint.safetensors`, and `history.json` for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from composer import checkpoint
from composer.checkpoint import Arrays
from theory.atomic_file import atomic_path
from theory.errors import ModelError, TrainingError

CHECKPOINT = "checkpoint.safetensors"


class Config(Protocol):
    """A dataclass of plain values, or of others of them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def save(
    folder: Path,
    variables: Sequence[Any],
    config: Config,
    pieces: str,
    history: list[dict[str, float]],
    *,
    meta: dict[str, Any] | None = None,
    arrays: Arrays | None = None,
) -> None:
    """Write the checkpoint and the history.

    Args:
        folder: of the run.
        variables: Keras' state, kept by place: Keras numbers the names of layers anew with every model of a process.
        config: settings of the run.
        pieces: fingerprint of what it learns from (`composer.batches.fingerprint`).
        history: its records.
        meta: other plain values.
        arrays: others, whose names are no numbers.

    Raises:
        OutputError: the folder cannot be written.
    """
    numbered = {f"{index:03d}": np.asarray(variable) for index, variable in enumerate(variables)}
    values = {"config": asdict(config), "pieces": pieces, "history": history, **(meta or {})}
    checkpoint.save(folder / CHECKPOINT, {**numbered, **(arrays or {})}, values)
    with atomic_path(folder / "history.json") as temporary:
        temporary.write_text(json.dumps(history, indent=1) + "\n", encoding="ascii")


def check(path: Path, meta: dict[str, Any], config: Config, pieces: str) -> None:
    """Make sure that a run can go on from a checkpoint.

    Args:
        path: of the checkpoint.
        meta: that it came with.
        config: settings of the run.
        pieces: fingerprint of what it learns from.

    Raises:
        TrainingError: it was made with other settings, or of other pieces.
    """
    asked, made = json.loads(json.dumps(asdict(config))), meta.get("config")
    if isinstance(made, dict) and _kind(asked) != _kind(made):
        raise TrainingError(f"{path} is of another kind of model: resume with the --model that it began with")
    if unlike := _unlike(asked, made):
        raise TrainingError(
            f"{path} was made with other settings ({unlike}): resume with the same ones, or train into another folder"
        )
    if meta.get("pieces", pieces) != pieces:
        raise TrainingError(f"{path} was made of other pieces: resume with the same data set")


def restore(path: Path, arrays: Arrays, variables: Sequence[Any]) -> None:
    """Put what `save` kept of Keras' state back.

    Raises:
        ModelError: it is of other shapes.
    """
    values = [arrays[name] for name in sorted(arrays) if name.isdecimal()]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise ModelError(f"{path} was made by another version of Keras: train again")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _kind(config: dict[str, Any]) -> tuple[Any, ...]:
    """What the configurations of one architecture have in common."""
    return {*config} >= {"decoder"}, config.get("latent") is None


def _unlike(asked: dict[str, Any], made: Any) -> str:
    """Settings that a checkpoint was made with and that differ, as in "epochs 3, not 5"; "" where none does."""
    if not isinstance(made, dict):
        return "" if asked == made else "all"
    found = []
    for name in sorted({*asked, *made}):
        one, other = asked.get(name), made.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            found.append(_unlike(one, other))
        elif one != other:
            found.append(f"{name.replace('_', ' ')} {other}, not {one}")
    return ", ".join(filter(None, found))


__all__ = ["CHECKPOINT", "check", "restore", "save"]
