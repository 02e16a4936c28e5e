"""Orders that fill on the exchange while the program lies dead are booked and told soon after it is ready: in 2 s on a machine
without other work, which is asserted when kills are counted in tens. Where the market jumped over a stop's limit, the position
is sold as soon as nothing that was sent before can become an order any more (docs/adr/0033)."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from core.adapters.ledger.tables import plan_tables, result_tables
from core.domain.plan_leg import LegKind
from demo.broker import MemoryBroker
from tests.chaos.brackets import bound_as_known, legs_of, price_near, until
from tests.chaos.harness import PARTITIONS, SYMBOLS, TOPIC, Chaos, chaos
from tests.chaos.test_kills import KILLS

FEW = [("stop", "2026"), ("leap", "2024")]
MORE = [("stop", "2024"), ("target", "2026")]
MEASURED = KILLS > 10  # on a machine that does nothing else
SOON = 2.0  # seconds
FENCE = 4.0  # seconds after the program is ready, at most: 5.5 s after it took the ledger
A_MESSAGE = 1.0  # second: Telegram takes no more from a bot in one chat
EXPECTED = {"stop": "SELL_STOP_LOSS", "leap": "SELL_STOP_LOSS", "target": "SELL_TAKE_PROFIT"}


def _stop(world: Chaos, symbol: str) -> None:
    world.venue.walk(symbol, *(price_near(world, symbol, Decimal(step)) for step in ("0.996", "0.993", "0.99", "0.989")))


def _leap(world: Chaos, symbol: str) -> None:
    """Jumps over the limit of a stop that has one."""
    world.venue.set_price(symbol, price_near(world, symbol, Decimal("0.9")))


def _target(world: Chaos, symbol: str) -> None:
    world.venue.set_price(symbol, price_near(world, symbol, Decimal("1.03")))


MOVES: dict[str, Callable[[Chaos, str], None]] = {"stop": _stop, "leap": _leap, "target": _target}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("what", "rules"), FEW + (MORE if MEASURED else []))
async def test_what_filled_while_it_lay_dead_is_told_soon(
    tmp_path: Path, memory_broker: MemoryBroker, what: str, rules: str
) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "1", "TAKE_PROFIT_PCT": "2"}
    async with chaos(tmp_path, memory_broker.address, seed=1, changes=changes) as world:
        for symbol in SYMBOLS if rules == "2026" else ():
            world.venue.modernize(symbol)
        await world.program.start()
        for symbol in SYMBOLS:
            await world.say(symbol, "BUY_SM", f"in-{symbol}")
        await until(lambda: are_guarded(world, len(SYMBOLS)), 20.0, "all are guarded")
        await world.settle()
        await world.program.kill()
        for symbol in SYMBOLS:
            assert len(legs_of(world, symbol, LegKind.STOP)) == 1
            MOVES[what](world, symbol)
        before = len(world.chat.owner.received)
        began = time.monotonic()
        await world.program.start()
        ready = time.monotonic()
        await until(lambda: are_sold(world, len(SYMBOLS)), 20.0, "all are sold")
        booked = time.monotonic() - ready
        await until(lambda: told_of(world, before, EXPECTED[what]) > 0, 20.0, "one is told")
        first = time.monotonic() - ready
        await until(lambda: told_of(world, before, EXPECTED[what]) == len(SYMBOLS), 20.0, "all are told")
        last = time.monotonic() - ready
        print(
            f"\n{what}, rules of {rules}: ready after {ready - began:.1f} s, then four sales are booked in {booked:.2f} s,",
            end="",
        )
        print(f" the first is told in {first:.2f} s, the last in {last:.2f} s")
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
    assert broken == []
    soon = SOON + (FENCE if what == "leap" else 0.0)
    assert not MEASURED or max(booked, first) < soon
    assert not MEASURED or last < soon + len(SYMBOLS) * A_MESSAGE


async def are_guarded(world: Chaos, number: int) -> bool:
    states = await world.reader.read(select(plan_tables.order_plans.c.state))
    return [row["state"] for row in states] == ["GUARDED"] * number


async def are_sold(world: Chaos, number: int) -> bool:
    rows = await world.reader.read(select(result_tables.executions).where(result_tables.IS_EXIT))
    return len(rows) == number


def told_of(world: Chaos, before: int, kind: str) -> int:
    """Returns the number of symbols of whose sale a message tells after the first `before`."""
    texts = [message.text for message in world.chat.owner.received[before:]]
    return sum(any(symbol in text and kind in text for text in texts) for symbol in SYMBOLS)
