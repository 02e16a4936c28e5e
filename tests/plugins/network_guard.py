"""Fails a test that touches any address but loopback, also when the code under test swallowed the error.

It sees Python's sockets, but neither a C library's own sockets nor a child process.
"""

import ipaddress
import socket
import sys
import traceback
from collections.abc import Generator
from typing import Any

import pytest

_STACK_DEPTH = 6
_NO_HOST = (None, "", b"", "localhost", b"localhost")  # this machine, without asking a name server

_attempts: list[str] = []


class NetworkForbiddenError(OSError):
    """Raised in place of the attempt; an OSError, so that the code under test takes the path it has for no network."""


def pytest_configure() -> None:
    """Adds the audit hook, which stays until the end of the process."""
    sys.addaudithook(_watch)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Fails the test whose fixture touches the network."""
    return (yield from _judged())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Checks the test itself, and every thread that ran during it."""
    return (yield from _judged())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Checks the fixtures' teardown."""
    return (yield from _judged())


def _judged() -> Generator[None, object, object]:
    try:
        outcome = yield
    except pytest.skip.Exception:
        if not _attempts:
            raise
    except BaseException as error:
        if _attempts:
            error.add_note(_verdict())
        raise
    if _attempts:
        pytest.fail(_verdict(), pytrace=False)
    return outcome


def _verdict() -> str:
    verdict = "\n".join(["this test touched the network; only loopback is allowed", *_attempts])
    _attempts.clear()
    return verdict


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        opened, address = arguments[:2]
        # No address: connected before, and checked then. A Unix socket has a path for an address.
        if opened.family in {socket.AF_INET, socket.AF_INET6} and address and not _is_loopback(address[0]):
            _refuse(f"{event} to {address[0]} port {address[1]}")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
        # A literal address is not looked up; it is checked when something connects to it.
        if host not in _NO_HOST and _literal(host) is None:
            _refuse(f"{event} of {host!r}")


def _is_loopback(host: object) -> bool:
    address = _literal(host)
    return host in _NO_HOST or (address is not None and address.is_loopback)


def _literal(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _refuse(attempt: str) -> None:
    where = "".join(traceback.format_stack(sys._getframe(2), limit=_STACK_DEPTH))
    _attempts.append(f"{attempt}, from\n{where}")
    raise NetworkForbiddenError(f"the tests may use loopback only: {attempt}")
