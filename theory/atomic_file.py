"""The one way a file is written: beside its place, then moved there whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from theory.errors import CadenzaError, OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of `path` and with its suffix; what is written there becomes `path` at the end.

    Missing folders are made. When the block raises, the temporary file goes and a file that stood at `path` stays as
    it was. A link is followed, so that its target is replaced.

    Raises:
        OutputError: the place is a folder or a device, cannot be written, is full, or nothing was written.
    """
    target = _target(path)
    temporary = target.with_name(f".cadenza-{secrets.token_hex(6)}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        if isinstance(error, OutputError):  # from a writer inside the block, which knows only the temporary name
            raise OutputError(str(error).replace(str(temporary), str(path))) from None
        if isinstance(error, CadenzaError):
            raise
        raise OutputError(f"{path} cannot be written: {_reason(error, temporary)}") from error
    finally:
        _remove(temporary)


@contextmanager
def atomic_paths(paths: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """Several files as one: temporary paths under the same names, moved to their places only when all are written.

    Raises:
        OutputError: as `atomic_path`.
    """
    with ExitStack() as stack:
        yield {name: stack.enter_context(atomic_path(path)) for name, path in paths.items()}


def make_folder(path: str | Path) -> None:
    """Make a folder, and its parents, that files can be written into.

    Raises:
        OutputError: it cannot be made or written, or a file stands there.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        probe = Path(path) / f".cadenza-{secrets.token_hex(6)}"
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be a folder to write to: {getattr(error, 'strerror', error)}") from None


def _target(path: str | Path) -> Path:
    text = os.fspath(path)
    if not text or "\0" in text:
        raise OutputError(f"{text!r} is no file name")
    if text.endswith(("/", os.sep)) or os.path.isdir(text):
        raise OutputError(f"{text} is a folder: name a file inside it")
    if os.path.exists(text) and not os.path.isfile(text):
        raise OutputError(f"{text} is no ordinary file: name another")
    return Path(os.path.realpath(text))


def _reason(error: OSError, temporary: Path) -> str:
    if isinstance(error, FileNotFoundError) and error.filename == str(temporary):
        return "nothing was written"
    where = f" ({error.filename})" if error.filename not in (None, str(temporary)) else ""
    return (error.strerror or str(error)) + where


def _remove(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:  # its folder could not be made or entered: nothing was written there
        return


__all__ = ["atomic_path", "atomic_paths", "make_folder"]
