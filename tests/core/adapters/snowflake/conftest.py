"""A Snowflake database for one test alone."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from core.adapters.snowflake.connection import SnowflakeConnection
from tests.servers.snowflake import SnowflakeServer


@pytest.fixture
async def connection(snowflake: SnowflakeServer) -> AsyncIterator[SnowflakeConnection]:
    """Connects to an empty database."""
    connection = SnowflakeConnection(snowflake.options(f"TEST_{uuid4().hex.upper()}"))
    yield connection
    await connection.close()
