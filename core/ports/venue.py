"""The venue that executes orders: Binance, or the paper exchange."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.instrument import Balance
from core.domain.order import (
    EntryList,
    ExecutionReport,
    Fill,
    ListRequest,
    OrderRequest,
    PlaceListResult,
    PlaceResult,
    RecentOrders,
)
from core.ports.market_data import MarketData


class Venue(MarketData, Protocol):
    """The exchange that executes orders."""

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Places an order. Never raises for failures of the venue or the network: the four kinds of answer are values."""
        ...

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        """Places two orders of which one cancels the other (OCO). Never raises, like `place`. After an unanswered request ask for
        its legs, each by its client order id."""
        ...

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        """Places an entry with its exits, the entry's report first in the answer. What that says of the exits is of before the
        entry filled: ask for each by its client order id. Never raises, like `place`; after an unanswered request ask for the
        entry."""
        ...

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """Returns the venue's record of the order; None only for its explicit "does not exist" (-2013). Raises
        ExchangeUnavailable."""
        ...

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """Cancels an order on the venue, and with a leg its whole list. Returns False if the venue has none of that name that
        could still be cancelled (-2011). Raises ExchangeUnavailable: then nobody knows."""
        ...

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """Returns every fill of the order, from the account's trades. Raises ExchangeUnavailable."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """Returns the account's balances by asset, without the zeros. Raises ExchangeUnavailable."""
        ...

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """Returns the newest `limit` orders of `symbol`, ours or not, without their fills. An unreadable one of ours is named;
        others are skipped. Raises ExchangeUnavailable."""
        ...

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        """Returns the open orders on the venue, ours or not, of one `symbol` or of all. Raises ExchangeUnavailable."""
        ...

    @property
    def request_lifetime(self) -> float:
        """Returns the seconds of venue time after which a sent request can no longer become an order (Binance: recvWindow)."""
        ...
