"""The matching engine: symbols, books, accounts, orders and trades. Pure state; knows no HTTP."""

import secrets
from collections.abc import Callable, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from tests.venue.admission import Admission
from tests.venue.book import Fill, Levels, OrderBook, Price, floor_to
from tests.venue.errors import VenueError
from tests.venue.filters import SymbolRules, edited
from tests.venue.lists import Lists
from tests.venue.locks import Settlement
from tests.venue.model import CONTINGENT, MARKET_KINDS, ZERO, Account, ListRequest, Order, OrderList, OrderRequest, Side, Trade
from tests.venue.price_range import EXCEEDED, Bounds
from tests.venue.self_trade import SelfTrade
from tests.venue.state import State
from tests.venue.stops import follow

UNFILLED = {"IOC": "UNFILLED_IOC_QUANTITY_EXPIRED", "FOK": "UNFILLED_FOK_ORDER_EXPIRED"}


class Exchange:
    """The matching engine. Every change is one call that happens completely, or raises VenueError and changes nothing."""

    def __init__(self, exchange_info: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self.state = State(exchange_info, now_ms)
        self.settlement = Settlement(self.state)
        self.self_trade = SelfTrade(self.state, self.settlement)
        self.admission = Admission(self.state, self.self_trade)
        self.lists = Lists(self.state, self.settlement, self.admission, self.start)
        self.share_at_once: Decimal | None = None
        """The part that a MARKET order takes at once: the rest stays open until `work_off` or `cancel`; None: all."""
        self._prints: list[tuple[Decimal, list[Order]]] = []

    @property
    def info(self) -> dict[str, Any]:
        return self.state.info

    @property
    def symbols(self) -> dict[str, SymbolRules]:
        return self.state.symbols

    @property
    def books(self) -> dict[str, OrderBook]:
        return self.state.books

    @property
    def bnb_prices(self) -> dict[str, Decimal]:
        return self.state.bnb_prices

    @property
    def accounts(self) -> dict[str, Account]:
        return self.state.accounts

    @property
    def orders(self) -> list[Order]:
        return self.state.orders.all

    @property
    def trades(self) -> list[Trade]:
        return self.state.trades

    @property
    def visible_after_ms(self) -> int:
        return self.state.orders.visible_after_ms

    @visible_after_ms.setter
    def visible_after_ms(self, ms: int) -> None:
        self.state.orders.visible_after_ms = ms

    def rules(self, symbol: str) -> SymbolRules:
        return self.state.rules(symbol)

    def edit_symbol(self, symbol: str, **changes: object) -> None:
        self.symbols[symbol] = SymbolRules(edited(self.symbols[symbol].info, changes))

    def clone_symbol(self, source: str, base: str, quote: str) -> str:
        """Adds base+quote with the rules of `source`; returns its name."""
        self.list_symbol({**self.symbols[source].info, "symbol": base + quote, "baseAsset": base, "quoteAsset": quote})
        return base + quote

    def list_symbol(self, info: Mapping[str, Any]) -> None:
        """Adds a symbol by its entry of exchangeInfo, or replaces its rules."""
        self.symbols[info["symbol"]] = SymbolRules(info)
        self.books.setdefault(info["symbol"], OrderBook())

    def orders_open(self, account: Account | None, symbol: str | None) -> list[Order]:
        """Returns open orders, oldest first; None stands for all."""
        return self.state.orders.open_of(account, symbol)

    def find(self, account: Account, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Returns the account's order, by id or by the newest use of the client order id; None if there is none."""
        return self.state.orders.find(account, symbol, order_id, client_order_id)

    def check(self, account: Account, request: OrderRequest) -> list[Fill]:
        """Checks everything that can refuse an order before it exists; returns its immediate fills."""
        return self.admission.check(account, request)

    def set_book(self, symbol: str, bids: Levels, asks: Levels, last: Price | None = None) -> None:
        """Sets new liquidity, which is a trade at its last price: resting orders that the book reaches are filled as maker, at
        their own price, and stops that the price reaches are triggered."""
        book = self.books[symbol]
        book.replace(bids, asks, last)
        self._print(symbol, book.last)
        for order in self.orders_open(None, symbol):
            if order.is_working and order.limit is not None:
                fills = book.plan(order.side, order.remaining, order.limit)
                self._taken(symbol, order.side, fills)
                for _, quantity in fills:
                    self.settlement.fill(order, order.price, quantity, is_maker=True)
        self.finish()

    def trade(self, symbol: str, price: Price, quantity: Price | None = None) -> None:
        """Plays a trade of others at a price. Resting orders with a better price than that are filled before it, up to
        `quantity`; one at exactly this price is only touched, and stays."""
        at, left = Decimal(price), None if quantity is None else Decimal(quantity)
        self.books[symbol].last = at
        self._print(symbol, at, left or ZERO)
        for order in self.orders_open(None, symbol):
            if not order.is_working or order.limit is None or not _is_through(order, at):
                continue
            filled = order.remaining if left is None else min(left, order.remaining)
            if filled:
                self.settlement.fill(order, order.price, filled, is_maker=True)
                left = None if left is None else left - filled
        self.finish()

    def fill(self, order: Order, quantity: Decimal, price: Decimal | None = None) -> None:
        """Fills a part of an order that is on the book as maker, at its own price unless another is given."""
        if not order.is_working or not 0 < quantity <= order.remaining:
            raise ValueError(f"order {order.order_id} is {order.status} with {order.remaining} on the book")
        at = order.price if price is None else price
        self.books[order.symbol].last = at
        self._print(order.symbol, at, quantity, taken=order.side == "SELL")
        self.settlement.fill(order, at, quantity, is_maker=True)
        self.finish()

    def place(self, account: Account, request: OrderRequest) -> Order:
        """Executes a new order; raises VenueError if it is refused."""
        return self.enter(account, request, self.check(account, request))

    def enter(self, account: Account, request: OrderRequest, fills: list[Fill]) -> Order:
        """Executes a new order that was checked."""
        order = self.state.orders.add(account, request)
        if order.type in CONTINGENT:
            order.estimate = self.admission.estimate(request)
        filled = sum((quantity for _, quantity in fills), ZERO)
        if request.quantity is None:
            order.orig_qty = filled
        most = None
        if order.type == "MARKET" and self.share_at_once is not None:
            most = floor_to(filled * self.share_at_once, self.symbols[order.symbol].market_step)
        self.start(order, most)
        self.finish()
        return order

    def place_list(self, account: Account, request: ListRequest) -> tuple[OrderList, list[Order]]:
        """Executes a new order list; returns it, and its legs as they are before anything follows from a first fill."""
        self.lists.check(account, request)
        found = self.lists.open(account, request)
        legs = [_as_now(leg) for leg in found.legs]
        self.finish()
        return found, legs

    def start(self, order: Order, most: Decimal | None = None) -> None:
        """Puts an order to work, or lets it wait for its trigger."""
        if order.type in CONTINGENT:
            self.settlement.lock([order])
            self.state.report(order, "NEW")
            return
        order.working_time = self.state.now()
        self.state.report(order, "NEW")
        self._work(order, most)

    def work_off(self, order: Order) -> None:
        """Executes the rest of a MARKET order that was held back, as far as the book allows."""
        self._take(order, None)
        if order.is_open:
            self.settlement.expire(order, "INSUFFICIENT_LIQUIDITY")
        self.finish()

    def cancel(self, order: Order, cancel_id: str = "") -> list[Order]:
        """Cancels an order, and with it the list that it belongs to; returns what was canceled."""
        if not order.is_open:
            raise VenueError(-2011)
        found, name = self.state.orders.list_of(order), cancel_id or secrets.token_hex(11)
        if found is not None:
            return self.cancel_list(found, name)
        self.settlement.cancel(order, name)
        self.finish()
        return [order]

    def cancel_list(self, found: OrderList, cancel_id: str) -> list[Order]:
        canceled = self.lists.cancel(found, cancel_id)
        self.finish()
        return canceled

    def expire(self, order: Order, reason: str = "EXCHANGE_CANCELED") -> None:
        """Ends an open order by the exchange's own will."""
        self.settlement.expire(order, reason)
        self.finish()

    def finish(self) -> None:
        """Follows a change to its end: the other legs of lists, triggers, and the events of balances."""
        self.lists.follow()
        while self._prints:
            price, waiting = self._prints.pop(0)
            for order in waiting:
                if order.is_waiting and follow(order, price, self.state.now()):
                    self._trigger(order)
                    self.lists.follow()
        self.state.tell_balances()

    def _trigger(self, order: Order) -> None:
        """Puts a stop order to work. One whose BUY costs more than there is ends as refused."""
        self.lists.begin(order)
        order.working_time = order.update_time = self.state.now()
        if order.type in MARKET_KINDS and order.side == "BUY":
            fills = self.books[order.symbol].plan("BUY", order.remaining, None)
            free = self.state.account_of(order).balance(self.symbols[order.symbol].quote).free
            if sum((price * quantity for price, quantity in fills), ZERO) > free + order.lock.amount:
                self.settlement.expire(order, "REJECTED", "INSUFFICIENT_BALANCES")
                return
        self.state.report(order, "NEW")
        self._work(order, None)

    def _work(self, order: Order, most: Decimal | None) -> None:
        """Lets an order take what it can; the rest stays on the book or expires."""
        bounds = self._bounds(order)
        if order.time_in_force != "FOK" or self._can_fill(order, bounds):
            self._take(order, most, bounds)
        if not order.is_open:
            return
        if most is None and self._reachable(order, order.remaining) and not self._reachable(order, order.remaining, bounds):
            self.settlement.expire(order, EXCEEDED)
        elif order.type in MARKET_KINDS and most is None:
            self.settlement.expire(order, "INSUFFICIENT_LIQUIDITY")
        elif order.time_in_force in UNFILLED:
            self.settlement.expire(order, UNFILLED[order.time_in_force])
        elif not order.lock.amount:
            self.settlement.lock([order])

    def _bounds(self, order: Order) -> Bounds | None:
        """Returns the prices between which an order may trade; None: any."""
        found = self.state.price_ranges.get(order.symbol)
        return None if found is None else found.bounds(order.side, self.books[order.symbol].average)

    def _can_fill(self, order: Order, bounds: Bounds | None) -> bool:
        fills = self._reachable(order, order.remaining, bounds)
        return sum((quantity for _, quantity in fills), ZERO) == order.remaining

    def _take(self, order: Order, most: Decimal | None, bounds: Bounds | None = None) -> None:
        """Takes from the book up to the order's limit, and at most `most`; its own account's orders are in the way."""
        account = self.state.account_of(order)
        if most is not None:
            self._execute(order, self._reachable(order, most, bounds))
            return
        for rival in self.self_trade.rivals(account, order):
            fills = self._reachable(order, order.remaining, bounds)
            self._execute(order, [fill for fill in fills if _is_better(order.side, fill[0], rival.price)])
            if not order.is_open:
                return
            self.self_trade.prevent(order, rival)
            if not order.is_open:
                return
        self._execute(order, self._reachable(order, order.remaining, bounds))

    def _reachable(self, order: Order, quantity: Decimal, bounds: Bounds | None = None) -> list[Fill]:
        fills = self.books[order.symbol].plan(order.side, quantity, order.limit)
        return fills if bounds is None else bounds.within(fills)

    def _execute(self, order: Order, fills: list[Fill]) -> None:
        self._taken(order.symbol, order.side, fills)
        for price, quantity in fills:
            self.settlement.fill(order, price, quantity, is_maker=False)

    def _taken(self, symbol: str, side: Side, fills: list[Fill]) -> None:
        self.books[symbol].take(side, fills)
        for price, quantity in fills:
            self._print(symbol, price, quantity, taken=side == "BUY")

    def _print(self, symbol: str, price: Decimal, quantity: Decimal = ZERO, *, taken: bool = False) -> None:
        """Notes a trade on the tape, and its price for the orders that wait for one; `taken` is whether the buyer took."""
        self.state.tape.note(symbol, self.state.now(), price, quantity, taken=taken)
        waiting = [order for order in self.orders_open(None, symbol) if order.is_waiting]
        if waiting:
            self._prints.append((price, waiting))


def _as_now(order: Order) -> Order:
    """Copies an order that goes on to change."""
    found = copy(order)
    found.trades = list(order.trades)
    return found


def _is_through(order: Order, price: Decimal) -> bool:
    return price < order.price if order.side == "BUY" else price > order.price


def _is_better(side: Side, price: Decimal, other: Decimal) -> bool:
    return price < other if side == "BUY" else price > other
