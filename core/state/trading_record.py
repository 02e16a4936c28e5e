"""The past that protections look back on: results, stops and losing exits, kept up by each commit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.money import EXACT, ZERO
from core.domain.order import Order
from core.domain.signal import Side
from core.policy.exits.protection import STOPPED
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import TradingRecord


@dataclass(slots=True)
class RunningRecord:
    """The trading record of a ledger, with what this process has committed since its start."""

    realised: dict[str, Decimal] = field(default_factory=dict)
    stopped: dict[str, datetime] = field(default_factory=dict)
    losing_exits: dict[str, int] = field(default_factory=dict)  # by strategy

    @property
    def most_losing_exits(self) -> int:
        """Returns how many positions in a row the strategy that does worst has closed at a loss."""
        return max(self.losing_exits.values(), default=0)

    @classmethod
    def from_ledger(cls, record: TradingRecord) -> "RunningRecord":
        """Takes up the record as it was loaded."""
        return cls(dict(record.realised), dict(record.stopped), dict(record.losing_exits))

    def apply(self, batch: CommitBatch) -> None:
        """Applies a commit. A position that is closed counts as one exit, however many orders it took."""
        for execution in batch.executions:
            if execution.profit_quote is not None:
                known = self.realised.get(execution.quote_asset, ZERO)
                self.realised[execution.quote_asset] = EXACT.add(known, execution.profit_quote)
            if execution.signal_type == STOPPED:
                known_at = self.stopped.get(execution.symbol, execution.executed_at)
                self.stopped[execution.symbol] = max(known_at, execution.executed_at)
        for trade in batch.trades:
            self.losing_exits[trade.strategy] = self.losing_exits.get(trade.strategy, 0) + 1 if trade.profit < 0 else 0
        if batch.loss_reset is not None:
            self.losing_exits = {}

    def with_open(self, orders: Iterable[tuple[Order, str]]) -> dict[str, Decimal]:
        """Returns the results by quote asset, with what the fills of `orders` that are not at their end have brought; each comes
        with its quote asset."""
        results = dict(self.realised)
        for order, asset in orders:
            if order.side is Side.SELL and order.booked.profit:
                results[asset] = EXACT.add(results.get(asset, ZERO), order.booked.profit)
        return results
