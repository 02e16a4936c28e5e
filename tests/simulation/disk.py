"""The ledger's database: SQLite in memory, which outlives its processes, and can be full, slow and silent."""

import errno
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    StaticPool,
    Table,
    Text,
    and_,
    bindparam,
    create_engine,
    event,
    func,
    not_,
    or_,
    select,
)

from core.adapters.ledger import codec
from core.adapters.ledger.engines import ExactSum, prepare_sqlite
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.row import Row
from core.adapters.ledger.schema import upgrade
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    plan_tables,
    result_tables,
    signal_tables,
)
from core.domain.errors import LedgerUnavailable
from core.policy.entries.steps import BOUGHT
from tests.owner_deliveries import undelivered
from tests.simulation.loop import Process
from tests.simulation.machine import Fate

T = TypeVar("T")


@cache
def _template() -> sqlite3.Connection:
    """Creates an empty ledger of the newest schema."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as opened:
        upgrade(opened)
    return connection


@cache
def _database() -> tuple[sqlite3.Connection, Connection, Connection]:
    """Returns the database, one connection for all transactions and one for all reads, the same for all seeds, so that statements
    are compiled once. The one for reads begins no transaction, so nothing has to end one."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.create_aggregate("exact_sum", 1, ExactSum)  # type: ignore[arg-type]  # typeshed wants int
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    event.listen(engine, "connect", prepare_sqlite)
    reads = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    event.listen(engine, "begin", lambda _: connection.execute("BEGIN IMMEDIATE"))  # not by way of a result that nobody reads
    return connection, engine.connect(), reads.connect()


_ORDERS = order_tables.orders.c
STEPS: Any = and_(_ORDERS.signal_type == BOUGHT, _ORDERS.state.in_(["ACCEPTED", "PARTIALLY_FILLED"]))
_LEGS: Any = and_(_ORDERS.leg.is_not(None), _ORDERS.side == "SELL", _ORDERS.state.in_(["ACCEPTED", "PARTIALLY_FILLED"]))
RESTS: Any = or_(_LEGS, STEPS)
"""Nobody waits for the end of an order that protects a position, or of a step beside one; an entry that rests has an end."""
_PLANS = plan_tables.order_plans.c
_TOO_LITTLE = or_(_PLANS.reason_code.startswith("part_"), _PLANS.reason_code == "too_little_to_sell")
_NO_REASON = or_(_PLANS.reason_code.is_(None), not_(_TOO_LITTLE))
EXPOSED: Any = and_(_PLANS.state.in_(["ENTERING", "EXPOSED"]), _NO_REASON)
"""Too little for an order of its own stays without one."""


_WANTED = control_tables.wanted_exits.c.wanted
TAKEN_BY_OTHERS: Any = and_(_WANTED.contains('"source":"plan"'), _WANTED.contains('"nothing_free"'))
"""Exits of a plan that another trader has made impossible: they go on."""


def _number_of(table: Table, condition: Any) -> Select[Any]:
    return select(func.count().label("n")).select_from(table).where(condition)


_UNSETTLED: Mapping[str, Select[Any]] = {
    "messages undecided": _number_of(signal_tables.inbox, signal_tables.UNDECIDED),
    "orders in flight": _number_of(order_tables.orders, and_(order_tables.IN_FLIGHT, not_(RESTS))),
    "positions without protection": _number_of(plan_tables.order_plans, EXPOSED),
    "open questions": _number_of(order_tables.approvals, order_tables.IS_OPEN),
    "wanted exits": _number_of(control_tables.wanted_exits, and_(control_tables.IS_WANTED, not_(TAKEN_BY_OTHERS))),
}
_OUTBOX = select(notification_tables.outbox.c.seq, notification_tables.outbox.c.priority)
_TOLD = select(notification_tables.told)
_PANIC = select(control_tables.controls.c.panic)
_POSITIONS = select(signal_tables.source_positions)
_STEPS = select(_ORDERS.signal).where(STEPS)
_OPEN = select(result_tables.positions).where(result_tables.positions.c.is_open)
_RESTING = select(_ORDERS.client_order_id).where(RESTS)
_IN_FLIGHT = select(_ORDERS.client_order_id).where(order_tables.IN_FLIGHT)


class Disk:
    """A disk that keeps what is written. `full` refuses every commit."""

    def __init__(self, fate: Fate) -> None:
        connection, self.transactions, self._reads = _database()
        _template().backup(connection)
        self.fate = fate
        self.full = False
        self.locked_by: Process | None = None
        self.committed: Callable[[], None] = lambda: None

    def snapshot(self) -> bytes:
        """Returns everything committed."""
        return _database()[0].serialize()

    def put_back(self, snapshot: bytes) -> None:
        """Undoes everything since `snapshot`."""
        _database()[0].deserialize(snapshot)

    def rows(self, question: Select[Any], values: Mapping[str, Any] | None = None) -> list[Row]:
        """Returns committed rows."""
        result = self._reads.execute(question, values)
        names = list(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result.all()]

    def unsettled(self) -> Iterator[tuple[str, int]]:
        """Counts the unsettled items of each kind, one kind after the other."""
        for what, question in _UNSETTLED.items():
            yield what, self.rows(question)[0]["n"]
        yield "steps of closed positions", self._steps_left()
        yield "alerts undelivered", len(undelivered(self.rows(_OUTBOX), self.rows(_TOLD)))

    def _steps_left(self) -> int:
        places = [codec.signals.decode(row["signal"]) for row in self.rows(_STEPS)]
        if not places:
            return 0
        opened = {(row["symbol"], row["strategy"]): row["opened_at"] for row in self.rows(_OPEN)}
        return sum(one.step is not None and opened.get((one.symbol, one.strategy)) != one.step.opened_at for one in places)

    def is_panicking(self) -> bool:
        """Tells whether a panic is on."""
        return any(row["panic"] is not None for row in self.rows(_PANIC))

    def positions(self) -> dict[int, int]:
        """Returns the next offset of each partition."""
        return {row["partition"]: row["next_offset"] for row in self.rows(_POSITIONS)}

    def generations(self) -> dict[int, int]:
        """Returns how often each partition was found to have restarted."""
        return {row["partition"]: row["generation"] for row in self.rows(_POSITIONS)}

    def has_message(self, source_id: str) -> bool:
        """Tells whether a person's action of this identity is stored."""
        return bool(
            self.rows(
                select(signal_tables.inbox.c.seq).where(signal_tables.BY_PEOPLE, signal_tables.inbox.c.source_id == source_id)
            )
        )

    def is_to_be_cancelled(self, client_order_id: str) -> bool:
        """Tells whether somebody wants this order cancelled."""
        inbox = signal_tables.inbox.c
        wanted = select(inbox.seq).where(signal_tables.BY_PEOPLE, inbox.kind == "cancel", inbox.body.contains(client_order_id))
        return bool(self.rows(wanted))

    def resting(self) -> list[str]:
        """Returns the client order ids of the orders that rest, as far as the ledger knows."""
        return [row["client_order_id"] for row in self.rows(_RESTING)]

    def in_flight(self) -> list[str]:
        """Returns the client order ids of the unsettled orders."""
        return [row["client_order_id"] for row in self.rows(_IN_FLIGHT)]


class DiskTransactions:
    """See `core.adapters.ledger.engines.Transactions`: one process's access to the disk."""

    dialect = "sqlite"
    commits_in_one_request = False

    def __init__(self, disk: Disk, process: Process) -> None:
        self._disk = disk
        self._process = process
        self.session: ColumnElement[str] = bindparam("b_session", type_=Text)

    async def run(self, work: Callable[[Connection], T], *, within: float | None = None) -> T:
        fate = self._disk.fate
        await fate.pause(0.0002, 0.002)
        if fate.strikes("slow disk", 0.003):
            await fate.pause(0.1, 8.0)
        await fate.may_die(0.0015)
        if fate.strikes("refused commit", 0.004):
            raise OSError(errno.EIO, "")
        result = self._commit(work)
        self._disk.committed()
        await fate.may_die(0.0015)
        if fate.strikes("lost commit answer", 0.004):
            raise TimeoutError
        await fate.pause(0.0, 0.0005)
        return result

    def _commit(self, work: Callable[[Connection], T]) -> T:
        with self._disk.transactions.begin():
            result = work(self._disk.transactions)
            if self._disk.full:
                raise OSError(errno.ENOSPC, "")
            return result

    def session_parameters(self) -> dict[str, str]:
        return {"b_session": "flock" if self._lock() else ""}

    def is_gone(self, _connection: Connection, session: str) -> bool:
        return session == "flock" and self._lock()

    def _lock(self) -> bool:
        """Returns the file's lock, which the system releases when a process ends."""
        if self._disk.locked_by is None or not self._disk.locked_by.alive:
            self._disk.locked_by = self._process
        return self._disk.locked_by is self._process

    async def close(self) -> None: ...


class DiskReader(LedgerReader):
    """One process's queries on the disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def read(self, question: Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[Row]:
        await self._disk.fate.pause(0.0001, 0.001)
        if self._disk.fate.strikes("refused read", 0.002):
            raise LedgerUnavailable("the ledger cannot be read")
        return self._disk.rows(question, values)

    async def close(self) -> None: ...
