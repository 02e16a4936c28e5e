"""Fixtures of every test: real servers, guards against the network and a blocked loop, and reproducible random values."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Generator

import pytest
from hypothesis import settings

from demo.broker import MemoryBroker, running_broker

# Modules are compiled once, not by each process of each test anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_OBJECTS = 10_000  # new ones, until garbage is collected

pytest_plugins = [
    "pytester",
    "tests.plugins.alone",
    "tests.plugins.browser",
    "tests.plugins.compiled_statements",
    "tests.plugins.lanes",
    "tests.plugins.loop_guard",
    "tests.plugins.network_guard",
    "tests.plugins.run_time",
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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects no garbage while the tests load, which is a quarter of the time, and keeps them out of every later collection;
    those are fewer than Python makes by itself, which a twentieth of the time went into."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(_OBJECTS)
        gc.enable()


@pytest.fixture
async def memory_broker() -> AsyncIterator[MemoryBroker]:
    """Yields an in-memory Kafka broker of this test alone."""
    async with running_broker() as broker:
        yield broker
