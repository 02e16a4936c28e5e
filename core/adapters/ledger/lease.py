"""One ledger, one process: a lease with an epoch, which every transaction proves. A process that lost the lease, or finds the
ledger older than it left it, can no longer write."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NoReturn

import structlog
from sqlalchemy import Connection, bindparam, select, update

from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.engines import Transactions
from core.adapters.ledger.one_request import Part
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import upkeep_tables
from core.adapters.ledger.tables.signal_tables import newest_seq
from core.domain.errors import LeaseLost, LedgerInUse, LedgerSetBack
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

BEAT_SECONDS = 3.0
"""Seconds between proofs of an idle holder."""
SURE_SECONDS = 10.0
"""Seconds after a proof during which the holder may act on the world."""
STALE_SECONDS = 15.0
"""Seconds after which a watched lease that did not move is taken over. Longer than SURE_SECONDS: by then its holder has stopped
acting."""
_LOOK_SECONDS = 0.5

_LEASE = upkeep_tables.lease.c


@dataclass(frozen=True, slots=True)
class Holder:
    """Another process's lease, as last seen."""

    epoch: int
    commits: int
    holder: str
    since: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The ledger as it was taken: the new epoch, and the number of its newest message."""

    epoch: int
    newest: int


class Lease:
    """This process's right to write. Created by `take_lease`.

    Each transaction writes a number of its own into the lease's row, over the number of the last committed one. So a commit
    whose answer was lost can be verified afterwards, and the row tells whether this process may still write at all, and whether
    it writes into the ledger that it left: a restored backup, or a copy that lagged behind, holds an older number. Writers lock
    the row: a query about it waits until the transaction in doubt has ended.
    """

    def __init__(self, transactions: Transactions, taken: Taken, clock: Clock, proved_at: float) -> None:
        self._transactions = transactions
        self._epoch = taken.epoch
        self._newest = taken.newest
        self._clock = clock
        self._proved_at = proved_at
        self._number = 0
        self._committed = 0
        self._replacements: list[int] = []  # of `_committed`, whose own answers were lost
        self.lost = False
        """True once another process has it, or this one gave it back."""
        self.since = clock.now()
        """The time when it was taken, or when this process was sure of it again after a doubt."""
        self.before: datetime | None = None
        """The last sign of life of the process that held it before."""
        self.predecessor = ""
        """Names that process, where this one waited for it as its standby."""
        self.complete_since: float | None = None
        """Monotonic seconds since when every order that was dated is known to be in the ledger, as this process watched it as its
        standby. None: it may lack any that was dated before this process took it."""
        self._stamp = DriverStatement(
            update(upkeep_tables.lease)
            .where(_LEASE.epoch == taken.epoch, _LEASE.commits == bindparam("b_committed"))
            .values(commits=bindparam("b_commits"), seen_at=bindparam("b_seen"), session=transactions.session)
        )

    @property
    def sure(self) -> bool:
        """Tells whether no other process can hold the lease yet: only then may this process act on the world."""
        return not self.lost and self._clock.monotonic() - self._proved_at < SURE_SECONDS

    @property
    def idle_seconds(self) -> float:
        """Returns the seconds since the last proof."""
        return self._clock.monotonic() - self._proved_at

    def next_number(self) -> int:
        """Returns the number of the next transaction."""
        self._number += 1
        return self._number

    def next_seq(self) -> int:
        """Returns the number of the next message: while this process has the ledger, nobody else gives any. A number that is not
        used is left out."""
        self._newest += 1
        return self._newest

    def stamp(self, connection: Connection, number: int) -> None:
        """Proves the lease; the first statement of a transaction. Raises LeaseLost, and its kind LedgerSetBack if the ledger went
        backwards."""
        if self._stamp.run(connection, [self._stamped(number)]) != 1:
            self._lose(_found(connection))

    def part(self, number: int) -> Part:
        """Returns the proof as the part of a transaction in one request, which nothing is written without."""
        return Part(self._stamp, [self._stamped(number)], is_counted=True)

    def _stamped(self, number: int) -> Row:
        return {
            "b_commits": number,
            "b_committed": self._committed,
            "b_seen": self._clock.now(),
            **self._transactions.session_parameters(),
        }

    def proved(self, at: float, number: int) -> None:
        """Records that the transaction of that number, which began `at` (monotonic seconds), was committed."""
        if not self.sure:
            self.since = self._clock.now()
        self._proved_at = max(self._proved_at, at)
        self._committed = number

    async def was_committed(self, number: int) -> bool:
        """Tells whether the transaction of that number is in the ledger, after its answer was lost. If not, it never will be: it
        may still be on its way to the server, so the number that it expects is replaced. Raises LeaseLost, and whatever the
        database raises."""
        expected, replacement = {self._committed, *self._replacements}, self.next_number()
        self._replacements.append(replacement)
        row = await self._transactions.run(partial(self._replace, expected, replacement))
        if row is None or row["epoch"] != self._epoch or row["commits"] not in {number, *expected}:
            self._lose(row)
        if row["commits"] == number:
            return True
        self._committed = replacement
        self._replacements.clear()
        return False

    def _replace(self, expected: Collection[int], replacement: int, connection: Connection) -> Row | None:
        """Returns the lease as it was."""
        row = _found(connection)
        if row is not None and row["epoch"] == self._epoch and row["commits"] in expected:
            connection.execute(update(upkeep_tables.lease).where(_LEASE.epoch == self._epoch).values(commits=replacement))
        return row

    async def release(self, seen_at: datetime) -> None:
        """Lets the next process in at once; this one took its last signal at `seen_at`. Raises what the database raises."""
        self.lost = True  # before the next one can know: from here on nothing is sent
        free = {"holder": "", "session": "", "seen_at": seen_at}
        ours = update(upkeep_tables.lease).where(_LEASE.epoch == self._epoch).values(free)
        await self._transactions.run(lambda connection: connection.execute(ours))

    def _lose(self, row: Row | None) -> NoReturn:
        self.lost = True
        if row is not None and row["epoch"] > self._epoch:
            raise LeaseLost("another MarketFlow has taken this ledger over; this one ends, so that nothing is traded twice")
        raise LedgerSetBack(
            "the ledger is not as this MarketFlow left it: a backup was put back, or the database failed over to a copy that "
            "lagged behind. This one ends; at its next start it asks the exchange what is missing"
        )


async def take_lease(transactions: Transactions, holder: str, clock: Clock) -> Lease:
    """Takes the ledger for this process; `holder` names it, for people. Succeeds at once if nobody holds the lease or its holder
    is certainly gone; takes over from one that shows no sign of life after a while. Raises LedgerInUse, and whatever the database
    raises."""
    first: Holder | None = None
    began = clock.monotonic()
    while True:
        stale = first if clock.monotonic() - began >= STALE_SECONDS else None
        found = await try_to_take(transactions, holder, clock, stale)
        if isinstance(found, Lease):
            return found
        if first is None:
            first = found
            log.info("another process holds the ledger; checking whether it is alive", holder=found.holder)
        elif (found.epoch, found.commits) != (first.epoch, first.commits):
            raise LedgerInUse(
                f"the ledger of DATABASE_URL is in use by {found.holder} since {found.since}: two at once would trade twice. "
                "Stop that one first, or set another DATABASE_URL"
            )
        await clock.sleep(_LOOK_SECONDS)


async def try_to_take(transactions: Transactions, holder: str, clock: Clock, stale: Holder | None) -> Lease | Holder:
    """Takes the ledger if nobody holds it, its holder is certainly gone, or its lease is still as `stale` says; otherwise returns
    its holder. Raises what the database raises."""
    at = clock.monotonic()
    before = (await transactions.run(_read))["seen_at"]
    found = await transactions.run(partial(_take, transactions=transactions, holder=holder, clock=clock, stale=stale))
    if isinstance(found, Holder):
        return found
    lease = Lease(transactions, found, clock, at)
    lease.before = before
    return lease


def _take(
    connection: Connection, *, transactions: Transactions, holder: str, clock: Clock, stale: Holder | None
) -> Taken | Holder:
    """Takes the ledger, or returns the current holder."""
    row = _read(connection)
    unmoved = stale is not None and (row["epoch"], row["commits"]) == (stale.epoch, stale.commits)
    if row["holder"] and not unmoved and not transactions.is_gone(connection, row["session"]):
        return holder_of(row)
    now = clock.now()
    epoch: int = row["epoch"] + 1
    ours = {"epoch": epoch, "holder": holder, "session": transactions.session, "taken_at": now, "seen_at": now}
    connection.execute(update(upkeep_tables.lease).values(commits=0, **ours), transactions.session_parameters())
    return Taken(epoch, newest_seq(connection))


def holder_of(row: Row) -> Holder:
    """Returns who holds the lease."""
    since = row["taken_at"].strftime("%Y-%m-%d %H:%M:%S UTC") if row["taken_at"] is not None else ""
    return Holder(row["epoch"], row["commits"], row["holder"], since)


def _read(connection: Connection) -> Row:
    """Returns the lease, locked until the transaction ends: on SQLite this locks the whole ledger."""
    return dict(connection.execute(select(upkeep_tables.lease).with_for_update()).mappings().one())


def _found(connection: Connection) -> Row | None:
    """Returns the lease as `_read` does; None in a ledger that never had one."""
    found = connection.execute(select(upkeep_tables.lease).with_for_update()).mappings().one_or_none()
    return dict(found) if found is not None else None
