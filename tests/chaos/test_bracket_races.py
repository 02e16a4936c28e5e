"""Fills that race the program: a stop while a SELL takes it off, and whatever comes while a bracket is placed anew.

`make chaos KILLS=100` races more often.
"""

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from core.adapters.ledger.tables import result_tables
from core.domain.plan_leg import LegKind
from demo.broker import MemoryBroker
from tests.chaos.brackets import CANCEL, bound_as_known, legs_of, part_of, price_near, until
from tests.chaos.harness import PARTITIONS, SYMBOLS, TOPIC, Chaos, chaos
from tests.chaos.test_kills import KILLS, SEED

ROUNDS = 12 if KILLS > 10 else 3  # for each of four symbols
_STEP_WITHIN = 30.0  # seconds
_DOWN, _UP = Decimal("0.99"), Decimal("1.011")


@pytest.mark.timeout(120 + 20 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_a_stop_fills_while_a_sell_takes_it_off(tmp_path: Path, memory_broker: MemoryBroker, rules: str) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1"}
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await _start(world, rules)
        await asyncio.gather(*(_sell_against_stop(world, symbol) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} races of a stop and a SELL: {_sellers(world)}")
    assert broken == []


async def _sell_against_stop(world: Chaos, symbol: str) -> None:
    for number in range(ROUNDS):
        await _enter(world, symbol, number)
        if number % 3 == 0:  # the stop fills first, and the cancel is on its way
            cancel = world.venue.faults.hold(CANCEL, symbol=symbol)
        else:
            cancel = world.venue.faults.slow_engine(CANCEL, world.random.uniform(0, 40), symbol=symbol)
        await world.say(symbol, "SELL_SM", f"out-{symbol}-{number}")
        await asyncio.wait_for(cancel.arrived.wait(), _STEP_WITHIN)
        await asyncio.sleep(world.random.uniform(0, 0.08))
        world.venue.set_price(symbol, price_near(world, symbol, _DOWN))
        cancel.release()
        await until(lambda: _is_over(world, symbol), _STEP_WITHIN, f"{symbol} is sold in round {number}")


@pytest.mark.timeout(120 + 40 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_the_market_moves_on_while_a_bracket_is_placed_anew(
    tmp_path: Path, memory_broker: MemoryBroker, rules: str
) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1", "TRADE_QUOTE": "50"}
    anew: list[float] = []
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await _start(world, rules)
        await asyncio.gather(*(_fill_in_part(world, symbol, anew) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} targets filled in part: {_sellers(world)}")
        print(f"{len(anew)} brackets placed anew, after {max(anew, default=0):.1f} s at most")
    assert broken == []


async def _fill_in_part(world: Chaos, symbol: str, anew: list[float]) -> None:
    for number in range(ROUNDS):
        await _enter(world, symbol, number)
        (target,) = legs_of(world, symbol, LegKind.TARGET)
        world.venue.fill_order(symbol, target.client_order_id, part_of(world, target))
        world.venue.trade(symbol, SYMBOLS[symbol])  # while the last trade was at the target the exchange takes no list with it
        what = ("anew", "stop", "rest", "sell")[(number + list(SYMBOLS).index(symbol)) % 4]
        if what == "anew":
            anew.append(await until(lambda: _has_stop(world, symbol), _STEP_WITHIN, f"a new bracket in {symbol}"))
        else:
            await asyncio.sleep(world.random.uniform(0, 2.5))
        if what in ("anew", "sell"):
            await world.say(symbol, "SELL_SM", f"out-{symbol}-{number}")
        else:
            world.venue.set_price(symbol, price_near(world, symbol, _DOWN if what == "stop" else _UP))
        await until(lambda: _is_over(world, symbol), _STEP_WITHIN, f"{symbol} is sold in round {number} ({what})")


async def _start(world: Chaos, rules: str) -> None:
    for symbol in SYMBOLS if rules == "2026" else ():
        world.venue.modernize(symbol)
    await world.program.start()


async def _enter(world: Chaos, symbol: str, number: int) -> None:
    """Buys, and waits for the bracket."""
    world.venue.set_price(symbol, SYMBOLS[symbol])
    await world.say(symbol, "BUY_SM", f"in-{symbol}-{number}")
    await until(lambda: len(legs_of(world, symbol)) == 2, _STEP_WITHIN, f"a bracket in {symbol}, round {number}")


def _has_stop(world: Chaos, symbol: str) -> bool:
    return bool(legs_of(world, symbol, LegKind.STOP))


async def _is_over(world: Chaos, symbol: str) -> bool:
    """Tells whether nothing is held or rests any more, as far as exchange and ledger know."""
    positions = result_tables.positions
    open_ones = await world.reader.read(select(positions.c.symbol).where(positions.c.symbol == symbol, positions.c.is_open))
    return not legs_of(world, symbol) and not open_ones


def _sellers(world: Chaos) -> str:
    """Summarises which orders sold."""
    sold = Counter(
        {"S": "a stop", "T": "a target", "X": "MarketFlow itself"}.get(order.client_order_id[32:33], "the SELL")
        for order in world.venue.orders
        if order.side == "SELL" and order.executed_qty
    )
    return ", ".join(f"{number} x {who}" for who, number in sorted(sold.items()))
