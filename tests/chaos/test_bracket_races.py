"""Fills that race the program: a stop while a SELL takes it off, and whatever comes while a bracket is placed anew.

`make chaos KILLS=100` races more often.
"""

import asyncio
from pathlib import Path

import pytest

from core.domain.plan_leg import LegKind
from demo.broker import MemoryBroker
from tests.chaos.brackets import CANCEL, bound_as_known, legs_of, part_of, price_near, until
from tests.chaos.harness import PARTITIONS, SYMBOLS, TOPIC, Chaos, chaos
from tests.chaos.racing import DOWN, ROUNDS, STEP_WITHIN, UP, enter, has_stop, is_over, sellers, start
from tests.chaos.test_kills import SEED


@pytest.mark.timeout(120 + 20 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_a_stop_fills_while_a_sell_takes_it_off(tmp_path: Path, memory_broker: MemoryBroker, rules: str) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1"}
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await start(world, rules)
        await asyncio.gather(*(_sell_against_stop(world, symbol) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} races of a stop and a SELL: {sellers(world)}")
    assert broken == []


async def _sell_against_stop(world: Chaos, symbol: str) -> None:
    for number in range(ROUNDS):
        await enter(world, symbol, number)
        if number % 3 == 0:  # the stop fills first, and the cancel is on its way
            cancel = world.venue.faults.hold(CANCEL, symbol=symbol)
        else:
            cancel = world.venue.faults.slow_engine(CANCEL, world.random.uniform(0, 40), symbol=symbol)
        await world.say(symbol, "SELL_SM", f"out-{symbol}-{number}")
        await asyncio.wait_for(cancel.arrived.wait(), STEP_WITHIN)
        await asyncio.sleep(world.random.uniform(0, 0.08))
        world.venue.set_price(symbol, price_near(world, symbol, DOWN))
        cancel.release()
        await until(lambda: is_over(world, symbol), STEP_WITHIN, f"{symbol} is sold in round {number}")


@pytest.mark.timeout(120 + 40 * ROUNDS)
@pytest.mark.parametrize("rules", ["2024", "2026"])
async def test_the_market_moves_on_while_a_bracket_is_placed_anew(
    tmp_path: Path, memory_broker: MemoryBroker, rules: str
) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    changes = {"STOP_LOSS_PCT": "0.9", "TAKE_PROFIT_PCT": "1", "TRADE_QUOTE": "50"}
    anew: list[float] = []
    async with chaos(tmp_path, memory_broker.address, seed=SEED, changes=changes) as world:
        await start(world, rules)
        await asyncio.gather(*(_fill_in_part(world, symbol, anew) for symbol in SYMBOLS))
        await world.settle()
        broken = [*await world.judged(), *await bound_as_known(world)]
        print(f"\nrules of {rules}, {ROUNDS * len(SYMBOLS)} targets filled in part: {sellers(world)}")
        print(f"{len(anew)} brackets placed anew, after {max(anew, default=0):.1f} s at most")
    assert broken == []


async def _fill_in_part(world: Chaos, symbol: str, anew: list[float]) -> None:
    for number in range(ROUNDS):
        await enter(world, symbol, number)
        (target,) = legs_of(world, symbol, LegKind.TARGET)
        world.venue.fill_order(symbol, target.client_order_id, part_of(world, target))
        world.venue.trade(symbol, SYMBOLS[symbol])  # while the last trade was at the target the exchange takes no list with it
        what = ("anew", "stop", "rest", "sell")[(number + list(SYMBOLS).index(symbol)) % 4]
        if what == "anew":
            anew.append(await until(lambda: has_stop(world, symbol), STEP_WITHIN, f"a new bracket in {symbol}"))
        else:
            await asyncio.sleep(world.random.uniform(0, 2.5))
        if what in ("anew", "sell"):
            await world.say(symbol, "SELL_SM", f"out-{symbol}-{number}")
        else:
            world.venue.set_price(symbol, price_near(world, symbol, DOWN if what == "stop" else UP))
        await until(lambda: is_over(world, symbol), STEP_WITHIN, f"{symbol} is sold in round {number} ({what})")
