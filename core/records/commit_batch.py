"""One commit's rows, as domain values."""

from dataclasses import dataclass, field

from core.domain.access import Authenticator, Invite, Person, Reader
from core.domain.account import Acknowledged
from core.domain.approval import Approval
from core.domain.events.table import Event
from core.domain.order import Fill, Order
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Trade
from core.domain.risk_limit import LimitSet
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState
from core.records.message_outcome import MessageOutcome


@dataclass(slots=True)
class CommitBatch:
    """Everything that one commit writes. Orders, positions, approvals, holds, exits, people, invites, authenticators, readers
    and limits replace the row of the same key, the rest is appended; an execution, fill or trade that exists already is left
    alone."""

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
