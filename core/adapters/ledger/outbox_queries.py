"""Queries of the outbox: the events that a reader was not told of yet."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, select, union_all

from core.adapters.ledger.tables import notification_tables
from core.domain.delivery import DeliveryCursor
from core.domain.events.priority import Priority


@cache
def waiting(priorities: tuple[Priority, ...]) -> Select[Any]:
    """Builds the query once: every alert runs it for every reader, and building it takes longer than running it."""
    outbox, most = notification_tables.outbox, bindparam("most", type_=Integer)
    lanes = [select(outbox).where(_untold(each)).order_by(outbox.c.seq).limit(most).subquery() for each in priorities]
    together = union_all(*(select(lane) for lane in lanes)).subquery()
    return select(together).order_by(together.c.priority, together.c.seq)


@cache
def pending(priorities: tuple[Priority, ...]) -> Select[Any]:
    """Builds the query that counts them, once."""
    counts = [
        select(func.count()).select_from(notification_tables.outbox).where(_untold(each)).scalar_subquery() for each in priorities
    ]
    return select(sum(counts[1:], counts[0]).label("pending"))


def _untold(priority: Priority) -> ColumnElement[bool]:
    return and_(
        notification_tables.outbox.c.priority == priority, notification_tables.outbox.c.seq > bindparam(f"told_{priority.name}")
    )


def seqs(cursor: DeliveryCursor) -> dict[str, int]:
    """Returns the parameters of both: the number of the last event told, by priority."""
    return {f"told_{priority.name}": seq for priority, seq in cursor.items()}
