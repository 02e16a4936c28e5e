"""Every metric of the contract, by its outward name."""

from collections.abc import Sequence
from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.ports.timings import Stage

_BASIS_POINTS = (-100.0, -50.0, -20.0, -10.0, -5.0, -1.0, 0.0, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_PARTS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
# From a loopback round trip to Binance's 10 s timeout.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SOURCES = frozenset({"kafka", "webhook", "snowflake", "telegram", "exit", "protection", "dca"})
OUTCOMES = frozenset({"ordered", "ignored", "denied", "expired", "observed", "awaiting_approval", "put_off", "done", "failed"})
HTTP_REFUSALS = (
    *("wrong_secret", "no_secret", "unreadable", "too_long", "incomplete", "too_many"),
    *("unusable", "repeated", "conflict", "unavailable"),
)
UNASKED = {OrderState.EXPIRED: "APPROVAL_EXPIRED", OrderState.CANCELED: "APPROVAL_WITHDRAWN"}  # without an exchange's number
LEG_OVER = "LEG_OVER"
MISSED = "MISSED"
"""The end of an order of an exit plan that was not needed: another one was the exit, or it was taken off."""
_ENDS = (*(state for state in OrderState if state.final), *UNASKED.values(), LEG_OVER, MISSED)


class _MetricFactory:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, buckets: Sequence[float] = _BUCKETS, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)


class TradingMetrics:
    """Metrics of orders, positions and approvals."""

    def __init__(self, make: _MetricFactory) -> None:
        self.buy_orders = make.counter("buy_orders_total", "BUY orders executed since the first start.")
        self.sell_orders = make.counter("sell_orders_total", "SELL orders executed since the first start.")
        self.last_trade_profit = make.gauge("last_trade_profit", "Net profit of the latest exit in per cent; 0 before the first.")
        self.open_positions = make.gauge("open_positions", "Positions that are open, dust left out.")
        self.symbols_held = make.gauge("marketflow_symbols_held", "Symbols not traded, as ledger and exchange disagree.")
        self.orders = make.counter("marketflow_orders_total", "Orders by how they ended.", "side", "status")
        self.orders_in_flight = make.gauge("marketflow_orders_in_flight", "Orders that the ledger holds as not settled.")
        self.orders_unknown = make.gauge("marketflow_orders_unknown", "Orders of which nobody knows yet whether they exist.")
        self.resting_orders = make.gauge("marketflow_resting_orders", "Orders that rest on the exchange.")
        self.user_stream = make.gauge(
            "marketflow_user_stream_connected", "1 while the exchange's stream of order reports is connected; NaN: there is none."
        )
        self.user_stream.set(nan)
        self.order_connection = make.gauge(
            "marketflow_order_connection_open", "1 while orders go over the WebSocket API, 0 while by REST; NaN: always by REST."
        )
        self.order_connection.set(nan)
        self.protection_failures = make.counter(
            "marketflow_protection_failures_total", "Times that a position with a plan lost its protection, or did not get it."
        )
        self.order_limit_used = make.gauge(
            "marketflow_order_limit_used", "Part of the exchange's limit on new orders that is used, from 0 to 1.", "window"
        )
        self.slippage = make.histogram(
            "marketflow_slippage_bps", "Fills against the price that their order was decided at; above 0 is worse.", _BASIS_POINTS
        )
        self.unprotected = make.gauge(
            "marketflow_unprotected_seconds", "For how long a position with a plan has had no protection; 0: it has.", "symbol"
        )
        self.signal_to_order = make.histogram("marketflow_signal_to_order_seconds", "From reading a signal to sending its order.")
        self.stages = make.histogram(
            "marketflow_stage_seconds", "From one stage of an order to the next, by which it has come to.", _BUCKETS, "stage"
        )
        self.order_ack = make.histogram("marketflow_order_ack_seconds", "From sending an order to the venue's answer.")
        self.exchange_errors = make.counter("marketflow_exchange_errors_total", "Errors that the exchange answered with.", "code")
        self.approvals_pending = make.gauge("marketflow_approvals_pending", "Approvals that nobody has answered yet.")
        self.paused = make.gauge("marketflow_paused", "1 while entries or all trading are paused.")
        self._create_labels()

    def _create_labels(self) -> None:
        """Creates each label value at the start, so that Prometheus sees the first of a kind as an increase."""
        for side in Side:
            for status in _ENDS:
                self.orders.labels(side, status)
        for stage in Stage:
            self.stages.labels(stage)


class QualityMetrics:
    """Metrics of executed orders beside their signals' prices; above 0 is worse. See `core.policy.quality.costs`."""

    def __init__(self, make: _MetricFactory) -> None:
        self.slippage = make.histogram("marketflow_signal_slippage_bps", "Fills against the signal's price.", _BASIS_POINTS)
        self.delay = make.histogram(
            "marketflow_delay_bps", "The middle of the market at the decision against the signal's price.", _BASIS_POINTS
        )
        self.spread = make.histogram(
            "marketflow_spread_bps", "The effective spread: twice what fills were from the middle of the market.", _BASIS_POINTS
        )
        self.fees = make.histogram("marketflow_fee_bps", "Fees in basis points of what was filled.", _BASIS_POINTS)
        self.filled = make.histogram("marketflow_fill_ratio", "The filled part of what executed orders asked for.", _PARTS)


class IntakeMetrics:
    """Metrics of what comes in: signals, requests and Kafka."""

    def __init__(self, make: _MetricFactory) -> None:
        self.signals = make.counter("marketflow_signals_total", "Signals by what became of them.", "source", "outcome")
        self.duplicates = make.counter("marketflow_duplicates_total", "Messages that had been stored before.")
        self.http_refused = make.counter(
            "marketflow_http_refused_total", "Answers of POST /signals other than 202, by why.", "why"
        )
        self.kafka_lag = make.gauge("marketflow_kafka_lag", "Records of the topic that are not read yet.")
        self.kafka_stored = make.gauge(
            "marketflow_kafka_stored_timestamp_seconds", "When records of the topic were last stored, signals or not."
        )
        self.last_signal = make.gauge(
            "marketflow_last_signal_timestamp_seconds", "When a signal was last stored; 0 before the first."
        )
        # Created at start, as those of orders.
        for source in sorted(SOURCES):
            for outcome in sorted(OUTCOMES | {"dead_letter", "conflict"}):
                self.signals.labels(source, outcome)
        self.signals.labels("kafka", "tombstone")
        for why in HTTP_REFUSALS:
            self.http_refused.labels(why)


_STANDBY = "marketflow_standby", "1 while the process waits to take over from another one; 0: it is the active one."


class UpkeepMetrics:
    """Metrics of the process and its parts."""

    def __init__(self, make: _MetricFactory) -> None:
        self.alerts_pending = make.gauge("marketflow_alerts_pending", "Alerts that Telegram has not taken yet.")
        self.clock_offset = make.gauge("marketflow_clock_offset_seconds", "The venue's clock minus this machine's.")
        self.part_ready = make.gauge("marketflow_part_ready", "1 while a part is at work.", "part")
        self.lease_held = make.gauge("marketflow_lease_held", "1 while this process alone may write the ledger and trade.")
        make.gauge(*_STANDBY)
        self.standbys = make.gauge("marketflow_standbys_waiting", "Processes that wait to take over from this one.")
        self.log_lines_dropped = make.gauge("marketflow_log_lines_dropped", "Log lines that Loki did not get since the start.")
        self.proof_at = make.gauge(
            "marketflow_proof_timestamp_seconds", "When all books were last compared; 0: not in the last week."
        )
        self.proof_differences = make.gauge("marketflow_proof_differences", "Differences that the proofs of the last week found.")
        self.history_pending = make.gauge("marketflow_history_export_pending", "Executions that the history does not have yet.")


def count_as_standby(registry: CollectorRegistry) -> CollectorRegistry:
    """Puts the metrics of a process that waits on `registry`, and returns it."""
    ProcessCollector(registry=registry)
    _MetricFactory(registry).gauge(*_STANDBY).set(1)
    return registry


class Metrics:
    """All metrics, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)
        make = _MetricFactory(registry)
        self.trading = TradingMetrics(make)
        self.quality = QualityMetrics(make)
        self.intake = IntakeMetrics(make)
        self.upkeep = UpkeepMetrics(make)
