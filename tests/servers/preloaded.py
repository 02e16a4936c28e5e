"""Starts `marketflow` in a process of its own without loading it anew each time, which takes a second of the processor.

One process of the tests has all of it loaded, and is forked for each start (`preloaded_program`). What runs there is what the
installed command runs, in the environment, folder and group that it would have: only the loading itself is not repeated. Tests
that measure a start, or are about one, start the installed command; each command has at least one of them.
"""

import atexit
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Protocol

_PROGRAM = Path(__file__).with_name("preloaded_program.py")
_CODE = struct.Struct("i")
_STARTING = threading.Lock()

IS_POSSIBLE = hasattr(os, "pidfd_open")
"""Linux has it; elsewhere each start loads the program anew."""


class RunningProcess(Protocol):
    """A process that was started, with the part of subprocess.Popen that is used."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class ForkedProcess:
    """One process that was forked. It is not this process's child: its exit code comes over `reply`, and stays there, so that
    any thread may ask for it."""

    def __init__(self, pid: int, reply: socket.socket) -> None:
        self.pid = pid
        self._reply = reply
        weakref.finalize(self, reply.close)

    @property
    def returncode(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Returns the same."""
        try:
            said = self._reply.recv(_CODE.size, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not said:
            raise RuntimeError("the process that holds the loaded program has ended")
        code: int = _CODE.unpack(said)[0]
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code once it has ended; raises subprocess.TimeoutExpired after `timeout` seconds."""
        waiting = select.poll()
        waiting.register(self._reply, select.POLLIN)
        waiting.poll(None if timeout is None else timeout * 1000)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("marketflow", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        """Sends it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)


def fork(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: str, output: IO[bytes], errors: IO[bytes] | None = None
) -> ForkedProcess:
    """Starts `marketflow` with these arguments and this environment in a session of its own, its input empty; without `errors`
    they go where the output goes."""
    said = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": cwd}).encode()
    reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, Path(os.devnull).open("rb") as nothing:
        streams = [nothing.fileno(), output.fileno(), (errors or output).fileno()]
        with _STARTING:
            requests = _requests()
        socket.send_fds(requests, [said], [*streams, theirs.fileno()])
    (pid,) = _CODE.unpack(reply.recv(_CODE.size))
    return ForkedProcess(pid, reply)


@cache
def _requests() -> socket.socket:
    """Starts the process that loads the program, with nothing of this process's environment but PATH; it ends with this one.
    Returns the socket that takes requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            cwd="/",
            env={"PATH": os.environ["PATH"]},
        )

    def end() -> None:
        process.kill()
        process.wait()
        ours.close()

    atexit.register(end)
    return ours
