"""The Telegram application: one gate, then one door for what is said and one for what is tapped. Trading never waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from telegram import BotCommand, CallbackQuery, Message, Update, User
from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import Application, CallbackContext, CallbackQueryHandler, ExtBot, MessageHandler, TypeHandler, filters

from bot import approvals
from bot.asked import Asked, read_asked
from bot.commands import COMMANDS, nearest
from bot.desk import Caller, Desk
from bot.gate import Gate, Strangers
from bot.message import ChatMessage, plain_text, units
from bot.render import duration, short
from bot.telegram_link import POLL_SECONDS, Answer, Speaker
from bot.texts import LANGUAGES, texts
from core.domain.errors import ConfigurationError
from core.domain.people import Role

log = structlog.get_logger(__name__)

Context = CallbackContext[Any, Any, Any, Any]

_KINDS = ["message", "callback_query"]  # nothing else is asked for: an edited command is no command
_OLD = timedelta(minutes=10)
_ANSWER_ATTEMPTS = 3
_TURNED_AWAY_PAUSE = 60.0  # seconds
_TOAST_UNITS = 200  # https://core.telegram.org/bots/api#answercallbackquery


class TelegramChat:
    """Takes commands and taps from Telegram while `run` runs. `bot` is its own: `bot.telegram_link.connect` makes one."""

    def __init__(self, bot: ExtBot[None], desk: Desk, strangers: Strangers) -> None:
        self._desk = desk
        self._bot = bot
        self._speaker = Speaker(bot, desk.clock)
        self._polling = Speaker(bot, desk.clock)
        self._reached = False
        self._offset: int | None = None
        # Updates side by side: one slow command does not hold up the others. Each is put into the inbox in the order it came.
        self._application = Application.builder().bot(bot).updater(None).job_queue(None).concurrent_updates(True).build()
        self._application.add_handler(TypeHandler(Update, Gate(desk.users, strangers).check), group=-1)
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
            await self._insist(self._bot.delete_webhook)  # where one is set, nothing can be asked for
            self._reached = True
            await self._application.start()
            menu = asyncio.create_task(self._set_menu(), name="command menu")
            try:
                await self._listen()
            finally:
                menu.cancel()
        finally:
            await self._stop()

    async def _insist(self, action: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `action` answers, however long it takes. Only a token that was never good ends it: once Telegram was reached,
        trading goes on without a chat until people mend it."""
        while True:
            try:
                return await self._polling.call(action)
            except TelegramError as error:
                if isinstance(error, InvalidToken) and not self._reached:
                    problem = "TG_TOKEN: Telegram does not know this bot token; accepted is one that @BotFather gave"
                    raise ConfigurationError([problem]) from None
                log.error("Telegram turns us away", error=self._polling.words(error), again_in_seconds=_TURNED_AWAY_PAUSE)
                await self._desk.clock.sleep(_TURNED_AWAY_PAUSE)

    async def _listen(self) -> None:
        while True:
            for update in await self._insist(self._get_updates):
                await self._application.update_queue.put(update)
                self._offset = update.update_id + 1  # asking from here on tells Telegram that those before arrived

    async def _get_updates(self) -> Sequence[Update]:
        # After a failure without waiting, so that it is soon known that all is well again.
        wait = 0 if self._polling.problem else POLL_SECONDS
        try:
            return await self._bot.get_updates(self._offset, timeout=wait, allowed_updates=_KINDS)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            log.error("Telegram brings something that cannot be read", error=type(error).__name__)
            return await self._first_readable()

    async def _first_readable(self) -> Sequence[Update]:
        """The next update where it can be read; one that cannot is passed over: it would come again for ever."""
        asked: dict[str, Any] = {"timeout": 0, "limit": 1, "allowed_updates": _KINDS}
        if self._offset is not None:
            asked["offset"] = self._offset
        found = await self._bot._post("getUpdates", asked)  # noqa: SLF001 - the public method reads what it brings
        first = found[0] if isinstance(found, list) and found else None
        if not isinstance(first, dict) or not isinstance(first.get("update_id"), int):
            return ()
        try:
            update = Update.de_json(first, self._bot)
        except (TypeError, ValueError, KeyError, AttributeError):
            log.error("an update cannot be read and is passed over", update_id=first["update_id"])
            self._offset = first["update_id"] + 1
            return ()
        return (update,)

    async def _stop(self) -> None:
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()
        await self._bot.shutdown()
        await self._bot.request.shutdown()  # also where it never came to be initialised

    async def _set_menu(self) -> None:
        """The menu of commands, for each language; a menu that could not be set is no reason not to listen."""
        for language in (None, *LANGUAGES):
            words = texts(language or self._desk.language)
            menu = [BotCommand(command.name, plain_text(words(f"command.{command.name}"))) for command in COMMANDS]
            try:
                await self._speaker.call(partial(self._bot.set_my_commands, menu, language_code=language), _ANSWER_ATTEMPTS)
            except TelegramError as error:
                log.warning("the command menu could not be set", error=self._speaker.words(error))

    async def _said(self, update: Update, _context: Context) -> None:
        message = update.message
        if message is None or message.from_user is None or message.text is None:
            return
        caller = self._caller(message.from_user, f"update:{update.update_id}")
        asked = read_asked(message.text, self._bot.username)
        if asked is not None:
            await self._say(message, await self._answer(asked, caller, message.date))
        elif message.chat.type == message.chat.PRIVATE and not message.text.startswith("/"):
            await self._say(message, ChatMessage(self._desk.texts("answer.no_command")))

    async def _tapped(self, update: Update, _context: Context) -> None:
        query = update.callback_query
        if query is None:
            return
        caller, data = self._caller(query.from_user, f"callback:{query.id}"), query.data or ""
        asked = read_asked(data, self._bot.username)
        if asked is not None and asked.command is not None:
            await self._tapped_command(query, asked, caller)
        elif approvals.read_answer(data) is None:
            await self._toast(query, self._desk.texts("toast.unreadable"))
        elif caller.role < approvals.ROLE:
            await self._toast(query, self._missing_role(approvals.ROLE, caller))
        else:
            await self._toast(query, await approvals.answer(self._desk, data, caller))

    async def _tapped_command(self, query: CallbackQuery, asked: Asked, caller: Caller) -> None:
        if not asked.allowed(caller.role):
            await self._toast(query, self._missing_role(asked.needed, caller))
            return
        fresh = await self._toast(query, "")
        if query.message is None:  # the buttons are ours and never inline in somebody else's chat
            return
        chat_id, message_id = query.message.chat.id, query.message.message_id
        if asked.changes and not fresh:
            await self._speaker.send(chat_id, ChatMessage(self._desk.texts("toast.old")), _ANSWER_ATTEMPTS)
            return
        reply = await self._answer(asked, caller, None)
        if not await self._speaker.edit(chat_id, message_id, reply, _ANSWER_ATTEMPTS):
            await self._speaker.send(chat_id, reply, _ANSWER_ATTEMPTS)

    async def _answer(self, asked: Asked, caller: Caller, said_at: datetime | None) -> ChatMessage:
        """The only way to a command: the role and, for what changes something, the age are looked at here."""
        words, shown = self._desk.texts, short(asked.name)
        if asked.command is None:
            near = nearest(asked.name)
            key = "answer.unknown_nearest" if near else "answer.unknown"
            return ChatMessage(words(key, command=shown, nearest=near))
        if not asked.allowed(caller.role):
            needed, role = asked.needed.name.lower(), caller.role.name.lower()
            return ChatMessage(words("answer.role", command=shown, needed=needed, role=role))
        age = self._desk.clock.now() - said_at if said_at is not None else timedelta()
        if asked.changes and age > _OLD:
            return ChatMessage(words("answer.old", command=shown, age=duration(age, words)))
        return await asked.command.run(self._desk, asked.args, caller)

    def _missing_role(self, needed: Role, caller: Caller) -> str:
        return self._desk.texts("answer.role_button", needed=needed.name.lower(), role=caller.role.name.lower())

    def _caller(self, person: User, source_id: str) -> Caller:
        # The gate has looked: who is not listed does not come here. Without it, this fails closed.
        return Caller(person.id, short(person.full_name), self._desk.users[person.id], source_id)

    async def _say(self, message: Message, reply: ChatMessage) -> None:
        await self._speaker.send(message.chat.id, reply, _ANSWER_ATTEMPTS)

    async def _toast(self, query: CallbackQuery, text: str) -> bool:
        """Answers a tap. False where Telegram says that the tap is too old to be answered."""
        shown = plain_text(text)
        while units(shown) > _TOAST_UNITS:
            shown = f"{shown[:-2]}…"
        try:
            await self._speaker.call(lambda: self._bot.answer_callback_query(query.id, shown or None), _ANSWER_ATTEMPTS)
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
        chat = update.effective_chat if isinstance(update, Update) else None
        if chat is not None:
            try:
                await self._speaker.send(chat.id, ChatMessage(self._desk.texts("answer.wrong")), _ANSWER_ATTEMPTS)
            except TelegramError as again:
                log.warning("an answer could not be given", error=self._speaker.words(again))
