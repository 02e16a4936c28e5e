"""A ledger of before is the same ledger after the steps that it lacked."""

from sqlalchemy import Connection, insert
from sqlalchemy.ext.asyncio import create_async_engine

from core.adapters.ledger import rows, tables
from core.adapters.ledger.analytics import LedgerAnalytics, Selection
from core.adapters.ledger.schema import upgrade
from core.ports import Changes
from tests.ledger.conftest import Reopen
from tests.ledger.values import performance, round_trips


async def test_results_by_symbol_are_made_of_the_executions_of_before(database_url: str, reopen: Reopen) -> None:
    executions = list(round_trips(400))
    before, since = executions[:300], executions[300:]

    def fill(connection: Connection) -> None:
        upgrade(connection, "0001")
        connection.execute(insert(tables.executions), [rows.execution_row(one) for one in before])

    old = create_async_engine(database_url)
    async with old.begin() as connection:
        await connection.run_sync(fill)
    await old.dispose()

    ledger = await reopen()
    await ledger.commit(Changes(executions=since))
    found = LedgerAnalytics(ledger.reader)
    assert await found.performance("symbol", Selection()) == performance("symbol", executions)
    assert await found.performance("signal_type", Selection()) == performance("signal_type", executions)
