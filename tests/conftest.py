"""What every test has at hand: real servers, guards against the network and a blocked loop, and one way to be random."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from demo.broker import MemoryBroker, running_broker

pytest_plugins = [
    "pytester",
    "tests.plugins.loop_guard",
    "tests.plugins.network_guard",
    "tests.plugins.skipped",
    "tests.ring",
    "tests.servers.kafka",
    "tests.servers.postgres",
    "tests.servers.snowflake",
]

# The same examples on each run, here and in CI; `pytest --hypothesis-profile=explore` looks for new ones.
settings.register_profile("default", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=2_000)
settings.load_profile("default")


@pytest.fixture
async def memory_broker() -> AsyncIterator[MemoryBroker]:
    """An in-memory Kafka broker that only this test has."""
    async with running_broker() as broker:
        yield broker
