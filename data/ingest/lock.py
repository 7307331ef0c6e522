"""One run at a time in a folder: a lock that the operating system drops when its holder ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from theory.atomic_file import make_folder
from theory.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = "lock"


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is missing and may be gone afterwards.

    Args:
        folder: where the lock file stands.
        what: the lock is for, for the message.

    Raises:
        OutputError: another process holds it, or the folder cannot be written.
    """
    file = _locked(folder / NAME, what)
    try:
        yield
    finally:
        os.close(file)


def _locked(path: Path, what: str) -> int:
    while True:
        make_folder(path.parent)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # another run has just taken its folder away
            continue
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from None
        try:
            _lock(file)
            if _is_there(file, path):
                return file
        except BlockingIOError:
            os.close(file)
            raise OutputError(f"{what} is being made by another run: wait for it, or choose another place") from None
        os.close(file)


def _lock(file: int) -> None:
    """Lock a file, or raise BlockingIOError; file systems that know no locks are trusted."""
    if fcntl is None:
        _lock_on_windows(file)
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass


def _lock_on_windows(file: int) -> None:
    import msvcrt

    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        raise BlockingIOError from None


def _is_there(file: int, path: Path) -> bool:
    """Whether an open file still stands at its path: who held it before may have taken it away."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


__all__ = ["NAME", "alone"]
