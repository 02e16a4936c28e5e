"""Races: two things happen to one order at nearly the same time, round after round, in another order each time.

`python -m tests.simulation --races 1000` plays each that often.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from random import Random

from sqlalchemy import select

from core.adapters.binance.event_codec import execution_report
from core.adapters.ledger.tables import order_tables, result_tables
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target
from core.domain.plan_leg import LegKind, leg_of
from tests.simulation.exchange import PRICES, is_entry
from tests.simulation.loop import SeededLoop
from tests.simulation.program import Program
from tests.simulation.story import Story, to_the_end
from tests.venue.book import floor_to
from tests.venue.model import Order

SYMBOLS = ("WIFUSDC", "DOGEUSDT", "SOLUSDT")
"""Raced in side by side: as many as may have a position."""
ROUNDS = 7  # for each symbol, in one history
A_HISTORY = ROUNDS * len(SYMBOLS)
_CANCEL, _LIST, _OPEN = "DELETE /api/v3/order", "POST /api/v3/orderList/oco", "GET /api/v3/openOrders"
_ORDER = "POST /api/v3/order"
_ATTEMPTS, _PATIENCE = 12, 25.0  # seconds: an answer may be lost again and again
_NEAR = 0.14  # seconds from a request setting off, within which its rival comes: it arrives, acts and is answered meanwhile
_NETWORK = frozenset(
    {
        *("late request", "lost request", "slow engine", "lost answer", "spoiled answer", "late answer"),
        *("cut before it arrives", "order shows late", "list shows late", "late trades", "overload", "thin book"),
    }
)
_FAULTS = (frozenset[str](), _NETWORK, _NETWORK | {"kill"})
_STOP, _NEAR_BY, _FAR = StopLoss(Level(pct=Decimal("0.8"))), Level(pct=Decimal("0.5")), Level(pct=Decimal("1.2"))
_OPEN_STATES = {"SUBMITTED", "UNKNOWN", "CANCEL_SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED"}
_SELLERS = {LegKind.STOP: "a stop", LegKind.TARGET: "a target", LegKind.EXIT: "an exit of the plan"}
_TURN = 60.0  # seconds for one symbol, before another one's turn
_LADDER = (Target(_NEAR_BY, Decimal(50)), Target(_FAR, Decimal(50)))


Play = Callable[["Track", str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Race:
    """A race: the plan of its entries, how one round of it goes for a symbol and by a name of its own, and who may win it."""

    plan: ExitPlan
    play: Play
    winners: frozenset[str]
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Raced:
    """The end of a history of a race: the broken promises, and how many orders of each kind executed something."""

    seed: int
    broken: tuple[str, ...]
    winners: Counter[str]


class Track(Story):
    """One history of a race. Its market stands still, apart from what the race does."""

    def __init__(self, loop: SeededLoop, random: Random, race: Race, seed: int) -> None:
        self.seed = seed
        super().__init__(loop, random, 0, _FAULTS[seed % len(_FAULTS)], accident="", seed=seed, at_limits=False)
        self.parts = self.history.parts = replace(self.parts, plan=race.plan, protections={}, strategies=())
        self.venue, self._race = self.parts.exchange.venue, race
        self.rivals: dict[tuple[str, str], Callable[[], None]] = {}
        """Acts that come while a request is on its way, by the request's endpoint and symbol: each comes once."""
        self.parts.exchange.arriving = self._arriving
        if race.streams:
            self.venue.exchange.state.listeners.append(self._stream)

    def _arriving(self, endpoint: str, values: Mapping[str, str]) -> None:
        rival = self.rivals.pop((endpoint, values.get("symbol", "")), None)
        if rival is not None:
            self.later(self.random.uniform(0.0, _NEAR), rival)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Does `act` after so many seconds."""

        async def wait() -> None:
            await asyncio.sleep(max(seconds, 0.0))
            act()

        self.loop.start(None, wait(), "rival")

    def _stream(self, _account: str, event: Mapping[str, object]) -> None:
        """Reports an event to whoever lives, now and then twice: to what asks as well it is the same news."""
        if event["e"] != "executionReport":
            return
        report = execution_report(event)

        async def tell(program: Program) -> None:
            await asyncio.sleep(self.random.uniform(0.0, _NEAR))
            if hasattr(program, "trading"):  # it has started
                await program.trading.hearing.heard(report)

        for process, program in self.programs:
            for _ in range(self.random.choice([1, 1, 2]) if process.alive else 0):
                self.loop.start(process, tell(program), "stream")

    def end(self) -> None:
        """Kills the process."""
        for process in [one for one in self.processes if one.alive]:
            self.parts.fate.tell(f"{process} is killed")
            self.loop.kill(process)

    def end_in_a_commit(self) -> None:
        """Kills the process that has just committed something, before it knows."""
        self.parts.disk.committed = lambda: None
        self.end()

    async def race(self) -> Raced:
        """Plays all rounds, and judges them."""
        self.loop.start(None, self.supervise(), "supervisor")
        while 0 not in self.parts.disk.positions():  # noqa: ASYNC110 - what comes before the first start is not for us
            await asyncio.sleep(1.0)
        await asyncio.gather(*(self._rounds(symbol) for symbol in SYMBOLS))
        self.parts.fate.over = True
        self.calm()
        self.parts.exchange.offer_enough()
        await self.until_settled()
        self.history.violations += [f"nobody looked at {error!r}" for error in self.loop.failures]
        return Raced(self.seed, tuple(self.history.judged()), Counter(self._winners()))

    async def _rounds(self, symbol: str) -> None:
        for number in range(ROUNDS):
            self.rivals = {key: act for key, act in self.rivals.items() if key[1] != symbol}
            self.price(symbol, "1")
            await self._race.play(self, symbol, f"{symbol}-{number}")
            await self._leave(symbol, f"{symbol}-{number}")

    async def _leave(self, symbol: str, name: str) -> None:
        """Waits until the round is over; sells what is left, again and again, as nobody knows what the network loses."""
        for attempt in range(_ATTEMPTS):
            if await self.until(lambda: self.is_over(symbol), _PATIENCE):
                return
            self.venue.set_price(symbol, self.last(symbol))  # a thin book that stands still has no buyers
            await self.say(symbol, "SELL_SM", f"{name}-left-{attempt}")
        self.history.violations.append(f"round {name} never ends")

    async def enter(self, symbol: str, name: str, targets: int) -> list[Order]:
        """Buys, and returns the targets that rest then; none if the network was against it."""
        await self.say(symbol, "BUY_SM", f"{name}-in")
        await self.until(lambda: len(self.legs(symbol, LegKind.TARGET)) == targets, _PATIENCE)
        found = self.legs(symbol, LegKind.TARGET)
        return found if len(found) == targets and len(self.legs(symbol, LegKind.STOP)) == targets else []

    async def say(self, symbol: str, kind: str, name: str, **fields: object) -> None:
        """Publishes a signal."""
        record = {"signal_type": kind, "close": str(self.last(symbol)), "symbol": symbol, "signal_id": name, **fields}
        await self.write(name, json.dumps(record).encode(), symbol)

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Waits for `condition` for so many seconds at most; tells whether it holds."""
        until = self.loop.time() + seconds
        while not (held := condition()) and self.loop.time() < until:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(self.random.uniform(0.1, 0.6))
        return held

    def last(self, symbol: str) -> Decimal:
        """Returns the last price."""
        return self.venue.exchange.books[symbol].last

    def price(self, symbol: str, factor: str) -> None:
        """Moves the market to `factor` times the price of the beginning."""
        self.parts.exchange.move_price(symbol, Decimal(PRICES[symbol]) * Decimal(factor) / self.last(symbol))

    def legs(self, symbol: str, kind: LegKind) -> list[Order]:
        """Returns the orders of a kind that rest for plans."""
        legs = [(leg_of(one.client_order_id), one) for one in self.venue.orders if one.is_open and one.symbol == symbol]
        return [one for leg, one in legs if leg is not None and leg.kind is kind]

    def entries(self, symbol: str) -> list[Order]:
        """Returns the entries that rest."""
        return [one for one in self.venue.orders if one.is_open and one.symbol == symbol and is_entry(one)]

    def is_over(self, symbol: str) -> bool:
        """Tells whether nothing is held and nothing rests or is under way, as far as exchange and ledger know."""
        if any(one.is_open and one.symbol == symbol for one in self.venue.orders):
            return False
        positions, orders = result_tables.positions.c, order_tables.orders.c
        held = select(positions.symbol).where(positions.symbol == symbol, positions.is_open)
        open_ones = select(orders.state).where(orders.symbol == symbol, orders.state.in_(_OPEN_STATES))
        return not self.parts.disk.rows(held) and not self.parts.disk.rows(open_ones)

    def _winners(self) -> Iterator[str]:
        for order in self.venue.orders:
            leg = leg_of(order.client_order_id)
            if order.side == "SELL" and order.executed_qty:
                yield _SELLERS[leg.kind] if leg is not None else "a SELL"
            elif is_entry(order) and not order.is_open:
                yield "an entry" if order.status == "FILLED" else "the end of an entry"


async def _stop_and_sell(track: Track, symbol: str, name: str) -> None:
    """The stop fills while a SELL takes it off."""
    if not await track.enter(symbol, name, targets=1):
        return
    fall = partial(track.price, symbol, "0.985")
    if track.random.random() < 0.7:
        track.rivals[_CANCEL, symbol] = fall
    else:
        track.later(track.random.uniform(0.0, 0.8), fall)
    await track.say(symbol, "SELL_SM", f"{name}-out")


async def _target_and_breakeven(track: Track, symbol: str, name: str) -> None:
    """The first target has the stop move to what the position has cost; the second one fills, or the stop, while it moves."""
    if not await track.enter(symbol, name, targets=2):
        return
    where, leap = track.random.choice([_CANCEL, _CANCEL, _LIST]), track.random.choice(["1.014", "1.014", "0.985", "1"])
    track.rivals[where, symbol] = partial(track.price, symbol, leap)
    track.price(symbol, "1.007")


async def _stream_and_poll(track: Track, symbol: str, name: str) -> None:
    """A fill is told by the stream while the same order is asked about."""
    found = await track.enter(symbol, name, targets=1)
    if not found:
        return
    (target,) = found

    def fill(part: Decimal) -> None:
        if target.is_working:
            qty = floor_to(target.remaining * part, Decimal(track.venue.exchange.rules(symbol).rules["LOT_SIZE"]["stepSize"]))
            track.venue.exchange.fill(target, qty or target.remaining)

    parts = [Decimal("0.3")] * track.random.choice([0, 0, 1, 2])
    for part in [*parts, Decimal(1)]:
        track.rivals[_OPEN, symbol] = partial(fill, part)
        await track.until(lambda: (_OPEN, symbol) not in track.rivals, _PATIENCE)
    track.price(symbol, "1")  # others trade on


async def _time_out_and_fill(track: Track, symbol: str, name: str) -> None:
    """An entry that rests fills while it is taken off, as its time is over."""
    seconds, limit = track.random.choice([2, 3, 5]), track.last(symbol) * Decimal("0.996")
    asked = {"order_type": "LIMIT", "limit_price": str(limit), "expires_in": seconds}
    what_then = track.random.choice(["cancel", "market", "reprice"])
    await track.say(symbol, "BUY_SM", f"{name}-in", **asked, on_timeout=what_then)
    if not await track.until(lambda: bool(track.entries(symbol)), _PATIENCE):
        return
    fall = partial(track.price, symbol, "0.994")
    if track.random.random() < 0.7:
        track.rivals[_CANCEL, symbol] = fall
    else:
        track.later(seconds + track.random.uniform(-0.6, 1.2), fall)
    await track.until(lambda: not track.entries(symbol), _PATIENCE)
    await track.say(symbol, "SELL_SM", f"{name}-out")


async def _end_while_deciding(track: Track, symbol: str, name: str) -> None:
    """The process ends, or its disk is full, while a signal that finds everything in memory becomes an order."""
    # One symbol after the other: a new process asks first about each signal of before its start.
    await asyncio.sleep((SYMBOLS.index(symbol) * _TURN - track.loop.time()) % (len(SYMBOLS) * _TURN))
    disk = track.parts.disk
    match track.random.choice(["commit", "commit", "request", "full", "full", ""]):
        case "commit":
            disk.committed = track.end_in_a_commit
        case "request":
            track.rivals[_ORDER, symbol] = track.end
        case "full":
            disk.full = True
            track.later(track.random.uniform(0.1, 0.5), lambda: setattr(disk, "full", False))
    await track.say(symbol, "BUY_SM", f"{name}-in")
    await track.until(lambda: not track.is_over(symbol), _PATIENCE)


_BRACKET = ExitPlan(_STOP, (Target(_FAR),))
RACES: Mapping[str, Race] = {
    "a stop fills while a SELL takes it off": Race(_BRACKET, _stop_and_sell, frozenset({"a stop", "a SELL"})),
    "a target fills while breakeven moves the stop": Race(
        ExitPlan(_STOP, _LADDER, Breakeven()), _target_and_breakeven, frozenset({"a stop", "a target", "an exit of the plan"})
    ),
    "a fill is told by the stream and asked for at once": Race(_BRACKET, _stream_and_poll, frozenset({"a target"}), streams=True),
    "a process ends while a signal becomes an order": Race(ExitPlan(), _end_while_deciding, frozenset({"a SELL"})),
    "an entry fills as its time is over": Race(_BRACKET, _time_out_and_fill, frozenset({"an entry", "the end of an entry"})),
}


def play(name: str, seed: int) -> Raced:
    """Plays one history of a race: `A_HISTORY` rounds."""
    race, random = RACES[name], Random(f"race {name} {seed}")
    loop = SeededLoop(random)
    return to_the_end(loop, lambda: Track(loop, random, race, seed).race())


def histories(races: int) -> int:
    """Returns how many histories have at least so many rounds."""
    return -(-races // A_HISTORY)
