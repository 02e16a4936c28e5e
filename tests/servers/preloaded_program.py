"""Loads all of `marketflow` once and forks a process for each command that it is sent. A program of its own, started by
`tests.servers.preloaded`: nothing but the program is loaded here, and no thread runs."""

import gc
import json
import os
import selectors
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

LOADED = (
    "bot.app.running",
    "bot.cli.backup",
    "bot.cli.daily_reconciliation",
    "bot.cli.doctor",
    "bot.cli.export_csv",
    "bot.cli.handover",
    "bot.cli.partial_settings",
    "bot.cli.publish",
    "bot.cli.reconcile",
    "bot.cli.resend",
    "bot.cli.restore",
    "alembic.command",
    "alembic.config",
    "core.adapters.binance.http_client",
    "core.adapters.binance.stream_socket",
)
_LONGEST = 1 << 18  # bytes of a request


@dataclass(frozen=True)
class _Request:
    """A command to be run; its standard input, output and error, and the socket of who asked for it."""

    arguments: list[str]
    env: dict[str, str]
    cwd: str
    files: list[int]


def _serve(requests: socket.socket) -> _Request | None:
    """Forks for each request. Returns twice: in the new process with its request, and in this one, with None, once the tests
    have ended. Whoever asked for a process is sent its exit code."""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    selector.unregister(key.fd)
                    _report_end(key.fd, *key.data)
                    continue
                said, files, _, _ = socket.recv_fds(requests, _LONGEST, 4)
                if not said:
                    return None
                pid = os.fork()
                if pid == 0:
                    return _Request(**json.loads(said), files=files)
                reply = socket.socket(fileno=files.pop())
                for file in files:
                    os.close(file)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, reply))


def _report_end(handle: int, pid: int, reply: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(handle)
    with reply, suppress(BrokenPipeError):  # nobody may be interested any more
        reply.send(struct.pack("i", code))


def _become(request: _Request) -> None:
    """Makes this process one that was just started: leader of its own group, its environment, its folder, no other file open.
    Whoever asked for it is sent its number, from when on it can be killed as a group."""
    *streams, reply = request.files
    os.setsid()
    os.write(reply, struct.pack("i", os.getpid()))
    for number, file in enumerate(streams):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(request.env)
    os.chdir(request.cwd)
    sys.argv = ["marketflow", *request.arguments]


def _command() -> int:
    """Returns the exit code of a command in its process, and 0 in the process that all of them were forked from."""
    gc.disable()  # as the command itself does until it is loaded
    for name in LOADED:
        import_module(name)
    gc.freeze()  # a collection would copy the memory that the processes share
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        request = _serve(requests)
    if request is None:
        return 0
    _become(request)
    code: int = import_module("bot.__main__").main()
    return code


if __name__ == "__main__":
    sys.exit(_command())
