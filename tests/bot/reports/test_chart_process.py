"""The process that draws charts: one for many charts, started anew where it has ended, and harmless where it fails."""

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.reports import chart_process
from bot.reports.chart_process import ChartProcess
from bot.reports.charts import Bars, Head, Style

DAYS = tuple(f"2026-03-{day:02}T00:00:00+00:00" for day in range(1, 31))
CHART = Bars(
    Head("Net profit", "+1.00", 1.0), Style(), DAYS, tuple(float(day % 5 - 2) for day in range(30)), ("+1.00",) * 30
)  # fmt: skip


@pytest.fixture
async def charts() -> AsyncIterator[ChartProcess]:
    started = ChartProcess()
    yield started
    await started.close()


def pid_of(charts: ChartProcess) -> int:
    assert charts._process is not None
    return charts._process.pid


async def test_one_process_draws_every_chart(charts: ChartProcess) -> None:
    first = await charts.draw(CHART)
    assert first is not None
    assert struct.unpack(">I", first[16:20]) == (1080,)
    pid = pid_of(charts)
    again = await charts.draw(replace(CHART, head=Head("Another", "-1.00", -1.0)))
    assert again is not None
    assert again != first
    assert pid_of(charts) == pid


async def test_what_cannot_be_drawn_is_no_picture_and_the_next_is(charts: ChartProcess) -> None:
    assert await charts.draw(replace(CHART, days=("never",))) is None
    assert await charts.draw(CHART) is not None


async def test_a_process_that_has_ended_is_started_anew(charts: ChartProcess) -> None:
    await charts.draw(CHART)
    pid = pid_of(charts)
    os.kill(pid, signal.SIGKILL)
    assert await charts.draw(CHART) is not None
    assert pid_of(charts) != pid


async def test_one_that_takes_too_long_is_ended(charts: ChartProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    await charts.draw(CHART)
    pid = pid_of(charts)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(chart_process, "SECONDS", 0.1)
    assert await charts.draw(CHART) is None
    monkeypatch.setattr(chart_process, "SECONDS", 60.0)
    assert await charts.draw(CHART) is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_it_knows_nothing_of_the_environment(charts: ChartProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_SECRET", "secret of the account")
    await charts.draw(CHART)
    environment = await asyncio.to_thread(Path(f"/proc/{pid_of(charts)}/environ").read_bytes)
    assert environment
    assert b"secret of the account" not in environment
