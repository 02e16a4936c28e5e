"""`marketflow publish`: puts one signal on the topic, as a strategy would."""

from decimal import Decimal

from bot.clock import SystemClock
from bot.factories import kafka_options
from bot.settings.settings import Settings
from core.adapters.kafka.publisher import SignalPublisher
from core.adapters.signals.codec import Unreadable, decode, encode
from core.domain.errors import MarketFlowError
from core.domain.money import parse_decimal


async def publish(settings: Settings, signal_type: str, close: str, symbol: str | None, signal_id: str | None) -> str:
    """Publishes a signal and returns where the record is. Raises MarketFlowError when it was not published."""
    chosen = (symbol or settings.symbol).upper()
    if (problem := _wrong(signal_type, chosen)) is not None:  # before anything is reached
        raise MarketFlowError(f"not published: {problem}")
    if settings.kafka_broker is None and settings.webhook_secret is not None:
        raise MarketFlowError("not published: no topic is read here. docs/connections.md says how to send a signal over HTTP")
    try:
        price = parse_decimal(close)
    except ValueError as error:
        raise MarketFlowError(f"not published: close is {close!r}, {error}; accepted is a price above 0, e.g. 0.4801") from None
    async with SignalPublisher(kafka_options(settings), settings.kafka_topic) as publisher:
        published = await publisher.publish(signal_type, price, symbol=chosen, signal_id=signal_id)
    if isinstance(published, Unreadable):
        raise MarketFlowError(f"not published: {published.problem}")
    return (
        f"{signal_type} {chosen} at {close}: {settings.kafka_topic}, partition {published.partition}, "
        f"offset {published.offset}, signal id {published.signal_id}"
    )


def _wrong(signal_type: str, symbol: str) -> str | None:
    """Returns what is wrong with the type or the symbol, whatever the price."""
    value = encode(signal_type=signal_type, close=Decimal(1), symbol=symbol, signal_id="check")
    read = decode(value, record_ts=SystemClock().now(), source="", default_id="check", default_symbol=symbol)
    return read.problem if isinstance(read, Unreadable) else None
