"""Metrics and log lines from what is committed. Only wants to know: it can neither delay nor change trading."""

from collections.abc import Sequence
from decimal import Decimal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.domain.approval import ApprovalState
from core.domain.controls import Controls, Pause
from core.domain.events import OrderExecuted, SignalRefused
from core.domain.messages import DeadLetter, Message, SignalReceived, StoredMessage
from core.domain.money import plain
from core.domain.order import Order, OrderState
from core.domain.position import Position
from core.domain.signal import Side
from core.ports import Changes, LedgerState

log = structlog.get_logger(__name__)

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class ExecutionLogger:
    """An Observer and Timings. `registry` holds the metrics of the outward contract; they start from what the ledger can tell."""

    def __init__(self, state: LedgerState, controls: Controls) -> None:
        self.registry = registry = CollectorRegistry()
        self._buys = Counter("buy_orders_total", "Executed BUY orders", registry=registry)
        self._sells = Counter("sell_orders_total", "Executed SELL orders", registry=registry)
        self._profit = Gauge("last_trade_profit", "Net profit of the latest exit, per cent", registry=registry)
        self._open = Gauge("open_positions", "Open positions", registry=registry)
        self._signals = Counter(
            "marketflow_signals_total", "Signals by source and what became of them", ["source", "outcome"], registry=registry
        )
        self._orders = Counter(
            "marketflow_orders_total", "Orders by side and the status they reached", ["side", "status"], registry=registry
        )
        self._to_order = Histogram(
            "marketflow_signal_to_order_seconds",
            "From a signal's arrival to its order being sent",
            buckets=_SECONDS,
            registry=registry,
        )
        self._ack = Histogram(
            "marketflow_order_ack_seconds", "From sending an order to the exchange's answer", buckets=_SECONDS, registry=registry
        )
        self._errors = Counter("marketflow_exchange_errors_total", "Errors of the exchange by code", ["code"], registry=registry)
        self.kafka_lag = Gauge("marketflow_kafka_lag", "Records in the topic that are not in the ledger", registry=registry)
        self.alerts_pending = Gauge("marketflow_alerts_pending", "Alerts waiting to be told", registry=registry)
        self._approvals = Gauge("marketflow_approvals_pending", "Questions waiting for an answer", registry=registry)
        self.clock_offset = Gauge(
            "marketflow_clock_offset_seconds", "The exchange's clock minus this machine's", registry=registry
        )
        self._paused = Gauge(
            "marketflow_paused", "1 while trading is paused, 0.5 while only entries are, else 0", registry=registry
        )
        self.history_pending = Gauge("marketflow_history_export_pending", "Executions not exported yet", registry=registry)
        self._held: dict[str, bool] = {}
        self._asked: set[str] = set()
        self._sources: dict[int, str] = {}
        self._begin(state, controls)

    def _begin(self, state: LedgerState, controls: Controls) -> None:
        self._buys.inc(state.totals.get("buy_orders", 0))
        self._sells.inc(state.totals.get("sell_orders", 0))
        self._profit.set(float(state.last_profit_pct or 0))
        self._asked = {approval.token for approval in state.approvals}
        self._sources = {waiting.seq: waiting.message.source for waiting in state.waiting}
        self._take_positions(state.positions)
        self._approvals.set(len(self._asked))
        self._set_paused(state.controls or controls)

    def signal_to_order(self, seconds: float) -> None:
        """See Timings."""
        self._to_order.observe(seconds)

    def order_ack(self, seconds: float) -> None:
        """See Timings."""
        self._ack.observe(seconds)

    def committed(self, changes: Changes, stored: Sequence[StoredMessage | None], dead: Sequence[DeadLetter]) -> None:
        """See Observer."""
        self._count_signals(changes, stored, dead)
        for order in changes.orders:
            self._count_order(order)
        for execution in changes.executions:
            (self._buys if execution.side is Side.BUY else self._sells).inc()
            if execution.profit_pct is not None:
                self._profit.set(float(execution.profit_pct))
        self._take_positions(changes.positions)
        for approval in changes.approvals:
            (self._asked.add if approval.state is ApprovalState.OPEN else self._asked.discard)(approval.token)
        self._approvals.set(len(self._asked))
        if changes.controls is not None:
            self._set_paused(changes.controls)
        self._write_lines(changes)

    def _count_signals(self, changes: Changes, stored: Sequence[StoredMessage | None], dead: Sequence[DeadLetter]) -> None:
        for message in stored:
            if message is not None and isinstance(message.message.body, SignalReceived):
                self._sources[message.seq] = message.message.source
        for verdict in changes.verdicts:
            source = self._sources.pop(verdict.seq, None)
            if source is not None:
                self._signals.labels(_kind(source), verdict.outcome).inc()
        if dead:
            self._signals.labels(_kind(dead[0].source), "unreadable").inc(len(dead))

    def repeated(self, message: Message) -> None:
        """A signal came that had been stored before."""
        if isinstance(message.body, SignalReceived):
            self._signals.labels(_kind(message.source), "duplicate").inc()
            log.info("signal repeated", signal_id=message.source_id, source=message.source)

    def _count_order(self, order: Order) -> None:
        self._orders.labels(order.side, order.state).inc()
        if order.state is OrderState.UNKNOWN:
            self._errors.labels("unanswered").inc()
        elif order.reason is not None and "code" in order.reason.params:
            self._errors.labels(order.reason.params["code"]).inc()

    def _take_positions(self, positions: Sequence[Position]) -> None:
        self._held |= {position.symbol: position.is_open for position in positions}
        self._open.set(sum(self._held.values()))

    def _set_paused(self, controls: Controls) -> None:
        self._paused.set({Pause.OFF: 0, Pause.ENTRIES: 0.5, Pause.ALL: 1}[controls.pause])

    def _write_lines(self, changes: Changes) -> None:
        for event in changes.events:
            if isinstance(event, OrderExecuted):
                execution = event.execution
                log.info(
                    "order executed",
                    side=execution.side.value,
                    signal_type=execution.signal_type,
                    signal_id=execution.signal_id,
                    symbol=execution.symbol,
                    client_order_id=execution.client_order_id,
                    order_id=execution.order_id,
                    qty=plain(execution.qty),
                    price=plain(execution.price),
                    profit_pct=_rounded(execution.profit_pct),
                    trading_mode=execution.trading_mode,
                )
            elif isinstance(event, SignalRefused):
                signal = event.signal
                log.info(
                    "signal refused",
                    outcome=event.outcome,
                    signal_type=signal.signal_type,
                    signal_id=signal.signal_id,
                    symbol=signal.symbol,
                    reason=str(event.reason),
                )


def _rounded(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _kind(source: str) -> str:
    """The kind of source: a label must not grow with topics or ids."""
    return source.partition(":")[0]
