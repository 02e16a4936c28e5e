"""Health over real HTTP: alive, ready part by part, and a clean end."""

import asyncio
import contextlib
import os
import signal
import sys

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bot.clock import SystemClock
from bot.web import connection_limit as connections
from bot.web.health import Readiness, create_web_app
from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from core.domain.errors import ConfigurationError
from core.ports.clock import Clock
from tests.own_time import own_seconds

PARTS: dict[str, Readiness] = {
    name: lambda: (True, "fine") for name in ("ledger", "exchange", "instruments", "kafka", "telegram")
}


async def answer(path: str, parts: dict[str, Readiness]) -> httpx.Response:
    async with serve_web(create_web_app(parts, "1.2.3"), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            (name, 200)
            for name in ("localhost", "prometheus-target", "marketflow:8080", "my_service", "10.0.0.5:8080", "[::1]:8080")
        ),
        *((name, 200) for name in ("Bot.Example.org", "bot.example.org.:8080")),
        *((name, 421) for name in ("evil.io", "marketflow.evil.io:8080", "bot.example.org.evil.io", "a b", "a@b", "")),
    ],
)
async def test_a_name_with_a_dot_must_be_allowed(host: str, status: int) -> None:
    app = create_metrics_app(CollectorRegistry(), {"bot.example.org"})
    async with serve_web(app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": host})
    assert response.status_code == status


async def test_the_first_name_that_is_refused_is_logged_with_what_to_set() -> None:
    app = create_metrics_app(CollectorRegistry())
    with capture_logs() as logged:
        async with serve_web(app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
            for host in ("localhost", "first.example", "second.example"):
                await client.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": host})
    (entry,) = [entry for entry in logged if "HTTP_ALLOWED_HOSTS" in entry["event"]]
    assert (entry["log_level"], entry["host"]) == ("warning", "first.example")


async def test_process_is_alive_whatever_its_parts_do() -> None:
    response = await answer("/healthz", {"kafka": lambda: (False, "no broker")})
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": "1.2.3"})


async def test_ready_when_every_part_is() -> None:
    response = await answer("/readyz", PARTS)
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "parts": {name: {"ready": True, "detail": "fine"} for name in PARTS}}
    assert response.headers["cache-control"] == "no-store"


async def test_not_ready_says_which_part_and_why() -> None:
    response = await answer("/readyz", PARTS | {"kafka": lambda: (False, "no broker answers")})
    assert response.status_code == 503
    body = response.json()
    assert body["parts"]["kafka"] == {"ready": False, "detail": "no broker answers"}
    assert body["parts"]["ledger"]["ready"] is True


async def test_part_that_cannot_answer_is_not_ready_and_tells_no_details() -> None:
    def broken() -> tuple[bool, str]:
        raise ValueError("a secret in an exception")

    response = await answer("/readyz", PARTS | {"telegram": broken})
    assert response.status_code == 503
    assert response.json()["parts"]["telegram"] == {"ready": False, "detail": "could not answer: ValueError"}
    assert response.json()["parts"]["kafka"]["ready"] is True


@pytest.mark.parametrize("path", ["/redoc", "/", "/signals"])
async def test_nothing_else_is_served(path: str) -> None:
    assert (await answer(path, PARTS)).status_code == 404


async def test_taken_port_is_a_wrong_setting() -> None:
    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port:
        with pytest.raises(ConfigurationError, match=f"HTTP_PORT: cannot listen on port {port} of 127.0.0.1"):
            async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", port):
                pass


async def test_signals_stay_with_the_program() -> None:
    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/healthz")
        ours = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, ours.set)
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(ours.wait(), 5)
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
        assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200


async def test_open_connections_do_not_hold_up_the_end() -> None:
    async with httpx.AsyncClient() as client:
        async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port:
            await client.get(f"http://127.0.0.1:{port}/healthz")  # and kept alive
            began = own_seconds()
        assert own_seconds() - began < 1.5
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{port}/healthz")


async def test_port_is_free_after_an_error_inside() -> None:
    ports = []
    with contextlib.suppress(KeyError):
        async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port:
            ports.append(port)
            raise KeyError
    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", ports[0]) as port:
        assert port == ports[0]


async def test_probe_of_the_container_tells_alive_from_dead() -> None:
    async def probe(port: int, host: str) -> int:
        environment = {**os.environ, "HTTP_PORT": str(port), "HTTP_HOST": host}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot.web.healthcheck", env=environment)
        return await process.wait()

    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port:
        assert [await probe(port, host) for host in ("127.0.0.1", "0.0.0.0", "")] == [0, 0, 0]
    assert await probe(port, "127.0.0.1") == 1
    assert await probe(0, "127.0.0.1") == 0


async def test_system_clock_is_aware_and_goes_on() -> None:
    clock: Clock = SystemClock()
    before, began = clock.now(), clock.monotonic()
    await clock.sleep(0.01)
    assert before.utcoffset() is not None
    assert clock.now() > before
    assert clock.monotonic() - began >= 0.009


async def test_half_open_connections_use_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS", 10)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(15)]
        for _, writer in opened:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost:")
        ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in opened), return_exceptions=True), 5)
        assert all(end == b"" or isinstance(end, ConnectionError) for end in ends)
        for _ in range(20):
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        for _, writer in opened:
            writer.close()


async def test_a_connection_is_kept_between_requests_but_not_for_half_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    async with serve_web(create_web_app(PARTS, "1"), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"}")
            await asyncio.sleep(0.2)
        writer.write(b"GET /healthz")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
