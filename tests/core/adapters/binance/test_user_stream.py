"""The user data stream at the loopback Binance: reports arrive, cuts are survived and said, no secret is logged."""

import asyncio
import contextlib
import itertools
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.user_stream import UserStream
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, OrderRequest
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from tests.core.adapters.binance.test_order_lists import LIST
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.keys import both_kinds, credentials_of
from tests.private_keys import ed25519_pem
from tests.venue import Venue, running_venue
from tests.venue.asking import LIMIT, WIF, client_of
from tests.venue.venue import ED25519_KEY

BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))
SUBSCRIBE = "WS userDataStream.subscribe.signature"
LOG_ON, SUBSCRIBE_LOGGED_ON = "WS session.logon", "WS userDataStream.subscribe"
PATIENCE = 10.0
Make = Callable[..., UserStream]


class Restless(RealClock):
    """A clock that notes every pause and skips it."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._paused = asyncio.Condition()

    async def sleep(self, seconds: float) -> None:
        async with self._paused:
            self.pauses.append(seconds)
            self._paused.notify_all()
        await asyncio.sleep(0)

    async def until_paused(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE), self._paused:
            await self._paused.wait_for(lambda: len(self.pauses) >= times)


class Ear:
    """A listener that keeps what it hears; `told` is the order in which it was told things."""

    def __init__(self) -> None:
        self.reports: list[ExecutionReport] = []
        self.told: list[str] = []
        self._changed = asyncio.Condition()

    async def heard(self, report: ExecutionReport) -> None:
        self.reports.append(report)
        await self._tell(f"{report.client_order_id} {report.state}")

    async def connected(self) -> None:
        await self._tell("connected")

    async def away(self) -> None:
        await self._tell("away")

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(done)

    async def until_told(self, *words: str) -> None:
        await self.until(lambda: all(self.told.count(word) >= words.count(word) for word in words))

    async def _tell(self, word: str) -> None:
        async with self._changed:
            self.told.append(word)
            self._changed.notify_all()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def clock() -> Restless:
    return Restless()


@pytest.fixture
def make(venue: Venue, client: BinanceClient, ear: Ear, clock: Restless, credentials: Credentials) -> Make:
    """Returns a function that makes streams of the venue with its own key; options are UserStream's."""

    def stream(**options: Any) -> UserStream:
        chosen: dict[str, Any] = {"url": venue.ws_url, "credentials": credentials, **options}
        return UserStream(clock=clock, offset=client.measure_clock, listener=ear, **chosen)

    return stream


@contextlib.asynccontextmanager
async def following(stream: UserStream) -> AsyncIterator[UserStream]:
    task = asyncio.create_task(stream.run())
    try:
        yield stream
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def stream(make: Make, ear: Ear) -> AsyncIterator[UserStream]:
    async with following(make()) as started:
        await ear.until_told("connected")
        yield started


def test_importing_the_stream_imports_nothing_heavy() -> None:
    program = "import sys, core.adapters.binance.user_stream; sys.exit('websockets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@both_kinds
@pytest.mark.usefixtures("stream")
async def test_an_order_is_heard_with_its_fills(client: BinanceClient, ear: Ear) -> None:
    placed = await client.place(replace(BUY, mark=7))
    assert isinstance(placed, ExecutionReport)
    await ear.until_told("mf-1 FILLED")
    heard = ear.reports[-1]
    assert (heard.order_id, heard.executed_qty, heard.quote_qty, heard.mark, heard.qty) == (
        placed.order_id, placed.executed_qty, placed.quote_qty, 7, Decimal(20),
    )  # fmt: skip
    assert [(fill.trade_id, fill.qty, fill.fee, fill.fee_asset) for fill in heard.fills] == [
        (fill.trade_id, fill.qty, fill.fee, fill.fee_asset) for fill in placed.fills
    ]


@both_kinds
@pytest.mark.usefixtures("stream")
async def test_a_list_is_heard_to_its_end(venue: Venue, client: BinanceClient, ear: Ear) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")
    await client.place_list(LIST)
    above, below = LIST.above.client_order_id, LIST.below.client_order_id
    await ear.until_told(f"{above} ACCEPTED", f"{below} ACCEPTED")
    venue.set_price(WIF, "0.39")
    await ear.until_told(f"{below} FILLED", f"{above} EXPIRED")
    ended = next(report for report in ear.reports if report.state is OrderState.EXPIRED)
    assert ended.expiry_reason == "OCO_TRIGGER"


@both_kinds
@pytest.mark.usefixtures("stream")
async def test_a_cancellation_is_heard_under_the_orders_own_id(venue: Venue, client: BinanceClient, ear: Ear) -> None:
    async with client_of(venue) as by_hand:
        await by_hand.create_order(**LIMIT, newClientOrderId="mf-1")
    await client.cancel_order(WIF, "mf-1")
    await ear.until_told("mf-1 CANCELED")
    assert ear.told == ["connected", "mf-1 ACCEPTED", "mf-1 CANCELED"]


@both_kinds
@pytest.mark.parametrize("end", ["cut", "terminate", "announce_shutdown", "close"])
async def test_after_an_end_it_listens_again(venue: Venue, client: BinanceClient, ear: Ear, stream: UserStream, end: str) -> None:
    getattr(venue.streams, end)()
    await ear.until_told("connected", "away", "connected")
    assert ear.told == ["connected", "away", "connected"]
    await client.place(BUY)
    await ear.until_told("mf-1 FILLED")
    assert venue.streams.subscriptions == 1
    assert stream.unreadable == 0


@pytest.mark.usefixtures("stream")
async def test_while_nobody_answers_the_pauses_grow(venue: Venue, ear: Ear, clock: Restless) -> None:
    venue.streams.cut(away=True)
    await ear.until_told("away")
    await clock.until_paused(10)
    assert clock.pauses[:9] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    venue.streams.is_away = False
    await ear.until_told("connected", "connected")


@pytest.mark.usefixtures("stream")
async def test_a_connection_that_lasted_is_no_failed_attempt(venue: Venue, ear: Ear, clock: Restless) -> None:
    for times in range(2, 5):
        clock.pass_time(61)
        venue.streams.cut()
        await ear.until(lambda times=times: ear.told.count("connected") == times)  # type: ignore[misc]
    assert clock.pauses == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(("status", "pause"), [(418, 120.0), (429, 60.0), (400, 0.5)])
@pytest.mark.parametrize(
    ("credentials", "method"),
    [("hmac", SUBSCRIBE), ("ed25519", LOG_ON), ("ed25519", SUBSCRIBE_LOGGED_ON)],
    indirect=["credentials"],
)
async def test_a_refused_subscription_is_tried_again(
    venue: Venue, make: Make, clock: Restless, *, method: str, status: int, pause: float
) -> None:
    venue.faults.answer(method, status, {"code": -1003, "msg": "no"})
    async with following(make()):
        await clock.until_paused(1)
    assert clock.pauses == [pause]


@pytest.mark.parametrize(
    ("credentials", "method"), [("hmac", SUBSCRIBE), ("ed25519", SUBSCRIBE_LOGGED_ON)], indirect=["credentials"]
)
async def test_a_subscription_that_stands_already_is_one(
    venue: Venue, client: BinanceClient, ear: Ear, make: Make, method: str
) -> None:
    venue.faults.answer(method, 400, {"code": -2035, "msg": "User Data Stream subscription already active."}, executed=True)
    async with following(make()):
        await ear.until_told("connected")
        await client.place(BUY)
        await ear.until_told("mf-1 FILLED")
    assert "away" not in ear.told


@both_kinds
async def test_a_clock_that_is_off_is_measured_first(venue: Venue, make: Make, ear: Ear, clock: Restless) -> None:
    venue.clock.offset_ms = -20_000
    async with following(make()):
        await ear.until_told("connected")
    assert clock.pauses == []


@pytest.mark.usefixtures("stream")
async def test_other_events_are_skipped_and_a_repeated_one_is_told_again(venue: Venue, client: BinanceClient, ear: Ear) -> None:
    venue.set_balance("USDC", "50000")  # balanceUpdate
    venue.streams.double(20)
    await client.place(BUY)
    await ear.until_told("mf-1 FILLED", "mf-1 FILLED")
    assert set(ear.told) <= {"connected", "mf-1 ACCEPTED", "mf-1 FILLED"}


async def test_what_cannot_be_read_is_counted_and_nothing_else_is_lost(
    venue: Venue, client: BinanceClient, ear: Ear, stream: UserStream, caplog: pytest.LogCaptureFixture
) -> None:
    (connection,) = venue.streams.connections
    odds: list[object] = [
        [],
        {"event": 5},
        {"event": {"e": "executionReport", "c": "a secret"}},
        {"event": {"e": "tomorrow's"}},
        "x",
    ]
    for odd in odds:
        connection.send(odd)
    await client.place(BUY)
    await ear.until_told("mf-1 FILLED")
    assert stream.unreadable == 4
    assert "a secret" not in caplog.text


async def test_an_ed25519_key_logs_on_and_subscribes_without_a_signature(venue: Venue, make: Make, ear: Ear) -> None:
    async with following(make(credentials=credentials_of(venue, "ed25519"))):
        await ear.until_told("connected")
        venue.streams.cut()
        await ear.until_told("connected", "connected")
    logged_on, subscribed = [seen for seen in venue.requests if seen.method.startswith("WS")][:2]
    assert (logged_on.method, set(logged_on.params)) == (LOG_ON, {"timestamp"})  # besides key and signature
    assert (subscribed.method, subscribed.params) == (SUBSCRIBE_LOGGED_ON, {})


async def test_the_key_of_somebody_else_is_not_let_in(venue: Venue, make: Make, ear: Ear, clock: Restless) -> None:
    venue.add_ed25519_key()
    async with following(make(credentials=Credentials(ED25519_KEY, private_key=ed25519_pem()))):
        await clock.until_paused(2)
    assert ear.told == []
    assert {seen.method for seen in venue.requests if seen.method.startswith("WS")} == {LOG_ON}


@pytest.mark.parametrize(("credentials", "method"), [("hmac", SUBSCRIBE), ("ed25519", LOG_ON)], indirect=["credentials"])
async def test_no_secret_is_logged(
    venue: Venue,
    make: Make,
    ear: Ear,
    credentials: Credentials,
    *,
    method: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    venue.faults.answer(method, 400, {"code": -1022, "msg": f"{credentials.key} {credentials.secret}"})
    async with following(make()):
        await ear.until_told("connected")
        venue.streams.cut()
        await ear.until_told("away", "connected", "connected")
    shown = capsys.readouterr()
    everything = "\n".join([shown.out, shown.err, *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)])
    hidden = (credentials.key, credentials.secret, *credentials.private_key.splitlines()[1:2], "signature")
    assert [secret for secret in hidden if secret and secret in everything] == []


async def test_an_exchange_that_is_not_there_is_found_later(make: Make, ear: Ear, clock: Restless) -> None:
    async with following(make(url="ws://127.0.0.1:1/ws-api/v3")):
        await clock.until_paused(3)
    assert ear.told == []
    async with running_venue() as other, following(make(url=other.ws_url)):
        await ear.until_told("connected")


@pytest.mark.parametrize("method", ["heard", "connected"])
async def test_what_the_listener_raises_ends_the_stream(
    make: Make, client: BinanceClient, ear: Ear, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def broken(*_: object) -> None:
        raise ExchangeUnavailable("not the stream's own trouble")

    monkeypatch.setattr(ear, method, broken)
    task = asyncio.create_task(make().run())
    if method == "heard":
        await ear.until_told("connected")
        await client.place(BUY)
    with pytest.raises(ExchangeUnavailable):
        await asyncio.wait_for(task, PATIENCE)


@both_kinds
async def test_a_redirect_is_not_followed(venue: Venue, make: Make, clock: Restless) -> None:
    """Guards the key: it would be sent to the host that the redirect names."""

    async def elsewhere(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 307 There\r\nLocation: {venue.ws_url}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    async with server, following(make(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3")):
        await clock.until_paused(2)
    assert venue.streams.connections == []
    assert not [seen for seen in venue.requests if seen.method.startswith("WS")]


# --- cut at any byte ---


@contextlib.asynccontextmanager
async def cutting(port: int, after: list[int]) -> AsyncIterator[int]:
    """Stands between the program and the exchange, and cuts each connection after so many bytes of answers; None left: never."""

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, left: int | None) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                target.write(data if left is None else data[:left])
                if left is not None and len(data) >= left:
                    break
                left = None if left is None else left - len(data)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = after.pop(0) if after else None
        there, back = await asyncio.open_connection("127.0.0.1", port)
        asking = asyncio.create_task(pump(reader, back, None))
        await pump(there, writer, left)
        back.close()
        asking.cancel()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@both_kinds
async def test_a_connection_cut_at_any_byte_is_made_again(venue: Venue, client: BinanceClient, ear: Ear, make: Make) -> None:
    venue.lift_limits()
    port = int(venue.ws_url.rpartition(":")[2].partition("/")[0])
    cuts = list(range(1, 900, 29))
    async with cutting(port, cuts) as between:
        url = f"ws://127.0.0.1:{between}/ws-api/v3"
        async with following(make(url=url)) as stream:
            for number in itertools.count():
                name, ends = f"mf-{number}", ear.told.count("away")
                await client.place(replace(BUY, client_order_id=name))
                if not cuts and ear.told.count("connected") > ends:  # maybe over the last connection that is cut
                    await ear.until(lambda name=name, ends=ends: f"{name} FILLED" in ear.told or ear.told.count("away") > ends)  # type: ignore[misc]
                if f"{name} FILLED" in ear.told and not cuts:
                    break
            assert stream.unreadable == 0
    assert ear.told.count("away") > 3
