"""Statistics of a data set as small pictures (SVG), drawn with matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.ingest.tally import STEPS_PER_QUARTER

Counts = Mapping[str, int]

_INK, _FAINT = "#2f6f8f", "#dddddd"
_SIZE = (5.2, 2.6)  # inches
_MOST_BARS = 16  # of names; the rest is summed up
_FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe",
    "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip  # General MIDI's, eight programs each
_VALUES = ("1/32", "1/16", "1/12", "1/8", "1/6", "3/16", "1/4", "3/8", "1/2", "3/4", "1")  # of a whole note


def drawn(statistics: Mapping[str, Counts]) -> Iterator[tuple[str, bytes]]:
    """Pictures of what there are numbers of: title and SVG."""
    for table, (title, unit, draw) in _PICTURES.items():
        if counts := statistics.get(table):
            yield title, _svg(title, unit, draw, counts)


def _svg(title: str, unit: str, draw: Any, counts: Counts) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.family": "sans-serif"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_title(title, fontsize=11, loc="left")
        axes.set_ylabel(unit, fontsize=9)
        axes.tick_params(labelsize=8, length=2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=_FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        draw(axes, counts)
        axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep="", places=None))
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def _numbers(counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([int(entry) for entry in counts]), np.array(list(counts.values()))


def _by_pitch(axes: Any, counts: Counts) -> None:
    values, numbers = _numbers(counts)
    axes.bar(values, numbers, width=0.9, color=_INK)
    ticks = np.arange(0, 128, 12)
    shown = ticks[(ticks >= values.min() - 6) & (ticks <= values.max() + 6)]
    axes.set_xticks(shown, [f"C{tick // 12 - 1}" for tick in shown])


def _by_name(axes: Any, counts: Counts) -> None:
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    shown, rest = rows[:_MOST_BARS], sum(number for _, number in rows[_MOST_BARS:])
    shown += [("others", rest)] if rest else []
    _bars(axes, [name for name, _ in shown], [number for _, number in shown])


def _by_family(axes: Any, counts: Counts) -> None:
    families: dict[str, int] = {}
    for program, number in counts.items():
        name = "drums" if program == "drums" else _FAMILIES[int(program) // 8]
        families[name] = families.get(name, 0) + number
    _by_name(axes, families)


def _by_value(axes: Any, counts: Counts) -> None:
    """Note values; those that have no common name are between their neighbours."""
    values, numbers = _numbers(counts)
    wholes = [float(Fraction(name)) * 4 * STEPS_PER_QUARTER for name in _VALUES]
    names, heights, last = [], [], 0.0
    for name, steps in zip(_VALUES, wholes, strict=True):
        between, here = (values > last) & (values < steps), values == steps
        names += ["", name]
        heights += [int(numbers[between].sum()), int(numbers[here].sum())]
        last = steps
    names.append(">")
    heights.append(int(numbers[values > last].sum()))
    axes.bar(range(len(heights)), heights, width=0.9, color=[_INK if name else "#9cc0d0" for name in names])
    axes.set_xticks([place for place, name in enumerate(names) if name], [name for name in names if name])
    axes.set_xlabel("of a whole note (pale: between two; >: longer)", fontsize=9)


def _by_size(axes: Any, counts: Counts) -> None:
    """A histogram on a logarithmic axis."""
    values, numbers = _numbers(counts)
    values = np.maximum(values, 1)
    edges = np.unique(np.geomspace(values.min() * 0.95, values.max() * 1.05, 33))
    axes.hist(values, bins=edges, weights=numbers, color=_INK, rwidth=0.92)
    axes.set_xscale("log")
    steps = (1, 2, 5) if edges[-1] < 50 * edges[0] else (1, 3) if edges[-1] < 5_000 * edges[0] else (1,)
    ticks = [step * 10**power for power in range(8) for step in steps]
    shown = [tick for tick in ticks if edges[0] <= tick <= edges[-1]] or [int(values[0])]
    axes.set_xticks(shown, [f"{tick:,}" for tick in shown])
    axes.set_xticks([], minor=True)


def _by_number(axes: Any, counts: Counts) -> None:
    values, numbers = _numbers(counts)
    most = 24
    heights = [int(numbers[values == value].sum()) for value in range(1, most)] + [int(numbers[values >= most].sum())]
    while len(heights) > 1 and not heights[-1]:
        heights.pop()
    _bars(axes, [str(n) if n < most else f"{most}+" for n in range(1, len(heights) + 1)], heights, turned=False)


def _by_tempo(axes: Any, counts: Counts) -> None:
    values, numbers = _numbers(counts)
    axes.hist(np.minimum(values, 299), bins=np.arange(0, 310, 10), weights=numbers, color=_INK, rwidth=0.92)
    axes.set_xlabel("quarters a minute", fontsize=9)


def _bars(axes: Any, names: list[str], heights: list[int], turned: bool = True) -> None:
    axes.bar(range(len(names)), heights, width=0.8, color=_INK)
    turn: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks(range(len(names)), names, **turn)


_PICTURES: dict[str, tuple[str, str, Any]] = {
    "pitches": ("Pitches", "notes", _by_pitch),
    "durations": ("Note values", "notes", _by_value),
    "meters": ("Meters", "bars", _by_name),
    "keys": ("Keys", "pieces", _by_name),
    "chords": ("Chords by quality", "chords", _by_name),
    "programs": ("Instruments", "tracks", _by_family),
    "tracks": ("Tracks with notes", "pieces", _by_number),
    "tempos": ("Tempos", "pieces", _by_tempo),
    "seconds": ("Length in seconds", "pieces", _by_size),
    "bars": ("Length in bars", "pieces", _by_size),
    "notes": ("Length in notes", "pieces", _by_size),
    "tokens": ("Length in tokens", "pieces", _by_size),
}

__all__ = ["drawn"]
