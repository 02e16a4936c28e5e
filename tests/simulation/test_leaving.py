"""A pending exit is sold whatever came between: the real client against the strict exchange, in virtual time."""

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.adapters.ledger.tables import notification_tables, result_tables
from tests.simulation.broker import Broker
from tests.simulation.chat import Chat
from tests.simulation.disk import Disk
from tests.simulation.exchange import Exchange
from tests.simulation.loop import Process, SeededLoop
from tests.simulation.machine import Clock, Fate
from tests.simulation.program import Parts, Program
from tests.simulation.test_outage import Steady

SYMBOL = "WIFUSDC"


class Scene:
    """One program on its parts; it can be killed and started again."""

    def __init__(self, loop: SeededLoop) -> None:
        fate, clock = Fate(loop, Steady(), frozenset()), Clock(loop)
        self.loop = loop
        self.parts = Parts(fate, clock, Disk(fate), Exchange(fate, clock, ahead=0), Broker(fate, 3), Chat(fate))
        self.exchange, self.venue = self.parts.exchange, self.parts.exchange.venue
        self.bought = Decimal(0)
        self._starts = 0
        self._start()

    def _start(self) -> None:
        self._starts += 1
        self.process = Process(f"p{self._starts}")
        self.program = Program(self.parts, self.process)
        self.running = self.loop.start(self.process, self.program.run(), "program")

    async def crash(self, away: float) -> None:
        self.loop.kill(self.process)
        await asyncio.sleep(away)
        self._start()

    def say(self, side: str, name: str) -> None:
        price = self.venue.exchange.books[SYMBOL].last
        record = {"signal_type": side, "close": str(price), "symbol": SYMBOL, "signal_id": name}
        self.parts.broker.publish(0, json.dumps(record).encode())

    def held(self) -> Decimal:
        (row,) = self.parts.disk.rows(select(result_tables.positions).where(result_tables.positions.c.symbol == SYMBOL))
        held: Decimal = row["qty"]
        return held if row["is_open"] else Decimal(0)

    def sales(self) -> list[Decimal]:
        """Returns the sales, order by order, as the exchange has them."""
        return [order.executed_qty for order in self.venue.orders if order.side == "SELL"]

    def told(self) -> list[str]:
        return [
            str(row["kind"])
            for row in self.parts.disk.rows(select(notification_tables.outbox).order_by(notification_tables.outbox.c.seq))
        ]


Trouble = Callable[[Scene], Awaitable[None]]


async def banned_for_70_seconds(scene: Scene) -> None:
    scene.exchange.banned_until = scene.loop.time() + 70
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(75)


async def another_step_size(scene: Scene) -> None:
    scene.venue.edit_symbol(SYMBOL, step_size="1", min_qty="1")
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(1)


async def another_balance(scene: Scene) -> None:
    """Locks a third of it in an order of the owner's, which ends later."""
    coins = scene.venue.account.balance("WIF")
    bound = coins.free / 3
    coins.free, coins.locked = coins.free - bound, coins.locked + bound
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(15)
    coins.free, coins.locked = coins.free + bound, coins.locked - bound


async def no_ledger_for_100_seconds(scene: Scene) -> None:
    scene.parts.disk.full = True
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(100)
    scene.parts.disk.full = False


async def no_exchange_for_200_seconds(scene: Scene) -> None:
    scene.exchange.away = True
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(200)
    scene.exchange.away = False


async def no_broker_for_200_seconds(scene: Scene) -> None:
    scene.parts.broker.away = True
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(200)
    scene.parts.broker.away = False


async def a_crash_while_it_waits(scene: Scene) -> None:
    scene.exchange.banned_until = scene.loop.time() + 40
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(20)
    await scene.crash(away=90)


async def a_higher_notional_for_a_while(scene: Scene) -> None:
    scene.venue.edit_symbol(SYMBOL, min_notional="1000")
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(100)
    scene.venue.edit_symbol(SYMBOL, min_notional="5")


async def a_halt_of_the_symbol(scene: Scene) -> None:
    scene.venue.edit_symbol(SYMBOL, status="BREAK")
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(120)
    scene.venue.edit_symbol(SYMBOL, status="TRADING")


async def one_order_takes_a_third(scene: Scene) -> None:
    scene.venue.edit_symbol(SYMBOL, market_max_qty="14")
    scene.say("SELL_SM", "exit")
    await asyncio.sleep(5)


TROUBLES: tuple[Trouble, ...] = (
    banned_for_70_seconds,
    another_step_size,
    another_balance,
    no_ledger_for_100_seconds,
    no_exchange_for_200_seconds,
    no_broker_for_200_seconds,
    a_crash_while_it_waits,
    a_higher_notional_for_a_while,
    a_halt_of_the_symbol,
    one_order_takes_a_third,
)


async def _lived(loop: SeededLoop, trouble: Trouble) -> Scene:
    scene = Scene(loop)
    scene.exchange.fate.over = True
    await asyncio.sleep(5)
    scene.say("BUY_SM", "entry")
    await asyncio.sleep(5)
    assert scene.held() > 40
    scene.bought = scene.held()
    await trouble(scene)
    await asyncio.sleep(60)
    scene.program.asked_to_stop.set()
    assert await scene.running == "ended"
    return scene


# A killed process leaves its coroutines where they stood.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_what_is_wanted_is_sold_once(trouble: Trouble) -> None:
    loop = SeededLoop(Steady())
    try:
        scene = loop.run_until_complete(_lived(loop, trouble))
    finally:
        loop.forget()
        gc.collect()
    assert scene.held() == 0
    assert scene.bought - 1 < sum(scene.sales()) <= scene.bought
    names = [order.client_order_id for order in scene.venue.orders]
    assert len(names) == len(set(names))
    assert dict(scene.parts.disk.unsettled())["wanted exits"] == 0
    assert "signal_refused" not in scene.told()
