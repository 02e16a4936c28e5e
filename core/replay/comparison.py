"""Puts what was recorded and what a replay made of it side by side. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.domain.money import EXACT, ZERO, multiply
from core.domain.order import Order
from core.domain.position import Execution, Position, Role, Trade
from core.domain.reasons import Reason
from core.domain.signal import Signal, client_order_id
from core.records.recording import RecordedMessage, Recording
from core.records.replay_result import Fate, Lack, SignalReplayed, Totals
from core.replay.memory_ledger import MemoryLedger
from core.replay.script import is_external, lack_of

Shown = Callable[[str], bool]
"""Tells whether a strategy is reported on."""


def fate_of(outcome: str | None, why: Reason | None, order: Order | None) -> Fate:
    """Returns what became of a signal: its order tells, where there is one that was sent or asked about."""
    if order is None or outcome not in {"ordered", "awaiting_approval"}:
        return Fate(outcome or "undecided", why, order.qty if order is not None else None)
    name = "executed" if order.executed_qty else order.state.value.lower()
    price = order.average_price if order.executed_qty else None
    return Fate(name, order.reason, order.qty, order.executed_qty, price)


def compared(recording: Recording, ledger: MemoryLedger, shown: Shown) -> tuple[SignalReplayed, ...]:
    """Returns every signal from outside with its fate before and now."""
    signals = ((one, one.signal) for one in recording.messages if one.signal is not None)
    own = ((one, signal) for one, signal in signals if is_external(signal) and shown(signal.strategy))
    return tuple(_compared(one, signal, recording, ledger) for one, signal in own)


def _compared(one: RecordedMessage, signal: Signal, recording: Recording, ledger: MemoryLedger) -> SignalReplayed:
    name, lack = client_order_id(signal), lack_of(one)
    recorded = recording.orders.get(name)
    before = fate_of(one.outcome, one.reason, recorded.order if recorded is not None else None)
    outcome = ledger.outcome_of(one.message.source, one.message.source_id)
    now = before if lack is not None else None
    if lack is None and outcome is not None:
        now = fate_of(outcome.outcome, outcome.reason, ledger.orders.get(name))
        if outcome.outcome == "awaiting_approval" != one.outcome:
            lack = Lack.UNANSWERED
    return SignalReplayed(
        seq=one.seq,
        at=one.at,
        signal_type=signal.signal_type,
        symbol=signal.symbol,
        strategy=signal.strategy,
        side=signal.side,
        before=before,
        now=now,
        lack=lack,
    )


@dataclass(slots=True)
class Results:
    """Executions and trades of one run, and the positions at its end; `price` returns a symbol's last known price."""

    executions: Iterable[Execution]
    trades: Iterable[Trade]
    positions: Iterable[tuple[Position, str]]
    price: Callable[[str], Decimal | None]
    fee_values: Mapping[str, Decimal]

    def totals(self, shown: Shown) -> Mapping[str, Totals]:
        """Returns the totals by quote asset."""
        done: defaultdict[str, list[Execution]] = defaultdict(list)
        closed: defaultdict[str, list[Trade]] = defaultdict(list)
        held: defaultdict[str, list[Position]] = defaultdict(list)
        for one in self.executions:
            if shown(one.strategy):
                done[one.quote_asset].append(one)
        for trade in self.trades:
            if shown(trade.strategy):
                closed[trade.quote_asset].append(trade)
        for position, quote in self.positions:
            if shown(position.strategy):
                held[quote].append(position)
        return {
            quote: self._of(quote, done[quote], closed[quote], held[quote])
            for quote in sorted(done.keys() | closed.keys() | held.keys())
        }

    def _of(self, quote: str, done: list[Execution], closed: list[Trade], held: list[Position]) -> Totals:
        return Totals(
            quote=quote,
            trades=len(closed),
            won=sum(1 for one in closed if one.profit > 0),
            profit=total(one.profit_quote for one in done if one.profit_quote is not None),
            fees=total(self._fee(one) for one in done),
            stopped=sum(1 for one in done if one.role is Role.STOP),
            worst=min(closed, key=lambda one: one.profit, default=None),
            open_profit=self._open_profit(held),
        )

    def _fee(self, one: Execution) -> Decimal:
        """Returns the commission of an execution in quote asset; 0 where a third asset could not be valued."""
        if one.fee_asset == one.quote_asset:
            return one.fee
        return multiply(one.fee, one.price) if one.fee_asset == one.base_asset else self.fee_values.get(one.execution_id, ZERO)

    def _open_profit(self, held: list[Position]) -> Decimal | None:
        profits = []
        for one in held:
            price = self.price(one.symbol)
            if price is None:
                return None
            profits.append(EXACT.subtract(multiply(one.qty, price), one.cost))
        return total(profits)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Returns the exact sum."""
    found = ZERO
    for one in amounts:
        found = EXACT.add(found, one)
    return found
