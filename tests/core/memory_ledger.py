"""A ledger in memory that can be made to fail, and a counting front to the real one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.domain.account import Acknowledged
from core.domain.approval import Approval, ApprovalState
from core.domain.arrival import Arrival
from core.domain.day_result import DayResult
from core.domain.errors import LedgerUnavailable
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition, StoredMessage
from core.domain.money import ZERO
from core.domain.order import Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Trade
from core.domain.signal_conflict import Conflict, differ
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome
from tests.core.virtual_time import VirtualClock

Picks = Callable[[CommitBatch], bool]


@dataclass
class MemoryLedger:
    """See `core.ports.ledger.Ledger`: a commit is all or nothing, existing rows are left alone."""

    messages: dict[tuple[str, str], StoredMessage] = field(default_factory=dict)
    outcomes: dict[int, MessageOutcome] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    order_history: list[Order] = field(default_factory=list)
    fills: dict[tuple[str, str], Fill] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    holds: dict[str, SymbolHalt] = field(default_factory=dict)
    exits: dict[str, PendingExit] = field(default_factory=dict)
    controls: TradingState | None = None
    events: list[Event] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    mark: int = 7_000_000_001
    acknowledged: dict[int, Acknowledged] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    source_positions: list[SourcePosition] = field(default_factory=list)
    refused: list[CommitBatch] = field(default_factory=list)
    _failing: list[Picks] = field(default_factory=list)

    def fail(self, times: int, picks: Picks = lambda _: True) -> None:
        """Makes the next `times` commits that `picks` names fail."""
        self._failing.extend([picks] * times)

    async def load(self, today: str) -> LedgerState:
        exits = [row for row in self.executions.values() if row.profit_quote is not None]
        todays = [row for row in exits if row.executed_at.date().isoformat() == today]
        results = [
            DayResult(today, asset, sum((row.profit_quote or ZERO for row in todays if row.quote_asset == asset), ZERO), 0, 0)
            for asset in sorted({row.quote_asset for row in todays})
        ]
        return LedgerState(
            controls=self.controls,
            positions=list(self.positions.values()),
            orders=[order for order in self.orders.values() if order.state.in_flight],
            approvals=[asked for asked in self.approvals.values() if asked.state is ApprovalState.OPEN],
            holds=list(self.holds.values()),
            exits=[wanted for wanted in self.exits.values() if wanted.is_open],
            waiting=[stored for stored in self.messages.values() if stored.seq not in self.outcomes],
            today=results,
            totals={},
            last_profit_pct=exits[-1].profit_pct if exits else None,
            mark=self.mark,
            touched=sorted(self.touched),
            acknowledged=list(self.acknowledged.values()),
        )

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
    ) -> Sequence[Arrival]:
        found: list[Arrival] = []
        for message in messages:
            key = (message.source, message.source_id)
            if key in self.messages:
                found.append(self._again(message, self.messages[key].message))
            else:
                found.append(self.messages.setdefault(key, StoredMessage(len(self.messages) + 1, message)))
        self.dead.extend(dead)
        self.source_positions.extend([position] if position else [])
        self.events.extend(events)
        return found

    def _again(self, message: Message, before: Message) -> Conflict | None:
        if not isinstance(message.body, SignalReceived) or not isinstance(before.body, SignalReceived):
            return None
        if not differ(message.body.signal, before.body.signal):
            return None
        conflict = Conflict(message.body.signal, before.body.signal, message.received_at)
        self.dead.append(conflict.letter(b""))
        self.events.append(conflict.refusal)
        return conflict

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        return {name: self.orders[name] for name in client_order_ids if name in self.orders}

    async def commit(self, changes: CommitBatch) -> None:
        failing = next((picks for picks in self._failing if picks(changes)), None)
        if failing is not None:
            self._failing.remove(failing)
            self.refused.append(changes)
            raise LedgerUnavailable("the disk is full")
        self.outcomes.update({outcome.seq: outcome for outcome in changes.outcomes})
        self.orders.update({order.client_order_id: order for order in changes.orders})
        self.order_history.extend(changes.orders)
        self.touched |= {order.symbol for order in changes.orders if order.state is OrderState.SUBMITTED}
        for name, fill in changes.fills:
            self.fills.setdefault((name, fill.trade_id), fill)
        self.positions.update({position.symbol: position for position in changes.positions})
        for trade in changes.trades:
            self.trades.setdefault(trade.trade_id, trade)
        for execution in changes.executions:
            self.executions.setdefault(execution.execution_id, execution)
        self.approvals.update({approval.token: approval for approval in changes.approvals})
        self.controls = changes.controls or self.controls
        self.acknowledged.update({one.mark: one for one in changes.acknowledged})
        self.holds.update({halt.symbol: halt for halt in changes.holds})
        self.exits.update({wanted.symbol: wanted for wanted in changes.exits})
        self.events.extend(changes.events)


class CountedLedger:
    """A real ledger, which answers from another thread: the clock stands still until it has."""

    def __init__(self, ledger: Ledger, clock: VirtualClock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def load(self, today: str) -> LedgerState:
        with self._clock.busy():
            return await self._ledger.load(today)

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
    ) -> Sequence[Arrival]:
        with self._clock.busy():
            return await self._ledger.store(messages, dead=dead, position=position, events=events)

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        with self._clock.busy():
            return await self._ledger.find_orders(client_order_ids)

    async def commit(self, changes: CommitBatch) -> None:
        with self._clock.busy():
            await self._ledger.commit(changes)
