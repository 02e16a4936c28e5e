"""Orders that rest on paper: placed, refused, filled through their limit, triggered, cancelled (rest-api.md, "New order")."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.order import OrderRequest, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderTerms, OrderType, TimeInForce
from core.domain.resting_rules import NOTHING_RESTS
from tests.core.adapters.paper.world import RULES, WIF, World, buy, limit, maker, sell, stop, stop_limit

TAKE = OrderType.TAKE_PROFIT
TAKE_LIMIT = OrderType.TAKE_PROFIT_LIMIT
WOULD_TRIGGER = "the price has already passed the stop, so the exchange won't accept it (-2010)"
WOULD_MATCH = "the price has already reached the limit, so the order would fill at once instead of resting (-2010)"

RESTING = {
    "limit": sell(limit("110")),
    "maker": sell(maker("110")),
    "stop": sell(stop("90")),
    "stop limit": sell(stop_limit("90", "89")),
    "target": sell(stop("110", TAKE)),
    "target limit": sell(stop_limit("110", "109", TAKE_LIMIT)),
    "trailing": sell(stop(None, trailing=100)),
    "bid": buy(limit("90")),
    "stop to buy": buy(stop("110")),
}


@pytest.mark.parametrize("request_", RESTING.values(), ids=RESTING.keys())
async def test_an_order_that_rests_is_accepted_stored_and_locks_its_balance(world: World, request_: OrderRequest) -> None:
    report = await world.place(request_)
    assert (report.state, report.order_id) == (OrderState.ACCEPTED, "1")
    assert [report.executed_qty, report.qty] == [0, 4]
    assert world.book.reports["mf-1"] == report
    assert await world.order("mf-1") == report
    assert list(await world.paper.open_orders()) == list(await world.paper.open_orders(WIF)) == [report]
    assert list(await world.paper.open_orders("BTCUSDC")) == []
    assert (await world.paper.recent_orders(WIF, 5)).reports == (report,)
    assert await world.paper.fills(WIF, "1") == []
    price = request_.terms.limit_price or request_.terms.stop_price or Decimal(0)
    buying = {"WIF": "10+0", "USDC": f"{1000 - 4 * price}+{4 * price}"}
    assert await world.held() == (buying if request_.side == "BUY" else {"WIF": "6+4", "USDC": "1000+0"})


@pytest.mark.parametrize("request_", RESTING.values(), ids=RESTING.keys())
async def test_a_cancelled_order_gives_back_what_it_bound(world: World, request_: OrderRequest) -> None:
    await world.place(request_)
    assert await world.paper.cancel_order("BTCUSDC", "mf-1") is False
    assert await world.paper.cancel_order(WIF, "mf-1") is True
    assert await world.state("mf-1") is OrderState.CANCELED
    assert await world.held() == {"WIF": "10+0", "USDC": "1000+0"}
    assert list(await world.paper.open_orders()) == []
    assert await world.paper.cancel_order(WIF, "mf-1") is False
    await world.price("120", "80")
    assert await world.state("mf-1") is OrderState.CANCELED


@pytest.mark.parametrize("request_", RESTING.values(), ids=RESTING.keys())
async def test_the_same_id_again_is_the_same_order(world: World, request_: OrderRequest) -> None:
    first = await world.place(request_)
    assert await world.place(request_) == await world.exchange().place(request_) == first
    assert len(world.book.reports) == 1


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (sell(maker("100")), WOULD_MATCH),
        (buy(maker("100.02")), WOULD_MATCH),
        (sell(stop("100")), WOULD_TRIGGER),
        (sell(stop_limit("101", "99")), WOULD_TRIGGER),
        (sell(stop("100", TAKE)), WOULD_TRIGGER),
        (sell(stop_limit("99", "98", TAKE_LIMIT)), WOULD_TRIGGER),
        (buy(stop("100.02")), WOULD_TRIGGER),
        (buy(stop("100.02", TAKE)), WOULD_TRIGGER),
        (sell(limit("110"), "10.01"), "insufficient WIF balance (-2010). See /balance"),
        (buy(limit("90"), "11.12"), "insufficient USDC balance (-2010). See /balance"),
        (sell(limit("110.005")), "the order breaks the exchange's rule PRICE_FILTER (-1013)"),
        (sell(stop("90.005")), "the order breaks the exchange's rule PRICE_FILTER (-1013)"),
        (sell(limit("500.01")), "the order breaks the exchange's rule PERCENT_PRICE_BY_SIDE (-1013)"),
        (sell(stop("19.99")), "the order breaks the exchange's rule PERCENT_PRICE_BY_SIDE (-1013)"),
        (sell(limit("0")), "the order breaks the exchange's rule PRICE_FILTER (-1013)"),
        (sell(limit("110"), "0.04"), "the order breaks the exchange's rule NOTIONAL (-1013)"),
        (sell(stop(None, trailing=9)), "the order breaks the exchange's rule TRAILING_DELTA (-1013)"),
        (sell(stop("110", TAKE, trailing=2001)), "the order breaks the exchange's rule TRAILING_DELTA (-1013)"),
    ],
)
async def test_what_the_exchange_would_refuse_is_refused(world: World, request_: OrderRequest, sentence: str) -> None:
    assert await world.refused(request_) == sentence
    assert world.book.commits == 0


async def test_what_is_locked_cannot_be_bound_again(world: World) -> None:
    await world.place(sell(limit("110"), "8"))
    assert "insufficient WIF" in await world.refused(sell(AT_MARKET, "3", "mf-2"))
    assert "insufficient WIF" in await world.refused(sell(stop("90"), "3", "mf-2"))
    await world.place(sell(AT_MARKET, "2", "mf-2"))


async def test_five_stops_rest_on_a_symbol_and_no_sixth(world: World) -> None:
    for number in range(5):
        await world.place(sell(stop("90"), "1", f"mf-{number}"))
    assert "MAX_NUM_ALGO_ORDERS" in await world.refused(sell(stop("90"), "1", "mf-6"))
    await world.place(sell(limit("110"), "1", "mf-6"))


@pytest.mark.parametrize("request_", RESTING.values(), ids=RESTING.keys())
async def test_an_order_of_a_type_that_the_symbol_does_not_take_is_refused(world: World, request_: OrderRequest) -> None:
    world.market.rules[WIF] = replace(RULES, resting=NOTHING_RESTS)
    assert "does not accept this type of order" in await world.refused(request_)
    await world.place(sell(limit("99", TimeInForce.IOC), "1", "mf-2"))  # it does not rest


async def test_a_target_that_is_touched_is_not_filled(world: World) -> None:
    await world.place(sell(limit("110")))
    await world.price("110")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("110.01")
    report = await world.order("mf-1")
    assert (report.state, report.mark) == (OrderState.FILLED, 7)
    (fill,) = await world.paper.fills(WIF, "1")
    assert [report.quote_qty, fill.price, fill.qty, fill.fee] == [440, 110, 4, Decimal("0.44")]
    assert fill.fee_asset == "USDC"
    assert await world.held() == {"WIF": "6+0", "USDC": "1439.56+0"}


async def test_a_bid_is_filled_when_the_ask_is_below_it(world: World) -> None:
    await world.place(buy(limit("90")))
    await world.price("89.98")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("80")
    assert (await world.order("mf-1")).quote_qty == 360  # at its own price, not at the market's
    assert await world.held() == {"WIF": "13.996+0", "USDC": "640+0"}


@pytest.mark.parametrize("terms", [limit("99"), limit("100.01", TimeInForce.IOC), limit("100.01", TimeInForce.FOK)])
async def test_a_limit_takes_at_once_what_the_market_offers_within_it(world: World, terms: OrderTerms) -> None:
    report = await world.place(sell(terms))
    rests = terms.limit_price == 99
    assert report.state is (OrderState.FILLED if rests else OrderState.EXPIRED)
    assert report.quote_qty == (400 if rests else 0)
    reasons = {TimeInForce.IOC: "UNFILLED_IOC_QUANTITY_EXPIRED", TimeInForce.FOK: "UNFILLED_FOK_ORDER_EXPIRED"}
    assert report.expiry_reason == ("" if rests else reasons[terms.time_in_force or TimeInForce.GTC])
    assert list(await world.paper.open_orders()) == []


@pytest.mark.parametrize(("bid", "sold_at"), [("90.01", None), ("90", 90), ("85", 85)])
async def test_a_stop_sells_at_the_bid_that_reaches_it(world: World, bid: str, sold_at: int | None) -> None:
    await world.place(sell(stop("90")))
    await world.price(bid)
    report = await world.order("mf-1")
    assert [fill.price for fill in report.fills] == ([] if sold_at is None else [sold_at])
    assert report.state is (OrderState.ACCEPTED if sold_at is None else OrderState.FILLED)


async def test_a_stop_with_a_limit_sells_at_the_bid_within_it(world: World) -> None:
    await world.place(sell(stop_limit("90", "88")))
    await world.price("89")
    assert (await world.order("mf-1")).fills[0].price == 89


async def test_a_stop_whose_limit_the_market_jumped_over_rests_there(world: World) -> None:
    await world.place(sell(stop_limit("90", "88")))
    await world.price("80")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    world.paper = world.exchange()
    await world.price("88", "87", "95")
    assert (await world.order("mf-1")).fills[0].price == 88  # a resting limit now: at its own price, when traded through


async def test_a_stop_that_may_not_rest_expires_where_its_limit_was_jumped_over(world: World) -> None:
    await world.place(sell(stop_limit("90", "88", time_in_force=TimeInForce.IOC)))
    await world.price("80")
    assert await world.state("mf-1") is OrderState.EXPIRED
    assert await world.held() == {"WIF": "10+0", "USDC": "1000+0"}


@pytest.mark.parametrize(("terms", "price"), [(stop("110", TAKE), 111), (stop_limit("110", "105", TAKE_LIMIT), 111)])
async def test_a_take_profit_sells_at_the_bid_above_it(world: World, terms: OrderTerms, price: int) -> None:
    await world.place(sell(terms))
    await world.price("109.99")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("111")
    assert (await world.order("mf-1")).fills[0].price == price


async def test_a_stop_to_buy_takes_more_than_it_locked_if_that_is_free(world: World) -> None:
    await world.place(buy(stop("110")))
    await world.price("120")
    assert (await world.order("mf-1")).quote_qty == Decimal("480.08")
    assert (await world.held())["USDC"] == "519.92+0"


async def test_a_stop_to_buy_that_cannot_be_paid_expires(world: World) -> None:
    await world.place(buy(stop("110"), "9"))
    await world.price("150")
    assert await world.state("mf-1") is OrderState.EXPIRED
    assert await world.held() == {"WIF": "10+0", "USDC": "1000+0"}


async def test_a_trailing_stop_follows_the_best_bid_also_over_a_restart(world: World) -> None:
    await world.place(sell(stop(None, trailing=1000)))
    await world.price("100", "120")
    world.paper = world.exchange()
    await world.price("115", "108.01")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("108")  # 10 % below 120
    assert (await world.order("mf-1")).fills[0].price == 108


async def test_a_trailing_stop_to_buy_follows_the_best_ask(world: World) -> None:
    await world.place(buy(stop(None, trailing=1000), "1"))
    await world.price("99.98", "79.98", "87.97")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("87.98")
    assert (await world.order("mf-1")).fills[0].price == 88


async def test_a_trailing_order_with_a_stop_price_begins_to_trail_there(world: World) -> None:
    await world.place(sell(stop("110", TAKE, trailing=1000)))
    await world.price("105", "94", "110", "130")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    await world.price("117")
    assert (await world.order("mf-1")).fills[0].price == 117


async def test_the_same_price_twice_changes_nothing(world: World) -> None:
    await world.place(sell(stop(None, trailing=1000)))
    await world.place(sell(limit("120"), "2", "mf-2"))
    await world.price("110")
    commits = world.book.commits
    await world.price("110", "110")
    assert world.book.commits == commits
    await world.price("130")
    commits = world.book.commits
    await world.price("130", "130")
    assert world.book.commits == commits


@pytest.mark.parametrize(
    "ask",
    [
        lambda world: world.paper.find_order(WIF, "mf-1"),
        lambda world: world.paper.fills(WIF, "1"),
        lambda world: world.paper.balances(),
        lambda world: world.paper.open_orders(),
        lambda world: world.paper.open_orders(WIF),
        lambda world: world.paper.recent_orders(WIF, 5),
        lambda world: world.paper.orders_between(WIF, world.clock.now(), world.clock.now()),
        lambda world: world.paper.cancel_order(WIF, "mf-1"),
        lambda world: world.paper.place(sell(AT_MARKET, "1", "mf-2")),
    ],
)
async def test_time_passes_when_it_is_asked(world: World, ask: Any) -> None:
    await world.place(sell(stop("90")))
    world.market.bid = Decimal(80)
    await ask(world)
    assert world.book.reports["mf-1"].state is OrderState.FILLED


async def test_a_fill_dates_its_order_anew(world: World) -> None:
    await world.place(sell(stop("90")))
    begin = world.clock.now()
    await world.price("80")
    (found,) = await world.paper.orders_between(WIF, begin, world.clock.now())
    assert found.fills_complete
    assert found.state is OrderState.FILLED


async def test_nothing_is_asked_where_nothing_is_open(world: World) -> None:
    await world.place(sell(AT_MARKET))
    asked = world.market.asked
    await world.paper.follow_market()
    await world.held()
    await world.order("mf-1")
    assert world.market.asked == asked
    await world.place(sell(limit("110"), "1", "mf-2"))
    asked = world.market.asked
    await world.paper.find_order("BTCUSDC", "mf-9")
    assert world.market.asked == asked


async def test_an_order_stands_still_while_there_is_no_price_or_no_trading(world: World) -> None:
    await world.place(sell(stop("90")))
    world.market.rules[WIF] = replace(RULES, status="HALT")
    await world.price("80")
    assert await world.state("mf-1") is OrderState.ACCEPTED
    world.market.rules[WIF] = RULES
    world.market.is_down = True
    with pytest.raises(ExchangeUnavailable):
        await world.paper.find_order(WIF, "mf-1")
    with pytest.raises(ExchangeUnavailable):
        await world.paper.cancel_order(WIF, "mf-1")
    world.market.is_down = False
    assert await world.state("mf-1") is OrderState.FILLED


async def test_a_price_of_before_an_order_does_not_reach_it(world: World) -> None:
    await world.place(sell(limit("120"), "1", "mf-0"))
    quotes, world.market.bid = world.market.quotes, Decimal(80)
    old = await quotes([WIF])

    async def slow(symbols: object) -> object:
        world.market.quotes = quotes  # type: ignore[method-assign]
        world.market.bid = Decimal(100)
        await world.place(sell(stop("90")))
        return old

    world.market.quotes = slow  # type: ignore[method-assign, assignment]
    await world.paper.follow_market()
    assert await world.state("mf-1") is OrderState.ACCEPTED


@pytest.mark.parametrize("kept", ["before", "after"])
@pytest.mark.parametrize("request_", RESTING.values(), ids=RESTING.keys())
async def test_a_book_that_fails_at_the_placing_leaves_all_or_nothing(world: World, request_: OrderRequest, kept: Any) -> None:
    world.book.fail_next = kept
    assert isinstance(await world.paper.place(request_), Unanswered)
    assert (len(await world.paper.open_orders()) == 1) is (kept == "after")
    first = await world.place(request_)
    assert list(await world.paper.open_orders()) == [first]


@pytest.mark.parametrize("kept", ["before", "after"])
async def test_a_book_that_fails_at_a_fill_is_asked_again(world: World, kept: Any) -> None:
    await world.place(sell(stop("90")))
    world.book.fail_next = kept
    world.market.bid = Decimal(80)
    with pytest.raises(ExchangeUnavailable):
        await world.paper.follow_market()
    assert await world.held() == {"WIF": "6+0", "USDC": "1319.68+0"}
    assert len((await world.order("mf-1")).fills) == 1


@pytest.mark.parametrize("kept", ["before", "after"])
async def test_a_book_that_fails_at_a_cancel_leaves_it_open(world: World, kept: Any) -> None:
    await world.place(sell(stop("90")))
    world.book.fail_next = kept
    with pytest.raises(ExchangeUnavailable):
        await world.paper.cancel_order(WIF, "mf-1")
    assert await world.paper.cancel_order(WIF, "mf-1") is (kept == "before")
    assert await world.held() == {"WIF": "10+0", "USDC": "1000+0"}
