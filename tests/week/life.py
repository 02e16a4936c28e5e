"""Lives days of paper trading: strategies, the market, a program that is killed now and then, and the books at each midnight."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sqlalchemy import select

from bot.cli.daily_reconciliation import Prover, day_of
from bot.commands import pnl
from bot.commands.caller import Caller
from core.adapters.ledger.tables import notification_tables, order_tables, plan_tables, result_tables
from core.domain.access import Role
from core.domain.instrument import Instrument, Quote
from core.domain.trade_plan import PlanState
from demo.market import SimulatedMarket
from tests.simulation.disk import Disk
from tests.simulation.loop import Process, SeededLoop
from tests.simulation.machine import Clock, Fate
from tests.week.books import Books
from tests.week.program import OWNER, Machine, Program
from tests.week.strategies import ALL

DAY_SECONDS = 86_400.0
_CALM_SECONDS = 60.0  # with a market that stands still, until everything must be settled
_AWAY = (5.0, 90.0)  # seconds between a kill and the next start
_LOOK_SECONDS = 5.0
_SOME_TRADES = 5
_WITHOUT_EXITS = "WIFUSDC"
"""The symbol on which no entry may bring its exits."""


class Market(SimulatedMarket):
    """The demo's market, which can stand still; some of its symbols take an entry together with its exits."""

    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__(clock, seed=seed)
        self.still_since: datetime | None = None

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        found = await super().instruments(symbols)
        return {
            name: replace(rules, resting=replace(rules.resting, opo_allowed=name != _WITHOUT_EXITS, may_expire_taker=True))
            for name, rules in found.items()
        }

    def quote_at(self, symbol: str, moment: datetime) -> Quote:
        at = moment if self.still_since is None else min(moment, self.still_since)
        return replace(super().quote_at(symbol, at), at=moment)


@dataclass(slots=True)
class Report:
    """The remains of a life. `worst` is the longest time in seconds for which a position was exposed while the program worked,
    and nobody was told why; `seen` counts what happened."""

    broken: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0
    profits: Mapping[str, Decimal] = field(default_factory=dict)
    pnl: str = ""

    def summary(self) -> str:
        """Summarises in a line."""
        counted = ", ".join(f"{what}: {number}" for what, number in sorted(self.seen.items()))
        return f"unprotected and untold for {self.worst:.1f} s at most; {counted}"


class Life:
    """Some days of trading."""

    def __init__(self, loop: SeededLoop, seed: int, days: float) -> None:
        self._loop = loop
        self._days = days
        self._random = Random(f"life {seed}")
        fate = Fate(loop, Random(seed), frozenset())
        self._clock, self.disk = Clock(loop), Disk(fate)
        self._market = Market(self._clock, seed)
        names = frozenset(one.name for one in ALL)
        self._machine = Machine(self._clock, self.disk, self._market, names)
        self._strategies = [one(self._market, self._publish, self._clock, seed) for one in ALL]
        self._starts = 0
        self._report = Report()

    async def live(self) -> Report:
        """Lives them, and reports."""
        await self._start()
        left = self._days * DAY_SECONDS
        while left > 0 and not self._report.broken:
            await self._trade(min(left, DAY_SECONDS))
            left -= DAY_SECONDS
            await self._judge()
            self._loop.forget_done()
        await self._read_pnl()
        self._count()
        self._loop.kill(self._process)
        return self._report

    async def until_something_rests(self) -> None:
        """Trades until some trades are over and a position is open with its exits, and the market stands still."""
        await self._start()
        tasks = [self._loop.start(None, one.run(), one.name) for one in self._strategies]
        while len(self.disk.rows(select(result_tables.trades.c.seq))) < _SOME_TRADES or not self._is_anything_guarded():
            await self._clock.sleep(1)
        await self._calm(tasks)
        self._loop.kill(self._process)

    def _is_anything_guarded(self) -> bool:
        return any(plan.state is PlanState.GUARDED for plan in self._program.trading.portfolio.plans.values())

    def books(self) -> Books:
        """Returns the books as they are now."""
        return Books(self.disk, self._machine.strategies)

    async def _start(self) -> None:
        self._starts += 1
        self._process = Process(f"start {self._starts}")
        self._program = Program(self._machine, self._process)
        self._running = self._loop.start(self._process, self._program.run(), self._process.name)
        await self._program.trades.wait()

    async def _publish(self, record: bytes, name: str) -> None:
        """Hands a record to the program; what comes while it does not run is lost, as nothing keeps it."""
        if self._process.alive and self._program.trades.is_set():
            await self._program.hear(record, name)

    async def _trade(self, seconds: float) -> None:
        """Lets the strategies trade, and kills the program at some moment."""
        self._market.still_since = None
        tasks = [self._loop.start(None, one.run(), one.name) for one in self._strategies]
        tasks.append(self._loop.start(None, self._watch(), "watch"))
        killed_after = self._random.uniform(0.2, 0.8) * seconds
        await asyncio.sleep(killed_after)
        self._loop.kill(self._process)
        await asyncio.sleep(self._random.uniform(*_AWAY))
        await self._start()
        await asyncio.sleep(seconds - killed_after)
        await self._calm(tasks)

    async def _calm(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        """Ends what drives trading, and lets the market stand still until everything is settled."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._market.still_since = self._clock.now()
        await asyncio.sleep(_CALM_SECONDS)

    async def _watch(self) -> None:
        """Measures how long positions are exposed while the program works and gives no reason."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._process.alive or not self._program.trades.is_set():
                continue
            now, portfolio = self._clock.now(), self._program.trading.portfolio
            for plan in portfolio.plans.values():
                since, is_open = plan.exposed_since, portfolio.position(plan.book).is_open
                if plan.state is PlanState.EXPOSED and since is not None and is_open and plan.exits.rests and plan.why is None:
                    self._report.worst = max(self._report.worst, (now - since).total_seconds())

    async def _judge(self) -> None:
        books, report = self.books(), self._report
        report.broken += books.broken()
        report.profits = books.profits()
        if self._running.done():
            report.broken.append(f"the program ended: {self._running.exception()}")
        report.broken += [f"an error that nobody retrieved: {error!r}" for error in self._loop.failures]
        day = day_of(None, self._clock.now() + timedelta(days=1))
        proof = await Prover(self._program.ledger, self._program.venue, None, self._clock).prove(day)
        report.broken += [f"the proof of {day:%Y-%m-%d}: {one}" for one in proof.differences]

    async def _read_pnl(self) -> None:
        caller = Caller(OWNER, "Ann", Role.OWNER, "update:1", OWNER)
        message = await pnl.COMMAND.run(self._program.context(), ("all",), caller)
        self._report.pnl = message.text

    def _count(self) -> None:
        """Counts what happened, so that a test can tell whether it happened at all."""
        seen, rows = self._report.seen, self.disk.rows
        executions, orders, plans = result_tables.executions, order_tables.orders, plan_tables.order_plans
        seen["records"] = sum(one.published for one in self._strategies)
        seen["starts"] = self._starts
        seen.update(f"executed as {row['role']}" for row in rows(select(executions.c.role)))
        bought = rows(select(executions.c.client_order_id, executions.c.plan_id).where(executions.c.side == "BUY"))
        own = sum(row["client_order_id"].startswith(row["plan_id"] or "") for row in bought)
        seen["entries that added"] = len(bought) - own
        seen.update(f"sold by {row['signal_type']}" for row in rows(select(executions.c.signal_type)))
        seen.update(f"order {row['state']}" for row in rows(select(orders.c.state)))
        seen.update(f"leg {row['leg']}" for row in rows(select(orders.c.leg)) if row["leg"])
        seen.update(f"plan {row['state']}" for row in rows(select(plans.c.state)))
        seen.update(f"told {row['kind']}" for row in rows(select(notification_tables.outbox.c.kind)))
        seen["entries with their exits"] = len(
            rows(select(orders.c.leg).where(orders.c.side == "BUY", orders.c.list_id.is_not(None)))
        )


@contextmanager
def living(seed: int) -> Iterator[SeededLoop]:
    """Yields the loop of a life, in which the same seed always brings the same."""
    loop = SeededLoop(Random(seed))
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.forget()
