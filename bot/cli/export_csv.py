"""`marketflow export FILE`: every execution in the ledger as CSV, amounts in full precision, times in UTC."""

import csv
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from bot.clock import SystemClock
from bot.settings.settings import Settings
from core.adapters.ledger.demo_location import ledger_to_read
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.private_files import open_private
from core.domain.errors import MarketFlowError
from core.domain.position import Execution

_BATCH = 5_000
COLUMNS = tuple(Execution.__dataclass_fields__)


async def export(settings: Settings, target: Path, say: Callable[[str], None], *, demo: bool = False) -> None:
    """Overwrites the file, from the ledger that `ledger_to_read` chooses. Raises MarketFlowError where
    ledger or file cannot be opened."""
    named = settings.database_url.get_secret_value() if "DATABASE_URL" in settings.given else None
    url, is_demo = ledger_to_read(named, demo=demo)
    ledger = await look_into_ledger(url, SystemClock())
    queries, count, position = LedgerQueries(ledger.reader), 0, 0
    try:
        with open_private(target) as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            while batch := await queries.executions_after(position, _BATCH):
                writer.writerows([_text(getattr(one, column)) for column in COLUMNS] for _, one in batch)
                count, position = count + len(batch), batch[-1][0]
    except OSError as error:
        raise MarketFlowError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        await ledger.close()
    say(f"{target}: {count} executions{' of the demo' if is_demo else ''}")


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(timespec="microseconds")
        case _:
            return str(value)
