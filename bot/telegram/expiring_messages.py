"""Messages that must not stay: a picture with a secret is deleted once it was scanned, after a while, and at shutdown."""

import asyncio
from contextlib import suppress

from telegram.error import TelegramError

from bot.telegram.client import RetryingBot
from core.ports.clock import Clock

_ATTEMPTS = 3


class ExpiringMessages:
    """Keeps one expiring message per chat: a new one replaces it."""

    def __init__(self, sender: RetryingBot, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._kept: dict[int, tuple[int, asyncio.Task[None]]] = {}

    async def keep(self, chat_id: int, message_id: int, seconds: float) -> None:
        """Deletes the message after `seconds`, and the one before it at once."""
        await self.take_away(chat_id)
        self._kept[chat_id] = message_id, asyncio.create_task(self._later(chat_id, message_id, seconds), name="passing message")

    async def take_away(self, chat_id: int) -> None:
        """Deletes it now, as far as Telegram allows."""
        message_id, task = self._kept.pop(chat_id, (None, None))
        if message_id is not None and task is not None:
            task.cancel()
            await self._delete(chat_id, message_id)

    async def end(self) -> None:
        """Deletes all waiting messages now, as the process ends."""
        for chat_id in list(self._kept):
            await self.take_away(chat_id)

    async def _later(self, chat_id: int, message_id: int, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._kept.pop(chat_id, None)
        await self._delete(chat_id, message_id)

    async def _delete(self, chat_id: int, message_id: int) -> None:
        with suppress(TelegramError):  # whatever the matter is, the chat is no place to say so
            await self._sender.delete(chat_id, message_id, _ATTEMPTS)
