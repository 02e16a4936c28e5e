"""Routes messages and taps to commands, confirmations and approvals. The gate has let them pass already."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from telegram import CallbackQuery, Message, Update, User
from telegram.error import TelegramError
from telegram.ext import CallbackContext, ExtBot

from bot.access.confirmations import read_confirmation
from bot.access.roles import invite_token_in
from bot.access.totp import is_code
from bot.access.typed_values import TypedValue
from bot.commands import approval_buttons as approvals
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.parser import ParsedCommand, parse_command, tappable
from bot.commands.start import joined
from bot.telegram.confirmation_flow import ConfirmationFlow
from bot.telegram.refusals import button_needs_role, command_needs_role, no_command, too_old, unknown_command
from bot.telegram.replies import Replies
from bot.texts import short
from bot.views.chat_message import ChatMessage
from bot.views.reply_keyboard import command_of
from core.domain.access import Role

log = structlog.get_logger(__name__)

Context = CallbackContext[Any, Any, Any, Any]

_OLD = timedelta(minutes=10)


class UpdateRouter:
    """Finds out for each update who sent it and what it asks for."""

    def __init__(self, bot: ExtBot[None], context: CommandContext, replies: Replies) -> None:
        self._bot = bot
        self._context = context
        self._replies = replies
        self._confirmations = ConfirmationFlow(replies)

    def role(self, user_id: int) -> Role | None:
        """Returns a person's role; None for a stranger."""
        return self._context.people.roles.role(user_id)

    def is_invited(self, text: str) -> bool:
        """Tells whether a message is the word of an open invitation."""
        word = invite_token_in(text)
        return word is not None and self._context.people.roles.lets_in(word, self._context.clock.now())

    async def not_own(self, message: Message) -> None:
        """Says why a forwarded or quoted message does nothing, if it looks like a command or a code."""
        person, text = message.from_user, message.text or ""
        if person is not None and (is_code(text) or self._asked(text) is not None):
            await self._replies.say(message, ChatMessage(self._context.spoken_to(person.id).texts("answer.not_own")))

    async def message(self, update: Update, _context: Context) -> None:
        """Handles a text message: a code, a command, or neither."""
        message = update.message
        if message is None or message.from_user is None or message.text is None:
            return
        # Not the update's number, which Telegram may begin anew: https://core.telegram.org/bots/api#update.
        source_id = f"message:{self._bot.id}:{message.chat.id}:{message.message_id}:{message.date.timestamp():.0f}"
        caller = self._caller(message.from_user, message.chat.id, source_id)
        if caller is None:
            await self._welcome(message, message.from_user, source_id)
            return
        if message.reply_to_message is not None:
            caller = replace(caller, reply_to=message.reply_to_message.message_id)
        context, asked = self._context.spoken_to(caller.user_id), self._asked(message.text)
        if await self._confirmations.took_code(context, message, caller):
            return
        heard = asked is not None or message.chat.type == message.chat.PRIVATE or caller.reply_to is not None
        typed = context.people.typed.take(caller.user_id, caller.chat_id) if heard else None
        if asked is not None:
            await self._replies.say(message, await self._answer(context, asked, caller, message.date))
        elif typed is not None and _completes(message, typed):
            await self._typed(context, message, replace(caller, page=typed.message_id), typed)
        elif message.chat.type == message.chat.PRIVATE and not message.text.startswith("/"):
            await self._replies.say(message, no_command(message.text, context.texts))

    async def tap(self, update: Update, _context: Context) -> None:
        """Handles a tapped button: a command, a confirmation, or an approval."""
        query = update.callback_query
        if query is None:
            return
        chat_id = query.message.chat.id if query.message is not None else query.from_user.id
        caller, data = self._caller(query.from_user, chat_id, f"callback:{query.id}"), query.data or ""
        if caller is None:
            return
        if query.message is not None:
            caller = replace(caller, page=query.message.message_id)
        context = self._context.spoken_to(caller.user_id)
        context.people.typed.take(caller.user_id, caller.chat_id)  # a tap is another wish
        asked = parse_command(data, self._bot.username)
        if asked is not None and asked.command is not None:
            await self._tapped_command(context, query, asked, caller)
        elif (confirmed := read_confirmation(data)) is not None:
            await self._confirmations.tapped(context, query, caller, *confirmed)
        elif approvals.read_answer(data) is not None:
            await self._confirmations.approval_tapped(context, query, caller)
        else:
            await self._replies.toast(query, context.texts("toast.unreadable"))

    async def failed(self, update: object, context: Context) -> None:
        """Logs an error of a handler and tells the person that something went wrong."""
        error, words = context.error, self._replies.sender.words
        if isinstance(error, TelegramError):
            log.warning("an answer could not be given", error=words(error))
            return
        log.error("an error in a command", exc_info=error)
        message = update.effective_message if isinstance(update, Update) else None
        if message is not None:
            try:
                await self._replies.send(message, ChatMessage(self._context.texts("answer.wrong")))
            except TelegramError as again:
                log.warning("an answer could not be given", error=words(again))

    async def _typed(self, context: CommandContext, message: Message, caller: Caller, typed: TypedValue) -> None:
        """Runs the command that the message completes, in the message that asked for it."""
        asked = self._asked(f"{typed.command} {message.text}")
        if asked is None:
            return
        reply = await self._answer(context, asked, caller, message.date)
        if typed.message_id is None or not await self._replies.edit(message.chat.id, typed.message_id, reply):
            await self._replies.say(message, reply)

    def _asked(self, text: str) -> ParsedCommand | None:
        return parse_command(command_of(text) or text, self._bot.username)

    def _caller(self, person: User, chat_id: int, source_id: str) -> Caller | None:
        """Returns None for a person without a role: the gate only lets them pass with an invitation."""
        role = self.role(person.id)
        if role is None:
            return None
        name = self._context.people.roles.names[person.id] = short(person.full_name)
        return Caller(person.id, name, role, source_id, chat_id)

    async def _welcome(self, message: Message, person: User, source_id: str) -> None:
        """Grants access to a person with an invitation. It is used up by the first who uses it."""
        word = invite_token_in(message.text or "")
        if word is not None:
            reply = await joined(self._context, word, person.id, short(person.full_name), source_id)
            await self._replies.say(message, reply)

    async def _tapped_command(self, context: CommandContext, query: CallbackQuery, asked: ParsedCommand, caller: Caller) -> None:
        if not asked.allowed(caller.role):
            await self._replies.toast(query, button_needs_role(context, asked.needed, caller))
            return
        fresh = await self._replies.toast(query, "")
        if asked.changes and not fresh:
            if query.message is not None:
                await self._replies.send(query.message, ChatMessage(context.texts("toast.old")))
            return
        reply = await self._answer(context, asked, caller, None)
        if asked.command is not None and asked.command.answers_anew and query.message is not None:
            await self._replies.send(query.message, reply, reply_to=query.message.message_id)
        else:
            await self._replies.replace(query, reply)

    async def _answer(
        self, context: CommandContext, asked: ParsedCommand, caller: Caller, sent_at: datetime | None
    ) -> ChatMessage:
        """Runs a command. The only way to one: the role and, if it changes something, the message's age are checked here."""
        if asked.command is None:
            return unknown_command(asked.name, context.texts)
        if not asked.allowed(caller.role):
            return command_needs_role(context, asked, caller)
        if not context.shows_figures(caller) and not asked.command.in_any_group(asked.args):
            return ChatMessage(context.texts("answer.in_private", bot=self._bot.username))
        age = context.clock.now() - sent_at if sent_at is not None else timedelta()
        if asked.changes and age > _OLD:
            return too_old(context, asked, age)
        return tappable(await asked.command.run(context, asked.args, caller), caller.role)


def _completes(message: Message, typed: TypedValue) -> bool:
    """Tells whether the message is the awaited value: in a group it has to reply to the message that asked for it."""
    if (message.text or "").startswith("/"):
        return False
    replied = message.reply_to_message.message_id if message.reply_to_message is not None else None
    return message.chat.type == message.chat.PRIVATE or (replied is not None and replied == typed.message_id)
