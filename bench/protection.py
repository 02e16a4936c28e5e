"""`python -m bench.protection`: how long a position is bare after its entry has filled, with the exits sent together with the
entry and with the exits sent after it."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.ledger.opening import open_ledger
from core.domain.exit_plan import Level, Target
from core.domain.messages import Message, SignalReceived
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import TradingState
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.keys import credentials_of
from tests.core.world import LIMITS, Durations
from tests.venue import Venue, running_venue
from tests.venue.asking import WIF
from tests.venue.model import Order

PLANNED = replace(LIMITS, stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
TOGETHER, AFTER = "with the entry (FOK + OPOCO)", "after the entry (IOC, then OCO)"


@dataclass(slots=True)
class Bare:
    """Milliseconds from each entry's fill: until its exits rest on the exchange, and until the ledger knows that they do."""

    on_exchange: list[float] = field(default_factory=list)
    in_ledger: list[float] = field(default_factory=list)


class Watch:
    """Notes when the exchange reports the fill of an entry, and the last of its exits as placed."""

    def __init__(self, venue: Venue) -> None:
        self.filled_at = self.placed_at = 0.0
        report = venue.exchange.state.report

        def noting(order: Order, kind: str, extra: Mapping[str, Any] | None = None, **more: Any) -> int:
            if order.side == "BUY" and kind == "TRADE":
                self.filled_at = time.perf_counter()
            elif order.side == "SELL" and kind == "NEW" and order.status == "NEW":
                self.placed_at = time.perf_counter()
            return report(order, kind, extra, **more)

        venue.exchange.state.report = noting  # type: ignore[method-assign]


@asynccontextmanager
async def trading_on(venue: Venue, folder: Path) -> AsyncIterator[Trading]:
    """Yields a trading core on a ledger in `folder`, connected to `venue`."""
    clock = RealClock()
    client = BinanceClient(api_url=venue.api_url, clock=clock, credentials=credentials_of(venue, "hmac"))
    ledger = await open_ledger(f"sqlite+aiosqlite:///{folder / 'ledger.db'}", clock)
    today = clock.now().date().isoformat()
    left = await ledger.load(today)
    trading = Trading(
        portfolio=Portfolio.from_ledger(left, TradingState(), PLANNED, today),
        ledger=ledger,
        venue=client,
        clock=clock,
        trading_mode="live",
        timings=Durations(),
        watched=(WIF,),
    )
    await trading.market.load_instruments([WIF])
    watching = asyncio.create_task(trading.market.run())
    trading.start(left)
    try:
        yield trading
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await trading.inbox.close()
        await client.close()
        await ledger.close()


async def say(trading: Trading, kind: str, name: str) -> None:
    """Delivers a signal, and returns once it is handled."""
    now = RealClock().now()
    signal = Signal("bench", name, kind, WIF, Decimal("0.4801"), now)
    await trading.inbox.ask(Message("bench", name, WIF, SignalReceived(signal), now))


async def measure(folder: Path, count: int, *, together: bool) -> Bare:
    """Enters and leaves `count` times. Raises RuntimeError if a position was not protected."""
    found = Bare()
    async with running_venue() as venue:
        venue.modernize(WIF)
        venue.edit_symbol(WIF, opoAllowed=together)
        watch = Watch(venue)
        async with trading_on(venue, folder) as trading:
            for number in range(-3, count):  # the first ones warm it up
                await say(trading, "BUY_SM", f"buy {number}")
                known_at = time.perf_counter()
                plan = trading.portfolio.plans.get(StrategyBook(WIF))
                if plan is None or plan.state is not PlanState.GUARDED:
                    raise RuntimeError("a position was not protected")
                if number >= 0:
                    found.on_exchange.append((watch.placed_at - watch.filled_at) * 1_000)
                    found.in_ledger.append((known_at - watch.filled_at) * 1_000)
                await say(trading, "SELL_SM", f"sell {number}")
    return found


async def run(rounds: int, count: int) -> str:
    """Measures both in turn, round after round; returns the figures as text."""
    figures = {TOGETHER: Bare(), AFTER: Bare()}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name, bare in figures.items():
                place = Path(folder) / f"{number}-{name[:4]}"
                await asyncio.to_thread(place.mkdir)
                done = await measure(place, count, together=name == TOGETHER)
                bare.on_exchange += done.on_exchange
                bare.in_ledger += done.in_ledger
    return report(figures[TOGETHER], figures[AFTER])


def report(together: Bare, after: Bare) -> str:
    """Returns both as text, and the first as a part of the second."""
    lines = [f"from the fill of {len(after.on_exchange)} entries each, milliseconds (p50, p99):"]
    for what in ("on_exchange", "in_ledger"):
        ours, theirs = getattr(together, what), getattr(after, what)
        until = "until the exits rest on the exchange" if what == "on_exchange" else "until the ledger knows it"
        for name, values in ((TOGETHER, ours), (AFTER, theirs)):
            lines.append(f"{until}, sent {name}: {median(values):.3f}, {at_99(values):.3f}")
        lines.append(f"{until}, ratio: {median(ours) / median(theirs):.3f}, {at_99(ours) / at_99(theirs):.3f}")
    return "\n".join(lines)


def at_99(values: Sequence[float]) -> float:
    """Returns the 99th percentile."""
    return quantiles(values, n=100, method="inclusive")[98]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.protection", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--entries", type=int, default=100)
    chosen = parser.parse_args()
    sys.stdout.write(asyncio.run(run(chosen.rounds, chosen.entries)) + "\n")
