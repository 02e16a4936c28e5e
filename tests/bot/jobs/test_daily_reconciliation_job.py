"""Each day is proved once, reported once, and proved again where something was missing or differed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from bot.jobs.daily_reconciliation_job import DailyReconciliationJob
from core.domain.daily_proof import Proof, Proved
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable, MarketFlowError
from core.domain.events.daily_proof import DayProved, DayUnproved
from core.domain.events.priority import Priority
from tests.core.virtual_time import NOON, VirtualClock

YESTERDAY = (NOON - timedelta(days=1)).date()


class Office:
    """A prover whose answers are set by day, and a ledger that stores the results."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.answers: dict[str, list[Proof | MarketFlowError]] = {}
        self.asked: list[str] = []
        self.told: list[DayProved | DayUnproved] = []
        self.kept: dict[str, Proved] = {}
        self.shown: list[tuple[datetime | None, int]] = []
        self.broken = False
        self.began_at: datetime | None = NOON - timedelta(days=100)

    async def began(self) -> datetime | None:
        return self.began_at

    async def prove(self, day: datetime) -> Proof:
        name = f"{day:%Y-%m-%d}"
        self.asked.append(name)
        answer = (self.answers.get(name) or [Proof(name)]).pop(0)
        if isinstance(answer, MarketFlowError):
            raise answer
        return answer

    async def keep_proof(self, event: DayProved | DayUnproved) -> None:
        if self.broken:
            raise LedgerUnavailable("the disk is full")
        self.told.append(event)
        if isinstance(event, DayProved):
            self.kept[event.proof.day] = Proved(self.clock.now(), event.count, not event.proof.history_problem)
        else:
            self.kept[event.day] = Proved(self.clock.now(), 0, complete=False)

    async def proofs(self, since: str) -> Mapping[str, Proved]:
        return {day: one for day, one in self.kept.items() if day >= since}

    async def run(self) -> list[str]:
        """Runs the job; returns the days it asked about."""
        self.asked.clear()
        proof = DailyReconciliationJob(self, self, self.clock, lambda at, count: self.shown.append((at, count)), self.began)
        await self.clock.run(proof.run(), limit=100_000)
        return list(self.asked)


@pytest.fixture
def office() -> Office:
    return Office()


def day(back: int) -> str:
    return str(YESTERDAY - timedelta(days=back))


async def test_the_day_before_is_proved_and_told_once(office: Office) -> None:
    assert await office.run() == [day(0)]
    assert await office.run() == []
    assert [(event.priority, event.count) for event in office.told if isinstance(event, DayProved)] == [(Priority.NORMAL, 0)]
    assert office.shown == [(NOON, 0), (NOON, 0)]


async def test_days_that_were_missed_are_made_up_for(office: Office) -> None:
    await office.run()
    await office.clock.forward(3 * 86400)
    assert await office.run() == [day(-1), day(-2), day(-3)]
    await office.clock.forward(30 * 86400)
    assert len(await office.run()) == 1  # days more than a week ago are not known to be missing


async def test_what_differs_is_compared_again_until_it_agrees(office: Office) -> None:
    office.answers[day(0)] = [Proof(day(0), differences=tuple(map(str, range(30)))), Proof(day(0), differences=("one",))]
    await office.run()
    await office.clock.forward(86400)
    assert await office.run() == [day(0), day(-1)]
    assert office.shown[-1][1] == 1
    await office.clock.forward(86400)
    assert await office.run() == [day(0), day(-2)]
    assert office.shown[-1][1] == 0
    first, second, *_ = office.told
    assert isinstance(first, DayProved)
    assert (first.proof.day, first.count, len(first.proof.differences), first.priority) == (day(0), 30, 20, Priority.URGENT)
    assert isinstance(second, DayProved)
    assert (second.proof.day, second.count) == (day(0), 1)


async def test_a_part_that_answers_late_is_waited_for(office: Office) -> None:
    office.answers[day(0)] = [ExchangeUnavailable("away"), Proof(day(0), history_problem="away"), Proof(day(0))]
    assert await office.run() == [day(0)] * 3
    (event,) = office.told
    assert isinstance(event, DayProved)
    assert event.proof == Proof(day(0))


async def test_without_the_history_the_rest_is_told_and_the_day_is_due_again(office: Office) -> None:
    office.answers[day(0)] = [Proof(day(0), history_problem="away")] * 5
    await office.run()
    (event,) = office.told
    assert isinstance(event, DayProved)
    assert event.proof.history_problem == "away"
    assert office.shown == [(None, 0)]
    assert await office.run() == [day(0)]
    assert office.shown[-1][0] is not None


async def test_what_cannot_be_proved_at_all_is_said_and_due_again(office: Office) -> None:
    office.answers[day(0)] = [ExchangeUnavailable("away")] * 5
    await office.run()
    assert office.told == [DayUnproved(day(0), "away")]
    await office.clock.forward(86400)
    assert await office.run() == [day(0), day(-1)]


async def test_what_could_not_be_kept_is_due_again(office: Office) -> None:
    office.broken = True
    assert await office.run() == [day(0)]
    office.broken = False
    assert await office.run() == [day(0)]
    assert len(office.told) == 1


@pytest.mark.parametrize("began_at", [NOON, None])
async def test_no_day_before_the_first_start_is_compared(office: Office, began_at: datetime | None) -> None:
    office.began_at = began_at
    assert await office.run() == []
    assert office.told == []
    office.began_at = NOON - timedelta(hours=13)  # late yesterday
    assert await office.run() == [str(YESTERDAY)]
