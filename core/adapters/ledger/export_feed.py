"""The history export's view of the executions, and its durable position: see `core.ports.ExportFeed`."""

from collections.abc import Sequence

from sqlalchemy import func, select

from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.row_batch import RowBatch
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import result_tables, upkeep_tables
from core.domain.position import Execution


class SqlExportFeed:
    """Reads executions by number. Numbers grow in commit order, because one connection writes them all: nothing can appear behind
    a position."""

    def __init__(self, ledger: SqlLedger, name: str) -> None:
        """Builds the feed of `name`, the owner of the position, e.g. `snowflake:RAW.EXECUTIONS`."""
        self._ledger = ledger
        self._name = name

    async def position(self) -> int:
        """See ExportFeed."""
        table = upkeep_tables.export_positions
        found = await self._ledger.reader.read(select(table.c.seq).where(table.c.name == self._name))
        return int(found[0]["seq"]) if found else 0

    async def after(self, position: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """See ExportFeed."""
        return await LedgerQueries(self._ledger.reader).executions_after(position, limit)

    async def count_after(self, position: int) -> int:
        """See ExportFeed."""
        table = result_tables.executions
        question = select(func.count().label("count")).select_from(table).where(table.c.seq > position)
        return int((await self._ledger.reader.read(question))[0]["count"])

    async def exported(self, position: int) -> None:
        """See ExportFeed."""
        await self._ledger.write(RowBatch({upkeep_tables.export_positions: [{"name": self._name, "seq": position}]}))
