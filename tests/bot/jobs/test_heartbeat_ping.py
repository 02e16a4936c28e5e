"""The outside watchdog is pinged only while all is well; its URL is never shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Response
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.jobs.heartbeat_ping import HeartbeatPing
from bot.web.server import serve_web
from tests.own_time import own_seconds
from tests.servers.ports import free_port


class Watchdog:
    """An outside server: its requests, and how it answers."""

    def __init__(self) -> None:
        self.pings = 0
        self.status = 200
        self.seconds = 0.0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[SecretStr]:
        app = FastAPI(openapi_url=None)

        @app.get("/ping/a-secret-path")
        async def ping() -> Response:
            self.pings += 1
            await asyncio.sleep(self.seconds)
            return Response(status_code=self.status)

        async with serve_web(app, "127.0.0.1", 0) as port:
            yield SecretStr(f"http://127.0.0.1:{port}/ping/a-secret-path")


async def test_it_pings_while_every_part_is_well_and_only_then() -> None:
    watchdog, parts = Watchdog(), {"ledger": (True, "fine"), "telegram": (True, "fine")}
    async with watchdog.listening() as address:
        ping = HeartbeatPing(address, lambda: parts)
        await ping.run()
        assert watchdog.pings == 1
        for part in list(parts):
            parts[part] = (False, "away")
            await ping.run()
            parts[part] = (True, "fine")
            assert watchdog.pings == 1
        await ping.run()
        assert watchdog.pings == 2


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_watchdog_that_refuses_is_a_line_in_the_log_and_its_address_none(status: int) -> None:
    watchdog = Watchdog()
    watchdog.status = status
    async with watchdog.listening() as address:
        ping = HeartbeatPing(address, dict)
        with capture_logs() as logs:
            for _ in range(3):
                await ping.run()
            watchdog.status = 200
            await ping.run()
    assert [line["event"] for line in logs] == ["no heartbeat was sent", "heartbeats are sent again"]
    assert str(status) in logs[0]["why"]
    assert "secret" not in str(logs)


async def test_one_that_is_away_or_silent_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.heartbeat_ping._PATIENCE", 0.2)
    watchdog = Watchdog()
    watchdog.seconds = 2
    with capture_logs() as logs:
        await HeartbeatPing(SecretStr(f"http://127.0.0.1:{free_port()}/a-secret-path"), dict).run()
        async with watchdog.listening() as address:
            began = own_seconds()
            await HeartbeatPing(address, dict).run()
            assert own_seconds() - began < 1.5
        await HeartbeatPing(SecretStr("nothing://127.0.0.1/a-secret-path"), dict).run()
    assert len(logs) == 3
    assert "secret" not in str(logs)
