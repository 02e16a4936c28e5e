"""An exchange that answers oddly, whatever the question: nothing crashes, nothing false is taken for a fact, and no exit waits
longer than the answer does."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.domain.candle import Interval
from core.domain.errors import ExchangeUnavailable
from core.domain.messages import Message, SignalReceived
from core.domain.order import ExecutionReport, NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.signal import Side, Signal
from core.domain.trading_state import TradingState
from core.reconciliation.execution_comparison import compare_executions
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.conftest import Connect
from tests.core.world import LIMITS, Durations
from tests.ledgers import make_ledger
from tests.own_time import own_seconds
from tests.servers.odd import OddFront, Reply, any_odd, dumped, odd_front
from tests.venue.asking import WIF
from tests.venue.venue import Venue

ANSWERS = int(os.environ.get("ODD_ANSWERS", "1000"))
SEED = int(os.environ.get("ODD_SEED", "1"))
HEADERS = ("X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D", "Retry-After")
VALUES = ("soon", "-1", "0", "1e9", "NaN", "", "9" * 300, "5999")
BODIES = (
    {"code": -1000, "msg": "x"}, {"code": "-1121", "msg": 5}, {"code": 0}, {"code": 10**30, "msg": None},
    {"code": -1006, "msg": []}, {"code": True}, {"msg": "Invalid symbol."}, {"code": -99_999, "msg": "\0\ud800"},
)  # fmt: skip


def spoil(chance: random.Random, request: str, answer: Reply) -> Reply:
    """Returns an odd answer of the exchange. Leaves out its own plain refusals: those would be lies, not oddities."""
    odd = {chance.choice(HEADERS): chance.choice(VALUES)}
    if chance.random() < 0.2:  # a success status with an error in it, and the reverse
        return Reply(chance.choice((200, 200, 400, 418, 429, 500, 503)), dumped(chance.choice(BODIES)), odd)
    made = any_odd(chance, answer)
    if "order" in request.partition("/")[2] and made.raw is None and 400 <= made.status < 500:
        return Reply(made.status, b"<html>" + made.body, {**made.headers, **odd})
    return Reply(made.status, made.body, {**made.headers, **odd}, made.raw, made.delay)


@pytest.fixture
async def front(venue: Venue) -> AsyncIterator[OddFront]:
    """Puts odd answers in front of the exchange; none at first."""
    venue.lift_limits()
    async with odd_front(int(venue.api_url.rpartition(":")[2].partition("/")[0]), spoil, SEED) as front:
        front.spoiling = False
        yield front


def url(front: OddFront) -> str:
    return f"http://127.0.0.1:{front.port}/api"


class Orders:
    """Places an order per call, each with its own name, and checks its result against the exchange's state."""

    def __init__(self, client: BinanceClient, venue: Venue) -> None:
        self._client = client
        self._venue = venue
        self.said: Counter[str] = Counter()
        self.names: list[str] = []

    async def place(self) -> None:
        side = (Side.BUY, Side.SELL)[len(self.names) % 2]
        request = OrderRequest(f"mf-{len(self.names)}", WIF, side, Decimal(15))
        self.names.append(request.client_order_id)
        result = await self._client.place(request)
        self.said[type(result).__name__] += 1
        there = [order for order in self._venue.orders if order.client_order_id == request.client_order_id]
        assert len(there) <= 1
        if isinstance(result, ExecutionReport):
            assert there
            self.judge(result, request.client_order_id)
        elif isinstance(result, Rejected | NotTaken):
            assert there == [], result
        else:
            assert isinstance(result, Unanswered)

    async def find(self) -> None:
        name = self.names[-1]
        there = [order for order in self._venue.orders if order.client_order_id == name]
        found = await self._client.find_order(WIF, name)
        if found is None:
            assert there == []
        else:
            self.judge(found, name)

    async def cancel(self) -> None:
        """Checks that an order that is filled, or never came, is never said to be cancelled."""
        assert not await self._client.cancel_order(WIF, "mf-0")

    def judge(self, report: ExecutionReport, name: str) -> None:
        assert (report.client_order_id, report.symbol) == (name, WIF)
        assert report.executed_qty >= 0
        assert report.quote_qty.is_finite()
        assert all(fill.symbol == WIF and fill.qty > 0 and fill.price > 0 for fill in report.fills)


async def test_no_odd_answer_of_any_endpoint_is_an_error_or_a_fact(venue: Venue, front: OddFront, connect: Connect) -> None:
    clock = RealClock()
    client = connect(api_url=url(front), clock=clock, timeout=2.0)
    venue.set_balance("WIF", "100000")
    await client.instruments([WIF])
    await client.measure_clock()
    orders, begin = Orders(client, venue), datetime.now(UTC) - timedelta(hours=1)
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "time": client.server_time,
        "clock": client.measure_clock,
        "rules": lambda: client.instruments([WIF, "WIFUSDT"]),
        "all rules": lambda: client.instruments(None),
        "prices": lambda: client.quotes([WIF, "WIFUSDT"]),
        "candles": lambda: client.candles(WIF, Interval.M1, begin, 60),
        "balances": client.balances,
        "rights": client.permissions,
        "resting": client.open_orders,
        "newest": lambda: client.recent_orders(WIF, 100),
        "history": lambda: client.orders_between(WIF, begin, datetime.now(UTC)),
        "fills": lambda: client.fills(WIF, "1"),
        "cancel": orders.cancel,
        "place": orders.place,
        "find": orders.find,
    }
    await orders.place()
    front.spoiling = True
    failed: Counter[str] = Counter()
    while front.total < ANSWERS:
        for name, call in calls.items():
            try:
                await call()
            except ExchangeUnavailable as error:
                failed[name] += 1
                clock.pass_time(error.retry_after)
            clock.pass_time(400)  # every pause from an answer that is not the exchange's own is over
    assert failed.keys() >= calls.keys() - {"place"}, "each of them was odd at least once"
    assert orders.said["Unanswered"] > orders.said["ExecutionReport"]
    assert not orders.said["Rejected"]
    assert len(front.made) == 12, front.made

    front.spoiling = False  # no count or limit that it heard in the meantime keeps it from working
    clock.pass_time(3 * 86_400)
    await client.measure_clock()
    assert isinstance(await client.place(OrderRequest("mf-last", WIF, Side.SELL, Decimal(15))), ExecutionReport)
    assert await client.find_order(WIF, "mf-last") is not None


async def test_no_count_in_a_header_holds_an_exit_back(venue: Venue, front: OddFront, connect: Connect) -> None:
    client = connect(api_url=url(front))
    venue.set_balance("WIF", "100000")
    await client.instruments([WIF])

    def boasting(_chance: random.Random, _request: str, answer: Reply) -> Reply:
        counts = dict.fromkeys(HEADERS[:3], "999999999999")
        kept = {name: value for name, value in answer.headers.items() if not name.upper().startswith("X-MBX")}
        return Reply(answer.status, answer.body, {**kept, **counts})

    front._spoil, front.spoiling = boasting, True
    for number in range(5):
        began = own_seconds()
        result = await client.place(OrderRequest(f"mf-{number}", WIF, Side.SELL, Decimal(15)))
        assert isinstance(result, ExecutionReport)
        assert own_seconds() - began < 2


class Hasty(RealClock):
    """A clock that waits a little at most, and counts it as the whole."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.05))
        self.pass_time(seconds)


@pytest.mark.timeout(300)
async def test_the_core_lives_through_it_and_its_books_are_the_exchanges(
    venue: Venue, front: OddFront, connect: Connect, tmp_path: Path
) -> None:
    clock = Hasty()
    client = connect(api_url=url(front), clock=clock, timeout=2.0)
    symbols = [venue.add_symbol(f"C{number}") for number in range(4)]
    ledger = await open_ledger(make_ledger(tmp_path / "ledger.db"), clock)
    today = f"{clock.now():%Y-%m-%d}"
    portfolio = Portfolio.from_ledger(await ledger.load(today), TradingState(), LIMITS, today)
    trading = Trading(portfolio=portfolio, ledger=ledger, venue=client, clock=clock, trading_mode="live", timings=Durations())
    await trading.market.load_instruments(symbols)
    trading.inbox.start_controls([])
    trading.start(await ledger.load(today))
    tasks = [asyncio.create_task(trading.market.run())]

    async def said(kind: str, number: int) -> list[str | None]:
        now = clock.now()
        ones = [Signal("test", f"{symbol}-{number}", kind, symbol, Decimal("0.4801"), now) for symbol in symbols]
        asked = [trading.inbox.ask(Message("test", one.signal_id, one.symbol, SignalReceived(one), now)) for one in ones]
        return [outcome.outcome if outcome else None for outcome in await asyncio.gather(*asked)]

    try:
        number = 0
        while front.total < ANSWERS // 3:
            front.spoiling = True
            await asyncio.sleep(0.3)
            asked = asyncio.create_task(said(("BUY_SM", "SELL_SM")[number % 2], number))
            await asyncio.wait([asked], timeout=3)
            front.spoiling = False  # an unanswered order is resolved once answers are readable again
            await asyncio.wait_for(asked, 30)
            assert [task for task in tasks if task.done()] == []
            assert not trading.inbox.failure.done()
            number += 1
        began = own_seconds()
        outcomes = await said("SELL_SM", number)
        assert set(outcomes) <= {"ordered", "ignored"}
        assert own_seconds() - began < 10
        executions = await LedgerQueries(ledger.reader).recent_executions(1_000)
        filled = {order.client_order_id for order in venue.orders if order.executed_qty}
        assert {one.client_order_id for one in executions} == filled
        assert len(filled) == sum(1 for order in venue.orders if order.executed_qty)
        assert await compare_executions(client, executions, SpareCapacity(clock)) == Comparison()
    finally:
        for task in tasks:
            task.cancel()
        await trading.inbox.close()
        await ledger.close()
