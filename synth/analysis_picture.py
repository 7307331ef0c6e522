"""A picture of an analysis: keys, chords, numerals, phrases and confidences under the piano roll."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synth.canvas import (
    DPI,
    INK,
    LEFT,
    PAPER,
    QUIET,
    RIGHT,
    WIDTH,
    checked,
    draw_grid,
    draw_roll,
    draw_time,
    save,
    sheet,
)
from theory.analysis import Analysis, ChordRegion, KeyRegion
from theory.chord import QUALITIES
from theory.pitch import name_of, pitch_class_of
from theory.score import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROLL = 4.2  # inches
_LANES = {"keys": 0.34, "chords": 0.78, "numerals": 0.66, "phrases": 0.34, "confidence": 0.8}  # inches
# From Db to F# by fifths: once round the wheel of hues.
_ROOTS = range(-5, 7)
_MAJOR_SHADE, _MINOR_SHADE, _OTHER_SHADE = (0.86, 0.10), (0.73, 0.10), (0.80, 0.04)  # lightness and chroma (OKLCH)
_FIRST_HUE = 0.5  # of C, radians
_PLAIN = "#eceef0"
_CHORDS_COLOUR = "#b9c3cf"
_FAINTEST = 0.3  # share of the colour in the paper's white where confidence is 0
_LETTER, _LINE_HEIGHT = 7.3, 12  # pixels that a letter takes, and a line
_SHORT = {
    "perfect": "PAC", "imperfect": "IAC", "half": "HC", "plagal": "PC", "deceptive": "DC", "phrygian": "Phr.",
}  # fmt: skip


class _Box(NamedTuple):
    """A stretch of a lane: from and to (seconds), what it says (the first of these that fits), colour and certainty."""

    start: float
    stop: float
    texts: tuple[str, ...]
    colour: Any
    certainty: float = 1.0


def draw(score: Score, analysis: Analysis, path: str | os.PathLike[str]) -> Path:
    """Draw an analysis over time as a PNG, 1,600 pixels wide.

    Keys and chords are boxes in the colour of their tonic or root (the circle of fifths is the wheel of hues; minor is
    darker, what is neither is greyer), the paler the less certain. Phrases are lines that end with the name of their
    cadence. Names stand where there is room for them. The same input gives the same bytes with the same Matplotlib.

    Args:
        score: any; drums are not drawn.
        analysis: of this score.
        path: ends in .png.

    Returns:
        The path written.

    Raises:
        RequestError: a path that does not end in .png.
        MeterError: a bar of the score is no whole number of ticks.
        OutputError: a place that cannot be written.
        DependencyError: Matplotlib is not installed.
    """
    path = checked(path)
    figure, panels = sheet(score, [_ROLL, *_LANES.values()])
    seconds = max(float(score.seconds(score.bar_lines()[-1])), 1.0)
    draw_grid(panels, score, seconds)
    draw_roll(panels[0], score, seconds)
    keys, chords, numerals, phrases, confidence = panels[1:]
    _draw_boxes(keys, _key_boxes(score, analysis.keys), seconds, _LANES["keys"] * DPI)
    _draw_boxes(chords, _chord_boxes(score, analysis.chords), seconds, _LANES["chords"] * DPI)
    _draw_boxes(numerals, _numeral_boxes(score, analysis.chords), seconds, _LANES["numerals"] * DPI)
    _draw_phrases(phrases, score, analysis, seconds)
    _draw_confidence(confidence, score, analysis)
    for axes, name in zip(panels[1:], _LANES, strict=True):
        axes.set_ylim(0, 1)
        axes.set_yticks([0.5], [name])
    draw_time(panels, seconds)
    _draw_roots(figure)
    return save(figure, path)


def _key_boxes(score: Score, keys: Iterable[KeyRegion]) -> list[_Box]:
    return [
        _Box(
            *_times(score, region.tick, region.end),
            (str(region.key), name_of(region.key.tonic) + "m" * region.key.is_minor),
            _colour(region.key.tonic_pitch_class, _MINOR_SHADE if region.key.is_minor else _MAJOR_SHADE),
            region.confidence,
        )
        for region in keys
    ]


def _chord_boxes(score: Score, chords: Iterable[ChordRegion]) -> list[_Box]:
    boxes = []
    for region in chords:
        times = _times(score, region.tick, region.end)
        if region.chord is None:
            boxes.append(_Box(*times, ("N.C.",), _PLAIN))
            continue
        thirds = QUALITIES[region.chord.quality]
        shade = _MAJOR_SHADE if 4 in thirds else _MINOR_SHADE if -3 in thirds and 1 in thirds else _OTHER_SHADE
        colour = _colour(region.chord.root_pitch_class, shade)
        boxes.append(_Box(*times, (str(region.chord),), colour, region.confidence))
    return boxes


def _numeral_boxes(score: Score, chords: Iterable[ChordRegion]) -> list[_Box]:
    named = [(region, region.numeral) for region in chords]
    return [_Box(*_times(score, region.tick, region.end), (str(name),), _PLAIN) for region, name in named if name]


def _times(score: Score, tick: int, end: int) -> tuple[float, float]:
    start, stop = score.seconds([tick, end])
    return float(start), float(stop)


def _colour(pitch_class: int, shade: tuple[float, float]) -> tuple[float, float, float]:
    """Red, green and blue of a root: hues by fifths, equally light to the eye (B. Ottosson's OKLab, 2020)."""
    lightness, chroma = shade
    hue = _FIRST_HUE + 2 * np.pi * (7 * pitch_class % 12) / 12
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (min(1.0, max(0.0, 1.055 * max(value, 0.0) ** (1 / 2.4) - 0.055)) for value in linear)
    return red, green, blue


def _pixels(seconds: float, length: float) -> float:
    """Pixels that a length in seconds takes."""
    return length / seconds * (WIDTH - LEFT - RIGHT) * DPI


def _draw_boxes(axes: Axes, boxes: list[_Box], seconds: float, height: float) -> None:
    """Boxes in a lane so many pixels high."""
    from matplotlib.colors import to_rgb

    lengths = [box.stop - box.start for box in boxes]
    shares = [_FAINTEST + (1 - _FAINTEST) * box.certainty for box in boxes]
    colours = [1 - share * (1 - np.array(to_rgb(box.colour))) for box, share in zip(boxes, shares, strict=True)]
    widths = [_pixels(seconds, length) for length in lengths]
    axes.barh(
        [0.5] * len(boxes), lengths, left=[box.start for box in boxes], height=1, color=colours, edgecolor=PAPER,
        linewidth=[0.6 if width > _LINE_HEIGHT / 2 else 0 for width in widths], zorder=2,
    )  # fmt: skip
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "fontsize": 8.5, "zorder": 3}
    for box, length, width in zip(boxes, lengths, widths, strict=True):
        text, rotation = _fitting(box.texts, width, height)
        axes.text(box.start + length / 2, 0.48, text, rotation=rotation, **style)


def _fitting(texts: tuple[str, ...], width: float, height: float) -> tuple[str, int]:
    """The first text that fits into so many pixels, and by how many degrees it is turned; "" if none does."""
    for text in texts:
        needed = _LETTER * len(text) + 3
        if needed <= width:
            return text, 0
        if width >= _LINE_HEIGHT and needed <= height:
            return text, 90
    return "", 0


def _draw_phrases(axes: Axes, score: Score, analysis: Analysis, seconds: float) -> None:
    """A line for each phrase, and at its end the cadence that closes it."""
    if not analysis.phrases:
        return
    begin = min(int(track.onset[0]) for track in score.tracks if len(track) and not track.is_drum)
    style: dict[str, Any] = {"fontsize": 8.5, "ha": "right", "va": "center", "color": INK, "zorder": 3}
    for start, end in pairwise((begin, *analysis.phrases)):
        left, right = _times(score, start, end)
        room = _pixels(seconds, right - left)
        inset = (right - left) * min(3 / max(room, 3), 0.3)
        axes.plot([left + inset, right - inset, right - inset], [0.16, 0.16, 0.84], color=QUIET, linewidth=1.1)
        kinds = [cadence.kind for cadence in analysis.cadences if start < cadence.tick <= end]
        if kinds:
            text, _ = _fitting((kinds[-1], _SHORT[kinds[-1]]), room - 6, 0)
            axes.text(right - 2 * inset, 0.56, text, **style)


def _draw_confidence(axes: Axes, score: Score, analysis: Analysis) -> None:
    """Chords as a filled outline, keys as a line above it."""
    if analysis.chords:
        axes.stairs(*_steps(score, analysis.chords), fill=True, color=_CHORDS_COLOUR, zorder=2)
        axes.stairs(*_steps(score, analysis.keys), baseline=None, color=INK, linewidth=1.3, zorder=3)
    style: dict[str, Any] = {"transform": axes.transAxes, "va": "center", "fontsize": 8, "color": QUIET, "zorder": 4}
    axes.text(-0.006, 0.9, "1", ha="right", **style)
    axes.text(-0.006, 0.1, "0", ha="right", **style)
    axes.text(0.004, 0.14, "grey: chords   line: keys", ha="left", **style)


def _steps(score: Score, regions: Iterable[ChordRegion | KeyRegion]) -> tuple[Any, Any]:
    """Confidences, and the times between them in seconds, one more."""
    found = list(regions)
    edges = score.seconds([*(region.tick for region in found), found[-1].end])
    return np.array([region.confidence for region in found]), edges


def _draw_roots(figure: Figure) -> None:
    """Which colour means which root, at the right of the heading."""
    width, height = figure.get_size_inches()
    step = 0.46
    style: dict[str, Any] = {"ha": "left", "va": "baseline"}
    for index, place in enumerate(_ROOTS):
        x = width - RIGHT - step * (len(_ROOTS) - index) + 0.08
        y = 1 - 0.74 / height
        figure.text(x / width, y, "■", fontsize=11, color=_colour(pitch_class_of(place), _MAJOR_SHADE), **style)
        figure.text((x + 0.17) / width, y, name_of(place), fontsize=9, color=QUIET, **style)


__all__ = ["draw"]
