"""One seed's history: the actions of sources, people and the world, and the processes that live through it."""

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, TypeVar

from sqlalchemy import select

from local_telegram.updates import UpdateQueue
from tests.simulation.accidents import ACCIDENTS, ANOTHER, PARTITIONS, SET_BACK, AnotherTrader, SetsBack, accident_of
from tests.simulation.books import Strategies, strategies_of
from tests.simulation.broker import TOPIC, Broker
from tests.simulation.chat import Chat
from tests.simulation.disk import Disk
from tests.simulation.entries import KINDS as HARMED_ENTRIES
from tests.simulation.entries import HarmedEntries, come_at_limits
from tests.simulation.entries import fields as entry_fields
from tests.simulation.evidence import Evidence, Hands, Published
from tests.simulation.exchange import EXITS_REFUSED, START_BALANCES, SYMBOLS, Exchange
from tests.simulation.judge import violations
from tests.simulation.loop import Process, SeededLoop
from tests.simulation.lost_legs import KINDS as LOST_LEGS
from tests.simulation.lost_legs import LostLegs
from tests.simulation.machine import Clock, Fate
from tests.simulation.moods import Moods
from tests.simulation.people import Crowd
from tests.simulation.plans import exits_come_with_entries, plan_of
from tests.simulation.polling import RIVAL, Polling, Rival
from tests.simulation.program import Parts, Program, settings_with
from tests.simulation.sizes import PAYMENT, Payments, Sizes, entries_of, protections_of
from tests.simulation.steps import Steps

KINDS = frozenset(
    {
        *("kill", "kill in a panic", "clean stop", "suspend", "second process"),
        *("stopped before sending", "stopped after the intent"),
        *("cut before it arrives", "clock step while an order is under way"),
        *("slow disk", "refused commit", "lost commit answer", "refused read", "full disk"),
        *("lost broker connection", "broker outage", "log cut", "chat outage", "exchange outage", "clock step"),
        *(
            "list shows late",
            "order rests",
            "late request",
            "lost request",
            "slow engine",
            "lost answer",
            "spoiled answer",
            "late answer",
            "ban",
        ),
        *("new rules", "coins bound"),
        *("too many requests", "overload", "gateway", "late trades", "order shows late", "list shows late", "thin book"),
        *ACCIDENTS,
        *LOST_LEGS,
        *HARMED_ENTRIES,
        PAYMENT,
        EXITS_REFUSED,
        *("lost updates", "chat unreachable", "chat asks for patience", "chat gateway", "chat answer lost"),
    }
)
T = TypeVar("T")
LONG_ENOUGH_SECONDS = 180.0
LAST_SIGNALS = 6  # once nothing fails any more
EQUITY_SECONDS = 70.0  # it is measured every minute
STEP_SECONDS = 20.0  # a stop follows within them
CALM_SECONDS = 900.0  # after the last fault everything must be settled and reported by then


@dataclass(slots=True)
class History:
    """The remains of a seed, for the judge."""

    parts: Parts
    published: list[Published] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    hands: Hands = field(default_factory=Hands)
    violations: list[str] = field(default_factory=list)
    accident: str = ""
    starts: int = 0
    steps: int = 0
    seconds: float = 0.0

    def judged(self) -> list[str]:
        """Returns every broken promise, in words."""
        parts = self.parts
        evidence = Evidence(
            rows=cache(lambda table: parts.disk.rows(select(table))),  # a table of a past history is the same each time
            venue=parts.exchange.venue,
            told={number: "\n".join(message.texts) for number, message in parts.chat.messages.items()},
            published=self.published,
            cut=self.cut,
            symbols=SYMBOLS,
            start_balances=START_BALANCES,
            settings=settings_with(parts.plan, parts.protections),
            paid=parts.exchange.paid,
            hands=self.hands,
            accident=self.accident,
            strange=parts.exchange.strange,
            lost_legs=parts.exchange.lost_legs,
            polling=parts.polling,
        )
        return [*self.violations, *violations(evidence)]


def live(seed: int, *, signals: int, kinds: frozenset[str] = KINDS) -> History:
    """Lives one seed to its end. The same seed, number and kinds produce the same history, line by line."""
    random = Random(seed)
    loop = SeededLoop(random)

    def begin() -> Coroutine[Any, Any, History]:
        accident, at_limits = accident_of(seed, kinds), come_at_limits(seed)
        return Story(loop, random, signals, kinds, accident=accident, seed=seed, at_limits=at_limits).live()

    return to_the_end(loop, begin)


def to_the_end(loop: SeededLoop, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs what `begin` returns on `loop`, and leaves nothing of it behind."""
    # Collecting a history runs its `finally` blocks: that must not happen during the next one.
    gc.disable()
    try:
        return loop.run_until_complete(begin())
    finally:
        asyncio.set_event_loop(None)
        loop.forget()
        gc.collect()
        _keep_what_stays()
        gc.enable()


@cache
def _keep_what_stays() -> None:
    """Keeps what the first history built for all, compiled statements above all, out of the collection after each."""
    gc.freeze()


class Story:
    """The parts of one seed, and what happens to them."""

    def __init__(
        self,
        loop: SeededLoop,
        random: Random,
        signals: int,
        kinds: frozenset[str],
        *,
        accident: str,
        seed: int,
        at_limits: bool,
    ) -> None:
        self.at_limits = at_limits
        self.buys = 0.5 if entries_of(seed) == 1 else 0.75
        self.loop = loop
        self.random = random
        self.signals = signals
        if accident:
            kinds -= {"log cut"}  # lost records are recognised by what the ledger remembers
        fate = Fate(loop, random, kinds)
        clock = Clock(loop)
        exchange = Exchange(fate, clock, ahead=random.uniform(-30, 30))
        if exits_come_with_entries(seed):
            exchange.take_entries_with_exits()
        fate.stopped = self._stop
        self.moods = Moods(exchange.venue, random)
        exchange.polling = polling = Polling(UpdateQueue(loop.time) if accident == RIVAL else None)
        plan, disk, broker = plan_of(seed), Disk(fate), Broker(fate, PARTITIONS)
        protections, strategies = protections_of(seed), strategies_of(seed)
        self.parts = Parts(fate, clock, disk, exchange, broker, Chat(fate), plan, protections, polling, strategies)
        self.sizes = Sizes(seed, plan)
        self.strategies = Strategies(seed)
        self.steps = Steps(seed)
        self.crowd = Crowd(fate, self.parts.chat, self.parts.disk)
        self.crowd.strategies = strategies
        self.crowd.trail = plan is not None and plan.trailing is not None
        self.crowd.frightened = lambda: loop.start(None, self._kill_in_a_panic(), "world")
        exchange.is_unwanted = self.parts.disk.is_to_be_cancelled
        self.history = History(self.parts, hands=self.crowd.hands, accident=accident)
        self.sets_back = SetsBack(fate, self.parts.disk, clock) if accident == SET_BACK else None
        if self.sets_back is not None:
            exchange.loses_sender = self.sets_back.behind_an_order
        self.another = AnotherTrader(fate, self.parts.disk, exchange, self.parts.chat) if accident == ANOTHER else None
        self.rival = Rival(fate, polling) if accident == RIVAL else None
        self.unnoticed: set[int] = set()  # cut partitions that the program has not noticed yet
        self.market_moves = True
        self.processes: list[Process] = []
        self.programs: list[tuple[Process, Program]] = []

    async def live(self) -> History:
        fate, loop = self.parts.fate, self.loop
        loop.start(None, self.supervise(), "supervisor")
        for work in (
            self._prices(),
            *(self.crowd.works() if not self.history.accident else ()),
            *([self.sets_back.under_a_process()] if self.sets_back is not None else ()),
            *([self.another.trade()] if self.another is not None else ()),
            *([self.rival.poll()] if self.rival is not None else ()),
            *([LostLegs(self.parts.fate, self.parts.exchange).come()] if self.parts.plan is not None else ()),
            *([HarmedEntries(self.parts.fate, self.parts.exchange).come()] if self.at_limits or self.steps.are_brought else ()),
            Payments(self.parts.fate, self.parts.exchange).come(),
            *self._outages(),
            self._suspensions(),
            self._kills(),
            self._cuts(),
        ):
            loop.start(None, work, "world")
        while 0 not in self.parts.disk.positions():  # noqa: ASYNC110 - what comes before the first start is not for us
            await asyncio.sleep(1.0)
        await self._publish(range(self.signals))
        await asyncio.sleep(self.random.uniform(0.0, 60.0))
        fate.over = True
        self.calm()
        last = self._publish(range(self.signals, self.signals + LAST_SIGNALS))
        await asyncio.gather(last, *([] if self.history.accident else [self.crowd.come_to_an_end()]))
        self.market_moves = False  # otherwise something could always have filled a moment ago
        self.parts.exchange.offer_enough()
        await self.until_settled()
        await self._afterwards()
        self.history.steps, self.history.seconds = loop.steps, loop.time()
        self.history.violations += [f"nobody looked at {error!r}" for error in loop.failures]
        return self.history

    def calm(self) -> None:
        """Ends every fault."""
        parts = self.parts
        parts.disk.full = parts.exchange.away = parts.broker.away = parts.chat.away = False
        parts.exchange.banned_until = 0.0
        parts.clock.off = timedelta()
        self.moods.calm()
        for process in self.processes:
            self.loop.resume(process)
        parts.fate.tell("from here on all is well")

    # --- the processes

    async def supervise(self) -> None:
        """Restarts the program whenever it has ended, like a container's restart policy."""
        while True:
            process = self._start()
            ended = asyncio.Event()
            process.deaths.append(ended.set)
            if self.parts.fate.strikes("second process", 0.1):
                await asyncio.sleep(self.random.uniform(0.0, 20.0))
                self._start()
            await ended.wait()
            if self.sets_back is not None and not any(one.alive for one in self.processes):
                self.sets_back.after_a_crash()
            if self.sets_back is not None and self.sets_back.is_on_its_way:
                self.sets_back.is_on_its_way = False
                continue
            fast = self.parts.fate.over or self.random.random() < 0.8
            await asyncio.sleep(self.random.uniform(0.2, 3.0) if fast else self.random.uniform(3.0, 90.0))

    def _start(self) -> Process:
        process = Process(f"p{len(self.processes) + 1}")
        self.processes.append(process)
        self.history.starts += 1
        self.parts.polling.starts(process, self.loop.time())
        self.parts.fate.tell(f"{process.name} starts")
        self.loop.start(process, self._run(process), f"program {process.name}")
        return process

    async def _run(self, process: Process) -> None:
        program = Program(self.parts, process)
        self.programs.append((process, program))
        try:
            how = await program.run()
            self.parts.fate.tell(f"ends: {how}")
        except Exception as error:  # noqa: BLE001 - that is what is being looked for
            self.history.violations.append(f"{process} died of {error!r}")
            self.parts.fate.tell(f"DIES of {error!r}")
        self.loop.kill(process)

    # --- accidents

    async def _kills(self) -> None:
        while not self.parts.fate.over:
            await asyncio.sleep(self.random.expovariate(1 / 60))
            for process, program in [(one, program) for one, program in self.programs if one.alive]:
                if self.random.random() < 0.3 and self.parts.fate.strikes("clean stop", 1.0):
                    self.parts.fate.tell(f"{process} is asked to stop")
                    program.asked_to_stop.set()
                elif self.parts.fate.strikes("kill", 1.0):
                    self.parts.fate.tell(f"{process} is killed from outside")
                    self.loop.kill(process)

    async def _kill_in_a_panic(self) -> None:
        """Kills the process while it sells everything, which takes seconds."""
        while not (self.parts.fate.over or self.parts.disk.is_panicking()):  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.1)
        await asyncio.sleep(self.random.uniform(0.0, 0.5))
        if self.parts.disk.is_panicking() and self.parts.fate.strikes("kill in a panic", 0.5):
            for process in [one for one in self.processes if one.alive]:
                self.parts.fate.tell(f"{process} is killed in a panic")
                self.loop.kill(process)

    async def _suspensions(self) -> None:
        while not self.parts.fate.over:
            await asyncio.sleep(self.random.expovariate(1 / 150))
            alive = [one for one in self.processes if one.alive and not one.suspended]
            if alive and self.parts.fate.strikes("suspend", 1.0):
                self.loop.suspend(alive[-1])
                await self._stop_for_a_while(alive[-1], takeover=self.random.random() < 0.5)

    def _stop(self, process: Process) -> None:
        self.loop.suspend(process)
        self.loop.start(None, self._stop_for_a_while(process, takeover=True), "stopped")

    async def _stop_for_a_while(self, process: Process, *, takeover: bool) -> None:
        self.parts.fate.tell(f"{process} is suspended")
        if takeover:
            self._start()
        await asyncio.sleep(self.random.uniform(14.0 if takeover else 1.0, 40.0))
        self.parts.fate.tell(f"{process} goes on")
        self.loop.resume(process)

    def _outages(self) -> list[Coroutine[Any, Any, None]]:
        parts = self.parts

        def switch(part: object, name: str) -> Callable[[bool], None]:
            return lambda on: setattr(part, name, on)

        def step(on: bool) -> None:
            seconds = self.random.choice([-3600.0, -30.0, -2.0, 2.0, 30.0, 3600.0]) if on else 0.0
            parts.clock.off = timedelta(seconds=seconds)

        return [
            self._now_and_then("full disk", 200, 25, switch(parts.disk, "full")),
            self._now_and_then("broker outage", 200, 25, switch(parts.broker, "away")),
            self._now_and_then("chat outage", 200, 60, switch(parts.chat, "away")),
            self._now_and_then("exchange outage", 200, 25, switch(parts.exchange, "away")),
            self._now_and_then("clock step", 200, 40, step),
            self._now_and_then("new rules", 60, 60, self.moods.new_rules),
            self._now_and_then("coins bound", 60, 60, self.moods.coins_bound),
        ]

    async def _now_and_then(self, kind: str, every: float, longest: float, switch: Callable[[bool], None]) -> None:
        while not self.parts.fate.over:
            await asyncio.sleep(self.random.expovariate(1 / every))
            if self.parts.fate.strikes(kind, 1.0):
                switch(True)
                await asyncio.sleep(self.random.uniform(0.5, longest))
                switch(False)
                self.parts.fate.tell(f"{kind} is over")

    # --- input

    async def _publish(self, numbers: range) -> None:
        for number in numbers:
            burst = self.random.random() < 0.3
            await asyncio.sleep(0.0 if burst else self.random.expovariate(1 / 3.0))
            name, value, symbol = self._record(number)
            await self.write(name, value, symbol)

    def _record(self, number: int) -> tuple[str | None, bytes, str]:
        random, symbol = self.random, self.random.choice(SYMBOLS)
        if random.random() < 0.03:
            return None, random.choice([b"", b"{", b"[]", b'{"signal_type": "BUY_SM", "close": -1}']), symbol
        side = "BUY_SM" if random.random() < self.buys else "SELL_SM"
        price = self.parts.exchange.venue.exchange.books[symbol].last
        record: dict[str, object] = {"signal_type": side, "close": str(price), "symbol": symbol}
        if self.at_limits and side == "BUY_SM" and random.random() < 0.7:
            record |= entry_fields(random, price)
        record |= self.sizes.of(side, symbol)
        record |= self.strategies.of()
        record |= self.steps.of(side)
        name = f"s{number}" if random.random() < 0.7 else None
        if name is not None and random.random() < 0.08 and number:
            name = self._repeated(random.randrange(number), symbol, record.get("strategy"))
        if name is not None:
            record["signal_id"] = name
        if random.random() < 0.03:
            record["ts"] = (self.parts.clock.true().timestamp() - random.choice([90, 59, -3, -3600])) * 1000
        return name, json.dumps(record).encode(), symbol

    def _repeated(self, number: int, symbol: str, strategy: object) -> str | None:
        """Returns the id of an earlier record once more. Two symbols, or strategies, that share one contradict each other, and
        the second is refused. A ledger that was set back forgets which was the first, and no exchange knows an order without its
        symbol."""
        name = f"s{number}"
        said = [json.loads(one.value) for one in self.history.published if one.name == name and one.readable]
        others = {(one["symbol"], one.get("strategy")) for one in said}
        return None if self.sets_back is not None and others - {(symbol, strategy)} else name

    async def write(self, name: str | None, value: bytes, symbol: str) -> None:
        """Writes a record to the topic."""
        partition = SYMBOLS.index(symbol) % PARTITIONS
        # Nobody can see that a log was cut once it is as long as before.
        while partition in self.unnoticed:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(1.0)
        record = self.parts.broker.publish(partition, value)
        readable = value.startswith(b'{"signal_type"') and b"-1}" not in value
        place, generation = f"{TOPIC}/{partition}/{record.offset}", self.parts.disk.generations().get(partition, 0)
        identity = f"{place}@{generation}" if generation and readable else place
        self.history.published.append(Published(identity, name, readable, value))
        self.parts.fate.tell(f"published {partition}/{record.offset} {value[:90].decode()}")

    async def _cuts(self) -> None:
        disk, broker = self.parts.disk, self.parts.broker
        while not self.parts.fate.over:
            await asyncio.sleep(self.random.expovariate(1 / 300))
            number = self.random.randrange(PARTITIONS)
            length, generation = len(broker.written[number]), disk.generations().get(number, 0)
            if length and disk.positions().get(number, 0) >= length and self.parts.fate.strikes("log cut", 1.0):
                self.unnoticed.add(number)
                self.history.cut.add(f"{TOPIC}/{number}/")
                broker.cut(number, min(length, self.random.choice([1, 1, 2, 5])))
                while disk.generations().get(number, 0) == generation:  # noqa: ASYNC110 - virtual time
                    await asyncio.sleep(0.5)
                self.unnoticed.discard(number)

    async def _prices(self) -> None:
        while self.market_moves:
            await asyncio.sleep(self.random.uniform(1.0, 5.0))
            factor = self.random.gauss(1.0, 0.02 if self.random.random() < 0.1 else 0.003)
            self.parts.exchange.move_price(self.random.choice(SYMBOLS), Decimal(f"{max(factor, 0.5):.5f}"))

    # --- the end

    async def _afterwards(self) -> None:
        """Starts the program once more, which shows by its decisions that it remembers its settings."""
        for process in self.processes:
            self.loop.kill(process)
        await asyncio.sleep(20.0)  # an answer in progress may still let somebody in
        await self.until_settled()
        if not self.history.accident:
            await self.crowd.come_again()
            await self.until_settled()
        if self.parts.plan is not None and self.parts.plan.time_limit is not None:
            await asyncio.sleep(LONG_ENOUGH_SECONDS)  # by then the time of each plan is over
            await self.until_settled()
        symbols = self.random.sample(SYMBOLS, len(SYMBOLS))
        for symbol in symbols:
            price = self.parts.exchange.venue.exchange.books[symbol].last
            name = f"after-{symbol}"
            record = {"signal_type": "BUY_SM", "close": str(price), "symbol": symbol, "signal_id": name}
            await self.write(name, json.dumps(record).encode(), symbol)
            self.crowd.hands.afterwards.append(name)
        await self.until_settled()
        if self.parts.plan is not None and self.parts.plan.trailing is not None:
            await self._up_and_down()
            await self.until_settled()
        await asyncio.sleep(EQUITY_SECONDS)  # measured once more
        await self.until_settled()

    async def _up_and_down(self) -> None:
        """Has the market rise by steps, and come back a little: stops follow it up, and stay."""
        for factor in (*["1.002"] * 5, "0.999"):
            for symbol in SYMBOLS:
                self.parts.exchange.move_price(symbol, Decimal(factor))
            await asyncio.sleep(STEP_SECONDS)

    async def until_settled(self) -> None:
        """Waits until nothing is left to be done; for ever is a violation."""
        until = self.loop.time() + CALM_SECONDS
        while self.loop.time() < until:
            await asyncio.sleep(2.0)
            if next(self._unsettled(), None) is None:
                return
        self.history.violations.append(f"waits for ever: {', '.join(self._unsettled())}")

    def _unsettled(self) -> Iterator[str]:
        """Yields what is not settled; what is quickest to see comes first."""
        chat, read = self.parts.chat, self.parts.disk.positions()
        if chat.arrived < len(chat.updates):
            yield "what was said in the chat"
        for number, records in enumerate(self.parts.broker.written):
            if read.get(number, 0) < len(records):
                yield f"partition {number} read up to {read.get(number, 0)} of {len(records)}"
        yield from (f"{count} {what}" for what, count in self.parts.disk.unsettled() if count)
        there = {order.client_order_id for order in self.parts.exchange.venue.orders if order.is_open}
        if set(self.parts.disk.resting()) - there:
            yield "orders that rest no more"
        if self.parts.disk.is_panicking():
            yield "a panic"
