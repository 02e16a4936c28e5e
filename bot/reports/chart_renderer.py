"""Draws one chart in its own process: JSON from standard input, PNG to standard output. Started by `bot.reports.charts`."""

import io
import json
import os
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_BACK, _GRID, _TEXT = "#0e1621", "#24303d", "#e6edf3"
_UP, _DOWN, _LINE = "#3fb950", "#f85149", "#58a6ff"
_INCHES, _DPI = (8.0, 5.0), 130


def png_of(chart: dict[str, Any]) -> bytes:
    """Returns the chart as PNG."""
    out = io.BytesIO()
    drawn(chart).savefig(out, format="png", facecolor=_BACK)
    return out.getvalue()


def drawn(chart: dict[str, Any]) -> Figure:
    """Draws the chart dark and in large type, to be read on a phone at night."""
    mpl.rcParams.update({"font.size": 15, "axes.titlesize": 18})
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=_BACK, layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(_BACK)
    times = [float(dates.date2num(datetime.fromisoformat(at))) for at in chart["times"]]  # type: ignore[no-untyped-call]
    values = chart["values"]
    if chart["kind"] == "bars":
        axes.bar(times, values, width=0.8, color=[_UP if value > 0 else _DOWN for value in values])
        axes.axhline(0, color=_TEXT, linewidth=1)
    elif chart["kind"] == "trades":
        axes.plot(times, values, color=_LINE, linewidth=1.5, alpha=0.6)
        for indices, colour, marker in ((chart["buys"], _UP, "^"), (chart["sells"], _DOWN, "v")):
            axes.scatter([times[i] for i in indices], [values[i] for i in indices], color=colour, marker=marker, s=90, zorder=3)
    else:
        colour = _UP if not values or values[-1] >= 0 else _DOWN
        axes.plot(times, values, color=colour, linewidth=2.5)
        axes.fill_between(times, values, color=colour, alpha=0.15)
        axes.axhline(0, color=_TEXT, linewidth=0.8)
    axes.set_title(chart["title"], color=_TEXT, loc="left")
    axes.set_ylabel(chart["unit"], color=_TEXT)
    axes.grid(color=_GRID)
    axes.tick_params(colors=_TEXT)
    for spine in axes.spines.values():
        spine.set_color(_GRID)
    _time_axis(axes, chart["zone"])
    return figure


def _time_axis(axes: Axes, zone: str) -> None:
    """Puts ticks at whole hours and days of `zone`, and its name below."""
    tz = ZoneInfo(zone)
    axes.xaxis_date(tz)
    locator = dates.AutoDateLocator(tz=tz, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=tz))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_color(_TEXT)
    axes.set_xlabel(zone, color=_TEXT, fontsize=12, loc="left")


if __name__ == "__main__":
    os.nice(10)  # trading comes first
    sys.stdout.buffer.write(png_of(json.load(sys.stdin)))
