"""Follows another process's lease as its standby, without a lock that could delay it, and takes it over once it may."""

import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from core.adapters.ledger.engines import PostgresTransactions, words
from core.adapters.ledger.lease import STALE_SECONDS, Holder, Lease, holder_of, try_to_take
from core.adapters.ledger.standbys import standby_name
from core.adapters.ledger.tables import upkeep_tables
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 1.0  # after a look that failed
_GAP_SECONDS = 3.0
"""Seconds without a look after which the holder gets its whole time again: the database may have been away for both of us."""


class LeaseWatch:
    """Waits until the holder of the ledger has given it back, has certainly ended, or has proved nothing for STALE_SECONDS."""

    def __init__(self, transactions: PostgresTransactions, name: str, clock: Clock) -> None:
        """Takes `name`, which names this process to people."""
        self._transactions = transactions
        self._name = name
        self._clock = clock
        self._connection: object = None
        self._held_since = 0.0
        self._is_complete = False
        self._last: Holder | None = None
        self._unmoved_since = self._looked_at = 0.0
        self.holder = ""
        """Names the process that holds the ledger, or the last one that did."""
        self.problem = "not asked yet"
        """The database's last error, empty if it answered."""

    async def lease(self) -> Lease:
        """Returns the lease once this process has it, however long that takes."""
        while True:
            pause = LOOK_SECONDS
            try:
                lease = await self._look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                if not self.problem:
                    log.warning("the ledger that this standby waits for does not answer", error=words(error))
                self.problem, pause = words(error), _PAUSE_SECONDS
            else:
                self.problem = ""
                if lease is not None:
                    return lease
            await self._clock.sleep(pause)

    async def _look(self) -> Lease | None:
        seen, is_free, connection = await self._transactions.run(self._read)
        self._note(seen, connection, self._clock.monotonic())
        is_stale = self._looked_at - self._unmoved_since >= STALE_SECONDS
        if not is_free and not is_stale:
            return None
        lease = await try_to_take(self._transactions, self._name, self._clock, seen if is_stale else None)
        if isinstance(lease, Holder):
            return None
        self._note(seen, (await self._transactions.run(_named))[1], self._clock.monotonic())
        lease.predecessor, lease.complete_since = self.holder, self._held_since if self._is_complete else None
        log.info("took the ledger over", predecessor=self.holder, released=not seen.holder, silent=is_stale)
        return lease

    def _read(self, connection: Connection) -> tuple[Holder, bool, object]:
        """Returns the holder, whether it has given the lease back or has certainly ended, and the connection. Names this
        connection, so that the holder can tell that a standby waits."""
        named = func.set_config("application_name", standby_name(self._name), False).label("named")
        row = dict(connection.execute(select(upkeep_tables.lease, named)).mappings().one())
        is_free = not row["holder"] or self._transactions.is_gone(connection, row["session"])
        return holder_of(row), is_free, connection.connection.driver_connection

    def _note(self, seen: Holder, connection: object, now: float) -> None:
        """Records a look. A ledger that is set back cuts the connection, or has an older number; one whose holder has proved its
        lease in it has every order that this holder dated, and those before it dated none since it took the ledger."""
        last, self._last = self._last, seen
        if last is None or connection is not self._connection or seen.epoch != last.epoch or seen.commits < last.commits:
            self._connection, self._held_since, self._is_complete = connection, now, False
        elif seen.commits > last.commits:
            self._is_complete = True
        if last is None or (seen.epoch, seen.commits) != (last.epoch, last.commits) or now - self._looked_at > _GAP_SECONDS:
            self._unmoved_since = now
        self._looked_at = now
        if seen.holder and seen.holder != self.holder:
            self.holder = seen.holder
            log.info("another process holds the ledger; this one waits as its standby", holder=seen.holder)


def _named(connection: Connection) -> tuple[str, object]:
    """Gives the connection the name of those of an active process; returns it, too."""
    name = connection.scalar(select(func.set_config("application_name", "marketflow", False)))
    return str(name), connection.connection.driver_connection
