"""Random trading on the loopback Binance: money is neither made nor lost, and the events tell what is."""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.amend import amend
from tests.venue.asking import WIF
from tests.venue.errors import VenueError
from tests.venue.model import CONTINGENT, ListRequest, Order, OrderRequest, Side
from tests.venue.venue import Venue

STEPS = 250
PRICES = [Decimal(n) / 1000 for n in range(300, 700, 10)]


class Trader:
    """Does random things to one symbol and remembers every event."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.venue = Venue(balances={"USDC": "500", "WIF": "500", "BNB": "0.001"}, prices={WIF: "0.480"})
        self.venue.modernize(WIF)
        self.venue.set_rates(maker="0.001", taker="0.002", bnb_burn=self.random.random() < 0.5)
        self.venue.set_bnb_price("USDC", "600")
        self.events: list[dict[str, Any]] = []
        self.venue.exchange.state.listeners.append(lambda _, event: self.events.append(event))
        self._names = 0

    def act(self) -> None:
        acts = (self._order, self._order, self._pair, self._bracket, self._bracket, self._move, self._move, self._trade,
                self._part, self._cancel, self._amend, self._expire)  # fmt: skip
        try:
            self.random.choice(acts)()
        except VenueError:
            return

    def _request(self, side: Side, kind: str, *, quantity: Decimal | None = None) -> OrderRequest:
        self._names += 1
        market = kind in ("MARKET", "STOP_LOSS", "TAKE_PROFIT")
        return OrderRequest(
            WIF,
            side,
            kind,
            None if market or kind == "LIMIT_MAKER" else self.random.choice(("GTC", "GTC", "IOC", "FOK")),
            quantity,
            None,
            None if market else self.random.choice(PRICES),
            f"o{self._names}",
            self.random.choice(("EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH")),
            stop_price=self.random.choice(PRICES) if kind in CONTINGENT else None,
            trailing_delta=self.random.choice((None, 200, 1000)) if kind in CONTINGENT else None,
        )

    def _side(self) -> Side:
        return "BUY" if self.random.random() < 0.5 else "SELL"

    def _quantity(self) -> Decimal:
        return Decimal(self.random.randint(1000, 20_000)) / 100

    def _order(self) -> None:
        kind = self.random.choice(("MARKET", "LIMIT", "LIMIT", "LIMIT_MAKER", *CONTINGENT))
        self.venue.exchange.place(self.venue.account, self._request(self._side(), kind, quantity=self._quantity()))

    def _legs(self, side: Side, quantity: Decimal | None) -> tuple[OrderRequest, OrderRequest]:
        exits = self._request(side, self.random.choice(("LIMIT_MAKER", "TAKE_PROFIT")), quantity=quantity)
        stop = self._request(side, self.random.choice(("STOP_LOSS", "STOP_LOSS_LIMIT")), quantity=quantity)
        return (exits, stop) if side == "SELL" else (stop, exits)

    def _pair(self) -> None:
        legs = self._legs(self._side(), self._quantity())
        self._names += 1
        self.venue.exchange.place_list(self.venue.account, ListRequest(f"l{self._names}", legs))

    def _bracket(self) -> None:
        pays = self.random.random() < 0.6
        quantity = self._quantity()
        working = self._request("BUY", "LIMIT", quantity=quantity)
        legs: tuple[OrderRequest, ...] = self._legs("SELL", None if pays else quantity)
        if self.random.random() < 0.4:
            legs = legs[1:]
        self._names += 1
        self.venue.exchange.place_list(self.venue.account, ListRequest(f"l{self._names}", legs, working, pays))

    def _move(self) -> None:
        price = self.random.choice(PRICES)
        if self.random.random() < 0.4:
            thin = Decimal(self.random.randint(1, 50))
            self.venue.set_book(WIF, bids=[(price - Decimal("0.01"), thin)], asks=[(price, thin)], last=price)
        else:
            self.venue.set_price(WIF, price, "0.002")

    def _trade(self) -> None:
        self.venue.trade(WIF, self.random.choice(PRICES), self.random.choice((None, "7.5")))

    def _open(self) -> Order | None:
        orders = self.venue.exchange.orders_open(self.venue.account, WIF)
        return self.random.choice(orders) if orders else None

    def _part(self) -> None:
        order = self._open()
        if order is not None and order.is_working:
            self.venue.exchange.fill(order, self.random.choice((order.remaining, order.remaining / 2)))

    def _cancel(self) -> None:
        order = self._open()
        if order is not None:
            self.venue.exchange.cancel(order)

    def _amend(self) -> None:
        order = self._open()
        if order is not None:
            quantity = (order.orig_qty * Decimal("0.7")).quantize(Decimal("0.01"))
            amend(self.venue.exchange, order, quantity, order.client_order_id)

    def _expire(self) -> None:
        order = self._open()
        if order is not None and self.random.random() < 0.2:
            self.venue.exchange.expire(order)


def expected(trader: Trader) -> dict[str, Decimal]:
    """Returns what the account must have of each asset, from its trades alone."""
    total = {"USDC": Decimal(500), "WIF": Decimal(500), "BNB": Decimal("0.001")}
    for trade in trader.venue.trades:
        sign = 1 if trade.is_buyer else -1
        total["WIF"] += sign * trade.qty
        total["USDC"] -= sign * trade.quote_qty
        total[trade.commission_asset] -= trade.commission
    return total


def locked(trader: Trader) -> dict[str, Decimal]:
    """Returns what open orders and lists keep locked, each lock once."""
    locks = {id(order.lock): order.lock for order in trader.venue.exchange.orders_open(None, None)}
    locks |= {id(found.received): found.received for found in trader.venue.lists}
    total: dict[str, Decimal] = {}
    for lock in locks.values():
        total[lock.asset] = total.get(lock.asset, Decimal(0)) + lock.amount
    return total


def check(trader: Trader) -> None:
    balances, kept = trader.venue.balances, locked(trader)
    for asset, amount in expected(trader).items():
        held = balances[asset]
        assert held.free + held.locked == amount, asset
        assert held.free >= 0, asset
        assert held.locked == kept.get(asset, Decimal(0)), asset
    for found in trader.venue.lists:
        assert found.is_open == any(leg.is_open for leg in found.legs)
    for order in trader.venue.orders:
        assert order.is_open or not order.lock.amount or order.order_list_id >= 0
        assert order.remaining >= 0


def check_events(trader: Trader) -> None:
    """Checks that the events alone lead to the present orders and balances."""
    status: dict[int, str] = {}
    filled: dict[int, Decimal] = {}
    shown: dict[str, tuple[str, str]] = {}
    for event in trader.events:
        if event["e"] == "executionReport":
            status[event["i"]] = event["X"]
            filled[event["i"]] = filled.get(event["i"], Decimal(0)) + Decimal(event["l"])
        elif event["e"] == "outboundAccountPosition":
            shown |= {row["a"]: (row["f"], row["l"]) for row in event["B"]}
    for order in trader.venue.orders:
        assert (status[order.order_id], filled[order.order_id]) == (order.status, order.executed_qty)
    for asset, (free, kept) in shown.items():
        held = trader.venue.balances[asset]
        assert (Decimal(free), Decimal(kept)) == (round(held.free, 8), round(held.locked, 8))


@pytest.mark.parametrize("seed", range(12))
def test_money_is_neither_made_nor_lost(seed: int) -> None:
    trader = Trader(seed)
    for _ in range(STEPS):
        trader.act()
        check(trader)
    check_events(trader)
    kinds = {order.status for order in trader.venue.orders}
    assert {"FILLED", "CANCELED", "EXPIRED"} <= kinds
