"""Alerts to the owner's chat sent without the ledger: when the ledger itself is gone, or when the process ends."""

import asyncio
from collections.abc import Callable

import structlog
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.subscriptions.recipients import Recipients
from bot.telegram.client import RetryingBot
from bot.telegram.rate_limiter import RateLimiters
from bot.texts import Html, Texts
from bot.views.chat_message import ChatMessage
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_LAST_SECONDS = 5.0  # for the last message: the supervisor that restarts the process waits for its end


class EmergencyAlert:
    """Sends what cannot be written into the outbox. Each alert is sent once, and by nothing else."""

    def __init__(self, bot: ExtBot[None], recipients: Recipients, rate_limiters: RateLimiters, clock: Clock) -> None:
        self._sender = RetryingBot(bot, clock)
        self._recipients = recipients
        self._rate_limiters = rate_limiters

    async def close(self) -> None:
        """Closes the connection."""
        await self._sender.bot.request.shutdown()

    async def say(self, lines: Callable[[Texts], list[Html]]) -> None:
        """Sends it, however long Telegram takes; gives up where retrying would not help."""
        recipient = self._recipients.main()
        message = ChatMessage("\n".join(lines(recipient.texts)))
        await self._rate_limiters.of(recipient.chat_id).take()
        try:
            await self._sender.send(recipient.chat_id, message, thread_id=recipient.thread_id)
        except TelegramError as error:
            log.error("the owner cannot be notified", error=self._sender.words(error))

    async def say_last(self, lines: Callable[[Texts], list[Html]]) -> None:
        """Sends it while the process ends: tries for some seconds and never raises."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.say(lines)
        except Exception as error:  # noqa: BLE001 - the process ends for a reason of its own, which must stay the one that is seen
            log.error("the owner cannot be notified of the end", error=type(error).__name__)
