"""The beginning and the end of an aiokafka client, so that none leaves a connection open, whenever it is cut short."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = structlog.get_logger(__name__)

_PATIENCE = 0.5  # seconds that a start which nobody wants any more may take to its end


async def start(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Starts a client; `stop` follows, also where this raises. An aiokafka 0.14 that is cancelled while it starts leaves a
    connection open, so a start is seen to its end first, where that is near."""
    starting = asyncio.create_task(client.start(), name="kafka-start")
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([starting], timeout=_PATIENCE)
        finally:  # also when that is cancelled in its turn
            starting.cancel()
            await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # nobody asks for it any more
        raise


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Ends a client for sure. While a fetch of its own waits to be tried again, aiokafka 0.14's `stop` cancels that fetch, lets
    the cancellation out as if it were ours, and leaves its connections open."""
    stopping = asyncio.create_task(client.stop(), name="kafka-stop")
    await asyncio.wait([stopping])
    if stopping.cancelled():
        # `stop` does nothing the second time
        await (client._client if isinstance(client, AIOKafkaConsumer) else client.client).close()  # noqa: SLF001
    elif (error := stopping.exception()) is not None:
        log.warning("kafka_client_did_not_stop_well", why=type(error).__name__)
