"""Reports commits to Prometheus and the log. It only observes: nothing here can delay, change or repeat a trade."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry

from core.adapters.metrics import HTTP_REFUSALS, OUTCOMES, SOURCES, UNASKED, Metrics
from core.domain.approval import ApprovalState
from core.domain.arrival import Arrival
from core.domain.events.table import Event, log_line_of
from core.domain.messages import DeadLetter, SignalReceived, StoredMessage
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import Side
from core.domain.signal_conflict import Conflict
from core.domain.trading_state import Pause, TradingState
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome

_MOST_CODES = 50  # of errors, as label values; Binance documents about as many for orders
_REMEMBERED = 4096  # settled orders

log = structlog.get_logger(__name__)


class ExecutionLogger:
    """An Observer with a registry of its own. Starts from the ledger's state, so its numbers go on after a restart."""

    def __init__(self, state: LedgerState) -> None:
        self.registry = CollectorRegistry()
        """The metrics that `start_metrics_server` serves."""
        self._metrics = Metrics(self.registry)
        self._sources = {each.seq: _source(each.message.source) for each in state.waiting if _is_signal(each)}
        self._in_flight = {order.client_order_id for order in state.orders}
        self._unknown = {order.client_order_id for order in state.orders if order.state is OrderState.UNKNOWN}
        self._open_positions = {position.symbol for position in state.positions if position.is_open}
        self._held = {halt.symbol for halt in state.holds if halt.active}
        self._open_approvals = {each.token for each in state.approvals if each.state is ApprovalState.OPEN}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._codes: set[str] = set()
        self._metrics.trading.buy_orders.inc(state.totals.get("buy_orders", 0))
        self._metrics.trading.sell_orders.inc(state.totals.get("sell_orders", 0))
        self._metrics.trading.last_trade_profit.set(float(state.last_profit_pct or 0))
        self._paused(state.controls or TradingState())
        self._levels()

    def committed(self, changes: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Records what was committed. Receiving one order's end twice counts it once."""
        self._intake(stored, dead)
        for outcome in changes.outcomes:
            self._outcome(outcome)
        for order in changes.orders:
            self._order(order)
        for execution in changes.executions:
            self._execution(execution)
        for position in changes.positions:
            _keep(self._open_positions, position.symbol, present=position.is_open)
        for halt in changes.holds:
            _keep(self._held, halt.symbol, present=halt.active)
        for approval in changes.approvals:
            _keep(self._open_approvals, approval.token, present=approval.state is ApprovalState.OPEN)
        if changes.controls is not None:
            self._paused(changes.controls)
        self._levels()
        for event in changes.events:
            _write(event)

    def order_ack(self, seconds: float) -> None:
        """Records how long the venue took to answer an order."""
        self._metrics.trading.order_ack.observe(seconds)

    def signal_to_order(self, seconds: float) -> None:
        """Records the time from reading a signal's record to sending its order."""
        self._metrics.trading.signal_to_order.observe(seconds)

    def exchange_error(self, code: int | str) -> None:
        """Counts an error of the exchange; `code` is its own (-1021), an HTTP status, or a word such as `timeout`."""
        label = str(code)
        if len(label) > 20 or (label not in self._codes and len(self._codes) >= _MOST_CODES):
            label = "other"
        self._codes.add(label)
        self._metrics.trading.exchange_errors.labels(label).inc()

    def http_refused(self, why: str) -> None:
        """Counts a request to POST /signals that was answered with something other than 202; `why` is one word for it."""
        self._metrics.intake.http_refused.labels(why if why in HTTP_REFUSALS else "other").inc()

    def tombstones(self, count: int) -> None:
        """Counts records without a value: neither signals nor faults."""
        self._metrics.intake.signals.labels("kafka", "tombstone").inc(count)

    def kafka(self, lag: int, stored_at: datetime | None) -> None:
        """Sets how many records of the topic are unread, over all partitions, and when some were last stored."""
        self._metrics.intake.kafka_lag.set(lag)
        if stored_at is not None:
            self._metrics.intake.kafka_stored.set(stored_at.timestamp())

    def alerts_pending(self, count: int) -> None:
        """Sets how many events wait to be sent to the chat."""
        self._metrics.upkeep.alerts_pending.set(count)

    def history_pending(self, count: int) -> None:
        """Sets how many executions the history lacks."""
        self._metrics.upkeep.history_pending.set(count)

    def proof(self, at: datetime | None, differences: int) -> None:
        """Sets when a day was last reconciled, and how many differences the last days have."""
        self._metrics.upkeep.proof_differences.set(differences)
        self._metrics.upkeep.proof_at.set(at.timestamp() if at is not None else 0)

    def parts(self, states: Mapping[str, bool], *, lease_held: bool) -> None:
        """Sets which parts are up, and whether this process holds the ledger."""
        for part, well in states.items():
            self._metrics.upkeep.part_ready.labels(part).set(well)
        self._metrics.upkeep.lease_held.set(lease_held)

    def log_lines_dropped(self, count: int) -> None:
        """Sets how many log lines Loki missed since the start."""
        self._metrics.upkeep.log_lines_dropped.set(count)

    def clock_offset(self, seconds: float) -> None:
        """Sets how far the venue's clock is ahead of this machine's."""
        self._metrics.upkeep.clock_offset.set(seconds)

    def _intake(self, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        for each in stored:
            if each is None:
                self._metrics.intake.duplicates.inc()
            elif isinstance(each, Conflict):
                self._metrics.intake.signals.labels(_source(each.signal.source), "conflict").inc()
            elif _is_signal(each):
                self._metrics.intake.last_signal.set(each.message.received_at.timestamp())
                self._sources[each.seq] = _source(each.message.source)
        for letter in dead:
            self._metrics.intake.signals.labels(_source(letter.source), "dead_letter").inc()

    def _outcome(self, found: MessageOutcome) -> None:
        source = self._sources.pop(found.seq, None)
        if source is not None:
            label = found.outcome if found.outcome in OUTCOMES else "other"
            self._metrics.intake.signals.labels(source, label).inc()

    def _execution(self, execution: Execution) -> None:
        if self._first_time(f"execution {execution.execution_id}"):
            orders = self._metrics.trading.buy_orders if execution.side is Side.BUY else self._metrics.trading.sell_orders
            orders.inc()
            if execution.profit_pct is not None:
                self._metrics.trading.last_trade_profit.set(float(execution.profit_pct))

    def _order(self, order: Order) -> None:
        _keep(self._in_flight, order.client_order_id, present=order.state.in_flight)
        _keep(self._unknown, order.client_order_id, present=order.state is OrderState.UNKNOWN)
        if order.state.final and self._first_time(f"order {order.client_order_id}"):
            self._metrics.trading.orders.labels(order.side, _ended(order)).inc()
            if order.reason is not None and "code" in order.reason.params:
                self.exchange_error(order.reason.params["code"])
        elif order.state is OrderState.UNKNOWN and self._first_time(f"unanswered {order.client_order_id}"):
            self.exchange_error("unanswered")

    def _first_time(self, key: str) -> bool:
        if key in self._settled:
            return False
        self._settled[key] = None
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)
        return True

    def _paused(self, controls: TradingState) -> None:
        self._metrics.trading.paused.set(controls.pause is not Pause.OFF)

    def _levels(self) -> None:
        self._metrics.trading.open_positions.set(len(self._open_positions))
        self._metrics.trading.symbols_held.set(len(self._held))
        self._metrics.trading.approvals_pending.set(len(self._open_approvals))
        self._metrics.trading.orders_in_flight.set(len(self._in_flight))
        self._metrics.trading.orders_unknown.set(len(self._unknown))


def _ended(order: Order) -> str:
    """Returns how an order ended; an approval that expired unanswered is no failed order."""
    return UNASKED.get(order.state, order.state) if order.order_id is None else order.state


def _keep(names: set[str], name: str, *, present: bool) -> None:
    if present:
        names.add(name)
    else:
        names.discard(name)


def _is_signal(stored: StoredMessage) -> bool:
    return isinstance(stored.message.body, SignalReceived)


def _source(name: str) -> str:
    """Returns the kind of a source, without topic, table or id: each label value lives as long as the process."""
    kind = name.partition(":")[0]
    return kind if kind in SOURCES else "other"


def _write(event: Event) -> None:
    line = log_line_of(event)
    if line is not None:
        log.log(line.level, line.text, **line.fields)
