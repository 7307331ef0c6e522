"""What all pictures of a piece share: sheet, heading, bar lines, seconds, and the piano roll."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synth.program import instrument_name
from theory.atomic_file import atomic_path
from theory.errors import DependencyError, RequestError
from theory.score import Score, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
WIDTH = 16.0  # inches
LEFT, RIGHT = 1.15, 0.35  # margins, inches
_HEAD, _FOOT, _GAP, _LEGEND_ROW = 1.08, 0.5, 0.12, 0.27
_LEGEND_COLUMNS = 6

# Told apart by colour-blind readers too; a 13th track starts again.
COLOURS = (
    "#2f6db3", "#d9722e", "#2f9274", "#b83d5f", "#7a5bb0", "#b8921e",
    "#3aa0b8", "#8a5a3c", "#6f8f2f", "#c46aa4", "#5b6b7d", "#d15a4a",
)  # fmt: skip
INK, QUIET, LINE, PAPER = "#22262b", "#737a83", "#c3c7cc", "#ffffff"
_BEAT, _BLACK_KEY = "#e6e8ea", "#f4f5f6"
_BLACK_KEYS = (1, 3, 6, 8, 10)
_NATURALS = dict(zip((0, 2, 4, 5, 7, 9, 11), "CDEFGAB", strict=True))
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)  # seconds between ticks


def checked(path: str | os.PathLike[str]) -> Path:
    """The path of a picture.

    Raises:
        RequestError: it does not end in .png.
    """
    if Path(path).suffix.lower() != ".png":
        raise RequestError(f"{path}: pictures are written as .png")
    return Path(path)


def sheet(score: Score, heights: list[float]) -> tuple[Figure, list[Axes]]:
    """A figure with its heading, and empty panels of these heights in inches, the first on top.

    Raises:
        DependencyError: Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError(f"Matplotlib cannot be loaded ({error}): pip install matplotlib") from None
    head = _HEAD + _LEGEND_ROW * -(-len(score.tracks) // _LEGEND_COLUMNS)
    height = head + sum(heights) + _GAP * (len(heights) - 1) + _FOOT
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER)
    panels = _panels(figure, heights, height - head)
    _draw_heading(figure, score, height)
    return figure, panels


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes with the same Matplotlib.

    Raises:
        OutputError: a place that cannot be written.
    """
    with atomic_path(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})
    return path


def _panels(figure: Figure, heights: list[float], top: float) -> list[Axes]:
    width, height = figure.get_size_inches()
    panels = []
    for inches in heights:
        top -= inches
        box = (LEFT / width, top / height, (width - LEFT - RIGHT) / width, inches / height)
        axes = figure.add_axes(box, facecolor=PAPER)
        axes.tick_params(length=0, colors=QUIET, labelsize=9)
        for spine in axes.spines.values():
            spine.set(color=LINE, linewidth=0.8)
        panels.append(axes)
        top -= _GAP
    return panels


def draw_grid(panels: list[Axes], score: Score, seconds: float) -> None:
    """Bar lines with numbers on top, and beats where there is room for them."""
    bars = score.bar_lines()
    starts = score.seconds(bars)
    pixels = (WIDTH - LEFT - RIGHT) * DPI / seconds * float(starts[-1]) / max(1, len(bars) - 1)  # a bar's mean width
    beats = score.seconds(_beats(score, bars)) if pixels >= 32 else np.empty(0)
    step = next((n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) if n * pixels >= 26), 512)
    first = int(score.pickup)  # the index of bar 1
    for axes in panels:
        across: dict[str, Any] = {"ymin": 0, "ymax": 1, "transform": axes.get_xaxis_transform(), "zorder": 1}
        axes.vlines(beats, colors=_BEAT, linewidth=0.6, **across)
        axes.vlines(starts if pixels >= 5 else (), colors=LINE if step == 1 else _BEAT, linewidth=0.8, **across)
        axes.vlines(starts[first::step], colors=LINE, linewidth=0.8, **across)
    style: dict[str, Any] = {"fontsize": 8.5, "color": QUIET, "ha": "left", "va": "bottom"}
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


def draw_roll(axes: Axes, score: Score, seconds: float) -> None:
    """The notes of all tracks but drums, each in its track's colour, over the keys of a piano."""
    tracks = [(index, track) for index, track in enumerate(score.tracks) if len(track) and not track.is_drum]
    low = min([int(track.pitch.min()) for _, track in tracks] or [60]) - 2
    high = max([int(track.pitch.max()) for _, track in tracks] or [72]) + 2
    middle, reach = (low + high) / 2, max(high - low, 24) / 2  # two octaves at least
    low, high = int(middle - reach), int(middle + reach)
    black = [pitch for pitch in range(low, high + 1) if pitch % 12 in _BLACK_KEYS]
    axes.barh(black, seconds, height=1, color=_BLACK_KEY, linewidth=0, zorder=0)
    octaves = [pitch - 0.5 for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.hlines(octaves, 0, seconds, colors=LINE, linewidth=0.6, zorder=1)
    for index, track in tracks:
        draw_notes(axes, score, track, track.pitch.astype(np.int64), COLOURS[index % len(COLOURS)], seconds)
    axes.set_ylim(low - 0.5, high + 0.5)
    named = _NATURALS if high - low <= 32 else {0: "C", 7: "G"} if high - low <= 56 else {0: "C"}
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in named]
    axes.set_yticks(ticks, [f"{named[pitch % 12]}{pitch // 12 - 1}" for pitch in ticks])


def draw_notes(
    axes: Axes, score: Score, track: Track, rows: NDArray[np.int64], colour: str, seconds: float, least_pixels: int = 2
) -> None:
    """Bars in a row for each note, the louder the fuller."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba_array

    pixel = seconds / ((WIDTH - LEFT - RIGHT) * DPI)
    left = score.seconds(track.onset)
    right = score.seconds(track.onset.astype(np.int64) + track.duration)
    # A pixel of air keeps repeated notes apart.
    right = np.maximum(right - pixel, left + least_pixels * pixel)
    bottom, top = rows - 0.4, rows + 0.4
    corners = np.stack([[left, bottom], [left, top], [right, top], [right, bottom]]).transpose(2, 0, 1)
    faces = np.repeat(to_rgba_array(colour), len(track), axis=0)
    faces[:, 3] = 0.25 + 0.75 * track.velocity / 127
    axes.add_collection(PolyCollection(list(corners), facecolors=faces, edgecolors="none", zorder=3), autolim=False)


def draw_time(panels: list[Axes], seconds: float) -> None:
    """Seconds along the foot of the lowest panel."""
    step = next((step for step in _STEPS if seconds / step <= 20), 10 * _STEPS[-1])
    ticks = np.arange(0, seconds + 1e-9, step)
    for axes in panels:
        axes.set_xlim(0, seconds)
        axes.set_xticks(ticks, [""] * len(ticks))
    panels[-1].set_xticklabels([f"{int(t) // 60}:{int(t) % 60:02d}" if seconds > 90 else f"{t:g} s" for t in ticks])


def _draw_heading(figure: Figure, score: Score, height: float) -> None:
    x = LEFT / WIDTH
    style: dict[str, Any] = {"ha": "left", "va": "baseline", "parse_math": False}
    title = printable(score.title)[:90] or "Untitled"
    figure.text(x, 1 - 0.45 / height, title, fontsize=17, fontweight="bold", color=INK, **style)
    figure.text(x, 1 - 0.74 / height, printable(_facts(score)), fontsize=10.5, color=QUIET, **style)
    left, columns = LEFT, min(_LEGEND_COLUMNS, len(score.tracks))
    width = (WIDTH - LEFT - RIGHT) / _LEGEND_COLUMNS
    for index, track in enumerate(score.tracks):
        row, column = divmod(index, max(columns, 1))
        y = 1 - (1.03 + _LEGEND_ROW * row) / height
        name = printable(track.name) or instrument_name(track.program, track.is_drum)
        spot = (left + column * width) / WIDTH
        figure.text(spot, y, "■", fontsize=11, color=COLOURS[index % len(COLOURS)], **style)
        figure.text(spot + 0.2 / WIDTH, y, _shortened(name), fontsize=9.5, color=INK, **style)


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


def printable(text: str) -> str:
    """One line, with a box for each sign that the font lacks (Matplotlib would warn and draw one too)."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(sign if ord(sign) in known else "□" for sign in " ".join(text.split()))


__all__ = [
    "COLOURS", "DPI", "INK", "LEFT", "LINE", "PAPER", "QUIET", "RIGHT", "WIDTH", "checked", "draw_grid", "draw_notes",
    "draw_roll", "draw_time", "printable", "save", "sheet",
]  # fmt: skip
