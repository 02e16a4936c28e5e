"""A ledger on SQLite and on PostgreSQL."""

from tests.core.adapters.ledger.conftest import database_url, ledger, reopen

__all__ = ["database_url", "ledger", "reopen"]
