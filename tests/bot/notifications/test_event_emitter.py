"""Events of the process itself are stored in order, once, whatever the ledger does."""

import asyncio

from bot.notifications.event_emitter import EventEmitter
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.events.outages import PartTroubled
from core.domain.events.table import Event
from core.records.commit_batch import CommitBatch
from tests.bot.parts import FastClock


def part(number: int) -> PartTroubled:
    return PartTroubled("kafka", recovered=bool(number % 2), detail=str(number))


class Ledger:
    """Refuses the first `refusals` commits with `error`; each takes a turn of the loop."""

    def __init__(self, refusals: int = 0, error: Exception | None = None) -> None:
        self.refusals = refusals
        self.error = error or LedgerUnavailable("the disk is full")
        self.kept: list[Event] = []

    async def commit(self, batch: CommitBatch) -> None:
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise self.error
        self.kept += batch.events


async def test_in_order_and_once_through_an_outage() -> None:
    ledger = Ledger(refusals=3)
    events = EventEmitter(ledger, FastClock(speed=100))
    for number in range(5):
        events.emit(part(number))
        await asyncio.sleep(0)
    await events.keep(part(5))
    await events.keep(part(6))
    assert ledger.kept == [part(number) for number in range(7)]


async def test_who_has_lost_the_ledger_waits_no_longer() -> None:
    ledger = Ledger(refusals=1, error=LeaseLost("another"))
    await EventEmitter(ledger, FastClock(speed=100)).keep(part(1))
    assert ledger.kept == []
