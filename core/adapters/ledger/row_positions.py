"""Finds the position of a moment in a table: row numbers grow with time, so no index on the time is needed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, select

from core.adapters.ledger.reader import LedgerReader


async def first_from(reader: LedgerReader, table: Table, time: Column[Any], at: datetime) -> int:
    """Returns the number of the first row whose `time` is `at` or later; one past the last if there is none. Bisects."""
    newest = await reader.read(select(table.c.seq).order_by(table.c.seq.desc()).limit(1))
    low, high = 1, (newest[0]["seq"] + 1) if newest else 1
    while low < high:
        middle = (low + high) // 2
        row = await reader.read(select(table.c.seq, time).where(table.c.seq >= middle).order_by(table.c.seq).limit(1))
        if not row or row[0][time.name] >= at:
            high = middle
        else:
            low = row[0]["seq"] + 1
    return low
