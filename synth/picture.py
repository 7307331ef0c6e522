"""A picture of a piece: a piano roll over its waveform, on one time axis in seconds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synth.program import drum_name, instrument_name
from synth.renderer import Audio
from theory.atomic_file import atomic_path
from theory.errors import DependencyError, RequestError
from theory.score import Score, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
WIDTH = 16.0  # inches
_LEFT, _RIGHT = 1.15, 0.35  # margins, inches
_HEAD, _FOOT, _GAP, _LEGEND_ROW = 1.08, 0.5, 0.12, 0.27
_ROLL, _WAVE, _DRUM_ROW = 5.6, 1.7, 0.19
_LEGEND_COLUMNS = 6

# Told apart by colour-blind readers too; a 13th track starts again.
COLOURS = (
    "#2f6db3", "#d9722e", "#2f9274", "#b83d5f", "#7a5bb0", "#b8921e",
    "#3aa0b8", "#8a5a3c", "#6f8f2f", "#c46aa4", "#5b6b7d", "#d15a4a",
)  # fmt: skip
_INK, _QUIET, _LINE, _BEAT, _PAPER, _BLACK_KEY = "#22262b", "#737a83", "#c3c7cc", "#e6e8ea", "#ffffff", "#f4f5f6"
_WAVE_COLOUR, _LOUDNESS_COLOUR = "#a9b4c2", "#5d6f86"
_BLACK_KEYS = (1, 3, 6, 8, 10)
_NATURALS = dict(zip((0, 2, 4, 5, 7, 9, 11), "CDEFGAB", strict=True))
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)  # seconds between ticks


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
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise RequestError(f"{path}: pictures are written as .png")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError(f"Matplotlib cannot be loaded ({error}): pip install matplotlib") from None
    drums = _drum_rows(score)
    only_drums = bool(drums) and not any(len(track) for track in score.tracks if not track.is_drum)
    drum_panel = [0.25 + _DRUM_ROW * len(drums)] if drums else []
    heights = [_ROLL] * (not only_drums) + drum_panel + [_WAVE] * (audio is not None)
    head = _HEAD + _LEGEND_ROW * -(-len(score.tracks) // _LEGEND_COLUMNS)
    height = head + sum(heights) + _GAP * (len(heights) - 1) + _FOOT
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=_PAPER)
    panels = _panels(figure, heights, height - head)
    seconds = _length(score, audio)
    _draw_grid(panels, score, seconds)
    if not only_drums:
        _draw_roll(panels[0], score, seconds)
    if drums:
        _draw_drums(panels[0 if only_drums else 1], score, drums, seconds)
    if audio is not None:
        _draw_wave(panels[-1], audio, seconds)
    _draw_time(panels, seconds)
    _draw_heading(figure, score, height)
    with atomic_path(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})
    return path


def _length(score: Score, audio: Audio | None) -> float:
    last_bar = float(score.seconds(score.bar_lines()[-1]))
    return max(last_bar, audio.duration if audio is not None else 0, 1.0)


def _panels(figure: Figure, heights: list[float], top: float) -> list[Axes]:
    width, height = figure.get_size_inches()
    panels = []
    for inches in heights:
        top -= inches
        box = (_LEFT / width, top / height, (width - _LEFT - _RIGHT) / width, inches / height)
        axes = figure.add_axes(box, facecolor=_PAPER)
        axes.tick_params(length=0, colors=_QUIET, labelsize=9)
        for spine in axes.spines.values():
            spine.set(color=_LINE, linewidth=0.8)
        panels.append(axes)
        top -= _GAP
    return panels


def _draw_grid(panels: list[Axes], score: Score, seconds: float) -> None:
    """Bar lines with numbers on top, and beats where there is room for them."""
    bars = score.bar_lines()
    starts = score.seconds(bars)
    pixels = (WIDTH - _LEFT - _RIGHT) * DPI / seconds * float(starts[-1]) / max(1, len(bars) - 1)  # a bar's mean width
    beats = score.seconds(_beats(score, bars)) if pixels >= 32 else np.empty(0)
    step = next((n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) if n * pixels >= 26), 512)
    first = int(score.pickup)  # the index of bar 1
    for axes in panels:
        across: dict[str, Any] = {"ymin": 0, "ymax": 1, "transform": axes.get_xaxis_transform(), "zorder": 1}
        axes.vlines(beats, colors=_BEAT, linewidth=0.6, **across)
        axes.vlines(starts if pixels >= 5 else (), colors=_LINE if step == 1 else _BEAT, linewidth=0.8, **across)
        axes.vlines(starts[first::step], colors=_LINE, linewidth=0.8, **across)
    style: dict[str, Any] = {"fontsize": 8.5, "color": _QUIET, "ha": "left", "va": "bottom"}
    for index in range(first, len(bars) - 1, step):
        x = float(starts[index]) / seconds
        panels[0].text(x, 1.008, str(index + 1 - first), transform=panels[0].transAxes, **style)


def _beats(score: Score, bars: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ticks of the beats inside bars."""
    changes = np.array([event.tick for event in score.meters])
    events = np.searchsorted(changes, bars[:-1], side="right") - 1
    lengths = [event.meter.beat_quarters * score.ticks_per_quarter for event in score.meters]
    inside = [
        round(int(start) + n * lengths[event])
        for start, stop, event in zip(bars[:-1], bars[1:], events, strict=True)
        for n in range(1, -(-int(stop - start) // lengths[event]))
    ]
    return np.array(inside, dtype=np.int64)


def _draw_roll(axes: Axes, score: Score, seconds: float) -> None:
    tracks = [(index, track) for index, track in enumerate(score.tracks) if len(track) and not track.is_drum]
    low = min([int(track.pitch.min()) for _, track in tracks] or [60]) - 2
    high = max([int(track.pitch.max()) for _, track in tracks] or [72]) + 2
    middle, reach = (low + high) / 2, max(high - low, 24) / 2  # two octaves at least
    low, high = int(middle - reach), int(middle + reach)
    black = [pitch for pitch in range(low, high + 1) if pitch % 12 in _BLACK_KEYS]
    axes.barh(black, seconds, height=1, color=_BLACK_KEY, linewidth=0, zorder=0)
    octaves = [pitch - 0.5 for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.hlines(octaves, 0, seconds, colors=_LINE, linewidth=0.6, zorder=1)
    for index, track in tracks:
        _draw_notes(axes, score, track, track.pitch.astype(np.int64), COLOURS[index % len(COLOURS)], seconds)
    axes.set_ylim(low - 0.5, high + 0.5)
    named = _NATURALS if high - low <= 32 else {0: "C", 7: "G"} if high - low <= 56 else {0: "C"}
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in named]
    axes.set_yticks(ticks, [f"{named[pitch % 12]}{pitch // 12 - 1}" for pitch in ticks])


def _drum_rows(score: Score) -> list[int]:
    """Drums that sound, the lowest first."""
    return sorted({int(pitch) for track in score.tracks if track.is_drum for pitch in np.unique(track.pitch)})


def _draw_drums(axes: Axes, score: Score, rows: list[int], seconds: float) -> None:
    for index, track in enumerate(score.tracks):
        if track.is_drum and len(track):
            # A stroke has no length worth showing.
            strokes = Track(track.onset, np.ones_like(track.onset), track.pitch, track.velocity)
            row = np.searchsorted(rows, strokes.pitch)
            _draw_notes(axes, score, strokes, row, COLOURS[index % len(COLOURS)], seconds, least_pixels=3)
    axes.set_ylim(-0.9, len(rows) - 0.1)
    axes.set_yticks(range(len(rows)), [drum_name(pitch) for pitch in rows], fontsize=7.5)


def _draw_notes(
    axes: Axes, score: Score, track: Track, rows: NDArray[np.int64], colour: str, seconds: float, least_pixels: int = 2
) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba_array

    pixel = seconds / ((WIDTH - _LEFT - _RIGHT) * DPI)
    left = score.seconds(track.onset)
    right = score.seconds(track.onset.astype(np.int64) + track.duration)
    # A pixel of air keeps repeated notes apart.
    right = np.maximum(right - pixel, left + least_pixels * pixel)
    bottom, top = rows - 0.4, rows + 0.4
    corners = np.stack([[left, bottom], [left, top], [right, top], [right, bottom]]).transpose(2, 0, 1)
    faces = np.repeat(to_rgba_array(colour), len(track), axis=0)
    faces[:, 3] = 0.25 + 0.75 * track.velocity / 127
    axes.add_collection(PolyCollection(list(corners), facecolors=faces, edgecolors="none", zorder=3), autolim=False)


def _draw_wave(axes: Axes, audio: Audio, seconds: float) -> None:
    pixels = round((WIDTH - _LEFT - _RIGHT) * DPI * audio.duration / seconds)
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
    axes.text(0.995, 0.95, peak, transform=axes.transAxes, ha="right", va="top", fontsize=8.5, color=_QUIET, zorder=5)


def _draw_time(panels: list[Axes], seconds: float) -> None:
    step = next((step for step in _STEPS if seconds / step <= 20), 10 * _STEPS[-1])
    ticks = np.arange(0, seconds + 1e-9, step)
    for axes in panels:
        axes.set_xlim(0, seconds)
        axes.set_xticks(ticks, [""] * len(ticks))
    panels[-1].set_xticklabels([f"{int(t) // 60}:{int(t) % 60:02d}" if seconds > 90 else f"{t:g} s" for t in ticks])


def _draw_heading(figure: Figure, score: Score, height: float) -> None:
    x = _LEFT / WIDTH
    style: dict[str, Any] = {"ha": "left", "va": "baseline", "parse_math": False}
    title = _printable(score.title)[:90] or "Untitled"
    figure.text(x, 1 - 0.45 / height, title, fontsize=17, fontweight="bold", color=_INK, **style)
    figure.text(x, 1 - 0.74 / height, _printable(_facts(score)), fontsize=10.5, color=_QUIET, **style)
    left, columns = _LEFT, min(_LEGEND_COLUMNS, len(score.tracks))
    width = (WIDTH - _LEFT - _RIGHT) / _LEGEND_COLUMNS
    for index, track in enumerate(score.tracks):
        row, column = divmod(index, max(columns, 1))
        y = 1 - (1.03 + _LEGEND_ROW * row) / height
        name = _printable(track.name) or instrument_name(track.program, track.is_drum)
        spot = (left + column * width) / WIDTH
        figure.text(spot, y, "■", fontsize=11, color=COLOURS[index % len(COLOURS)], **style)
        figure.text(spot + 0.2 / WIDTH, y, _shortened(name), fontsize=9.5, color=_INK, **style)


def _facts(score: Score) -> str:
    keys = list(dict.fromkeys(str(event.key) for event in score.keys))
    meters = list(dict.fromkeys(str(event.meter) for event in score.meters))
    tempos = sorted({round(event.bpm) for event in score.tempos})
    tempo = f"♩ = {tempos[0]}" + (f" to {tempos[-1]}" if len(tempos) > 1 else "")
    bars = f"{score.bars} bar{'s' * (score.bars != 1)}"
    length = f"{int(score.duration) // 60}:{int(score.duration) % 60:02d}"
    return "   ·   ".join(filter(None, [_some(keys), _some(meters), tempo, bars, length]))


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _shortened(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"


def _printable(text: str) -> str:
    """One line, with a box for each sign that the font lacks (Matplotlib would warn and draw one too)."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(sign if ord(sign) in known else "□" for sign in " ".join(text.split()))


__all__ = ["COLOURS", "DPI", "WIDTH", "draw"]
