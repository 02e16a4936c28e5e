"""Reports commits to Prometheus and the log. It only observes: nothing here can delay, change or repeat a trade."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

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

# From a loopback round trip to Binance's 10 s timeout.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SOURCES = frozenset({"kafka", "webhook", "snowflake", "telegram", "exit"})
_OUTCOMES = frozenset({"ordered", "ignored", "denied", "expired", "observed", "awaiting_approval", "put_off", "done", "failed"})
_HTTP_REFUSALS = (
    *("wrong_secret", "no_secret", "unreadable", "too_long", "incomplete", "too_many"),
    *("unusable", "repeated", "conflict", "unavailable"),
)
_UNASKED = {OrderState.EXPIRED: "APPROVAL_EXPIRED", OrderState.CANCELED: "APPROVAL_WITHDRAWN"}  # without an exchange's number
_ENDS = (*(state for state in OrderState if state.final), *_UNASKED.values())
_MOST_CODES = 50  # of errors, as label values; Binance documents about as many for orders
_REMEMBERED = 4096  # settled orders

log = structlog.get_logger(__name__)


class ExecutionLogger:
    """An Observer with a registry of its own. Starts from the ledger's state, so its numbers go on after a restart."""

    def __init__(self, state: LedgerState) -> None:
        self.registry = CollectorRegistry()
        """The metrics that `start_metrics_server` serves."""
        self._metrics = _Metrics(self.registry)
        self._sources = {each.seq: _source(each.message.source) for each in state.waiting if _is_signal(each)}
        self._in_flight = {order.client_order_id for order in state.orders}
        self._unknown = {order.client_order_id for order in state.orders if order.state is OrderState.UNKNOWN}
        self._open_positions = {position.symbol for position in state.positions if position.is_open}
        self._held = {halt.symbol for halt in state.holds if halt.active}
        self._open_approvals = {each.token for each in state.approvals if each.state is ApprovalState.OPEN}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._codes: set[str] = set()
        self._metrics.buy_orders.inc(state.totals.get("buy_orders", 0))
        self._metrics.sell_orders.inc(state.totals.get("sell_orders", 0))
        self._metrics.last_trade_profit.set(float(state.last_profit_pct or 0))
        self._paused(state.controls or TradingState())
        self._levels()

    def committed(self, changes: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Records what was committed. Receiving one order's end twice counts it once."""
        self._intake(stored, dead)
        for verdict in changes.verdicts:
            self._verdict(verdict)
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
        self._metrics.order_ack.observe(seconds)

    def signal_to_order(self, seconds: float) -> None:
        """Records the time from reading a signal's record to sending its order."""
        self._metrics.signal_to_order.observe(seconds)

    def exchange_error(self, code: int | str) -> None:
        """Counts an error of the exchange; `code` is its own (-1021), an HTTP status, or a word such as `timeout`."""
        label = str(code)
        if len(label) > 20 or (label not in self._codes and len(self._codes) >= _MOST_CODES):
            label = "other"
        self._codes.add(label)
        self._metrics.exchange_errors.labels(label).inc()

    def http_refused(self, why: str) -> None:
        """Counts a request to POST /signals that was answered with something other than 202; `why` is one word for it."""
        self._metrics.http_refused.labels(why if why in _HTTP_REFUSALS else "other").inc()

    def tombstones(self, count: int) -> None:
        """Counts records without a value: neither signals nor faults."""
        self._metrics.signals.labels("kafka", "tombstone").inc(count)

    def kafka(self, lag: int, stored_at: datetime | None) -> None:
        """Sets how many records of the topic are unread, over all partitions, and when some were last stored."""
        self._metrics.kafka_lag.set(lag)
        if stored_at is not None:
            self._metrics.kafka_stored.set(stored_at.timestamp())

    def alerts_pending(self, count: int) -> None:
        """Sets how many events wait to be sent to the chat."""
        self._metrics.alerts_pending.set(count)

    def history_pending(self, count: int) -> None:
        """Sets how many executions the history lacks."""
        self._metrics.history_pending.set(count)

    def proof(self, at: datetime | None, differences: int) -> None:
        """Sets when a day was last reconciled, and how many differences the last days have."""
        self._metrics.proof_differences.set(differences)
        self._metrics.proof_at.set(at.timestamp() if at is not None else 0)

    def parts(self, states: Mapping[str, bool], *, lease_held: bool) -> None:
        """Sets which parts are up, and whether this process holds the ledger."""
        for part, well in states.items():
            self._metrics.part_ready.labels(part).set(well)
        self._metrics.lease_held.set(lease_held)

    def log_lines_dropped(self, count: int) -> None:
        """Sets how many log lines Loki missed since the start."""
        self._metrics.log_lines_dropped.set(count)

    def clock_offset(self, seconds: float) -> None:
        """Sets how far the venue's clock is ahead of this machine's."""
        self._metrics.clock_offset.set(seconds)

    def _intake(self, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        for each in stored:
            if each is None:
                self._metrics.duplicates.inc()
            elif isinstance(each, Conflict):
                self._metrics.signals.labels(_source(each.signal.source), "conflict").inc()
            elif _is_signal(each):
                self._metrics.last_signal.set(each.message.received_at.timestamp())
                self._sources[each.seq] = _source(each.message.source)
        for letter in dead:
            self._metrics.signals.labels(_source(letter.source), "dead_letter").inc()

    def _verdict(self, verdict: MessageOutcome) -> None:
        source = self._sources.pop(verdict.seq, None)
        if source is not None:
            outcome = verdict.outcome if verdict.outcome in _OUTCOMES else "other"
            self._metrics.signals.labels(source, outcome).inc()

    def _execution(self, execution: Execution) -> None:
        if self._first_time(f"execution {execution.execution_id}"):
            orders = self._metrics.buy_orders if execution.side is Side.BUY else self._metrics.sell_orders
            orders.inc()
            if execution.profit_pct is not None:
                self._metrics.last_trade_profit.set(float(execution.profit_pct))

    def _order(self, order: Order) -> None:
        _keep(self._in_flight, order.client_order_id, present=order.state.in_flight)
        _keep(self._unknown, order.client_order_id, present=order.state is OrderState.UNKNOWN)
        if order.state.final and self._first_time(f"order {order.client_order_id}"):
            self._metrics.orders.labels(order.side, _ended(order)).inc()
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
        self._metrics.paused.set(controls.pause is not Pause.OFF)

    def _levels(self) -> None:
        self._metrics.open_positions.set(len(self._open_positions))
        self._metrics.symbols_held.set(len(self._held))
        self._metrics.approvals_pending.set(len(self._open_approvals))
        self._metrics.orders_in_flight.set(len(self._in_flight))
        self._metrics.orders_unknown.set(len(self._unknown))


class _Metrics:
    """Every metric of the contract, by its outward name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(name, text, registry=registry, buckets=_BUCKETS)

        self.buy_orders = counter("buy_orders_total", "BUY orders executed since the first start.")
        self.sell_orders = counter("sell_orders_total", "SELL orders executed since the first start.")
        self.last_trade_profit = gauge("last_trade_profit", "Net profit of the latest exit in per cent; 0 before the first.")
        self.open_positions = gauge("open_positions", "Positions that are open, dust left out.")
        self.symbols_held = gauge("marketflow_symbols_held", "Symbols not traded, as ledger and exchange disagree.")
        self.signals = counter("marketflow_signals_total", "Signals by what became of them.", "source", "outcome")
        self.duplicates = counter("marketflow_duplicates_total", "Messages that had been stored before.")
        self.orders = counter("marketflow_orders_total", "Orders by how they ended.", "side", "status")
        # Created at start, so that Prometheus sees the first of a kind as an increase.
        for side in Side:
            for status in _ENDS:
                self.orders.labels(side, status)
        for source in sorted(_SOURCES):
            for outcome in sorted(_OUTCOMES | {"dead_letter", "conflict"}):
                self.signals.labels(source, outcome)
        self.signals.labels("kafka", "tombstone")
        self.http_refused = counter("marketflow_http_refused_total", "Answers of POST /signals other than 202, by why.", "why")
        for why in _HTTP_REFUSALS:
            self.http_refused.labels(why)
        self.orders_in_flight = gauge("marketflow_orders_in_flight", "Orders that the ledger holds as not settled.")
        self.orders_unknown = gauge("marketflow_orders_unknown", "Orders of which nobody knows yet whether they exist.")
        self.signal_to_order = histogram("marketflow_signal_to_order_seconds", "From reading a signal to sending its order.")
        self.order_ack = histogram("marketflow_order_ack_seconds", "From sending an order to the venue's answer.")
        self.exchange_errors = counter("marketflow_exchange_errors_total", "Errors that the exchange answered with.", "code")
        self.kafka_lag = gauge("marketflow_kafka_lag", "Records of the topic that are not read yet.")
        self.kafka_stored = gauge(
            "marketflow_kafka_stored_timestamp_seconds", "When records of the topic were last stored, signals or not."
        )
        self.alerts_pending = gauge("marketflow_alerts_pending", "Alerts that Telegram has not taken yet.")
        self.approvals_pending = gauge("marketflow_approvals_pending", "Approvals that nobody has answered yet.")
        self.clock_offset = gauge("marketflow_clock_offset_seconds", "The venue's clock minus this machine's.")
        self.paused = gauge("marketflow_paused", "1 while entries or all trading are paused.")
        self.part_ready = Gauge("marketflow_part_ready", "1 while a part is at work.", ["part"], registry=registry)
        self.lease_held = gauge("marketflow_lease_held", "1 while this process alone may write the ledger and trade.")
        self.last_signal = gauge("marketflow_last_signal_timestamp_seconds", "When a signal was last stored; 0 before the first.")
        self.log_lines_dropped = gauge("marketflow_log_lines_dropped", "Log lines that Loki did not get since the start.")
        self.proof_at = gauge("marketflow_proof_timestamp_seconds", "When all books were last compared; 0: not in the last week.")
        self.proof_differences = gauge("marketflow_proof_differences", "Differences that the proofs of the last week found.")
        self.history_pending = gauge("marketflow_history_export_pending", "Executions that the history does not have yet.")


def _ended(order: Order) -> str:
    """Returns how an order ended; an approval that expired unanswered is no failed order."""
    return _UNASKED.get(order.state, order.state) if order.order_id is None else order.state


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
    return kind if kind in _SOURCES else "other"


def _write(event: Event) -> None:
    line = log_line_of(event)
    if line is not None:
        log.log(line.level, line.text, **line.fields)
