"""A Snowflake database for one test alone."""

from tests.core.adapters.snowflake.conftest import connection

__all__ = ["connection"]
