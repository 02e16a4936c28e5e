"""Draws the candles of a symbol with our fills, the prices that matter now, and the volume below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from bot.reports.chart_canvas import SMALL, Canvas, date_number

_HEIGHT = 8.2
_BODY = 0.72  # of an interval
_DAY_SECONDS = 86_400
_FAR = 1.2  # a line further outside the candles than this part of their range is drawn at the edge
_TAG_INCHES = 0.27
_LETTER = 0.62 / 72  # inches, of each point of type
_COLOURS = {"stop": "down", "target": "up", "average": "average", "entry": "line", "price": "text"}
_THOUSANDS = ("", "K", "M", "B", "T")


@dataclass(frozen=True, slots=True)
class _Words:
    """Words around `x` and `y`, reaching `half` to each side."""

    x: float
    half: float
    y: float

    def meets(self, other: "_Words", height: float) -> bool:
        """Tells whether these would stand on others; `height` is a line's."""
        return abs(self.x - other.x) < self.half + other.half and abs(self.y - other.y) < height


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the candles: the `middles` of their intervals and their `width`, in days, and the colour of each."""

    middles: Sequence[float]
    width: float
    colours: Sequence[str]

    def boxes(self, ends: Sequence[float], others: Sequence[float]) -> PolyCollection:
        """Returns a box in each column, from one end to the other: one drawing, for a hundred are slow."""
        half = self.width / 2
        corners = [
            [(x - half, end), (x + half, end), (x + half, other), (x - half, other)]
            for x, end, other in zip(self.middles, ends, others, strict=True)
        ]
        return PolyCollection(corners, facecolors=self.colours, edgecolors=self.colours, linewidths=0.8, zorder=3)


def candles(chart: Mapping[str, Any]) -> Figure:
    """Draws the candles."""
    canvas = Canvas(chart, _HEIGHT, (4, 1))
    prices, volumes = canvas.panels
    times = [datetime.fromisoformat(at) for at in chart["times"]]
    length = chart["seconds"] / _DAY_SECONDS
    rose = [close >= opened for opened, close in zip(chart["opens"], chart["closes"], strict=True)]
    colours = [canvas.colours.up if up else canvas.colours.down for up in rose]
    columns = _Columns([date_number(at) + length / 2 for at in times], length * _BODY, colours)
    _trips(canvas, prices, chart["trips"])
    _bodies(prices, chart, columns)
    low, high = _range(chart)
    prices.set_ylim(low, high)
    canvas.times(times[0], times[-1] + timedelta(seconds=chart["seconds"]))
    canvas.numbers(prices)
    names = _lines(canvas, prices, chart["lines"])
    _marks(canvas, prices, chart["marks"], names)
    _volumes(canvas, volumes, chart, columns)
    return canvas.figure


def _bodies(axes: Axes, chart: Mapping[str, Any], columns: _Columns) -> None:
    """Draws wicks and bodies; a candle that stood still is a thin line."""
    wicks = [[(x, low), (x, high)] for x, low, high in zip(columns.middles, chart["lows"], chart["highs"], strict=True)]
    axes.add_collection(LineCollection(wicks, colors=columns.colours, linewidths=1.3, zorder=2))
    axes.add_collection(columns.boxes(chart["opens"], chart["closes"]))


def _range(chart: Mapping[str, Any]) -> tuple[float, float]:
    """Returns the lowest and the highest price shown: of candles and fills, and of the lines that are near enough."""
    shown = [*chart["lows"], *chart["highs"], *(mark["price"] for mark in chart["marks"])]
    low, high = min(shown), max(shown)
    far = (high - low) * _FAR or high * 0.02
    near = [line["value"] for line in chart["lines"] if low - far <= line["value"] <= high + far]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) * 0.07 or high * 0.01
    return low - room, high + room


def _lines(canvas: Canvas, axes: Axes, lines: Sequence[Mapping[str, Any]]) -> list[_Words]:
    """Draws a line at each price that matters: its name on the left, the price in the margin; one beyond the edge has only
    those, and an arrow. Returns where the names stand."""
    (low, high), (first, _), (across, up) = axes.get_ylim(), axes.get_xlim(), canvas.inch(axes)
    edge = up * _TAG_INCHES / 2
    ordered = sorted(lines, key=lambda line: line["value"])
    wanted = [min(max(line["value"], low + edge), high - edge) for line in ordered]
    placed = spread(wanted, up * _TAG_INCHES, low + edge, high - edge)
    canvas.hide_ticks_near(axes, placed)
    names: list[_Words] = []
    for line, at in zip(ordered, placed, strict=True):
        colour = getattr(canvas.colours, _COLOURS[line["kind"]])
        arrow = "↓ " if line["value"] < low else "↑ " if line["value"] > high else ""
        if not arrow:
            dashes = (0, (1, 2)) if line["kind"] == "price" else (0, (6, 3))
            axes.axhline(line["value"], color=colour, linewidth=1.5, linestyle=dashes, zorder=4)
        canvas.tag(axes, at, line["price"], colour)
        if line["name"]:
            half = _half_width(arrow + line["name"]) * across
            names.append(_Words(first + half, half, at))
            place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (5, 0), "textcoords": "offset points"}
            words = canvas.words(colour, bold=True)
            axes.annotate(arrow + line["name"], (0, at), **place, va="center", **words, zorder=6)
    return names


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Returns places as near to the `wanted` ones (in order) as may be, each `apart` from the next, none above `high` or, where
    they fit, below `low`."""
    placed: list[float] = []
    for at in wanted:
        placed.append(max(at, placed[-1] + apart) if placed else max(at, low))
    top = high
    for number in reversed(range(len(placed))):
        placed[number] = min(placed[number], top)
        top = placed[number] - apart
    return placed


def _trips(canvas: Canvas, axes: Axes, trips: Sequence[Mapping[str, Any]]) -> None:
    """Shades the time of each round trip in the colour of its result."""
    for trip in trips:
        since, until = (date_number(datetime.fromisoformat(trip[name])) for name in ("since", "until"))
        axes.axvspan(since, until, color=canvas.colours.of(trip["tone"]), alpha=0.09, linewidth=0, zorder=0)


def _marks(canvas: Canvas, axes: Axes, marks: Sequence[Mapping[str, Any]], names: Sequence[_Words]) -> None:
    """Marks entries and exits at their time and price; the greatest profits stand above as far as they fit beside each other and
    beside the names of lines."""
    for is_entry, marker, colour in ((True, "^", canvas.colours.line), (False, "v", canvas.colours.average)):
        found = [mark for mark in marks if mark["is_entry"] is is_entry]
        axes.scatter(
            [date_number(datetime.fromisoformat(mark["at"])) for mark in found], [mark["price"] for mark in found],
            marker=marker, s=130, color=colour, edgecolors=canvas.colours.back, linewidths=1.3, zorder=5,
        )  # fmt: skip
    (_, high), (first, last), (across, up) = axes.get_ylim(), axes.get_xlim(), canvas.inch(axes)
    taken = list(names)
    for mark in sorted((mark for mark in marks if mark["label"]), key=lambda mark: -abs(mark["tone"])):
        half = _half_width(mark["label"]) * across
        x = min(max(date_number(datetime.fromisoformat(mark["at"])), first + half), last - half)
        here = _Words(x, half, min(mark["price"] + 0.2 * up, high - 0.14 * up))
        if any(here.meets(other, _TAG_INCHES * up) for other in taken):
            continue
        taken.append(here)
        words = canvas.words(canvas.colours.of(mark["tone"]), bold=True)
        axes.text(here.x, here.y, mark["label"], ha="center", va="center", **words, zorder=6)


def _half_width(text: str) -> float:
    """Returns half the width of bold words, in inches."""
    return (len(text) * SMALL * _LETTER + 0.12) / 2


def _volumes(canvas: Canvas, axes: Axes, chart: Mapping[str, Any], columns: _Columns) -> None:
    most = max(chart["volumes"]) or 1.0
    boxes = columns.boxes([0.0] * len(columns.middles), chart["volumes"])
    boxes.set_alpha(0.65)
    axes.add_collection(boxes)
    axes.set_ylim(0, most * 1.35)
    axes.set_yticks([most], [_compact(most, canvas)])
    axes.text(
        0.012, 0.94, chart["volume_title"], transform=axes.transAxes, va="top", **canvas.words(canvas.colours.muted), zorder=6
    )


def _compact(value: float, canvas: Canvas) -> str:
    """Writes a large number in a few characters: 1.2M."""
    power = 0
    while value >= 1000 and power < len(_THOUSANDS) - 1:
        value, power = value / 1000, power + 1
    return canvas.number(value, 0 if value >= 100 else 1 if value >= 1 else 3) + _THOUSANDS[power]
