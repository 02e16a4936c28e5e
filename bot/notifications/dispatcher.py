"""Runs a notifier for each chat that receives notifications; starts one for a new recipient and ends that of one who is
removed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from telegram.ext import ExtBot

from bot.notifications.telegram_notifier import TelegramNotifier
from bot.reports.charts import Draw
from bot.subscriptions.notification_rules import Recipient
from bot.subscriptions.recipients import Recipients
from bot.telegram.rate_limiter import RateLimiters
from core.domain.delivery import MAIN_READER
from core.domain.instrument import Quote
from core.ports.clock import Clock
from core.ports.outbox import Outbox

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5


class NotificationDispatcher:
    """Notifies everybody while `run` runs. `bot` is its own, so that alerts do not wait for commands."""

    def __init__(
        self,
        bot: ExtBot[None],
        recipients: Recipients,
        outbox: Outbox,
        clock: Clock,
        *,
        blocked: Callable[[int], Awaitable[None]],
        quote: Callable[[str], Quote | None],
        rate_limiters: RateLimiters,
        draw: Draw,
    ) -> None:
        """Takes `blocked`, which is called with the chat of a person who has blocked the bot; `quote` returns a symbol's
        current quote; `draw` draws the chart of a digest."""
        self._draw = draw
        self._bot = bot
        self._recipients = recipients
        self._outbox = outbox
        self._clock = clock
        self._blocked = blocked
        self._quote = quote
        self._rate_limiters = rate_limiters
        self._notifiers = {MAIN_READER: self._notifier(recipients.main())}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether alerts reach the owner's chat, and what is wrong if not."""
        return self._notifiers[MAIN_READER].ready

    @property
    def waiting(self) -> int:
        """Returns how many events wait to be sent, as far as is known without reading the ledger."""
        return sum(notifier.waiting for notifier in self._notifiers.values())

    async def pending(self) -> int:
        """Returns how many events wait to be sent. Raises LedgerUnavailable."""
        return sum([await notifier.pending() for notifier in list(self._notifiers.values())])

    async def run(self) -> None:
        """Sends notifications until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._notifiers[MAIN_READER].run(), name="notifier main")
                while True:
                    self._follow(group)
                    await self._clock.sleep(_LOOK_SECONDS)  # in memory: the portfolio has it a moment after the commit
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first failure is why all end: its class says what to do
        finally:
            await self._bot.request.shutdown()

    def _follow(self, group: asyncio.TaskGroup) -> None:
        present = self._recipients.persons()
        for key in [key for key in self._tasks if key not in present]:
            self._tasks.pop(key).cancel()
            self._notifiers.pop(key, None)
        for key, recipient in present.items():
            if key not in self._tasks:
                self._notifiers[key] = self._notifier(recipient)
                self._tasks[key] = group.create_task(self._notify(key, recipient.chat_id), name=f"notifier {key}")

    def _notifier(self, recipient: Recipient) -> TelegramNotifier:
        rate_limiter = self._rate_limiters.of(recipient.chat_id)
        present = partial(self._present, recipient)
        return TelegramNotifier(
            self._bot,
            present,
            self._outbox,
            clock=self._clock,
            rate_limiter=rate_limiter,
            quote=self._quote,
            draw=self._draw,
        )

    def _present(self, before: Recipient) -> Recipient:
        """Returns the recipient's current state; its last known one until its task has ended."""
        if before.key == MAIN_READER:
            return self._recipients.main()
        return self._recipients.persons().get(before.key, before)

    async def _notify(self, key: str, chat_id: int) -> None:
        await self._notifiers[key].run()
        log.info("a person has blocked the bot and gets no more notifications", user_id=chat_id)
        await self._blocked(chat_id)
