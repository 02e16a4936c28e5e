"""Too many connections, on real sockets: silent or slow clients never keep out one that sends a request."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.clock import SystemClock
from bot.web import connection_limit as connections
from bot.web import webhook
from bot.web.connection_limit import most_connections
from bot.web.health import create_web_app
from bot.web.server import serve_web
from core.domain.arrival import Arrival
from core.domain.messages import Message
from tests.bot.web.test_webhook import GOOD, Hook, Inbox
from tests.core.virtual_time import VirtualClock
from tests.own_time import own_seconds

CROWD = 500
SAID = {
    "nothing": b"",
    "half a line": b"GET /heal",
    "half a head": b"POST /signals HTTP/1.1\r\nHost: x\r\n",
    "half a body": b'POST /signals HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n{"signal_type":',
    "too long a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 15_000,
}


@pytest.fixture(params=[64, None], ids=["64 connections", "as many as there may be"])
def most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(connections, "CONNECTIONS", request.param)


@asynccontextmanager
async def a_crowd(port: int, said: bytes) -> AsyncIterator[list[asyncio.StreamWriter]]:
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(CROWD)))
    writers = [writer for _, writer in opened]
    try:
        for writer in writers:
            writer.write(said)
        yield writers
    finally:
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("said", list(SAID))
@pytest.mark.usefixtures("most")
async def test_a_crowd_that_asks_for_nothing_keeps_nobody_out(said: str) -> None:
    inbox = Inbox()
    async with (
        serve_web(create_web_app({}, "1", inbox.routes(SystemClock())), "127.0.0.1", 0) as port,
        a_crowd(port, SAID[said]),
        httpx.AsyncClient() as client,
    ):
        hook = Hook(port, inbox, VirtualClock())
        await client.get(f"http://127.0.0.1:{port}/healthz")  # the crowd is connected by then
        for number in range(5):
            began = own_seconds()
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
            assert own_seconds() - began < 1
            assert (await hook.signed({**GOOD, "signal_id": str(number)})).status_code == 202
    assert len(inbox.messages) == 5


async def test_whoever_dribbles_does_not_grow_younger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends a byte now and then, which is not a request: that connection is closed before a newer one."""
    monkeypatch.setattr(connections, "CONNECTIONS", 3)
    async with serve_web(create_web_app({}, "1"), "127.0.0.1", 0) as port:
        slow_reader, slow = await asyncio.open_connection("127.0.0.1", port)
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for byte in b"GET /":
            slow.write(bytes([byte]))
            await asyncio.sleep(0.01)
        others.append(await asyncio.open_connection("127.0.0.1", port))
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(slow_reader.read(), 5) == b""
        slow.transport.abort()
        for reader, writer in others:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def test_one_that_is_being_answered_makes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS", 3)
    inbox, going_on = Inbox(), asyncio.Event()
    store = inbox.submit

    async def slowly(message: Message) -> Arrival:
        await going_on.wait()
        return await store(message)

    monkeypatch.setattr(inbox, "submit", slowly)
    monkeypatch.setattr(webhook, "ROOM_SECONDS", 60.0)  # the crowd may take its time to connect
    async with serve_web(create_web_app({}, "1", inbox.routes(SystemClock())), "127.0.0.1", 0) as port:
        sending = asyncio.create_task(Hook(port, inbox, VirtualClock()).signed(GOOD))
        await asyncio.sleep(0.2)
        async with a_crowd(port, b""):
            going_on.set()
            assert (await asyncio.wait_for(sending, 60)).status_code == 202


async def test_the_process_asks_for_the_files_that_connections_need() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        assert most_connections() == min(1024, max(before[1], 512) // 4)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(4096, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
