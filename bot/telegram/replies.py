"""Replies to messages and taps, retried until Telegram accepts them."""

from contextlib import suppress
from dataclasses import replace

import structlog
from telegram import CallbackQuery, MaybeInaccessibleMessage, Message
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from bot.settings.redaction import shown as redacted
from bot.telegram.client import RetryingBot
from bot.telegram.expiring_messages import ExpiringMessages
from bot.telegram.question_expiry import QuestionExpiry
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.single_instance import SingleInstance
from bot.texts import Texts, short
from bot.views.chat_message import ChatMessage, plain_text, units
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_REPLY_ATTEMPTS = 20  # some three minutes: a person who paused and hears nothing repeats it, or believes it was not done
_TOAST_ATTEMPTS = 3  # a tap can be answered for some seconds only
_WHO_SHOWN = 160
_TOAST_UNITS = 200  # https://core.telegram.org/bots/api#answercallbackquery


class Replies:
    """Sends, edits and deletes replies through one bot. `texts` are those of the owner's chat."""

    def __init__(self, bot: ExtBot[None], clock: Clock, rate_limiters: RateLimiters, alone: SingleInstance, texts: Texts) -> None:
        self.sender = RetryingBot(bot, clock)
        self.expiring = ExpiringMessages(self.sender, clock)
        self.questions = QuestionExpiry(self.sender, clock)
        self._bot = bot
        self._rate_limiters = rate_limiters
        self._alone = alone
        self._texts = texts

    async def end(self) -> None:
        """Deletes the expiring messages and closes the open questions, as the process ends."""
        await self.expiring.end()
        await self.questions.end()

    async def say(self, message: Message, reply: ChatMessage) -> None:
        """Answers a message; in a group as a reply to it, so that everyone sees which message is answered."""
        await self.send(message, reply, reply_to=None if message.chat.type == message.chat.PRIVATE else message.message_id)

    async def send(self, beside: MaybeInaccessibleMessage, reply: ChatMessage, *, reply_to: int | None = None) -> None:
        """Sends `reply` to the chat and topic of `beside`."""
        in_topic = isinstance(beside, Message) and beside.is_topic_message
        thread_id = beside.message_thread_id if isinstance(beside, Message) and in_topic else None
        with self._rate_limiters.of(beside.chat.id).answering():
            sent = await self.sender.send(
                beside.chat.id, self._signed(reply), _REPLY_ATTEMPTS, thread_id=thread_id, reply_to=reply_to
            )
        self.questions.watch(beside.chat.id, sent, reply.expiry)
        if reply.passes:
            await self.expiring.keep(beside.chat.id, sent, reply.passes)

    async def edit(self, chat_id: int, message_id: int, reply: ChatMessage) -> bool:
        """Edits one of our messages; returns False where that is not possible any more."""
        edited = await self.sender.edit(chat_id, message_id, reply, _REPLY_ATTEMPTS)
        self.questions.watch(chat_id, message_id, reply.expiry if edited else None)
        return edited

    async def replace(self, query: CallbackQuery, reply: ChatMessage) -> None:
        """Replaces the message whose button was tapped with `reply`, or sends it where that cannot be edited."""
        if query.message is None:  # the buttons are ours and never inline in somebody else's chat
            return
        reply = self._signed(reply)
        if not await self.edit(query.message.chat.id, query.message.message_id, reply):
            await self.send(query.message, reply)

    async def toast(self, query: CallbackQuery, text: str) -> bool:
        """Answers a tap. Returns False where Telegram says that the tap is too old to be answered."""
        shown = plain_text(redacted(text))
        while units(shown) > _TOAST_UNITS:
            shown = f"{shown[:-2]}…"
        try:
            await self.sender.do(lambda: self._bot.answer_callback_query(query.id, shown or None), _TOAST_ATTEMPTS)
        except BadRequest as error:
            log.info("a tap could not be answered", error=self.sender.words(error))
            return False
        return True

    async def remove_buttons(self, query: CallbackQuery) -> None:
        """Removes the buttons of a question that nobody can answer any more."""
        message = query.message
        if message is not None:
            with suppress(BadRequest):  # they are gone already
                await self.sender.do(
                    lambda: self._bot.edit_message_reply_markup(message.chat.id, message.message_id), _TOAST_ATTEMPTS
                )

    async def delete(self, message: Message) -> None:
        """Deletes a message that contains a code, where Telegram allows it."""
        with suppress(TelegramError):
            await self.sender.do(message.delete, 1)

    def _signed(self, reply: ChatMessage) -> ChatMessage:
        """Names this program where another one may have received the same message, or not."""
        if not self._alone.disturbed:
            return reply
        by = self._texts("another.answered", who=short(self._alone.who, _WHO_SHOWN))
        return reply if by in reply.text else replace(reply, text=f"{reply.text}\n\n{by}")
