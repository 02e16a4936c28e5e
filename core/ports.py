"""What the core needs of the outside, as small Protocols. Adapters implement them; tests pass small fakes."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.domain.access import Authenticator, Invite, Person, Reader
from core.domain.account import Acknowledged
from core.domain.approval import Approval
from core.domain.events import Event, OutboxItem, Priority
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.messages import DeadLetter, Message, SourcePosition, StoredMessage
from core.domain.order import ExecutionReport, Fill, Order, OrderRequest, PlaceResult, RecentOrders
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Trade
from core.domain.reasons import Reason
from core.domain.risk_limit import LimitSet
from core.domain.signal_conflict import Conflict
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState
from core.policy.rule_measurements import DecisionRecord


class Clock(Protocol):
    """Time, injected: tests run on a virtual one."""

    def now(self) -> datetime:
        """This machine's idea of the time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class MarketData(Protocol):
    """What may be traded and at which price. Every method raises ExchangeUnavailable when there is no readable answer."""

    async def server_time(self) -> datetime:
        """The venue's own clock, aware UTC."""
        ...

    async def instruments(self, symbols: Collection[str] | None) -> Mapping[str, Instrument]:
        """The rules of `symbols` (None: all). A symbol the venue does not know is absent from the answer, not an error."""
        ...

    async def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """The best bid and ask of each of `symbols` that the venue knows. `Quote.at` is our clock's time when they were
        asked for: by then, or later, they were so."""
        ...


EntryGate = Callable[[], Reason | None]
"""Why no entry is made now, whoever wants it; None while they are. Exits never ask. Answers at once, from what is known."""


class Venue(MarketData, Protocol):
    """Where orders go."""

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Places a MARKET order. Never raises for what the venue or the network does: the four kinds of answer are values."""
        ...

    async def find_order(self, symbol: str, client_order_id: str) -> ExecutionReport | None:
        """What the venue knows of the order; None only for its explicit "does not exist" (-2013). Raises ExchangeUnavailable."""
        ...

    async def cancel_order(self, symbol: str, client_order_id: str) -> bool:
        """Takes an order off the venue. False where it has none of that name that could still be taken off (-2011). Raises
        ExchangeUnavailable: then nobody knows."""
        ...

    async def fills(self, symbol: str, order_id: str) -> Sequence[Fill]:
        """Every fill of the order, from the account's trades. Raises ExchangeUnavailable."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """The account's balances by asset, without the zeros. Raises ExchangeUnavailable."""
        ...

    async def recent_orders(self, symbol: str, limit: int) -> RecentOrders:
        """The newest `limit` orders of `symbol`, ours or not, without their fills. One of ours that cannot be read is named; one
        of somebody else is left out. Raises ExchangeUnavailable."""
        ...

    async def open_orders(self) -> Sequence[ExecutionReport]:
        """Orders that rest on the venue, ours or not. Raises ExchangeUnavailable."""
        ...

    @property
    def request_lifetime(self) -> float:
        """Seconds of venue time after which a sent request can no longer become an order (Binance: recvWindow)."""
        ...


class AccountHistory(Protocol):
    """What the venue itself keeps of a time past."""

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """Every order of `symbol`, ours or not, that was last changed from `since` on and before `until`, with its fills. Raises
        ExchangeUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """What became of a stored message: `outcome` is the metric's label (`ordered`, `ignored`, `denied`, `expired`, `observed`,
    `awaiting_approval`, `put_off`, `done`, `failed`), `reason` why (English sentence and code are both
    kept), `facts` the numbers that were decided by."""

    seq: int
    outcome: str
    at: datetime
    reason: Reason | None = None
    facts: DecisionRecord | None = None


@dataclass(slots=True)
class CommitBatch:
    """Everything that one commit writes. Rows are facts: orders, positions, approvals, holds, exits, people, invites,
    authenticators, readers and limits replace the row of the same key, the rest is appended; an execution, fill or trade that is
    there already is left alone."""

    verdicts: list[MessageOutcome] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    fills: list[tuple[str, Fill]] = field(default_factory=list)  # (client_order_id, fill)
    positions: list[Position] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    controls: TradingState | None = None
    holds: list[SymbolHalt] = field(default_factory=list)
    exits: list[PendingExit] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)
    authenticators: list[Authenticator] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    limits: list[LimitSet] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DayResult:
    """Net profit of the exits of one UTC day in one quote asset."""

    day: str
    quote_asset: str
    profit: Decimal
    exits: int
    wins: int


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What trading needs to know at start; its size does not grow with history. `in_flight` are the orders that start-up must
    find out about, `waiting` the messages without a verdict (by seq), `today` the day results of the present UTC day, `totals`
    counters since the first start (`buy_orders`, `sell_orders`), `last_profit_pct` of the latest exit. `people` are those with a
    right, `invites` those not used or withdrawn, `authenticators` those that have not ended, `exits` those that are wanted.
    `mark` is the ledger's own, which its orders carry; `touched` names every symbol that an order of it was ever sent for."""

    controls: TradingState | None
    positions: Sequence[Position]
    in_flight: Sequence[Order]
    approvals: Sequence[Approval]
    holds: Sequence[SymbolHalt]
    waiting: Sequence[StoredMessage]
    today: Sequence[DayResult]
    totals: Mapping[str, int]
    last_profit_pct: Decimal | None
    people: Sequence[Person] = ()
    invites: Sequence[Invite] = ()
    authenticators: Sequence[Authenticator] = ()
    readers: Sequence[Reader] = ()
    limits: Sequence[LimitSet] = ()
    exits: Sequence[PendingExit] = ()
    mark: int | None = None
    touched: Sequence[str] = ()
    acknowledged: Sequence[Acknowledged] = ()


Arrival = StoredMessage | Conflict | None
"""What became of a message that was to be stored; None: it was known already."""


class Ledger(Protocol):
    """The one place of truth. Every method raises LedgerUnavailable when nothing was written or read."""

    async def load(self, today: str) -> LedgerState:
        """The state to start from; `today` is the UTC day, `YYYY-MM-DD`."""
        ...

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
    ) -> Sequence[Arrival]:
        """Stores what came in and how far its source was read, in one commit. The answer stands in the order of `messages`:
        None for one whose (source, source_id) is known already. A signal that says something else than the one that is known is a
        Conflict, which is kept among the dead letters and told, in the same commit."""
        ...

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Those of these orders that the ledger knows, by client order id."""
        ...

    async def commit(self, changes: CommitBatch) -> None:
        """Writes all of `changes` or nothing. Commits that are ready together share one transaction."""
        ...


class Observer(Protocol):
    """Whoever only wants to know. Called after the commit, never awaited; what it raises is logged and goes no further."""

    def committed(self, changes: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None: ...


class Timings(Protocol):
    """Takes the measured durations, in seconds."""

    def signal_to_order(self, seconds: float) -> None:
        """From a signal's arrival in this process to the moment its order is sent, intent and all committed; once an order."""
        ...

    def order_ack(self, seconds: float) -> None:
        """From sending an order to the venue's answer."""
        ...


MAIN_READER = "main"
"""Who is told in the owner's chat, whichever chat that is."""

Told = Mapping[Priority, int]
"""How far somebody was told: of each priority, the seq of the last event that is done with."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chat message and the events that it tells: those of `priority` from `first_seq` to `last_seq`. `question` is the inbox
    seq of the signal that it asks about."""

    chat_id: int
    message_id: int
    priority: Priority
    first_seq: int
    last_seq: int
    question: int | None = None


class Outbox(Protocol):
    """The events in the order in which they were committed, and how far each reader was told. Raises LedgerUnavailable."""

    async def told(self, reader: str) -> Told | None:
        """How far `reader` was told; None for one that was never told anything."""
        ...

    async def newest(self) -> Told:
        """The last events there are."""
        ...

    async def waiting(self, told: Told, limit: int) -> Sequence[OutboxItem]:
        """The events after `told`: by priority, then by seq, at most `limit` of each priority."""
        ...

    async def keep_told(self, reader: str, told: Told, delivery: Delivery | None = None) -> None:
        """Remembers how far `reader` was told and, in the same commit, which message told the last of it."""
        ...

    async def question_message(self, chat_id: int, question: int) -> int | None:
        """The message of a chat that asks about the signal with the inbox seq `question`; None where there is none."""
        ...

    async def pending(self, told: Told) -> int:
        """How many events come after `told`."""
        ...

    async def news(self, seen: int) -> int:
        """Returns the number of the last news, at once where it is not `seen`, else when there is some; never polls."""
        ...


class SignalSource(Protocol):
    """Where signals come from."""

    async def run(self) -> None:
        """Feeds the inbox until cancelled; connects again by itself."""
        ...

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether it is reading, and a word on its state."""
        ...


class History(Protocol):
    """Where executions are kept for good, outside of the ledger (Snowflake)."""

    async def keep(self, executions: Sequence[Execution]) -> bool:
        """Takes them, each once however often it comes; a row that is there already becomes what it is now. True where there was
        nothing at all before: what was brought at other times is not there. Raises HistoryUnavailable: then some may be there,
        and all must be brought again; so too where another trading mode's executions are kept there."""
        ...


class ExportFeed(Protocol):
    """The executions in the order in which they were committed, and how far they were exported. Raises LedgerUnavailable."""

    async def position(self) -> int:
        """The number of the last execution that was exported; 0 before the first."""
        ...

    async def after(self, position: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """The next executions with their numbers."""
        ...

    async def count_after(self, position: int) -> int: ...

    async def exported(self, position: int) -> None:
        """Remembers that everything up to `position` is in the history."""
        ...


Deliver = Callable[
    [Sequence[Message], Sequence[DeadLetter], SourcePosition | None],
    Awaitable[None],
]
"""What a source calls with what it read: returns once all of it is stored, and waits while the inbox is full."""
