"""A picture of a piece: a piano roll over its waveform, on one time axis in seconds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synth.canvas import (
    COLOURS,
    DPI,
    LEFT,
    QUIET,
    RIGHT,
    WIDTH,
    checked,
    draw_grid,
    draw_notes,
    draw_roll,
    draw_time,
    save,
    sheet,
)
from synth.program import drum_name
from synth.renderer import Audio
from theory.score import Score, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROLL, _WAVE, _DRUM_ROW = 5.6, 1.7, 0.19  # inches
_WAVE_COLOUR, _LOUDNESS_COLOUR = "#a9b4c2", "#5d6f86"


def draw(score: Score, audio: Audio | None, path: str | os.PathLike[str]) -> Path:
    """Draw a score, and its sound if given, as a PNG.

    Notes are bars in their track's colour, the louder the fuller; drums have rows of their own. Bars are numbered from
    1, not counting an upbeat. The waveform shows the lowest and highest sample of every pixel and, darker, its RMS. The
    picture is 1,600 pixels wide; the same input gives the same bytes with the same Matplotlib.

    Returns:
        The path written.

    Raises:
        RequestError: a path that does not end in .png.
        MeterError: a bar of the score is no whole number of ticks.
        OutputError: a place that cannot be written.
        DependencyError: Matplotlib is not installed.
    """
    path = checked(path)
    drums = _drum_rows(score)
    only_drums = bool(drums) and not any(len(track) for track in score.tracks if not track.is_drum)
    drum_panel = [0.25 + _DRUM_ROW * len(drums)] if drums else []
    heights = [_ROLL] * (not only_drums) + drum_panel + [_WAVE] * (audio is not None)
    figure, panels = sheet(score, heights)
    seconds = _length(score, audio)
    draw_grid(panels, score, seconds)
    if not only_drums:
        draw_roll(panels[0], score, seconds)
    if drums:
        _draw_drums(panels[0 if only_drums else 1], score, drums, seconds)
    if audio is not None:
        _draw_wave(panels[-1], audio, seconds)
    draw_time(panels, seconds)
    return save(figure, path)


def _length(score: Score, audio: Audio | None) -> float:
    last_bar = float(score.seconds(score.bar_lines()[-1]))
    return max(last_bar, audio.duration if audio is not None else 0, 1.0)


def _drum_rows(score: Score) -> list[int]:
    """Drums that sound, the lowest first."""
    return sorted({int(pitch) for track in score.tracks if track.is_drum for pitch in np.unique(track.pitch)})


def _draw_drums(axes: Axes, score: Score, rows: list[int], seconds: float) -> None:
    for index, track in enumerate(score.tracks):
        if track.is_drum and len(track):
            # A stroke has no length worth showing.
            strokes = Track(track.onset, np.ones_like(track.onset), track.pitch, track.velocity)
            row = np.searchsorted(rows, strokes.pitch)
            draw_notes(axes, score, strokes, row, COLOURS[index % len(COLOURS)], seconds, least_pixels=3)
    axes.set_ylim(-0.9, len(rows) - 0.1)
    axes.set_yticks(range(len(rows)), [drum_name(pitch) for pitch in rows], fontsize=7.5)


def _draw_wave(axes: Axes, audio: Audio, seconds: float) -> None:
    pixels = round((WIDTH - LEFT - RIGHT) * DPI * audio.duration / seconds)
    edges = np.unique(np.linspace(0, len(audio.samples), max(pixels, 1) + 1).astype(np.int64))
    if len(edges) > 1:
        time = (edges[:-1] + edges[1:]) / 2 / audio.sample_rate
        highest = np.maximum.reduceat(audio.samples.max(axis=1), edges[:-1])
        lowest = np.minimum.reduceat(audio.samples.min(axis=1), edges[:-1])
        power = np.add.reduceat(np.square(audio.samples).mean(axis=1), edges[:-1]) / np.diff(edges)
        loudness = np.sqrt(power)
        axes.fill_between(time, lowest, highest, color=_WAVE_COLOUR, linewidth=0.4, zorder=3)
        axes.fill_between(time, -loudness, loudness, color=_LOUDNESS_COLOUR, linewidth=0, zorder=4)
    reach = 1.15 * max(float(np.abs(audio.samples).max(initial=0)), 1e-3)
    axes.set_ylim(-reach, reach)
    axes.set_yticks([])
    peak = f"peak {audio.peak_dbfs:.1f} dBFS".replace("-", "−")
    axes.text(0.995, 0.95, peak, transform=axes.transAxes, ha="right", va="top", fontsize=8.5, color=QUIET, zorder=5)


__all__ = ["COLOURS", "DPI", "WIDTH", "draw"]
