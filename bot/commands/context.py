"""What a command may read, and the one way it changes anything: a message put into the inbox. It never writes itself."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Protocol

import structlog

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.totp import OneTimeCodes
from bot.reports.tax_export import Executions
from bot.subscriptions.recipients import Recipients
from bot.texts import Texts, texts
from bot.views.reply_keyboard import Keys, keys
from core.domain.access import Role
from core.domain.day_result import DayResult
from core.domain.errors import LedgerUnavailable
from core.domain.events.table import Event
from core.domain.instrument import Instrument, Quote
from core.domain.messages import Body, Message
from core.domain.order import Order
from core.domain.position import Execution, Trade
from core.domain.signal import BY_HAND
from core.engine.inbox import Inbox
from core.execution.decision_service import DecisionService
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.read_models import NEWEST, Act, Gain, LetterStory, Page, Performance, PrunedSignal, Selection, SignalStory, Story
from core.records.message_outcome import MessageOutcome
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

ASK_SECONDS = 5.0
OLD_QUOTE = timedelta(seconds=10)  # from here on a price is shown with its age

Health = Mapping[str, tuple[bool, str]]


class Queries(Executions, Protocol):
    """What the commands ask the ledger. Every method raises LedgerUnavailable."""

    async def recent_signals(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[SignalStory]:
        """The last signals, the newest first."""
        ...

    async def recent_trades(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[tuple[int, Trade]]:
        """The last closed trades with their numbers, the newest first."""
        ...

    async def recent_orders(self, limit: int) -> Sequence[Order]:
        """The last orders, the newest first."""
        ...

    async def recent_executions(self, limit: int) -> Sequence[Execution]:
        """The last executed orders, the newest first."""
        ...

    async def acts(self, limit: int, *, page: Page = NEWEST) -> Sequence[Act]:
        """What people and timers wanted, the newest first."""
        ...

    async def day_results(self, since: str) -> Sequence[DayResult]:
        """The day results from the UTC day `since` (`YYYY-MM-DD`, empty: all) on."""
        ...


class Stories(Protocol):
    """The whole story of a signal. Every method raises LedgerUnavailable."""

    async def last(self) -> Sequence[int]:
        """The inbox seq of the last signal."""
        ...

    async def named(self, name: str) -> Sequence[int]:
        """The inbox seqs of the signals that a name means, the newest first."""
        ...

    async def told_by(self, chat_id: int, message_id: int) -> Sequence[int]:
        """The inbox seqs of the signals that a message tells of, the newest first."""
        ...

    async def letter(self, position: str) -> LetterStory | None:
        """The unreadable record from that place."""
        ...

    async def letter_told_by(self, chat_id: int, message_id: int) -> LetterStory | None:
        """The first unreadable record that a message tells of."""
        ...

    async def pruned(self, seq: int) -> PrunedSignal | None:
        """What is left of a signal that was pruned, by its inbox seq."""
        ...

    async def pruned_before(self) -> datetime | None:
        """From when on the ledger was not pruned yet; None where it never was."""
        ...

    async def story(self, seq: int) -> Story | None:
        """Everything about one signal."""
        ...


class Analytics(Protocol):
    """Sums over the ledger. Every method raises LedgerUnavailable."""

    async def performance(self, by: str, selection: Selection) -> Sequence[Performance]:
        """Exits by `symbol` or `signal_type`: by quote asset, of each the most profitable first."""
        ...

    async def gains(self, selection: Selection, limit: int) -> Sequence[Gain]:
        """The newest `limit` exits, the oldest of them first."""
        ...

    async def days(self, selection: Selection) -> Sequence[Gain]:
        """The net profit of each UTC day, the oldest first."""
        ...

    async def executions(self, selection: Selection, limit: int) -> Sequence[Execution]:
        """The newest executed orders of the selection, the newest first."""
        ...

    async def symbols(self) -> Sequence[str]:
        """Every symbol that was ever held."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in which chat. `source_id` is the identity of what was said, the same when Telegram brings it again;
    `reply_to` is the message that it answers."""

    user_id: int
    name: str
    role: Role
    source_id: str
    chat_id: int
    reply_to: int | None = None

    @property
    def in_private(self) -> bool:
        """Whether nobody else reads the answer: https://core.telegram.org/bots/api#chat."""
        return self.chat_id == self.user_id


@dataclass(frozen=True)
class CommandContext:
    """Everything a command may need. `symbols` None means all; `codes` judges one-time codes where they are wanted,
    `alerts_waiting` counts what is not told, `bot_name` is the bot's user name; `health` tells of each part whether it is well,
    and a word on it. `lag` is how many records of Kafka are not read yet (None: not known; without Kafka there is no `lag`),
    `clock_offset` the exchange's clock minus this machine's in seconds (None: not measured). `tell` puts an event into the
    outbox; `patience` is how many seconds an answer waits for what becomes of a wish. `language` and `zone` are those of the
    reader."""

    portfolio: Portfolio
    market: MarketDataCache
    decisions: DecisionService
    rates: ExchangeRates
    confirmations: Confirmations
    codes: OneTimeCodes | None
    inbox: Inbox
    alerts_waiting: Callable[[], int]
    queries: Queries
    analytics: Analytics
    stories: Stories
    venue: Venue
    clock: Clock
    trading_mode: str
    symbols: frozenset[str] | None
    people: Roles
    recipients: Recipients
    bot_name: Callable[[], str]
    language: str
    zone: str
    version: str
    started_at: datetime
    health: Callable[[], Health]
    lag: Callable[[], int | None] | None
    clock_offset: Callable[[], float | None]
    tell: Callable[[Event], object]
    patience: float = ASK_SECONDS

    @property
    def texts(self) -> Texts:
        return texts(self.language, self.zone)

    def spoken_to(self, person: int) -> "CommandContext":
        """The same desk in the language and the time zone of a person."""
        language, zone = self.recipients.speech(person)
        return self if (language, zone) == (self.language, self.zone) else replace(self, language=language, zone=zone)

    def shows_figures(self, caller: Caller) -> bool:
        """Whether all who read the answer may know what the account holds: in private, and in the chat that the owner has set."""
        return caller.in_private or caller.chat_id == self.recipients.chat_id

    def keys(self, caller: Caller) -> Keys:
        """The keyboard of who asks, as it should be now; a group has none."""
        return keys(self.texts, caller.role, self.portfolio.controls) if caller.in_private else ()

    def priced(self, symbol: str) -> "Priced":
        """What is known of a symbol, however old."""
        return Priced(symbol, self.market.instrument(symbol), self.market.quote(symbol))

    async def put(self, caller: Caller, body: Body, mailbox: str = "") -> "MessageOutcome | Trouble":
        """Puts what the caller wants into the inbox and waits for what becomes of it, as long as its patience lasts."""
        return await self.put_as(caller.source_id, body, mailbox)

    async def put_as(self, source_id: str, body: Body, mailbox: str = "") -> "MessageOutcome | Trouble":
        """The same under another identity than that of what was said last."""
        message = Message(BY_HAND, source_id, mailbox, body, self.clock.now())
        asking = asyncio.create_task(self.inbox.ask(message), name=f"ask {source_id}")
        asking.add_done_callback(_look_at)
        timer = asyncio.create_task(self.clock.sleep(self.patience), name="ask timeout")
        try:
            await asyncio.wait({asking, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not asking.done():
            return Trouble.PENDING  # it is stored or about to be, and done in its turn
        if asking.cancelled():
            return Trouble.STOPPING
        try:
            return asking.result() or Trouble.KNOWN
        except LedgerUnavailable as error:
            log.warning("what the chat asked for could not be stored", error=str(error))
            return Trouble.LEDGER


class Trouble(Enum):
    """Why there is no verdict: still at it, stopping, nothing stored, or the same was said before."""

    PENDING = "answer.pending"
    STOPPING = "answer.stopping"
    LEDGER = "answer.ledger"
    KNOWN = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """A symbol with its rules and last quote, each None where it is not known."""

    symbol: str
    instrument: Instrument | None
    quote: Quote | None

    @property
    def base(self) -> str:
        return self.instrument.base if self.instrument else self.symbol

    @property
    def quote_asset(self) -> str:
        return self.instrument.quote if self.instrument else ""

    @property
    def price(self) -> Decimal | None:
        """What one could sell at, in quote asset."""
        return self.quote.bid if self.quote else None

    def age(self, now: datetime) -> timedelta | None:
        """How old the price is, where it is too old to be called the present one."""
        if self.quote is None or now - self.quote.at < OLD_QUOTE:
            return None
        return now - self.quote.at


def _look_at(task: "asyncio.Task[MessageOutcome | None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("an answer came as an error", error=str(task.exception()))
