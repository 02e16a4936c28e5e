"""By which name the program may be asked over HTTP: a page elsewhere that gives itself our address reads nothing."""

import asyncio

import httpx
import pytest
from prometheus_client import CollectorRegistry

from bot.clock import SystemClock
from bot.web.health import create_web_app
from bot.web.hosts import allows
from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from tests.bot.test_webhook import GOOD, Hook, Inbox
from tests.core.virtual_time import VirtualClock

NAMES = frozenset({"marketflow", "flow.example.com"})
ALLOWED = [
    *(
        "127.0.0.1",
        "127.0.0.1:8080",
        "10.1.2.3:80",
        "[::1]",
        "[::1]:8080",
        "[fe80::1]",
        "localhost",
        "localhost:8080",
        "LOCALHOST.",
    ),
    *("marketflow", "marketflow:8001", "flow.example.com", "FLOW.example.com.:443"),
]
REFUSED = [
    *("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "flow.example.com.evil.example"),
    *("example.com", "xflow.example.com", "a.flow.example.com", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "0x7f.1", ""),
    *("[evil.example]", "localhost:80:80", "2130706433", "127.1", "local host", "::1"),
]


@pytest.mark.parametrize("host", ALLOWED)
def test_addresses_localhost_and_named_hosts_may_be_asked_for(host: str) -> None:
    assert allows(host, NAMES)


@pytest.mark.parametrize("host", [host for host in REFUSED if host != "::1"])
def test_no_other_name_may(host: str) -> None:
    assert not allows(host, NAMES)


@pytest.mark.parametrize("path", ["/readyz", "/docs", "/openapi.json", "/nothing"])
async def test_what_tells_anything_is_told_by_known_names_alone(path: str) -> None:
    app = create_web_app({"ledger": lambda: (True, "fine")}, "1", Inbox().routes(SystemClock()), names=NAMES)
    async with serve_web(app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}{path}"
        known = {(await client.get(url, headers={"Host": host})).status_code for host in ("127.0.0.1", "marketflow:1")}
        assert known == {404 if path == "/nothing" else 200}
        answer = await client.get(url, headers={"Host": "evil.example"})
        assert (answer.status_code, "HTTP_ALLOWED_HOSTS" in answer.json()["detail"]) == (421, True)


async def test_metrics_are_told_by_known_names_alone() -> None:
    async with serve_web(create_metrics_app(CollectorRegistry(), NAMES), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        for host, status in (("127.0.0.1", 200), ("marketflow:8001", 200), ("evil.example", 421)):
            assert (await client.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": host})).status_code == status


async def test_health_answers_to_any_name_and_signals_to_whoever_knows_the_secret() -> None:
    inbox = Inbox()
    async with serve_web(create_web_app({}, "1", inbox.routes(SystemClock())), "127.0.0.1", 0) as port:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": "evil.example"})
            assert answer.status_code == 200
        assert (await Hook(port, inbox, VirtualClock()).signed(GOOD)).status_code == 202
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n")
        assert b" 4" in await reader.readline()
        writer.close()
        await writer.wait_closed()
