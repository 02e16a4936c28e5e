"""The state that trading starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.day_result import DayResult
from core.domain.messages import StoredMessage
from core.records.kept_rows import KeptRows


@dataclass(frozen=True, slots=True)
class TradingRecord:
    """The past as protections count it: net results of all exits by quote asset, when a stop last sold in each symbol within the
    last days, and how many positions in a row each strategy has closed at a loss, since somebody last reset that."""

    realised: Mapping[str, Decimal] = field(default_factory=dict)
    stopped: Mapping[str, datetime] = field(default_factory=dict)
    losing_exits: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class LedgerState(KeptRows):
    """The state that trading needs at start; its size does not grow with history. `orders` are those in flight, which start-up
    must find out about, `approvals` the open ones, `people` those with access, `invites` those not used or withdrawn,
    `authenticators` those that have not ended, `exits` the pending ones. `waiting` are the messages without an outcome (by seq),
    `today` the day results of the current UTC day, `totals` counters since the first start (`buy_orders`, `sell_orders`),
    `last_profit_pct` of the latest exit. `mark` is the ledger's own, which its orders carry; `touched` names every symbol that an
    order of it was ever sent for. `record` is what protections look back on."""

    waiting: Sequence[StoredMessage] = ()
    today: Sequence[DayResult] = ()
    totals: Mapping[str, int] = field(default_factory=dict)
    last_profit_pct: Decimal | None = None
    mark: int | None = None
    touched: Sequence[str] = ()
    record: TradingRecord = TradingRecord()
