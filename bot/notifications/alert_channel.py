"""Sends and edits alerts in one chat, within its rate limit."""

import structlog
from telegram.error import BadRequest, TelegramError

from bot.notifications.alert_rendering import unshowable
from bot.subscriptions.notification_rules import Recipient
from bot.telegram.client import NotTaken, RetryingBot
from bot.telegram.rate_limiter import RateLimiter
from bot.views.chat_message import ChatMessage
from core.domain.outbox_item import OutboxItem

log = structlog.get_logger(__name__)

_NO_TOPIC = ("thread not found", "topic_deleted", "topic_closed")  # the topic was deleted, or closed to the bot


class AlertChannel:
    """The way into one chat. A topic that accepts no messages any more is left out."""

    def __init__(self, sender: RetryingBot, rate_limiter: RateLimiter) -> None:
        self._sender = sender
        self._rate_limiter = rate_limiter
        self._lost_topic: int | None = None

    async def send_about(self, recipient: Recipient, message: ChatMessage, item: OutboxItem) -> int:
        """Sends the alert of `item`; see `send`."""
        return await self.send(recipient, message, item.event.kind, item.seq)

    async def send(self, recipient: Recipient, message: ChatMessage, kind: str, seq: int) -> int:
        """Returns the id of the message sent, or of one sent in its place saying that there is an event of this `kind` and
        number. Raises TelegramError where this chat accepts nothing at all."""
        await self._rate_limiter.take()
        try:
            return await self._sender.send(recipient.chat_id, message, thread_id=self._thread(recipient))
        except BadRequest as error:
            if recipient.thread_id is not None and any(word in str(error).lower() for word in _NO_TOPIC):
                log.error("TG_TOPIC_ID accepts no messages; alerts go to the group itself", error=self._sender.words(error))
                self._lost_topic = recipient.thread_id
                return await self._sender.send(recipient.chat_id, message)
            if "chat not found" in str(error).lower():
                raise
            refused: TelegramError = error
            attempts = None
        except NotTaken as error:
            refused, attempts = error, 1  # the full message may pass again soon
        finally:
            self._rate_limiter.count()  # a second from when it arrived, not from when it left
        log.error("Telegram refuses a message", error=self._sender.words(refused), seq=seq)
        bare = unshowable(recipient, kind, seq)
        return await self._sender.send(recipient.chat_id, bare, attempts, thread_id=self._thread(recipient))

    async def edit(self, recipient: Recipient, message_id: int, message: ChatMessage) -> bool:
        """Edits a message; returns False where that is not possible any more."""
        await self._rate_limiter.take()
        try:
            return await self._sender.edit(recipient.chat_id, message_id, message)
        finally:
            self._rate_limiter.count()

    async def delete(self, recipient: Recipient, message_id: int) -> None:
        """Deletes a message, as far as Telegram allows."""
        await self._rate_limiter.take()
        try:
            await self._sender.delete(recipient.chat_id, message_id)
        finally:
            self._rate_limiter.count()

    def _thread(self, recipient: Recipient) -> int | None:
        """Returns the topic, unless it is gone."""
        return recipient.thread_id if recipient.thread_id != self._lost_topic else None
