"""Where orders go: Binance, or the paper exchange."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.instrument import Balance
from core.domain.order import ExecutionReport, Fill, OrderRequest, PlaceResult, RecentOrders
from core.ports.market_data import MarketData


class Venue(MarketData, Protocol):
    """Where orders go."""

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Places a MARKET order. Never raises for what the venue or the network does: the four kinds of answer are values."""
        ...

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """What the venue knows of the order; None only for its explicit "does not exist" (-2013). Raises ExchangeUnavailable."""
        ...

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """Takes an order off the venue. False where it has none of that name that could still be taken off (-2011). Raises
        ExchangeUnavailable: then nobody knows."""
        ...

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """Every fill of the order, from the account's trades. Raises ExchangeUnavailable."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """The account's balances by asset, without the zeros. Raises ExchangeUnavailable."""
        ...

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """The newest `limit` orders of `symbol`, ours or not, without their fills. One of ours that cannot be read is named; one
        of somebody else is left out. Raises ExchangeUnavailable."""
        ...

    async def open_orders(self) -> Sequence[ExecutionReport]:
        """Orders that rest on the venue, ours or not. Raises ExchangeUnavailable."""
        ...

    @property
    def request_lifetime(self) -> float:
        """Seconds of venue time after which a sent request can no longer become an order (Binance: recvWindow)."""
        ...
