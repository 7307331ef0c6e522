"""Pieces as sound: all in one tempo, with the same dynamics and as loud as each other, whoever wrote them."""

from __future__ import annotations

import io
import tempfile
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import synth
from composer import phrasing
from composer.evaluation.loudness import loudness
from composer.style import Style
from data import midi
from theory.errors import DependencyError, OutputError
from theory.event import TempoEvent
from theory.score import Score

TARGET = -20.0  # LUFS
_HEADROOM = 0.891  # -1 dB below full scale: what encoders add
_FORMATS = (("MP3", "MPEG_LAYER_III", ".mp3", "audio/mpeg"), ("FLAC", "PCM_16", ".flac", "audio/flac"))

Samples = NDArray[np.float32]


class Clip(NamedTuple):
    """A piece that can be heard.

    Attributes:
        data: of the sound file.
        mime: of it, as in "audio/mpeg".
        suffix: of it, as in ".mp3".
        seconds: how long it is.
    """

    data: bytes
    mime: str
    suffix: str
    seconds: float


def played(score: Score, style: Style) -> Score:
    """The score as it will sound: in the style's tempo, with dynamics of its phrases."""
    return phrasing.shape(score.replace(tempos=(TempoEvent.from_bpm(0, style.tempo),)))


def rendered(score: Score, style: Style, sample_rate: int, soundfont: str | None = None) -> Samples:
    """Its sound, float32 (frames, 2), at `TARGET`; softer where that would exceed full scale.

    Raises:
        SoundError: FluidSynth or the soundfont fails.
    """
    samples = synth.render(played(score, style), soundfont=soundfont, sample_rate=sample_rate).samples
    level = loudness(samples, sample_rate)
    gain = 10 ** ((TARGET - level) / 20) if isfinite(level) else 1.0
    peak = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(min(gain, _HEADROOM / peak) if peak else gain)


def encoded(samples: Samples, sample_rate: int) -> Clip:
    """The sound as every browser plays it: MP3, or FLAC where that cannot be written. The same sound, the same bytes.

    Raises:
        DependencyError: soundfile cannot be loaded.
        OutputError: neither can be written.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise DependencyError(f"soundfile cannot be loaded ({error}): pip install soundfile") from None
    for name, subtype, suffix, mime in _FORMATS:
        if soundfile.check_format(name, subtype):
            buffer = io.BytesIO()
            soundfile.write(buffer, samples, sample_rate, format=name, subtype=subtype)
            return Clip(buffer.getvalue(), mime, suffix, len(samples) / sample_rate)
    raise OutputError("soundfile writes neither MP3 nor FLAC here: pip install --upgrade soundfile")


def midi_bytes(score: Score, style: Style) -> bytes:
    """The piece as a MIDI file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.mid"
        midi.write(played(score, style), path)
        return path.read_bytes()


__all__ = ["TARGET", "Clip", "encoded", "midi_bytes", "played", "rendered"]
