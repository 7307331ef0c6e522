"""Sound files: WAV and FLAC, 24 bits a sample.

Nothing is clipped, and nothing turned down without saying so: a mix or stem above full scale takes mix and stems down
together, by as much as is needed and no more, so that the stems in files still add up to the mix. The same audio gives
the same bytes: integer formats carry no time stamp (libsndfile's PEAK chunk, which does, is for float files only).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synth.renderer import Audio, Samples, peak_of
from theory.atomic_file import atomic_path
from theory.errors import DependencyError, OutputError, RequestError

FORMATS = {".wav": "WAV", ".flac": "FLAC"}
SUBTYPES = {16: "PCM_16", 24: "PCM_24"}

# One step of 24 bits below 1.0, so that no rounding on the way can reach beyond full scale.
_FULL_SCALE = 1 - 2**-23


class Written(NamedTuple):
    """A sound file on disk.

    Attributes:
        path: where.
        gain_db: by how much it was turned to stay below full scale: 0, or negative.
    """

    path: Path
    gain_db: float


def write(audio: Audio, path: str | os.PathLike[str], *, bits: int = 24) -> Written:
    """Write the mix; the suffix chooses WAV or FLAC.

    Raises:
        RequestError: another suffix, or neither 16 nor 24 bits.
        OutputError: a place that cannot be written.
    """
    return _write(audio.samples, audio.sample_rate, Path(path), bits, safe_gain(audio))


def write_stems(
    audio: Audio, names: Sequence[str], stem_path: str | os.PathLike[str], *, bits: int = 24
) -> tuple[Written, ...]:
    """Write one file a stem, with the gain of the mix: "out/song" -> out/song-01-soprano.wav, out/song-02-alto.wav, ...

    Args:
        audio: with its stems.
        names: of the tracks, in their order; anything but letters and digits becomes a hyphen.
        stem_path: start of the files' paths; a suffix .wav or .flac chooses the format, without one it is WAV.
        bits: 16 or 24.

    Raises:
        RequestError: another number of names than of stems, or a format as for `write`.
        OutputError: a place that cannot be written.
    """
    if len(names) != len(audio.stems):
        raise RequestError(f"{len(names)} names for {len(audio.stems)} stems: give one each")
    if not os.fspath(stem_path) or os.fspath(stem_path).endswith(("/", os.sep)):
        raise RequestError(f"{os.fspath(stem_path)!r} names no stem: name one in a folder, as in stems/song")
    start = Path(stem_path)
    suffix = start.suffix if start.suffix.lower() in FORMATS else ".wav"
    base = start.name.removesuffix(start.suffix) if start.suffix.lower() in FORMATS else start.name
    gain = safe_gain(audio)
    paths = [start.with_name(f"{base}-{n:02d}{_slug(name)}{suffix}") for n, name in enumerate(names, start=1)]
    stems = zip(audio.stems, paths, strict=True)
    return tuple(_write(samples, audio.sample_rate, path, bits, gain) for samples, path in stems)


def safe_gain(audio: Audio) -> float:
    """Factor, at most 1, that brings the mix and every stem to full scale or below."""
    peak = max(map(peak_of, (audio.samples, *audio.stems)))
    return _FULL_SCALE / peak if peak > 1 else 1.0


def _write(samples: Samples, sample_rate: int, path: Path, bits: int, gain: float) -> Written:
    format_name = FORMATS.get(path.suffix.lower())
    if format_name is None:
        raise RequestError(f"{path}: sound is written as {' or '.join(FORMATS)}; name one of them")
    if bits not in SUBTYPES:
        raise RequestError(f"{bits} bits a sample: must be one of {', '.join(map(str, SUBTYPES))}")
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise DependencyError(f"soundfile cannot be loaded ({error}): pip install soundfile") from None
    scaled = samples if gain == 1 else samples * np.float32(gain)
    with atomic_path(path) as beside:
        try:
            beside.touch()  # libsndfile does not say why it cannot make a file
            soundfile.write(beside, scaled, sample_rate, subtype=SUBTYPES[bits], format=format_name)
        except soundfile.LibsndfileError as error:
            raise OutputError(f"{path}: cannot be written ({error.error_string.strip().rstrip('.')})") from None
    return Written(path, 20 * math.log10(gain))


def _slug(name: str) -> str:
    words = re.sub(r"[\W_]+", "-", name.lower()).strip("-")[:40].strip("-")
    return f"-{words}" if words else ""


__all__ = ["FORMATS", "SUBTYPES", "Written", "safe_gain", "write", "write_stems"]
