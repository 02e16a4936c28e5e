"""An hour without Telegram, in virtual time: no order comes a millisecond later, and everything is sent after it, in order."""

import asyncio
import json
from random import Random
from typing import Any

from sqlalchemy import select

from core.adapters.ledger.tables import notification_tables
from tests.owner_deliveries import messages_of
from tests.simulation.broker import Broker
from tests.simulation.chat import Chat
from tests.simulation.disk import Disk
from tests.simulation.exchange import SYMBOLS, Exchange
from tests.simulation.loop import Process, SeededLoop
from tests.simulation.machine import Clock, Fate
from tests.simulation.program import Parts, Program

HOUR = 3600.0
EVERY = 15.0  # seconds between two signals


class Steady(Random):
    """Leaves nothing to chance: everything takes as long as always, and comes in its turn."""

    def random(self) -> float:
        return 0.5

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2

    def randrange(self, *_: Any) -> int:
        return 0


async def _an_hour(loop: SeededLoop, *, away: bool) -> tuple[list[int], list[tuple[int, int]], Chat]:
    fate, clock = Fate(loop, Steady(), frozenset()), Clock(loop)
    chat = Chat(fate)
    parts = Parts(fate, clock, Disk(fate), Exchange(fate, clock, ahead=0), Broker(fate, 3), chat)
    process = Process("p1")
    program = Program(parts, process)
    running = loop.start(process, program.run(), "program")
    await asyncio.sleep(5)
    chat.away = away
    for number in range(int(HOUR / EVERY)):
        symbol = SYMBOLS[number % len(SYMBOLS)]
        side = "BUY_SM" if (number // len(SYMBOLS)) % 2 == 0 else "SELL_SM"
        price = parts.exchange.venue.exchange.books[symbol].last
        record = {"signal_type": side, "close": str(price), "symbol": symbol, "signal_id": f"n{number}"}
        parts.broker.publish(number % 3, json.dumps(record).encode())
        await asyncio.sleep(EVERY)
    waiting = dict(parts.disk.unsettled())["alerts undelivered"]
    assert (waiting > 180) is away
    chat.away = False
    await asyncio.sleep(900)
    assert not any(dict(parts.disk.unsettled()).values())
    program.asked_to_stop.set()
    assert await running == "ended"
    outbox, deliveries = (
        parts.disk.rows(select(table)) for table in (notification_tables.outbox, notification_tables.deliveries)
    )
    told_in = messages_of(outbox, deliveries)
    told = [(row["priority"], told_in.get(row["seq"], 0)) for row in outbox]
    return [trade.time for trade in parts.exchange.venue.trades], told, chat


def _lived(*, away: bool) -> tuple[list[int], list[tuple[int, int]], Chat]:
    loop = SeededLoop(Steady())
    try:
        return loop.run_until_complete(_an_hour(loop, away=away))
    finally:
        loop.forget()


def test_an_hour_without_telegram_costs_no_order_a_millisecond_and_no_alert() -> None:
    executed_with, _, _ = _lived(away=False)
    executed_without, told, chat = _lived(away=True)
    assert len(executed_with) > 150
    assert executed_without == executed_with

    assert all(message in chat.messages for _, message in told)
    for priority in {priority for priority, _ in told}:
        numbers = [message for of, message in told if of == priority]
        assert numbers == sorted(numbers)
