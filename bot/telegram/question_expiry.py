"""Expired questions: one that nobody confirmed in time says so and loses the buttons that would confirm it."""

import asyncio
from contextlib import suppress

from telegram.error import TelegramError

from bot.telegram.client import RetryingBot
from bot.views.chat_message import ChatMessage, Expiry
from core.ports.clock import Clock

_ATTEMPTS = 3
_GRACE_SECONDS = 1.0  # a tap within the time is taken first


class QuestionExpiry:
    """Watches the open questions of all chats, by chat and message id."""

    def __init__(self, sender: RetryingBot, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._watched: dict[tuple[int, int], tuple[Expiry, asyncio.Task[None]]] = {}

    def watch(self, chat_id: int, message_id: int, expiry: Expiry | None) -> None:
        """Edits the message once its time is over; None: it asks nothing any more."""
        self.answered(chat_id, message_id)
        if expiry is not None:
            task = asyncio.create_task(self._later(chat_id, message_id, expiry), name="question expiry")
            self._watched[chat_id, message_id] = expiry, task

    def answered(self, chat_id: int, message_id: int) -> Expiry | None:
        """Stops watching a question; returns when it would have expired, in case its answer does not count."""
        expiry, task = self._watched.pop((chat_id, message_id), (None, None))
        if task is not None:
            task.cancel()
        return expiry

    async def end(self) -> None:
        """Edits all open questions now: the process ends and forgets them."""
        watched, self._watched = self._watched, {}
        for (chat_id, message_id), (expiry, task) in watched.items():
            task.cancel()
            await self._edit(chat_id, message_id, expiry)

    async def _later(self, chat_id: int, message_id: int, expiry: Expiry) -> None:
        await self._clock.sleep(max(expiry.at - self._clock.monotonic(), 0) + _GRACE_SECONDS)
        self._watched.pop((chat_id, message_id), None)
        await self._edit(chat_id, message_id, expiry)

    async def _edit(self, chat_id: int, message_id: int, expiry: Expiry) -> None:
        with suppress(TelegramError):
            await self._sender.edit(chat_id, message_id, ChatMessage(expiry.text, expiry.keyboard), _ATTEMPTS)
