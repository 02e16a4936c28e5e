"""Outbox to chat: every event is told at least once, in order and urgent first, whatever Telegram does. It never calls back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from telegram.error import BadRequest, ChatMigrated, TelegramError
from telegram.ext import ExtBot

from bot.dead_letter_news import DeadLetterNews
from bot.message import ChatMessage
from bot.render import render, render_digest
from bot.telegram_link import Speaker
from bot.texts import Texts
from core.domain.errors import LedgerUnavailable
from core.domain.events import ApprovalClosed, ApprovalRequested, DeadLettersFound, OutboxItem, Priority, SymbolHeld
from core.ports import Clock, Outbox

log = structlog.get_logger(__name__)

_READ = 2_000  # events looked at in one go
_FOLDED_FROM = 9  # this many that wait are told in one message
_BURST = 4
_PER_SECOND = 1.0  # https://core.telegram.org/bots/faq: "avoid sending more than one message per second" in a chat
_LEDGER_PAUSE = 2.0  # seconds
_HOPELESS_PAUSE, _LONGEST_PAUSE = 60.0, 600.0  # seconds


class ApprovalMessages(Protocol):
    """Which chat message asks about which approval. Every method raises LedgerUnavailable."""

    async def set_approval_message(self, token: str, chat_id: int, message_id: int) -> None: ...

    async def approval_message(self, token: str) -> tuple[int, int] | None:
        """Its chat and message id; None where it was never sent."""
        ...


class TelegramNotifier:
    """Tells one chat what happens. `bot` is its own, so that alerts wait for no command."""

    def __init__(
        self,
        bot: ExtBot[None],
        chat_id: int,
        outbox: Outbox,
        *,
        approval_messages: ApprovalMessages,
        clock: Clock,
        texts: Texts,
    ) -> None:
        self._speaker = Speaker(bot, clock)
        self._chat_id = chat_id
        self._outbox = outbox
        self._approvals = approval_messages
        self._clock = clock
        self._texts = texts
        self._pace = _Pace(clock)
        self._dead_letters = DeadLetterNews(clock)
        self._told: list[_Told] = []  # and not yet marked so
        self._hopeless = 0
        self._news: asyncio.Task[None] | None = None

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether alerts go out, and what is the matter if not."""
        return (not self._speaker.problem, self._speaker.problem or "alerts go out")

    async def run(self) -> None:
        """Tells until cancelled. Nothing that Telegram or the ledger does ends it."""
        try:
            while True:
                await self._turn()
        finally:
            if self._news is not None:
                self._news.cancel()
            await self._speaker.bot.request.shutdown()

    async def _turn(self) -> None:
        try:
            await self._mark_told()
            items = await self._outbox.waiting(_READ + self._dead_letters.held)
            if not await self._tell_next(items):
                await self._rest()
        except LedgerUnavailable as error:
            log.warning("the outbox does not answer", error=str(error))
            await self._clock.sleep(_LEDGER_PAUSE)
        except ChatMigrated as error:
            log.error("the chat became a supergroup: set TG_CHAT_ID to its new id", new_chat_id=error.new_chat_id)
            self._chat_id = error.new_chat_id
        except TelegramError as error:
            # The bot is blocked, or the chat or the token unknown: only people can mend it, and everything waits till then.
            self._hopeless += 1
            pause = min(_HOPELESS_PAUSE * 2 ** (self._hopeless - 1), _LONGEST_PAUSE)
            log.error("alerts cannot be delivered; they wait", error=self._speaker.words(error), again_in_seconds=pause)
            await self._clock.sleep(pause)
        else:
            self._hopeless = 0

    async def _rest(self) -> None:
        """Until something was committed, or it is time to tell of unreadable records."""
        if self._news is None:
            self._news = asyncio.create_task(self._outbox.wait_for_news(), name="outbox news")
        wait_for: set[asyncio.Task[None]] = {self._news}
        due = self._dead_letters.due_in()
        timer = asyncio.create_task(self._clock.sleep(due), name="unreadable records") if due is not None else None
        if timer is not None:
            wait_for.add(timer)
        try:
            await asyncio.wait(wait_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if timer is not None:
                timer.cancel()
        if self._news.done():
            news, self._news = self._news, None
            news.result()

    async def _tell_next(self, items: Sequence[OutboxItem]) -> bool:
        """Tells the most urgent of what waits. False where there is nothing to tell now."""
        letters = [item for item in items if isinstance(item.event, DeadLettersFound)]
        others = [item for item in items if not isinstance(item.event, DeadLettersFound)]
        self._dead_letters.hold(letters)
        letters_due = self._dead_letters.due_in() == 0
        if others and (others[0].event.priority is Priority.URGENT or not letters_due):
            await self._tell(others)
        elif letters_due:
            await self._tell_dead_letters()
        else:
            return False
        return True

    async def _tell(self, items: Sequence[OutboxItem]) -> None:
        first = items[0]
        if isinstance(first.event, ApprovalRequested):
            await self._ask(first, first.event, items)
        elif isinstance(first.event, ApprovalClosed):
            await self._close(first, first.event)
        else:
            alike = [item for item in items if _foldable(item, urgent=first.event.priority is Priority.URGENT)]
            if len(alike) >= _FOLDED_FROM:
                message_id = await self._send(self._folded(alike))
                await self._mark([item.seq for item in alike], message_id)
            else:
                await self._mark([first.seq], await self._send(self._rendered(first), first))

    async def _ask(self, item: OutboxItem, event: ApprovalRequested, items: Sequence[OutboxItem]) -> None:
        token = event.approval.token
        if any(isinstance(other.event, ApprovalClosed) and other.event.approval.token == token for other in items):
            await self._mark([item.seq], None)  # decided before it could be asked: the record alone is told
        else:
            await self._mark([item.seq], await self._send(self._rendered(item), item), approval=token)

    async def _close(self, item: OutboxItem, event: ApprovalClosed) -> None:
        asked = await self._approvals.approval_message(event.approval.token)
        record = self._rendered(item)
        # A question that was asked in a former chat stays as it is there: this chat is the one that must hear of its end.
        if asked is not None and asked[0] == self._chat_id:
            await self._pace.wait()
            if await self._speaker.edit(*asked, record):
                await self._mark([item.seq], asked[1])
                return
        await self._mark([item.seq], await self._send(record, item))

    async def _tell_dead_letters(self) -> None:
        news = self._dead_letters.take(self._texts)
        if news.message_id is not None:
            await self._pace.wait()
            if await self._speaker.edit(self._chat_id, news.message_id, news.message):
                self._dead_letters.told(news, news.message_id)
                await self._mark(news.seqs, news.message_id)
                return
        message_id = await self._send(news.message)
        self._dead_letters.told(news, message_id)
        await self._mark(news.seqs, message_id)

    async def _mark(self, seqs: Sequence[int], message_id: int | None, approval: str | None = None) -> None:
        self._told.append(_Told(tuple(seqs), message_id, approval))
        await self._mark_told()

    async def _mark_told(self) -> None:
        """What was told is written down before anything else is read, so that an ailing ledger does not make us say it twice."""
        while self._told:
            told = self._told[0]
            if told.approval is not None and told.message_id is not None:
                await self._approvals.set_approval_message(told.approval, self._chat_id, told.message_id)
            await self._outbox.sent(told.seqs, message_id=told.message_id)
            self._told.pop(0)

    def _folded(self, items: Sequence[OutboxItem]) -> ChatMessage:
        try:
            return render_digest(items, self._texts)
        except Exception:
            log.exception("events could not be folded", seqs=[item.seq for item in items])
            return ChatMessage(self._texts("digest", count=len(items)))

    def _rendered(self, item: OutboxItem) -> ChatMessage:
        try:
            return render(item.event, self._texts)
        except Exception:  # an event that cannot be shown must not keep all the others from being told
            log.exception("an event could not be rendered", seq=item.seq, kind=item.event.kind)
            return self._unshowable(item)

    def _unshowable(self, item: OutboxItem) -> ChatMessage:
        return ChatMessage(self._texts("alert.unshowable", kind=item.event.kind, seq=item.seq))

    async def _send(self, message: ChatMessage, item: OutboxItem | None = None) -> int:
        """The id of the message sent. Raises TelegramError where this chat takes nothing at all."""
        await self._pace.wait()
        try:
            return await self._speaker.send(self._chat_id, message)
        except BadRequest as error:
            if item is None or "chat not found" in str(error).lower():
                raise
            log.error("Telegram refuses a message", error=self._speaker.words(error), seq=item.seq)
            return await self._speaker.send(self._chat_id, self._unshowable(item))


@dataclass(frozen=True, slots=True)
class _Told:
    """Events that Telegram took; `approval` is the token of the question that the message asks."""

    seqs: tuple[int, ...]
    message_id: int | None
    approval: str | None


def _foldable(item: OutboxItem, *, urgent: bool) -> bool:
    has_buttons = isinstance(item.event, ApprovalRequested | ApprovalClosed | SymbolHeld)
    return not has_buttons and (item.event.priority is Priority.URGENT) is urgent


class _Pace:
    """A few at once, then about one a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = float(_BURST)
        self._at = clock.monotonic()

    async def wait(self) -> None:
        """Returns when the next message may go."""
        now = self._clock.monotonic()
        self._left = min(self._left + (now - self._at) * _PER_SECOND, float(_BURST))
        self._at = now
        if self._left < 1:
            await self._clock.sleep((1 - self._left) / _PER_SECOND)
            self._at, self._left = self._clock.monotonic(), 1.0
        self._left -= 1
