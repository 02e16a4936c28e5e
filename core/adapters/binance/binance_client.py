"""Binance Spot over REST, by python-binance: the Venue of testnet and live, and the MarketData of paper trading without keys.
Orders go over a connection of the WebSocket API while one is kept.

It never repeats an order, makes no decision about one, and leaks no key, secret or signature.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NoReturn

from core.adapters.binance import account_history as history
from core.adapters.binance import codec, order_codec
from core.adapters.binance import requests as costs
from core.adapters.binance.connection import AHEAD, Connection, body_of
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.errors import NO_SUCH_ORDER, NOTHING_TO_CANCEL, Answer, Refusal
from core.adapters.binance.json_fields import read
from core.adapters.binance.order_connection import OrderConnection
from core.adapters.binance.order_placing import OrderPlacing
from core.adapters.binance.requests import Cost, ListCall, Wire, milliseconds
from core.domain.api_key_permissions import Permissions
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Balance, Instrument, Quote
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
from core.domain.signal import OUR_PREFIX
from core.ports.clock import Clock

_NONE = Credentials()
_LONGEST_SYMBOL = 20  # rest-api.md: ^[A-Z0-9-_.]{1,20}$, and since 2025 letters of other scripts too


class BinanceClient:
    """A Venue. Sends nothing before the first question or order. An exchange that is down raises ExchangeUnavailable (NotTaken
    for an order that could not be sent), and works again as soon as it is back.

    `api_url` ends in `/api`. `timeout` (seconds) is for a whole request; `recv_window` (seconds) is how old an order may be
    when it enters the matching engine. Without `credentials` only market data is available. `may_send` says at the last
    moment whether this process still has the right to send an order. `ws_url` is the WebSocket API's: while
    `keep_order_connection` runs, orders go over it, and by REST when it is not open. `wire` replaces the library as the way to
    the exchange.
    """

    def __init__(
        self,
        *,
        api_url: str,
        clock: Clock,
        credentials: Credentials = _NONE,
        timeout: float = 10.0,
        recv_window: float = 2.5,
        may_send: Callable[[], bool] = lambda: True,
        ws_url: str = "",
        wire: Callable[[], Wire] | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._clock = clock
        self._credentials = credentials
        self._timeout = timeout
        self._recv_window_ms = round(recv_window * 1000)
        self._may_send = may_send
        self._make_wire = wire
        self._connection = Connection(self._opened_wire, clock, has_key=credentials.can_sign)
        self.budget = self._connection.budget
        self._assets: dict[str, tuple[str, str]] = {}  # symbol -> base, quote; for the text of a refusal
        self._order_connection = OrderConnection(
            url=ws_url,
            credentials=credentials,
            clock=clock,
            rest=self._connection,
            recv_window_ms=self._recv_window_ms,
            timeout=timeout,
            may_send=may_send,
        )
        self._placing = OrderPlacing(self._connection, self._assets, self._order_connection)

    @property
    def clock_offset_seconds(self) -> float | None:
        """Returns the exchange's clock minus this machine's at the last measurement; None before the first. Positive: this
        machine is behind."""
        return self._connection.offset if self._connection.measured else None

    @property
    def request_lifetime(self) -> float:
        """Returns `recv_window` plus the second that a request may be dated ahead of the exchange's clock."""
        return self._recv_window_ms / 1000 + AHEAD

    @property
    def has_order_connection(self) -> bool:
        """Tells whether the next order goes over the WebSocket API; by REST otherwise."""
        return self._order_connection.is_open

    async def keep_order_connection(self) -> NoReturn:
        """Keeps a connection of the WebSocket API open for orders, until it is cancelled; `ws_url` must be set."""
        await self._order_connection.run()

    async def try_order_connection(self) -> float:
        """Connects to the WebSocket API once. Returns the seconds until it answered; raises ExchangeUnavailable."""
        return await self._order_connection.try_out()

    async def measure_clock(self) -> float:
        """Measures the exchange's clock against this machine's, by the middle of the quicker of two round trips (by its end if it
        took more than 2 s), and dates requests by it from now on. Returns the offset in seconds; raises ExchangeUnavailable. Call
        it every few minutes; a refused date (-1021) triggers it too."""
        return await self._connection.measure(self._connection.measured)

    async def server_time(self) -> datetime:
        """See MarketData."""
        return await self._connection.server_time()

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """See MarketData. When all symbols are requested, skips those whose rules cannot be read; otherwise raises for any."""
        found: dict[str, Instrument] = {}
        if symbols is None:
            body = await self._connection.answer(lambda wire: wire.exchange_info(None), costs.RULES)
            self.budget.learn(codec.rate_limits(body))
            found = read(codec.instruments, body, skip_unreadable=True)
        else:
            for asked, body in await self._about(symbols, lambda wire, some: wire.exchange_info(some), costs.RULES):
                self.budget.learn(codec.rate_limits(body))
                found |= read(codec.instruments_of, body, asked)
        self._assets.update({rules.symbol: (rules.base, rules.quote) for rules in found.values()})
        return found

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """See MarketData. A symbol with no bids or no asks has no quote."""
        found: dict[str, Quote] = {}
        asked_at = self._clock.now()
        for asked, body in await self._about(symbols, lambda wire, some: wire.quotes(some), costs.PRICES):
            found |= read(codec.quotes, body, asked, asked_at)
        return found

    async def candles(self, symbol: str, interval: Interval, since: datetime, limit: int) -> Sequence[Candle]:
        """See MarketData."""
        if not _could_be_symbol(symbol):
            raise SymbolUnknown(f"no symbol is called {symbol!r}")
        wanted = {"symbol": symbol, "interval": interval.value, "startTime": milliseconds(since), "limit": str(limit)}
        body = await self._connection.answer(lambda wire: wire.candles(wanted), costs.CANDLES)
        return read(codec.candles, body, interval, since, limit)

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """See Venue."""
        wanted = {"symbol": symbol, "origClientOrderId": client_order_id}
        said = await self._connection.ask(lambda wire: wire.order(wanted), costs.ORDER, signed=True)
        if isinstance(said, Refusal) and said.definite and said.code == NO_SUCH_ORDER:
            return None
        report = read(order_codec.order, body_of(said))
        if (report.symbol, report.client_order_id) != (symbol, client_order_id):
            raise ExchangeUnavailable("the answer is about another order")
        return report

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """See Venue. Repeating it does no harm, so it may be retried like a question."""
        wanted = {"symbol": symbol, "origClientOrderId": client_order_id}
        said = await self._connection.ask(lambda wire: wire.cancel(wanted), costs.CANCEL, signed=True)
        if isinstance(said, Refusal) and said.definite and said.code == NOTHING_TO_CANCEL:
            return False
        read(order_codec.check_canceled, body_of(said), client_order_id)
        return True

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """See Venue."""
        return await history.fills(partial(self._connection.read_signed, costs.TRADES_OF_ORDER), symbol, order_id)

    async def balances(self) -> Mapping[str, Balance]:
        """See Venue."""
        return read(codec.balances, await self._connection.answer(lambda wire: wire.account(), costs.ACCOUNT, signed=True))

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """See Venue."""
        wanted = {"symbol": symbol, "limit": str(limit)}
        body = await self._connection.answer(lambda wire: wire.recent_orders(wanted), costs.RECENT_ORDERS, signed=True)
        return read(order_codec.recent_orders, body, OUR_PREFIX, symbol)

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """See AccountHistory."""
        return await history.orders_between(partial(self._connection.read_signed, costs.HISTORY), symbol, since, until)

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExecutionReport]:
        """See Venue."""
        wanted, cost = ({}, costs.OPEN_ORDERS) if symbol is None else ({"symbol": symbol}, costs.OPEN_ORDERS_OF_SYMBOL)
        body = await self._connection.answer(lambda wire: wire.open_orders(wanted), cost, signed=True)
        return read(order_codec.orders, body, OUR_PREFIX, symbol=symbol)

    async def permissions(self) -> Permissions:
        """Returns the permissions of account and key. Raises ExchangeUnavailable."""
        account = await self._connection.answer(lambda wire: wire.account(), costs.ACCOUNT, signed=True)
        said = await self._connection.ask(lambda wire: wire.key_permissions(), costs.KEY_RIGHTS, signed=True)
        return read(codec.permissions, account, said.body if isinstance(said, Answer) else None)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue. Sends the request at most once; after `request_lifetime` it can no longer become an order."""
        return await self._placing.place(request)

    async def place_list(self, request: ListRequest) -> PlaceListResult:
        """See Venue. Sends the request at most once, like `place`."""
        return await self._placing.place_list(request)

    async def place_entry(self, request: EntryList) -> PlaceListResult:
        """See Venue. Sends the request at most once, like `place`."""
        return await self._placing.place_entry(request)

    async def close(self) -> None:
        """Closes the connections. Any later request raises ExchangeUnavailable."""
        await self._connection.close()

    async def _about(self, symbols: Collection[str], call: ListCall, cost: Cost) -> list[tuple[Sequence[str], object]]:
        """Returns the answers, by the symbols requested, for those that exist."""
        return await self._connection.bodies(sorted({symbol for symbol in symbols if _could_be_symbol(symbol)}), call, cost)

    async def _opened_wire(self) -> Wire:
        if self._make_wire is not None:
            return self._make_wire()
        wire_type = await asyncio.to_thread(_import_wire)
        return wire_type(
            api_url=self._api_url,
            credentials=self._credentials,
            timeout=self._timeout,
            recv_window_ms=self._recv_window_ms,
            may_send=self._may_send,
        )


def _import_wire() -> Callable[..., Wire]:
    from core.adapters.binance.http_client import BinanceHttpClient  # noqa: PLC0415 - takes a second; in a thread, so that the loop goes on

    return BinanceHttpClient


def _could_be_symbol(text: str) -> bool:
    """Tells whether `text` could be a symbol. Anything else is not sent: it would fail the whole list, and must not get into a
    URL."""
    return 0 < len(text) <= _LONGEST_SYMBOL and all(c.isalnum() or c in "-_." for c in text)
