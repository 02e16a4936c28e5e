"""Self-trade prevention of the loopback Binance: an order that would meet one of its own account's."""

from typing import Any

import pytest

from tests.venue import Venue
from tests.venue.asking import BUY, LIMIT, WIF, assert_code, client_of, held

TARGET: dict[str, str] = {**LIMIT, "side": "SELL", "price": "0.500", "newClientOrderId": "target"}
ENTRY: dict[str, str] = {**BUY, "newClientOrderId": "entry", "newOrderRespType": "RESULT"}


@pytest.fixture(autouse=True)
def _thin(venue: Venue) -> None:
    """Has 5 for sale below our own price, and much above it."""
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")
    venue.set_book(WIF, asks=[("0.480", "5"), ("0.510", None)])


async def test_by_default_an_entry_expires_our_own_target(venue: Venue, client: Any) -> None:
    await client.create_order(**TARGET)
    bought = await client.create_order(**ENTRY)
    assert (bought["status"], bought["cummulativeQuoteQty"]) == ("FILLED", "10.05000000")
    target = await client.get_order(symbol=WIF, origClientOrderId="target")
    assert (target["status"], target["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")
    assert (target["preventedQuantity"], target["preventedMatchId"]) == ("20.00000000", 0)
    assert held(venue, "WIF") == ("39.98", "0")


async def test_an_entry_may_give_way_instead(venue: Venue, client: Any) -> None:
    await client.create_order(**TARGET)
    bought = await client.create_order(**ENTRY, selfTradePreventionMode="EXPIRE_TAKER")
    assert (bought["status"], bought["executedQty"], bought["preventedQuantity"]) == (
        "EXPIRED_IN_MATCH", "5.00000000", "15.00000000",
    )  # fmt: skip
    assert (await client.get_order(symbol=WIF, origClientOrderId="target"))["status"] == "NEW"
    assert held(venue, "WIF") == ("4.995", "20")


async def test_or_both_end(venue: Venue, client: Any) -> None:
    await client.create_order(**TARGET)
    both = {**LIMIT, "price": "0.505", "selfTradePreventionMode": "EXPIRE_BOTH"}
    bought = await client.create_order(**both)
    target = await client.get_order(symbol=WIF, origClientOrderId="target")
    assert [bought["status"], target["status"]] == ["EXPIRED_IN_MATCH"] * 2
    assert (held(venue, "WIF")[1], held(venue, "USDC")[1]) == ("0", "0")


async def test_the_stop_goes_with_the_target_of_its_pair(venue: Venue, client: Any) -> None:
    await client.create_oco_order(
        symbol=WIF, side="SELL", quantity="20", aboveType="LIMIT_MAKER", abovePrice="0.500", aboveClientOrderId="target",
        belowType="STOP_LOSS", belowStopPrice="0.400", belowClientOrderId="stop",
    )  # fmt: skip
    await client.create_order(**ENTRY)
    stop = await client.get_order(symbol=WIF, origClientOrderId="stop")
    assert (stop["status"], stop["expiryReason"]) == ("EXPIRED", "OCO_TRIGGER")
    assert held(venue, "WIF")[1] == "0"


async def test_modes_that_a_symbol_does_not_have_or_that_are_not_simulated(venue: Venue, client: Any) -> None:
    await client.create_order(**TARGET)
    text = "This symbol does not allow the specified self-trade prevention mode."
    await assert_code(client.create_order(**ENTRY, selfTradePreventionMode="NONE"), -1013, text)
    not_simulated = client.create_order(**ENTRY, selfTradePreventionMode="DECREMENT")
    await assert_code(not_simulated, -1020, "This operation is not supported.")


async def test_orders_of_others_are_no_hindrance(venue: Venue, client: Any) -> None:
    await client.create_order(**TARGET)
    venue.add_account("other", {"USDC": "100"}, key="o" * 64, secret="other")
    async with client_of(venue, "o" * 64, "other") as other:
        assert (await other.create_order(**ENTRY))["status"] == "FILLED"
    assert (await client.get_order(symbol=WIF, origClientOrderId="target"))["status"] == "NEW"
