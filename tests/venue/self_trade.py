"""Self-trade prevention (faqs/stp_faq.md): an order that meets one of its own account's ends one of them, or both.

DECREMENT, TRANSFER and NONE are not simulated: orders with them must not meet their own."""

from decimal import Decimal

from tests.venue import reports
from tests.venue.book import reaches
from tests.venue.locks import Settlement
from tests.venue.model import Account, Order, OrderRequest
from tests.venue.state import State

MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")


class SelfTrade:
    def __init__(self, state: State, settlement: Settlement) -> None:
        self._state = state
        self._settlement = settlement
        self._matches: dict[str, int] = {}

    def rivals(self, account: Account, taker: Order | OrderRequest) -> list[Order]:
        """Returns the account's own orders on the other side of the book that an order reaches, best price first."""
        found = [
            order
            for order in self._state.orders.open_of(account, taker.symbol)
            if order.side != taker.side
            and order.is_working
            and order.limit is not None
            and reaches(taker.side, taker.limit, order.price)
        ]
        return sorted(found, key=lambda order: order.price, reverse=taker.side == "SELL")

    def prevent(self, taker: Order, maker: Order) -> None:
        """Ends the orders that the taker's mode says."""
        if taker.stp_mode not in MODES:
            return
        match = self._matches.get(taker.symbol, -1) + 1
        self._matches[taker.symbol] = match
        price, ends = maker.price, taker.stp_mode
        if ends in ("EXPIRE_MAKER", "EXPIRE_BOTH"):
            self._end(maker, taker, price, match)
        if ends in ("EXPIRE_TAKER", "EXPIRE_BOTH"):
            self._end(taker, maker, price, match)

    def _end(self, order: Order, counter: Order, price: Decimal, match: int) -> None:
        quantity = order.remaining
        order.prevented_qty += quantity
        order.prevented_match_id = match
        self._settlement.close(order, "EXPIRED_IN_MATCH")
        rules = self._state.symbols[order.symbol]
        self._state.report(order, "TRADE_PREVENTION", reports.prevention(order, counter, rules, price, quantity))
