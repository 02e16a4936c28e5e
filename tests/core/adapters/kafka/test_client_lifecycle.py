"""A client that is cancelled at any moment leaves no connection open."""

import asyncio
import contextlib
import gc
import random
import warnings
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from core.adapters.kafka.client_lifecycle import start, stop
from demo.broker import MemoryBroker

TIMES = 60
Make = Callable[[str], AIOKafkaConsumer | AIOKafkaProducer]
KINDS: dict[str, Make] = {
    "group": lambda servers: AIOKafkaConsumer(bootstrap_servers=servers, group_id="g", enable_auto_commit=False),
    "reader": lambda servers: AIOKafkaConsumer("cut_short", bootstrap_servers=servers, group_id=None),
    "producer": lambda servers: AIOKafkaProducer(bootstrap_servers=servers),
}


async def life(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    try:
        await start(client)
        await asyncio.sleep(0.01)
    finally:
        await stop(client)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_cut_short_leaves_nothing_open(memory_broker: MemoryBroker, kind: str) -> None:
    await asyncio.to_thread(memory_broker.create_topic, "cut_short")
    moments = random.Random(7)
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        for _ in range(TIMES):
            living = asyncio.create_task(life(KINDS[kind](memory_broker.address)))
            await asyncio.sleep(moments.random() * 0.02)
            living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await living
        del living
        gc.collect()
    assert [str(each.message) for each in complaints] == []
