"""A real pgbouncer in front of a test's PostgreSQL, in transaction mode, with fewer connections than there are clients."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.servers.ports import free_port
from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerProcess

CONNECTIONS = 2


def _program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def running_pgbouncer(server: PostgresServer, **options: str) -> Iterator[int]:
    """Starts it and yields its port. `options` are settings of pgbouncer.ini. Skips the test if it is missing, and reports that
    at the end."""
    program = _program()
    if program is None:
        pytest.skip("needs pgbouncer: no `pgbouncer` in PATH or /usr/sbin")
    folder, port = Path(tempfile.mkdtemp(prefix="marketflow-pgbouncer-")), free_port()
    (folder / "users.txt").write_text('"marketflow" ""\n')
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": str(folder / "users.txt"),
        "pool_mode": "transaction",
        "default_pool_size": str(CONNECTIONS),
        "server_round_robin": "1",  # never the same connection twice in a row, as under load
    } | options
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (folder / "pgbouncer.ini").write_text(f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n{lines}")
    user = server.user if os.geteuid() == 0 else None
    if user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user.pw_uid, user.pw_gid)
    process = ServerProcess(
        "pgbouncer",
        [program, str(folder / "pgbouncer.ini")],
        log=folder / "pgbouncer.log",
        ready=lambda: _listens(port),
        user=user,
    )
    process.start()
    try:
        yield port
    finally:
        process.stop()
        shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
