"""Fixtures of every test: real servers, guards against the network and a blocked loop, and reproducible random values."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from demo.broker import MemoryBroker, running_broker

pytest_plugins = [
    "pytester",
    "tests.plugins.browser",
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


FIRST = (
    "simulation",
    "core/adapters/snowflake",
    "warehouse",
    "demo",
    "dashboard",
    "local_telegram",
    "chaos",
    "bot/test_run",
    "bench",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs slow files with few tests first, so that at the end no worker waits for another's."""
    tests = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        path = item.path.relative_to(tests).as_posix()
        return next((number for number, place in enumerate(FIRST) if path.startswith(place)), len(FIRST))

    items.sort(key=turn)


@pytest.fixture
async def memory_broker() -> AsyncIterator[MemoryBroker]:
    """Yields an in-memory Kafka broker of this test alone."""
    async with running_broker() as broker:
        yield broker
