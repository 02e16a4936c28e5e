"""The Telegram application: starts, polls for updates and stops. Trading never waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Application, CallbackQueryHandler, ExtBot, MessageHandler, TypeHandler, filters

from bot.commands.context import CommandContext
from bot.telegram.api_responses import MOST_UPDATES
from bot.telegram.auth_gate import Gate, Strangers
from bot.telegram.client import Answer, NotTaken, RetryingBot
from bot.telegram.command_menu import CommandMenus
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.replies import Replies
from bot.telegram.single_instance import CONFLICT_PAUSE_SECONDS, SingleInstance
from bot.telegram.update_router import UpdateRouter
from core.domain.errors import ConfigurationError

log = structlog.get_logger(__name__)

_KINDS = ["message", "callback_query"]  # no others are requested: an edited command is no command
_REFUSED_PAUSE = 60.0  # seconds
_POLL_PAUSE = 0.5  # seconds between two polls where the first brought nothing new


class TelegramChat:
    """Takes commands and taps from Telegram while `run` runs. `bot` is its own: `bot.telegram.client.connect` makes one."""

    def __init__(
        self, bot: ExtBot[None], context: CommandContext, strangers: Strangers, rate_limiters: RateLimiters, alone: SingleInstance
    ) -> None:
        self._context = context
        self._clock = context.clock
        self._alone = alone
        self._bot = bot
        self._polling = RetryingBot(bot, self._clock, longest_wait=_REFUSED_PAUSE)
        self._replies = Replies(bot, self._clock, rate_limiters, alone, context.texts)
        self._reached = False
        self._offset: int | None = None
        # Updates side by side: one slow command does not delay the others. Each is put into the inbox in the order it came.
        self._application = Application.builder().bot(bot).updater(None).job_queue(None).concurrent_updates(True).build()
        router = UpdateRouter(bot, context, self._replies)
        gate = Gate(router.role, router.is_invited, strangers, router.not_own)
        self._application.add_handler(TypeHandler(Update, gate.check), group=-1)
        self._application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT, router.message))
        self._application.add_handler(CallbackQueryHandler(router.tap))
        self._application.add_error_handler(router.failed)

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether Telegram answers, and what is wrong if not."""
        problem = self._polling.problem or ("" if self._reached else "not reached yet")
        return (not problem, problem or "answers")

    async def run(self) -> None:
        """Listens until cancelled, through every outage. Raises ConfigurationError when Telegram does not know the token."""
        try:
            await self._insist(self._application.initialize)
            self._reached = True
            with suppress(NotTaken):  # with a webhook set, polling is refused, and that is reported
                await self._insist(lambda: self._polling.do(self._bot.delete_webhook))
            await self._application.start()
            menu = asyncio.create_task(CommandMenus(self._replies.sender, self._context).run(), name="command menu")
            try:
                await self._listen()
            finally:
                menu.cancel()
        finally:
            await self._stop()

    async def _insist(self, action: Callable[[], Awaitable[Answer]]) -> Answer:
        """Returns the answer of `action`, however long it takes. Only a token that was never valid ends it: once Telegram was
        reached, trading goes on without a chat until people fix it. Raises NotTaken as RetryingBot.do does."""
        while True:
            try:
                return await self._polling.call(action)
            except NotTaken:
                raise
            except TelegramError as error:
                if isinstance(error, InvalidToken) and not self._reached:
                    problem = "TG_TOKEN: Telegram does not know this bot token; accepted is one that @BotFather gave"
                    raise ConfigurationError([problem]) from None
                log.error("Telegram rejects the bot", error=self._polling.words(error), again_in_seconds=_REFUSED_PAUSE)
                await self._clock.sleep(_REFUSED_PAUSE)

    async def _listen(self) -> None:
        before: set[int] = set()
        while True:
            while not self._alone.may_poll():
                await self._clock.sleep(_POLL_PAUSE)
            asked_at = self._clock.monotonic()
            found = await self._insist(self._get_updates)
            for update in found:
                if update.update_id not in before:  # their receipt was confirmed, and that was lost
                    await self._application.update_queue.put(update)
                    self._offset = update.update_id + 1  # polling from here on confirms the updates before
            numbers = {update.update_id for update in found}
            if numbers <= before:  # a server that does not wait, or repeats itself, is polled with a pause
                await self._clock.sleep(max(0.0, asked_at + _POLL_PAUSE - self._clock.monotonic()))
            before = numbers or before

    async def _get_updates(self) -> Sequence[Update]:
        # After a failure without waiting, to learn soon that all is well again, and for one update: many may be too much.
        wait, limit = (0, 1) if self._polling.problem else (self._alone.poll_seconds, MOST_UPDATES)
        began = self._clock.monotonic()
        try:
            updates = await self._bot.get_updates(self._offset, limit=limit, timeout=wait, allowed_updates=_KINDS)
        except Conflict as error:
            await self._disturbed(error)
            return ()
        self._alone.heard(began)
        return updates

    async def _disturbed(self, error: Conflict) -> None:
        """Handles another program that polls with the same token or set a webhook. Polls again soon, so that it notices, too."""
        self._alone.conflict()
        await self._clock.sleep(CONFLICT_PAUSE_SECONDS)
        if "webhook" in str(error):  # with a webhook set, polling is refused
            await self._bot.delete_webhook()

    async def _stop(self) -> None:
        self._replies.sender.end()
        if self._application.running:
            await self._application.stop()
        await self._replies.end()
        await self._application.shutdown()
        await self._bot.shutdown()
        await self._bot.request.shutdown()  # also where it was never initialised
