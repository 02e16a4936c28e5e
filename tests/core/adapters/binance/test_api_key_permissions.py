"""The permissions of the exchange key: read from the exchange itself, reported at each start, with what to do."""

import pytest

from bot.jobs.api_key_check import ApiKeyCheck
from bot.texts import texts
from bot.views.api_key_warning import IN_ENGLISH
from bot.views.chat_message import plain_text
from bot.views.events import render
from core.adapters.binance.binance_client import BinanceClient
from core.domain.access import Topic
from core.domain.events.priority import Priority
from core.domain.events.process import KeyTooWide
from core.domain.events.table import Event, topic_of
from tests.core.adapters.conftest import Connect
from tests.core.virtual_time import VirtualClock
from tests.venue import Venue

RESTRICTIONS = "GET /sapi/v1/account/apiRestrictions"


class HastyClock(VirtualClock):
    """A clock on which nobody waits; it records the waits."""

    async def sleep(self, seconds: float) -> None:
        self.step(seconds)


async def told_of(client: BinanceClient) -> tuple[list[Event], float]:
    told: list[Event] = []
    clock = HastyClock()
    began = clock.now()
    await ApiKeyCheck(client, told.append, clock).run()
    return told, (clock.now() - began).total_seconds()


async def test_a_key_that_may_just_what_it_needs_is_not_worth_a_word(client: BinanceClient) -> None:
    assert await told_of(client) == ([], 0.0)


@pytest.mark.parametrize(
    ("rights", "findings", "priority"),
    [
        ({"can_withdraw": True}, ("withdraws",), Priority.URGENT),
        ({"can_withdraw": True, "ip_restricted": False}, ("withdraws", "any_address"), Priority.URGENT),
        ({"can_transfer": True}, ("transfers",), Priority.NORMAL),
        ({"ip_restricted": False}, ("any_address",), Priority.NORMAL),
    ],
)
async def test_what_it_may_besides_is_told(
    venue: Venue, client: BinanceClient, rights: dict[str, bool], findings: tuple[str, ...], priority: Priority
) -> None:
    venue.change_key(**rights)
    (event,), _ = await told_of(client)
    assert event == KeyTooWide(findings, priority=priority)
    assert topic_of(event) is Topic.PROBLEMS
    for language in ("en", "ru"):
        words = plain_text(render(event, texts(language)).text)
        assert len(words.splitlines()) == len(findings) + 2
        assert "API Management" in words
    assert all(IN_ENGLISH[finding] for finding in findings)


async def test_an_exchange_that_does_not_say_it_at_once_is_asked_again(venue: Venue, client: BinanceClient) -> None:
    venue.change_key(can_withdraw=True)
    venue.faults.answer(RESTRICTIONS, 404, "<html>", content_type="text/html", times=2)
    (event,), _ = await told_of(client)
    assert event == KeyTooWide(("withdraws",))


async def test_what_cannot_be_read_is_told_as_that(venue: Venue, connect: Connect) -> None:
    venue.faults.answer(RESTRICTIONS, 404, "<html>", content_type="text/html", times=None)
    (event,), waited = await told_of(connect())
    assert event == KeyTooWide((), "not told", priority=Priority.NORMAL)
    assert 60 < waited < 600
    (event,), _ = await told_of(connect(key="nobody" * 10))
    assert isinstance(event, KeyTooWide)
    assert event.unread
    assert not event.findings
