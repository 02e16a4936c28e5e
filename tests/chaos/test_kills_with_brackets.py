"""Kills the program with -9 while stops and targets rest, under faults of placing and cancelling, in a market that fills them.

`make chaos KILLS=100` kills more often, and in every way. Each run prints its seed; CHAOS_SEED repeats it.
"""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from tests.chaos.brackets import CANCEL, OCO, Brackets, bound_as_known, not_told
from tests.chaos.harness import SYMBOLS, chaos
from tests.chaos.test_kills import KILLS, LONGEST_LIFE, SEED, Broker, broker, database_url

__all__ = ["broker", "database_url"]

PLANS = {
    "bracket": {"STOP_LOSS_PCT": "0.4", "TAKE_PROFIT_PCT": "0.5"},
    "ladder": {"STOP_LOSS_PCT": "0.4", "TAKE_PROFIT_PCT": "0.3:50,0.6:50"},
}
RULES = ("2024", "2026")
"""A stop with a limit, and one at the market."""

FEW = [("sqlite", "memory", "bracket", "2024"), ("postgresql", "real", "ladder", "2026")]
MORE = [("sqlite", "memory", "ladder", "2026"), ("postgresql", "real", "bracket", "2024")]


@pytest.mark.timeout(200 + 25 * KILLS)
@pytest.mark.parametrize(
    ("database_url", "broker", "plan", "rules"), FEW + (MORE if KILLS > 10 else []), indirect=["database_url", "broker"]
)
async def test_killed_again_and_again_while_brackets_rest(
    tmp_path: Path, broker: Broker, database_url: str, plan: str, rules: str
) -> None:
    async with chaos(tmp_path, await broker(), seed=SEED, database_url=database_url, changes=PLANS[plan]) as world:
        for symbol in SYMBOLS if rules == "2026" else ():
            world.venue.modernize(symbol)
        world.orders = ("POST order", OCO, OCO, CANCEL, CANCEL)
        world.most_waiting = 5
        brackets = Brackets(world)
        await world.program.start()
        watching = asyncio.create_task(brackets.watch())
        working = [
            asyncio.create_task(work) for work in (brackets.load(every=0.15), brackets.market(every=0.05), world.trouble())
        ]
        await asyncio.sleep(2)
        await world.program.kill()
        world.kills += 1
        for number in range(KILLS - 1):
            if number % 2:
                await world.kill_and_start(0.3, LONGEST_LIFE)
            else:
                await world.kill_and_start(0.0, LONGEST_LIFE / 2, brackets.at_work)
        killed = time.monotonic()
        await world.program.start()
        back = time.monotonic() - killed
        await asyncio.sleep(3)
        world.enough = True
        await asyncio.gather(*working)
        try:
            await world.settle()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            print(f"\nseed {SEED}, {plan}, rules of {rules}: {brackets.summary()}; back {back:.1f} s after the last kill")
            print(await world.summary())
        broken = [*await world.judged(), *await bound_as_known(world)]
        broken += [f"nobody was told that {symbol} is unprotected" for symbol in await not_told(world, brackets.overlong)]
    assert broken == []
