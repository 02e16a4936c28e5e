"""A server process of the tests: started in a group of its own, waited for, and gone when the tests are, however they end."""

import atexit
import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.servers.preloaded import RunningProcess

_POLL = 0.01  # seconds
_LOG_LINES = 15


class ServerDidNotStartError(RuntimeError):
    """The process ended or was not ready in time; the text holds the end of its log."""


class ServerProcess:
    """One run of a server: `start` returns when `ready` says yes, `stop` when the process is gone."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], bool],
        stop_signal: signal.Signals = signal.SIGTERM,
        user: pwd.struct_passwd | None = None,
        env: Mapping[str, str] | None = None,
        launch: Callable[[IO[bytes]], RunningProcess] | None = None,
    ) -> None:
        """Builds it; `name` is for messages. `stop_signal` ends it in an orderly way. `user` is the one to switch to from
        root. `launch` starts it, with its output in this file, in place of `command`; it leads a group of its own."""
        self._name = name
        self._command = list(command)
        self._log = log
        self._ready = ready
        self._stop_signal = stop_signal
        self._user = user
        self._env = env
        self._launch = launch or self._execute
        self._process: RunningProcess | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Tells whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Returns the number of the server's first process; None if it was not started or was stopped."""
        return self._process.pid if self._process else None

    def start(self, timeout: float = 60.0) -> None:
        """Starts it and waits, at most `timeout` seconds. Raises ServerDidNotStartError with the end of its log."""
        with self._log.open("ab") as log:
            self._process = self._launch(log)
        self._watcher = _watch_over(self._process.pid)
        atexit.register(self.kill)
        deadline = time.monotonic() + timeout
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise ServerDidNotStartError(f"{self._name} did not start:\n{self._end_of_log()}")
            time.sleep(_POLL)

    def stop(self, grace: float = 20.0) -> int | None:
        """Asks it to end and waits `grace` seconds before it is killed. Returns its exit code; None if it was not running."""
        process = self._process
        if process is not None and self.running:
            process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        self.kill()
        return process.returncode if process is not None else None

    def wait(self, seconds: float) -> int | None:
        """Returns the exit code once it has ended by itself; None if it has not within `seconds`."""
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def kill(self) -> None:
        """Kills it and its children at once, like a power cut; does nothing if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.kill)
        self._dismiss_watcher()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the group has the number of its first process
        process.wait()

    def _execute(self, log: IO[bytes]) -> RunningProcess:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd="/",
            env=self._env,
        )

    def _dismiss_watcher(self) -> None:
        """Ends the watcher before the group's number can be reused."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.kill()
            watcher.communicate()

    def _end_of_log(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:])


def _watch_over(group: int) -> subprocess.Popen[bytes]:
    """Starts a shell that kills the group once our end of its input is closed: when the test run itself is killed.

    (The kernel's parent-death signal would not do: it comes when the *thread* that started the server ends.)
    """
    return subprocess.Popen(
        ["sh", "-c", 'read -r _; kill -KILL -- "-$0"', str(group)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
