"""The rows that trading keeps in memory, as domain values."""

from dataclasses import dataclass, field

from core.domain.access import Authenticator, Invite, Person, Reader
from core.domain.account import Acknowledged
from core.domain.approval import Approval
from core.domain.equity_mark import EquityMark, LossReset
from core.domain.order import Order
from core.domain.pending_exit import PendingExit
from core.domain.position import Position
from core.domain.risk_limit import LimitSet
from core.domain.strategy_limit import StrategyLimit
from core.domain.strategy_pause import StrategyPause
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_plan import TradePlan
from core.domain.trading_state import TradingState


@dataclass(slots=True, kw_only=True)
class KeptRows:
    """Rows that replace the one of the same key: a commit writes some of them, a start loads those that still matter."""

    trading_state: TradingState | None = None
    positions: list[Position] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    holds: list[SymbolHalt] = field(default_factory=list)
    plans: list[TradePlan] = field(default_factory=list)
    exits: list[PendingExit] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)
    authenticators: list[Authenticator] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    strategy_pauses: list[StrategyPause] = field(default_factory=list)
    strategy_limits: list[StrategyLimit] = field(default_factory=list)
    limits: list[LimitSet] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    equity_mark: EquityMark | None = None
    loss_reset: LossReset | None = None
