"""The exchange: the strict venue of the other tests behind a bad network, and one process's connection to it."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from core.adapters.binance.errors import Answer, Refusal, Said, Silence, refusal
from tests.simulation.loop import SeededLoop
from tests.simulation.machine import Clock, Fate
from tests.simulation.polling import Polling
from tests.venue.call import Call
from tests.venue.errors import VenueError
from tests.venue.model import Order
from tests.venue.params import Params
from tests.venue.routes import ROUTES
from tests.venue.security import read_window
from tests.venue.venue import Venue

TIMEOUT_SECONDS = 10.0
RECV_WINDOW_MS = 2500
_ORDER, _LIST, _CANCEL = "POST /api/v3/order", "POST /api/v3/orderList/oco", "DELETE /api/v3/order"
_ONE_EXIT, _TWO_EXITS = "POST /api/v3/orderList/opo", "POST /api/v3/orderList/opoco"
_ENTRIES = frozenset({_ONE_EXIT, _TWO_EXITS})
EXITS_REFUSED = "exits of an entry refused"
_LIST_LAG = 1.9
"""Seconds after which an order of a list is shown at the latest; the program allows for 2."""
_ON_ITS_WAY = (1.0, 2.4)
"""The least and the most seconds for which an order may be on its way after its sender died; later it would be too late."""
_PLACES = frozenset({_ORDER, _LIST, *_ENTRIES})
_LEG_ID = 36  # characters
_NAMES: Mapping[str, Sequence[str]] = {
    _ORDER: ("newClientOrderId",),
    _LIST: ("aboveClientOrderId", "belowClientOrderId"),
    _ONE_EXIT: ("workingClientOrderId", "pendingClientOrderId"),
    _TWO_EXITS: ("workingClientOrderId", "pendingAboveClientOrderId", "pendingBelowClientOrderId"),
}
PRICES: Mapping[str, str] = {"WIFUSDC": "0.4801", "WIFUSDT": "0.4800", "DOGEUSDT": "0.1", "SOLUSDT": "150"}
_TICKS = {"WIFUSDC": Decimal("0.0001"), "WIFUSDT": Decimal("0.0001"), "DOGEUSDT": Decimal("0.00001"), "SOLUSDT": Decimal("0.01")}
_AT_ONCE = (Decimal(0), Decimal("0.3"), Decimal("0.7"))  # share of an order that does not rest
SYMBOLS = tuple(PRICES)
_RATES: Mapping[str, str] = {"USDCUSDT": "1"}  # amounts counted in another asset need a price, too
START_BALANCES: Mapping[str, str] = {"USDC": "100000", "USDT": "100000"}


class Exchange:
    """An exchange; `away` answers nobody. Its own clock is off from the true time by `ahead` seconds."""

    def __init__(self, fate: Fate, clock: Clock, ahead: float) -> None:
        self.fate = fate
        self.venue = Venue(balances=START_BALANCES, prices={**PRICES, **_RATES}, clock=lambda: clock.true().timestamp() + ahead)
        self.venue.limits.strikes = 10**9  # bans are left to fate
        self.venue.exchange.lists.refuses_pending = lambda _: fate.strikes(EXITS_REFUSED, 0.08)
        self.away = False
        self.banned_until = 0.0
        self._shown_at: dict[str, float] = {}  # the time from which a query finds the order of a client order id
        self.paid: dict[str, Decimal] = dict.fromkeys(START_BALANCES, Decimal(0))
        """The amounts that the owner has paid in since the start, by asset."""
        self.strange: list[Order] = []
        self.lost_legs: list[str] = []
        """The orders of another trader."""
        self.polling = Polling()
        self.placed: list[str] = []
        """The client order id of every order that was executed, in order."""
        self.loses_sender: Callable[[], bool] = lambda: False
        """Has an order that sets off lose its sender and the ledger's memory of it, now and then; tells whether it did."""
        self.is_unwanted: Callable[[str], bool] = lambda _: False
        """Tells whether somebody wants an order cancelled: then it ends in no other way."""
        self.arriving: Callable[[str, Mapping[str, str]], None] = lambda _endpoint, _values: None
        """Is told of each request that sets off."""

    async def serve(self, endpoint: str, values: Mapping[str, str], delay: float = 0.0) -> Said:
        """Serves one request, which arrives after `delay` seconds. One that does not arrive, or is not answered, hangs
        forever."""
        self.arriving(endpoint, values)
        fate, order, acts = self.fate, self.is_struck(endpoint, values), endpoint in _PLACES | {_CANCEL}
        await fate.pause(delay + 0.002, delay + 0.08)
        if fate.strikes("late request", 0.02 if order else 0.002):
            await fate.pause(1.0, 9.0)
        if self.away or fate.strikes("lost request", 0.02 if acts else 0.003):
            await fate.forever()
        answer = self._at_the_door(order)
        if answer is None:
            slow = order and fate.strikes("slow engine", 0.02)
            answer = await self._executed(endpoint, values, wait=fate.random.uniform(0.5, 6.0) if slow else 0.0)
        if self.away or fate.strikes("lost answer", 0.03 if acts else 0.003):
            await fate.forever()
        if order and isinstance(answer, Answer) and fate.strikes("spoiled answer", 0.03):
            answer = fate.random.choice(_SPOILED)()
        if fate.strikes("late answer", 0.01):
            await fate.pause(1.0, 12.0)
        await fate.pause(0.002, 0.05)
        return answer

    def _at_the_door(self, order: bool) -> Said | None:
        """Refuses without looking at the request."""
        fate, now = self.fate, self.fate.loop.time()
        if now < self.banned_until:
            return _refused(418, -1003, "IP banned.", math.ceil(self.banned_until - now))
        if fate.strikes("ban", 0.0003):
            self.banned_until = now + fate.random.choice([5.0, 30.0])
            return _refused(418, -1003, "Way too much request weight used; IP banned.", math.ceil(self.banned_until - now))
        if fate.strikes("too many requests", 0.01 if order else 0.001):
            return _refused(429, -1003, "Too many requests queued.", fate.random.randint(1, 5))
        if order and fate.strikes("overload", 0.02):
            return _refused(503, -1008, "Server is currently overloaded with other requests. Please try again in a few minutes.")
        if order and fate.strikes("gateway", 0.01):
            return fate.random.choice(_SPOILED)()  # without executing it
        return None

    async def _executed(self, endpoint: str, values: Mapping[str, str], wait: float) -> Said:
        route, venue = ROUTES[endpoint], self.venue
        signed = route.security != "NONE"
        try:
            venue.limits.spend(route.weight if isinstance(route.weight, int) else route.weight(values))
            call = Call(venue, Params(values, signed=signed), None, {})
            if signed:
                window = read_window(call.params)
                window.check_arrival(venue.clock.now_us())
                call.key = venue.keys[venue.key]
                await asyncio.sleep(wait)
                window.check_engine(venue.clock.now_us())
            if endpoint == "GET /api/v3/order" and not self._is_shown(values["origClientOrderId"]):
                raise VenueError(-2013)
            rests = _is_of_signal(endpoint, values) and self.fate.strikes("order rests", 0.05)
            venue.exchange.share_at_once = self.fate.random.choice(_AT_ONCE) if rests else None
            body = route.answer(call)
        except VenueError as error:
            return _refused(error.status, error.code, error.msg, error.headers.get("Retry-After"))
        late = endpoint in {_LIST, *_ENTRIES} and self.fate.strikes("list shows late", 0.1)
        for name in _NAMES.get(endpoint, ()):
            self._note_order(values[name], most_lag=_LIST_LAG if late else 0.0)
            if rests:
                self.fate.loop.start(None, self._work_off(values["symbol"], values[name]), "rest")
        if endpoint == "GET /api/v3/openOrders" and isinstance(body, list):
            body = [one for one in body if self._is_shown(one["clientOrderId"])]
        if endpoint == "GET /api/v3/myTrades" and self.fate.strikes("late trades", 0.05) and isinstance(body, list):
            body = body[:-1]
        return Answer(body)

    async def _work_off(self, symbol: str, client_order_id: str) -> None:
        await asyncio.sleep(self.fate.random.expovariate(1 / 15))
        order = self.venue.exchange.find(self.venue.account, symbol, None, client_order_id)
        if order is not None and order.is_open and not self.is_unwanted(client_order_id):
            self.venue.exchange.work_off(order)
            self.fate.tell(f"exchange: worked off {client_order_id}, {order.status}")

    def _note_order(self, client_order_id: str, most_lag: float) -> None:
        self.placed.append(client_order_id)
        self.fate.tell(f"exchange: executed {client_order_id}")
        lag = self.fate.random.uniform(0.1, 1.5) if self.fate.strikes("order shows late", 0.2) else 0.0
        lag = self.fate.random.uniform(lag, most_lag) if most_lag else lag
        self._shown_at.setdefault(client_order_id, self.fate.loop.time() + lag)

    def _is_shown(self, client_order_id: str) -> bool:
        return self._shown_at.get(client_order_id, 0.0) <= self.fate.loop.time()

    def is_struck(self, endpoint: str, values: Mapping[str, str]) -> bool:
        """Tells whether a request fails as often as one that places: also one that takes off an order of a plan, or an entry."""
        if endpoint != _CANCEL:
            return endpoint in _PLACES
        name = values["origClientOrderId"]
        order = self.venue.exchange.find(self.venue.account, values["symbol"], None, name)
        return is_leg(name) or (order is not None and is_entry(order))

    def take_entries_with_exits(self) -> None:
        """Has every symbol take entries together with their exits (OPO, OPOCO)."""
        for symbol in SYMBOLS:
            self.venue.edit_symbol(symbol, otoAllowed=True, opoAllowed=True)

    def offer_enough(self) -> None:
        """Fills the books up: a market that stands still and is empty on one side has no price any more."""
        for symbol in SYMBOLS:
            self.venue.set_price(symbol, self.venue.exchange.books[symbol].last)

    def move_price(self, symbol: str, factor: Decimal) -> None:
        tick = _TICKS[symbol]
        price = max((self.venue.exchange.books[symbol].last * factor).quantize(tick), tick)
        if self.fate.strikes("thin book", 0.05):
            level = price, Decimal(self.fate.random.randint(1, 60))
            self.venue.set_book(symbol, bids=[level], asks=[level], last=price)
            return
        # Little at the best price, so that most orders have more than one fill.
        little = (Decimal(7) / price).quantize(Decimal("0.01")) or Decimal("0.01")
        bids, asks = [(price, little), (price - tick, None)], [(price, little), (price + tick, None)]
        self.venue.set_book(symbol, bids=bids, asks=asks, last=price)


def is_leg(client_order_id: str) -> bool:
    """Tells whether an order is a plan's: a signal's has a shorter id."""
    return len(client_order_id) == _LEG_ID


def is_entry(order: Order) -> bool:
    """Tells whether an order buys at a limit and stays on the book for it."""
    return order.side == "BUY" and (order.type == "LIMIT_MAKER" or (order.type == "LIMIT" and order.time_in_force == "GTC"))


def _is_of_signal(endpoint: str, values: Mapping[str, str]) -> bool:
    """Tells whether a request places an order of a signal that is to fill at once."""
    waits = values.get("type") == "LIMIT_MAKER" or values.get("timeInForce") == "GTC"
    return endpoint == _ORDER and not is_leg(values["newClientOrderId"]) and not waits


def _refused(status: int, code: int, message: str, retry_after: object = None) -> Refusal:
    return refusal(status, code, message, {} if retry_after is None else {"Retry-After": str(retry_after)})


_SPOILED: Sequence[Callable[[], Said]] = (
    lambda: _refused(504, -1007, "Timeout waiting for response from backend server. Send status unknown."),
    lambda: _refused(500, -1006, "An unexpected response was received from the message bus. Execution status unknown."),
    lambda: _refused(500, -1000, "An unknown error occurred while processing the request."),
    lambda: _refused(502, 0, ""),
    lambda: Silence("cut the connection"),
    lambda: Silence("the answer is not JSON"),
    lambda: Answer({"symbol": "WIFUSDC"}),
)


class SimulatedWire:
    """See `core.adapters.binance.binance_client.Wire`."""

    def __init__(self, exchange: Exchange, clock: Clock, may_send: Callable[[], bool]) -> None:
        self._exchange = exchange
        self._clock = clock
        self._may_send = may_send
        self._offset = 0.0
        loop = asyncio.get_running_loop()
        if not isinstance(loop, SeededLoop):
            raise TypeError("the simulation has a loop of its own")
        self._loop = loop

    def now(self) -> float:
        return self._clock.now().timestamp()

    def date_by(self, offset: float) -> None:
        self._offset = offset

    async def server_time(self) -> Said:
        return await self._ask("GET /api/v3/time", {})

    async def exchange_info(self, symbols: Sequence[str] | None) -> Said:
        return await self._ask("GET /api/v3/exchangeInfo", {} if symbols is None else {"symbols": _listed(symbols)})

    async def quotes(self, symbols: Sequence[str]) -> Said:
        return await self._ask("GET /api/v3/ticker/bookTicker", {"symbols": _listed(symbols)})

    async def candles(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("GET /api/v3/klines", parameters)

    async def account(self) -> Said:
        return await self._ask("GET /api/v3/account", {"omitZeroBalances": "true"}, signed=True)

    async def key_permissions(self) -> Said:
        return await self._ask("GET /sapi/v1/account/apiRestrictions", {}, signed=True)

    async def open_orders(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("GET /api/v3/openOrders", parameters, signed=True)

    async def order(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("GET /api/v3/order", parameters, signed=True)

    async def recent_orders(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("GET /api/v3/allOrders", parameters, signed=True)

    async def trades(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("GET /api/v3/myTrades", parameters, signed=True)

    async def place(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask(_ORDER, parameters, signed=True)

    async def place_list(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask(_LIST, parameters, signed=True)

    async def place_entry(self, parameters: Mapping[str, str], *, pair: bool) -> Said:
        return await self._ask(_TWO_EXITS if pair else _ONE_EXIT, parameters, signed=True)

    async def cancel(self, parameters: Mapping[str, str]) -> Said:
        return await self._ask("DELETE /api/v3/order", parameters, signed=True)

    async def close(self) -> None: ...

    def _dated(self, parameters: Mapping[str, str]) -> dict[str, str]:
        dated = int((self.now() + self._offset) * 1000)
        return {**parameters, "timestamp": str(dated), "recvWindow": str(RECV_WINDOW_MS)}

    def _note_sending(self, endpoint: str, parameters: Mapping[str, str], dated: float) -> None:
        for name in _NAMES[endpoint]:
            side = parameters.get("side") or parameters["workingSide" if name.startswith("working") else "pendingSide"]
            self._exchange.polling.sends(parameters[name], side, dated)
            self._exchange.fate.tell(f"sends {parameters[name]} {side} {parameters['symbol']}")

    async def _sets_off(self, endpoint: str, parameters: Mapping[str, str]) -> bool:
        """Returns False if the request may not leave. One that takes an order off is no trade."""
        fate, order = self._exchange.fate, endpoint in _PLACES
        await fate.may_die(0.01 if order else 0.02)
        if not order:
            return True
        dated = self._loop.time()
        if fate.strikes("stopped before sending", 0.003):  # dated and signed, then the machine sleeps
            await fate.pause(5.0, 40.0)
        if not self._may_send():
            return False
        self._note_sending(endpoint, parameters, dated)
        return True

    async def _ask(self, endpoint: str, parameters: Mapping[str, str], *, signed: bool = False) -> Said:
        fate, order, struck = self._exchange.fate, endpoint in _PLACES, self._exchange.is_struck(endpoint, parameters)
        if order and fate.strikes("stopped after the intent", 0.015):
            await fate.stop_me()
        values = self._dated(parameters) if signed else dict(parameters)
        if struck and not await self._sets_off(endpoint, parameters):
            return Silence("the right to trade is in doubt", sent=False)
        if self._exchange.away and fate.random.random() < 0.5:
            await fate.pause(0.001, 0.01)
            return Silence("cannot connect: connection refused", sent=False)
        if order and self._exchange.loses_sender():
            self._loop.start(None, self._exchange.serve(endpoint, values, fate.random.uniform(*_ON_ITS_WAY)), endpoint)
            await fate.die()
        cut = struck and fate.strikes("cut before it arrives", 0.03)
        delay = fate.random.uniform(0.3, 2.6) if cut else 0.0
        answering = self._loop.start(None, self._exchange.serve(endpoint, values, delay), endpoint)
        if cut:
            if fate.strikes("clock step while an order is under way", 0.3):
                ahead, after = fate.random.choice([30.0, 3600.0]), fate.random.uniform(0.2, 1.0)
                self._loop.start(None, self._clock.wrong_for(ahead, after=after, seconds=30.0), "clock")
            await fate.pause(0.01, 0.2)
            return Silence("cut the connection")
        if struck:
            await fate.may_die(0.01)
        done, _ = await asyncio.wait([answering], timeout=TIMEOUT_SECONDS)
        said = answering.result() if done else Silence("no answer in time")
        if struck:
            fate.tell(f"answer: {_short(said)}")
            await fate.may_die(0.01)
        return said


def _listed(symbols: Sequence[str]) -> str:
    return json.dumps(list(symbols), separators=(",", ":"))


def _short(said: Said) -> str:
    return str(said.body)[:60] if isinstance(said, Answer) else str(said)[:90]
