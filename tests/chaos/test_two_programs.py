"""One `.env` on two machines: two programs with a ledger each on one account and one bot token, with signals flowing.

`make chaos STARTS=20` starts the second beside the first that often, in either order.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.views.other_instance import QUIET_SECONDS, STAYS_SECONDS
from demo.broker import MemoryBroker
from local_telegram.model import Message
from tests.chaos.harness import AT_LENGTH, PARTITIONS, TOPIC, Chaos, chaos
from tests.running import Program

STARTS = int(os.environ.get("STARTS", "2"))
LONG = STARTS > 10
TOLD_SECONDS = 10.0
ALONE = {"alone", "telegram"}


@asynccontextmanager
async def flowing(world: Chaos, every: float) -> AsyncIterator[None]:
    """Sends signals until the end of the block."""
    loading = asyncio.create_task(world.load(every))
    try:
        yield
    finally:
        world.enough = True
        await loading
        world.enough = False


def twin(world: Chaos, folder: Path) -> Program:
    """Builds a second program with the same `.env` and a ledger of its own that has never traded."""
    folder.mkdir()
    own = {"HTTP_PORT", "METRICS_PORT", "DATABASE_URL"}
    settings = {name: value for name, value in world.program.settings.items() if name not in own}
    return Program(folder, settings, ready_without=ALONE, newcomer=True, installed=AT_LENGTH)


def bought_twice(world: Chaos) -> dict[str, int]:
    """Counts the exchange's orders of each signal that has more than one."""
    counted = Counter(order.client_order_id for order in world.venue.orders)
    return {name: count for name, count in counted.items() if count > 1}


def orders_of(program: Program) -> set[str]:
    return {row["order_id"] for row in program.ledger("SELECT order_id FROM orders WHERE order_id IS NOT NULL")}


def all_orders(world: Chaos) -> set[str]:
    return {str(order.order_id) for order in world.venue.orders}


async def told_by(world: Chaos, program: Program, text: str, after: Message | None) -> None:
    """Waits until this program notifies the owner of `text`."""
    named = f"process {program.last_pid} on"
    await world.chat.owner.wait_for(lambda one: text in one.text and named in one.text, after=after, within=TOLD_SECONDS)


@pytest.fixture
async def topic(memory_broker: MemoryBroker) -> str:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    return memory_broker.address


@pytest.mark.timeout(60 + 40 * STARTS)
async def test_started_in_either_order_they_never_buy_twice_and_the_owner_hears_of_both(tmp_path: Path, topic: str) -> None:
    async with chaos(tmp_path, topic, seed=11) as world:
        first = world.program
        first.ready_without = ALONE
        second, slowest = twin(world, tmp_path / "second"), 0.0
        try:
            async with flowing(world, every=0.2):
                for number in range(STARTS):
                    early, late = (first, second) if number % 2 == 0 else (second, first)
                    await early.start()
                    await asyncio.sleep(world.random.uniform(0, 3))
                    last = world.chat.owner.received[-1] if world.chat.owner.received else None
                    await late.start()
                    began = time.monotonic()
                    for program in (early, late):
                        await told_by(world, program, "Another program uses this bot's token", last)
                    slowest = max(slowest, time.monotonic() - began)
                    await asyncio.sleep(world.random.uniform(0, 3))
                    assert orders_of(second) == set()
                    for program in (first, second):
                        await (program.kill() if world.random.random() < 0.5 else program.stop())
            assert world.venue.orders
            assert bought_twice(world) == {}
            await first.start()
            await world.settle()
            assert orders_of(first) == all_orders(world)
            assert orders_of(second) == set()
            print(
                f"\n{STARTS} starts: both told at most {slowest:.1f} s after the second was up; {len(world.venue.orders)} orders"
            )
        finally:
            await second.kill()


@pytest.mark.timeout(400)
async def test_the_one_that_was_alone_goes_on_until_the_other_stays_and_again_once_it_is_gone(tmp_path: Path, topic: str) -> None:
    async with chaos(tmp_path, topic, seed=12) as world:
        first, second = world.program, twin(world, tmp_path / "second")
        try:
            await first.start()
            async with flowing(world, every=0.2):
                await asyncio.sleep(2 * QUIET_SECONDS + 5)  # it proves to be alone
                last = world.chat.owner.received[-1]
                await second.start()
                began = time.monotonic()
                await told_by(world, first, "This one keeps trading", last)
                await told_by(world, second, "no entries here", last)
                before = len(world.venue.orders)
                await asyncio.sleep(15)
                assert len(world.venue.orders) > before  # it goes on
                left = STAYS_SECONDS + 15 - (time.monotonic() - began)
                await world.chat.owner.wait_for("The other program is still there: no more entries here", within=left)
                await asyncio.sleep(5)
                bought = [order.order_id for order in world.venue.orders if order.side == "BUY"]
                await asyncio.sleep(10)
                assert [order.order_id for order in world.venue.orders if order.side == "BUY"] == bought
                assert first.ledger("SELECT 1 FROM inbox WHERE reason_code = 'another_program'")
                await second.kill()
                await world.chat.owner.wait_for("has the bot to itself again", within=QUIET_SECONDS + 20)
                await asyncio.sleep(5)
                assert len([order for order in world.venue.orders if order.side == "BUY"]) > len(bought)
            await world.settle()
            assert bought_twice(world) == {}
            assert (orders_of(first), orders_of(second)) == (all_orders(world), set())
        finally:
            await second.kill()


if not LONG:  # it takes three minutes
    del test_the_one_that_was_alone_goes_on_until_the_other_stays_and_again_once_it_is_gone
