"""Binance Spot over REST, by python-binance: the Venue of testnet and live, and the MarketData of paper trading without keys.

It never repeats an order, makes no decision about one, and leaks no key, secret or signature.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from math import ceil
from typing import ParamSpec, TypeVar

from core.adapters.binance import account_history as history
from core.adapters.binance import codec
from core.adapters.binance import requests as costs
from core.adapters.binance.backoff import Backoff
from core.adapters.binance.codec import Unreadable
from core.adapters.binance.errors import (
    CLOCK_OFF,
    NO_SUCH_ORDER,
    NO_SUCH_SYMBOL,
    NOTHING_TO_CANCEL,
    UNKNOWN_SYMBOL,
    Answer,
    Refusal,
    Said,
    Silence,
    order_refused,
)
from core.adapters.binance.rate_limit_budget import RateLimitBudget, Request
from core.adapters.binance.requests import Call, Cost, ListCall, Wire
from core.domain.api_key_permissions import Permissions
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.order import ExecutionReport, Fill, NotTaken, OrderRequest, PlaceResult, RecentOrders, Rejected, Unanswered
from core.domain.reasons import Reason, reason
from core.domain.signal import OUR_PREFIX, Side
from core.ports.clock import Clock

P = ParamSpec("P")
T = TypeVar("T")


_MOST_SYMBOLS = 100  # per request: the list travels in the URL
_LONGEST_SYMBOL = 20  # rest-api.md: ^[A-Z0-9-_.]{1,20}$, and since 2025 letters of other scripts too
_AHEAD = 1.0  # rest-api.md, "Timing security": a request may be dated up to a second ahead of the exchange's clock
_CLOCK_SAMPLES = 2  # the first may have to open a connection, which skews its answer away from the middle of the round trip


class BinanceClient:
    """A Venue. Sends nothing before the first question or order. An exchange that is down raises ExchangeUnavailable (NotTaken
    for an order that could not be sent), and works again as soon as it is back.

    `api_url` ends in `/api`. `timeout` (seconds) is for a whole request; `recv_window` (seconds) is how old an order may be
    when it enters the matching engine. Without `key` and `secret` only market data is available. `may_send` says at the last
    moment whether this process still has the right to send an order. `wire` replaces the library as the way to the exchange.
    """

    def __init__(
        self,
        *,
        api_url: str,
        clock: Clock,
        key: str = "",
        secret: str = "",
        timeout: float = 10.0,
        recv_window: float = 2.5,
        may_send: Callable[[], bool] = lambda: True,
        wire: Callable[[], Wire] | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._clock = clock
        self._key, self._secret = key, secret
        self._timeout = timeout
        self._recv_window_ms = round(recv_window * 1000)
        self._may_send = may_send
        self._make_wire = wire
        self._wire: Wire | None = None
        self._closed = False
        self._opening = asyncio.Lock()
        self._measuring = asyncio.Lock()
        self._measured = 0  # number of clock measurements; 0: nothing can be signed yet
        self._offset = 0.0
        self._backoff = Backoff(clock)
        self.budget = RateLimitBudget(lambda: clock.now().timestamp() + self._offset)
        self._assets: dict[str, tuple[str, str]] = {}  # symbol -> base, quote; for the text of a refusal

    @property
    def clock_offset_seconds(self) -> float | None:
        """Returns the exchange's clock minus this machine's at the last measurement; None before the first. Positive: this
        machine is behind."""
        return self._offset if self._measured else None

    @property
    def request_lifetime(self) -> float:
        """Returns `recv_window` plus the second that a request may be dated ahead of the exchange's clock."""
        return self._recv_window_ms / 1000 + _AHEAD

    async def measure_clock(self) -> float:
        """Measures the exchange's clock against this machine's, by the middle of the quicker of two round trips (by its end if it
        took more than 2 s), and dates requests by it from now on. Returns the offset in seconds; raises ExchangeUnavailable. Call
        it every few minutes; a refused date (-1021) triggers it too."""
        return await self._measure(self._measured)

    async def server_time(self) -> datetime:
        """See MarketData."""
        return _read(codec.server_time, await self._answer(lambda wire: wire.server_time(), costs.TIME))

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """See MarketData. When all symbols are requested, skips those whose rules cannot be read; otherwise raises for any."""
        found: dict[str, Instrument] = {}
        if symbols is None:
            body = await self._answer(lambda wire: wire.exchange_info(None), costs.RULES)
            self.budget.learn(codec.rate_limits(body))
            found = _read(codec.instruments, body, skip_unreadable=True)
        else:
            for asked, body in await self._about(symbols, lambda wire, some: wire.exchange_info(some), costs.RULES):
                self.budget.learn(codec.rate_limits(body))
                found |= _read(codec.instruments_of, body, asked)
        self._assets |= {rules.symbol: (rules.base, rules.quote) for rules in found.values()}
        return found

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """See MarketData. A symbol with no bids or no asks has no quote."""
        found: dict[str, Quote] = {}
        asked_at = self._clock.now()
        for asked, body in await self._about(symbols, lambda wire, some: wire.quotes(some), costs.PRICES):
            found |= _read(codec.quotes, body, asked, asked_at)
        return found

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """See Venue."""
        wanted = {"symbol": symbol, "origClientOrderId": client_order_id}
        said = await self._ask(lambda wire: wire.order(wanted), costs.ORDER, signed=True)
        if isinstance(said, Refusal) and said.definite and said.code == NO_SUCH_ORDER:
            return None
        report = _read(codec.order, _body(said))
        if (report.symbol, report.client_order_id) != (symbol, client_order_id):
            raise ExchangeUnavailable("the answer is about another order")
        return report

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """See Venue. Repeating it does no harm, so it may be retried like a question."""
        wanted = {"symbol": symbol, "origClientOrderId": client_order_id}
        said = await self._ask(lambda wire: wire.cancel(wanted), costs.CANCEL, signed=True)
        if isinstance(said, Refusal) and said.definite and said.code == NOTHING_TO_CANCEL:
            return False
        _body(said)
        return True

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """See Venue."""
        return await history.fills(partial(self._read_signed, costs.TRADES_OF_ORDER), symbol, order_id)

    async def balances(self) -> Mapping[str, Balance]:
        """See Venue."""
        return _read(codec.balances, await self._answer(lambda wire: wire.account(), costs.ACCOUNT, signed=True))

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """See Venue."""
        wanted = {"symbol": symbol, "limit": str(limit)}
        body = await self._answer(lambda wire: wire.recent_orders(wanted), costs.RECENT_ORDERS, signed=True)
        return _read(codec.recent_orders, body, OUR_PREFIX, symbol)

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """See AccountHistory."""
        return await history.orders_between(partial(self._read_signed, costs.HISTORY), symbol, since, until)

    async def open_orders(self) -> Sequence[ExecutionReport]:
        """See Venue."""
        return _read(
            codec.orders, await self._answer(lambda wire: wire.open_orders(), costs.OPEN_ORDERS, signed=True), OUR_PREFIX
        )

    async def permissions(self) -> Permissions:
        """Returns the permissions of account and key. Raises ExchangeUnavailable."""
        account = await self._answer(lambda wire: wire.account(), costs.ACCOUNT, signed=True)
        said = await self._ask(lambda wire: wire.key_permissions(), costs.KEY_RIGHTS, signed=True)
        return _read(codec.permissions, account, said.body if isinstance(said, Answer) else None)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """See Venue. Sends the request at most once; after `request_lifetime` it can no longer become an order."""
        if not self._secret:
            return Rejected(reason("bad_key", code="none", message="no API key is set"))
        try:
            wire = await self._signing()
        except ExchangeUnavailable as error:
            return NotTaken(reason("unreachable", detail=error), error.retry_after)
        if kept_back := self._kept_back(request.side):
            return kept_back
        measured = self._measured
        order = {
            "symbol": request.symbol,
            "side": request.side.value,
            "type": "MARKET",
            "quantity": format(request.qty, "f"),  # `str` writes 1E-7, which the exchange refuses
            "newClientOrderId": request.client_order_id,  # always set: otherwise the library makes up a new one for each call
            "newOrderRespType": "FULL",
        }
        if request.mark is not None:
            # Binance repeats it in every answer about the order: rest-api.md, "Conditional fields"
            order["strategyId"] = str(request.mark)
        said = await self._counted(Request(1, orders=1), wire.place(order))
        match said:
            case Answer():
                placed = _placed(said, request)
                if isinstance(placed, ExecutionReport) and placed.executed_qty:
                    self.budget.order_traded()
                return placed
            case Silence():
                return Unanswered(said.what) if said.sent else NotTaken(reason("unreachable", detail=said.what))
            case Refusal():
                return await self._refused(said, request, measured)

    def _kept_back(self, side: Side) -> NotTaken | None:
        """Returns why no order may be sent now: the exchange asked for a pause, or an entry would exceed its order limit. Exits
        are sent anyway: the exchange itself says whether it has room for one."""
        if wait := self._backoff.left(orders=True):
            return NotTaken(self._backoff.reason(wait), wait)
        if side is Side.BUY and (wait := self.budget.wait_for_order()):
            return NotTaken(_held_back(wait), wait)
        return None

    async def _refused(self, said: Refusal, request: OrderRequest, measured: int) -> PlaceResult:
        self._backoff.note(said)
        if said.code == CLOCK_OFF:
            with suppress(ExchangeUnavailable):  # the order is refused anyway, and the next one measures again
                await self._measure(measured)
        base, quote = self._assets.get(
            request.symbol, (f"of {request.symbol}'s base asset", f"of {request.symbol}'s quote asset")
        )
        asset = quote if request.side is Side.BUY else base
        return order_refused(said, request, asset=asset, clock_offset=self._offset)

    async def close(self) -> None:
        """Closes the connections. Any later request raises ExchangeUnavailable."""
        async with self._opening:
            self._closed = True
            wire, self._wire = self._wire, None
            if wire is not None:
                await wire.close()

    async def _about(self, symbols: Collection[str], call: ListCall, cost: Cost) -> list[tuple[Sequence[str], object]]:
        """Returns the answers, by the symbols requested, for those that exist."""
        return await self._bodies(sorted({symbol for symbol in symbols if _could_be_symbol(symbol)}), call, cost)

    async def _bodies(self, symbols: Sequence[str], call: ListCall, cost: Cost) -> list[tuple[Sequence[str], object]]:
        """Requests a list and halves it until unknown symbols stand alone: one unknown symbol fails a whole list."""
        if not symbols:
            return []
        if len(symbols) <= _MOST_SYMBOLS:
            said = await self._ask(lambda wire: call(wire, symbols), cost)
            if isinstance(said, Answer) or not (said.definite and said.code in UNKNOWN_SYMBOL):
                return [(symbols, _body(said))]
            if len(symbols) == 1:
                return []
        middle = len(symbols) // 2
        return await self._bodies(symbols[:middle], call, cost) + await self._bodies(symbols[middle:], call, cost)

    async def _answer(self, call: Call, cost: Cost, *, signed: bool = False) -> object:
        return _body(await self._ask(call, cost, signed=signed))

    async def _ask(self, call: Call, cost: Cost, *, signed: bool = False) -> Answer | Refusal:
        """Sends a question, and once more if only the clock was off: a question, unlike an order, may be repeated."""
        measured = self._measured
        said = await self._ask_once(call, cost, signed=signed)
        if signed and isinstance(said, Refusal) and said.code == CLOCK_OFF:
            await self._measure(measured)
            said = await self._ask_once(call, cost, signed=signed)
        return said

    async def _ask_once(self, call: Call, cost: Cost, *, signed: bool) -> Answer | Refusal:
        if wait := self._backoff.left():
            raise ExchangeUnavailable(str(self._backoff.reason(wait)), retry_after=wait)
        wire = await (self._signing() if signed else self._open())
        while cost.share is not None and (wait := self.budget.wait_for_question(cost.weight, cost.share)):
            if not cost.patient:
                raise ExchangeUnavailable(str(_held_back(wait)), retry_after=wait)
            await self._clock.sleep(wait)
        said = await self._counted(Request(cost.weight), call(wire))
        if isinstance(said, Silence):
            raise ExchangeUnavailable(said.what)
        if isinstance(said, Refusal):
            self._backoff.note(said)
        return said

    async def _counted(self, request: Request, call: Awaitable[Said]) -> Said:
        """Returns the answer and records its cost in the rate limit budget."""
        self.budget.begin(request)
        said: Said | None = None
        try:
            said = await call
            return said
        finally:
            counts = said.counts if isinstance(said, Answer | Refusal) else {}
            lost = said is None or (isinstance(said, Silence) and said.sent)
            self.budget.end(request, counts, taken=lost or isinstance(said, Answer))

    async def _read_signed(self, cost: Cost, call: Call) -> object:
        return await self._answer(call, cost, signed=True)

    async def _signing(self) -> Wire:
        if not self._secret:
            raise ExchangeUnavailable("no API key is set")
        if not self._measured:
            await self._measure(0)
        return await self._open()

    async def _measure(self, seen: int) -> float:
        """Measures the clock. Many requests may find at once that it is off: only the first of those with the same `seen`
        measures."""
        async with self._measuring:
            if self._measured == seen:
                _, self._offset = min([await self._clock_sample() for _ in range(_CLOCK_SAMPLES)])
                (await self._open()).date_by(self._offset)
                self._measured += 1
        return self._offset

    async def _clock_sample(self) -> tuple[float, float]:
        """Returns round trip and offset in seconds, relative to the time that requests are dated by."""
        wire = await self._open()
        sent = wire.now()
        venue = await self.server_time()
        received = wire.now()
        took = received - sent
        # The middle is off by at most half the round trip. For a long one the end is used: a request must not be dated further
        # ahead of the exchange than `request_lifetime` allows for, or it could become an order after it is believed dead.
        return took, venue.timestamp() - (received - took / 2 if took <= 2 * _AHEAD else received)

    async def _open(self) -> Wire:
        if self._wire is not None:
            return self._wire
        async with self._opening:
            if self._closed:
                raise ExchangeUnavailable("the client is closed")
            if self._wire is None:
                self._wire = self._make_wire() if self._make_wire is not None else await self._library_wire()
            return self._wire

    async def _library_wire(self) -> Wire:
        wire_type = await asyncio.to_thread(_import_wire)
        return wire_type(
            api_url=self._api_url,
            key=self._key,
            secret=self._secret,
            timeout=self._timeout,
            recv_window_ms=self._recv_window_ms,
            may_send=self._may_send,
        )


def _import_wire() -> Callable[..., Wire]:
    from core.adapters.binance.http_client import BinanceHttpClient  # noqa: PLC0415 - takes a second; in a thread, so that the loop goes on

    return BinanceHttpClient


def _held_back(wait: float) -> Reason:
    return reason("held_back", seconds=ceil(wait))


def _body(said: Answer | Refusal) -> object:
    if isinstance(said, Refusal):
        if said.definite and said.code == NO_SUCH_SYMBOL:
            raise SymbolUnknown(str(said))
        raise ExchangeUnavailable(str(said), retry_after=said.wait)
    return said.body


def _read(parse: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return parse(*args, **kwargs)
    except Unreadable as error:
        raise ExchangeUnavailable(f"unreadable answer: {error}") from error


def _placed(said: Answer, request: OrderRequest) -> ExecutionReport | Unanswered:
    try:
        return codec.placed(said.body, request)
    except Unreadable as error:
        return Unanswered(f"unreadable answer: {error}")


def _could_be_symbol(text: str) -> bool:
    """Tells whether `text` could be a symbol. Anything else is not sent: it would fail the whole list, and must not get into a
    URL."""
    return 0 < len(text) <= _LONGEST_SYMBOL and all(c.isalnum() or c in "-_." for c in text)
