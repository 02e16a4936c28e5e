"""Fills that race the program: while breakeven moves the stop, while the same order is asked about, while an entry is taken off.

`make chaos KILLS=100` races more often.
"""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.plan_leg import LegKind
from demo.broker import MemoryBroker
from tests.chaos.brackets import CANCEL, OCO, bound_as_known, legs_of, price_near, until
from tests.chaos.harness import PARTITIONS, SYMBOLS, TOPIC, Chaos, chaos
from tests.chaos.racing import DOWN, ROUNDS, STEP_WITHIN, UP, enter, is_over, sellers, start
from tests.chaos.test_kills import SEED
from tests.simulation.exchange import is_entry
from tests.venue.model import Order

_OPEN = "GET openOrders"
_LIMIT, _BELOW = Decimal("0.996"), Decimal("0.99")  # times the price at the start
_EXPIRES_IN = 2.0  # seconds


@pytest.mark.timeout(120 + 30 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_the_second_target_or_the_stop_fills_while_breakeven_moves_the_stop(
    tmp_path: Path, memory_broker: MemoryBroker, rules: str
) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "0.5:50,1:50", "BREAKEVEN_AFTER": "target"}
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await start(world, rules)
        await asyncio.gather(*(_move_while_it_fills(world, symbol) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} stops moved to breakeven: {sellers(world)}")
    assert broken == []


async def _move_while_it_fills(world: Chaos, symbol: str) -> None:
    for number in range(ROUNDS):
        await enter(world, symbol, number, legs=4)
        moving = CANCEL if (number + list(SYMBOLS).index(symbol)) % 3 else OCO
        request = world.venue.faults.slow_engine(moving, world.random.uniform(0, 40), symbol=symbol)
        first = min(legs_of(world, symbol, LegKind.TARGET), key=lambda target: target.price)
        world.venue.set_price(symbol, first.price)
        await asyncio.wait_for(request.arrived.wait(), STEP_WITHIN)
        await asyncio.sleep(world.random.uniform(0, 0.08))
        world.venue.set_price(symbol, price_near(world, symbol, UP if world.random.random() < 0.7 else DOWN))
        request.release()
        await _leave(world, symbol, number)


@pytest.mark.timeout(120 + 20 * ROUNDS)
async def test_a_fill_is_told_by_the_stream_while_the_order_is_asked_about(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1"}
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes, streams=True) as world:
        await start(world, "2026")
        for number in range(ROUNDS):
            await asyncio.gather(*(enter(world, symbol, number) for symbol in SYMBOLS))
            asked = world.venue.faults.hold(_OPEN)
            world.venue.streams.cut()  # it asks as soon as it has the stream again
            await asyncio.wait_for(asked.arrived.wait(), STEP_WITHIN)
            for symbol in SYMBOLS:
                world.venue.set_price(symbol, price_near(world, symbol, UP))
                await asyncio.sleep(world.random.uniform(0, 0.02))
            asked.release()
            await asyncio.gather(*(_leave(world, symbol, number) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\n{ROUNDS * len(SYMBOLS)} fills told and asked for at once: {sellers(world)}")
    assert broken == []


@pytest.mark.timeout(120 + 30 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_an_entry_fills_as_its_time_is_over(tmp_path: Path, memory_broker: MemoryBroker, rules: str) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1"}
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await start(world, rules)
        await asyncio.gather(*(_fill_as_time_ends(world, symbol) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        entries = [order for order in world.venue.orders if is_entry(order)]
        filled = sum(order.status == "FILLED" for order in entries)
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} entries at the end of their time: {filled} of {len(entries)} filled")
    assert broken == []


async def _fill_as_time_ends(world: Chaos, symbol: str) -> None:
    for number in range(ROUNDS):
        world.venue.set_price(symbol, SYMBOLS[symbol])
        cancel = world.venue.faults.slow_engine(CANCEL, world.random.uniform(0, 60), symbol=symbol)
        limit = {"order_type": "LIMIT", "limit_price": str(price_near(world, symbol, _LIMIT)), "expires_in": _EXPIRES_IN}
        then = ("cancel", "market", "reprice")[(number + list(SYMBOLS).index(symbol)) % 3]
        await world.say(symbol, "BUY_SM", f"in-{symbol}-{number}", **limit, on_timeout=then)
        await asyncio.wait_for(cancel.arrived.wait(), STEP_WITHIN)
        await asyncio.sleep(world.random.uniform(0, 0.08))
        world.venue.set_price(symbol, price_near(world, symbol, _BELOW))
        await until(lambda: not _entries(world, symbol), STEP_WITHIN, f"no entry rests in {symbol}, round {number}")
        await _leave(world, symbol, number)


def _entries(world: Chaos, symbol: str) -> list[Order]:
    return [order for order in world.venue.exchange.orders_open(None, symbol) if is_entry(order)]


async def _leave(world: Chaos, symbol: str, number: int) -> None:
    """Sells what is left, and waits until the round is over."""
    await world.say(symbol, "SELL_SM", f"out-{symbol}-{number}")
    await until(lambda: is_over(world, symbol), STEP_WITHIN, f"{symbol} is sold in round {number}")
