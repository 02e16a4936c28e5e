"""Starts and stops an aiokafka client, so that none leaves a connection open, whenever it is interrupted."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = structlog.get_logger(__name__)

_PATIENCE = 0.5  # seconds that a cancelled start may take to finish


async def start(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Starts a client; call `stop` afterwards, also if this raises. An aiokafka 0.14 that is cancelled while it starts leaves a
    connection open, so a start is allowed to finish first if it is close to it."""
    starting = asyncio.create_task(client.start(), name="kafka-start")
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([starting], timeout=_PATIENCE)
        finally:  # also if that is cancelled too
            starting.cancel()
            await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # nobody awaits it any more
        raise


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stops a client reliably. While a fetch of its own waits for a retry, aiokafka 0.14's `stop` cancels that fetch, lets the
    cancellation out as if it were ours, and leaves its connections open."""
    stopping = asyncio.create_task(client.stop(), name="kafka-stop")
    await asyncio.wait([stopping])
    if stopping.cancelled():
        # `stop` does nothing the second time
        await (client._client if isinstance(client, AIOKafkaConsumer) else client.client).close()  # noqa: SLF001
    elif (error := stopping.exception()) is not None:
        log.warning("kafka_client_did_not_stop_well", why=type(error).__name__)
