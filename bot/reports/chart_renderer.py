"""Draws charts in its own process: JSON from standard input, a line each; PNG to standard output, its length before it.

Started by `bot.reports.chart_process`; ends with it, or once nothing was asked for some minutes.
"""

import io
import json
import os
import select
import sys
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from bot.reports.chart_candles import candles
from bot.reports.chart_results import bars, curve

_WAITS = 600.0
"""Seconds after which it ends by itself: it holds some 80 MB."""
_LENGTH_BYTES = 4
_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Figure]] = {"curve": curve, "bars": bars, "candles": candles}


def drawn(chart: Mapping[str, Any]) -> Figure:
    """Draws a chart of `bot.reports.charts`, as a mapping."""
    return _KINDS[chart["kind"]](chart)


def png_of(chart: Mapping[str, Any]) -> bytes:
    """Returns the chart as PNG."""
    figure, out = drawn(chart), io.BytesIO()
    figure.savefig(out, format="png", facecolor=figure.get_facecolor(), pil_kwargs={"compress_level": 3})
    return out.getvalue()


def serve() -> None:
    """Answers one request after the other; what cannot be drawn with nothing."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([asked], [], [], _WAITS)[0] and (line := asked.readline()):
        try:
            picture = png_of(json.loads(line))
        except Exception:  # noqa: BLE001 - whatever is wrong with one chart, the next may be fine
            picture = b""
        answers.write(len(picture).to_bytes(_LENGTH_BYTES) + picture)
        answers.flush()


if __name__ == "__main__":
    os.nice(10)  # trading comes first
    serve()
