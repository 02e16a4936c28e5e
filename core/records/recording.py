"""The record of a span of time in a ledger: everything that a replay needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.approval import Approval
from core.domain.equity_mark import LossReset
from core.domain.messages import Message, SignalReceived
from core.domain.order import Fill, Order
from core.domain.position import Execution, Position, Trade
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.trade_plan import TradePlan
from core.policy.rule_measurements import DecisionRecord


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A stored message with its outcome; `outcome` and `decided_at` are None while it has none."""

    seq: int
    message: Message
    outcome: str | None
    decided_at: datetime | None
    reason: Reason | None = None
    facts: DecisionRecord | None = None

    @property
    def signal(self) -> Signal | None:
        """Returns the signal that it is; None for any other message."""
        return self.message.body.signal if isinstance(self.message.body, SignalReceived) else None

    @property
    def at(self) -> datetime:
        """Returns when it was decided, as exactly as that is known."""
        if self.facts is not None:
            return self.facts.at
        return self.decided_at or self.message.received_at


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """An order as it ended, or is now, with its fills, oldest first."""

    order: Order
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """The record from `since` (None: from the beginning) `until`. `earlier` are messages of before that changed the trading
    state. `orders`, `executions` and `trades` reach back further, to when what was open at `since` was opened, and some days;
    `positions` are those of the end. `fee_values` are the commissions in a third asset, in quote asset, by client order id.
    `pruned` counts the signals of which only the content is left."""

    since: datetime | None
    until: datetime
    messages: tuple[RecordedMessage, ...]
    earlier: tuple[RecordedMessage, ...] = ()
    orders: Mapping[str, RecordedOrder] = field(default_factory=dict)
    executions: tuple[Execution, ...] = ()
    trades: tuple[Trade, ...] = ()
    positions: tuple[Position, ...] = ()
    approvals: tuple[Approval, ...] = ()
    plans: tuple[TradePlan, ...] = ()
    fee_values: Mapping[str, Decimal] = field(default_factory=dict)
    loss_reset: LossReset | None = None
    pruned: int = 0
