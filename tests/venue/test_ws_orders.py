"""`order.place` of the exchange's WebSocket API is as strict as `POST order`, and tells limits as web-socket-api.md has them."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.venue import Venue
from tests.venue.asking import LIMIT, WIF
from tests.venue.wire import wire_of

MARKET = {"symbol": WIF, "side": "BUY", "type": "MARKET", "quantity": "20"}


def counts(reply: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Returns the used part of each limit in an answer."""
    return {(rule["rateLimitType"], rule["interval"]): rule["count"] for rule in reply["rateLimits"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": "0f" * 32}, -1022),
        ({"apiKey": "x" * 64}, -2015),
        ({"apiKey": "short"}, -2014),
        ({"timestamp": 1_600_000_000_000}, -1021),
        ({"quantity": "20.001"}, -1013),
        ({"type": "LIMIT"}, -1102),
        ({"price": "0.48"}, -1106),
        ({"recvWindow": "60001"}, -1131),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"unknown": "1"}, -1104),
    ],
)
async def test_what_rest_refuses_is_refused(venue: Venue, changes: dict[str, Any], code: int) -> None:
    signature = changes.get("signature")
    async with wire_of(venue) as wire:
        if signature is None:
            key = str(changes.get("apiKey", ""))
            reply = await wire.signed("order.place", key=key, **MARKET | {k: v for k, v in changes.items() if k != "apiKey"})
        else:
            values = {"apiKey": venue.key, "timestamp": venue.clock.now_ms(), **MARKET, **changes}
            reply = await wire.ask("order.place", **values)
    assert reply["error"]["code"] == code
    assert venue.orders == []


async def test_a_key_that_may_only_read_places_nothing(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        reply = await wire.signed("order.place", key=venue.read_only_key, **MARKET)
    assert (reply["status"], reply["error"]["code"]) == (401, -2015)


async def test_an_order_is_dated_when_it_enters_the_engine(venue: Venue) -> None:
    venue.faults.slow_engine("WS order.place", 120)
    async with wire_of(venue) as wire:
        reply = await wire.signed("order.place", recvWindow=100, **MARKET)
    assert reply["error"]["code"] == -1021
    assert venue.orders == []


async def test_answers_to_orders_tell_the_count_of_orders(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        placed = await wire.signed("order.place", **LIMIT)
        assert counts(placed)["ORDERS", "SECOND"] == 1
        refused = await wire.signed("order.place", **LIMIT | {"quantity": "20.001"})
        assert counts(refused)["ORDERS", "SECOND"] == 1
        assert ("ORDERS", "SECOND") not in counts(await wire.ask("time"))
        assert counts(await wire.ask("time"))["REQUEST_WEIGHT", "MINUTE"] > 2


async def test_a_limit_says_until_when(venue: Venue) -> None:
    venue.set_limits(orders_10s=0)
    async with wire_of(venue) as wire:
        reply = await wire.signed("order.place", **MARKET)
    error = reply["error"]
    assert (reply["status"], error["code"]) == (429, -1015)
    assert 0 < error["data"]["retryAfter"] - error["data"]["serverTime"] <= 10_000


async def test_a_banned_address_is_told_until_when_and_disconnected(venue: Venue) -> None:
    venue.limits.strikes = 0
    async with wire_of(venue) as wire:
        venue.set_limits(weight_1m=0)
        reply = await wire.signed("order.place", **MARKET)
        assert (reply["status"], reply["error"]["code"]) == (418, -1003)
        assert reply["error"]["data"]["retryAfter"] - reply["error"]["data"]["serverTime"] == 120_000
        with pytest.raises(ConnectionClosed):
            await wire.receive()
