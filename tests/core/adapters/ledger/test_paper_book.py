"""The contract of every PaperBook: the ledger's, on both databases, and the one in memory for tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.paper_book import SqlPaperBook
from core.adapters.ledger.schema import upgrade
from core.adapters.ledger.tables import paper_tables
from core.adapters.paper.paper_book import PaperBook, PaperOrder, PaperState, Resting
from core.domain.order import ExecutionReport
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.values import NOW
from tests.core.adapters.paper.memory_paper_book import MemoryPaperBook
from tests.core.adapters.paper.world import World, maker, oco, stop
from tests.ledgers import work_on

Reopen = Callable[[], Awaitable[PaperBook]]

WIF = "WIFUSDC"
FILLED = ExecutionReport(
    "mf-1", "1", WIF, Side.BUY, OrderState.FILLED, Decimal(20), Decimal("9.602"), NOW, (values.fill(),), 2**53 - 1, Decimal(20)
)
TERMS = OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal("0.45"), Decimal("0.46"), 150)
OPEN = PaperOrder(
    ExecutionReport("mf-2", "2", WIF, Side.SELL, OrderState.ACCEPTED, Decimal(0), Decimal(0), NOW, qty=Decimal("19.98")),
    Resting(TERMS, "WIF", "USDC", Decimal("19.98"), "list-1", Decimal("0.51"), triggered=True),
)
OTHER = PaperOrder(
    ExecutionReport("mf-3", "3", WIF, Side.SELL, OrderState.ACCEPTED, Decimal(0), Decimal(0), NOW, qty=Decimal("19.98")),
    Resting(OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal("0.6")), "WIF", "USDC", Decimal("19.98"), "list-1"),
)
BALANCES = {"WIF": Decimal("19.98"), "USDC": Decimal("9990.398")}


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Returns the address of an empty database; empty for the book in memory."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite+aiosqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else ""


@pytest.fixture
async def reopen(address: str) -> AsyncIterator[Reopen]:
    """Returns a function that opens the book again, like a restart."""
    memory = MemoryPaperBook()
    async with AsyncExitStack() as stack:

        async def again() -> PaperBook:
            if not address:
                return memory
            await stack.aclose()
            ledger = await open_ledger(address, SystemClock())
            stack.push_async_callback(ledger.close)
            return SqlPaperBook(ledger)

        yield again


async def test_an_empty_book(reopen: Reopen) -> None:
    book = await reopen()
    assert await book.load() == PaperState({}, 1)
    assert await book.find("mf-1") is None
    assert [*await book.fills("1"), *await book.fills("not a number")] == []
    assert list(await book.recent(WIF, 5)) == []


async def test_what_was_recorded_is_there_after_a_restart(reopen: Reopen) -> None:
    await (await reopen()).record([PaperOrder(FILLED), OPEN, OTHER], BALANCES)
    book = await reopen()
    state = await book.load()
    assert (dict(state.balances), state.next_order_id, list(state.resting)) == (BALANCES, 4, [OPEN, OTHER])
    assert await book.find("mf-1") == FILLED
    assert await book.find("mf-2") == OPEN.report
    assert await book.find("mf-4") is None
    assert tuple(await book.fills("1")) == FILLED.fills
    assert list(await book.fills("2")) == []


async def test_an_order_that_changes_replaces_its_record(reopen: Reopen) -> None:
    book = await reopen()
    await book.record([PaperOrder(FILLED), OPEN, OTHER], BALANCES)
    done = replace(FILLED, client_order_id="mf-2", order_id="2", side=Side.SELL, at=NOW + timedelta(hours=1))
    expired = replace(OTHER.report, state=OrderState.EXPIRED)
    await book.record([PaperOrder(done), PaperOrder(expired)], {"USDC": Decimal(10_000)})
    book = await reopen()
    state = await book.load()
    assert (state.next_order_id, list(state.resting), state.balances["USDC"]) == (4, [], Decimal(10_000))
    assert await book.find("mf-2") == done
    assert await book.find("mf-3") == expired
    assert tuple(await book.fills("2")) == done.fills


async def test_orders_are_listed_oldest_first(reopen: Reopen) -> None:
    book = await reopen()
    elsewhere = replace(FILLED, client_order_id="mf-4", order_id="4", symbol="BTCUSDC")
    await book.record([PaperOrder(FILLED), OPEN, OTHER, PaperOrder(elsewhere)], BALANCES)
    assert list(await book.recent(WIF, 2)) == [OPEN.report, OTHER.report]
    assert list(await book.between(WIF, NOW, NOW + timedelta(seconds=1))) == [FILLED, OPEN.report, OTHER.report]
    assert list(await book.between(WIF, NOW - timedelta(seconds=1), NOW)) == []


async def test_an_exchange_goes_on_where_its_book_ends(reopen: Reopen) -> None:
    world = World()
    world.paper = world.exchange(await reopen())
    await world.place_list(oco(maker("110"), stop("90")))
    await world.place_list(oco(stop("110", OrderType.TAKE_PROFIT, trailing=500), stop("80"), "2", 2))
    world.paper = world.exchange(await reopen())
    assert await world.held() == {"WIF": "4+6", "USDC": "1000+0"}
    await world.price("112", "120")
    world.paper = world.exchange(await reopen())
    assert [report.client_order_id for report in await world.paper.open_orders()] == ["s-2", "t-2"]
    await world.price("113")  # more than 5 % below the 120 that the exchange before it saw
    assert await world.state("t-2") is OrderState.FILLED
    world.paper = world.exchange(await reopen())
    assert await world.held() == {"WIF": "4+0", "USDC": "1665.334+0"}
    assert (await world.order("s-1")).state is (await world.order("s-2")).state is OrderState.EXPIRED


async def test_a_book_of_before_orders_rested_opens_as_before(database_url: str) -> None:
    def of_version_20(connection: Connection) -> None:
        upgrade(connection, "0020")
        row = {name: value for name, value in paper_tables.paper_order_row(PaperOrder(FILLED)).items() if name != "resting"}
        old = [{"asset": asset, "amount": amount} for asset, amount in BALANCES.items()]
        connection.execute(insert(paper_tables.paper_orders), [row])
        connection.execute(insert(paper_tables.paper_balances), old)

    await work_on(database_url, of_version_20)
    ledger = await open_ledger(database_url, SystemClock())
    book = SqlPaperBook(ledger)
    state = await book.load()
    assert (dict(state.balances), state.next_order_id, list(state.resting)) == (BALANCES, 2, [])
    assert await book.find("mf-1") == FILLED
    await ledger.close()
