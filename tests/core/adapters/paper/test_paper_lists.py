"""Order lists on paper: of a target and a stop one is filled, and cancels the other (rest-api.md, "New order list - OCO")."""

from dataclasses import replace
from typing import Any

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.order import LegRequest, ListRequest, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderType, TimeInForce
from tests.core.adapters.paper.world import WIF, World, buy, limit, maker, oco, sell, stop, stop_limit

TAKE = OrderType.TAKE_PROFIT
TAKE_LIMIT = OrderType.TAKE_PROFIT_LIMIT
BAD_PRICES = "the price is no longer between the stop and the target, so the exchange accepts neither (-2010)"
WOULD_TRIGGER = "the price has already passed the stop, so the exchange won't accept it (-2010)"
BRACKET = oco(maker("110"), stop("90"))


def misfit(code: int, message: str) -> str:
    return f"the exchange did not understand the order: {message} ({code}). MarketFlow may need an update"


async def states(world: World) -> tuple[OrderState, OrderState]:
    """Returns the states of target and stop."""
    return await world.state("t-1"), await world.state("s-1")


async def test_a_list_rests_is_stored_and_locks_once(world: World) -> None:
    reports = await world.place_list(BRACKET)
    assert {name: report.state for name, report in reports.items()} == {
        "s-1": OrderState.ACCEPTED,
        "t-1": OrderState.ACCEPTED,
    }
    assert [(report.mark, str(report.qty), report.side.value) for report in reports.values()] == [(7, "4", "SELL")] * 2
    assert await world.held() == {"WIF": "6+4", "USDC": "1000+0"}
    again = world.exchange()
    assert list(await again.open_orders(WIF)) == list(reports.values())
    assert (await again.balances())["WIF"].locked == 4
    assert world.book.commits == 1


async def test_the_same_list_again_is_the_same_list(world: World) -> None:
    first = await world.place_list(BRACKET)
    assert await world.place_list(BRACKET) == first
    world.paper = world.exchange()
    assert await world.place_list(BRACKET) == first
    assert len(world.book.reports) == 2


async def test_a_target_that_fills_ends_the_stop_in_the_same_commit(world: World) -> None:
    await world.place_list(BRACKET)
    await world.price("110")
    assert await states(world) == (OrderState.ACCEPTED, OrderState.ACCEPTED)
    commits = world.book.commits
    await world.price("111")
    assert world.book.commits == commits + 1
    assert await states(world) == (OrderState.FILLED, OrderState.EXPIRED)
    assert (await world.order("t-1")).fills[0].price == 110
    assert (await world.order("s-1")).expiry_reason == "OCO_TRIGGER"
    await world.price("80", "120")
    assert await states(world) == (OrderState.FILLED, OrderState.EXPIRED)
    assert await world.held() == {"WIF": "6+0", "USDC": "1439.56+0"}


async def test_a_stop_that_triggers_ends_the_target_in_the_same_commit(world: World) -> None:
    await world.place_list(BRACKET)
    await world.price("85")
    assert world.book.commits == 2
    assert await states(world) == (OrderState.EXPIRED, OrderState.FILLED)
    assert (await world.order("s-1")).fills[0].price == 85
    assert await world.held() == {"WIF": "6+0", "USDC": "1339.66+0"}


async def test_a_stop_that_triggers_and_rests_ends_the_target_all_the_same(world: World) -> None:
    await world.place_list(oco(maker("110"), stop_limit("90", "88")))
    await world.price("80")
    assert await states(world) == (OrderState.EXPIRED, OrderState.ACCEPTED)
    assert await world.held() == {"WIF": "6+4", "USDC": "1000+0"}
    await world.price("120")
    assert await states(world) == (OrderState.EXPIRED, OrderState.FILLED)


async def test_a_stop_that_triggers_and_may_not_rest_ends_the_whole_list(world: World) -> None:
    await world.place_list(oco(maker("110"), stop_limit("90", "88", time_in_force=TimeInForce.FOK)))
    await world.price("80")
    assert await states(world) == (OrderState.EXPIRED, OrderState.EXPIRED)
    assert await world.held() == {"WIF": "10+0", "USDC": "1000+0"}


async def test_a_trailing_target_beside_a_hard_stop(world: World) -> None:
    await world.place_list(oco(stop("110", TAKE, trailing=500), stop("90")))
    await world.price("110", "120")
    assert await states(world) == (OrderState.ACCEPTED, OrderState.ACCEPTED)
    await world.price("113")
    assert await states(world) == (OrderState.FILLED, OrderState.EXPIRED)


async def test_a_fall_through_both_legs_fills_one(world: World) -> None:
    await world.place_list(oco(stop("110", TAKE, trailing=500), stop("90")))
    await world.price("110", "80")
    assert await states(world) == (OrderState.EXPIRED, OrderState.FILLED)
    assert await world.held() == {"WIF": "6+0", "USDC": "1319.68+0"}


@pytest.mark.parametrize("leg", ["t-1", "s-1"])
async def test_cancelling_a_leg_cancels_the_list_and_nothing_else(world: World, leg: str) -> None:
    await world.place_list(BRACKET)
    await world.place_list(oco(maker("120"), stop("85"), "2", 2))
    commits = world.book.commits
    assert await world.paper.cancel_order(WIF, leg) is True
    assert world.book.commits == commits + 1
    assert await states(world) == (OrderState.CANCELED, OrderState.CANCELED)
    assert [report.client_order_id for report in await world.paper.open_orders()] == ["s-2", "t-2"]
    assert await world.held() == {"WIF": "8+2", "USDC": "1000+0"}
    assert await world.paper.cancel_order(WIF, "t-1") is await world.paper.cancel_order(WIF, "s-1") is False


async def test_a_list_whose_stop_has_filled_cannot_be_cancelled(world: World) -> None:
    await world.place_list(BRACKET)
    world.market.bid -= 20
    assert await world.paper.cancel_order(WIF, "t-1") is False
    assert await states(world) == (OrderState.EXPIRED, OrderState.FILLED)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (oco(maker("100"), stop("90")), BAD_PRICES),
        (oco(maker("110"), stop("100")), BAD_PRICES),
        (oco(stop("100", TAKE), stop("90")), BAD_PRICES),
        (oco(stop_limit("99", "110", TAKE_LIMIT), stop("90")), WOULD_TRIGGER),
        (oco(maker("110"), stop_limit("100", "90")), BAD_PRICES),
        (oco(maker("110"), stop("90"), "10.01"), "insufficient WIF balance (-2010). See /balance"),
        (oco(maker("110"), stop_limit("90", "80"), "0.05"), "the order breaks the exchange's rule NOTIONAL (-1013)"),
        (oco(maker("110.005"), stop("90")), "the order breaks the exchange's rule PRICE_FILTER (-1013)"),
        (oco(limit("110"), stop("90")), misfit(-1158, "Order type not supported in OCO")),
        (oco(maker("110"), AT_MARKET), misfit(-1158, "Order type not supported in OCO")),
        (oco(stop("90"), stop("90")), misfit(-1197, "A stop loss order in a sell OCO must be below")),
        (oco(maker("110"), maker("110")), misfit(-1166, "A limit order in a sell OCO must be above")),
        (
            oco(maker("110"), stop("110", TAKE)),
            misfit(-1199, "A take profit order in a sell OCO must be above"),
        ),
    ],
)  # fmt: skip
async def test_a_list_that_the_exchange_would_refuse_is_refused_whole(world: World, request_: ListRequest, sentence: str) -> None:
    assert await world.refused(request_) == sentence
    assert world.book.commits == 0


async def test_an_id_that_is_taken_is_refused(world: World) -> None:
    await world.place(sell(limit("110"), "1", "t-1"))
    assert "already has an open order with this id" in await world.refused(BRACKET)
    both = LegRequest("same", maker("110")), LegRequest("same", stop("90"))
    assert "already has an open order with this id" in await world.refused(replace(BRACKET, above=both[0], below=both[1]))
    assert len(world.book.reports) == 1


async def test_five_stops_in_lists_and_no_sixth(world: World) -> None:
    for number in range(5):
        await world.place_list(oco(maker("110"), stop("90"), "1", number))
    assert "MAX_NUM_ALGO_ORDERS" in await world.refused(oco(maker("110"), stop("90"), "1", 9))
    assert await world.held() == {"WIF": "5+5", "USDC": "1000+0"}


async def test_unknown_and_halted_symbols_are_refused(world: World) -> None:
    assert "does not list" in await world.refused(replace(BRACKET, symbol="NOSUCH"))
    world.market.rules[WIF] = replace(world.market.rules[WIF], status="HALT")
    result = await world.paper.place_list(BRACKET)
    assert isinstance(result, Rejected)
    assert result.reason.code == "market_closed"


async def test_a_symbol_that_takes_no_lists_refuses_one(world: World) -> None:
    rules = world.market.rules[WIF]
    world.market.rules[WIF] = replace(rules, resting=replace(rules.resting, oco_allowed=False))
    assert "does not accept this type of order" in await world.refused(BRACKET)
    world.market.rules[WIF] = replace(rules, resting=replace(rules.resting, order_types=frozenset({OrderType.LIMIT_MAKER})))
    assert "Stop loss orders are not supported" in await world.refused(BRACKET)


async def test_what_was_bought_can_be_protected_to_the_last_lot(world: World) -> None:
    await world.place(buy(AT_MARKET, "2"))
    await world.place_list(oco(maker("110"), stop("90"), "11.99"))
    assert (await world.held())["WIF"] == "0.008+11.99"


@pytest.mark.parametrize("kept", ["before", "after"])
async def test_a_book_that_fails_leaves_the_whole_list_or_none(world: World, kept: Any) -> None:
    world.book.fail_next = kept
    assert isinstance(await world.paper.place_list(BRACKET), Unanswered)
    assert len(await world.paper.open_orders()) == (2 if kept == "after" else 0)
    await world.place_list(BRACKET)
    assert len(await world.paper.open_orders()) == 2


@pytest.mark.parametrize("kept", ["before", "after"])
async def test_a_book_that_fails_at_a_fill_never_fills_both(world: World, kept: Any) -> None:
    await world.place_list(BRACKET)
    world.book.fail_next = kept
    with pytest.raises(ExchangeUnavailable):
        await world.price("111")
    await world.price("80")
    ends = {"after": (OrderState.FILLED, OrderState.EXPIRED), "before": (OrderState.EXPIRED, OrderState.FILLED)}
    assert await states(world) == ends[kept]
