"""Virtual time passes at once, in order, and only when nothing else can happen."""

import asyncio
from datetime import datetime, timedelta

import pytest

from core.replay.virtual_time import Standstill, VirtualClock, run_in_virtual_time
from tests.core.virtual_time import NOON


async def in_a_thread(work: object) -> object:
    """Runs it where no loop runs."""
    return await asyncio.to_thread(run_in_virtual_time, NOON, work)  # type: ignore[arg-type]


async def test_a_year_takes_no_time_and_ends_at_the_microsecond() -> None:
    async def work(clock: VirtualClock) -> datetime:
        for _ in range(365):
            await clock.until(clock.now() + timedelta(days=1, microseconds=1))
        return clock.now()

    assert await in_a_thread(work) == NOON + timedelta(days=365, microseconds=365)


async def test_calm_is_when_everybody_else_waits_and_takes_no_time() -> None:
    async def work(clock: VirtualClock) -> list[str]:
        said: list[str] = []

        async def other() -> None:
            for number in range(3):
                await asyncio.sleep(0)
                said.append(f"at once {number}")
            await clock.sleep(5)
            said.append("later")

        task = asyncio.create_task(other())
        await clock.calm()
        said.append(f"calm after {clock.monotonic():g} s")
        await task
        return [*said, f"done after {clock.monotonic():g} s"]

    found = await in_a_thread(work)
    assert found == ["at once 0", "at once 1", "at once 2", "calm after 0 s", "later", "done after 5 s"]


async def test_waiting_for_what_never_comes_is_an_error() -> None:
    async def work(clock: VirtualClock) -> None:
        await clock.sleep(1)
        await asyncio.Event().wait()

    with pytest.raises(Standstill):
        await in_a_thread(work)


async def test_a_timeout_is_virtual_too() -> None:
    async def work(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert await in_a_thread(work) == 3600
