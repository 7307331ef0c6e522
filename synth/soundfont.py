"""Soundfonts: where they are found, and whether a file is one.

The format is RIFF with the form type "sfbk" and three lists: INFO, sdta (samples) and pdta (presets)
(Creative Labs, "SoundFont Technical Specification 2.04", 2006, section 4). SF3 files differ only in their samples,
which are Ogg Vorbis.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from theory.errors import SoundfontError

VARIABLE = "CADENZA_SOUNDFONT"

# Best first; the folders of Debian, Fedora and Arch, Homebrew and macOS, Windows.
_NAMES = (
    "FluidR3_GM.sf2",
    "MuseScore_General.sf2",
    "MuseScore_General.sf3",
    "MS Basic.sf3",
    "default-GM.sf2",
    "default-GM.sf3",
    "default.sf2",
)
_FOLDERS = (
    "~/.local/share/soundfonts",
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/Library/Audio/Sounds/Banks",
    "/Library/Audio/Sounds/Banks",
    "C:\\soundfonts",
    "C:\\ProgramData\\soundfonts",
    "C:\\Program Files\\MuseScore 4\\sound",
)
_LISTS = (b"INFO", b"sdta", b"pdta")
# The tables in pdta and the bytes of a row (section 7); each ends with a row that only marks the end.
_TABLES = {
    b"phdr": 38, b"pbag": 4, b"pmod": 10, b"pgen": 4, b"inst": 22, b"ibag": 4, b"imod": 10, b"igen": 4, b"shdr": 46,
}  # fmt: skip


def find_soundfont(choice: str | os.PathLike[str] | None = None) -> Path:
    """The soundfont to play with.

    The caller's choice; else the file that the environment variable CADENZA_SOUNDFONT names; else an installed General
    MIDI soundfont; else TimGM6mb.sf2, which comes with pretty_midi.

    Raises:
        SoundfontError: the file chosen is missing or no soundfont, or there is none at all.
    """
    chosen = choice if choice is not None else os.environ.get(VARIABLE) or None
    if chosen is not None:
        path = Path(chosen).expanduser()
        check(path)
        return path
    for path in _installed():
        try:
            check(path)
        except SoundfontError:
            continue
        return path
    raise SoundfontError(
        f"no soundfont on this machine: name an .sf2 or .sf3 file with {VARIABLE}, or pip install pretty_midi, "
        "which carries one"
    )


def check(path: Path) -> None:
    """Whether a file is a whole SF2 or SF3 soundfont, by its RIFF structure.

    Raises:
        SoundfontError: it is not; the message says why.
    """
    try:
        with path.open("rb") as file:
            fault = _fault(file, path.stat().st_size)
    except FileNotFoundError:
        raise SoundfontError(f"{path}: no such soundfont") from None
    except IsADirectoryError:
        raise SoundfontError(f"{path}: a folder, not a soundfont; name the .sf2 or .sf3 file in it") from None
    except OSError as error:
        reason = "a folder" if path.is_dir() else error.strerror
        raise SoundfontError(f"{path}: cannot be read as a soundfont ({reason})") from None
    if fault:
        raise SoundfontError(f"{path}: {fault}")


def sha256(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file: which soundfont a recording was made with.

    Raises:
        SoundfontError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SoundfontError(f"{path}: cannot be read ({error.strerror})") from None


def _fault(file: BinaryIO, size: int) -> str:
    """What keeps a file from being a soundfont; empty if nothing does."""
    if size == 0:
        return "an empty file, not a soundfont"
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        kind = "a DLS collection" if head[:4] == b"RIFF" and head[8:] == b"DLS " else "another kind of file"
        return f"{kind}, not a soundfont (.sf2 or .sf3)"
    if (promised := int.from_bytes(head[4:8], "little") + 8) > size:
        return f"a truncated soundfont: {size} of {promised} bytes; fetch it again"
    for name in _LISTS:
        head = file.read(12)
        if head[1:5] == b"LIST":  # a pad byte after an odd length, which MuseScore's .sf3 files leave out
            head = head[1:] + file.read(1)
        if head[:4] != b"LIST" or head[8:] != name:
            return f"a damaged soundfont: its {name.decode()} list is missing; fetch it again"
        length = int.from_bytes(head[4:8], "little")
        if file.tell() - 4 + length > size:
            return f"a damaged soundfont: its {name.decode()} list runs past the end; fetch it again"
        body = file.tell()
        file.seek(length - 4, os.SEEK_CUR)
    file.seek(body)
    return _table_fault(file.read(length - 4))


def _table_fault(pdta: bytes) -> str:
    place = 0
    for name, row in _TABLES.items():
        head, length = pdta[place : place + 4], int.from_bytes(pdta[place + 4 : place + 8], "little")
        place += 8 + length
        if head != name or length % row or length < row or place > len(pdta):
            return f"a damaged soundfont: its {name.decode()} table is broken; fetch it again"
    return ""


def find_same(name: str, digest: str) -> Path | None:
    """An installed soundfont of this file name and SHA-256 (hex), or None."""
    return next((path for path in _installed() if path.name == name and sha256(path) == digest), None)


def _installed() -> Iterator[Path]:
    folders = [Path(folder).expanduser() for folder in _FOLDERS]
    yield from (folder / name for name in _NAMES for folder in folders if (folder / name).is_file())
    # Found without importing it: pretty_midi takes a second to load.
    spec = importlib.util.find_spec("pretty_midi")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).with_name("TimGM6mb.sf2")


__all__ = ["VARIABLE", "check", "find_same", "find_soundfont", "sha256"]
