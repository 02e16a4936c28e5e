"""The user data stream of the loopback Binance: who may listen, what is told, and what a cut loses."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.venue import Venue
from tests.venue.asking import BUY, LIMIT, WIF, client_of, sample, shape
from tests.venue.test_oco import OCO
from tests.venue.venue import ED25519_KEY
from tests.venue.wire import wire_of

SUBSCRIBE = "userDataStream.subscribe.signature"


def said(events: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Returns kind, execution type and status of each event, as far as it has them."""
    names = ("e", "x", "X", "l", "L")
    chosen = {"executionReport": names[:3], "listStatus": ("e", "l", "L")}
    return [tuple(event[name] for name in chosen.get(event["e"], ("e",))) for event in events]


# --- who may listen --------------------------------------------------------------------------------


async def test_an_hmac_key_subscribes_by_its_signature(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        answer = await wire.signed(SUBSCRIBE)
        assert (answer["status"], answer["result"]) == (200, {"subscriptionId": 0})
        assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        doubled = await wire.signed(SUBSCRIBE)
        assert doubled["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
        assert (await wire.ask("session.subscriptions"))["result"] == [{"subscriptionId": 0}]


async def test_a_wrong_signature_a_wrong_key_and_a_wrong_time(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        now = venue.clock.now_ms()
        wrong = await wire.ask(SUBSCRIBE, apiKey=venue.key, timestamp=now, signature="0" * 64)
        assert (wrong["status"], wrong["error"]["code"]) == (400, -1022)
        assert (await wire.signed(SUBSCRIBE, key="u" * 64))["error"]["code"] == -2015
        assert (await wire.signed(SUBSCRIBE, key="short"))["error"]["code"] == -2014
        assert (await wire.signed(SUBSCRIBE, timestamp=now - 6_000))["error"]["code"] == -1021
        assert (await wire.signed(SUBSCRIBE, timestamp=now - 6_000, recvWindow=9_000))["status"] == 200
        assert (await wire.signed(SUBSCRIBE, nonsense=1))["error"]["code"] == -1104


async def test_an_ed25519_key_logs_on_once(venue: Venue) -> None:
    pem = venue.add_ed25519_key()
    async with wire_of(venue) as wire:
        assert (await wire.ask("userDataStream.subscribe"))["error"]["code"] == -1002
        assert (await wire.signed("session.logon"))["error"]["code"] == -1022
        logged_on = await wire.signed("session.logon", key=ED25519_KEY, pem=pem)
        assert (logged_on["result"]["apiKey"], logged_on["result"]["userDataStream"]) == (ED25519_KEY, False)
        assert (await wire.ask("userDataStream.subscribe", apiKey=ED25519_KEY))["error"]["code"] == -1104
        assert (await wire.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await wire.ask("userDataStream.subscribe"))["error"]["code"] == -2035
        order = await wire.ask("order.place", **BUY, timestamp=venue.clock.now_ms())
        assert order["result"]["status"] == "FILLED"
        assert said(await wire.heard(2))[-1] == ("executionReport", "TRADE", "FILLED")


async def test_a_logout_ends_the_subscription_of_the_logon_only(venue: Venue) -> None:
    pem = venue.add_ed25519_key()
    venue.add_account("other", {}, key="o" * 64, secret=venue.secret)
    async with wire_of(venue) as wire:
        await wire.signed("session.logon", key=ED25519_KEY, pem=pem)
        await wire.ask("userDataStream.subscribe")
        await wire.signed(SUBSCRIBE, key="o" * 64)
        assert (await wire.ask("session.logout"))["result"]["apiKey"] is None
        ended = await wire.next_event()
        assert shape(ended) == shape(sample("samples/stream_eventStreamTerminated.json"))
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
        assert (await wire.ask("session.subscriptions"))["result"] == [{"subscriptionId": 1}]
        unsigned = await wire.ask("order.place", **BUY, timestamp=venue.clock.now_ms())
        assert unsigned["error"]["code"] == -1102


async def test_a_session_whose_key_was_taken_away_is_over(venue: Venue) -> None:
    pem = venue.add_ed25519_key()
    async with wire_of(venue) as wire:
        await wire.signed("session.logon", key=ED25519_KEY, pem=pem)
        del venue.keys[ED25519_KEY]
        for code in (-2015, -1102):
            answer = await wire.ask("account.status", timestamp=venue.clock.now_ms())
            assert answer["error"]["code"] == code


async def test_the_real_client_signs_with_ed25519_over_http(venue: Venue) -> None:
    pem = venue.add_ed25519_key()
    async with client_of(venue, ED25519_KEY, pem=pem) as client:
        assert (await client.create_order(**BUY))["status"] == "FILLED"
        assert (await client.get_account())["canTrade"] is True


async def test_listening_ends_on_request(venue: Venue, client: Any) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        assert (await wire.ask("userDataStream.unsubscribe", subscriptionId=0))["result"] == {}
        await client.create_order(**BUY)
        assert (await wire.next_event())["event"]["e"] == "eventStreamTerminated"
        assert (await wire.signed(SUBSCRIBE))["result"] == {"subscriptionId": 1}
        assert wire.events == []


async def test_frames_that_are_no_requests(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        for text in ("{", "[]", "{}"):
            await wire.socket.send(text)
            assert (await wire.receive())["error"]["code"] == -1135
        assert (await wire.ask("order.nonsense"))["status"] == 400
        assert (await wire.ask("time"))["result"].keys() == {"serverTime"}


# --- what is told ----------------------------------------------------------------------------------


async def test_an_order_from_birth_to_fill(venue: Venue, client: Any) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        placed = await client.create_order(**LIMIT, newClientOrderId="mine", strategyId=7)
        venue.fill_order(WIF, "mine", "5")
        venue.trade(WIF, "0.399")
        events = await wire.heard(6)
        assert said(events) == [
            ("executionReport", "NEW", "NEW"),
            ("outboundAccountPosition",),
            ("executionReport", "TRADE", "PARTIALLY_FILLED"),
            ("outboundAccountPosition",),
            ("executionReport", "TRADE", "FILLED"),
            ("outboundAccountPosition",),
        ]
        new, part, last = events[0], events[2], events[4]
        assert (new["c"], new["C"], new["i"], new["g"], new["w"], new["j"]) == ("mine", "", placed["orderId"], -1, True, 7)
        assert (part["l"], part["z"], part["L"], part["t"], part["m"]) == ("5.00000000", "5.00000000", "0.40000000", 56, True)
        assert (part["n"], part["N"], part["Y"]) == ("0.00500000", "WIF", "2.00000000")
        assert (last["l"], last["z"], last["Z"], last["w"]) == ("15.00000000", "20.00000000", "8.00000000", False)
        assert len({event["I"] for event in (new, part, last)}) == 3
        assert events[5]["B"] == [
            {"a": "USDC", "f": "99992.00000000", "l": "0.00000000"},
            {"a": "WIF", "f": "19.98000000", "l": "0.00000000"},
        ]


async def test_events_have_the_documented_fields(venue: Venue, client: Any) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        venue.set_balance("WIF", "20")
        await client.create_oco_order(**{**OCO, "belowType": "STOP_LOSS_LIMIT", "belowPrice": "0.39", "belowTimeInForce": "GTC"})
        events = [await wire.next_event() for _ in range(6)]
        found = {event["event"]["e"]: shape(event) for event in events}
        wanted = {name: shape(sample(f"samples/stream_{name}.json")) for name in found}
        prevented: Any = wanted["executionReport"]
        del prevented["event"]["v"]
        assert found == wanted
        assert sorted(found) == ["balanceUpdate", "executionReport", "listStatus", "outboundAccountPosition"]


async def test_a_cancel_has_its_own_id_in_the_place_of_the_orders(venue: Venue, client: Any) -> None:
    await client.create_order(**LIMIT, newClientOrderId="mine")
    async with wire_of(venue, subscribed=True) as wire:
        await client.cancel_order(symbol=WIF, origClientOrderId="mine", newClientOrderId="the-cancel")
        canceled = (await wire.heard(1))[0]
        assert (canceled["x"], canceled["X"], canceled["c"], canceled["C"]) == ("CANCELED", "CANCELED", "the-cancel", "mine")


async def test_the_life_of_a_pair(venue: Venue, client: Any) -> None:
    venue.modernize(WIF)
    venue.set_balance("WIF", "20")
    async with wire_of(venue, subscribed=True) as wire:
        await client.create_oco_order(**OCO)
        assert said(await wire.heard(4)) == [
            ("executionReport", "NEW", "NEW"),
            ("executionReport", "NEW", "NEW"),
            ("listStatus", "EXEC_STARTED", "EXECUTING"),
            ("outboundAccountPosition",),
        ]
        venue.set_price(WIF, "0.39")
        events = await wire.heard(5)
        assert said(events) == [
            ("executionReport", "EXPIRED", "EXPIRED"),
            ("executionReport", "NEW", "NEW"),
            ("executionReport", "TRADE", "FILLED"),
            ("listStatus", "ALL_DONE", "ALL_DONE"),
            ("outboundAccountPosition",),
        ]
        assert (events[0]["c"], events[0]["eR"], events[1]["c"]) == ("target", "OCO_TRIGGER", "stop")
        assert (events[1]["w"], events[1]["P"], events[1]["W"] > 0) == (True, "0.40000000", True)
        assert {leg["c"] for leg in events[3]["O"]} == {"target", "stop"}


async def test_a_self_trade_is_told_with_its_own_fields(venue: Venue, client: Any) -> None:
    venue.set_balance("WIF", "20")
    venue.set_book(WIF, asks=[("0.510", None)])
    await client.create_order(**{**LIMIT, "side": "SELL", "price": "0.500", "newClientOrderId": "target"})
    async with wire_of(venue, subscribed=True) as wire:
        bought = await client.create_order(**BUY)
        event = (await wire.heard(2))[1]
        assert (event["c"], event["x"], event["X"]) == ("target", "TRADE_PREVENTION", "EXPIRED_IN_MATCH")
        assert (event["v"], event["A"], event["B"], event["U"], event["pL"]) == (
            0, "20.00000000", "20.00000000", bought["orderId"], "0.50000000",
        )  # fmt: skip


async def test_an_account_hears_nothing_of_another(venue: Venue, client: Any) -> None:
    venue.add_account("other", {}, key="o" * 64, secret=venue.secret)
    async with wire_of(venue) as wire:
        await wire.signed(SUBSCRIBE, key="o" * 64)
        await client.create_order(**BUY)
        await wire.ask("time")
        assert wire.events == []


# --- what is lost ----------------------------------------------------------------------------------


async def test_a_cut_breaks_the_connection_and_nothing_is_said_again(venue: Venue, client: Any) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        venue.streams.cut(away=True)
        with pytest.raises(ConnectionClosed):
            await wire.receive()
    await client.create_order(**BUY)
    with pytest.raises(InvalidStatus):
        async with wire_of(venue):
            pass
    venue.streams.is_away = False
    async with wire_of(venue, subscribed=True) as wire:
        await wire.ask("time")
        assert wire.events == []


async def test_events_can_be_lost_doubled_and_late(venue: Venue, client: Any) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        venue.streams.lose(1, "executionReport")
        await client.create_order(**LIMIT)
        assert said(await wire.heard(1)) == [("outboundAccountPosition",)]
        venue.streams.double(1)
        await client.create_order(**LIMIT)
        first, second, _ = await wire.heard(3)
        assert first == second
        venue.streams.is_silent = True
        await client.create_order(**LIMIT)
        venue.streams.is_silent, venue.streams.delay_ms = False, 20
        began = asyncio.get_running_loop().time()
        await client.create_order(**LIMIT)
        assert (await wire.heard(1))[0]["i"] == venue.orders[-1].order_id
        assert asyncio.get_running_loop().time() - began >= 0.02


async def test_the_server_announces_its_shutdown_and_closes(venue: Venue) -> None:
    async with wire_of(venue, subscribed=True) as wire:
        venue.streams.announce_shutdown()
        assert shape(await wire.next_event()) == shape(sample("samples/stream_serverShutdown.json"))
        venue.streams.terminate()
        assert (await wire.heard(1))[0]["e"] == "eventStreamTerminated"
        venue.streams.close()
        with pytest.raises(ConnectionClosed):
            await wire.receive()


async def test_pings_want_a_pong(venue: Venue) -> None:
    venue.streams.ping_seconds, venue.streams.pong_seconds = 0.02, 0.3
    async with wire_of(venue) as wire:
        await asyncio.sleep(0.5)
        assert (await wire.ask("ping"))["result"] == {}
        venue.streams.pong_seconds = 0
        with pytest.raises(ConnectionClosed):
            await wire.receive()


# --- trading over the same socket ------------------------------------------------------------------


async def test_orders_over_the_socket(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        placed = await wire.signed("order.place", **LIMIT, newClientOrderId="mine")
        assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
        found = await wire.signed("order.status", symbol=WIF, origClientOrderId="mine")
        assert found["result"]["orderId"] == placed["result"]["orderId"]
        refused = await wire.signed("order.place", **{**LIMIT, "quantity": "20.001"})
        assert (refused["status"], refused["error"]) == (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"})
        canceled = await wire.signed("order.cancel", symbol=WIF, origClientOrderId="mine")
        assert canceled["result"]["status"] == "CANCELED"
        read_only = await wire.signed("order.place", **LIMIT, key=venue.read_only_key)
        assert read_only["error"]["code"] == -2015


async def test_answers_of_the_socket_are_lost_too(venue: Venue) -> None:
    async with wire_of(venue) as wire:
        venue.faults.error("WS order.place", -1007, executed=True)
        unknown = await wire.signed("order.place", **BUY)
        assert (unknown["status"], unknown["error"]["code"]) == (504, -1007)
        hang = venue.faults.hang("WS order.place")
        hanging = asyncio.create_task(wire.signed("order.place", **BUY))
        await hang.arrived.wait()
        assert not (await asyncio.wait([hanging], timeout=0.05))[0]
        hanging.cancel()
        await asyncio.wait([hanging])
        venue.faults.cut("WS order.place")
        with pytest.raises(ConnectionClosed):
            await wire.signed("order.place", **BUY)
    assert [order.status for order in venue.orders] == ["FILLED"] * 3
