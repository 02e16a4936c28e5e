"""Unauthenticated requests: counted one by one, reported together, and never often."""

from bot.web.unauthenticated_requests import AGAIN_SECONDS, GATHER_SECONDS, UnauthenticatedRequests
from core.domain.events.intake import RequestsRefused
from core.domain.events.table import Event
from tests.core.virtual_time import VirtualClock


async def test_the_first_is_told_soon_and_ten_thousand_after_it_together() -> None:
    clock, told = VirtualClock(), list[Event]()
    away = UnauthenticatedRequests(told.append, clock)
    began = clock.now()
    away.note("wrong_secret")
    await away.run()
    assert told == []
    await clock.forward(GATHER_SECONDS)
    away.note("wrong_secret")
    away.note("no_secret")
    await away.run()
    assert told == [RequestsRefused(began, (("wrong_secret", 2), ("no_secret", 1)))]
    again = clock.now()
    for _ in range(int(AGAIN_SECONDS) - 1):
        for _ in range(10):
            away.note("unreadable")
        await clock.forward(1)
        await away.run()
    assert len(told) == 1
    await clock.forward(1)
    await away.run()
    assert told[1:] == [RequestsRefused(again, (("unreadable", 10 * (int(AGAIN_SECONDS) - 1)),))]


async def test_one_after_a_quiet_day_is_told_as_soon_as_the_first() -> None:
    clock, told = VirtualClock(), list[Event]()
    away = UnauthenticatedRequests(told.append, clock)
    for number in (1, 2):
        await clock.forward(86_400)
        away.note("wrong_secret")
        await clock.forward(GATHER_SECONDS)
        await away.run()
        assert len(told) == number
