"""Draws results: the cumulative one in steps with its drawdown, and that of each day as bars."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bot.reports.chart_canvas import LEFT, RIGHT, SMALL, WIDTH, Canvas, date_number

_CURVE_HEIGHT, _BARS_HEIGHT = 6.6, 5.8
_SHORTEST = timedelta(hours=1)
_FEWEST_DAYS = 7  # on the axis: the bar of a first day is not as wide as the picture
_DAY = timedelta(days=1)
_DAY_LABEL = 0.85  # inches
_SIZES = (SMALL, 12, 10.5)
_LETTER = 0.62 / 72  # inches, of each point of type


def curve(chart: Mapping[str, Any]) -> Figure:
    """Draws a result in steps, its last value in the margin, and its falls below."""
    canvas = Canvas(chart, _CURVE_HEIGHT, (3, 1))
    upper, lower = canvas.panels
    times = [datetime.fromisoformat(at) for at in chart["times"]]
    until = max(datetime.fromisoformat(chart["until"]), times[-1])
    x = [*map(date_number, times), date_number(until)]
    values, falls = [*chart["values"], chart["values"][-1]], [*chart["falls"], chart["falls"][-1]]
    colour = canvas.colours.of(chart["head"]["tone"])
    upper.plot(x, values, color=colour, linewidth=2.6, drawstyle="steps-post")
    for part, shade in (
        ([max(value, 0) for value in values], canvas.colours.up),
        ([min(value, 0) for value in values], canvas.colours.down),
    ):
        upper.fill_between(x, part, 0, step="post", color=shade, alpha=0.14, linewidth=0)
    upper.axhline(0, color=canvas.colours.muted, linewidth=1.2)
    upper.margins(y=0.1)
    canvas.numbers(upper)
    canvas.hide_ticks_near(upper, [values[-1]])
    canvas.tag(upper, values[-1], chart["last"], colour)
    _falls(canvas, lower, x, falls, chart)
    length = max(until - times[0], _SHORTEST)
    canvas.times(until - length * 1.02, until + length * 0.02)
    return canvas.figure


def _falls(canvas: Canvas, axes: Axes, x: Sequence[float], falls: Sequence[float], chart: Mapping[str, Any]) -> None:
    colours, deepest = canvas.colours, min(falls)
    axes.set_ylim(deepest * 1.35 or -1, -deepest * 0.5 or 0.5)
    axes.text(0.012, 0.93, chart["fall_title"], transform=axes.transAxes, color=colours.muted, va="top", fontsize=SMALL)
    axes.axhline(0, color=colours.muted, linewidth=1.2)
    if not deepest:
        axes.set_yticks([0.0], [canvas.number(0, 0)])
        return
    axes.fill_between(x, falls, 0, step="post", color=colours.down, alpha=0.3, linewidth=0)
    axes.plot(x, falls, color=colours.down, linewidth=1.6, drawstyle="steps-post")
    canvas.numbers(axes, 3)
    axes.set_yticks([tick for tick in axes.get_yticks() if tick <= 0])
    canvas.hide_ticks_near(axes, [deepest])
    canvas.tag(axes, deepest, chart["deepest"], colours.down)


def bars(chart: Mapping[str, Any]) -> Figure:
    """Draws a bar for each day: a few wide ones with their values, or many thin ones."""
    canvas = Canvas(chart, _BARS_HEIGHT, (1,))
    (axes,) = canvas.panels
    days = [datetime.fromisoformat(day) for day in chart["days"]]
    values: list[float] = chart["values"]
    first, last = min(days[0], days[-1] - (_FEWEST_DAYS - 1) * _DAY), days[-1]
    count = (last - first).days + 1
    axes.bar(
        [date_number(day) for day in days], values, width=0.72 if count <= 45 else 0.86, zorder=2,
        color=[canvas.colours.of(value) for value in values],
    )  # fmt: skip
    axes.axhline(0, color=canvas.colours.muted, linewidth=1.2, zorder=3)
    low, high = min(0, *values), max(0, *values)
    room = (high - low) * 0.12 or 1
    axes.set_ylim(low - (room if low else room / 4), high + (room if high else room / 4))
    canvas.numbers(axes)
    inches = (RIGHT - LEFT) * WIDTH / count
    _values(canvas, axes, chart, (first, count))
    axes.set_xlim(date_number(first - _DAY * 0.6), date_number(last + _DAY * 0.6))
    every = max(1, round(_DAY_LABEL / inches + 0.49))
    ticks = [last - _DAY * back for back in range(0, count, every) if (count - back) * inches >= _DAY_LABEL / 2]
    axes.set_xticks([date_number(day) for day in ticks], [f"{day:{canvas.style['day']}}" for day in ticks])
    axes.grid(visible=False, axis="x")
    canvas.below(first if first < days[0] and count > _FEWEST_DAYS else days[0], last)
    return canvas.figure


def _values(canvas: Canvas, axes: Axes, chart: Mapping[str, Any], shown_days: tuple[datetime, int]) -> None:
    """Writes each value at its bar, in the largest type that fits; the best and the worst alone where none does."""
    (start, count), labels, values = shown_days, chart["labels"], chart["values"]
    days, inches = [datetime.fromisoformat(day) for day in chart["days"]], (RIGHT - LEFT) * WIDTH / count
    longest = max(len(label) for label in labels)
    size = next((size for size in _SIZES if longest * size * _LETTER <= inches), None)
    ends = {values.index(max(values)), values.index(min(values))}
    shown = range(len(values)) if size is not None else sorted(ends)
    for place in shown:
        value = values[place]
        half, first = longest * (size or SMALL) * _LETTER / 2, (days[place] - start).days + 0.5
        side = "left" if first * inches < half else "right" if (count - first) * inches < half else "center"
        axes.annotate(
            labels[place], (date_number(days[place]), value), xytext=(0, 4 if value >= 0 else -4), textcoords="offset points",
            ha=side, va="bottom" if value >= 0 else "top",
            color=canvas.colours.of(value), fontsize=size or SMALL, fontweight="bold", zorder=4,
        )  # fmt: skip
