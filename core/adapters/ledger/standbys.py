"""Finds the standbys that wait for the ledger: PostgreSQL tells it from their connections, so nobody has to write it down."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, column, func, literal_column, select, table

from core.adapters.ledger.reader import LedgerReader

_PREFIX = "marketflow standby: "
_LONGEST = 63  # NAMEDATALEN of PostgreSQL, less one
_SESSIONS = table("pg_stat_activity", column("application_name"), column("datname"), column("state_change"))
_LATELY: ColumnElement[timedelta] = literal_column("interval '3 seconds'")
"""A standby looks many times a second: a connection that has rested for so long belongs to one that is cut off or stopped."""


def standby_name(process: str) -> str:
    """Returns the name of a standby's connection; `process` names it to people."""
    return f"{_PREFIX}{process}"[:_LONGEST]


async def waiting_standbys(reader: LedgerReader) -> Sequence[str]:
    """Returns the names of the processes that wait to take this ledger over. Raises LedgerUnavailable."""
    if not reader.has_sessions:
        return ()
    of = _SESSIONS.c
    question = select(of.application_name).where(
        of.datname == func.current_database(),
        of.application_name.startswith(_PREFIX),
        of.state_change > func.clock_timestamp() - _LATELY,
    )
    return sorted(row["application_name"].removeprefix(_PREFIX) for row in await reader.read(question))
