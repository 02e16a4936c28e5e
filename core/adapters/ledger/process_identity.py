"""Identifies a process on a machine, so that another one there can tell for certain that it has ended. Works on Linux only."""

import os
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset({"Z", "X"})  # zombie, dead: proc(5), "/proc/pid/stat"


def this_process() -> str:
    """Returns `boot/namespace/pid/start`, which is unique to this process; empty if unavailable."""
    known = _surroundings()
    state = _state(os.getpid())
    return f"{known}/{os.getpid()}/{state[1]}" if known and state else ""


def has_ended(process: str) -> bool:
    """Tells whether the process that `this_process` named has certainly ended; False for one on another machine or in a
    container."""
    surroundings, _, rest = process.partition("/pid:[")
    namespace, _, rest = rest.partition("]/")
    pid, _, start = rest.partition("/")
    if f"{surroundings}/pid:[{namespace}]" != _surroundings() or not pid.isdecimal():
        return False
    state = _state(int(pid))
    return not _exists(int(pid)) if state is None else state[0] in _ENDED or state[1] != start


def number_here(process: str) -> int | None:
    """Returns the number by which this process can send a signal to the one that `this_process` named; None if that has ended,
    or runs on another machine or in a container."""
    pid = process.removesuffix("/").rpartition("/")[0].rpartition("/")[2]
    is_here = bool(process) and process.startswith(f"{_surroundings()}/") and pid.isdecimal()
    return int(pid) if is_here and not has_ended(process) else None


def _surroundings() -> str:
    """Returns the boot id of this machine, and the namespace that pids belong to."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    """Tells whether there is such a process, though /proc may hide those of other users (`hidepid`, systemd's ProtectProc)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _state(pid: int) -> tuple[str, str] | None:
    """Returns state and start time (clock ticks since the boot); None if there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[0], fields[19]
