"""The process that draws charts: started with the first, it waits for the next, so that only the first has to load the library.

It runs beside the program, so that neither its memory nor a crash affects trading, and knows nothing of the environment.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import asdict

import structlog

from bot.reports.charts import Chart

log = structlog.get_logger(__name__)

SECONDS = 15.0
"""The longest that a chart may take to draw."""
_MOST_BYTES = 5_000_000
_LENGTH_BYTES = 4


class ChartProcess:
    """Draws one chart after the other: they share two processors with trading."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._process: Process | None = None

    async def draw(self, chart: Chart) -> bytes | None:
        """Returns the chart as PNG; None where it could not be drawn in time."""
        request = json.dumps(asdict(chart)).encode() + b"\n"
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._drawn(request)
            except TimeoutError:
                log.warning("a chart took too long to draw")
            except OSError as error:
                log.warning("a chart cannot be drawn here", error=type(error).__name__)
            except BaseException:
                await self._end()  # what it draws now would pass for the next chart
                raise
            await self._end()
            return None

    async def close(self) -> None:
        """Ends the process."""
        async with self._one_at_a_time:
            await self._end()

    async def _drawn(self, request: bytes) -> bytes | None:
        """Asks the process that is there already, if one is: it may end at that moment, for it has waited long enough."""
        waiting = self._process is not None and self._process.returncode is None
        picture = await self._ask(request)
        if picture is None and waiting and (self._process is None or self._process.returncode is not None):
            picture = await self._ask(request)
        if not picture or not picture.startswith(b"\x89PNG"):
            log.warning("a chart could not be drawn")
            return None
        return picture

    async def _ask(self, request: bytes) -> bytes | None:
        """Returns what the process answers, empty if it could not draw it; None if there was no answer: then it has ended."""
        process = await self._started()
        if process.stdin is None or process.stdout is None:
            raise OSError("a process without its pipes")
        try:
            process.stdin.write(request)
            await process.stdin.drain()
            length = int.from_bytes(await process.stdout.readexactly(_LENGTH_BYTES))
            if length <= _MOST_BYTES:
                return await process.stdout.readexactly(length)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        await self._end()
        return None

    async def _started(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        command = (sys.executable, "-P", "-m", "bot.reports.chart_renderer")
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
