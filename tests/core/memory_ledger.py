"""A ledger in memory that can be made to fail, and a counting front to the real one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import takewhile

from core.domain.account import Acknowledged
from core.domain.approval import Approval, ApprovalState
from core.domain.arrival import Arrival
from core.domain.day_result import DayResult
from core.domain.equity_mark import EquityMark, LossReset
from core.domain.errors import LedgerUnavailable, MessageKnown
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition, StoredMessage
from core.domain.money import ZERO
from core.domain.order import Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Trade
from core.domain.signal_conflict import Conflict, differ
from core.domain.strategy_book import StrategyBook
from core.domain.strategy_limit import StrategyLimit
from core.domain.strategy_pause import StrategyPause
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_plan import TradePlan
from core.domain.trading_state import TradingState
from core.policy.exits.protection import STOPPED
from core.ports.ledger import Ledger, Taken, ignored
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState, TradingRecord
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
    strategy_pauses: dict[str, StrategyPause] = field(default_factory=dict)
    strategy_limits: dict[tuple[str, str], StrategyLimit] = field(default_factory=dict)
    positions: dict[StrategyBook, Position] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    holds: dict[str, SymbolHalt] = field(default_factory=dict)
    exits: dict[StrategyBook, PendingExit] = field(default_factory=dict)
    plans: dict[str, TradePlan] = field(default_factory=dict)
    trading_state: TradingState | None = None
    equity_mark: EquityMark | None = None
    loss_reset: LossReset | None = None
    events: list[Event] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    mark: int = 7_000_000_001
    acknowledged: dict[int, Acknowledged] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    source_positions: list[SourcePosition] = field(default_factory=list)
    batches: list[CommitBatch] = field(default_factory=list)
    is_full: bool = False
    refused: list[CommitBatch] = field(default_factory=list)
    _failing: list[Picks] = field(default_factory=list)
    _seq: int = 0

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
            trading_state=self.trading_state,
            positions=list(self.positions.values()),
            strategy_pauses=[pause for pause in self.strategy_pauses.values() if pause.paused],
            strategy_limits=[one for one in self.strategy_limits.values() if one.limit.value is not None],
            orders=[order for order in self.orders.values() if order.state.in_flight],
            approvals=[asked for asked in self.approvals.values() if asked.state is ApprovalState.OPEN],
            holds=list(self.holds.values()),
            exits=[wanted for wanted in self.exits.values() if wanted.is_open],
            plans=[plan for plan in self.plans.values() if plan.is_open],
            waiting=[stored for stored in self.messages.values() if stored.seq not in self.outcomes],
            today=results,
            totals={},
            last_profit_pct=exits[-1].profit_pct if exits else None,
            mark=self.mark,
            touched=sorted(self.touched),
            acknowledged=list(self.acknowledged.values()),
            equity_mark=self.equity_mark,
            loss_reset=self.loss_reset,
            record=self._record(),
        )

    def _record(self) -> TradingRecord:
        realised: dict[str, Decimal] = {}
        for row in self.executions.values():
            if row.profit_quote is not None:
                realised[row.quote_asset] = realised.get(row.quote_asset, ZERO) + row.profit_quote
        since = self.loss_reset.at if self.loss_reset is not None else None
        trades = [trade for trade in self.trades.values() if since is None or trade.closed_at > since]
        losing = {name: _losses(trades, name) for name in {trade.strategy for trade in trades}}
        stops = [row for row in self.executions.values() if row.signal_type == STOPPED]
        stopped = {row.symbol: row.executed_at for row in sorted(stops, key=lambda row: row.executed_at)}
        return TradingRecord(realised, stopped, losing)

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        if self.is_full:
            raise LedgerUnavailable("the disk is full")
        found = self._keep(messages)
        self.dead.extend(dead)
        self.source_positions.extend([position] if position else [])
        self.events.extend(events)
        taken(found)
        return found

    def _keep(self, messages: Sequence[Message]) -> list[Arrival]:
        found: list[Arrival] = []
        for message in messages:
            key = (message.source, message.source_id)
            if key in self.messages:
                found.append(self._again(message, self.messages[key].message))
            else:
                found.append(self.messages.setdefault(key, StoredMessage(self.next_seq(), message)))
        return found

    def _bring(self, brought: Sequence[StoredMessage]) -> None:
        for stored in brought:
            key = (stored.message.source, stored.message.source_id)
            if key in self.messages:
                raise MessageKnown(f"message {key} is there")
            self.messages[key] = stored
            if stored.unstored is not None:
                self.source_positions.append(stored.unstored.position)
                stored.unstored.stored()

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

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        return [fill for (name, _), fill in self.fills.items() if name == client_order_id]

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        failing = next((picks for picks in self._failing if picks(batch)), None)
        if failing is not None:
            self._failing.remove(failing)
            self.refused.append(batch)
            raise LedgerUnavailable("the disk is full")
        self._bring([outcome.brings for outcome in batch.outcomes if outcome.brings is not None])
        self.outcomes.update({outcome.seq: outcome for outcome in batch.outcomes})
        self.orders.update({order.client_order_id: order for order in batch.orders})
        self.order_history.extend(batch.orders)
        self.batches.append(batch)
        self.touched |= {order.symbol for order in batch.orders if order.state is OrderState.SUBMITTED}
        for name, fill in batch.fills:
            self.fills.setdefault((name, fill.trade_id), fill)
        self.positions.update({position.book: position for position in batch.positions})
        for trade in batch.trades:
            self.trades.setdefault(trade.trade_id, trade)
        for execution in batch.executions:
            self.executions.setdefault(execution.execution_id, execution)
        self.approvals.update({approval.token: approval for approval in batch.approvals})
        self.trading_state = batch.trading_state or self.trading_state
        self.equity_mark = batch.equity_mark or self.equity_mark
        self.loss_reset = batch.loss_reset or self.loss_reset
        self.acknowledged.update({one.mark: one for one in batch.acknowledged})
        self.holds.update({halt.symbol: halt for halt in batch.holds})
        self.plans.update({plan.plan_id: plan for plan in batch.plans})
        self.strategy_pauses.update({pause.strategy: pause for pause in batch.strategy_pauses})
        self.strategy_limits.update({(one.strategy, one.limit.name): one for one in batch.strategy_limits})
        self.exits.update({wanted.book: wanted for wanted in batch.exits})
        self.events.extend(batch.events)
        taken(self._keep(batch.messages))


class CountedLedger:
    """A real ledger, which answers from another thread: the clock stands still until it has."""

    def __init__(self, ledger: Ledger, clock: VirtualClock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def load(self, today: str) -> LedgerState:
        with self._clock.busy():
            return await self._ledger.load(today)

    def next_seq(self) -> int:
        return self._ledger.next_seq()

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        with self._clock.busy():
            return await self._ledger.store(messages, dead=dead, position=position, events=events, taken=taken)

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        with self._clock.busy():
            return await self._ledger.find_orders(client_order_ids)

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        with self._clock.busy():
            return await self._ledger.fills_of(client_order_id)

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        with self._clock.busy():
            await self._ledger.commit(batch, taken=taken)


def _losses(trades: Sequence[Trade], strategy: str) -> int:
    own = [trade for trade in trades if trade.strategy == strategy]
    return sum(1 for _ in takewhile(lambda trade: trade.profit < 0, reversed(own)))
