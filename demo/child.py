"""The program as a child process of the demo: started early, sent its settings, killed on demand, restarted when it ends."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping

import structlog

from core.domain.errors import MarketFlowError
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

# -P: a folder in the working directory must not shadow a module.
_COMMAND = (sys.executable, "-P", "-m", "demo.program")
_READY = b"ready\n"
_PAUSE_SECONDS = 10.0  # long enough dead to be reported as an absence, in which signals arrive
_GRACE_SECONDS = 5.0


class Child:
    """Runs one program after the other, all with the same settings and the same ledger."""

    def __init__(self, clock: Clock) -> None:
        self.ready = asyncio.Event()
        """Set once the first one trades."""
        self._clock = clock
        self._settings: Mapping[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._away_until = 0.0
        self._trades = False
        self._back_at = 0.0

    @property
    def pid(self) -> int | None:
        """Returns the id of the current process."""
        return self._process.pid if self._process else None

    @property
    def away_left(self) -> float:
        """Returns for how many seconds the exchange still does not answer."""
        return max(0.0, self._away_until - self._clock.monotonic())

    @property
    def back_in(self) -> float:
        """Returns for how many seconds the program will be gone; 0 when it trades or never did."""
        if self._trades or not self.ready.is_set():
            return 0.0
        return max(1.0, self._back_at - self._clock.monotonic())

    async def spawn(self) -> None:
        """Starts a process, which loads its modules and waits for its settings."""
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )  # in its own session: Ctrl-C is for the demo, which ends it in order

    async def keep(self, settings: Mapping[str, str]) -> None:
        """Runs the program, and again whenever it ends. Raises MarketFlowError where it ended before it ever traded."""
        self._settings = settings
        while True:
            await self._live()
            if not self.ready.is_set():
                raise MarketFlowError("the program did not start; what it said stands above")
            self._back_at = self._clock.monotonic() + _PAUSE_SECONDS
            log.warning("the program ended and is restarted")
            await self._clock.sleep(_PAUSE_SECONDS)
            await self.spawn()

    def away_for(self, seconds: float) -> None:
        """Makes the exchange answer nothing for `seconds` from now."""
        self._away_until = self._clock.monotonic() + seconds
        self._write(f"away {seconds}")

    def kill(self) -> None:
        """Ends the program as a power cut would: SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ends it in order; at once where that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
        except TimeoutError:
            self.kill()
            await process.wait()

    async def _live(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - `spawn` comes first
        assert process.stdout is not None  # noqa: S101 - it has a pipe
        self._write(json.dumps({"settings": self._settings, "away": self.away_left}))
        async for line in process.stdout:
            if line == _READY:
                self._trades = True
                self.ready.set()
        self._trades = False
        await process.wait()

    def _write(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(f"{line}\n".encode())


@contextlib.asynccontextmanager
async def running_child(clock: Clock) -> AsyncIterator[Child]:
    """Yields a spawned child and ends it after the block."""
    child = Child(clock)
    await child.spawn()
    try:
        yield child
    finally:
        await child.stop()
