"""The menu of commands in each chat: that person's commands in that person's language. Strangers see none."""

from functools import partial

import structlog
from telegram import BotCommand, BotCommandScope, BotCommandScopeChat, BotCommandScopeDefault
from telegram.error import BadRequest, TelegramError

from bot.commands import COMMANDS
from bot.commands.context import CommandContext
from bot.telegram.client import RetryingBot
from bot.texts import LANGUAGES, texts
from bot.views.chat_message import plain_text
from core.domain.access import Role

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 3.0
_AGAIN_SECONDS = 300.0
_ATTEMPTS = 3

_Menu = tuple[tuple[str, str], ...]


class CommandMenus:
    """Keeps the menus up to date: a person who joins, leaves or changes the language soon sees the change."""

    def __init__(self, sender: RetryingBot, context: CommandContext) -> None:
        self._sender = sender
        self._context = context
        self._shown: dict[int | None, _Menu] = {}  # by chat; None is the default for all others

    async def run(self) -> None:
        """Checks repeatedly, in memory; calls Telegram only where something changes."""
        while True:
            for chat_id, menu in self._wanted().items():
                if self._shown.get(chat_id) != menu:
                    await self._show(chat_id, menu)
            await self._context.clock.sleep(_LOOK_SECONDS)

    def _wanted(self) -> dict[int | None, _Menu]:
        """Returns the menu of each chat. A person whose right ended has an empty one; a group has that of a viewer, as
        Telegram shows everybody in it the same."""
        main, started = self._context.people.recipients.chat_id, self._context.portfolio.readers
        roles = {chat: role for chat, role in self._context.people.roles.roles().items() if chat in started or chat == main}
        menus: dict[int | None, _Menu] = {None: (), **{chat: () for chat in self._shown if chat not in roles}}
        if main < 0:
            menus[main] = self._menu(main, Role.VIEWER)
        return menus | {user_id: self._menu(user_id, role) for user_id, role in roles.items()}

    def _menu(self, chat_id: int, role: Role) -> _Menu:
        words = texts(*self._context.people.recipients.speech(chat_id))
        return tuple((command.name, plain_text(words(f"command.{command.name}"))) for command in COMMANDS if role >= command.role)

    async def _show(self, chat_id: int | None, menu: _Menu) -> None:
        scope: BotCommandScope = BotCommandScopeDefault() if chat_id is None else BotCommandScopeChat(chat_id)
        commands = [BotCommand(name, description) for name, description in menu]
        bot = self._sender.bot
        try:
            if commands:
                await self._sender.do(lambda: bot.set_my_commands(commands, scope=scope), _ATTEMPTS)
            else:
                for language in (None, *LANGUAGES):
                    await self._sender.do(partial(bot.delete_my_commands, scope, language_code=language), _ATTEMPTS)
        except BadRequest:
            pass  # this person has not started the bot yet; at /start there is a chat
        except TelegramError as error:
            log.warning("a command menu could not be set", error=self._sender.words(error))
            await self._context.clock.sleep(_AGAIN_SECONDS)
            return
        self._shown[chat_id] = menu
