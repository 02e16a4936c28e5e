"""The ledger is set back to a copy that lacks the last seconds: nothing is bought or sold twice, and ledger and exchange agree
afterwards.

`make chaos` tries every way; otherwise some.
"""

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from demo.broker import MemoryBroker
from local_telegram.model import Message
from tests.chaos.copies import Copies, of_file, of_server
from tests.chaos.harness import PARTITIONS, SETTLE_SECONDS, TOPIC, Chaos, chaos
from tests.chaos.test_two_programs import bought_twice
from tests.running import STARTED, run_command

EVERY = int(os.environ.get("KILLS", "3")) > 10
BOUGHT, SOLD = "🟩 BUY_SM executed", "🔴 SELL_SM executed"
# Each step has its own limit (seconds), and names what it waited for; even a slow machine stays far below them.
TOLD_WITHIN, ENDED_WITHIN, AGREED_WITHIN, RECONCILED_WITHIN = 40.0, 40.0, 60.0, 60.0
LONGEST = 4 * TOLD_WITHIN + ENDED_WITHIN + AGREED_WITHIN + RECONCILED_WITHIN + SETTLE_SECONDS + 2 * STARTED + 30


@pytest.fixture
def copies(request: pytest.FixtureRequest, tmp_path: Path) -> Copies:
    if request.param.startswith("sqlite"):
        return of_file(tmp_path / "ledger.db", in_place=request.param.endswith("in place"))
    return of_server(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_url"))


@pytest.fixture
def broker(memory_broker: MemoryBroker) -> str:
    memory_broker.create_topic(TOPIC, partitions=PARTITIONS)
    return memory_broker.address


WAYS = [
    ("sqlite", "stopped", "*"),
    ("sqlite", "running", "listed"),
    ("sqlite, in place", "running", "listed"),
    ("postgresql", "stopped", "listed"),
    ("postgresql", "running", "*"),
    ("sqlite", "stopped", "listed"),
    ("sqlite", "running", "*"),
    ("postgresql", "stopped", "*"),
    ("postgresql", "running", "listed"),
]


async def said(world: Chaos, told: str, signals: Mapping[str, str]) -> None:
    """Sends a signal for each symbol (`signals` has its id), all at once, and waits for the owner's notification of each."""
    last, kind = world.chat.owner.received[-1], "BUY_SM" if told is BOUGHT else "SELL_SM"
    for symbol, name in signals.items():
        await world.say(symbol, kind, name)
    for symbol in signals:
        await world.chat.owner.wait_for(partial(_tells, told, symbol), after=last, within=TOLD_WITHIN)


def _tells(told: str, symbol: str, message: Message) -> bool:
    return told in message.text and symbol in message.text


async def set_back(world: Chaos, copies: Copies, when: str) -> None:
    if when == "stopped":
        assert await world.program.stop() == 0
        await copies.put_back()
        return
    await copies.put_back()
    assert await world.program.ended(within=ENDED_WITHIN) == 1
    await world.program.kill()  # it watched over the ledger
    assert "Traceback" not in world.program.log
    told = await world.chat.owner.wait_for("🛑 The ledger went back in time", within=TOLD_WITHIN)
    assert f"process {world.program.last_pid} on" in told.text


@pytest.mark.timeout(LONGEST)
@pytest.mark.parametrize(("copies", "when", "symbols"), WAYS if EVERY else WAYS[:5], indirect=["copies"])
async def test_a_ledger_that_is_set_back_costs_no_second_order(
    tmp_path: Path, broker: str, copies: Copies, when: str, symbols: str
) -> None:
    allowed = {"SYMBOLS": "*"} if symbols == "*" else {}
    async with chaos(tmp_path, broker, seed=21, database_url=copies.url, changes=allowed) as world:
        await world.program.start()
        await said(world, BOUGHT, {"WIFUSDT": "s1"})
        await copies.take()
        await asyncio.gather(said(world, SOLD, {"WIFUSDT": "s3"}), said(world, BOUGHT, {"SOLUSDT": "s2", "DOGEUSDT": "s4"}))
        before = [order.order_id for order in world.venue.orders]
        await set_back(world, copies, when)
        # The records of the last minute are read again: they are young enough to be traded.
        await world.program.start()
        await world.settle()
        await world.agreed(within=AGREED_WITHIN)
        assert bought_twice(world) == {}
        assert [order.order_id for order in world.venue.orders] == before
        # Adopted orders are the program's own: their coins can be sold, and no more than that.
        await said(world, SOLD, {"SOLUSDT": "s5", "DOGEUSDT": "s6"})
        reconciled = await run_command("reconcile", settings=world.program.settings, within=RECONCILED_WITHIN)
        assert reconciled.code == 0, reconciled.stdout
