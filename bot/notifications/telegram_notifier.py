"""Sends events to one chat: each at least once, in order and urgent first, whatever Telegram does. Never calls back into
trading."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from telegram.error import ChatMigrated, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot.notifications.alert_channel import AlertChannel
from bot.notifications.alert_rendering import batched, rendered
from bot.notifications.approval_countdown import ApprovalCountdown
from bot.notifications.dead_letter_batch import DeadLetterBatch
from bot.notifications.paused_signal_batch import PausedSignalBatch
from bot.reports.charts import Draw
from bot.subscriptions.notification_rules import Recipient, batchable
from bot.telegram.client import NotTaken, RetryingBot
from bot.telegram.rate_limiter import RateLimiter
from bot.views.charts import daily
from core.domain.access import Level
from core.domain.approval import ApprovalState
from core.domain.delivery import MAIN_READER, Delivery
from core.domain.digest import Digest
from core.domain.errors import LedgerUnavailable
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.entries import EntryMissed
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.priority import Priority
from core.domain.events.process import DigestMade
from core.domain.instrument import Quote
from core.domain.outbox_item import OutboxItem
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock
from core.ports.outbox import Outbox
from core.read_models import Gain

log = structlog.get_logger(__name__)

_READ = 2_000  # events of each priority read at once
_BATCHED_FROM = 6  # this many waiting events are sent as one message
_LATE = timedelta(minutes=2)  # an older event shows its time, and two of them are already batched
_LATE_BATCHED_FROM = 2
_LEDGER_PAUSE = 2.0  # seconds
_LOOK_AGAIN = 5.0  # seconds after which withheld events are checked again
_HOPELESS_BACKOFF = RetryBackoff(first=60.0, longest=600.0)


class TelegramNotifier:
    """Notifies one chat. `bot` is for alerts alone, so that they do not wait for commands."""

    def __init__(
        self,
        bot: ExtBot[None],
        recipient: Callable[[], Recipient],
        outbox: Outbox,
        *,
        clock: Clock,
        rate_limiter: RateLimiter,
        quote: Callable[[str], Quote | None],
        draw: Draw,
    ) -> None:
        """Takes `recipient`, which returns the recipient's current state; its key never changes. `quote` returns a symbol's
        current quote; `draw` draws the chart of a digest."""
        self._draw = draw
        self._sender = RetryingBot(bot, clock)
        self._recipient = recipient
        self._key = recipient().key
        self._outbox = outbox
        self._clock = clock
        self._rate_limiter = rate_limiter
        self._channel = AlertChannel(self._sender, rate_limiter)
        self._dead_letters = DeadLetterBatch(clock)
        self._pauses = PausedSignalBatch(clock)
        self._countdown = ApprovalCountdown(clock, quote)
        self._delivered: dict[Priority, int] | None = None
        self._unrecorded: list[Delivery] = []  # accepted by Telegram, and not yet written to the ledger
        self._moved_to: int | None = None
        self._hopeless = 0
        self._seen = 0
        self.waiting = 0
        """Events that waited at the last check and could not all be sent at once."""

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether alerts go out, and what is wrong if not."""
        return (not self._sender.problem, self._sender.problem or "alerts go out")

    async def pending(self) -> int:
        """Returns how many events wait, without those that this reader's settings delay. Raises LedgerUnavailable."""
        return await self._outbox.pending(self._cursors(self._recipient())) if self._delivered is not None else 0

    async def run(self) -> None:
        """Sends notifications until cancelled. Nothing that Telegram or the ledger does ends it, except that a person has
        blocked the bot: then it returns."""
        while await self._turn():
            pass

    async def _turn(self) -> bool:
        try:
            await self._write_deliveries()
            if self._delivered is None:
                self._delivered = await self._begin()
            await self._rate_limiter.free()  # events that arrive during the wait are batched
            recipient = self._present()
            seen = self._seen
            items = await self._outbox.waiting(self._cursors(recipient), _READ)
            self.waiting = len(items)
            if not await self._deliver_next(recipient, items):
                self.waiting = 0
                if not await self._count_down(recipient):
                    await self._rest(seen)
        except LedgerUnavailable as error:
            log.warning("the outbox does not answer", error=str(error))
            await self._clock.sleep(_LEDGER_PAUSE)
        except ChatMigrated as error:
            log.error("the chat became a supergroup: set TG_CHAT_ID to its new id", new_chat_id=error.new_chat_id)
            self._moved_to = error.new_chat_id
        except NotTaken as error:
            log.error("Telegram does not accept an alert; it is retried", error=self._sender.words(error))
        except TelegramError as error:
            if isinstance(error, Forbidden) and self._key != MAIN_READER:
                return False
            self._moved_to = None  # the new chat id may have been wrong
            # The bot is blocked, or the chat or the token unknown: only people can fix it, and everything waits until then.
            self._hopeless += 1
            pause = _HOPELESS_BACKOFF.after(self._hopeless)
            log.error("alerts cannot be delivered; they wait", error=self._sender.words(error), again_in_seconds=pause)
            await self._clock.sleep(pause)
        else:
            self._hopeless = 0
        return True

    async def _begin(self) -> dict[Priority, int]:
        """Returns the delivery cursor: the owner's chat starts from the first event, later recipients from now."""
        known = await self._outbox.cursor(self._key)
        if known is None and self._key != MAIN_READER:
            known = await self._outbox.newest()
            await self._outbox.keep_cursor(self._key, known)
        return {priority: (known or {}).get(priority, 0) for priority in Priority}

    def _present(self) -> Recipient:
        recipient = self._recipient()
        return recipient if self._moved_to is None else replace(recipient, chat_id=self._moved_to)

    def _cursors(self, recipient: Recipient) -> Mapping[Priority, int]:
        told = self._delivered or {}
        if recipient.is_quiet(self._clock.now()):
            return {Priority.URGENT: told[Priority.URGENT]}
        return told

    async def _rest(self, seen: int) -> None:
        """Waits until something was committed, or withheld events are due."""
        waits = (self._dead_letters.due_in(), self._pauses.due_in(), self._countdown.due_in())
        dues = [due for due in waits if due is not None]
        rest = asyncio.create_task(self._clock.sleep(min([_LOOK_AGAIN, *dues])), name="outbox rest")
        news = asyncio.create_task(self._outbox.news(seen), name="outbox news")
        try:
            await asyncio.wait({rest, news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            rest.cancel()
            news.cancel()
        if news.done() and not news.cancelled():
            self._seen = news.result()

    # --- the next event

    async def _deliver_next(self, recipient: Recipient, items: Sequence[OutboxItem]) -> bool:
        """Sends the most urgent waiting event. Returns False where nothing is due."""
        letters = [item for item in items if item.event.priority is Priority.GATHERED]
        paused = [item for item in items if item.event.priority is Priority.PAUSED]
        others = self._received(recipient, [item for item in items if item.event.priority < Priority.GATHERED])
        self._collect(recipient, letters)
        self._pauses.replace_waiting(self._received(recipient, paused))
        letters_due = self._dead_letters.due_in() == 0
        if others and (others[0].event.priority is Priority.URGENT or not letters_due):
            await self._deliver(recipient, [item for item in others if item.event.priority is others[0].event.priority])
        elif letters_due:
            await self._deliver_dead_letters(recipient)
        elif self._pauses.due_in() == 0:
            await self._deliver_paused(recipient)
        else:
            return False
        return True

    def _received(self, recipient: Recipient, items: Sequence[OutboxItem]) -> list[OutboxItem]:
        """Returns the events that this reader receives; marks skipped ones as delivered where nothing waits before them."""
        received: list[OutboxItem] = []
        for item in items:
            if recipient.is_notified(item):
                received.append(item)
            elif not any(before.event.priority is item.event.priority for before in received[-1:]):
                self._done(item.event.priority, item.seq)
        return received

    def _collect(self, recipient: Recipient, letters: Sequence[OutboxItem]) -> None:
        if letters and recipient.level(letters[0].event) is Level.OFF:
            self._done(Priority.GATHERED, letters[-1].seq)
            letters = []
        self._dead_letters.replace_waiting(letters)

    async def _deliver(self, recipient: Recipient, items: Sequence[OutboxItem]) -> None:
        """Sends the first of `items`, which have one priority, or all that can be batched with it."""
        first = items[0]
        late = self._clock.now() - first.at > _LATE
        alike = batchable(items)
        if len(alike) >= (_LATE_BATCHED_FROM if late else _BATCHED_FROM):
            message_id = await self._channel.send_about(recipient, batched(recipient, alike), first)
            await self._record_delivery(recipient, alike, message_id)
            for item in alike:
                await self._take_question_away(recipient, item)
        elif isinstance(first.event, ApprovalRequested):
            await self._ask(recipient, first, first.event, items)
        elif isinstance(first.event, ApprovalClosed):
            unasked = await self._never_asked(recipient, items)
            if len(unasked) > 1:
                message = replace(batched(recipient, unasked), silent=True)
                await self._record_delivery(recipient, unasked, await self._channel.send_about(recipient, message, first))
            else:
                await self._close(recipient, first, first.event)
        else:
            message = rendered(recipient, first, self._countdown)
            if isinstance(first.event, DigestMade) and first.event.digest.days:
                message = replace(message, photo=await self._chart(recipient, first.event.digest))
            if late:
                moment = recipient.texts("late", time=recipient.texts.full_moment(first.at))
                message = replace(message, text=f"{message.text}\n{moment}")
            await self._record_delivery(recipient, [first], await self._channel.send_about(recipient, message, first))
            await self._take_question_away(recipient, first)

    async def _chart(self, recipient: Recipient, digest: Digest) -> bytes:
        """Returns the chart of the last days' results; empty where it cannot be drawn."""
        days = [Gain(datetime.fromisoformat(f"{day}T00:00:00+00:00"), digest.quote, profit) for day, profit in digest.days]
        title = recipient.texts("chart.title_daily", quote=digest.quote)
        return await self._draw(daily(title, days, recipient.texts, recipient.theme)) or b""

    async def _ask(self, recipient: Recipient, item: OutboxItem, event: ApprovalRequested, items: Sequence[OutboxItem]) -> None:
        token = event.approval.token
        if any(isinstance(other.event, ApprovalClosed) and other.event.approval.token == token for other in items):
            self._done(item.event.priority, item.seq)  # decided before it could be asked: only the record is sent
            return
        message = rendered(recipient, item, self._countdown)
        message_id = await self._channel.send_about(recipient, message, item)
        await self._record_delivery(recipient, [item], message_id, question=event.approval.inbox_seq)
        self._countdown.began(event, message_id, message.keyboard)

    async def _never_asked(self, recipient: Recipient, items: Sequence[OutboxItem]) -> list[OutboxItem]:
        """Returns the first of `items` as long as they are questions that were withdrawn before anybody could be asked."""
        closed = {item.event.approval.token for item in items if isinstance(item.event, ApprovalClosed)}
        found: list[OutboxItem] = []
        for item in items:
            match item.event:
                case ApprovalRequested(approval=asked) if asked.token in closed:
                    continue  # its record is sent below, or with these
                case ApprovalClosed(approval=asked) if asked.state is ApprovalState.WITHDRAWN:
                    if await self._outbox.question_message(recipient.chat_id, asked.inbox_seq) is not None:
                        break
                    found.append(item)
                case _:
                    break
        return found

    async def _count_down(self, recipient: Recipient) -> bool:
        """Edits an open question to show the current price and the time left. Returns False where none is due."""
        due = self._countdown.take(recipient.texts)
        if due is None:
            return False
        if not await self._channel.edit(recipient, *due):
            self._countdown.gone(due[0])
        return True

    async def _close(self, recipient: Recipient, item: OutboxItem, event: ApprovalClosed) -> None:
        message = rendered(recipient, item, self._countdown)
        self._countdown.ended(event.approval.token)
        asked = await self._outbox.question_message(recipient.chat_id, event.approval.inbox_seq)
        if asked is None or not await self._channel.edit(recipient, asked, message):
            asked = await self._channel.send_about(recipient, message, item)
        await self._record_delivery(recipient, [item], asked, question=event.approval.inbox_seq)

    async def _take_question_away(self, recipient: Recipient, item: OutboxItem) -> None:
        """Deletes the question of an approved order whose outcome was just told: that says who approved, and one trade is one
        message. Where Telegram no longer deletes it (https://core.telegram.org/bots/api#deletemessage) it stays, as approved."""
        event = item.event
        if not isinstance(event, OrderExecuted | OrderFailed | EntryMissed) or event.order.approved_by is None:
            return
        asked = await self._outbox.question_message(recipient.chat_id, event.order.inbox_seq)
        if asked is not None:
            await self._channel.delete(recipient, asked)

    async def _deliver_dead_letters(self, recipient: Recipient) -> None:
        batch = self._dead_letters.take(recipient.texts)
        message_id = batch.message_id
        if message_id is None or not await self._channel.edit(recipient, message_id, batch.message):
            message_id = await self._channel.send(recipient, batch.message, "dead_letters", batch.seqs[0])
        self._dead_letters.sent(batch, message_id)
        await self._mark(Delivery(recipient.chat_id, message_id, Priority.GATHERED, batch.seqs[0], batch.seqs[-1]))

    async def _deliver_paused(self, recipient: Recipient) -> None:
        """Sends the signals skipped during a pause: a single one as usual, several as one silent message."""
        items = self._pauses.take()
        message = rendered(recipient, items[0], self._countdown) if len(items) == 1 else batched(recipient, items)
        message_id = await self._channel.send_about(recipient, replace(message, silent=True), items[0])
        self._pauses.sent()
        await self._record_delivery(recipient, items, message_id)

    # --- delivery records

    def _done(self, priority: Priority, seq: int) -> None:
        if self._delivered is not None:
            self._delivered[priority] = max(seq, self._delivered[priority])

    async def _record_delivery(
        self, recipient: Recipient, items: Sequence[OutboxItem], message_id: int, *, question: int | None = None
    ) -> None:
        first, last = items[0], items[-1]
        priority = first.event.priority
        await self._mark(Delivery(recipient.chat_id, message_id, priority, first.seq, last.seq, question))

    async def _mark(self, delivery: Delivery) -> None:
        self._unrecorded.append(delivery)
        self._done(delivery.priority, delivery.last_seq)
        await self._write_deliveries()

    async def _write_deliveries(self) -> None:
        """Writes deliveries to the ledger before anything else is read, so that a failing ledger does not cause duplicates."""
        while self._unrecorded and self._delivered is not None:
            await self._outbox.keep_cursor(self._key, self._delivered, self._unrecorded[0])
            self._unrecorded.pop(0)
