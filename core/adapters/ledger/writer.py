"""The one writer: works that are ready together share one transaction, and each learns whether it was written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from core.adapters.ledger.engines import Transactions, words
from core.adapters.ledger.transaction import Statements, Written, write
from core.adapters.ledger.writes import Writes, merged
from core.domain.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

_TURNS = 2  # of the event loop after a group: who was just answered may have the next thing to write, to go with the others


@dataclass(slots=True)
class _Work:
    writes: Writes
    done: asyncio.Future[Written]
    after: Callable[[Written], None]


class Writer:
    """Takes works from anywhere in the event loop and writes them in the order they came."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._statements = Statements(transactions.dialect)
        self._ready: list[_Work] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.problem = ""
        """What the database said last time, empty when it took the commit."""
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def write(self, writes: Writes, after: Callable[[Written], None]) -> Written:
        """Returns once `writes` are committed; `after` is called right then, in the order of the commits. Raises
        LedgerUnavailable when nothing of them was. Who gives up waiting changes nothing: the work is written all the same."""
        if self._closing:
            raise LedgerUnavailable("the ledger is closed")
        work = _Work(writes, asyncio.get_running_loop().create_future(), after)
        self._ready.append(work)
        self._wake.set()
        return await asyncio.shield(work.done)

    async def close(self) -> None:
        """Writes what is waiting, then ends."""
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
            written = await self._transaction(merged(work.writes for work in group))
        except LedgerUnavailable as error:
            if len(group) == 1:
                group[0].done.set_exception(error)
                group[0].done.exception()  # whoever waited may be gone: then nobody else will look at it
                return
            # One of them may be poisonous: its neighbours must not suffer for it.
            for work in group:
                await self._write_group([work])
            return
        for work in group:
            try:
                work.after(written)
            except Exception:
                log.exception("an observer of the ledger failed")
            work.done.set_result(written)

    async def _transaction(self, writes: Writes) -> Written:
        try:
            written = await self._transactions.run(lambda connection: write(connection, self._statements, writes))
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer must live: nobody else can write
            self.problem = words(error)
            log.error("the ledger did not take a commit", error=self.problem)
            raise LedgerUnavailable(f"the ledger cannot be written: {self.problem}") from None
        self.problem = ""
        return written
