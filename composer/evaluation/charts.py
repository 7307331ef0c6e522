"""Pictures of figures as SVG, written by hand: small, sharp, and the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, isfinite, log10

from composer.metrics import Estimate

COLOURS = ("#0b6e8a", "#c1502e", "#5b7f2b", "#7a4a9c", "#b08a1e", "#4a5a70", "#a83264", "#2f8f6b")
REAL_COLOUR = "#222222"
_WIDTH, _LABELS, _ROW, _FOOT = 760, 210, 26, 34
_TICKS = 6
_LEAST = 0.01


def colours(names: Sequence[str], real: str) -> dict[str, str]:
    """A colour for each name; that of the real music is its own."""
    others = [name for name in names if name != real]
    return {real: REAL_COLOUR} | {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)}


def intervals(
    rows: Sequence[tuple[str, Estimate]],
    palette: Mapping[str, str],
    caption: str,
    marks: Mapping[str, float],
    *,
    logarithmic: bool = False,
) -> str:
    """A dot and its interval for each name; marks are vertical lines with a label."""
    found = [one for _, one in rows]
    values = [value for one in found for value in (one.value, one.low, one.high) if isfinite(value)]
    kind = _LogAxis if logarithmic else _Axis
    axis = kind.of([*values, *marks.values()], _LABELS, _WIDTH - 24)
    height = 26 + _ROW * len(rows) + _FOOT
    parts = [axis.drawn(height - _FOOT, 20)]
    for text, value in marks.items():
        x, anchor = axis.at(value), "start" if value == max(marks.values()) else "end"
        parts.append(_line(x, 14, x, height - _FOOT, "#888", dash="4 3") + _text(x, 11, text, anchor, "#555"))
    for number, (name, one) in enumerate(rows):
        y = 26 + _ROW * number + _ROW / 2
        colour = palette.get(name, COLOURS[0])
        parts.append(_text(_LABELS - 12, y + 4, name, "end"))
        if isfinite(one.low):
            parts.append(_line(axis.at(one.low), y, axis.at(one.high), y, colour, 2.5))
        if isfinite(one.value):
            parts.append(f'<circle cx="{axis.at(one.value):.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
    return _svg(height, parts, caption)


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    palette: Mapping[str, str],
    caption: str,
    *,
    across: str,
    steps: bool = False,
) -> str:
    """A line for each name, through points (x, y); in steps where y holds until the next x."""
    points = [point for row in series.values() for point in row if all(map(isfinite, point))]
    left, right, top, bottom = 56, _WIDTH - 170, 16, 250
    x_axis = _Axis.of([x for x, _ in points], left, right)
    y_axis = _Axis.of([y for _, y in points], bottom, top)
    parts = [x_axis.drawn(bottom, top), y_axis.drawn_upright(left, right)]
    parts.append(_text((left + right) / 2, bottom + 32, across, "middle", "#555"))
    for number, (name, row) in enumerate(series.items()):
        known = [point for point in row if all(map(isfinite, point))]
        path = _stairs(known) if steps else known
        where = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in path)
        colour = palette.get(name, COLOURS[0])
        parts.append(f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        if not steps:
            dots = (f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="3.4"' for x, y in known)
            parts += [f'{dot} fill="{colour}"/>' for dot in dots]
        y_label = top + 8 + 20 * number
        parts.append(_line(right + 14, y_label, right + 34, y_label, colour, 3))
        parts.append(_text(right + 40, y_label + 4, name, "start"))
    return _svg(bottom + 44, parts, caption)


def _stairs(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    result = list(points[:1])
    for x, y in points[1:]:
        result += [(x, result[-1][1]), (x, y)]
    return result


class _Axis:
    """Values to places."""

    def __init__(self, low: float, high: float, step: float, start: float, stop: float) -> None:
        self.low, self.high, self.step, self.start, self.stop = low, high, step, start, stop

    @classmethod
    def of(cls, values: Sequence[float], start: float, stop: float) -> _Axis:
        """An axis of round numbers that holds some values."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        raw = (high - low) / _TICKS
        power = 10 ** floor(log10(raw))
        step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= raw * 0.999)
        return cls(floor(low / step) * step, -floor(-high / step) * step, step, start, stop)

    def at(self, value: float) -> float:
        """Where a value stands."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Round numbers."""
        return [self.low + self.step * n for n in range(round((self.high - self.low) / self.step) + 1)]

    def drawn(self, bottom: float, top: float) -> str:
        """Across."""
        said = (
            _line(self.at(tick), top, self.at(tick), bottom, "#e3e3df")
            + _text(self.at(tick), bottom + 15, f"{tick:.6g}", "middle", "#555")
            for tick in self.ticks()
        )
        return "".join(said)

    def drawn_upright(self, left: float, right: float) -> str:
        """Upwards."""
        said = (
            _line(left, self.at(tick), right, self.at(tick), "#e3e3df")
            + _text(left - 6, self.at(tick) + 4, f"{tick:.6g}", "end", "#555")
            for tick in self.ticks()
        )
        return "".join(said)


class _LogAxis(_Axis):
    """Powers of ten at equal distances; what is not above `_LEAST` stands there."""

    @classmethod
    def of(cls, values: Sequence[float], start: float, stop: float) -> _LogAxis:
        logs = [log10(max(value, _LEAST)) for value in values] or [0.0]
        low, high = floor(min(logs)), -floor(-max(logs))
        return cls(low, max(high, low + 1), 1, start, stop)

    def at(self, value: float) -> float:
        return super().at(log10(max(value, _LEAST)))

    def ticks(self) -> list[float]:
        return [10**tick for tick in super().ticks()]


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str], caption: str) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(caption, quote=True)}">'
    return f"<figure>{head}{''.join(parts)}</svg><figcaption>{escape(caption)}</figcaption></figure>"


__all__ = ["colours", "intervals", "lines"]
