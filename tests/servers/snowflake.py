"""Snowflake for the tests, at the wire: fakesnow's HTTP server in a process and an environment of its own."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.adapters.snowflake.driver_protocol import SnowflakeOptions
from tests.paths import ROOT as _ROOT
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

WAREHOUSE_PYTHON = _ROOT / ".venv-warehouse" / "bin" / "python"


class SnowflakeServer:
    """One account with databases in a folder; it may be stopped and started with its data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="marketflow-snowflake-"))
        self.port = free_port()
        self._process = ServerProcess(
            "fakesnow",
            [str(WAREHOUSE_PYTHON), "-P", str(_ROOT / "tests/servers/fakesnow_server.py"), str(self.port), str(self.folder)],
            log=self.folder / "fakesnow.log",
            ready=self._is_ready,
        )

    def options(self, database: str) -> SnowflakeOptions:
        """Returns the options that reach one of its databases; any password is right."""
        return SnowflakeOptions(
            account="test",
            user="marketflow",
            password="not-checked",
            database=database,
            schema="RAW",
            warehouse="WH",
            host="127.0.0.1",
            port=self.port,
            protocol="http",
        )

    def start(self) -> None:
        """Starts it; returns when it accepts connections."""
        self._process.start()

    def answer_once(self, number: int) -> None:
        """Answers the next statement with this error."""
        httpx.post(f"http://127.0.0.1:{self.port}/tests/answer-once", content=str(number)).raise_for_status()

    def logins(self) -> int:
        """Returns the number of logins."""
        return int(httpx.get(f"http://127.0.0.1:{self.port}/tests/logins").json())

    def stop(self) -> None:
        """Stops it in an orderly way; the data are kept."""
        self._process.stop()

    def remove(self) -> None:
        """Stops it and deletes all its files."""
        self._process.kill()
        shutil.rmtree(self.folder)

    def _is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def need_warehouse() -> None:
    """Skips the test where dbt and fakesnow are not installed."""
    if not WAREHOUSE_PYTHON.exists():
        pytest.skip("needs dbt and fakesnow in .venv-warehouse: `make test` installs them")


@pytest.fixture(scope="session")
def snowflake() -> Iterator[SnowflakeServer]:
    """Starts the tests' own Snowflake; a test that stops it starts it again."""
    need_warehouse()
    server = SnowflakeServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
