"""The Telegram application: one gate, then one door for what is said and one for what is tapped. Trading never waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from telegram import CallbackQuery, MaybeInaccessibleMessage, Message, Update, User
from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError
from telegram.ext import Application, CallbackContext, CallbackQueryHandler, ExtBot, MessageHandler, TypeHandler, filters

from bot.access.confirmations import Refusal, Risk, confirm_keyboard, read_confirmation
from bot.access.roles import link_word
from bot.access.totp import is_code
from bot.commands import approval_buttons as approvals
from bot.commands import code, nearest
from bot.commands import totp_challenge as codes
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.parser import Asked, read_asked, tappable
from bot.commands.start import joined
from bot.settings.redaction import shown as redacted
from bot.telegram.api_responses import MOST_UPDATES
from bot.telegram.auth_gate import Gate, Strangers
from bot.telegram.client import Answer, NotTaken, RetryingBot
from bot.telegram.command_menu import CommandMenus
from bot.telegram.expiring_messages import ExpiringMessages
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.single_instance import CONFLICT_PAUSE_SECONDS, SingleInstance
from bot.texts import Html, Texts, short
from bot.views.chat_message import Button, ChatMessage, plain_text, units
from bot.views.duration import duration
from bot.views.reply_keyboard import command_meant, command_of
from core.domain.access import Role
from core.domain.errors import ConfigurationError

log = structlog.get_logger(__name__)

Context = CallbackContext[Any, Any, Any, Any]

_KINDS = ["message", "callback_query"]  # nothing else is asked for: an edited command is no command
_OLD = timedelta(minutes=10)
_ANSWER_ATTEMPTS = 20  # some three minutes: who paused and hears nothing says it again, or believes it was not done
_TOAST_ATTEMPTS = 3  # a tap can be answered for some seconds only
_TURNED_AWAY_PAUSE = 60.0  # seconds
_POLL_PAUSE = 0.5  # seconds between two questions for updates where the first brought nothing new
_CLOSE = 0.75  # a plain word is less likely a command than what has a slash
_WORDS_LOOKED_AT = 8  # of a sentence, for the command that it may mean
_WHO_SHOWN = 160
_TOAST_UNITS = 200  # https://core.telegram.org/bots/api#answercallbackquery


class TelegramChat:
    """Takes commands and taps from Telegram while `run` runs. `bot` is its own: `bot.telegram.client.connect` makes one."""

    def __init__(
        self, bot: ExtBot[None], context: CommandContext, strangers: Strangers, paces: RateLimiters, alone: SingleInstance
    ) -> None:
        self._context = context
        self._alone = alone
        self._paces = paces
        self._bot = bot
        self._speaker = RetryingBot(bot, context.clock)
        self._polling = RetryingBot(bot, context.clock, longest_wait=_TURNED_AWAY_PAUSE)
        self._passing = ExpiringMessages(self._speaker, context.clock)
        self._reached = False
        self._offset: int | None = None
        # Updates side by side: one slow command does not hold up the others. Each is put into the inbox in the order it came.
        self._application = Application.builder().bot(bot).updater(None).job_queue(None).concurrent_updates(True).build()
        gate = Gate(context.people.roles.role, self._is_invited, strangers, self._not_own)
        self._application.add_handler(TypeHandler(Update, gate.check), group=-1)
        self._application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT, self._said))
        self._application.add_handler(CallbackQueryHandler(self._tapped))
        self._application.add_error_handler(self._failed)

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether Telegram answers, and what is the matter if not."""
        problem = self._polling.problem or ("" if self._reached else "not reached yet")
        return (not problem, problem or "answers")

    async def run(self) -> None:
        """Listens until cancelled, through every outage. Raises ConfigurationError when Telegram does not know the token."""
        try:
            await self._insist(self._application.initialize)
            self._reached = True
            with suppress(NotTaken):  # where one is set, nothing can be asked for; then that says so
                await self._insist(lambda: self._polling.do(self._bot.delete_webhook))
            await self._application.start()
            menu = asyncio.create_task(CommandMenus(self._speaker, self._context).run(), name="command menu")
            try:
                await self._listen()
            finally:
                menu.cancel()
        finally:
            await self._stop()

    async def _insist(self, action: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `action` answers, however long it takes. Only a token that was never good ends it: once Telegram was reached,
        trading goes on without a chat until people mend it. Raises NotTaken as Speaker.do does."""
        while True:
            try:
                return await self._polling.call(action)
            except NotTaken:
                raise
            except TelegramError as error:
                if isinstance(error, InvalidToken) and not self._reached:
                    problem = "TG_TOKEN: Telegram does not know this bot token; accepted is one that @BotFather gave"
                    raise ConfigurationError([problem]) from None
                log.error("Telegram turns us away", error=self._polling.words(error), again_in_seconds=_TURNED_AWAY_PAUSE)
                await self._context.clock.sleep(_TURNED_AWAY_PAUSE)

    async def _listen(self) -> None:
        before: set[int] = set()
        while True:
            asked_at = self._context.clock.monotonic()
            found = await self._insist(self._get_updates)
            for update in found:
                if update.update_id not in before:  # that they arrived was said, and not heard
                    await self._application.update_queue.put(update)
                    self._offset = update.update_id + 1  # asking from here on tells Telegram that those before arrived
            numbers = {update.update_id for update in found}
            if numbers <= before:  # a server that does not wait, or brings the same again, is not asked without a pause
                await self._context.clock.sleep(max(0.0, asked_at + _POLL_PAUSE - self._context.clock.monotonic()))
            before = numbers or before

    async def _get_updates(self) -> Sequence[Update]:
        # After a failure without waiting, so that it is soon known that all is well again, and for one: too many may be too much.
        wait, limit = (0, 1) if self._polling.problem else (self._alone.poll_seconds, MOST_UPDATES)
        began = self._context.clock.monotonic()
        try:
            updates = await self._bot.get_updates(self._offset, limit=limit, timeout=wait, allowed_updates=_KINDS)
        except Conflict as error:
            await self._disturbed(error)
            return ()
        self._alone.heard(began)
        return updates

    async def _disturbed(self, error: Conflict) -> None:
        """Another program polls with the same token, or has set a webhook for it. Asked again in a moment: so it notices, too."""
        self._alone.conflict()
        await self._context.clock.sleep(CONFLICT_PAUSE_SECONDS)
        if "webhook" in str(error):  # while there is one, nothing can be asked for
            await self._bot.delete_webhook()

    async def _stop(self) -> None:
        self._speaker.end()
        if self._application.running:
            await self._application.stop()
        await self._passing.end()
        await self._application.shutdown()
        await self._bot.shutdown()
        await self._bot.request.shutdown()  # also where it never came to be initialised

    def _is_invited(self, text: str) -> bool:
        word = link_word(text)
        return word is not None and self._context.people.roles.lets_in(word, self._context.clock.now())

    async def _not_own(self, message: Message) -> None:
        """Says why it does nothing, where it looks as if something was wanted."""
        person, text = message.from_user, message.text or ""
        if person is not None and (is_code(text) or read_asked(command_of(text) or text, self._bot.username) is not None):
            await self._say(message, ChatMessage(self._context.spoken_to(person.id).texts("answer.not_own")))

    async def _said(self, update: Update, _context: Context) -> None:
        message = update.message
        if message is None or message.from_user is None or message.text is None:
            return
        # Not the update's number, which Telegram may begin anew: https://core.telegram.org/bots/api#update.
        source_id = f"message:{self._bot.id}:{message.chat.id}:{message.message_id}:{message.date.timestamp():.0f}"
        caller = self._caller(message.from_user, message.chat.id, source_id)
        if caller is not None and message.reply_to_message is not None:
            caller = replace(caller, reply_to=message.reply_to_message.message_id)
        if caller is None:
            await self._welcome(message, message.from_user, source_id)
            return
        context = self._context.spoken_to(caller.user_id)
        asked, one_time_codes = read_asked(command_of(message.text) or message.text, self._bot.username), context.people.codes
        if is_code(message.text) and context.people.confirmations.awaiting_code(caller.user_id, caller.chat_id):
            await self._coded(context, message, caller)
        elif (
            is_code(message.text)
            and caller.in_private
            and one_time_codes is not None
            and one_time_codes.enrolling(caller.user_id)
        ):
            await self._enrolled(context, message, caller)
        elif asked is not None:
            await self._say(message, await self._answer(context, asked, caller, message.date))
        elif message.chat.type == message.chat.PRIVATE and not message.text.startswith("/"):
            await self._say(message, _no_command(message.text, context.texts))

    async def _welcome(self, message: Message, person: User, source_id: str) -> None:
        """Lets in whom the gate let pass for an invitation. Whoever else uses it first has taken it."""
        word = link_word(message.text or "")
        if word is not None:
            await self._say(message, await joined(self._context, word, person.id, short(person.full_name), source_id))

    async def _tapped(self, update: Update, _context: Context) -> None:
        query = update.callback_query
        if query is None:
            return
        chat_id = query.message.chat.id if query.message is not None else query.from_user.id
        caller, data = self._caller(query.from_user, chat_id, f"callback:{query.id}"), query.data or ""
        if caller is None:
            return
        context = self._context.spoken_to(caller.user_id)
        asked = read_asked(data, self._bot.username)
        if asked is not None and asked.command is not None:
            await self._tapped_command(context, query, asked, caller)
        elif (confirmed := read_confirmation(data)) is not None:
            await self._confirmed(context, query, caller, *confirmed)
        elif approvals.read_answer(data) is None:
            await self._toast(query, context.texts("toast.unreadable"))
        elif caller.role < approvals.ROLE:
            await self._toast(query, _missing_role(context, approvals.ROLE, caller))
        elif context.people.codes is not None and approvals.raises_risk(context, data):
            if query.message is None:  # there is nowhere to ask for the code
                await self._toast(query, context.texts("toast.no_message"))
                return
            await self._toast(query, context.texts("toast.code"))
            asking = await approvals.answer_with_code(context, data, caller)
            await self._send(query.message, asking, reply_to=query.message.message_id)
        else:
            await self._toast(query, await approvals.answer(context, data, caller))

    async def _tapped_command(self, context: CommandContext, query: CallbackQuery, asked: Asked, caller: Caller) -> None:
        if not asked.allowed(caller.role):
            await self._toast(query, _missing_role(context, asked.needed, caller))
            return
        fresh = await self._toast(query, "")
        if asked.changes and not fresh:
            if query.message is not None:
                await self._send(query.message, ChatMessage(context.texts("toast.old")))
            return
        answer = await self._answer(context, asked, caller, None)
        if asked.command is not None and asked.command.answers_anew and query.message is not None:
            await self._send(query.message, answer, reply_to=query.message.message_id)
        else:
            await self._replace(query, answer)

    async def _confirmed(self, context: CommandContext, query: CallbackQuery, caller: Caller, token: str, yes: bool) -> None:
        """The second tap. The question is closed before anything is awaited, so that it is answered once."""
        who = context.people.confirmations.who_asked(token)
        pending = context.people.confirmations.take(token, caller.user_id, caller.chat_id)
        if isinstance(pending, Refusal):
            await self._toast(query, context.texts(pending.value, who=short(who)))
            if pending is Refusal.GONE:
                await self._take_buttons(query)
            return
        if caller.role < pending.role:
            await self._toast(query, _missing_role(context, pending.role, caller))
            return
        coded = yes and pending.risk is Risk.RAISES and context.people.codes is not None
        if coded and query.message is None:
            await self._toast(query, context.texts("toast.no_message"))
            return
        try:
            fresh = await self._toast(query, "")
        except TelegramError as error:
            # The question is less than a minute old, so the tap is fresh; it must not be lost with the answer to it.
            log.warning("a tap could not be answered", error=self._speaker.words(error))
            fresh = True
        if not yes:
            said: str = context.texts("confirm.left", who=caller.name)
        elif not fresh and pending.risk is Risk.RAISES:
            # Whoever wants out is not asked a third time; whoever wants in may have changed their mind since.
            keyboard = confirm_keyboard(context.people.confirmations.ask_anew(pending), context.texts)
            await self._replace(query, ChatMessage(f"{pending.text}\n\n{context.texts('confirm.late')}", keyboard))
            return
        elif (why := codes.lacking(context, caller, pending.risk)) is not None:
            said = why
        elif coded and query.message is not None:
            context.people.confirmations.await_code(pending, query.message.message_id)
            said = codes.asked_for(context, caller)
        else:
            said = await pending.act(pending.source_id)
        await self._replace(query, ChatMessage(f"{pending.text}\n\n{said}"))

    async def _take_buttons(self, query: CallbackQuery) -> None:
        """What nobody can answer any more has nothing to be tapped."""
        message = query.message
        if message is not None:
            with suppress(BadRequest):  # they are gone already
                await self._speaker.do(
                    lambda: self._bot.edit_message_reply_markup(message.chat.id, message.message_id), _TOAST_ATTEMPTS
                )

    async def _coded(self, context: CommandContext, message: Message, caller: Caller) -> None:
        """The code that makes it so. The message with the code goes, where the bot may take it away."""
        found = context.people.confirmations.take_coded(caller.user_id, caller.chat_id)
        if found is None or context.people.codes is None:
            return
        pending, asked = found
        begun = context.people.codes.enrolling(caller.user_id)
        await self._take_code(message)
        if caller.role < pending.role:
            said: str = _missing_role(context, pending.role, caller)
        else:
            said = await codes.why_not(context, caller, (message.text or "").strip()) or await pending.act(pending.source_id)
        record = ChatMessage(f"{pending.text}\n\n{said}")
        if asked is None or not await self._speaker.edit(message.chat.id, asked, record, _ANSWER_ATTEMPTS):
            await self._say(message, record)
        if context.people.codes.enrolling(caller.user_id) is not begun:
            await self._say(message, await code.decision_context(context, context.people.codes, caller))

    async def _enrolled(self, context: CommandContext, message: Message, caller: Caller) -> None:
        """The first code of a new authenticator; the picture goes with it."""
        await self._take_code(message)
        said, kept = await code.confirmed(context, caller, (message.text or "").strip())
        if kept:
            await self._passing.take_away(message.chat.id)
        await self._say(message, said)

    async def _take_code(self, message: Message) -> None:
        with suppress(TelegramError):
            await self._speaker.do(message.delete, 1)

    async def _replace(self, query: CallbackQuery, message: ChatMessage) -> None:
        if query.message is None:  # the buttons are ours and never inline in somebody else's chat
            return
        message = self._signed(message)
        if not await self._speaker.edit(query.message.chat.id, query.message.message_id, message, _ANSWER_ATTEMPTS):
            await self._send(query.message, message)

    async def _answer(self, context: CommandContext, asked: Asked, caller: Caller, said_at: datetime | None) -> ChatMessage:
        """The only way to a command: the role and, for what changes something, the age are looked at here."""
        words, shown = context.texts, short(asked.name)
        if asked.command is None:
            return _unknown(asked.name, words)
        if not asked.allowed(caller.role):
            needed, role = _role(words, asked.needed), _role(words, caller.role)
            return ChatMessage(words("answer.role", command=shown, needed=needed, role=role))
        if not context.shows_figures(caller) and not asked.command.in_any_group(asked.args):
            return ChatMessage(words("answer.in_private", bot=self._bot.username))
        age = context.clock.now() - said_at if said_at is not None else timedelta()
        if asked.changes and age > _OLD:
            return ChatMessage(words("answer.old", command=shown, age=duration(age, words)))
        return tappable(await asked.command.run(context, asked.args, caller), caller.role)

    def _caller(self, person: User, chat_id: int, source_id: str) -> Caller | None:
        """None for who has no right: the gate has looked, and lets pass only who comes invited."""
        role = self._context.people.roles.role(person.id)
        if role is None:
            return None
        name = self._context.people.roles.names[person.id] = short(person.full_name)
        return Caller(person.id, name, role, source_id, chat_id)

    async def _say(self, message: Message, reply: ChatMessage) -> None:
        """Answers what somebody wrote: in a group to that message, so that it is seen what is answered."""
        await self._send(message, reply, reply_to=None if message.chat.type == message.chat.PRIVATE else message.message_id)

    def _signed(self, answer: ChatMessage) -> ChatMessage:
        """Where another program may have heard the same, or not, it is said which of them answers."""
        if not self._alone.disturbed:
            return answer
        by = self._context.texts("another.answered", who=short(self._alone.who, _WHO_SHOWN))
        return answer if by in answer.text else replace(answer, text=f"{answer.text}\n\n{by}")

    async def _send(self, beside: MaybeInaccessibleMessage, reply: ChatMessage, *, reply_to: int | None = None) -> None:
        in_topic = isinstance(beside, Message) and beside.is_topic_message
        thread_id = beside.message_thread_id if isinstance(beside, Message) and in_topic else None
        with self._paces.of(beside.chat.id).answering():
            sent = await self._speaker.send(
                beside.chat.id, self._signed(reply), _ANSWER_ATTEMPTS, thread_id=thread_id, reply_to=reply_to
            )
        if reply.passes:
            await self._passing.keep(beside.chat.id, sent, reply.passes)

    async def _toast(self, query: CallbackQuery, text: str) -> bool:
        """Answers a tap. False where Telegram says that the tap is too old to be answered."""
        shown = plain_text(redacted(text))
        while units(shown) > _TOAST_UNITS:
            shown = f"{shown[:-2]}…"
        try:
            await self._speaker.do(lambda: self._bot.answer_callback_query(query.id, shown or None), _TOAST_ATTEMPTS)
        except BadRequest as error:
            log.info("a tap could not be answered", error=self._speaker.words(error))
            return False
        return True

    async def _failed(self, update: object, context: Context) -> None:
        error = context.error
        if isinstance(error, TelegramError):
            log.warning("an answer could not be given", error=self._speaker.words(error))
            return
        log.error("an error in a command", exc_info=error)
        message = update.effective_message if isinstance(update, Update) else None
        if message is not None:
            try:
                await self._send(message, ChatMessage(self._context.texts("answer.wrong")))
            except TelegramError as again:
                log.warning("an answer could not be given", error=self._speaker.words(again))


def _missing_role(context: CommandContext, needed: Role, caller: Caller) -> str:
    return context.texts("answer.role_button", needed=_role(context.texts, needed), role=_role(context.texts, caller.role))


def _role(words: Texts, role: Role) -> Html:
    return words(f"role.{role.name.lower()}")


def _unknown(name: str, words: Texts) -> ChatMessage:
    """With a button for each command that was probably meant."""
    near = nearest(name) or nearest(command_meant(name) or "")
    if not near:
        return ChatMessage(words("answer.unknown", command=short(name)))
    return _nearest(words("answer.unknown_nearest", command=short(name), nearest=_slashed(near)), near)


def _no_command(text: str, words: Texts) -> ChatMessage:
    """The same for who wrote a word without its slash."""
    said = text.split()[:_WORDS_LOOKED_AT]
    meant = next((found for word in said if (found := command_meant(word)) is not None), None)
    near = [meant] if meant is not None else nearest(said[0], _CLOSE) if said else []
    if not near:
        return ChatMessage(words("answer.no_command"))
    return _nearest(words("answer.no_command_nearest", nearest=_slashed(near)), near)


def _nearest(text: Html, near: Sequence[str]) -> ChatMessage:
    return ChatMessage(text, (tuple(Button(f"/{each}", f"/{each}") for each in near),))


def _slashed(names: Sequence[str]) -> str:
    return ", ".join(f"/{each}" for each in names)
