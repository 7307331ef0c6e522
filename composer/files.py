"""A piece as files: which ones, where, and written together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import data
import synth
from composer.piece import Piece, Recipe
from data import midi
from theory.atomic_file import atomic_paths
from theory.errors import CadenzaError, FileFormatError, FluidSynthMissingError, InputFileError, RequestError

FORMATS = ("mid", "wav", "musicxml", "png", "json")


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
    if not out or out.endswith(("/", "\\")) or os.path.isdir(out):
        raise RequestError(f"{out or '(empty)'!r} is a folder: name a piece in it, as in {Path(out or 'out') / 'song'}")
    suffix = Path(out).suffix.lstrip(".").lower()
    if suffix in FORMATS:
        if formats is not None:
            raise RequestError(f"--out {out} already names one file: leave out --formats, or the suffix")
        return {suffix: Path(out)}
    wanted = set(FORMATS if formats is None else formats)
    unknown = sorted(wanted - set(FORMATS))
    if unknown or not wanted:
        raise RequestError(f"no format is called {', '.join(unknown)}: choose among {', '.join(FORMATS)}")
    return {name: Path(f"{out}.{name}") for name in FORMATS if name in wanted}


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


def write_piece(piece: Piece, files: dict[str, Path], soundfont: str | None = None) -> Written:
    """Write a piece in several formats: all files, or none.

    Raises:
        OutputError: a place that cannot be written.
        SoundError: FluidSynth or the soundfont fails.
    """
    with atomic_paths(files) as places, ThreadPoolExecutor(max_workers=1) as pool:
        # FluidSynth leaves Python free: the sound is rendered while the score is written.
        rendering = pool.submit(synth.render, piece.score, soundfont=soundfont) if "wav" in places else None
        if "mid" in places:
            midi.write(piece.score, places["mid"], private=piece.recipe.to_json())
        if "musicxml" in places:
            data.write(piece.score, places["musicxml"])
        audio = rendering.result() if rendering else None
        gain = synth.write(audio, places["wav"]).gain_db if audio else 0.0
        if "png" in places:
            synth.draw(piece.score, audio, places["png"])
        if "json" in places:
            places["json"].write_text(piece.recipe.to_json() + "\n", encoding="ascii")
    notes = (f"the sound was turned down by {-gain:.1f} dB to stay below full scale",) if gain else ()
    return Written(files, notes, audio.duration if audio else 0.0)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a piece's `.json` or `.mid` file.

    Raises:
        InputFileError: the file is missing or cannot be read.
        FileFormatError: there is no recipe in it, or one of another vocabulary.
    """
    try:
        if path.suffix.lower() != ".json":
            for text in midi.read_private(path):
                return Recipe.from_json(text)
            raise FileFormatError("there is no Cadenza recipe in it")
        return Recipe.from_json(path.read_text(encoding="utf-8"))
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise FileFormatError(f"{path}: there is no Cadenza recipe in it") from None
    except OSError as error:
        if isinstance(error, CadenzaError):
            raise
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None
