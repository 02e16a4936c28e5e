"""The program runs in uvloop's event loop, and ends as asyncio.run would."""

import asyncio
import sys

import pytest

from bot.event_loop import run_in_loop


async def _loop() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_commands_run_in_uvloop() -> None:
    assert run_in_loop(_loop()) == "uvloop"


def test_the_result_and_the_error_of_the_work_are_handed_on() -> None:
    async def fail() -> None:
        raise LookupError("of the work")

    with pytest.raises(LookupError, match="of the work"):
        run_in_loop(fail())


def test_what_is_left_running_is_cancelled_at_the_end() -> None:
    cancelled = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def work() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert not task.done()

    run_in_loop(work())
    assert cancelled == [True]
