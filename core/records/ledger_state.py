"""The state that trading starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.access import Authenticator, Invite, Person, Reader
from core.domain.account import Acknowledged
from core.domain.approval import Approval
from core.domain.day_result import DayResult
from core.domain.messages import StoredMessage
from core.domain.order import Order
from core.domain.pending_exit import PendingExit
from core.domain.position import Position
from core.domain.risk_limit import LimitSet
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The state that trading needs at start; its size does not grow with history. `in_flight` are the orders that start-up must
    find out about, `waiting` the messages without an outcome (by seq), `today` the day results of the current UTC day, `totals`
    counters since the first start (`buy_orders`, `sell_orders`), `last_profit_pct` of the latest exit. `people` are those with
    access, `invites` those not used or withdrawn, `authenticators` those that have not ended, `exits` the pending ones. `mark` is
    the ledger's own, which its orders carry; `touched` names every symbol that an order of it was ever sent for."""

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
