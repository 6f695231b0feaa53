# ruff: noqa: INP001 - a script's neighbour, not a package
"""Lines on two logarithmic axes, as SVG that reads on a light page and on a dark one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

Points: TypeAlias = Mapping[float, float]
COLOURS = (
    "#2f81d8",
    "#d9730d",
    "#2a9d4a",
    "#d63c4a",
    "#8e63ce",
    "#1a9a9a",
    "#a9742f",
    "#cf5a9c",
    "#7d8a1e",
    "#6b7a90",
    "#c04f15",
)
"""Of middling brightness, to be told from white and from black."""
XMLNS = "http://www.w3.org/2000/svg"
INK = "#7a7a7a"
WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 200, 44, 56
LINE = 16
"""Pixels from one label to the next, at least."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line with its name at its end."""

    name: str
    points: Points
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic scale of pixels."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = math.log(value / self.low) / (math.log(self.high / self.low) or 1.0)
        return self.start + share * (self.stop - self.start)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten; where these are many, the powers alone."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1000 else (1,)
    found = [step * 10.0**power for power in powers for step in steps]
    return [tick for tick in found if low <= tick <= high]


def spread(places: Sequence[float], least: float) -> list[float]:
    """The places in their order, moved apart as little as it takes."""
    order = sorted(range(len(places)), key=places.__getitem__)
    groups: list[tuple[list[int], float]] = []
    for each in order:
        groups.append(([each], places[each]))
        while len(groups) > 1:
            (before, middle), (after, other) = groups[-2:]
            if other - middle >= least * (len(before) + len(after)) / 2:
                break
            joined = before + after
            mean = sum(places[each] for each in joined) / len(joined)
            groups[-2:] = [(joined, mean)]
    moved = list(places)
    for members, middle in groups:
        for index, member in enumerate(members):
            moved[member] = middle + (index - (len(members) - 1) / 2) * least
    return moved


def number(value: float) -> str:
    """A tick's label."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def plotted(title: str, across: str, up: str, series: Iterable[Series], y_ticks: str = "") -> str:
    """The plot, as the text of an SVG file; `y_ticks` is put behind the numbers of the y axis."""
    lines = [each for each in series if each.points]
    xs = sorted({x for each in lines for x in each.points}) or [1.0, 10.0]
    ys = [y for each in lines for y in each.points.values()] or [1.0]
    low, high = min(ys) / 1.3, max(ys) * 1.3
    if high / low < 20:
        low, high = low / 3, high * 3
    x_axis = Axis(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    y_axis = Axis(low, high, HEIGHT - BOTTOM, TOP)
    parts = [*_frame(title, across, up), *_grid(xs, x_axis, ticks(low, high), y_axis, y_ticks)]
    ends = [y_axis.at(each.points[max(each.points)]) for each in lines]
    for place, (each, label) in enumerate(zip(lines, spread(ends, LINE), strict=True)):
        parts += _line(each, COLOURS[place % len(COLOURS)], label, x_axis, y_axis)
    return "\n".join((*parts, "</svg>", ""))


def _frame(title: str, across: str, up: str) -> list[str]:
    middle, height = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    font = f'font-family="sans-serif" font-size="13" fill="{INK}"'
    turned = f"translate(18 {height:g}) rotate(-90)"
    return [
        f'<svg xmlns="{XMLNS}" viewBox="0 0 {WIDTH} {HEIGHT}" {font} role="img">',
        f"<title>{escape(title)}</title>",
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<text x="{middle:g}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="{turned}" text-anchor="middle">{escape(up)}</text>',
    ]


def _grid(
    xs: Iterable[float], x_axis: Axis, ys: Iterable[float], y_axis: Axis, unit: str
) -> list[str]:
    rule = f'stroke="{INK}" stroke-opacity="0.3"'
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts: list[str] = []
    for value in ys:
        y = y_axis.at(value)
        parts += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" {rule}/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}{unit}</text>',
        ]
    for value in xs:
        x = x_axis.at(value)
        parts += [
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" {rule}/>',
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number(value)}</text>',
        ]
    return parts


def _line(series: Series, colour: str, label: float, x_axis: Axis, y_axis: Axis) -> list[str]:
    places = [(x_axis.at(x), y_axis.at(y)) for x, y in sorted(series.points.items())]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    end_x, end_y = places[-1]
    right, name = WIDTH - RIGHT, escape(series.name)
    lead = f"{end_x + 5:.1f},{end_y:.1f} {right + 14},{label:.1f}"
    width, weight = (3.5, ' font-weight="bold"') if series.bold else (1.8, "")
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>',
        *(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1 + width:g}" fill="{colour}"/>'
            for x, y in places
        ),
        f'<polyline points="{lead}" fill="none" stroke="{colour}" stroke-opacity="0.5"/>',
        f'<text x="{right + 18}" y="{label + 4:.1f}" fill="{colour}"{weight}>{name}</text>',
    ]
