"""A piece as files: which ones, where, and written together."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import data
import synth
from composer.piece import Piece, Recipe
from data import midi
from synth.soundfont import find_same
from theory.atomic_file import atomic_paths
from theory.errors import (
    CadenzaError,
    FileFormatError,
    FluidSynthMissingError,
    InputFileError,
    OutputError,
    RequestError,
)
from theory.score import Score

FORMATS = ("mid", "wav", "musicxml", "png", "json")
_WITHOUT_RECIPE = (".wav", ".musicxml", ".png")
# Suffixes that mean a kind of file which is not written; any other suffix is part of a stem, as in "op.1".
_OTHER_SUFFIXES = {
    "abc", "aiff", "flac", "jpeg", "jpg", "krn", "m4a", "midi", "mp3", "mxl", "ogg", "opus", "pdf", "svg", "txt", "xml",
}  # fmt: skip


class Written(NamedTuple):
    """What was written.

    Attributes:
        files: format -> path, in the order of `FORMATS`.
        notes: lines for the user: sound that was turned down.
        seconds: length of the sound with its tail, 0 without sound.
    """

    files: dict[str, Path]
    notes: tuple[str, ...]
    seconds: float


def targets(out: str, formats: Iterable[str] | None) -> dict[str, Path]:
    """The files that `--out` and `--formats` name.

    A name with a known suffix is that file; any other is a stem, to which each format's suffix is added.

    Raises:
        RequestError: an unknown format, a folder, or a file name beside a list of formats.
    """
    if not out.strip():
        raise RequestError("--out is empty: name a file or a stem, as in out/song")
    if re.split(r"[/\\]", out)[-1] in ("", ".", "..") or os.path.isdir(out):
        raise RequestError(f"{out!r} is a folder: name a piece in it, as in {Path(out) / 'song'}")
    wanted = None if formats is None else {name.lower() for name in formats}
    if wanted is not None and (not wanted or wanted - set(FORMATS)):
        unknown = ", ".join(sorted(name or "(empty)" for name in wanted - set(FORMATS))) or "(empty)"
        raise RequestError(f"--formats {unknown}: choose among {', '.join(FORMATS)}")
    suffix = Path(out).suffix.lstrip(".").lower()
    if suffix in _OTHER_SUFFIXES:
        raise RequestError(f"{out}: no piece is written as .{suffix}; choose among {', '.join(FORMATS)}")
    if suffix in FORMATS:
        if wanted not in (None, {suffix}):
            raise RequestError(f"--out {out} already names one file: leave out --formats, or the suffix")
        return {suffix: Path(out)}
    wanted = set(FORMATS) if wanted is None else wanted
    return {name: Path(f"{out}.{name}") for name in FORMATS if name in wanted}


def check_apart(files: dict[str, Path], inputs: Iterable[Path]) -> None:
    """See that no file to be written is one that is read, under whatever name: a user's own file stays.

    Args:
        files: format -> path, as from `targets`.
        inputs: files that a piece is made from.

    Raises:
        RequestError: one is.
    """
    given = [path for path in inputs if os.path.exists(path)]
    for path in filter(os.path.exists, files.values()):
        if any(path.samefile(one) for one in given):
            raise RequestError(f"{path} would be overwritten, and is read for this: give another --out")


def check_writable(files: Iterable[Path]) -> None:
    """See that files can be written, as far as can be known beforehand: nothing is made.

    Raises:
        OutputError: a place is a folder or a device, or its folder lets nothing be written.
    """
    for path in files:
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG  # it will be one
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} cannot be written: {getattr(error, 'strerror', error)}") from None
        if stat.S_ISDIR(mode):
            raise OutputError(f"{path} is a folder: name a file inside it")
        if not stat.S_ISREG(mode):
            raise OutputError(f"{path} is no ordinary file: name another")
        folder = _nearest(path)
        if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
            raise OutputError(f"{path} cannot be written: nothing can be put into {folder}")


def _nearest(path: Path) -> str:
    """Of the folders that a file is in, links followed, the innermost that is there: the next one can be made in it."""
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder


class Sound(NamedTuple):
    """How a piece will be rendered, known before it is composed.

    Attributes:
        files: format -> path, without "wav" where there will be no sound.
        facts: soundfont (name, SHA-256), FluidSynth's version, sample rate; empty without sound.
        notes: why there will be none.
    """

    files: dict[str, Path]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def settle_sound(files: dict[str, Path], soundfont: str | None, *, optional: bool) -> Sound:
    """Find FluidSynth and the soundfont, if sound is among the files.

    Args:
        files: format -> path, as from `targets`.
        soundfont: file to play with; see `synth.find_soundfont`.
        optional: without libfluidsynth leave the sound out of several files and say so, instead of failing.

    Raises:
        FluidSynthMissingError: libfluidsynth is not installed.
        SoundfontError: no soundfont, or a file that is none.
    """
    if "wav" not in files:
        return Sound(files, {}, ())
    try:
        version = synth.fluidsynth_version()
    except FluidSynthMissingError as error:
        if not optional or len(files) == 1:
            raise
        silent = {name: path for name, path in files.items() if name != "wav"}
        return Sound(silent, {}, (f"no sound: {error}",))
    path = synth.find_soundfont(soundfont)
    facts = {
        "soundfont": path.name,
        "sha256": synth.sha256(path),
        "fluidsynth": version,
        "sample_rate": synth.DEFAULT_SAMPLE_RATE,
    }
    return Sound(files, facts, ())


def same_soundfont(recipe: Recipe) -> str | None:
    """The installed soundfont that a recipe was rendered with, if it is here."""
    if not recipe.sound:
        return None
    found = find_same(str(recipe.sound.get("soundfont")), str(recipe.sound.get("sha256")))
    return None if found is None else str(found)


def write_piece(piece: Piece, files: dict[str, Path], soundfont: str | None = None) -> Written:
    """Write a piece in several formats: all files, or none.

    Raises:
        OutputError: a place that cannot be written.
        SoundError: FluidSynth or the soundfont fails.
    """
    with atomic_paths(files) as places:
        audio = _write_score_and_play(piece, places, soundfont)
        gain = synth.write(audio, places["wav"]).gain_db if audio else 0.0
        if "png" in places:
            synth.draw(piece.score, audio, places["png"])
        if "json" in places:
            places["json"].write_text(piece.recipe.to_json() + "\n", encoding="ascii")
    notes = (f"the sound was turned down by {-gain:.1f} dB to stay below full scale",) if gain else ()
    return Written(files, notes, audio.duration if audio else 0.0)


def _write_score_and_play(piece: Piece, places: dict[str, Path], soundfont: str | None) -> synth.Audio | None:
    """Write the score's files while FluidSynth, which leaves Python free, renders the sound."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            play = partial(synth.render, piece.score, soundfont=soundfont, cancelled=stop)
            rendering = pool.submit(play) if "wav" in places else None
            if "mid" in places:
                midi.write(piece.score, places["mid"], private=piece.recipe.to_json())
            if "musicxml" in places:
                data.write(piece.score, places["musicxml"])
            return rendering.result() if rendering else None
        except BaseException:
            stop.set()
            raise


def write(music: Score | Piece, path: str | Path) -> None:
    """Write a score as MIDI or MusicXML, or a piece as `--out` would: a file of any of `FORMATS`, or under a stem all.

    The MIDI file of a piece has its recipe in it, as `cadenza replay` reads it.

    Raises:
        FileFormatError, RequestError: the suffix is none that can be written, or a folder.
        OutputError: the place cannot be written.
        SoundError: a piece's sound is asked for, and FluidSynth or the soundfont fails.
    """
    if not isinstance(path, str | Path):
        raise RequestError(f"{path!r:.40} is no place to write to: give a file or a stem, as in out/song")
    if isinstance(music, Score):
        data.write(music, path)
    elif isinstance(music, Piece):
        sound = settle_sound(targets(str(path), None), None, optional=True)
        write_piece(music.with_sound(sound.facts), sound.files)
    else:
        raise RequestError(f"a {type(music).__name__} cannot be written: give a piece or a score")


def read_recipe(path: Path) -> Recipe:
    """The recipe in a piece's `.json` or `.mid` file.

    Raises:
        InputFileError: the file is missing or cannot be read.
        FileFormatError: there is no recipe in it, or one of another vocabulary.
    """
    if path.suffix.lower() in _WITHOUT_RECIPE:
        raise FileFormatError(f"{path}: a piece's recipe is in its .json and its .mid")
    try:
        if path.suffix.lower() != ".json":
            for text in midi.read_private(path):
                return Recipe.from_json(text)
            raise FileFormatError("there is no Cadenza recipe in it")
        return Recipe.from_json(path.read_text(encoding="utf-8"))
    except FileFormatError as error:
        raise FileFormatError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise FileFormatError(f"{path}: there is no Cadenza recipe in it") from None
    except OSError as error:
        if isinstance(error, CadenzaError):
            raise
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None
