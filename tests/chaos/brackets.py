"""A market that moves through the brackets that rest, what they did, and how long a position was without one."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select

from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import notification_tables, order_tables, plan_tables, result_tables
from core.domain.plan_leg import LegKind, leg_of
from tests.chaos.harness import SYMBOLS, Chaos
from tests.simulation.disk import RESTS
from tests.venue.book import floor_to
from tests.venue.model import Balance, Order

OCO, CANCEL = "POST orderList/oco", "DELETE order"
TOO_LITTLE = Decimal(6)  # quote asset; the exchange takes no order below 5, and the price moves
BOUNDED = 10.0  # seconds without protection; its owner is alarmed if it takes longer
_FURTHEST = Decimal("0.02")  # of the price at the start: within the price band
_ANSWERS_AGAIN = 2.0  # seconds after a fault that was hit; a 429 asks for one
_LONGEST_START = 20.0  # seconds
_EVERY = 0.02  # seconds


def legs_of(world: Chaos, symbol: str, kind: LegKind | None = None) -> list[Order]:
    """Returns the orders of plans that rest on the exchange."""
    found = [(order, leg_of(order.client_order_id)) for order in world.venue.exchange.orders_open(None, symbol)]
    return [order for order, leg in found if leg is not None and kind in (None, leg.kind)]


def part_of(world: Chaos, order: Order) -> Decimal:
    """Returns half of what is left of an order, in whole lots."""
    step = Decimal(world.venue.exchange.rules(order.symbol).rules["LOT_SIZE"]["stepSize"])
    return floor_to(order.remaining / 2, step)


def price_near(world: Chaos, symbol: str, factor: Decimal | float) -> Decimal:
    """Returns the price at the start times `factor`, in whole ticks."""
    tick = Decimal(world.venue.exchange.rules(symbol).rules["PRICE_FILTER"]["tickSize"])
    return floor_to(Decimal(SYMBOLS[symbol]) * Decimal(factor), tick)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float, what: str) -> float:
    """Returns how many seconds it took until `condition` held; raises AssertionError with `what` after `within`."""
    began = time.monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - began
        assert time.monotonic() < began + within, f"never: {what}"
        await asyncio.sleep(0.01)


@dataclass
class Brackets:
    """A market for `world`, and what became of the brackets in it."""

    world: Chaos
    longest: float = 0.0
    """Seconds without protection in one life of the program, while it worked and the exchange answered."""
    overlong: set[str] = field(default_factory=set)
    """The symbols in which that was longer than BOUNDED."""
    worst: str = ""
    """The symbol and the seconds of it."""
    longest_at_all: float = 0.0
    _held: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _trades: int = 0
    _life: tuple[int, bool] = (-1, False)
    _requests: int = 0
    _works: bool = False

    async def load(self, every: float) -> None:
        """Sends signals at a steady rate until `enough`, more of them entries than exits."""
        world, number = self.world, 0
        while not world.enough:
            await world.publish(world.random.choice(list(SYMBOLS)), world.random.choice(["BUY_SM"] * 6 + ["SELL_SM"]), number)
            number += 1
            await asyncio.sleep(world.random.uniform(0, 2 * every))

    async def market(self, every: float) -> None:
        """Moves prices in small steps and a few leaps, and fills a few targets in part, until `enough`; then they stay."""
        world, random = self.world, self.world.random
        while not world.enough:
            symbol = random.choice(list(SYMBOLS))
            step = random.gauss(0, 0.006 if random.random() < 0.05 else 0.001)
            now = world.venue.exchange.books[symbol].last / Decimal(SYMBOLS[symbol]) * Decimal(1 + step)
            world.venue.set_price(symbol, price_near(world, symbol, min(max(now, 1 - _FURTHEST), 1 + _FURTHEST)))
            targets = legs_of(world, symbol, LegKind.TARGET)
            if targets and random.random() < 0.1:
                target = random.choice(targets)
                if part := part_of(world, target):
                    world.venue.fill_order(symbol, target.client_order_id, part)
            await asyncio.sleep(random.uniform(0, 2 * every))
        for symbol in SYMBOLS:  # others trade on where the book is: a target that filled in part was not the last trade for ever
            world.venue.set_price(symbol, world.venue.exchange.books[symbol].bids[0].price)

    async def at_work(self) -> None:
        """Returns once the program that was started asks about orders, or has been silent for long. Needs `watch`."""
        with suppress(AssertionError):
            await until(lambda: self._works and self._life == (self.world.kills, True), _LONGEST_START, "it works")

    async def watch(self) -> None:
        """Measures how long positions are without protection, until it is cancelled."""
        alone: dict[str, float] = dict.fromkeys(SYMBOLS, 0.0)
        counted, before, hits, hit_at = dict(alone), time.monotonic(), 0, 0.0
        while True:
            await asyncio.sleep(_EVERY)
            now, seen = time.monotonic(), sum(fault.hits for fault in self.world.spoiled)
            passed, before = now - before, now
            hits, hit_at = seen, now if seen > hits else hit_at
            life = self._life
            answers = self._is_at_work() and now > hit_at + _ANSWERS_AGAIN
            for symbol in SYMBOLS:
                if self._worth(symbol) < TOO_LITTLE or legs_of(self.world, symbol):
                    alone[symbol] = counted[symbol] = 0.0
                    continue
                if life != self._life:
                    counted[symbol] = 0.0  # whatever is not known has to be found out anew
                alone[symbol] += passed
                counted[symbol] += passed if answers else 0.0
            self.overlong |= {symbol for symbol in SYMBOLS if counted[symbol] > BOUNDED}
            worst = max(counted, key=lambda symbol: counted[symbol])
            if counted[worst] > self.longest:
                self.longest, self.worst = counted[worst], f"{worst} until {datetime.now(UTC):%H:%M:%S}"
            self.longest_at_all = max(self.longest_at_all, *alone.values())

    def _is_at_work(self) -> bool:
        """Tells whether the program asks about orders: while it starts it does not."""
        life = self.world.kills, self.world.program.is_alive
        if life != self._life:
            self._life, self._requests, self._works = life, len(self.world.venue.requests), False
        if not self._works:
            new = self.world.venue.requests[self._requests :]
            self._works = life[1] and any(one.path.endswith(("/order", "/openOrders", "/myTrades")) for one in new)
        return self._works

    def _worth(self, symbol: str) -> Decimal:
        """Returns the value of what is held of a symbol, in quote asset."""
        trades = self.world.venue.trades
        for trade in trades[self._trades :]:
            self._held[trade.symbol] += trade.qty if trade.is_buyer else -trade.qty
        self._trades = len(trades)
        return self._held[symbol] * self.world.venue.exchange.books[symbol].last

    def summary(self) -> str:
        """Summarises in a line."""
        legs = [(order, leg_of(order.client_order_id)) for order in self.world.venue.orders]
        placed = [(order, leg) for order, leg in legs if leg is not None]
        filled = [leg for order, leg in placed if order.status == "FILLED"]
        stops = sum(leg.kind is LegKind.STOP for leg in filled)
        in_part = sum(order.status != "FILLED" and order.executed_qty > 0 for order, _ in placed)
        of = max((leg.generation for _, leg in placed), default=0) + 1
        return (
            f"{self.world.kills} kills, {len(placed)} legs in {len(self.world.venue.lists)} lists and {of} generations at most: "
            f"{stops} stops and {len(filled) - stops} targets filled, {in_part} in part; unprotected for {self.longest:.1f} s "
            f"at most ({self.worst}) while program and exchange answered, {self.longest_at_all:.1f} s at all"
        )


async def not_told(world: Chaos, symbols: set[str]) -> list[str]:
    """Returns the symbols of which no event says that their position is unprotected."""
    outbox = notification_tables.outbox.c
    events = await world.reader.read(select(outbox.body).where(outbox.kind == "protection_failed"))
    return [symbol for symbol in sorted(symbols) if not any(f'"symbol":"{symbol}"' in row["body"] for row in events)]


async def bound_as_known(world: Chaos) -> list[str]:
    """Returns, in words, where the exchange locks other amounts than the ledger knows, and guarded positions that are not bound
    as a whole."""
    orders = await world.reader.read(select(order_tables.orders).where(RESTS))
    positions = await world.reader.read(select(result_tables.positions))
    plans = await world.reader.read(select(plan_tables.order_plans).where(plan_tables.IS_OPEN))
    bound: dict[str, dict[str, Decimal]] = {symbol: {} for symbol in SYMBOLS}
    for row in orders:
        lists, name = bound[row["symbol"]], row["list_id"] or row["client_order_id"]
        lists[name] = max(lists.get(name, Decimal(0)), row["qty"] - row["executed_qty"])
    sums = {symbol: sum(lists.values(), Decimal(0)) for symbol, lists in bound.items()}
    return [*_other_locks(world, sums), *_bare(world, sums, {row["symbol"]: row["qty"] for row in positions}, plans)]


def _other_locks(world: Chaos, bound: Mapping[str, Decimal]) -> list[str]:
    known: dict[str, Decimal] = defaultdict(Decimal)
    for symbol, quantity in bound.items():
        known[symbol[:-4]] += quantity
    there = {base: world.venue.balances.get(base, Balance()).locked for base in known}
    return [f"{there[base]} {base} are locked, the ledger knows of {known[base]}" for base in known if there[base] != known[base]]


def _bare(world: Chaos, bound: Mapping[str, Decimal], held: Mapping[str, Decimal], plans: Sequence[Row]) -> list[str]:
    found = []
    for plan in plans:
        symbol = plan["symbol"]
        left = held[symbol] - bound[symbol]
        if plan["state"] == "GUARDED" and left * world.venue.exchange.books[symbol].last > TOO_LITTLE:
            found.append(f"{left} {symbol} of a guarded position are in no order")
    return found
