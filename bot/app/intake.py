"""The sources of signals: Kafka, the table in Snowflake, the webhook's counters."""

from dataclasses import dataclass

from bot.app.foundation import Embedded, Foundation
from bot.factories import Warehouse, connect_snowflake, kafka_options
from bot.web.unauthenticated_requests import UnauthenticatedRequests
from bot.web.undelivered_signals import UndeliveredSignals
from core.adapters.kafka.source import KafkaSource, SourceCallbacks
from core.domain.events.intake import SignalsLost
from core.domain.events.outages import PartTroubled
from core.ports.signal_source import SignalSource
from core.trading import Trading


@dataclass(frozen=True, slots=True)
class Intake:
    """The sources, as far as they are configured. `notes` collects what the message at the start says about them."""

    kafka: KafkaSource | None
    warehouse: Warehouse
    unauthenticated: UnauthenticatedRequests
    undelivered: UndeliveredSignals
    notes: list[str]

    @property
    def sources(self) -> list[SignalSource]:
        """Returns the sources that are read in a loop."""
        return [source for source in (self.kafka, self.warehouse.table) if source is not None]

    def is_read(self) -> bool:
        """Tells whether Kafka is read to its end."""
        return self.kafka is None or self.kafka.lag == 0


def build_intake(base: Foundation, embedded: Embedded, trading: Trading) -> Intake:
    """Returns the sources, connected to the inbox and not started."""
    notes: list[str] = []
    return Intake(
        kafka=_kafka(base, embedded, trading, notes),
        warehouse=connect_snowflake(base.settings, base.ledger, trading.inbox, base.clock),
        unauthenticated=UnauthenticatedRequests(base.events.emit, base.clock),
        undelivered=UndeliveredSignals(base.events.emit, base.clock, trading.portfolio.position),
        notes=notes,
    )


def _kafka(base: Foundation, embedded: Embedded, trading: Trading, notes: list[str]) -> KafkaSource | None:
    settings, ledger, events = base.settings, base.ledger, base.events
    if settings.kafka_broker is None:
        return None
    name = f"kafka:{settings.kafka_topic}"
    return KafkaSource(
        options=kafka_options(settings),
        topic=settings.kafka_topic,
        group=settings.kafka_group,
        dlq_topic=settings.kafka_dlq_topic,
        default_symbol=settings.symbol,
        deliver=trading.inbox.deliver,
        stored_positions=lambda: ledger.source_positions(name),
        recorded=lambda ids: ledger.find_signals(name, ids),
        clock=base.clock,
        callbacks=SourceCallbacks(
            on_first_start=lambda: notes.append("from_latest"),
            on_state_change=lambda ready, detail: events.emit(PartTroubled("kafka", ready, detail)),
            on_gap=lambda partition, wanted, at: events.emit(SignalsLost(settings.kafka_topic, partition, wanted, at)),
            on_tombstones=base.metrics.tombstones,
        ),
        fetch_max_wait_ms=embedded.fetch_max_wait_ms,
    )
