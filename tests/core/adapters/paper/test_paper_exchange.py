"""Behaviour of the paper exchange alone: it remembers, repeats its answer to an id, and survives its book's failures."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.signal import Side
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.paper.memory_paper_book import MemoryPaperBook
from tests.venue import Venue

WIF = "WIFUSDC"
BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))


@pytest.fixture
async def market(venue: Venue, clock: RealClock) -> AsyncIterator[BinanceClient]:
    client = BinanceClient(api_url=venue.api_url, clock=clock)
    yield client
    await client.close()


@pytest.fixture
def book() -> MemoryPaperBook:
    return MemoryPaperBook()


def exchange(market: BinanceClient, book: MemoryPaperBook, clock: RealClock, **options: Any) -> PaperExchange:
    return PaperExchange(**{"market": market, "book": book, "clock": clock, "balances": {"USDC": Decimal(100)}, **options})


@pytest.fixture
def paper(market: BinanceClient, book: MemoryPaperBook, clock: RealClock) -> PaperExchange:
    return exchange(market, book, clock)


async def held(paper: PaperExchange) -> dict[str, Decimal]:
    return {asset: balance.free for asset, balance in (await paper.balances()).items()}


async def test_the_same_id_twice_is_one_order(paper: PaperExchange, venue: Venue) -> None:
    first = await paper.place(BUY)
    venue.set_price(WIF, "9")
    again = await asyncio.gather(*(paper.place(BUY) for _ in range(3)))
    assert isinstance(first, ExecutionReport)
    assert again == [first] * 3
    assert (await held(paper))["WIF"] == Decimal("19.98")


async def test_the_same_id_at_the_same_moment_is_one_order(paper: PaperExchange) -> None:
    one, *others = await asyncio.gather(*(paper.place(BUY) for _ in range(5)))
    assert isinstance(one, ExecutionReport)
    assert others == [one] * 4
    assert (await held(paper))["WIF"] == Decimal("19.98")


async def test_a_placed_order_is_answered_while_the_market_is_down(paper: PaperExchange, venue: Venue) -> None:
    first = await paper.place(BUY)
    venue.faults.answer("GET ticker/bookTicker", 502, times=None)
    assert await paper.place(BUY) == first


async def test_a_restart_finds_what_was_bought(
    paper: PaperExchange, market: BinanceClient, book: MemoryPaperBook, clock: RealClock
) -> None:
    first = await paper.place(BUY)
    before = await held(paper)
    again = exchange(market, book, clock)
    assert await held(again) == before
    assert await again.place(BUY) == first
    second = await again.place(OrderRequest("mf-2", WIF, Side.SELL, Decimal("19.98")))
    assert isinstance(first, ExecutionReport)
    assert isinstance(second, ExecutionReport)
    assert second.order_id != first.order_id


async def test_a_spent_account_does_not_start_afresh(market: BinanceClient, book: MemoryPaperBook, clock: RealClock) -> None:
    paper = exchange(market, book, clock, balances={"USDC": Decimal("9.602")}, fee=Decimal(1))
    assert isinstance(await paper.place(BUY), ExecutionReport)
    assert await held(paper) == {}
    assert await held(exchange(market, book, clock)) == {}


async def test_one_unit_too_little_is_too_little(market: BinanceClient, book: MemoryPaperBook, clock: RealClock) -> None:
    paper = exchange(market, book, clock, balances={"USDC": Decimal("9.60199999")})
    result = await paper.place(BUY)
    assert isinstance(result, Rejected)
    assert result.reason.code == "insufficient_balance"
    assert book.reports == {}


@pytest.mark.parametrize("kept", ["before", "after"])
async def test_a_book_that_fails_leaves_it_open_and_is_asked_again(
    paper: PaperExchange, book: MemoryPaperBook, kept: Any
) -> None:
    book.fail_next = kept
    assert isinstance(await paper.place(BUY), Unanswered)
    found = await paper.find_order(WIF, "mf-1")
    assert (found is not None) is (kept == "after")
    assert await held(paper) == (
        {"USDC": Decimal(100)} if found is None else {"USDC": Decimal("90.398"), "WIF": Decimal("19.98")}
    )
    assert isinstance(await paper.place(BUY), ExecutionReport)
    assert await held(paper) == {"USDC": Decimal("90.398"), "WIF": Decimal("19.98")}


async def test_no_price_no_order(paper: PaperExchange, venue: Venue) -> None:
    venue.set_book(WIF)
    result = await paper.place(BUY)
    assert isinstance(result, NotTaken)
    assert result.reason.code == "price_unknown"
    venue.faults.too_many("GET ticker/bookTicker", retry_after=9)
    result = await paper.place(BUY)
    assert isinstance(result, NotTaken)
    assert (result.reason.code, result.retry_after) == ("unreachable", 9)
    with pytest.raises(ExchangeUnavailable):
        await paper.quotes([WIF])


async def test_rules_are_asked_for_again_when_they_are_old(paper: PaperExchange, venue: Venue, clock: RealClock) -> None:
    assert isinstance(await paper.place(BUY), ExecutionReport)
    venue.edit_symbol(WIF, status="HALT")
    assert isinstance(await paper.place(OrderRequest("mf-2", WIF, Side.BUY, Decimal(20))), ExecutionReport)
    clock.pass_time(61)
    halted = await paper.place(OrderRequest("mf-3", WIF, Side.BUY, Decimal(20)))
    assert isinstance(halted, Rejected)
    assert halted.reason.code == "market_closed"


@pytest.mark.parametrize("qty", ["0", "-20", "0.001", "20.005", "99999999"])
async def test_quantities_that_are_none(paper: PaperExchange, qty: str) -> None:
    result = await paper.place(OrderRequest("mf-1", WIF, Side.SELL, Decimal(qty)))
    assert isinstance(result, Rejected)
    assert result.reason.code == "filter_failure"
