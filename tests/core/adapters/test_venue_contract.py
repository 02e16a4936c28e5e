"""The contract of every Venue, for each implementation: Binance (on loopback) and the paper exchange."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.candle import Interval
from core.domain.errors import SymbolUnknown
from core.domain.instrument import Balance
from core.domain.order import ExecutionReport, Fill, NotTaken, OrderRequest, PlaceResult, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import within
from core.domain.signal import Side
from core.ports.venue import Venue as VenuePort
from tests.venue import Venue

WIF = "WIFUSDC"


def ask(side: Side = Side.BUY, qty: str = "20", *, order_id: str = "mf-1", symbol: str = WIF) -> OrderRequest:
    return OrderRequest(order_id, symbol, side, Decimal(qty))


def filled(result: PlaceResult) -> ExecutionReport:
    assert isinstance(result, ExecutionReport), result
    return result


def undated(fills: Iterable[Fill]) -> list[Fill]:
    """Removes the dates: an order's answer dates all fills alike, the account's trades each its own, up to a millisecond
    apart."""
    return [replace(fill, at=datetime.min.replace(tzinfo=UTC)) for fill in fills]


def refusal(result: PlaceResult) -> tuple[str, str]:
    """Returns the code and the sentence of a Rejected; the sentence must be complete."""
    assert isinstance(result, Rejected), result
    return result.reason.code, str(result.reason)


async def test_a_buy_is_filled_and_pays_its_fee_in_the_base_asset(port: VenuePort) -> None:
    before = datetime.now(UTC)
    report = filled(await port.place(ask()))
    assert (report.client_order_id, report.symbol, report.side, report.state) == ("mf-1", WIF, Side.BUY, OrderState.FILLED)
    assert (report.executed_qty, report.quote_qty) == (Decimal(20), Decimal("9.602"))
    assert report.fills_complete
    (fill,) = report.fills
    assert (fill.price, fill.qty, fill.fee, fill.fee_asset) == (Decimal("0.4801"), Decimal(20), Decimal("0.02"), "WIF")
    assert abs(report.at - before) < timedelta(seconds=5)
    held = await port.balances()
    assert held["WIF"].free == Decimal("19.98")
    assert held["USDC"].free == Decimal(100000) - Decimal("9.602")


async def test_candles_are_those_of_the_market(venue: Venue, port: VenuePort) -> None:
    venue.walk(WIF, "0.48", "0.52", "0.47", "0.50")
    (candle,) = await port.candles(WIF, Interval.W1, datetime.now(UTC) - Interval.W1.length, 1)
    assert (candle.high, candle.low, candle.close) == (Decimal("0.52"), Decimal("0.47"), Decimal("0.50"))
    with pytest.raises(SymbolUnknown):
        await port.candles("NOSUCH", Interval.M1, datetime.now(UTC), 1)


async def test_an_order_shows_the_mark_it_was_sent_with_wherever_it_is_shown(port: VenuePort) -> None:
    for order_id, mark in (("mf-1", 2**53 - 1), ("mf-2", None)):
        assert filled(await port.place(replace(ask(order_id=order_id), mark=mark))).mark == mark
        found = await port.find_order(WIF, order_id)
        assert found is not None
        assert found.mark == mark
    now = datetime.now(UTC)
    recent = (await port.recent_orders(WIF, 10)).reports
    assert isinstance(port, BinanceClient | PaperExchange)
    past = await port.orders_between(WIF, now - timedelta(hours=1), now + timedelta(hours=1))
    for listed in (recent, past):
        assert {report.client_order_id: report.mark for report in listed} == {"mf-1": 2**53 - 1, "mf-2": None}


async def test_a_sell_pays_its_fee_in_the_quote_asset(port: VenuePort) -> None:
    await port.place(ask())
    report = filled(await port.place(ask(Side.SELL, "19.98", order_id="mf-2")))
    (fill,) = report.fills
    assert fill.fee_asset == "USDC"
    assert abs(fill.fee - Decimal("0.009592398")) < Decimal("1e-8")  # 0.1 % of 9.592398, to 8 decimals one way or the other
    held = await port.balances()
    assert "WIF" not in held  # zeros are left out
    assert held["USDC"].free == Decimal(100000) - Decimal("9.602") + Decimal("9.592398") - fill.fee


async def test_an_order_with_a_limit_fills_at_the_market_within_it(port: VenuePort) -> None:
    report = filled(await port.place(replace(ask(), terms=within(Decimal("0.484")))))
    assert (report.state, report.executed_qty, report.quote_qty) == (OrderState.FILLED, Decimal(20), Decimal("9.602"))
    assert list(await port.open_orders()) == []


async def test_beyond_its_limit_an_order_expires_and_nothing_is_bound(port: VenuePort) -> None:
    report = filled(await port.place(replace(ask(), terms=within(Decimal("0.480")))))
    assert report.state is OrderState.EXPIRED
    assert [report.executed_qty, report.quote_qty] == [0, 0]
    assert report.fills == ()
    found = await port.find_order(WIF, "mf-1")
    assert found is not None
    assert found.state is OrderState.EXPIRED
    held = await port.balances()
    assert held["USDC"] == Balance("USDC", Decimal(100000))
    assert list(await port.open_orders()) == []


@pytest.mark.parametrize(("qty", "limit", "broken"), [("20", "0.4805", "PRICE_FILTER"), ("20.001", "0.48", "LOT_SIZE")])
async def test_a_limit_order_against_the_rules_is_rejected(port: VenuePort, qty: str, limit: str, broken: str) -> None:
    code, sentence = refusal(await port.place(replace(ask(qty=qty), terms=within(Decimal(limit)))))
    assert code == "filter_failure"
    assert broken in sentence


async def test_a_limit_order_needs_the_whole_amount_at_its_own_price(port: VenuePort) -> None:
    terms = within(Decimal("0.5"))
    code, _ = refusal(await port.place(replace(ask(qty="200001"), terms=terms)))  # 100,000.50 USDC; at the market 96,020.48
    assert code == "insufficient_balance"


async def test_an_order_is_found_again_with_all_its_fills(port: VenuePort) -> None:
    placed = filled(await port.place(ask()))
    found = await port.find_order(WIF, "mf-1")
    assert found is not None
    assert (found.order_id, found.state, found.executed_qty, found.quote_qty) == (
        placed.order_id, OrderState.FILLED, placed.executed_qty, placed.quote_qty,
    )  # fmt: skip
    fills = await port.fills(WIF, placed.order_id)
    assert undated(fills) == undated(placed.fills)
    assert all(abs(fill.at - placed.at) < timedelta(seconds=1) for fill in fills)
    assert list(await port.open_orders()) == []


async def test_what_was_never_placed_is_not_found(port: VenuePort) -> None:
    assert await port.find_order(WIF, "mf-1") is None
    await port.place(ask())
    assert await port.find_order(WIF, "mf-2") is None
    assert await port.find_order("BTCUSDC", "mf-1") is None


@pytest.mark.parametrize(
    ("qty", "broken"), [("1", "NOTIONAL"), ("20.001", "LOT_SIZE"), ("0.001", "LOT_SIZE"), ("30000", "MARKET_LOT_SIZE")]
)
async def test_a_quantity_against_the_rules_is_rejected(port: VenuePort, qty: str, broken: str) -> None:
    code, sentence = refusal(await port.place(ask(qty=qty)))
    assert code == "filter_failure"
    assert sentence == f"the order breaks the exchange's rule {broken} (-1013)"
    assert await port.find_order(WIF, "mf-1") is None


async def test_an_upper_limit_on_worth_holds_where_it_applies_to_market_orders(port: VenuePort, venue: Venue) -> None:
    venue.edit_symbol(WIF, max_notional="9", apply_max_to_market=True)
    code, _ = refusal(await port.place(ask()))
    assert code == "filter_failure"
    venue.edit_symbol(WIF, apply_max_to_market=False)
    filled(await port.place(ask()))


async def test_too_little_balance_is_rejected_and_names_the_asset(port: VenuePort, venue: Venue) -> None:
    code, sentence = refusal(await port.place(ask(Side.SELL)))
    assert code == "insufficient_balance"
    assert "WIF" in sentence
    code, sentence = refusal(await port.place(ask(qty="2", symbol="BTCUSDC", order_id="mf-2")))
    assert code == "insufficient_balance"
    assert "USDC" in sentence
    assert venue.orders == []


async def test_unknown_and_halted_symbols_are_rejected(port: VenuePort, venue: Venue) -> None:
    assert refusal(await port.place(ask(symbol="NOSUCH"))) == ("invalid_symbol", "the exchange does not list NOSUCH (-1121)")
    venue.edit_symbol(WIF, status="HALT")
    assert refusal(await port.place(ask())) == ("market_closed", "the market for WIFUSDC is closed")
    venue.edit_symbol(WIF, status="TRADING", orderTypes=["LIMIT"])
    assert refusal(await port.place(ask()))[0] == "market_orders_off"


async def test_rules_and_prices_of_those_symbols_that_exist(port: VenuePort, venue: Venue) -> None:
    venue.set_price(WIF, "0.5", spread="0.002")
    rules = await port.instruments([WIF, "NOSUCH", "BTCUSDC", "not a symbol", "", "X" * 21, 'ETHBTC","BTCUSDT'])
    assert sorted(rules) == ["BTCUSDC", WIF]
    assert rules[WIF].trading
    quotes = await port.quotes(["NOSUCH", WIF, WIF, "&x=1"])
    assert list(quotes) == [WIF]
    assert (quotes[WIF].bid, quotes[WIF].ask) == (Decimal("0.499"), Decimal("0.501"))
    assert abs(quotes[WIF].at - datetime.now(UTC)) < timedelta(seconds=5)
    assert await port.quotes(["NOSUCH"]) == {}
    assert await port.instruments([]) == {}
    assert len(await port.instruments(None)) == 12


async def test_a_symbol_with_an_empty_book_has_no_quote(port: VenuePort, venue: Venue) -> None:
    venue.set_book(WIF, bids=[("0.48", None)])
    assert await port.quotes([WIF]) == {}


async def test_buys_at_the_ask_and_sells_at_the_bid(port: VenuePort, venue: Venue) -> None:
    venue.set_price(WIF, "0.5", spread="0.002")
    assert filled(await port.place(ask())).fills[0].price == Decimal("0.501")
    assert filled(await port.place(ask(Side.SELL, "10", order_id="mf-2"))).fills[0].price == Decimal("0.499")


async def test_small_numbers_stay_exact(port: VenuePort, venue: Venue) -> None:
    venue.set_price("SHIBUSDT", "0.00002001")
    report = filled(await port.place(ask(symbol="SHIBUSDT", qty="1000001")))
    assert report.quote_qty == Decimal("20.01002001")
    assert abs(report.fills[0].fee - Decimal("1000.001")) < Decimal("0.01")  # SHIB's commission has 2 decimals
    assert (await port.balances())["SHIB"].free == Decimal(1000001) - report.fills[0].fee


async def test_many_orders_at_once_are_each_placed_once(port: VenuePort) -> None:
    results = await asyncio.gather(*(port.place(ask(order_id=f"mf-{n}")) for n in range(20)))
    reports = [filled(result) for result in results]
    assert len({report.order_id for report in reports}) == 20
    assert len({report.fills[0].trade_id for report in reports}) == 20
    assert (await port.balances())["WIF"].free == 20 * Decimal("19.98")


async def test_an_exchange_that_is_down_takes_no_order(port: VenuePort, venue: Venue) -> None:
    await port.instruments([WIF])
    venue.faults.answer("GET exchangeInfo", 502, times=None)
    venue.faults.answer("GET time", 502, times=None)
    result = await port.place(ask())
    assert isinstance(result, NotTaken | Unanswered)
    assert venue.orders == []
    venue.faults.clear()
    filled(await port.place(ask()))


async def test_requests_have_an_end(port: VenuePort) -> None:
    assert 0 <= port.request_lifetime <= 10
    assert abs(await port.server_time() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_the_orders_of_a_time_come_with_their_fills(port: VenuePort) -> None:
    assert isinstance(port, BinanceClient | PaperExchange)
    begin = datetime.now(UTC) - timedelta(seconds=5)
    placed = [filled(await port.place(ask(order_id=f"mf-{number}"))) for number in range(3)]
    sold = filled(await port.place(ask(Side.SELL, "19.98", order_id="mf-9")))
    found = await port.orders_between(WIF, begin, begin + timedelta(hours=1))
    assert [order.client_order_id for order in found] == ["mf-0", "mf-1", "mf-2", "mf-9"]
    for told, order in zip([*placed, sold], found, strict=True):
        assert (order.order_id, order.state, order.executed_qty, order.quote_qty) == (
            told.order_id,
            told.state,
            told.executed_qty,
            told.quote_qty,
        )
        assert undated(order.fills) == undated(told.fills)
    assert await port.orders_between(WIF, begin - timedelta(hours=1), begin) == []
    assert await port.orders_between("WIFUSDT", begin, begin + timedelta(hours=1)) == []


async def test_a_time_of_more_orders_than_one_answer_holds(client: BinanceClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.adapters.binance.account_history._A_PAGE", 2)
    begin = datetime.now(UTC) - timedelta(seconds=5)
    for number in range(5):
        filled(await client.place(ask(order_id=f"mf-{number}")))
    found = await client.orders_between(WIF, begin, begin + timedelta(hours=1))
    assert [order.client_order_id for order in found] == [f"mf-{number}" for number in range(5)]
    assert all(order.fills_complete for order in found)
