"""The notifier of the owner's chat, and its deliveries in a ledger's rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from telegram.ext import ExtBot

from bot.access.roles import Roles
from bot.notifications.dispatcher import NotificationDispatcher
from bot.reports.chart_process import ChartProcess
from bot.subscriptions.recipients import Recipients
from bot.telegram.rate_limiter import RateLimiters
from core.domain.delivery import MAIN_READER
from core.domain.trading_state import TradingState
from core.ports.clock import Clock
from core.ports.outbox import Outbox
from core.state.portfolio import Portfolio
from tests.core.world import LIMITS

Row = Mapping[str, Any]


def owners_notifier(
    bot: ExtBot[None], chat_id: int, outbox: Outbox, clock: Clock, topic: int | None = None
) -> NotificationDispatcher:
    """Returns a dispatcher that sends everything, in English, to one chat alone, or a topic of it."""
    portfolio = Portfolio(TradingState(), LIMITS)
    recipients = Recipients(chat_id, topic, "en", "UTC", Roles(portfolio), portfolio)
    return NotificationDispatcher(
        bot,
        recipients,
        outbox,
        clock,
        blocked=_nobody,
        quote=lambda _: None,
        rate_limiters=RateLimiters(clock),
        draw=ChartProcess().draw,
    )


async def _nobody(user_id: int) -> None:
    raise AssertionError(f"{user_id} is not told at all")


def undelivered(outbox: Sequence[Row], told: Sequence[Row]) -> list[Row]:
    """Returns the events that the owner's chat has not received."""
    seqs = {row["priority"]: row["seq"] for row in told if row["reader"] == MAIN_READER}
    return [row for row in outbox if row["seq"] > seqs.get(row["priority"], 0)]


def messages_of(outbox: Sequence[Row], deliveries: Sequence[Row]) -> dict[int, int]:
    """Returns the owner's last message about each event, by the event's seq."""
    of_owner = [row for row in deliveries if row["reader"] == MAIN_READER]
    return {
        event["seq"]: row["message_id"]
        for row in sorted(of_owner, key=lambda row: row["message_id"])
        for event in outbox
        if event["priority"] == row["priority"] and row["first_seq"] <= event["seq"] <= row["last_seq"]
    }
