"""`marketflow restore FILE`: puts a copy of the ledger back, once it was compared with the exchange.

Nothing is traded, and the copy's last holder stays who it was: the next start finds out by itself that it may not be alone, takes
over the orders that the copy lacks, and asks the exchange before it trades an old signal.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL

from bot.cli.reconcile import reconcile
from bot.clock import SystemClock
from bot.settings.settings import Settings
from core.adapters.ledger.copies import (
    Kind,
    kind_of_copy,
    kind_of_ledger,
    lay_beside,
    load_into,
    put_in_place,
    remove_with_its_own,
)
from core.adapters.ledger.engines import FileLock, files_of, parse_url
from core.adapters.ledger.opening import has_ledger, upgrade_unused
from core.domain.errors import LedgerInUse, LedgerUnavailable, MarketFlowError

Say = Callable[[str], None]


async def restore(settings: Settings, copy: Path, say: Say, progress: Say) -> None:
    """Puts `copy` in the place of the ledger of DATABASE_URL: of a SQLite file, which is kept beside, or into an empty PostgreSQL
    database. Says what the copy lacks. Raises MarketFlowError; then the ledger is as it was."""
    url = parse_url(settings.database_url.get_secret_value())
    ledger, found = kind_of_ledger(url), kind_of_copy(copy)
    if ledger is not found:
        raise MarketFlowError(f"{copy} is a copy of a ledger in {found}, and DATABASE_URL leads to {ledger}")
    agrees = await (_restore_file if ledger is Kind.SQLITE else _restore_database)(settings, url, copy, say, progress)
    if not agrees:
        say("The copy lacks these. The next start takes over the orders with the ledger's mark, and tells you, before it trades")
    say("Restored. Start MarketFlow with `marketflow run`; people and limits are those of the copy: look at /users and /risk")


async def _restore_file(settings: Settings, url: URL, copy: Path, say: Say, progress: Say) -> bool:
    ledger = files_of(url)[0]
    lock = FileLock(str(ledger))
    if not lock.take():
        raise LedgerInUse(f"MarketFlow is working on {ledger}: stop it first, and nothing is lost")
    beside = ledger.with_name(f"{ledger.name}.restoring")
    try:
        lay_beside(copy, beside)
        agrees = await _compared(settings, f"sqlite+aiosqlite:///{beside}", say, progress)
        kept_as = ledger.with_name(f"{ledger.name}.before-{SystemClock().now():%Y%m%dT%H%M%SZ}")
        was_there = ledger.exists()
        put_in_place(beside, ledger, kept_as)
    finally:
        remove_with_its_own(beside)
        lock.release()
    if was_there:
        say(f"The ledger of before is kept as {kept_as}")
    return agrees


async def _restore_database(settings: Settings, url: URL, copy: Path, say: Say, progress: Say) -> bool:
    address = settings.database_url.get_secret_value()
    if await has_ledger(address):
        raise LedgerUnavailable(
            f"the database {url.database} of DATABASE_URL holds a ledger, which is not written over: make an empty database "
            "(createdb), set DATABASE_URL to it, and let nothing use the old one any more"
        )
    load_into(url, copy)
    return await _compared(settings, address, say, progress)


async def _compared(settings: Settings, address: str, say: Say, progress: Say) -> bool:
    await upgrade_unused(address)
    of_copy = settings.model_copy(update={"database_url": SecretStr(address)})
    allowed = settings.symbols or frozenset({settings.symbol})  # what was traded since the copy may be unknown to it
    return await reconcile(of_copy, say, progress, also=allowed)
