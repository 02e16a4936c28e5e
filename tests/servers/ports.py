"""Loopback ports for servers that must be given one. A server that can bind port 0 itself needs none of this."""

import contextlib
import secrets
import socket

# Below the range that the system uses for outgoing connections (32768 on Linux, 49152 elsewhere). Otherwise, while a server is
# down for a restart, a client that keeps trying can get the server's own port and talk to itself.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200

_given_out: set[int] = set()


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that nothing listens on; never the same twice in one test session."""
    for _ in range(_ATTEMPTS):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if port not in _given_out and _is_free(port):
            _given_out.add(port)
            return port
    raise RuntimeError(f"no free port found between {_LOWEST} and {_HIGHEST}")


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    """Tells whether something listens on that port of 127.0.0.1 now."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
