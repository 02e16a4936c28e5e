"""The program in its own process, as its owner starts it: `marketflow run` with settings, and ways to inspect it."""

import asyncio
import http.client
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from sqlalchemy import make_url

from bot.clock import SystemClock
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.tables.order_tables import order_steps
from core.domain.errors import LedgerNotReady
from core.domain.order_state_machine import OrderState
from tests.ledgers import make_ledger
from tests.servers import preloaded
from tests.servers.ports import free_port
from tests.servers.preloaded import RunningProcess
from tests.servers.process import ServerProcess

MARKETFLOW = str(Path(sys.executable).with_name("marketflow"))
STARTED = 30.0
"""Seconds until it must be ready."""
_GRACE = 10.0  # seconds that a clean end may take before the process is killed


class Program:
    """One `marketflow run`: its own ledger (SQLite) and log in `folder`, and its own ports, kept through restarts."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        *,
        ready_without: Collection[str] = (),
        newcomer: bool = False,
        installed: bool = False,
        standby: bool = False,
    ) -> None:
        """Takes `settings` over those that every run needs; nothing else of this process's environment is passed on but PATH.
        `ready_without` are parts that need not be well for it to count as started. A `newcomer` begins on a ledger that has
        never traded; any other on one that has, lately. `installed`: each start is that of the installed command, which loads
        the program anew. A `standby` counts as started also while it waits for another process."""
        self._is_new = not newcomer
        self._http_port, self._metrics_port = free_port(), free_port()
        self.ready_without = ready_without
        self._ledger, self._log = folder / "ledger.db", folder / "marketflow.log"
        own = {
            "HTTP_PORT": str(self._http_port),
            "METRICS_PORT": str(self._metrics_port),
            "DATABASE_URL": f"sqlite+aiosqlite:///{self._ledger}",
        }
        self.settings = own | dict(settings)
        """All of them, except those that the process inherits."""
        self.last_pid = 0
        env, arguments = surroundings(self.settings), ["run", "--standby"] if standby else ["run"]
        self._process = ServerProcess(
            "marketflow",
            [MARKETFLOW, *arguments],
            log=self._log,
            ready=lambda: self.is_ready() or (standby and self.is_waiting()),
            env=env,
            launch=None if installed else _forked_run(arguments, env),
        )

    async def start(self) -> None:
        """Returns when `/readyz` answers 200. Raises ServerDidNotStartError, with the end of its log, when that takes too
        long."""
        if self._is_new and self.settings.get("TRADING_MODE", "paper") != "paper":
            await _make_ledger_that_traded(self.settings["DATABASE_URL"])
        self._is_new = False
        await asyncio.to_thread(self._process.start, STARTED)
        self.last_pid = self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Tells whether it still runs."""
        return self._process.running

    async def stop(self) -> int | None:
        """Asks it to end (SIGTERM); returns its exit code, which is negative when it took too long and was killed."""
        return await asyncio.to_thread(self._process.stop, _GRACE)

    async def kill(self) -> None:
        """Ends it as a power cut would."""
        await asyncio.to_thread(self._process.kill)

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.last_pid, number)

    async def ended(self, within: float) -> int | None:
        """Returns its exit code once it has ended by itself; None if it has not within `within` seconds."""
        return await asyncio.to_thread(self._process.wait, within)

    def limit_files(self, size: int | None) -> None:
        """Limits every file of it to `size` bytes from now on; None: no limit."""
        _, most = resource.prlimit(self.last_pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.last_pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))

    @property
    def log(self) -> str:
        """Returns its standard output and standard error of all its runs."""
        return self._log.read_text(errors="replace")

    async def metrics(self) -> Mapping[str, float]:
        """Returns every sample of `/metrics` by its name as written there, labels included."""
        _, body = await asyncio.to_thread(_get, self._metrics_port, "/metrics")
        samples = (line.rpartition(" ") for line in body.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def ledger(self, question: str, *values: object) -> list[dict[str, Any]]:
        """Returns the rows that a SELECT finds in the ledger as committed now."""
        with closing(sqlite3.connect(f"file:{self._ledger}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(question, values)]

    def is_ready(self) -> bool:
        """Tells whether `/readyz` reports every part that counts as ready."""
        parts = self._parts()
        return bool(parts) and all(state["ready"] for name, state in parts.items() if name not in self.ready_without)

    def is_waiting(self) -> bool:
        """Tells whether it waits as the standby of another process."""
        return str(self._parts().get("ledger", {}).get("detail", "")).startswith("standby: waits for process")

    def _parts(self) -> Mapping[str, Any]:
        """Returns the parts that `/readyz` reports; none where it does not answer."""
        try:
            _, body = _get(self._http_port, "/readyz")
        except (OSError, http.client.HTTPException):
            return {}
        return dict(json.loads(body)["parts"])


@asynccontextmanager
async def running_program(folder: Path, settings: Mapping[str, str], *, installed: bool = False) -> AsyncIterator[Program]:
    """Runs `marketflow run`, ready; ends it at the end of the block."""
    program = Program(folder, settings, installed=installed)
    await program.start()
    try:
        yield program
    finally:
        await program.kill()


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended by itself."""

    code: int
    stdout: str
    stderr: str


async def run_command(
    *arguments: str, settings: Mapping[str, str], within: float = 30.0, cwd: Path = Path("/"), installed: bool = False
) -> Ended:
    """Runs one `marketflow` command from start to end; raises TimeoutError, with the command killed, after `within` seconds.

    `cwd` is the folder it runs in, where its `.env` would be. `installed`: it is the installed command, which loads the program
    anew.
    """
    if not installed and preloaded.IS_POSSIBLE:
        return await asyncio.to_thread(_run_forked, arguments, settings, within, cwd)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        MARKETFLOW, *arguments, env=surroundings(settings), cwd=cwd, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode or 0, out.decode(), err.decode())


def _forked_run(arguments: Sequence[str], env: Mapping[str, str]) -> Callable[[IO[bytes]], RunningProcess] | None:
    if not preloaded.IS_POSSIBLE:
        return None
    return lambda log: preloaded.fork(arguments, env=env, cwd="/", output=log)


def _run_forked(arguments: Sequence[str], settings: Mapping[str, str], within: float, cwd: Path) -> Ended:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        env = surroundings(settings)
        process = preloaded.fork(arguments, env=env, cwd=str(cwd), output=output, errors=errors)
        try:
            code = process.wait(within)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise TimeoutError from None
        said = [(file.seek(0), file.read().decode())[1] for file in (output, errors)]
    return Ended(code, *said)


async def _make_ledger_that_traded(database_url: str) -> None:
    """Makes a new ledger with an order of a moment ago, and nothing more. An existing one is left alone."""
    clock = SystemClock()
    with suppress(LedgerNotReady):
        await (await look_into_ledger(database_url, clock)).close()
        return
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        make_ledger(Path(str(url.database)))
    ledger = await open_ledger(database_url, clock)
    try:
        step = {"client_order_id": "earlier", "at": clock.now(), "state": OrderState.FILLED, "order_id": "0"}
        step |= dict.fromkeys(("qty", "price", "executed_qty"), Decimal(1))
        await ledger.write(RowBatch({order_steps: [step]}))
    finally:
        await ledger.close()


def surroundings(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns an environment with these settings and nothing that the machine happens to have set."""
    return {"PATH": os.environ["PATH"], **settings}


def _get(port: int, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
