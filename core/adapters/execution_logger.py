"""Reports commits to Prometheus and the log. It only observes: nothing here can delay, change or repeat a trade."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry

from core.adapters.metrics import HTTP_REFUSALS, LEG_OVER, MISSED, OUTCOMES, SOURCES, UNASKED, Metrics
from core.domain.approval import ApprovalState
from core.domain.arrival import Arrival
from core.domain.events.protection import ProtectionFailed
from core.domain.events.table import Event, log_line_of
from core.domain.execution_quality import bps
from core.domain.messages import DeadLetter, SignalReceived, StoredMessage
from core.domain.money import per_cent
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import Side
from core.domain.signal_conflict import Conflict
from core.domain.trading_state import Pause, TradingState
from core.policy.entries.placing import is_missed
from core.policy.quality.costs import costs_of, fill_ratio
from core.ports.timings import Stage
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome

_MOST_CODES = 50  # of errors, as label values; Binance documents about as many for orders
_REMEMBERED = 4096  # settled orders

T = TypeVar("T")

log = structlog.get_logger(__name__)


class ExecutionLogger:
    """An Observer with a registry of its own. Starts from the ledger's state, so its numbers go on after a restart."""

    def __init__(self, state: LedgerState) -> None:
        self.registry = CollectorRegistry()
        """The metrics that `start_metrics_server` serves."""
        self._metrics = Metrics(self.registry)
        self._sources = {each.seq: _source(each.message.source) for each in state.waiting if _is_signal(each)}
        self._in_flight = {order.client_order_id for order in state.orders if order.in_flight}
        self._resting = {order.client_order_id for order in state.orders if order.rests}
        self._planned: set[str] = set()
        self._unknown = {order.client_order_id for order in state.orders if order.state is OrderState.UNKNOWN}
        self._open_positions = {position.book for position in state.positions if position.is_open}
        self._held = {halt.symbol for halt in state.holds if halt.active}
        self._open_approvals = {each.token for each in state.approvals if each.state is ApprovalState.OPEN}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._codes: set[str] = set()
        self._metrics.trading.buy_orders.inc(state.totals.get("buy_orders", 0))
        self._metrics.trading.sell_orders.inc(state.totals.get("sell_orders", 0))
        self._metrics.trading.last_trade_profit.set(float(state.last_profit_pct or 0))
        self._paused(state.trading_state or TradingState())
        self._levels()

    def committed(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Records what was committed. Receiving one order's end twice counts it once."""
        self._intake(stored, dead)
        for outcome in batch.outcomes:
            self._outcome(outcome)
        for order in batch.orders:
            self._order(order)
        for execution in batch.executions:
            self._execution(execution)
        for position in batch.positions:
            _keep(self._open_positions, position.book, present=position.is_open)
        for halt in batch.holds:
            _keep(self._held, halt.symbol, present=halt.active)
        for approval in batch.approvals:
            _keep(self._open_approvals, approval.token, present=approval.state is ApprovalState.OPEN)
        if batch.trading_state is not None:
            self._paused(batch.trading_state)
        self._metrics.trading.protection_failures.inc(sum(isinstance(event, ProtectionFailed) for event in batch.events))
        self._levels()
        for event in batch.events:
            _write(event)

    def stage(self, stage: Stage, seconds: float) -> None:
        """Records how long an order took to come to `stage` from the one before."""
        self._metrics.trading.stages.labels(stage).observe(seconds)
        if stage is Stage.ANSWERED:
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

    def standbys(self, count: int) -> None:
        """Sets how many processes wait to take over from this one."""
        self._metrics.upkeep.standbys.set(count)

    def log_lines_dropped(self, count: int) -> None:
        """Sets how many log lines Loki missed since the start."""
        self._metrics.upkeep.log_lines_dropped.set(count)

    def clock_offset(self, seconds: float) -> None:
        """Sets how far the venue's clock is ahead of this machine's."""
        self._metrics.upkeep.clock_offset.set(seconds)

    def user_stream(self, *, connected: bool) -> None:
        """Records whether the exchange tells of orders as they happen. Not called where it is only asked."""
        self._metrics.trading.user_stream.set(connected)

    def order_connection(self, *, is_open: bool) -> None:
        """Records whether orders go over the WebSocket API. Not called where they always go by REST."""
        self._metrics.trading.order_connection.set(is_open)

    def order_limits(self, used: Mapping[str, float]) -> None:
        """Sets which part of the exchange's limits on new orders is used, by the length of their windows."""
        for window, part in used.items():
            self._metrics.trading.order_limit_used.labels(window).set(part)

    def unprotected(self, seconds: Mapping[str, float]) -> None:
        """Sets for how long each position with a plan has had no protection, by symbol; 0 for one that has."""
        for symbol in self._planned - seconds.keys():
            self._metrics.trading.unprotected.remove(symbol)
        self._planned = set(seconds)
        for symbol, length in seconds.items():
            self._metrics.trading.unprotected.labels(symbol).set(length)

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
            self._quality(execution)

    def _quality(self, execution: Execution) -> None:
        """Records what is known of how well it was executed."""
        costs, filled, quality = costs_of(execution), fill_ratio(execution), self._metrics.quality
        if filled is not None:
            quality.filled.observe(float(filled))
        if costs is None:
            return
        quality.slippage.observe(float(costs.slippage_bps))
        if costs.delay is not None:
            quality.delay.observe(float(bps(costs.delay, costs.worth)))
        if costs.spread is not None and costs.met is not None:
            quality.spread.observe(float(bps(costs.spread, costs.met)))
        if costs.fees is not None:
            quality.fees.observe(float(bps(costs.fees, costs.worth)))

    def _order(self, order: Order) -> None:
        _keep(self._in_flight, order.client_order_id, present=order.in_flight)
        _keep(self._resting, order.client_order_id, present=order.rests)
        _keep(self._unknown, order.client_order_id, present=order.state is OrderState.UNKNOWN)
        if order.state.final and self._first_time(f"order {order.client_order_id}"):
            self._metrics.trading.orders.labels(order.side, _ended(order)).inc()
            if order.executed_qty and order.price:
                self._metrics.trading.slippage.observe(_slippage(order))
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

    def _paused(self, trading_state: TradingState) -> None:
        self._metrics.trading.paused.set(trading_state.pause is not Pause.OFF)

    def _levels(self) -> None:
        self._metrics.trading.open_positions.set(len(self._open_positions))
        self._metrics.trading.symbols_held.set(len(self._held))
        self._metrics.trading.approvals_pending.set(len(self._open_approvals))
        self._metrics.trading.orders_in_flight.set(len(self._in_flight))
        self._metrics.trading.resting_orders.set(len(self._resting))
        self._metrics.trading.orders_unknown.set(len(self._unknown))


def _ended(order: Order) -> str:
    """Returns how an order ended. An approval that expired unanswered is no failed one, nor is an exit that was not needed, nor
    an entry whose market did not come."""
    was_sent = order.order_id is not None or order.state is OrderState.REJECTED
    if was_sent and is_missed(order) and not order.executed_qty:
        return MISSED
    if order.protects and order.state in {OrderState.CANCELED, OrderState.EXPIRED} and not order.executed_qty:
        return LEG_OVER
    return UNASKED.get(order.state, order.state) if order.order_id is None else order.state


def _slippage(order: Order) -> float:
    """Returns how much worse than its price at the decision an order was filled, in basis points."""
    worse = order.average_price - order.price if order.side is Side.BUY else order.price - order.average_price
    return float(100 * per_cent(worse, order.price))


def _keep(names: set[T], name: T, *, present: bool) -> None:
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
