"""The values shown by chat and dashboard: the results of the ledger's queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.approval import Approval
from core.domain.execution_quality import Latency, Quality
from core.domain.messages import Body, DeadLetter, ManualInstruction
from core.domain.order import Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan
from core.policy.rule_measurements import DecisionRecord


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter: from which UTC day on (None: from the beginning) and up to which one, included (None: to the end), which symbol,
    trading mode and strategy (None: all)."""

    since: date | None = None
    symbol: str | None = None
    mode: str | None = None
    strategy: str | None = None
    until: date | None = None

    def has(self, book: StrategyBook) -> bool:
        """Tells whether the symbol and the strategy of `book` are chosen."""
        return self.symbol in (None, book.symbol) and self.strategy in (None, book.strategy)


@dataclass(frozen=True, slots=True)
class Performance:
    """Exits of one kind. `profit` net and `gross`, both in `quote_asset`."""

    name: str
    quote_asset: str
    exits: int
    wins: int
    profit: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Gain:
    """The net profit (`quote_asset`) of one exit, or of one day's exits."""

    at: datetime
    quote_asset: str
    profit: Decimal


@dataclass(frozen=True, slots=True)
class Turnover:
    """Executions in one quote asset: how many, and in that asset their `volume` (bought and sold), what exits with a profit `won`
    and those with a loss `lost` (both at least 0, net). `fees` are what was paid, by the asset that it was paid in."""

    quote_asset: str
    executions: int
    volume: Decimal
    won: Decimal
    lost: Decimal
    fees: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class SignalStory:
    """A signal that came and its outcome; none while it waits its turn."""

    signal: Signal
    received_at: datetime
    outcome: str | None
    reason: Reason | None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """A command of a person in the chat, or of a timer, and its outcome; none while it waits its turn. `mailbox` is the symbol
    whose turn it takes, or something else that takes turns."""

    seq: int
    source: str
    mailbox: str
    at: datetime
    body: Body
    outcome: str | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list that begins with the newest: older than the row `before`, or newer than `after`."""

    before: int | None = None
    after: int | None = None


NEWEST = Page()


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The quality of execution: in all, by quote asset; by group, see `core.policy.quality.summary.GROUPS`; and how long
    orders took. `newest`: only so many of the newest orders and signals were read, as there are more; None: all."""

    whole: Sequence[Quality]
    groups: Mapping[str, Sequence[Quality]]
    latencies: Sequence[Latency]
    newest: int | None = None


Place = tuple[datetime, int]
"""The position of an execution among all: its time and its number."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The details of an order's settlement: how much was `held` afterwards (base asset), and the value of its fee in quote asset,
    None if no price was known."""

    held: Decimal
    fee_value: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderStep:
    """An order's progress at a moment. `qty` and `executed_qty` in base asset, `price` in quote asset."""

    at: datetime
    state: OrderState
    qty: Decimal
    price: Decimal
    order_id: str | None
    executed_qty: Decimal
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class SentNotification:
    """A message of a chat that reported an event; `reader` is a person's id, or MAIN_READER for the owner's chat."""

    at: datetime
    kind: str
    reader: str
    chat_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the ledger keeps about a signal. One of an older version lacks `facts` and `steps`. An entry may have a
    `plan`; `legs` are the orders that carried it out, in the order they were made."""

    seq: int
    signal: Signal
    hand: ManualInstruction | None
    received_at: datetime
    decided_at: datetime | None
    outcome: str | None
    reason: Reason | None
    facts: DecisionRecord | None
    order: Order | None
    steps: Sequence[OrderStep]
    fills: Sequence[Fill]
    execution: Execution | None
    approval: Approval | None
    notifications: Sequence[SentNotification]
    plan: TradePlan | None = None
    legs: Sequence[Order] = ()


@dataclass(frozen=True, slots=True)
class PrunedSignal:
    """The rest of a signal that led to nothing and was pruned; `outcome` is the message's."""

    seq: int
    signal_type: str
    symbol: str
    received_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class LetterStory:
    """An unreadable record and its number."""

    seq: int
    letter: DeadLetter
