"""Decides what a chart shows. `bot.reports.chart_renderer` draws it in its own process, so that neither its import nor a crash
affects trading."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from core.domain.money import ZERO
from core.domain.position import Execution
from core.domain.signal import Side
from core.read_models import Gain

log = structlog.get_logger(__name__)

_ONE_AT_A_TIME = asyncio.Semaphore(1)  # charts share two processors with trading

SECONDS = 15.0
_MOST_BYTES = 5_000_000
_POINTS = 2_000
_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart to draw: `kind` is `line`, `bars` or `trades`. `times` are ISO 8601, `values` floats for the eye (nothing is
    computed with them), `zone` the time zone of the axis (IANA name). `buys` and `sells` are indices of points to mark."""

    kind: str
    title: str
    unit: str
    times: tuple[str, ...]
    values: tuple[float, ...]
    buys: tuple[int, ...] = ()
    sells: tuple[int, ...] = ()
    zone: str = "UTC"


def equity(title: str, quote: str, gains: Sequence[Gain], before: Decimal = ZERO, zone: str = "UTC") -> Chart:
    """Returns the cumulative net result in quote asset, starting from what it was `before` the first of `gains`."""
    total, points = before, [(gains[0].at - _BEFORE, before)]
    for gain in gains:
        total += gain.profit
        points.append((gain.at, total))
    return replace(_chart("line", title, quote, points[-_POINTS:]), zone=zone)


def daily(title: str, quote: str, days: Sequence[Gain]) -> Chart:
    """Returns the net result of each UTC day, in quote asset."""
    return _chart("bars", title, quote, [(day.at, day.profit) for day in days][-_POINTS:])


def symbol(title: str, quote: str, executions: Sequence[Execution], zone: str = "UTC") -> Chart:
    """Returns the price of each execution, the oldest first, entries and exits marked."""
    chart = _chart("trades", title, quote, [(one.executed_at, one.price) for one in executions])
    sides = [one.side for one in executions]
    buys = tuple(index for index, side in enumerate(sides) if side is Side.BUY)
    sells = tuple(index for index, side in enumerate(sides) if side is Side.SELL)
    return replace(chart, buys=buys, sells=sells, zone=zone)


def _chart(kind: str, title: str, unit: str, points: Sequence[tuple[datetime, Decimal]]) -> Chart:
    return Chart(kind, title, unit, tuple(at.isoformat() for at, _ in points), tuple(float(value) for _, value in points))


async def draw(chart: Chart) -> bytes | None:
    """Returns the chart as PNG; None where it could not be drawn in time."""
    async with _ONE_AT_A_TIME:
        return await _draw(chart)


async def _draw(chart: Chart) -> bytes | None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "bot.reports.chart_renderer"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    except OSError as error:
        log.warning("a chart cannot be drawn here", error=type(error).__name__)
        return None
    try:
        async with asyncio.timeout(SECONDS):
            picture, _ = await process.communicate(json.dumps(asdict(chart)).encode())
    except TimeoutError:
        log.warning("a chart took too long to draw")
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not picture.startswith(b"\x89PNG") or len(picture) > _MOST_BYTES:
        log.warning("a chart could not be drawn", code=process.returncode)
        return None
    return picture
