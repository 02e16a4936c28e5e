"""The one writer: works that are ready together share one transaction, and each learns for certain whether it was written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from core.adapters.ledger.engines import Transactions, words
from core.adapters.ledger.lease import Lease
from core.adapters.ledger.one_request import commit
from core.adapters.ledger.row_batch import RowBatch, merged
from core.adapters.ledger.statements import statements_of
from core.adapters.ledger.transaction import Written, parts_if_new, write
from core.domain.errors import LeaseLost, LedgerSetBack, LedgerUnavailable, MessageKnown
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_ASK_AGAIN_SECONDS = 1.0
_TURNS = 2  # event loop turns after a group: a caller that was just answered may have its next write ready, to join the others


@dataclass(slots=True)
class _Work:
    batch: RowBatch
    done: asyncio.Future[Written]
    after: Callable[[Written], None]


class Writer:
    """Accepts works from anywhere in the event loop and writes them in order of arrival."""

    def __init__(self, transactions: Transactions, lease: Lease, clock: Clock) -> None:
        self._transactions = transactions
        self._lease = lease
        self._clock = clock
        self._statements = statements_of(transactions.dialect)
        self._ready: list[_Work] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.problem = ""
        """The database's last error, empty if it accepted the commit."""
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def write(self, batch: RowBatch, after: Callable[[Written], None]) -> Written:
        """Returns once `batch` are committed; `after` is called right then, in commit order. Raises LedgerUnavailable if nothing
        was written, LeaseLost if nothing ever will be. A caller that stops waiting changes nothing: the work is still written."""
        if self._closing:
            raise LedgerUnavailable("the ledger is closed")
        work = _Work(batch, asyncio.get_running_loop().create_future(), after)
        self._ready.append(work)
        self._wake.set()
        return await asyncio.shield(work.done)

    async def close(self) -> None:
        """Writes the waiting works, then ends."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while self._ready or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            group, self._ready = self._ready, []
            if group:
                await self._write_group(group)
                for _ in range(_TURNS):
                    await asyncio.sleep(0)

    async def _write_group(self, group: list[_Work]) -> None:
        try:
            written = await self._transaction(merged(work.batch for work in group))
        except LedgerUnavailable as error:
            if len(group) > 1:
                # One of them may be unwritable: the others must not fail with it.
                for work in group:
                    await self._write_group([work])
            else:
                _fail(group, error)
            return
        except LeaseLost as error:
            _fail(group, error)
            return
        for work in group:
            try:
                work.after(written)
            except Exception:
                log.exception("an observer of the ledger failed")
            work.done.set_result(written)

    async def _transaction(self, batch: RowBatch) -> Written:
        began, number = self._clock.monotonic(), self._lease.next_number()
        done: list[Written] = []

        def work(connection: Connection) -> None:
            if self._transactions.commits_in_one_request and (found := parts_if_new(self._statements, batch)) is not None:
                parts, written = found
                done.append(written)  # from here on it may be committed
                if commit(connection, [self._lease.part(number), *parts]):
                    return
                done.clear()
            self._lease.stamp(connection, number)
            done.append(write(connection, self._statements, batch))

        try:
            await self._transactions.run(work)
        except LeaseLost as error:
            self._lease.lost = True
            self.problem = "older than it was left" if isinstance(error, LedgerSetBack) else "held by another process"
            raise
        except MessageKnown:  # the ledger is well
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer must live: nobody else can write
            self.problem = words(error)
            log.error("a commit to the ledger failed", error=self.problem)
            # If the commit was sent and only its answer is missing, it may have been committed.
            if not (done and await self._was_committed(number)):
                raise LedgerUnavailable(f"the ledger cannot be written: {self.problem}") from None
            log.info("the commit succeeded after all", number=number)
        self._lease.proved(began, number)
        self.problem = ""
        return done[0]

    async def _was_committed(self, number: int) -> bool:
        """Retries until the answer is known: a wrong guess would lose a signal, or do something twice."""
        while True:
            try:
                return await self._lease.was_committed(number)
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - see `_transaction`
                self.problem = words(error)
                log.error("the last commit's outcome is unknown; asking again", error=self.problem)
                if self._closing:
                    raise LedgerUnavailable(f"the ledger cannot be reached: {self.problem}") from None
            await self._clock.sleep(_ASK_AGAIN_SECONDS)


def _fail(group: list[_Work], error: Exception) -> None:
    for work in group:
        work.done.set_exception(error)
        work.done.exception()  # the caller may be gone: then nobody else will retrieve it
