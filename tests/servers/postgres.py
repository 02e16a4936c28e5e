"""A real PostgreSQL for the tests: the system's server programs on an empty cluster of their own, on loopback only."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from core.adapters.ledger.schema import upgrade
from tests.servers.ports import free_port
from tests.servers.process import ServerDidNotStartError, ServerProcess

_SUPERUSER = "marketflow"
_UNPRIVILEGED = ("postgres", "nobody")  # the user to switch to from root, which the server refuses; the first that exists
_STATUS_LINE = 7  # of postmaster.pid: the server's own statement whether it is ready (LOCK_FILE_LINE_PM_STATUS)


class PostgresUnavailableError(Exception):
    """This machine cannot run PostgreSQL; the text names what it lacks."""


class PostgresServer:
    """One cluster in one folder, from `create` to `remove`; in between it may be stopped and started with its data."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        """Builds it; `programs` holds initdb and postgres. Not `durable`: it waits for no disk; commits survive `kill`."""
        self._programs = programs
        self.user = self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="marketflow-postgres-"))
        self._data = self._folder / "data"
        self.port = free_port()
        self.has_ledger = False
        """True once the database `ledger` is there: an empty ledger of the newest schema, to be copied."""
        on_disk = "on" if durable else "off"
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": on_disk,
            "full_page_writes": on_disk,
            "timezone": "UTC",
        }
        self._process = ServerProcess(
            "PostgreSQL",
            [
                *(str(programs / "postgres"), "-D", str(self._data), "-p", str(self.port)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=self._folder / "postgres.log",
            ready=self._is_ready,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to disconnect
            user=self._user,
        )

    def url(self, database: str = "postgres") -> str:
        """Returns SQLAlchemy's URL of a database, by asyncpg."""
        return f"postgresql+asyncpg://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """Returns the same for asyncpg itself."""
        return self.url(database).replace("+asyncpg", "")

    def create(self) -> None:
        """Creates the empty cluster; once, before the first start."""
        if self._user is not None:
            shutil.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        initdb = [str(self._programs / "initdb"), "-D", str(self._data), "-U", _SUPERUSER, "--auth=trust"]
        done = subprocess.run(
            [*initdb, "--no-sync", "--encoding=UTF8", "--locale=C"],
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise ServerDidNotStartError(f"initdb:\n{done.stderr[-1000:]}")

    def start(self) -> None:
        """Starts it on the same port; returns when it accepts connections."""
        self._process.start()

    def stop(self) -> None:
        """Stops it in an orderly way and disconnects its clients; the data are kept."""
        self._process.stop()

    def kill(self) -> None:
        """Kills it at once, in the middle of its work; committed data are kept."""
        self._process.kill()

    def remove(self) -> None:
        """Stops it and deletes all its files."""
        self.stop()
        shutil.rmtree(self._folder)

    async def execute(self, statement: str) -> None:
        """Runs one statement as superuser in the database `postgres`, outside a transaction."""
        import asyncpg

        connection = await asyncpg.connect(self.dsn())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def copy(self, database: str, to: str) -> None:
        """Copies a database as it is, and disconnects its clients: they may reconnect once it is copied."""
        await self.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')  # a template must have no other user
        await self._cut_off(database)
        await self.execute(f'CREATE DATABASE "{to}" TEMPLATE "{database}"')
        await self.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')

    async def put_back(self, copy: str, database: str) -> None:
        """Replaces a database by an older copy, like a failover to a replica that lagged."""
        await self.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        await self.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        await self.execute(f'ALTER DATABASE "{copy}" RENAME TO "{database}"')

    async def _cut_off(self, database: str) -> None:
        await self.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # The file of a killed server stays, and still says "ready".
        mine = bool(lines) and lines[0].strip() == str(self._process.pid)
        return mine and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def find_programs() -> Path:
    """Returns the folder that holds initdb and postgres together, the newest if there are several. Raises
    PostgresUnavailableError."""
    # Debian keeps them out of PATH; a link to them in PATH leads to their folder.
    found = [Path(path).resolve().parent for path in (shutil.which("postgres"),) if path]
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(packaged, key=lambda folder: [int(n) for n in re.findall(r"\d+", str(folder))], reverse=True)
    for folder in found:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    raise PostgresUnavailableError("no `initdb` and `postgres` in PATH or /usr/lib/postgresql")


def _unprivileged_user() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailableError(f"it refuses root, and there is no user {' or '.join(_UNPRIVILEGED)} to become")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Starts the tests' own PostgreSQL, or skips the test if it is unavailable."""
    try:
        server = PostgresServer(find_programs())
    except PostgresUnavailableError as lacking:
        pytest.skip(f"needs PostgreSQL: {lacking}")
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """Returns SQLAlchemy's URL of an empty database for this test alone; it is dropped with all its connections."""
    name = f"test_{secrets.token_hex(8)}"
    await postgres.execute(f'CREATE DATABASE "{name}"')
    yield postgres.url(name)
    await postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def postgres_ledger_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """Returns SQLAlchemy's URL of an empty ledger of the newest schema: a copy of one that is migrated once for each server."""
    if not postgres.has_ledger:
        await postgres.execute('CREATE DATABASE "ledger"')
        engine = create_async_engine(postgres.url("ledger"))
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
        await engine.dispose()
        postgres.has_ledger = True
    name = f"test_{secrets.token_hex(8)}"
    await postgres.execute(f'CREATE DATABASE "{name}" TEMPLATE "ledger"')
    yield postgres.url(name)
    await postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
